#pragma once
/// A miner without physics: every command takes effect at once. What an adapter and an emulated firmware do to it is
/// all that can be seen here.

#include <algorithm>
#include <mutex>

#include "house/miner_door.hpp"

namespace sluice::conformance {

class BenchMiner final : public house::MinerDoor {
 public:
  BenchMiner() {
    for (double watts = 900; watts <= 3250; watts += 235) {
      levels_.push_back({Watts(watts), TeraHashes(watts / 27.0)});
    }
  }
  house::MinerFace face() const override { return {"Antminer S19", "aa:bb:cc:00:11:22", "SN-0001", "bench"}; }
  house::MinerView view() const override {
    const std::lock_guard lock(mutex_);
    house::MinerView view;
    view.state = asleep_ ? MinerState::asleep : MinerState::running;
    view.power = view.reported_power = asleep_ ? Watts(25) : target_;
    view.target = target_;
    view.min_target = levels_.front().power;
    view.max_target = levels_.back().power;
    view.target_step = Watts(5);
    view.levels = levels_;
    view.nominal_hashrate = TeraHashes(target_.value() / 27.0);
    view.hashrate = asleep_ ? TeraHashes(0) : view.nominal_hashrate;
    view.max_hashrate = levels_.back().hashrate;
    view.uptime = std::chrono::hours(1);
    view.booted = booted_;
    return view;
  }
  house::MinerFaults faults() const override {
    const std::lock_guard lock(mutex_);
    return faults_;
  }
  void set_target(Watts target) override {
    const std::lock_guard lock(mutex_);
    target_ = target;
  }
  void sleep() override {
    const std::lock_guard lock(mutex_);
    asleep_ = true;
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
  }
  void reboot() override { set_booted(false); }

  void set_booted(bool booted) {
    const std::lock_guard lock(mutex_);
    booted_ = booted;
  }
  void inject(const house::MinerFaults& faults) {
    const std::lock_guard lock(mutex_);
    faults_ = faults;
  }
  bool asleep() const { return view().state == MinerState::asleep; }
  Watts target() const { return view().target; }

 private:
  mutable std::mutex mutex_;
  std::vector<house::MinerLevel> levels_;
  Watts target_{1605};
  bool asleep_ = false;
  bool booted_ = true;
  house::MinerFaults faults_;
};

}  // namespace sluice::conformance
