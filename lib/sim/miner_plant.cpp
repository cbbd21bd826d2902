#include "sim/miner_plant.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::sim {
namespace {

// A wake spends this share of its time at constant draw while chips are enumerated, the rest rising to minimum power.
constexpr double kInitialisingShare = 0.6;

Duration share(Duration whole, double part) { return from_seconds(to_seconds(whole) * part); }

}  // namespace

MinerPlant::MinerPlant(PlantSpec spec, PlantErrors errors, StartState start, Watts target)
    : spec_(std::move(spec)), errors_(errors), random_(errors.seed) {
  assert(spec_.envelope.known());
  target_ = spec_.envelope.floor(target);
  if (start == StartState::running) {
    phase_ = Phase::running;
    hold(biased(target_), Duration::max());
  } else {
    enter(Phase::asleep);
  }
  schedule_reboot();
}

void MinerPlant::schedule_reboot() {
  if (errors_.mean_reboot_gap <= Duration{}) return;
  next_reboot_ = now_ + share(errors_.mean_reboot_gap, random_.uniform(0.5, 1.5));
}

void MinerPlant::accept(CommandKind kind, Watts target, Duration transit) {
  ++commands_;
  if (!booted()) return;  // nobody listens
  if (errors_.command_loss > 0.0 && random_.uniform() < errors_.command_loss) return;
  Command command{kind, target, now_ + transit + spec_.dynamics.dead_time};
  if (!pending_.empty()) command.due = std::max(command.due, pending_.back().due);  // none overtakes another
  if (pending_.full()) {
    pending_.back() = command;
  } else {
    pending_.push_back(command);
  }
  move_to(now_);  // a plant without dead time obeys at once
}

void MinerPlant::set_target(Watts target, Duration transit) { accept(CommandKind::target, target, transit); }
void MinerPlant::sleep(Duration transit) { accept(CommandKind::sleep, Watts(0.0), transit); }
void MinerPlant::wake(Duration transit) { accept(CommandKind::wake, Watts(0.0), transit); }

void MinerPlant::reboot() {
  ++reboots_;
  was_awake_ = (awake() && phase_ != Phase::stopping && !sleep_after_wake_) || (phase_ == Phase::booting && was_awake_);
  pending_.clear();
  enter(Phase::booting);
}

void MinerPlant::set_power(bool on) {
  if (on == powered()) return;
  pending_.clear();
  sleep_after_wake_ = false;
  was_awake_ = spec_.wakes_with_power;
  enter(on ? Phase::booting : Phase::unpowered);
}

void MinerPlant::advance(Duration dt) {
  assert(dt >= Duration{});
  move_to(now_ + dt);
}

void MinerPlant::move_to(Duration time) {
  while (true) {
    const Duration due = pending_.empty() ? Duration::max() : pending_[0].due;
    const Duration event = std::min({end_, due, next_reboot_});
    account_until(std::min(event, time));
    if (event > time) return;
    if (event == end_) {
      finish_segment();
    } else if (event == due) {
      const Command command = pending_[0];
      std::move(pending_.begin() + 1, pending_.end(), pending_.begin());
      pending_.resize(pending_.size() - 1);
      execute(command);
    } else {
      if (powered()) reboot();
      schedule_reboot();
    }
  }
}

void MinerPlant::account_until(Duration time) {
  const Watts before = power();
  const Duration elapsed = time - now_;
  now_ = time;
  const WattHours drawn = 0.5 * (before + power()) * elapsed;
  energy_ += drawn;
  if (awake()) awake_energy_ += drawn;
  if (phase_ == Phase::running) running_energy_ += drawn;
}

void MinerPlant::execute(const Command& command) {
  const bool waking = phase_ == Phase::initialising || phase_ == Phase::rising;
  switch (command.kind) {
    case CommandKind::target:
      target_ = spec_.envelope.floor(command.target);
      if (phase_ == Phase::running) follow_target();
      break;
    case CommandKind::sleep:
      if (phase_ == Phase::running) enter(Phase::stopping);
      if (waking) sleep_after_wake_ = true;
      break;
    case CommandKind::wake:
      if (phase_ == Phase::asleep || phase_ == Phase::stopping) enter(Phase::initialising);
      if (waking) sleep_after_wake_ = false;
      break;
    case CommandKind::none:
      break;
  }
}

void MinerPlant::enter(Phase phase) {
  phase_ = phase;
  switch (phase) {
    case Phase::asleep:
      hold(spec_.dynamics.sleep_power, Duration::max());
      break;
    case Phase::initialising:
      ++starts_;
      sleep_after_wake_ = false;
      hold(min(spec_.dynamics.sleep_power + spec_.wake_extra, spec_.envelope.min),
           share(spec_.dynamics.wake, kInitialisingShare));
      break;
    case Phase::rising:
      ramp(biased(spec_.envelope.min), share(spec_.dynamics.wake, 1.0 - kInitialisingShare));
      break;
    case Phase::running:
      running_since_ = now_;
      follow_target();
      if (sleep_after_wake_) enter(Phase::stopping);
      break;
    case Phase::stopping:
      ramp(spec_.dynamics.sleep_power, share(spec_.stop, power() / spec_.envelope.max));
      break;
    case Phase::booting:
      hold(spec_.dynamics.sleep_power, spec_.boot);
      break;
    case Phase::unpowered:
      hold(Watts(0.0), Duration::max());
      break;
  }
}

void MinerPlant::finish_segment() {
  switch (phase_) {
    case Phase::initialising:
      enter(Phase::rising);
      break;
    case Phase::rising:
      enter(Phase::running);
      break;
    case Phase::stopping:
      enter(Phase::asleep);
      break;
    case Phase::booting:
      enter(was_awake_ ? Phase::initialising : Phase::asleep);
      break;
    case Phase::asleep:
    case Phase::running:
    case Phase::unpowered:
      hold(to_, Duration::max());
      break;
  }
}

void MinerPlant::follow_target() {
  const Watts goal = biased(target_);
  const Watts span = spec_.envelope.max - spec_.envelope.min;
  const Duration full = goal > power() ? spec_.dynamics.ramp_up : spec_.dynamics.ramp_down;
  ramp(goal, span > Watts(0.0) ? share(full, abs(goal - power()) / span) : Duration{});
}

void MinerPlant::hold(Watts power, Duration time) {
  from_ = to_ = power;
  begin_ = now_;
  end_ = time == Duration::max() ? time : now_ + time;
}

void MinerPlant::ramp(Watts goal, Duration time) {
  from_ = power();
  to_ = goal;
  begin_ = now_;
  end_ = now_ + time;
}

Watts MinerPlant::biased(Watts target) const { return target * (1.0 + errors_.setpoint_bias); }

Watts MinerPlant::power() const {
  if (now_ >= end_ || from_ == to_) return to_;
  return from_ + (to_ - from_) * (to_seconds(now_ - begin_) / to_seconds(end_ - begin_));
}

Watts MinerPlant::reported_power() const { return power() * (1.0 + errors_.report_bias); }

Watts MinerPlant::settled_power() const {
  if (!powered()) return Watts(0.0);
  const bool off = phase_ == Phase::asleep || phase_ == Phase::stopping || sleep_after_wake_ ||
                   (phase_ == Phase::booting && !was_awake_);
  return off ? spec_.dynamics.sleep_power : biased(target_);
}

MinerState MinerPlant::state() const {
  switch (phase_) {
    case Phase::asleep:
      return MinerState::asleep;
    case Phase::initialising:
    case Phase::rising:
      return MinerState::waking;
    case Phase::running:
      return MinerState::running;
    case Phase::stopping:
      return MinerState::stopping;
    case Phase::booting:
    case Phase::unpowered:
      break;
  }
  return MinerState::unknown;
}

TeraHashes MinerPlant::hashrate() const { return phase_ == Phase::running ? spec_.hashrate(power()) : TeraHashes(0.0); }

Duration MinerPlant::uptime() const { return phase_ == Phase::running ? now_ - running_since_ : Duration{}; }

}  // namespace sluice::sim
