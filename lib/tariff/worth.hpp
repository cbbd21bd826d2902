#pragma once
/// What mining brings and up to which price it pays, for people: the arithmetic behind `sluice breakeven`. What the
/// controller asks each tick is in model/worth.hpp; both use the same curve and the same hash price.

#include <vector>

#include "base/units.hpp"
#include "model/money.hpp"

namespace sluice::tariff {

/// What decides how much bitcoin a hash is expected to earn.
struct Network {
  double difficulty = 0.0;  ///< > 0
  double reward_sat = 0.0;  ///< subsidy and mean fees of one block
};

/// Hashes a second that find a block each ten minutes on average: difficulty · 2³² ÷ 600 s.
double network_hashes_per_s(const Network& network);
/// Satoshi that 1 TH/s is expected to find in 24 h: 86 400 s · 10¹² ÷ (difficulty · 2³²) blocks, times the reward.
double sats_per_ths_day(const Network& network);
/// The same in money. `price_per_coin`: of 10⁸ satoshi. `fee`: 0…1, what the pool keeps.
PricePerThsDay hash_price(const Network& network, double price_per_coin, double fee);

/// One working point, and what a kWh may cost there at most, its heat included.
struct BreakEven {
  WorkingPoint point;
  double joules_per_th = 0.0;
  PricePerKwh average;   ///< of all that is drawn at this point
  PricePerKwh marginal;  ///< of the step from the point before; for the first one from nothing, so the average
};
std::vector<BreakEven> break_even(const WorkingCurve& curve, PricePerThsDay hash_price, PricePerKwh heat_value);

/// Curve of a miner that needs `joules_per_th` at every power; > 0. One point says that.
WorkingCurve flat_curve(double joules_per_th);

/// BTU/h of electric power that becomes heat: 1 W = 3600 J/h, 1 BTU = 1055.06 J.
double btu_per_hour(Watts power);
/// Air that carries `power` away when it warms by `rise` kelvin, > 0: P = ρ · c_p · V̇ · ΔT, with dry air at 20 °C and
/// sea level, ρ = 1.204 kg/m³ and c_p = 1006 J/(kg K). About 3 · W / ΔT.
double airflow_m3_per_hour(Watts power, double rise);
/// The same in cubic feet a minute.
double airflow_cfm(Watts power, double rise);

}  // namespace sluice::tariff
