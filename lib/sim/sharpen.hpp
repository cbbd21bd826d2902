#pragma once
/// Seconds made from minutes. Most recordings of sun and load are means over a minute, and a benchmark on interpolated
/// minutes flatters every controller: measured sun changes several times faster. Both sharpeners keep each minute's
/// mean and are deterministic for a seed, on every compiler.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "sim/random.hpp"

namespace sluice::sim {

constexpr std::size_t kMinute = 60;  ///< seconds

/// The mean of each whole minute of `second`; what is left at the end is dropped.
std::vector<float> minute_means(std::span<const float> second);

/// The broken line with knots in the middle of the minutes whose means are those given, in any unit. It may undershoot
/// beside steep minutes. Too smooth to judge a controller on.
std::vector<float> interpolate_minutes(std::span<const float> minute);

enum class LoadDetail : std::uint8_t {
  edges,  ///< when appliances switch; every minute has its mean
  full,   ///< and their inrush, and the noise of many small ones, which move a minute's mean by a few watts
};

/// A house's load each second, W, from its minute means, W ≥ 0: single edges where a minute lies between its
/// neighbours, rectangular pulses where it stands out, and on some plateaus a thermostat that switches 2 kW. Not below
/// zero.
std::vector<float> sharpen_load(std::span<const float> minute_w, std::uint64_t seed,
                                LoadDetail detail = LoadDetail::full);

/// How sun measured each second strays from its interpolated minutes, relative to the brightest minutes around: a patch
/// of two minutes for every minute of daylight. Thread-safe.
class CloudLibrary {
 public:
  static constexpr std::size_t kPatch = 2 * kMinute;
  using Patch = std::array<float, kPatch>;
  /// What a minute looks like from its means: the change since the one before, the change to the next, and its
  /// brightness, each relative to the envelope.
  struct Key {
    float before = 0, after = 0, level = 0;
  };

  /// From the sun of a day with clouds, W or W/m², a value a second. `invalid` with less than a quarter of an hour of
  /// daylight.
  static Result<CloudLibrary> from_measured(std::span<const float> second);

  std::size_t size() const { return patches_.size(); }
  /// One of the patches whose minutes were most like `key`.
  const Patch& pick(const Key& key, Random& random) const;
  /// The brightest second beside the envelope of its minute, > 1: clouds also reflect.
  float brightest() const { return brightest_; }

 private:
  CloudLibrary() = default;
  std::vector<Key> keys_;
  std::vector<Patch> patches_;
  float brightest_ = 1.0F;
};

/// Sun each second from its minute means ≥ 0, in the same unit, W or W/m². Not below zero, not brighter than the
/// library has seen beside the minutes around; dark minutes stay dark.
std::vector<float> sharpen_sun(std::span<const float> minute, const CloudLibrary& library, std::uint64_t seed);

}  // namespace sluice::sim
