#pragma once
/// What `sluice bench` measures: one house, one set of miners with their errors, and every controller in it under the
/// same conditions, rated against perfect foresight. Pure; the same case gives the same figures to the last digit.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/site.hpp"
#include "sim/house_plant.hpp"
#include "sim/policy.hpp"
#include "sim/trace.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {

/// What one start is worth in captured energy: wear, and hashing lost to pool and tuner.
inline constexpr WattHours kStartCost{20.0};

/// The meter of the nominal case: a new value each second, one second old, 5 W and 0.3 % of noise, whole watts.
MeterSpec nominal_meter();
/// For those who would rather have few commands than the last half percent: a change is dearer.
ConstraintProfile calm(ConstraintProfile profile);

/// What makes a run harder than the nominal case.
struct Stress {
  double bias_span = 0.05;      ///< set-point and reporting bias of each miner are drawn in ± this
  Duration hidden_dead_time{};  ///< beside the nominal one, and nobody is told
  double ramp_up_factor = 1.0;  ///< raises take so many times longer, and nobody is told
  double command_loss = 0.0;    ///< share of commands that get lost
  Duration mean_reboot_gap{};   ///< of reboots of a miner's own accord; 0 = never
};

/// A house and its miners. Only the controller is left open.
struct BenchCase {
  std::string trace_name;
  std::shared_ptr<const Trace> trace;
  double pv_scale = 1.0;
  std::size_t first_day = 0;  ///< of the trace
  std::size_t days = 1;
  std::vector<PlantSpec> plants;  ///< one miner each, asleep at the beginning
  ProfileName profile = ProfileName::normal;
  double lambda = 3.5;  ///< price of 1 kWh leaked, in captured kWh
  std::uint64_t seed = 1;
  MeterSpec meter = nominal_meter();
  Stress stress;
  std::optional<BatterySetup> battery;
  Watts inverter{1e6};       ///< what the sun gives at most; the traces are AC already
  bool zero_export = false;  ///< the inverter throttles rather than feed in

  std::string plant_name() const;  ///< joined by "+"
};

/// Sums of one run.
struct Outcome {
  Score score;
  double changes = 0.0;    ///< targets given to an awake miner
  double running_s = 0.0;  ///< time in which at least one miner was awake
  double breaker_s = 0.0;  ///< see `BreakerWatch`
  /// captured − λ · leaked − the price of the starts.
  WattHours objective(double lambda) const {
    return score.captured - lambda * score.leaked() - score.starts * kStartCost;
  }
};

/// Counts the time in which miners hold the connection above its limit although they had the time to get out of the
/// way: min(awake miners' power, import − limit)⁺ > 0. Nobody can prevent the first seconds of an excess that the house
/// causes: the meter has to show it, the miner's dead time has to pass, and its ramp to end. So the first `grace` of
/// every excess is not counted, and what lasts longer is. A wake that was under way before the excess is no different
/// from a ramp: firmware takes the order to sleep and obeys it once awake (benchmark page, section 1: a command during
/// WAKE is only queued). Such a miner's `grace` begins when it is awake. A wake that begins in the first `unseen` of an
/// excess was ordered when no meter had shown it yet, and counts the same; one that is woken later counts like any
/// other.
class BreakerWatch {
 public:
  BreakerWatch(Watts limit, Duration grace, Duration unseen = {}) : limit_(limit), grace_(grace), unseen_(unseen) {}
  /// After each second of the house.
  void look(const HousePlant& house);
  double counted_s() const { return counted_s_; }

 private:
  Watts limit_;
  Duration grace_, unseen_;
  Duration excess_{};  ///< so long, whoever takes part
  Duration lasting_{};
  std::uint32_t bound_ = 0;  ///< miners whose wake began before the excess could be seen, a bit each
  double counted_s_ = 0.0;
};

/// A controller that can be benched, and what it is shown as.
/// Where a contender differs from the others, and so is shown unless it is asked for.
enum class Setting : std::uint8_t { any, no_battery, battery, zero_export };

struct Contender {
  std::string_view id;
  std::string_view trained_on;  ///< what it has learned from
  std::string_view text;
  Setting setting = Setting::any;
};
/// In the order of the table: `oracle`, `k0`, the peers' laws, `c2`, the product. A law with one fixed power is played
/// with each of 1200, 1800, 2400 and 3000 W (of 3250 W; in proportion for other miners), and the best one is shown.
std::vector<Contender> contenders();
/// `not_found` names them all.
Result<Contender> contender(std::string_view id);

/// Fixed powers to try, of the miner's largest.
inline constexpr double kFixedShares[] = {1200.0 / 3250.0, 1800.0 / 3250.0, 2400.0 / 3250.0, 3000.0 / 3250.0};

/// Called now and then with the simulated seconds since the last call.
using Progress = std::function<void(std::size_t)>;

/// Plays the case with one of `contenders()` but `oracle`, which is not played (see `yardstick`).
Outcome play(const BenchCase& bench, std::string_view id, const Progress& progress = {});

/// The house that a contender finds, and the contender itself, for those who look closer than sums.
struct BenchRun {
  std::unique_ptr<VirtualHouse> house;
  std::unique_ptr<Policy> policy;
};
BenchRun begin(const BenchCase& bench, std::string_view id, double fixed_share = kFixedShares[2]);

/// Surplus second by second: what the oracle knows.
std::vector<float> surplus_w(const BenchCase& bench);

/// Each of them takes about a second.
inline constexpr std::size_t kForesightDays = 5;

/// What the runs of a case are divided by.
struct Yardstick {
  Outcome best;                      ///< perfect foresight; for a fleet UB0 = ∫ min(S⁺, Σ Pmax)
  std::optional<double> of_ub1_pct;  ///< its share of UB1 = UB0 where S ≥ Pmin, which knows no ramps, wakes and starts
  /// Of a fleet, up to `kForesightDays`: what perfect foresight makes of UB0, as `oracle`, which errs upwards.
  std::optional<double> foresight_pct;
  std::optional<WattHours> freely;  ///< zero export: mined by `c2` where feeding in is allowed, at λ = 3.5
  std::optional<Score> idle;        ///< battery: the same house without a miner
  /// Battery: what mining is worth to perfect foresight, in currency: the linear programme's optimum with miners, less
  /// the one without.
  std::optional<double> net_value;
  /// No run can be worth more than this: `net_value`, and what the lag of the battery's own inverter costs the house
  /// without miners, which a programme without seconds gets back.
  std::optional<double> net_value_limit;
};
Yardstick yardstick(const BenchCase& bench, const Progress& progress = {});

/// One line of the table. Without a value: it means nothing in this case.
struct BenchRow {
  std::string controller, plant, profile, trace, trained_on;
  std::optional<double> csr_pct, nsv_pct;
  double leak_pct = 0.0;  ///< of the mined energy; with a battery what was imported meanwhile
  double starts_per_day = 0.0, changes_per_hour = 0.0, breaker_s = 0.0;
  std::optional<double> mined_pct;          ///< zero export: of what `c2` mines where feeding in is allowed
  std::optional<double> net_value_per_day;  ///< battery: earned by mining, less what it changed at the meter
  std::optional<double> net_value_pct;      ///< battery: of the bound
  Outcome outcome;
};
BenchRow rate(const BenchCase& bench, const Contender& who, const Outcome& outcome, const Yardstick& by);

/// One step of the load under constant sun.
struct StepResponse {
  double settle_s = 0.0;  ///< until |grid| stays below 60 W
  WattHours imported{};   ///< until then
};
/// +1000 W of load in the house of `bench`, whose trace is not used, after an hour in which the controller has met the
/// miner and a dozen smaller steps.
StepResponse step_response(const BenchCase& bench, std::string_view id);

}  // namespace sluice::sim
