#include "runtime/announcer.hpp"

namespace sluice::runtime {
namespace {

LogLevel log_level(const ports::Event& event) {
  return event.cleared || event.level == ports::EventLevel::info ? LogLevel::info : LogLevel::warning;
}

}  // namespace

void Announcer::tell(ports::EventLevel level, std::string_view code, std::string_view subject, std::string_view text) {
  send({clock_.wall_now(), level, std::string(code), std::string(subject), std::string(text), false});
}

void Announcer::raise(ports::EventLevel level, std::string_view code, std::string_view subject, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (!raised_.emplace(code, subject).second) return;
  }
  tell(level, code, subject, text);
}

void Announcer::clear(std::string_view code, std::string_view subject, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (raised_.erase({std::string(code), std::string(subject)}) == 0) return;
  }
  send({clock_.wall_now(), ports::EventLevel::info, std::string(code), std::string(subject), std::string(text), true});
}

void Announcer::send(ports::Event event) {
  log_.write(log_level(event), event.subject.empty() ? "site" : event.subject, event.text);
  // The end of an alarm is news for the owner too; other good news is not.
  if (event.level == ports::EventLevel::alarm || event.cleared) notifier_.notify(event);
  recorder_.record(std::move(event));
}

}  // namespace sluice::runtime
