#include "sim/bench.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

#include "model/names.hpp"
#include "sim/baselines.hpp"
#include "sim/battery_bound.hpp"
#include "sim/foresight.hpp"
#include "sim/market.hpp"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kDay = 86'400;
constexpr Watts kConnectionLimit{5750.0};  // one phase of 25 A at 230 V
constexpr double kSensorError = 0.10;
constexpr double kLambdaWithExport = 3.5;

constexpr Contender kOracle{"oracle", "the future", "perfect foresight with the same miner", Setting::no_battery};
constexpr Contender kK0{"k0", "its own past", "sluice without dead time, meter age and noise"};
constexpr Contender kProduct[] = {
    {"sluice", "its own past", "the product's controller, default settings"},
    {"sluice-calm", "its own past", "the same with few commands"},
    {"sluice-evening", "its own past", "the same, mining may use the battery too", Setting::battery},
    {"sluice-economic", "its own past", "the same, strategy economic: it knows the prices", Setting::battery},
    {"sluice-switch", "its own past", "the same with a relay before the miner", Setting::battery},
    {"sluice-no-reserve", "its own past", "the same, and nothing of the battery is kept for an outage",
     Setting::battery},
    {"sluice-sensor", "its own past", "the same with a sensor of the sun, ±10 %", Setting::zero_export}};
// The one law of the peers whose owner is granted the best choice of its fixed power.
constexpr std::string_view kFixedPowerLaw = "b2-home-assistant";

// As the bound, which keeps nothing for an outage either: so what the reserve costs is told apart from what is lost.
bool keeps_no_reserve(std::string_view id) { return id == "sluice-no-reserve"; }

bool has_switch(std::string_view id) { return id == "sluice-switch" || keeps_no_reserve(id); }

bool knows_prices(std::string_view id) { return id == "sluice-economic" || has_switch(id); }

bool is_product(std::string_view id) { return id == "k0" || id.starts_with("sluice"); }

/// The world without what K0 is spared: the miner obeys at once, the meter tells the truth at once.
BenchCase without_delay(BenchCase bench) {
  for (PlantSpec& plant : bench.plants) plant.dynamics.dead_time = Duration{};
  bench.stress.hidden_dead_time = Duration{};
  bench.meter = {.sample = seconds(1), .age = {}, .noise = Watts(0.0), .relative_noise = 0.0, .quantum = Watts(0.0)};
  return bench;
}

HousePlantSpec house_spec(const BenchCase& bench) {
  HousePlantSpec spec;
  spec.start_second = bench.first_day * kDay;
  spec.pv_scale = bench.pv_scale;
  spec.pv = {.rating = bench.inverter, .zero_export = bench.zero_export};
  spec.battery = bench.battery;
  spec.meter = bench.meter;
  spec.seed = bench.seed;
  spec.step = seconds(1);
  spec.keep_history = false;
  Random random(bench.seed ^ 0xb1a5edULL);
  const double span = bench.stress.bias_span;
  for (const PlantSpec& plant : bench.plants) {
    MinerSetup miner;
    miner.spec = plant;
    miner.spec.dynamics.dead_time += bench.stress.hidden_dead_time;
    miner.spec.dynamics.ramp_up = from_seconds(to_seconds(miner.spec.dynamics.ramp_up) * bench.stress.ramp_up_factor);
    miner.errors.setpoint_bias = random.uniform(-span, span);
    miner.errors.report_bias = random.uniform(-span, span);
    miner.errors.command_loss = bench.stress.command_loss;
    miner.errors.mean_reboot_gap = bench.stress.mean_reboot_gap;
    miner.errors.seed = random.next();
    miner.start = StartState::asleep;
    spec.miners.push_back(std::move(miner));
  }
  return spec;
}

/// As the configuration makes it where the owner says nothing.
BatterySettings battery_settings(const BatterySpec& spec) {
  BatterySettings out;
  out.present = true;
  out.capacity = spec.capacity;
  out.max_charge = out.max_discharge = spec.max_power;
  return out;
}

// What a TH/s earns in a day, and with it how many a watt is: every kWh at any power brings `Prices::mined`.
constexpr PricePerThsDay kHashPrice{0.05};

WorkingCurve curve(const PlantSpec& plant) {
  const double kwh_per_day = 0.024 * plant.envelope.max.value();
  WorkingCurve out;
  out.push_back({plant.envelope.max, TeraHashes(Prices{}.mined * kwh_per_day / kHashPrice.value())});
  return out;
}

/// The prices by which a run with a battery is rated, known for ever.
class FlatTariff final : public Market {
 public:
  explicit FlatTariff(WallTime begin) {
    PriceSlot slot;
    slot.begin = begin;
    slot.end = begin + std::chrono::hours(24 * 1000);
    slot.import_price = PricePerKwh(Prices{}.imported);
    slot.export_price = PricePerKwh(Prices{}.exported);
    auto outlook = std::make_shared<PriceOutlook>();
    outlook->slots.push_back(slot);
    prices_ = std::move(outlook);
  }
  void tell(Snapshot& snapshot) override {
    snapshot.money.prices = prices_;
    snapshot.money.hash_price = Reading<PricePerThsDay>::good(kHashPrice, snapshot.now);
  }

 private:
  std::shared_ptr<const PriceOutlook> prices_;
};

Site site(const BenchCase& bench, std::string_view id) {
  Site out;
  out.name = "bench";
  out.control.profile = constraint_profile(bench.profile);
  if (id == "sluice-calm") out.control.profile = calm(out.control.profile);
  out.control.leak_price = bench.lambda;
  out.import_cap = kConnectionLimit;
  out.has_pv_meter = true;
  if (bench.zero_export) out.export_limit = Watts(0.0);
  if (bench.battery) out.battery = battery_settings(bench.battery->spec);
  if (bench.battery && keeps_no_reserve(id)) out.battery.reserve = bench.battery->spec.floor;
  for (std::size_t i = 0; i < bench.plants.size(); ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    if (id == "sluice-evening") miner.strategy = Strategy::solar_battery;
    if (has_switch(id)) miner.power_switch = "relay";
    if (knows_prices(id)) {
      miner.strategy = Strategy::economic;
      miner.curve = curve(bench.plants[i]);
    }
    out.miners.push_back(std::move(miner));
  }
  return out;
}

/// From the moment the house takes too much until the first command that knows of it acts at that miner: the tick that
/// sees it comes up to a second after the meter's value.
Duration time_to_act(const BenchCase& bench, const VirtualHouseSpec& spec, const MinerSetup& miner) {
  return bench.meter.sample + bench.meter.age + seconds(1) + spec.to_first_byte + miner.spec.dynamics.dead_time;
}

BreakerWatch breaker_watch(const BenchCase& bench, const VirtualHouseSpec& spec) {
  Duration out_of_the_way{}, unseen{};
  for (const MinerSetup& miner : spec.house.miners) {
    const Duration acts = time_to_act(bench, spec, miner);
    unseen = std::max(unseen, acts);
    out_of_the_way = std::max(out_of_the_way, acts + std::max(miner.spec.dynamics.ramp_down, miner.spec.stop));
  }
  return {kConnectionLimit, out_of_the_way, unseen};
}

VirtualHouseSpec virtual_spec(const BenchCase& bench, std::string_view id) {
  VirtualHouseSpec spec;
  spec.house = house_spec(bench);
  for (const PlantSpec& plant : bench.plants) spec.told.push_back(plant.dynamics);
  if (id == "k0") {
    spec.to_first_byte = spec.to_answer = Duration{};
    spec.report_every = seconds(1);
    spec.report_noise = 0.0;
  }
  if (id == "sluice-sensor") spec.potential_sensor = kSensorError;
  spec.switched = has_switch(id);
  if (knows_prices(id)) {
    spec.market = std::make_shared<FlatTariff>(WallTime(std::chrono::hours(24) * spec.first_day));
  }
  return spec;
}

std::unique_ptr<Policy> policy(const BenchCase& bench, std::string_view id, double fixed_share, WallTime wall) {
  if (is_product(id)) {
    return std::make_unique<ProductPolicy>(site(bench, id), PersistentState{}, VirtualHouse::start(), wall);
  }
  BaselineSetup setup;
  setup.leak_price = bench.lambda;
  setup.profile = constraint_profile(bench.profile);
  setup.fixed_power = fixed_share * bench.plants.front().envelope.max;
  setup.meter_age = bench.meter.age;
  auto made = make_baseline(id, setup);
  assert(made);
  return std::move(*made);
}

std::vector<OracleMiner> oracle_miners(const BenchCase& bench) {
  std::vector<OracleMiner> miners;
  for (const MinerSetup& miner : house_spec(bench).miners) miners.push_back({miner.spec, miner.errors.setpoint_bias});
  return miners;
}

Outcome foresee(const BenchCase& bench, std::span<const float> known_w, const OracleMiner& miner) {
  const ForesightResult best =
      foresight(known_w, miner, constraint_profile(bench.profile), {.lambda = bench.lambda, .start_cost = kStartCost});
  Outcome out;
  out.score.captured = best.captured;
  out.score.mined = best.captured + best.leaked;
  out.score.starts = best.starts;
  return out;
}

/// Of a fleet: captured − λ · leaked − the price of the starts, day by day.
WattHours foresee(const BenchCase& bench, std::span<const float> known_w, const std::vector<OracleMiner>& miners) {
  WattHours best{};
  for (std::size_t day = 0; day < bench.days; ++day) {
    best +=
        oracle(known_w.subspan(day * kDay, kDay), miners, {.lambda = bench.lambda, .start_cost = kStartCost}).objective;
  }
  return best;
}

double percent(WattHours part, WattHours whole) { return whole > WattHours(0.0) ? 100.0 * (part / whole) : 0.0; }

Outcome play_once(const BenchCase& bench, std::string_view id, double fixed_share, const Progress& progress) {
  const BenchRun run = begin(bench, id, fixed_share);
  VirtualHouse& house = *run.house;
  BreakerWatch breaker = breaker_watch(bench, house.spec());
  for (std::size_t day = 0; day < bench.days; ++day) {
    for (std::size_t second = 0; second < kDay; ++second) {
      house.tick(*run.policy);
      breaker.look(house.house());
    }
    if (progress) progress(kDay);
  }
  Outcome out;
  out.score = house.house().score();
  out.changes = static_cast<double>(house.workload().changes);
  out.running_s = house.workload().running_s;
  out.breaker_s = breaker.counted_s();
  return out;
}

}  // namespace

MeterSpec nominal_meter() {
  return {.sample = seconds(1), .age = seconds(1), .noise = Watts(5.0), .relative_noise = 0.003, .quantum = Watts(1.0)};
}

ConstraintProfile calm(ConstraintProfile profile) {
  profile.change_cost = max(profile.change_cost, WattHours(0.5));
  return profile;
}

std::string BenchCase::plant_name() const {
  std::string name;
  for (const PlantSpec& plant : plants) name += (name.empty() ? "" : "+") + plant.name;
  return name;
}

void BreakerWatch::look(const HousePlant& house) {
  const bool excess = house.state().grid > limit_;
  if (!excess) bound_ = 0;
  excess_ = excess ? excess_ + seconds(1) : Duration{};
  bool taking_part = false;
  for (std::size_t i = 0; i < house.miner_count(); ++i) {
    const MinerState state = house.miner(i).state();
    const std::uint32_t bit = std::uint32_t{1} << i;
    if (state != MinerState::waking) {
      bound_ &= ~bit;
    } else if (excess_ <= unseen_) {
      bound_ |= bit;
    }
    taking_part =
        taking_part || (excess && house.miner(i).powered() && state != MinerState::asleep && (bound_ & bit) == 0);
  }
  lasting_ = taking_part ? lasting_ + seconds(1) : Duration{};
  if (lasting_ > grace_) counted_s_ += 1.0;
}

std::vector<Contender> contenders() {
  std::vector<Contender> all{kOracle, kK0};
  for (const BaselineInfo& peer : baselines()) all.push_back({peer.id, "nothing", peer.rule});
  all.insert(all.end(), std::begin(kProduct), std::end(kProduct));
  return all;
}

Result<Contender> contender(std::string_view id) {
  std::string known;
  for (const Contender& one : contenders()) {
    if (one.id == id) return one;
    known += known.empty() ? "" : ", ";
    known += one.id;
  }
  return fail(ErrorKind::not_found, "no controller \"{}\"; known are {}", id, known);
}

std::vector<float> surplus_w(const BenchCase& bench) {
  std::vector<float> out;
  out.reserve(bench.days * kDay);
  for (std::size_t second = bench.first_day * kDay; out.size() < bench.days * kDay; ++second) {
    const Watts sun = min(bench.trace->pv(second) * bench.pv_scale, bench.inverter);
    out.push_back(static_cast<float>((sun - bench.trace->load(second)).value()));
  }
  return out;
}

BenchRun begin(const BenchCase& bench, std::string_view id, double fixed_share) {
  const BenchCase& world = id == "k0" ? without_delay(bench) : bench;
  BenchRun run;
  run.house = std::make_unique<VirtualHouse>(virtual_spec(world, id), world.trace);
  run.policy = policy(world, id, fixed_share, run.house->wall_start());
  return run;
}

Outcome play(const BenchCase& bench, std::string_view id, const Progress& progress) {
  if (id != kFixedPowerLaw) return play_once(bench, id, kFixedShares[2], progress);
  Outcome best = play_once(bench, id, kFixedShares[0], progress);
  for (const double share : std::span(kFixedShares).subspan(1)) {
    const Outcome other = play_once(bench, id, share, {});
    if (other.objective(bench.lambda) > best.objective(bench.lambda)) best = other;
  }
  return best;
}

Yardstick yardstick(const BenchCase& bench, const Progress& progress) {
  Yardstick out;
  const std::vector<float> known_w = surplus_w(bench);
  const std::vector<OracleMiner> miners = oracle_miners(bench);
  if (bench.battery) {
    BenchCase idle = bench;
    idle.plants.clear();
    out.idle = play_once(idle, "sluice", 0.0, {}).score;
    BatteryBoundSpec most;
    most.battery = bench.battery->spec;
    most.initial_soc = bench.battery->soc;
    for (const OracleMiner& miner : miners) most.miners_max += miner.spec.envelope.max * (1.0 + miner.setpoint_bias);
    const double with_miners = battery_bound(known_w, seconds(1), most);
    most.miners_max = Watts(0.0);
    out.net_value = with_miners - battery_bound(known_w, seconds(1), most);
    out.net_value_limit = with_miners - energy_value(*out.idle, most.prices);
  } else if (miners.size() > 1) {
    out.best.score.captured = out.best.score.mined = cheap_bounds(known_w, miners).ub0;
    if (bench.days <= kForesightDays && miners.size() <= kMaxOracleMiners) {
      out.foresight_pct = percent(foresee(bench, known_w, miners), out.best.score.captured);
    }
  } else {
    out.best = foresee(bench, known_w, miners.front());
    out.of_ub1_pct = percent(out.best.objective(bench.lambda), cheap_bounds(known_w, miners).ub1);
  }
  if (bench.zero_export) {
    BenchCase allowed = bench;
    allowed.zero_export = false;
    allowed.lambda = kLambdaWithExport;
    out.freely = play_once(allowed, "c2", 0.0, {}).score.mined;
  }
  if (progress) progress(bench.days * kDay);
  return out;
}

BenchRow rate(const BenchCase& bench, const Contender& who, const Outcome& outcome, const Yardstick& by) {
  const Score& score = outcome.score;
  const auto days = static_cast<double>(bench.days);
  BenchRow row;
  row.controller = who.id;
  row.plant = bench.plant_name();
  row.profile = to_string(bench.profile);
  row.trace = bench.trace_name;
  row.trained_on = who.trained_on;
  row.leak_pct = percent(bench.battery ? score.import_while_mining : score.leaked(), score.mined);
  row.starts_per_day = score.starts / days;
  row.changes_per_hour = outcome.running_s > 0.0 ? outcome.changes * 3600.0 / outcome.running_s : 0.0;
  row.breaker_s = outcome.breaker_s;
  row.outcome = outcome;
  if (by.idle) {
    const double value = net_value(score, *by.idle, Prices{});
    row.net_value_per_day = value / days;
    row.net_value_pct = 100.0 * value / *by.net_value;
  } else {
    row.csr_pct = percent(score.captured, by.best.score.captured);
    row.nsv_pct = percent(outcome.objective(bench.lambda), by.best.objective(bench.lambda));
  }
  if (by.freely) row.mined_pct = percent(score.mined, *by.freely);
  return row;
}

}  // namespace sluice::sim
