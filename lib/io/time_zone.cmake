sluice_library(sluice_io_time_zone SOURCES time_zone.cpp LIBS sluice_tariff PRIVATE_LIBS date::date-tz)
