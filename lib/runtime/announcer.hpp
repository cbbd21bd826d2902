#pragma once
/// Says what happened, once: to the log, to history, and (alarms) to the owner. A condition that lasts is raised when
/// it begins and cleared when it ends, never repeated in between.

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"

namespace sluice::runtime {

/// Thread-safe. Queues and returns at once, as its recipients do.
class Announcer {
 public:
  /// All must outlive the announcer.
  Announcer(const ports::Clock& clock, Log& log, ports::Recorder& recorder, ports::Notifier& notifier)
      : clock_(clock), log_(log), recorder_(recorder), notifier_(notifier) {}

  /// Something that happened and is over.
  void tell(ports::EventLevel level, std::string_view code, std::string_view subject, std::string_view text);
  /// A condition begins. Nothing is said while the same code of the same subject is raised already.
  void raise(ports::EventLevel level, std::string_view code, std::string_view subject, std::string_view text);
  /// The condition ends. Nothing is said when it was not raised.
  void clear(std::string_view code, std::string_view subject, std::string_view text);

 private:
  void send(ports::Event event);

  const ports::Clock& clock_;
  Log& log_;
  ports::Recorder& recorder_;
  ports::Notifier& notifier_;
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> raised_;  ///< (code, subject)
};

}  // namespace sluice::runtime
