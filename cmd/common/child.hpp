#pragma once
/// A program that this one starts and never leaves behind.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace sluice::cmd {

class Child {
 public:
  /// Starts `command[0]` in a process group of its own, so that Ctrl-C reaches it only through `stop`, and so that it
  /// ends when this process dies. Standard error (and standard output, unless it is read with `read_line`) goes to
  /// `log_file`. Must be called before this process has threads.
  static Result<Child> start(const std::vector<std::string>& command, const std::string& log_file, bool read_output);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  /// Stops it if it still runs.
  ~Child();

  bool running();
  /// The next line of its standard output. Errors: `timeout`, `io` when it ended.
  Result<std::string> read_line(int timeout_ms);
  void send_signal(int signal);
  /// Its exit code, or 128 + the signal that ended it. Errors: `timeout`.
  Result<int> wait(int timeout_ms);
  /// SIGTERM, and SIGKILL when it has not ended by then.
  void stop(int patience_ms);

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  pid_t pid_ = -1;
  int output_ = -1;
  std::string unread_;
};

}  // namespace sluice::cmd
