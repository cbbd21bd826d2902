#pragma once
/// Learns from own steps how late and how fast a miner follows: what the house drew in the forty seconds after a step
/// is compared with what it would have drawn for every dead time and ramp that may be true. One step at a time; the
/// comparison runs once, when the window is over, and takes bounded time.

#include <array>
#include <cstdint>

#include "base/static_vector.hpp"
#include "base/time.hpp"

namespace sluice::control {

/// A reading of the whole house at one instant.
struct HouseLook {
  MonoTime at{};          ///< time of the grid reading
  double drawn_w = 0.0;   ///< grid + pv + battery: what the house draws, miners included
  double others_w = 0.0;  ///< pv + battery: read at another instant than the grid, so their changes leave a trace
};

/// Where the search begins, and what is taken for true of the direction that the step did not show.
struct StepGuess {
  double up_w_per_s = 0.0;
  double down_w_per_s = 0.0;
};

/// What one window showed. A number that the samples do not tell apart from its neighbours is not known.
struct StepFit {
  bool fits = false;  ///< the step explains what moved; without it nothing else is known
  bool dead_known = false;
  double dead_s = 0.0;
  bool ramp_known = false;
  bool up = false;  ///< which ramp
  double ramp_w_per_s = 0.0;
  double share = 0.0;   ///< of the step that the meter showed, a test of the fit; the step test teaches the draw
  double weight = 0.0;  ///< 0…1: the step over what is left unexplained
};

class StepLearner {
 public:
  bool running() const { return running_; }
  std::uint8_t unit() const { return unit_; }

  /// A new target of a settled miner that drew `from_w` was sent; the newest look before it is the base line.
  void begin(std::uint8_t unit, MonoTime sent, double from_w, double goal_w);
  /// Another target of the same miner, before the window is over.
  void follow(MonoTime sent, double goal_w);
  void abandon() { running_ = false; }
  /// Every tick; the same reading twice counts once.
  void look(const HouseLook& look);
  /// Long enough for the slowest dead time and the ramp after it.
  bool over(MonoTime now) const;
  /// Ends the window. Nothing is known when the step was small, was drowned by other loads, or does not fit.
  StepFit finish(const StepGuess& guess);

  static constexpr std::size_t kSamples = 48;
  static constexpr std::size_t kOrders = 16;
  struct Sample {
    double at_s = 0.0;  ///< since the first byte of the first command
    double drawn_w = 0.0;
    double others_change_w = 0.0;
  };
  struct Order {
    double at_s = 0.0;
    double goal_w = 0.0;
  };

 private:
  void keep(const HouseLook& look);

  bool running_ = false;
  std::uint8_t unit_ = 0;
  MonoTime began_{};
  double from_w_ = 0.0;
  StaticVector<Sample, kSamples> samples_;
  StaticVector<Order, kOrders> orders_;
  HouseLook last_, before_last_;
};

}  // namespace sluice::control
