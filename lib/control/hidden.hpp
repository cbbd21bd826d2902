#pragma once
/// Sun that no meter shows: a limiter throttles the panels so that nothing is fed in, and the grid reading stays at the
/// limiter's set-point whatever the sun could give. More load releases it. So a little more is drawn than is proven,
/// and the panels answer: they rise with the miners while the grid stays where it is, or the house begins to import.
///
/// One number comes out, the watts to add to what the meter shows. It is nothing where no limit is declared and no
/// device says that it is throttled.

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.hpp"

namespace sluice::control {

/// What is seen of the house in one tick, in watts.
struct HiddenSight {
  MonoTime now{};
  double dt_s = 1.0;
  double short_w = 0.0;    ///< import and battery discharge: a battery hides a failed probe from the grid meter
  double surplus_w = 0.0;  ///< S as the meters show it
  double drawn_w = 0.0;    ///< what surplus-driven miners draw, at the grid reading's time
  double pv_w = 0.0;
  std::optional<double> potential_w;  ///< what the panels could give, as a sensor or the inverter tells
  bool limited = false;               ///< feed-in is limited by the owner's word, or a device says that it throttles
  double limit_w = 0.0;               ///< what may be fed in
  bool releasable = false;            ///< more load would release it: readable, not at the inverter's rating,
                                      ///< and no battery that still takes what is left over
  double grid_target_w = 0.0;
  bool settled = false;       ///< the miners' last commands have taken effect
  bool can_raise = false;     ///< a running miner has room above it
  double least_step_w = 0.0;  ///< a smaller raise would be rounded away
  double start_w = 0.0;       ///< what must be available for the next miner to start; 0 = none may
};

class HiddenSurplus {
 public:
  /// Every tick while the readings are trusted; returns the watts to add to what is available, ≥ 0.
  double look(const HiddenSight& sight);
  /// The readings are not trusted: nothing is believed, and a probe under way proves nothing.
  void interrupt();

  /// More is drawn, or about to be, than was ever proven.
  bool probing() const { return level_ && unproven_; }
  /// The panels answer in the meter's place: what is seen now teaches nothing of the miners.
  bool throttled() const { return throttled_; }

 private:
  struct Look {
    double short_w = 0.0, surplus_w = 0.0, pv_w = 0.0;
  };
  const Look& ago(std::size_t ticks) const { return looks_[(newest_ + kLooks - ticks) % kLooks]; }
  void note(const HiddenSight& sight);
  bool steady(double& mean_w) const;
  void find_rest(const HiddenSight& sight);
  double step_w(const HiddenSight& sight) const;
  void look_for_end(const HiddenSight& sight);
  void judge(const HiddenSight& sight);
  void begin(const HiddenSight& sight, double level_w);
  void succeed(const HiddenSight& sight);
  void fail(const HiddenSight& sight);
  void raise(const HiddenSight& sight);
  void use_sensor(const HiddenSight& sight);

  static constexpr std::size_t kLooks = 8;
  std::array<Look, kLooks> looks_{};
  std::size_t newest_ = 0, count_ = 0;

  bool rest_known_ = false;
  double rest_w_ = 0.0;  ///< grid reading at which the limiter holds it
  double unseen_s_ = 0.0;
  double found_s_ = 0.0, found_w_ = 0.0, found_least_w_ = 0.0, found_most_w_ = 0.0;
  double resting_s_ = 0.0;
  bool proven_ = false;  ///< panels have answered a probe at this set-point
  bool pinned_ = false;
  bool throttled_ = false;

  std::optional<double> level_;  ///< believed to be available; none: the meter tells the truth
  bool unproven_ = false;
  bool owed_ = false;    ///< a miner that started in vain still runs
  bool starts_ = false;  ///< the probe is a miner that starts
  double probe_drawn_w_ = 0.0, probe_pv_w_ = 0.0;
  double settled_s_ = 0.0;
  double lost_s_ = 0.0;
  int unclear_ = 0;
  double step_w_ = 100.0;
  Duration wait_{}, start_wait_{};
  MonoTime next_probe_{}, next_start_{};
  double allowance_wh_ = 0.0;
  bool allowance_known_ = false;

  bool sensor_counts_ = false;      ///< throttled: what it says beyond the meter may be true
  double sensor_ratio_ = 1.0;       ///< panels over sensor, corrected whenever the panels are not throttled
  std::optional<double> sensor_w_;  ///< what is available by the sensor
  bool house_known_ = false;
  double house_w_ = 0.0;  ///< the house without miners, over a few seconds
};

}  // namespace sluice::control
