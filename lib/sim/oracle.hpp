#pragma once
/// What perfect foresight could have captured with the same miners: the measure that every run is divided by.

#include <chrono>
#include <span>
#include <vector>

#include "sim/miner_plant.hpp"

namespace sluice::sim {

struct OracleMiner {
  PlantSpec spec;
  double setpoint_bias = 0.0;
  bool running = false;  ///< when the window begins
  Watts power{};         ///< its draw then, if running
};

struct OracleOptions {
  double lambda = 3.5;      ///< price of 1 kWh leaked, in captured kWh (`ControlSettings::leak_price`)
  WattHours start_cost{0};  ///< of one wake, in captured energy
  /// From decision to miner, as `VirtualHouseSpec::to_first_byte`: with the dead time it says where in a second
  /// commands bite. Used by `foresight`.
  Duration transit{std::chrono::milliseconds(300)};
  double work = 150e6;  ///< states that `oracle` visits, about; with fewer than the window has, its step grows
};

struct OracleResult {
  WattHours captured{};
  WattHours leaked{};
  WattHours objective{};  ///< captured − λ · leaked − start cost · starts
};

inline constexpr std::size_t kMaxOracleMiners = 4;

/// A fleet, of up to `kMaxOracleMiners`. Maximises the objective over the window by dynamic programming over (which
/// miners run, one waking, their sum of power). `surplus_w` has one entry a second. For one miner `foresight` is exact
/// where this one is not.
///
/// Where it is not exact it errs upwards, so that no policy can beat it: running miners share one sum whose ramp is the
/// sum of theirs, targets are not rounded to levels, a stop, a dead time and a rest cost nothing, seconds are averaged
/// to what `OracleOptions::work` affords, and the sum stands on a grid whose cells count at their best point. Downwards
/// only in that two miners do not wake at the same time. Against `foresight` it is 0.2 % high on clear days and 3 % on
/// days of broken clouds with 20 starts (luxos-target); with 10e6 states a day instead of 150e6, 1 % more on the
/// latter. For a fleet of levels only, add up to half a level of draw (about 3 % for LuxOS profiles).
OracleResult oracle(std::span<const float> surplus_w, const std::vector<OracleMiner>& miners,
                    const OracleOptions& options = {});

}  // namespace sluice::sim
