#pragma once
/// What `sluice bench --prices` measures: a miner that buys energy at a recorded market's prices, driven by the product
/// and by simple rules under the same conditions, rated in money against perfect foresight. Pure; the same case gives
/// the same figures to the last digit.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/money.hpp"
#include "model/site.hpp"
#include "sim/bench.hpp"
#include "sim/house_plant.hpp"
#include "sim/policy.hpp"
#include "sim/price_feed.hpp"
#include "sim/price_trace.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {

/// A house, its miner and its market. Only who decides is left open.
struct PriceCase {
  std::string name;
  std::shared_ptr<const PriceTrace> prices;
  std::optional<Duration> published;  ///< see `PriceFeedSpec`
  Duration late{};
  std::size_t first_day = 0;  ///< of the prices, and of the trace of sun and load
  std::size_t days = 1;
  PlantSpec plant;
  WorkingCurve curve;  ///< the truth of the miner and what is believed of it; see `straight_curve`
  /// What a kWh earns at full power, less `delivery`: the market price at which mining breaks even.
  PricePerKwh break_even{0.025};
  PricePerKwh delivery{0.05};
  PricePerKwh export_price{0.03};
  Money start_cost{0.01};
  ProfileName profile = ProfileName::normal;
  std::shared_ptr<const Trace> trace;  ///< none: no sun, and a constant load of 300 W
  double pv_scale = 1.0;
  std::optional<BatterySetup> battery;
  double bias_span = 0.05;                 ///< set-point and reporting bias of the miner are drawn in ± this
  Duration tick{std::chrono::seconds(1)};  ///< whole seconds; longer ones are for years without sun and battery
  std::uint64_t seed = 1;

  PricePerThsDay hash_price() const;  ///< makes `break_even` true at full power
};

/// Every kWh earns the same, whatever the power.
WorkingCurve straight_curve(const PlantSpec& plant);
/// The plant's own, in so many points.
WorkingCurve plant_curve(const PlantSpec& plant, std::size_t points = 9);

/// Sums of one run, from the truth of the house.
struct PriceOutcome {
  Money revenue{};      ///< of the hashes
  Money energy_cost{};  ///< bought less sold
  Score score;
  double running_s = 0.0;  ///< not asleep
  double changes = 0.0;    ///< targets given to an awake miner
  /// `idle` is the same house without a miner.
  Money net(const PriceOutcome& idle, Money start_cost) const {
    return revenue - (energy_cost - idle.energy_cost) - static_cast<double>(score.starts) * start_cost;
  }
};

/// In the order of the table: `oracle`, `always-on`, `cron-table`, `threshold`, `threshold-band`, then the product:
/// `sluice` buys by price, `sluice-solar` and `sluice-evening` follow the sun alone, for houses that have some.
std::vector<Contender> price_contenders();

/// Plays one of `price_contenders()` but `oracle`, or `idle`: the house without a miner.
PriceOutcome play(const PriceCase& bench, std::string_view id, const Progress& progress = {});
/// The same with a policy of one's own for the miner.
PriceOutcome play(const PriceCase& bench, Policy& policy, const Progress& progress = {});

/// Hours of the day that earn most over all days of the case: [from, to), over midnight where to ≤ from; equal: always.
struct CronTable {
  int from_hour = 0, to_hour = 0;
  bool never = false;
};
CronTable best_cron_table(const PriceCase& bench);

/// What runs are divided by.
struct PriceYardstick {
  PriceOutcome idle;
  Money best{};  ///< net value of perfect foresight; with a battery or sun the bound of a linear programme
  std::uint32_t starts = 0;
  double running_s = 0.0;
  bool bound = false;  ///< `best` is the linear programme's: it knows no starts, wakes and sleeping watts
};
PriceYardstick price_yardstick(const PriceCase& bench, const Progress& progress = {});

}  // namespace sluice::sim
