#pragma once
/// What perfect foresight is worth in a house with a battery and miners that could follow it at once, in currency, and
/// what a run was worth against it.

#include <span>

#include "base/time.hpp"
#include "base/units.hpp"
#include "sim/energy_plants.hpp"
#include "sim/score.hpp"

namespace sluice::sim {

/// Currency per kWh.
struct Prices {
  double mined = 0.09;     ///< income of a kWh that miners draw
  double imported = 0.30;  ///< ≥ exported; may be negative
  double exported = 0.03;  ///< may be negative
};

struct BatteryBoundSpec {
  BatterySpec battery;  ///< its dynamics do not count: it obeys at once
  Percent initial_soc{50};
  Watts miners_max{};  ///< Σ Pmax, as drawn
  Prices prices;
  /// Of a kWh that is left in the battery, ≥ 0. With 0, the value of a run needs no correction either, and the bound
  /// empties the battery before the end.
  double stored_value = 0.0;
};

/// The most that miners, battery and grid together could earn, in currency: mined · income + `energy_value`. Entry k of
/// `surplus_w` is sun − load of the k-th `step`, of a second or more.
///
/// It is the exact optimum of the linear programme with balance, power and charge limits, found without a solver: the
/// value of what is stored is a concave function of straight pieces, and a step merges its own pieces into it by slope.
/// An upper bound of every run: minimum power, wakes, ramps, sleeping watts and the battery's own law are left out, and
/// averages over a step earn at least as much as the seconds in it.
double battery_bound(std::span<const float> surplus_w, Duration step, const BatteryBoundSpec& spec);
/// The same with prices that change: entry k of `prices` holds during step k, and `spec.prices` does not count. Where
/// energy has a negative price, charging and discharging at once counts as allowed: still an upper bound.
double battery_bound(std::span<const float> surplus_w, Duration step, const BatteryBoundSpec& spec,
                     std::span<const Prices> prices);

/// Of the energy that crossed the meter, in currency: export · price − import · price.
double energy_value(const Score& run, const Prices& prices);

/// What mining was worth, in currency: mined · income, and what it changed at the meter against the paired run, the
/// same house without miners. Never above `battery_bound` − `energy_value` of that paired run.
double net_value(const Score& run, const Score& without_miners, const Prices& prices);

}  // namespace sluice::sim
