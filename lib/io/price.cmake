sluice_library(sluice_io_price
  SOURCES hash_price.cpp price_service.cpp small_file.cpp
  LIBS sluice_ports sluice_feeds
  PRIVATE_LIBS sluice_io_net sluice_tariff)
sluice_library(sluice_io_web SOURCES web_client.cpp LIBS sluice_ports PRIVATE_LIBS PkgConfig::httplib Threads::Threads)
