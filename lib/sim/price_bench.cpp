#include "sim/price_bench.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <utility>

#include "model/worth.hpp"
#include "sim/battery_bound.hpp"
#include "sim/commander.hpp"
#include "sim/price_foresight.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kDay = 86'400;
constexpr Watts kLoad{300.0};
constexpr PricePerKwh kBand{0.004};
constexpr Duration kBoundStep = seconds(60);

constexpr Contender kContenders[] = {
    {"oracle", "the future", "perfect foresight with the same miner"},
    {"always-on", "nothing", "never asleep"},
    {"cron-table", "the same days", "the best fixed hours, chosen in hindsight"},
    {"threshold", "nothing", "on while the price is below break-even"},
    {"threshold-band", "nothing", "on below break-even - 4 per MWh, off above break-even + 4"},
    {"sluice", "its own past", "the product's controller, strategy economic"},
    {"sluice-solar", "its own past", "the product's controller, strategy solar"},
    {"sluice-evening", "its own past", "the product's controller, strategy solar-battery"}};

PriceFeedSpec feed_spec(const PriceCase& bench) {
  return {bench.prices, bench.published, bench.late, bench.delivery, bench.export_price, bench.hash_price()};
}

bool plain(const PriceCase& bench) { return !bench.trace && !bench.battery; }

std::shared_ptr<const Trace> trace_of(const PriceCase& bench) {
  return bench.trace ? bench.trace : std::make_shared<const Trace>(constant_trace(Watts(0.0), kLoad));
}

MinerSetup miner_setup(const PriceCase& bench) {
  Random random(bench.seed ^ 0xb1a5edULL);
  MinerSetup miner;
  miner.spec = bench.plant;
  miner.errors.setpoint_bias = random.uniform(-bench.bias_span, bench.bias_span);
  miner.errors.report_bias = random.uniform(-bench.bias_span, bench.bias_span);
  miner.errors.seed = random.next();
  miner.start = StartState::asleep;
  return miner;
}

VirtualHouseSpec house_spec(const PriceCase& bench, bool with_miner) {
  VirtualHouseSpec spec;
  spec.house.start_second = bench.first_day * kDay;
  spec.house.pv_scale = bench.pv_scale;
  spec.house.pv = {.rating = Watts(1e6), .zero_export = false};
  spec.house.battery = bench.battery;
  spec.house.meter = nominal_meter();
  spec.house.meter.sample = std::max(spec.house.meter.sample, bench.tick);
  spec.house.seed = bench.seed;
  spec.house.step = plain(bench) ? bench.tick : Duration(seconds(1));
  spec.house.keep_history = false;
  if (with_miner) {
    spec.house.miners.push_back(miner_setup(bench));
    spec.told.push_back(bench.plant.dynamics);
  }
  spec.first_day = bench.prices->first_day;
  spec.market = std::make_shared<PriceFeed>(feed_spec(bench));
  return spec;
}

Site site(const PriceCase& bench, Strategy strategy) {
  Site out;
  out.name = "bench";
  out.control.profile = constraint_profile(bench.profile);
  // The profile has its price of a start in captured energy.
  const PricePerKwh earned = bench.break_even + bench.delivery;
  out.control.profile.start_cost = WattHours(1000.0 * bench.start_cost.value() / earned.value());
  out.has_pv_meter = bench.trace != nullptr;
  if (bench.battery) {
    out.battery.present = true;
    out.battery.capacity = bench.battery->spec.capacity;
    out.battery.max_charge = out.battery.max_discharge = bench.battery->spec.max_power;
  }
  MinerSite miner;
  miner.name = "m0";
  miner.strategy = strategy;
  miner.curve = bench.curve;
  out.control.strategy = strategy;
  out.miners.push_back(std::move(miner));
  return out;
}

/// One rule for the whole miner: on at full power, or asleep.
class OnOff : public Policy {
 public:
  explicit OnOff(ProfileName profile) : miners_(without_daily_limit(constraint_profile(profile))) {}
  void step(const Snapshot& snapshot, Decision& decision) final {
    miners_.look(snapshot);
    if (wanted(snapshot, miners_.wanted_on(0))) {
      miners_.run(snapshot, 0, snapshot.miners[0].envelope.max);
    } else {
      miners_.rest(0);
    }
    miners_.send(snapshot, decision);
  }

 private:
  virtual bool wanted(const Snapshot& snapshot, bool on) const = 0;
  // No script counts its starts; it pays for each in the score instead.
  static ConstraintProfile without_daily_limit(ConstraintProfile profile) {
    profile.max_starts_per_day = 0;
    return profile;
  }
  Commander miners_;
};

class Threshold final : public OnOff {
 public:
  Threshold(const PriceCase& bench, PricePerKwh band)
      : OnOff(bench.profile), earned_(bench.break_even + bench.delivery), band_(band) {}

 private:
  bool wanted(const Snapshot& snapshot, bool on) const override {
    const PriceSlot* slot = snapshot.money.prices->at(snapshot.wall);
    if (slot == nullptr) return false;
    return on ? slot->import_price <= earned_ + band_ : slot->import_price < earned_ - band_;
  }
  PricePerKwh earned_, band_;
};

class FixedHours final : public OnOff {
 public:
  FixedHours(const PriceCase& bench, CronTable table) : OnOff(bench.profile), table_(table) {}

 private:
  bool wanted(const Snapshot& snapshot, bool /*on*/) const override {
    const auto hour = static_cast<int>(snapshot.wall.time_since_epoch() % hours(24) / hours(1));
    if (table_.never) return false;
    if (table_.from_hour < table_.to_hour) return hour >= table_.from_hour && hour < table_.to_hour;
    return hour >= table_.from_hour || hour < table_.to_hour;
  }
  CronTable table_;
};

class Nobody final : public Policy {
 public:
  void step(const Snapshot& /*snapshot*/, Decision& /*decision*/) override {}
};

std::unique_ptr<Policy> policy(const PriceCase& bench, std::string_view id) {
  if (id == "always-on") return std::make_unique<FixedHours>(bench, CronTable{});
  if (id == "cron-table") return std::make_unique<FixedHours>(bench, best_cron_table(bench));
  if (id == "threshold") return std::make_unique<Threshold>(bench, PricePerKwh(0.0));
  if (id == "threshold-band") return std::make_unique<Threshold>(bench, kBand);
  const Strategy strategy = id == "sluice-solar"     ? Strategy::solar
                            : id == "sluice-evening" ? Strategy::solar_battery
                                                     : Strategy::economic;
  const WallTime begun = bench.prices->begin() + bench.first_day * hours(24);
  return std::make_unique<ProductPolicy>(site(bench, strategy), PersistentState{}, VirtualHouse::start(), begun);
}

Money cost(WattHours energy, PricePerKwh price) { return Money(energy.value() * price.value() / 1000.0); }

/// Import price of every slot of the case's days, delivery included.
std::vector<double> import_prices(const PriceCase& bench) {
  const auto per_day = static_cast<std::size_t>(hours(24) / bench.prices->step);
  std::vector<double> out;
  for (std::size_t slot = bench.first_day * per_day; slot < (bench.first_day + bench.days) * per_day; ++slot) {
    out.push_back(static_cast<double>(bench.prices->per_kwh[slot]) + bench.delivery.value());
  }
  return out;
}

Money linear_bound(const PriceCase& bench, const PriceOutcome& idle) {
  const std::shared_ptr<const Trace> trace = trace_of(bench);
  const double earned = (bench.break_even + bench.delivery).value();
  const std::vector<double> imports = import_prices(bench);
  const auto step_s = static_cast<std::size_t>(kBoundStep / seconds(1));
  const auto slot_s = static_cast<std::size_t>(bench.prices->step / seconds(1));
  std::vector<float> surplus_w;
  std::vector<Prices> prices;
  for (std::size_t second = 0; second < bench.days * kDay; second += step_s) {
    double sum_w = 0.0;
    for (std::size_t i = 0; i < step_s; ++i) {
      const std::size_t at = bench.first_day * kDay + second + i;
      sum_w += trace->pv(at).value() * bench.pv_scale - trace->load(at).value();
    }
    surplus_w.push_back(static_cast<float>(sum_w / static_cast<double>(step_s)));
    const double bought = imports[second / slot_s];
    prices.push_back({earned, bought, std::min(bought, bench.export_price.value())});
  }
  BatteryBoundSpec most;
  if (bench.battery) {
    most.battery = bench.battery->spec;
    most.initial_soc = bench.battery->soc;
  } else {
    most.battery.max_power = Watts(0.0);
  }
  const MinerSetup miner = miner_setup(bench);
  most.miners_max = miner.spec.envelope.max * (1.0 + miner.errors.setpoint_bias);
  return Money(battery_bound(surplus_w, kBoundStep, most, prices)) + idle.energy_cost;
}

}  // namespace

PricePerThsDay PriceCase::hash_price() const {
  const PricePerKwh earned = break_even + delivery;
  return PricePerThsDay(earned.value() * 24.0 * plant.envelope.max.value() / 1000.0 / curve.back().hashrate.value());
}

WorkingCurve straight_curve(const PlantSpec& plant) {
  WorkingCurve curve;
  curve.push_back({plant.envelope.max, plant.max_hashrate});
  return curve;
}

WorkingCurve plant_curve(const PlantSpec& plant, std::size_t points) {
  WorkingCurve curve;
  const Watts span = plant.envelope.max - plant.envelope.min;
  for (std::size_t i = 0; i < points; ++i) {
    const Watts power = plant.envelope.min + span * (static_cast<double>(i) / static_cast<double>(points - 1));
    if (curve.empty() || power > curve.back().power) curve.push_back({power, plant.hashrate(power)});
  }
  return curve;
}

std::vector<Contender> price_contenders() { return {std::begin(kContenders), std::end(kContenders)}; }

namespace {

PriceOutcome play_in(VirtualHouse&& house, const PriceCase& bench, Policy& policy, const Progress& progress) {
  const PriceFeed truth(feed_spec(bench));
  const double hash_price = bench.hash_price().value(), tick_s = to_seconds(bench.tick);
  PriceOutcome out;
  WattHours hashed{}, imported{}, exported{};
  for (std::size_t day = 0; day < bench.days; ++day) {
    for (std::size_t second = 0; second < kDay; second += static_cast<std::size_t>(bench.tick / seconds(1))) {
      const PricePerKwh price = truth.import_price(house.wall()), sold = truth.export_price(house.wall());
      house.tick(policy, bench.tick);
      const HousePlant& plant = house.house();
      out.energy_cost += cost(plant.score().imported - imported, price) - cost(plant.score().exported - exported, sold);
      imported = plant.score().imported;
      exported = plant.score().exported;
      if (plant.miner_count() == 0) continue;
      const WattHours running = plant.miner(0).running_energy();
      const Watts mean((running - hashed).value() * 3600.0 / tick_s);
      hashed = running;
      out.revenue += Money(hashrate_at(bench.curve, mean).value() * hash_price * tick_s / static_cast<double>(kDay));
    }
    if (progress) progress(kDay);
  }
  out.score = house.house().score();
  out.running_s = house.workload().running_s;
  out.changes = static_cast<double>(house.workload().changes);
  return out;
}

}  // namespace

PriceOutcome play(const PriceCase& bench, std::string_view id, const Progress& progress) {
  if (id == "idle") {
    Nobody nobody;
    return play_in({house_spec(bench, false), trace_of(bench)}, bench, nobody, progress);
  }
  return play(bench, *policy(bench, id), progress);
}

PriceOutcome play(const PriceCase& bench, Policy& policy, const Progress& progress) {
  return play_in({house_spec(bench, true), trace_of(bench)}, bench, policy, progress);
}

CronTable best_cron_table(const PriceCase& bench) {
  const std::vector<double> imports = import_prices(bench);
  const auto per_hour = static_cast<std::size_t>(hours(1) / bench.prices->step);
  const double earned = (bench.break_even + bench.delivery).value();
  const double slot_kwh = bench.plant.envelope.max.value() / 1000.0 / static_cast<double>(per_hour);
  std::array<double, 24> hour_net{};
  for (std::size_t slot = 0; slot < imports.size(); ++slot) {
    hour_net[slot / per_hour % 24] += (earned - imports[slot]) * slot_kwh;
  }
  const double starts = static_cast<double>(bench.days) * bench.start_cost.value();
  CronTable best{.never = true};
  double most = 0.0;
  for (int from = 0; from < 24; ++from) {
    double net = -starts;
    for (int count = 1; count <= 24; ++count) {
      net += hour_net[static_cast<std::size_t>((from + count - 1) % 24)];
      const double with_starts = count == 24 ? net + starts - bench.start_cost.value() : net;
      if (with_starts > most) most = with_starts, best = {from, (from + count) % 24, false};
    }
  }
  return best;
}

PriceYardstick price_yardstick(const PriceCase& bench, const Progress& progress) {
  PriceYardstick out;
  out.idle = play(bench, "idle");
  if (plain(bench)) {
    const MinerSetup miner = miner_setup(bench);
    PriceForesightSpec spec;
    spec.miner = {miner.spec, miner.errors.setpoint_bias};
    spec.curve = bench.curve;
    spec.hash_price = bench.hash_price();
    spec.start_cost = bench.start_cost;
    spec.min_off = constraint_profile(bench.profile).min_off;
    spec.slot = bench.prices->step;
    const PriceForesight best = price_foresight(import_prices(bench), spec);
    out.best = best.net;
    out.starts = best.starts;
    out.running_s = best.running_s;
  } else {
    out.best = linear_bound(bench, out.idle);
    out.bound = true;
  }
  if (progress) progress(bench.days * kDay);
  return out;
}

}  // namespace sluice::sim
