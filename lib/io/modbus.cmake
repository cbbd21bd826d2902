sluice_library(sluice_io_modbus SOURCES modbus_device.cpp modbus_tcp.cpp
  LIBS sluice_ports sluice_devices
  PRIVATE_LIBS sluice_io_net PkgConfig::modbus)
