sluice_library(sluice_io_message SOURCES http_login.cpp message_device.cpp LIBS sluice_ports sluice_devices PRIVATE_LIBS PkgConfig::crypto)
