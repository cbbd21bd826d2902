#pragma once
/// Perfect foresight for one miner that buys its energy: the most that could have been earned by somebody who knew
/// every price of the year, with the same miner. Every result of the price bench is divided by it.

#include <cstdint>
#include <span>

#include "model/money.hpp"
#include "sim/oracle.hpp"

namespace sluice::sim {

struct PriceForesightSpec {
  OracleMiner miner;  ///< asleep at the beginning
  WorkingCurve curve;
  PricePerThsDay hash_price{};
  Money start_cost{};
  Duration min_off{};  ///< from a stop to the next start
  Duration slot{};     ///< of the prices; whole seconds
};

struct PriceForesight {
  Money net{};  ///< revenue − energy − starts
  std::uint32_t starts = 0;
  double running_s = 0.0;  ///< wakes not counted
  WattHours mined{};       ///< while running
};

/// Maximises revenue − energy − starts by dynamic programming over seconds: running at the best of all powers, asleep
/// for a second or for `min_off`, or a wake of its real length, draw and price. Entry k of `import_per_kwh` is what a
/// kWh costs in slot k. A year takes about a second.
///
/// No run with these prices beats it, whatever it follows: changes of power while running and a stop take no time here,
/// and the daily limit of starts is not kept. What sun or a battery could add is outside of it (`battery_bound`).
PriceForesight price_foresight(std::span<const double> import_per_kwh, const PriceForesightSpec& spec);

}  // namespace sluice::sim
