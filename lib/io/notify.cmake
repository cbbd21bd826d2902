sluice_library(sluice_io_notify
  SOURCES notify.cpp notify_exec.cpp notify_webhook.cpp
  LIBS sluice_ports
  PRIVATE_LIBS nlohmann_json::nlohmann_json sluice_io_web Threads::Threads)
