#include "control/twin.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

// A waking miner idles its boards for 60 % of the wake time, 40 W above standby, then rises to its minimum.
constexpr double kWakeIdleShare = 0.6;
constexpr double kWakeIdleExtraW = 40.0;
constexpr double kSaidAsleepS = 3.0;

// Slower than this is not a ramp. A rate that is wrong, or not a number, must not let a twin run away from its goal.
constexpr double kSlowestWPerS = 0.5;

double toward(double from, double to, double up, double down, double seconds) {
  up = up >= kSlowestWPerS ? up : kSlowestWPerS;
  down = down >= kSlowestWPerS ? down : kSlowestWPerS;
  return to > from ? std::min(to, from + up * seconds) : std::max(to, from - down * seconds);
}

double waking_power_w(const TwinDynamics& dynamics, double elapsed_s) {
  const double idle_s = kWakeIdleShare * dynamics.wake_s;
  const double idle_w = std::min(dynamics.sleep_w + kWakeIdleExtraW, dynamics.min_w);  // small ones need less
  if (elapsed_s <= idle_s || dynamics.wake_s <= idle_s) return idle_w;
  const double share = std::min(1.0, (elapsed_s - idle_s) / (dynamics.wake_s - idle_s));
  return idle_w + share * (dynamics.min_w - idle_w);
}

}  // namespace

void Twin::reset(MonoTime now, Mode mode, double power_w, const TwinDynamics& dynamics) {
  core_ = Core{};
  core_.time = now;
  core_.mode = mode;
  core_.power_w = power_w;
  core_.goal_w = power_w;
  core_.wake_began = now;
  dynamics_ = dynamics;
  before_ = core_;
  count_ = 0;
  newest_ = 0;
  note();
}

void Twin::run_at(MonoTime sent, double goal_w) { give(sent, Order::run, goal_w); }
void Twin::wake(MonoTime sent, double goal_w) { give(sent, Order::wake, goal_w); }
void Twin::sleep(MonoTime sent) { give(sent, Order::sleep, 0.0); }

double Twin::last_goal_w() const {
  if (!core_.pending.empty()) return core_.pending.back().goal_w;
  return core_.mode == Mode::asleep ? 0.0 : core_.goal_w;
}

void Twin::give(MonoTime sent, Order order, double goal_w) {
  const double dead_s = goal_w >= last_goal_w() ? dynamics_.dead_up_s : dynamics_.dead_down_s;
  Pending pending{sent + from_seconds(dead_s), order, goal_w};
  const MonoTime now = core_.time;
  if (pending.effective < now && before_.time < now) {
    // It was sent, and began to act, before the twin heard of it: go back one tick and live it again.
    core_ = before_;
    forget_after(core_.time);
  }
  pending.effective = std::max(pending.effective, core_.time);
  // The newest command is the one that counts: whatever would act later than it never will.
  while (!core_.pending.empty() && core_.pending.back().effective >= pending.effective) {
    core_.pending.resize(core_.pending.size() - 1);
  }
  if (core_.pending.full()) core_.pending.resize(core_.pending.size() - 1);
  core_.pending.push_back(pending);
  if (core_.time < now) {
    core_.advance(now, dynamics_);
    note();
  }
}

void Twin::seen_running() {
  if (core_.mode != Mode::waking && !(core_.mode == Mode::asleep && core_.pending.empty())) return;
  core_.mode = Mode::running;
  core_.power_w = std::max(core_.power_w, dynamics_.min_w);
  core_.goal_w = std::max(core_.goal_w, dynamics_.min_w);
  history_[newest_].power_w = core_.power_w;
}

void Twin::seen_waking(bool from_the_start) {
  if (core_.mode != Mode::running) return;
  core_.mode = Mode::waking;
  core_.wake_began = core_.time - (from_the_start ? Duration::zero() : from_seconds(dynamics_.wake_s));
  const double most_w = from_the_start ? dynamics_.sleep_w + kWakeIdleExtraW : dynamics_.min_w;
  core_.power_w = std::min(core_.power_w, most_w);
  history_[newest_].power_w = core_.power_w;
}

void Twin::seen_awake(MonoTime said, double most_w) {
  if (core_.mode != Mode::asleep || !core_.pending.empty() || core_.overdue) return;
  if (at(said) > dynamics_.sleep_w + kSettledW) return;
  core_.overdue = true;
  core_.power_w = std::max(core_.power_w, most_w);
  history_[newest_].power_w = core_.power_w;
}

void Twin::seen_asleep() {
  core_.mode = Mode::asleep;
  core_.overdue = false;
  core_.pending.clear();
  // Firmware may say so a little early, but not by long.
  const double left_w = std::fabs(core_.power_w - dynamics_.sleep_w);
  dynamics_.stop_w_per_s = std::max(dynamics_.stop_w_per_s, left_w / kSaidAsleepS);
}

void Twin::shift(double delta_w) {
  if (core_.mode != Mode::running) return;
  core_.power_w += delta_w;
  core_.goal_w += delta_w;
  if (before_.mode == Mode::running) {
    before_.power_w += delta_w;
    before_.goal_w += delta_w;
  }
  for (Sample& sample : history_) sample.power_w += delta_w;
}

void Twin::advance(MonoTime now) {
  if (now <= core_.time) return;
  before_ = core_;
  core_.advance(now, dynamics_);
  note();
}

void Twin::Core::advance(MonoTime to, const TwinDynamics& dynamics) {
  while (!pending.empty() && pending[0].effective <= to) {
    move(std::max(time, pending[0].effective), dynamics);
    apply(pending[0]);
    for (std::size_t i = 1; i < pending.size(); ++i) pending[i - 1] = pending[i];
    pending.resize(pending.size() - 1);
  }
  move(std::max(time, to), dynamics);
}

void Twin::Core::apply(const Pending& order) {
  switch (order.order) {
    case Order::sleep:
      mode = Mode::asleep;
      break;
    case Order::wake:
      goal_w = order.goal_w;
      overdue = false;
      if (mode == Mode::asleep) {
        mode = Mode::waking;
        wake_began = time;
      }
      break;
    case Order::run:
      goal_w = order.goal_w;  // while asleep or waking it is only remembered
      break;
  }
}

void Twin::Core::move(MonoTime to, const TwinDynamics& dynamics) {
  const double seconds = to_seconds(to - time);
  if (mode == Mode::waking) {
    const double elapsed_s = to_seconds(to - wake_began);
    if (elapsed_s < dynamics.wake_s) {
      power_w = std::max(waking_power_w(dynamics, elapsed_s),
                         std::min(power_w, dynamics.min_w) - dynamics.stop_w_per_s * seconds);
    } else {
      const double running_s = std::min(seconds, elapsed_s - dynamics.wake_s);
      mode = Mode::running;
      power_w = toward(dynamics.min_w, goal_w, dynamics.up_w_per_s, dynamics.down_w_per_s, running_s);
    }
  } else if (mode == Mode::running) {
    power_w = toward(power_w, goal_w, dynamics.up_w_per_s, dynamics.down_w_per_s, seconds);
  } else if (!overdue) {
    power_w = toward(power_w, dynamics.sleep_w, dynamics.stop_w_per_s, dynamics.stop_w_per_s, seconds);
  }
  time = to;
}

double Twin::at(MonoTime time) const {
  if (time >= core_.time) {
    if (time == core_.time) return core_.power_w;
    Core ahead = core_;
    ahead.advance(time, dynamics_);
    return ahead.power_w;
  }
  const Sample* later = &history_[newest_];
  for (std::size_t i = 1; i < count_; ++i) {
    const Sample& earlier = history_[(newest_ + kHistory - i) % kHistory];
    if (earlier.time <= time) {
      const double span = to_seconds(later->time - earlier.time);
      const double share = span > 0.0 ? to_seconds(time - earlier.time) / span : 1.0;
      return earlier.power_w + share * (later->power_w - earlier.power_w);
    }
    later = &earlier;
  }
  return later->power_w;
}

void Twin::forget_after(MonoTime time) {
  while (count_ > 0 && history_[newest_].time > time) {
    newest_ = (newest_ + kHistory - 1) % kHistory;
    --count_;
  }
}

void Twin::note() {
  if (count_ > 0) newest_ = (newest_ + 1) % kHistory;
  history_[newest_] = {core_.time, core_.power_w};
  count_ = std::min(count_ + 1, kHistory);
}

}  // namespace sluice::control
