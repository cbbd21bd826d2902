#pragma once
/// Telling the owner: a program that gets the event as JSON on its standard input, or a web hook that gets it POSTed.
/// The JSON: `{"time_unix_ms", "level", "code", "subject", "text", "cleared"}`; an empty `subject` is the site.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"

namespace sluice::io {

/// One way to the owner. `deliver` is called by one thread, and never waits longer than its own limit.
class NotifyChannel {
 public:
  virtual ~NotifyChannel() = default;
  virtual Result<void> deliver(const std::string& json) = 0;
  /// Ends a running `deliver` within 100 ms. From any thread.
  virtual void cancel() = 0;
};

/// What one event looks like to a program or a web hook.
std::string event_json(const ports::Event& event);

/// Thread-safe. `notify` returns at once; one event at a time is delivered by a thread of its own, in order. An event
/// with the code and subject of an earlier one is not repeated within an hour unless that one was cleared. What cannot
/// be delivered is logged and not tried again.
class QueuedNotifier final : public ports::Notifier {
 public:
  static constexpr Duration kRepeatAfter = std::chrono::hours(1);
  /// Events that may wait; the oldest is dropped, and that is logged.
  static constexpr std::size_t kQueueMax = 64;

  /// `clock` and `log` must outlive the notifier.
  QueuedNotifier(std::vector<std::unique_ptr<NotifyChannel>> channels, const ports::Clock& clock, Log& log);
  /// Ends a running delivery; what still waits is dropped.
  ~QueuedNotifier() override;
  void notify(const ports::Event& event) override;

 private:
  using Condition = std::pair<std::string, std::string>;  ///< code and subject

  bool is_repetition(const ports::Event& event);
  void run();

  std::vector<std::unique_ptr<NotifyChannel>> channels_;
  const ports::Clock& clock_;
  Log& log_;

  std::mutex mutex_;  ///< guards everything below
  std::condition_variable wake_;
  std::deque<ports::Event> queue_;
  std::map<Condition, MonoTime> told_;
  bool stopping_ = false;

  std::thread thread_;
};

/// Where events go; empty = not wanted.
struct NotifyTargets {
  std::string exec;     ///< absolute path of a program, without arguments
  std::string webhook;  ///< `http://` or `https://` URL
};

/// Errors: `invalid` when a target cannot work whatever happens (relative path, URL that is none).
Result<std::unique_ptr<ports::Notifier>> make_notifier(const NotifyTargets& targets, const ports::Clock& clock,
                                                       Log& log);

}  // namespace sluice::io
