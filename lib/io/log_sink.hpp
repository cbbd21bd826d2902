#pragma once
/// The log's way out: lines on a file descriptor, written by a thread of its own, so that a full pipe or a slow journal
/// never holds up the tick.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.hpp"

namespace sluice::io {

/// Thread-safe. Lines that do not fit into the queue are dropped, and it says how many.
class LogSink final : public Log {
 public:
  struct Options {
    int fd = 2;                        ///< standard error
    bool journal = false;              ///< begin lines with the priority that systemd's journal understands: <4>
    LogLevel least = LogLevel::info;   ///< less important lines are not written
    std::size_t longest_queue = 1000;  ///< lines
  };
  explicit LogSink(Options options);
  /// Writes what is queued, for at most a second.
  ~LogSink() override;
  void write(LogLevel level, std::string_view component, std::string_view text) override;

 private:
  void run();

  const Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> queue_;  ///< guarded by mutex_
  std::uint64_t dropped_ = 0;      ///< guarded by mutex_
  bool stopping_ = false;          ///< guarded by mutex_
  std::thread thread_;             ///< last: starts when the rest is ready
};

/// `JOURNAL_STREAM` names the device and inode of the journal's socket; true when `fd` is that very socket.
bool is_journal(int fd, const char* journal_stream);

}  // namespace sluice::io
