sluice_library(sluice_io_log SOURCES log_sink.cpp LIBS sluice_ports Threads::Threads)
