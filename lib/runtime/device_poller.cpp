#include "runtime/device_poller.hpp"

#include <algorithm>

namespace sluice::runtime {
namespace {

// A grid meter that comes back must be seen long before its miners would be parked (30 s). How gently a dead device is
// reconnected is the transport's business.
constexpr Duration kLongestBackOff = std::chrono::seconds(5);

constexpr const char* kLost = "device_lost";
constexpr auto kSwitchOn = static_cast<std::size_t>(Measurement::switch_on);

std::shared_ptr<DeviceReport> with_values(const DeviceReport& before, ports::DevicePoll poll) {
  auto report = std::make_shared<DeviceReport>(before);
  report->values = {};
  report->offered = {};
  for (const ports::Measured& measured : poll.values) {
    const auto index = static_cast<std::size_t>(measured.what);
    report->offered[index] = true;
    if (measured.value) report->values[index] = Reading<double>::good(*measured.value, poll.at);
  }
  report->tried = report->known = report->up = true;
  report->trouble.clear();
  report->last = std::make_shared<const ports::DevicePoll>(std::move(poll));
  return report;
}

}  // namespace

bool DeviceReport::has_role(DeviceRole role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

DevicePoller::DevicePoller(std::vector<PolledDevice> devices, const ports::Clock& clock, Announcer& announcer,
                           std::function<void()> on_grid)
    : clock_(clock), announcer_(announcer), on_grid_(std::move(on_grid)) {
  for (PolledDevice& device : devices) {
    auto report = std::make_shared<DeviceReport>();
    report->name = device.device->name();
    report->roles = device.roles;
    device.interval = std::max(device.interval, device.device->spacing());
    std::unique_ptr<BatteryHold> hold;
    if (device.hold) hold = std::make_unique<BatteryHold>(report->name, *device.hold, clock_, announcer_);
    std::unique_ptr<PowerOrder> power;
    if (device.device->can_switch()) power = std::make_unique<PowerOrder>(report->name, clock_, announcer_);
    entries_.push_back(
        {std::move(device), clock_.now(), Duration{}, std::move(report), std::move(hold), std::move(power)});
  }
}

std::shared_ptr<const DeviceReport> DevicePoller::report(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return entries_[index].report;
}

void DevicePoller::publish(Entry& entry, std::shared_ptr<const DeviceReport> report) {
  const std::lock_guard lock(mutex_);
  entry.report = std::move(report);
}

void DevicePoller::poll(Entry& entry) {
  const MonoTime started = clock_.now();
  Result<ports::DevicePoll> answer = entry.what.device->poll();
  if (!answer && answer.error().kind == ErrorKind::cancelled) return;
  const MonoTime now = clock_.now();
  if (!answer) {
    auto report = std::make_shared<DeviceReport>(*entry.report);
    report->tried = true;
    report->up = false;
    report->trouble = answer.error().text;
    publish(entry, report);
    announcer_.raise(ports::EventLevel::warning, kLost, report->name, "does not answer: " + report->trouble);
    entry.back_off =
        std::clamp(2 * entry.back_off, entry.what.interval, std::max(entry.what.interval, kLongestBackOff));
    entry.due = now + entry.back_off;
    return;
  }
  auto report = with_values(*entry.report, std::move(*answer));
  report->identity = entry.what.device->identity();
  const bool measures_grid = (report->has_role(DeviceRole::grid) || report->has_role(DeviceRole::hybrid)) &&
                             (*report)[Measurement::grid_w].usable();
  publish(entry, report);
  announcer_.clear(kLost, report->name, "answers again");
  entry.back_off = Duration{};
  // A steady beat, so that readings do not drift apart; a beat that was missed is not made up for.
  entry.due = std::max(entry.due + entry.what.interval, started + entry.what.interval / 2);
  if (measures_grid && on_grid_) on_grid_();
}

void DevicePoller::want_hold(bool hold, const Reading<Watts>& battery) {
  bool news = false;
  for (Entry& entry : entries_) news = (entry.hold && entry.hold->want(hold, battery)) || news;
  if (news) come_now();
}

void DevicePoller::come_now() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

bool DevicePoller::leave_batteries(bool leaving) {
  bool held = false;
  for (Entry& entry : entries_) held = (entry.hold && entry.hold->leave(leaving)) || held;
  if (held) come_now();
  return held;
}

bool DevicePoller::hold_unavailable() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return entry.hold && entry.hold->unavailable(); });
}

bool DevicePoller::all_free() const {
  return std::ranges::all_of(entries_, [](const Entry& entry) { return !entry.hold || entry.hold->free(); });
}

PowerOrder* DevicePoller::power_of(const std::string& device) const {
  const auto named = std::ranges::find(entries_, device, [](const Entry& entry) { return entry.what.device->name(); });
  return named == entries_.end() ? nullptr : named->power.get();
}

void DevicePoller::want_power(const std::string& device, SwitchOrder order) {
  PowerOrder* power = power_of(device);
  if (power != nullptr && power->want(order)) come_now();
}

bool DevicePoller::leave_on(const std::string& device, bool leaving) {
  PowerOrder* power = power_of(device);
  const bool waits = power != nullptr && power->leave_on(leaving);
  if (waits) come_now();
  return waits;
}

std::optional<bool> DevicePoller::is_on(const std::string& device) const {
  const PowerOrder* power = power_of(device);
  return power == nullptr ? std::nullopt : std::optional(power->on());
}

MonoTime DevicePoller::run_once() {
  MonoTime told = MonoTime::max();
  for (Entry& entry : entries_) {
    if (entry.hold) told = std::min(told, entry.hold->serve(*entry.what.device));
    if (!entry.power) continue;
    bool ordered = false;
    const Reading<double> seen = report(static_cast<std::size_t>(&entry - entries_.data()))->values[kSwitchOn];
    told = std::min(told, entry.power->serve(*entry.what.device, seen, ordered));
    if (ordered) entry.due = clock_.now();  // its word from before no longer counts
  }
  const auto earlier = [](const Entry& a, const Entry& b) { return a.due < b.due; };
  const auto next = std::min_element(entries_.begin(), entries_.end(), earlier);
  if (next == entries_.end()) return MonoTime::max();
  if (next->due <= clock_.now()) poll(*next);
  return std::min(told, std::min_element(entries_.begin(), entries_.end(), earlier)->due);
}

void DevicePoller::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !entries_.empty()) {
    lock.unlock();
    const MonoTime due = run_once();
    lock.lock();
    if (!stopping_ && !asked_ && due > clock_.now()) clock_.wait_until(lock, wake_, due);
    asked_ = false;
  }
}

void DevicePoller::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (Entry& entry : entries_) entry.what.device->cancel();
}

}  // namespace sluice::runtime
