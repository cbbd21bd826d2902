#pragma once
/// A household at a tariff over days: what `sluice simulate` plays. The production controller drives one miner through
/// the same house, the same commands and the same snapshots as everywhere else; money is counted from the truth.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "model/money.hpp"
#include "model/site.hpp"
#include "sim/bench.hpp"
#include "sim/house_plant.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {

/// What the owner wants of the miner in a period of the tariff.
struct PeriodWish {
  PeriodOrder order = PeriodOrder::none;
  Watts power{};  ///< of `PeriodOrder::watts`
};

struct SimulationSpec {
  /// Of all days and of an hour before them; a gap is a time whose price nobody knows.
  std::shared_ptr<const PriceOutlook> prices;
  /// Local midnights, ascending: day k is from entry k to entry k + 1.
  std::vector<WallTime> midnights;
  std::int64_t first_local_day = 0;  ///< days since 1970-01-01
  Strategy strategy = Strategy::economic;
  std::map<std::uint8_t, PeriodWish> wishes;  ///< by `PriceSlot::period_id`
  PlantSpec plant;
  WorkingCurve curve;
  std::optional<PricePerThsDay> hash_price;  ///< pool fees taken off
  std::optional<PricePerKwh> heat_value;
  ConstraintProfile profile;
  std::shared_ptr<const Trace> trace;  ///< sun and load; second 0 is midnight
  std::size_t trace_second = 0;        ///< of it, at the first midnight; at least an hour unless the trace has one day
  double pv_scale = 1.0;
  std::optional<BatterySetup> battery;
};

/// One day, or all of them. Energy and money of the miner are what it changed: with it, less the same house without.
struct SimulatedDay {
  WattHours mined{};                 ///< awake
  WattHours standby{};               ///< asleep
  WattHours unhashed{};              ///< of `mined`: waking and stopping
  WattHours imported{}, exported{};  ///< of the whole house
  Money energy_cost{};               ///< bought more, sold less
  Money revenue{};                   ///< 0 without a hash price
  Money heat{};                      ///< value of the heat of all that it drew
  std::uint32_t starts = 0;
  double running_s = 0.0;
  std::map<std::uint8_t, WattHours> mined_in;  ///< by period of the tariff
  bool price_gap = false;                      ///< energy crossed the meter at an unknown price, which counts as 0

  Money net() const { return revenue + heat - energy_cost; }
};

struct Simulation {
  std::vector<SimulatedDay> days;
  SimulatedDay total;
};

/// `progress` gets simulated seconds. The miner has an hour before the first midnight to reach the state of that hour.
Simulation simulate(const SimulationSpec& spec, const Progress& progress = {});

/// For `Strategy::schedule` where nobody says anything else: full power in the period that costs least on average over
/// `prices`, asleep in all others.
std::map<std::uint8_t, PeriodWish> cheapest_period_only(const PriceOutlook& prices);

}  // namespace sluice::sim
