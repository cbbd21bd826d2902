sluice_library(sluice_io_net SOURCES net.cpp net_http.cpp net_polite.cpp net_resolver.cpp net_socket.cpp LIBS sluice_ports)
