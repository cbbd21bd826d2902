#pragma once
/// A small house in a loop with the controller, one tick a second, with every delay, error and fault settable: what the
/// scenarios of this folder are told in.

#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "control/controller.hpp"

namespace sluice::control {

struct TestMiner {
  // what it tells
  Envelope envelope;
  MinerDynamics declared;
  // what it does
  double dead_s = 1.0, up_w_per_s = 40.0, down_w_per_s = 470.0, wake_s = 60.0, sleep_w = 25.0;
  double gain = 1.0;         ///< drawn / target
  double report_gain = 1.0;  ///< reported / drawn
  double answer_s = 0.4;     ///< decision → first byte → answer
  double write_every_s = 0;  ///< a command waits until so long after the one before
  // faults
  bool link_up = true;
  bool lose_commands = false, refuse_commands = false, ignore_sleep = false, does_nothing = false;
  IdentityVerdict identity = IdentityVerdict::accepted;
  bool pool_alive = true;
  double hash_share = 1.0;
  double temperature_c = 60.0;

  // state
  MinerState state = MinerState::running;
  double power_w = 0.0;
  double target_w = 0.0;
  double wake_began_s = 0.0;
  std::uint32_t reboots = 0;
  CommandRecord record;
  struct Order {
    double at_s;
    CommandKind kind;
    double target_w;
  };
  std::deque<Order> orders;
  int commands = 0;
  int starts = 0;

  void be_running(double target) {
    state = MinerState::running;
    target_w = target;
    power_w = target * gain;
  }
  void be_asleep() {
    state = MinerState::asleep;
    power_w = sleep_w;
    target_w = envelope.min.value();
  }
  void take(const MinerDecision& decision, double now_s);
  void advance(double from_s, double to_s);
  MinerObservation look(double now_s) const;
};

TestMiner luxos_target();    ///< 900…3250 W in steps of 5, fast down
TestMiner luxos_profile();   ///< steps of about 130 W
TestMiner vnish_throttle();  ///< 1 % of 3250 W, 15/30 s
TestMiner braiins();         ///< 10 W steps, 30/60 s, wake 180 s

class Loop {
 public:
  explicit Loop(std::vector<TestMiner> plants);

  Site site;
  PersistentState memory;  ///< of the time before
  std::vector<TestMiner> miners;
  std::function<double(double)> sun = [](double) { return 3000.0; };
  std::function<double(double)> load = [](double) { return 500.0; };
  double meter_age_s = 0.5;
  double noise_w = 0.0;
  // faults
  bool meter_dead = false, meter_frozen = false, meter_flipped = false;
  GridConnection connection = GridConnection::connected;
  // battery (off unless capacity > 0)
  double battery_capacity_wh = 0.0, soc_pct = 50.0, battery_max_w = 5000.0, battery_w = 0.0;
  bool battery_silent = false;
  bool shutting_down = false;
  bool park_all = false;
  double wall_step_s = 0.0;  ///< the system's date is wrong by this much
  bool wall_sane = true;

  /// Completes the snapshot with what this house does not know, before each step.
  std::function<void(Snapshot&)> add;

  /// Runs for `seconds` ticks; `each` is called after every tick.
  void run(int seconds, const std::function<void()>& each = {});

  double now_s() const { return now_s_; }
  double grid_w() const { return grid_w_; }
  double mining_w() const;
  int commands() const;
  const Decision& decision() const { return decision_; }
  Controller& controller();
  double imported_wh = 0.0, exported_wh = 0.0, mined_wh = 0.0;
  std::uint64_t decision_hash = 1469598103934665603ULL;  ///< FNV-1a over everything decided

 private:
  void physics(double to_s);
  Snapshot look();
  double random_w();

  std::unique_ptr<Controller> controller_;
  Decision decision_;
  double now_s_ = 100.0;
  double grid_w_ = 0.0;
  double battery_goal_w_ = 0.0;
  std::deque<std::pair<double, double>> grid_past_;
  double frozen_w_ = 0.0;
  double last_grid_reading_w_ = 0.0;
  MonoTime last_grid_at_{};
  std::uint64_t tick_ = 0;
  std::uint64_t random_ = 88172645463325252ULL;
};

}  // namespace sluice::control
