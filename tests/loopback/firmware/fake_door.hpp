#pragma once
/// A miner of a few lines behind the door, and a clock that a test moves: no physics, every command takes effect at
/// once.

#include <atomic>
#include <mutex>

#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

class FakeDoor final : public MinerDoor {
 public:
  FakeDoor() {
    view_.power = view_.reported_power = Watts(1051.0);
    view_.target = Watts(1188.0);
    view_.min_target = Watts(784.0);
    view_.max_target = Watts(2794.0);
    view_.hashrate = view_.nominal_hashrate = TeraHashes(59.8);
    view_.max_hashrate = TeraHashes(121.8);
    view_.uptime = std::chrono::hours(2);
    face_ = {"Antminer S19k Pro", "02:00:00:00:10:01", "HOUSE0001", "house-miner"};
  }
  MinerFace face() const override { return copy_of(face_); }
  MinerView view() const override { return copy_of(view_); }
  MinerFaults faults() const override { return copy_of(faults_); }
  void set_target(Watts target) override {
    change([target](MinerView& view) { view.target = target; });
  }
  void sleep() override {
    ++sleeps_;
    change([](MinerView& view) {
      view.state = MinerState::asleep;
      view.hashrate = TeraHashes(0.0);
      view.reported_power = Watts(20.0);
    });
  }
  void wake() override {
    change([](MinerView& view) { view.state = MinerState::running; });
  }
  void reboot() override {
    change([](MinerView& view) { view.booted = false; });
  }

  int sleeps() const { return sleeps_; }
  /// The test's hand on the miner.
  template <class Change>
  void change(Change change) {
    const std::scoped_lock lock(mutex_);
    change(view_);
  }
  template <class Change>
  void break_with(Change change) {
    const std::scoped_lock lock(mutex_);
    change(faults_);
  }
  void name(const MinerFace& face) {
    const std::scoped_lock lock(mutex_);
    face_ = face;
  }

 private:
  template <class T>
  T copy_of(const T& value) const {
    const std::scoped_lock lock(mutex_);
    return value;
  }

  std::atomic<int> sleeps_ = 0;
  mutable std::mutex mutex_;
  MinerFace face_;
  MinerView view_;
  MinerFaults faults_;
};

class ManualClock final : public ports::Clock {
 public:
  MonoTime now() const override { return MonoTime(Duration(elapsed_ns_.load())); }
  WallTime wall_now() const override { return from_unix_ms(1760000000000) + now().time_since_epoch(); }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition, MonoTime) const override {
    condition.wait(lock);
  }
  void advance(Duration by) { elapsed_ns_ += by.count(); }

 private:
  std::atomic<Duration::rep> elapsed_ns_{3'600'000'000'000};
};

}  // namespace sluice::house
