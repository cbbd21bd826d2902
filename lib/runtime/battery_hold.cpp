#include "runtime/battery_hold.hpp"

#include <algorithm>
#include <utility>

namespace sluice::runtime {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kHeardFor = seconds(10);
// What remembers keeps it on flash: two writes in five minutes at most, whatever prices do.
constexpr Duration kRest = minutes(5);
constexpr Duration kReleaseAgain = seconds(5);
constexpr Duration kFirstPause = minutes(1), kLongestPause = hours(1);
// evcc looks every 30 s, inverters take seconds; what a battery uses for itself is far below 150 W.
constexpr Duration kTakesEffect = seconds(60), kIgnoredFor = seconds(30), kBatteryAge = seconds(10);
constexpr Watts kDischarges{150.0};

constexpr const char* kFailed = "battery_hold_failed";
constexpr const char* kIgnored = "battery_hold_ignored";
constexpr const char* kStuck = "battery_held";
constexpr const char* kTold = "battery_hold";

}  // namespace

BatteryHold::BatteryHold(std::string device, HoldPlan plan, const ports::Clock& clock, Announcer& announcer)
    : device_(std::move(device)), plan_(std::move(plan)), clock_(clock), announcer_(announcer), held_(plan_.held) {}

bool BatteryHold::seen_discharging(const Reading<Watts>& battery, MonoTime now) {
  const bool settled = told_ && now - *told_ > kTakesEffect;
  if (!settled || !battery.fresh(now, kBatteryAge) || battery.value < kDischarges) {
    discharging_since_.reset();
    return false;
  }
  if (!discharging_since_) discharging_since_ = now;
  return now - *discharging_since_ >= kIgnoredFor;
}

bool BatteryHold::want(bool hold, const Reading<Watts>& battery) {
  const MonoTime now = clock_.now();
  bool ignored = false, news = false, obeyed = false;
  {
    const std::lock_guard lock(mutex_);
    news = !asked_ || wanted_ != hold || now - wanted_at_ >= kHeardFor;
    asked_ = true;
    wanted_ = hold && plan_.allowed;
    wanted_at_ = now;
    ignored = seen_discharging(battery, now);
    obeyed = told_ && now - *told_ > kTakesEffect + kIgnoredFor && !discharging_since_;
    if (ignored) {
      wanted_ = false;
      unavailable_until_ = now + kLongestPause;
      told_.reset();
      discharging_since_.reset();
    }
  }
  if (ignored) {
    announcer_.raise(ports::EventLevel::alarm, kIgnored, device_,
                     "was told not to discharge and does: mining buys nothing that the battery would pay for; tried "
                     "again in an hour");
  }
  if (obeyed) announcer_.clear(kIgnored, device_, "its battery does not discharge while it is held");
  return news;
}

bool BatteryHold::unavailable() const {
  const std::lock_guard lock(mutex_);
  return plan_.allowed && clock_.now() < unavailable_until_;
}

bool BatteryHold::free() const {
  const std::lock_guard lock(mutex_);
  return !held_ && !telling_;
}

bool BatteryHold::leave(bool leaving) {
  const std::lock_guard lock(mutex_);
  leaving_ = leaving;
  // Who stays after all rests as after any release. Until then the miners need not stop for a moment without a hold.
  if (!leaving) unavailable_until_ = std::max(unavailable_until_, not_before_);
  return asked_ && (held_ || telling_);
}

bool BatteryHold::wanted(MonoTime now) const { return wanted_ && !leaving_ && now - wanted_at_ < kHeardFor; }

/// `next`: when to look again although nobody called.
bool BatteryHold::due(MonoTime now, MonoTime& next) const {
  next = MonoTime::max();
  if (!asked_) return false;
  const bool hold = wanted(now);
  if (hold && told_ && now < repeat_at_) {
    next = std::min(repeat_at_, wanted_at_ + kHeardFor);
    return false;
  }
  if (!hold && !held_) return false;
  next = not_before_;
  return now >= not_before_;
}

MonoTime BatteryHold::serve(ports::Device& device) {
  MonoTime next{};
  bool to_hold = false;
  {
    const std::lock_guard lock(mutex_);
    const MonoTime now = clock_.now();
    if (!due(now, next)) return next;
    to_hold = wanted(now);
    telling_ = true;
  }
  to_hold ? hold(device) : release(device);
  const std::lock_guard lock(mutex_);
  telling_ = false;
  due(clock_.now(), next);
  return next;
}

void BatteryHold::hold(ports::Device& device) {
  const auto keep = [this](const std::string& before) -> Result<void> {
    {
      const std::lock_guard lock(mutex_);
      if (held_) return {};  // told again: what stood there first still counts
    }
    if (auto kept = plan_.remember(before); !kept) return kept;
    const std::lock_guard lock(mutex_);
    held_ = before;
    return {};
  };
  const Result<void> told = device.hold_battery(keep);
  const Duration repeat = device.hold_repeat();
  if (told) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      const MonoTime now = clock_.now();
      first = !told_;
      if (first) told_ = now;
      repeat_at_ = repeat > Duration{} ? now + repeat : MonoTime::max();
      pause_ = {};
    }
    announcer_.clear(kFailed, device_, "the battery is held again");
    if (first) announcer_.tell(ports::EventLevel::info, kTold, device_, "the battery does not discharge");
    return;
  }
  if (told.error().kind == ErrorKind::cancelled) return;
  {
    const std::lock_guard lock(mutex_);
    told_.reset();
    pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
    not_before_ = clock_.now() + kReleaseAgain;
    unavailable_until_ = clock_.now() + pause_;
  }
  announcer_.raise(ports::EventLevel::warning, kFailed, device_,
                   "cannot keep its battery from discharging: mining buys nothing that the battery would pay for; " +
                       told.error().text);
}

void BatteryHold::release(ports::Device& device) {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = held_.value_or("");
  }
  Result<void> released = device.release_battery(before);
  // What cannot be forgotten would be released once more after a restart, which does no harm and is said.
  if (released) released = plan_.remember(std::nullopt);
  if (!released && released.error().kind == ErrorKind::cancelled) return;
  if (!released) {
    {
      const std::lock_guard lock(mutex_);
      not_before_ = clock_.now() + kReleaseAgain;
    }
    announcer_.raise(ports::EventLevel::warning, kStuck, device_,
                     "the battery cannot be released and does not discharge until it is; tried again every few "
                     "seconds; " +
                         released.error().text);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    held_.reset();
    told_.reset();
    not_before_ = clock_.now() + (device.hold_repeat() > Duration{} ? Duration{} : kRest);
    if (!leaving_) unavailable_until_ = std::max(unavailable_until_, not_before_);
  }
  announcer_.clear(kStuck, device_, "the battery is released");
  announcer_.tell(ports::EventLevel::info, kTold, device_, "the battery may discharge again");
}

}  // namespace sluice::runtime
