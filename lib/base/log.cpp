#include "base/log.hpp"

namespace sluice {

void NullLog::write(LogLevel /*level*/, std::string_view /*component*/, std::string_view /*text*/) {}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

}  // namespace sluice
