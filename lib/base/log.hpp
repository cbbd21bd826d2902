#pragma once
/// The log as a port: one object, made in `cmd`, handed in through constructors. Writing never blocks the caller on
/// disk or network for long enough to matter; the tick relies on that.

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace sluice {

enum class LogLevel { debug, info, warning, error };

/// Thread-safe. Implementations: `io/log_sink.hpp` (journal or terminal), `NullLog`, and recording ones in tests.
class Log {
 public:
  virtual ~Log() = default;
  /// One line. `component` is a short stable name such as `modbus` or `miner s19`.
  virtual void write(LogLevel level, std::string_view component, std::string_view text) = 0;

  template <class... Args>
  void debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::debug, component, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::info, component, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::warning, component, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::error, component, fmt::format(format, std::forward<Args>(args)...));
  }
};

/// Throws everything away.
class NullLog final : public Log {
 public:
  void write(LogLevel level, std::string_view component, std::string_view text) override;
};

/// `debug`, `info`, `warning`, `error`.
std::string_view to_string(LogLevel level);

}  // namespace sluice
