#pragma once
/// What a run was worth, counted from the truth of the physics and never from what a controller believes.

#include <cstdint>

#include "base/units.hpp"

namespace sluice::sim {

/// Sums since the start. Surplus S = potential of the sun − house load, before miners and battery.
struct Score {
  WattHours mined;                ///< drawn by miners that are not asleep
  WattHours standby;              ///< drawn by miners that are
  WattHours usable_surplus;       ///< min(S⁺, Σ Pmax) where S ≥ the smallest Pmin
  WattHours captured;             ///< min(awake miners' power, S⁺); mined − captured is the leak
  WattHours imported;             ///< from the grid
  WattHours exported;             ///< to the grid
  WattHours import_while_mining;  ///< min(import, awake miners' power)
  WattHours unserved;             ///< on an island: what neither sun nor battery could give
  double breaker_s = 0.0;         ///< time above the limit of the main breaker
  std::uint32_t starts = 0;       ///< wakes that began
  std::uint32_t commands = 0;     ///< accepted by the miners

  WattHours leaked() const { return mined - captured; }
  /// What happened since `earlier`.
  Score operator-(const Score& earlier) const;
};

}  // namespace sluice::sim
