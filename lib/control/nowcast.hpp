#pragma once
/// How far a fall of the sun goes on. What the meter shows is a second old, and the miner answers seconds later: a
/// cloud that has begun to take the sun takes more of it in that time. How much more, as a part of what it took in the
/// three seconds before, is learned from the meter alone, within a minute of broken sky; nothing is stored.
///
/// It is a quantile, not a mean: who expects too much of a fall misses sun, who expects too little buys. Only falls
/// count, so it can only ask for less, and under a steady sun it asks for nothing, whatever was learned before.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::control {

class Nowcast {
 public:
  static constexpr std::size_t kMostAheadS = 28;

  /// Once a tick: the surplus as the low and the high twins see it, in watts. A sample is taken every second; a gap is
  /// a `pause`.
  void look(double low_w, double high_w, MonoTime now);
  /// The surplus is not to be seen. The falls before are forgotten, what was learned of them stays.
  void pause() {
    count_ = 0;
    fresh_ = false;
  }
  /// The last `look` took a sample, and `ahead_s` before it, 1…`kMostAheadS`, there was a fall.
  bool teaches(std::size_t ahead_s) const { return fresh_ && count_ > ahead_s && sample(ahead_s).fall_w > 0.0F; }
  /// Only if `teaches(ahead_s)`. Of where the surplus went since then counts what lies within `least_w` … `most_w`:
  /// beyond, nobody follows. `chance`, 0…1: of the surplus being lower in the end than asked for.
  void learn(std::size_t ahead_s, double least_w, double most_w, double chance);
  /// By so much the surplus will be lower, in watts, ≥ 0.
  double fall_w() const { return count_ > 0 ? part_ * static_cast<double>(sample(0).fall_w) : 0.0; }

 private:
  static constexpr std::size_t kSamples = 32;
  struct Sample {
    float low_w = 0.0F, high_w = 0.0F;
    float fall_w = 0.0F;  ///< over the seconds before; 0 if none
    double middle_w() const { return 0.5 * (static_cast<double>(low_w) + static_cast<double>(high_w)); }
  };
  const Sample& sample(std::size_t ago_s) const { return ring_[(count_ - 1 - ago_s) % kSamples]; }

  std::array<Sample, kSamples> ring_{};
  std::uint64_t count_ = 0;
  MonoTime sampled_at_{};
  bool fresh_ = false;
  double part_ = 0.0;  ///< of a fall, that is still to come
};

}  // namespace sluice::control
