#pragma once
/// What a miner can do now: sleep, or run at any watt level of a range, or at one of a list of levels.

#include <cstdint>

#include "base/static_vector.hpp"
#include "base/units.hpp"

namespace sluice {

inline constexpr std::size_t kMaxLevels = 96;

enum class EnvelopeKind : std::uint8_t {
  unknown,  ///< not read from the device yet: no target may be sent
  range,    ///< any target in [min_w, max_w], in steps of `step`
  levels,   ///< only the levels of the list (profiles, presets), ascending
};

struct Envelope {
  EnvelopeKind kind = EnvelopeKind::unknown;
  Watts min{};      ///< smallest running target
  Watts max{};      ///< largest target allowed (device limit and owner's `power.max_w`, whichever is smaller)
  Watts step{1.0};  ///< granularity of a range, > 0
  StaticVector<Watts, kMaxLevels> levels;  ///< of `levels`, ascending, all within [min, max]

  bool known() const { return kind != EnvelopeKind::unknown; }
  /// The largest target ≤ `wanted` that the miner can hold; `min` when `wanted` is below it. Envelope must be known.
  Watts floor(Watts wanted) const;
  /// The smallest target ≥ `wanted`; `max` when `wanted` is above it. Envelope must be known.
  Watts ceil(Watts wanted) const;
  /// Distance from `at` to the next lower target (the local step); `step` for a range.
  Watts local_step(Watts at) const;
  /// The same envelope with targets outside [low, high] removed; `unknown` when nothing is left.
  Envelope limited(Watts low, Watts high) const;
  bool operator==(const Envelope& other) const;
};

}  // namespace sluice
