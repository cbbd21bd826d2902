#include "runtime/power_order.hpp"

#include <algorithm>
#include <utility>

namespace sluice::runtime {
namespace {

using std::chrono::seconds;

constexpr Duration kHeardFor = seconds(10);
// A switch is told once, and again only when its own word, which a poll brings, is still another one.
constexpr Duration kFirstPause = seconds(5), kLongestPause = seconds(60);
constexpr const char* kFailed = "power_switch_failed";
constexpr const char* kTold = "power_switch";

}  // namespace

PowerOrder::PowerOrder(std::string device, const ports::Clock& clock, Announcer& announcer)
    : device_(std::move(device)), clock_(clock), announcer_(announcer) {}

bool PowerOrder::want(SwitchOrder order) {
  const std::lock_guard lock(mutex_);
  const bool news = order != wanted_ && order != SwitchOrder::leave;
  if (order != wanted_) pause_ = {}, not_before_ = {};
  wanted_ = order;
  wanted_at_ = clock_.now();
  return news;
}

bool PowerOrder::leave_on(bool leaving) {
  const std::lock_guard lock(mutex_);
  leaving_ = leaving;
  pause_ = {};
  not_before_ = {};
  return leaving && ever_off_ && !on_;
}

bool PowerOrder::on() const {
  const std::lock_guard lock(mutex_);
  return on_;
}

MonoTime PowerOrder::serve(ports::Device& device, const Reading<double>& seen, bool& told) {
  SwitchOrder order = SwitchOrder::leave;
  {
    const std::lock_guard lock(mutex_);
    const MonoTime now = clock_.now();
    if (now - wanted_at_ < kHeardFor) order = wanted_;
    if (leaving_ && ever_off_) order = SwitchOrder::on;
    const bool known = seen.usable() && seen.at > told_at_;
    on_ = known && seen.value != 0.0;
    if (order == SwitchOrder::leave) return MonoTime::max();
    ever_off_ = ever_off_ || order == SwitchOrder::off;
    if (known && (seen.value != 0.0) == (order == SwitchOrder::on)) {
      pause_ = {};
      return MonoTime::max();
    }
    if (now < not_before_) return not_before_;
    pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
    not_before_ = now + pause_;
  }
  const bool on = order == SwitchOrder::on;
  const Result<void> answer = device.switch_power(on);
  if (!answer && answer.error().kind == ErrorKind::cancelled) return clock_.now() + kFirstPause;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = told_ != order;
    if (answer) told_ = order;
    told_at_ = clock_.now();
  }
  told = true;
  if (!answer) {
    announcer_.raise(ports::EventLevel::warning, kFailed, device_,
                     fmt::format("cannot be switched {}: {}", on ? "on" : "off", answer.error().text));
    return clock_.now() + kFirstPause;
  }
  announcer_.clear(kFailed, device_, "takes orders again");
  if (first) {
    announcer_.tell(ports::EventLevel::info, kTold, device_,
                    on ? "its miner gets power again" : "its miner is without power until it is worth a start");
  }
  return clock_.now() + kFirstPause;
}

}  // namespace sluice::runtime
