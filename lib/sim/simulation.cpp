#include "sim/simulation.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "model/worth.hpp"
#include "sim/market.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

using std::chrono::seconds;

constexpr Duration kLeadIn = std::chrono::hours(1);
constexpr double kSecondsPerDay = 86'400.0;

/// A tariff and the owner's wishes, all of it known in advance.
class KnownTariff final : public Market {
 public:
  explicit KnownTariff(const SimulationSpec& spec) : spec_(spec) {}

  void tell(Snapshot& snapshot) override {
    while (day_ + 1 < spec_.midnights.size() && snapshot.wall >= spec_.midnights[day_ + 1]) ++day_;
    const std::int64_t before_first = snapshot.wall < spec_.midnights.front() ? 1 : 0;
    snapshot.local_day = spec_.first_local_day + static_cast<std::int64_t>(day_) - before_first;
    snapshot.money.prices = spec_.prices;
    if (spec_.hash_price) snapshot.money.hash_price = Reading<PricePerThsDay>::good(*spec_.hash_price, snapshot.now);
    MinerMoney& miner = snapshot.miner_money[0];
    if (spec_.heat_value) miner.heat_value = Reading<PricePerKwh>::good(*spec_.heat_value, snapshot.now);
    const PriceSlot* slot = spec_.prices->at(snapshot.wall);
    const auto wish = slot == nullptr ? spec_.wishes.end() : spec_.wishes.find(slot->period_id);
    miner.order = wish == spec_.wishes.end() ? PeriodOrder::none : wish->second.order;
    miner.order_power = wish == spec_.wishes.end() ? Watts(0.0) : wish->second.power;
  }

 private:
  const SimulationSpec& spec_;
  std::size_t day_ = 0;
};

VirtualHouseSpec house_spec(const SimulationSpec& spec, bool with_miner) {
  VirtualHouseSpec out;
  const std::size_t lead_s = static_cast<std::size_t>(kLeadIn / seconds(1));
  const std::size_t size = spec.trace->size();
  out.house.start_second = (spec.trace_second + size - lead_s % size) % size;
  out.house.pv_scale = spec.pv_scale;
  out.house.pv = {.rating = Watts(1e6), .zero_export = false};
  out.house.battery = spec.battery;
  out.house.meter = nominal_meter();
  out.house.step = seconds(1);
  out.house.keep_history = false;
  out.wall_start = spec.midnights.front() - kLeadIn;
  if (!with_miner) return out;
  out.house.miners.push_back({spec.plant, {}, StartState::asleep, {}});
  out.told.push_back(spec.plant.dynamics);
  out.report_noise = 0.0;
  // A miner that does everything at once is told at once.
  if (spec.plant.dynamics.wake == Duration{}) out.to_first_byte = out.to_answer = Duration{};
  out.market = std::make_shared<KnownTariff>(spec);
  return out;
}

Site site(const SimulationSpec& spec) {
  Site out;
  out.name = "simulation";
  out.control.strategy = spec.strategy;
  out.control.profile = spec.profile;
  out.has_pv_meter = std::any_of(spec.trace->pv_w.begin(), spec.trace->pv_w.end(), [](float w) { return w > 0.0F; });
  if (spec.battery) {
    out.battery.present = true;
    out.battery.capacity = spec.battery->spec.capacity;
    out.battery.max_charge = out.battery.max_discharge = spec.battery->spec.max_power;
  }
  MinerSite miner;
  miner.name = "miner";
  miner.strategy = spec.strategy;
  miner.curve = spec.curve;
  out.miners.push_back(std::move(miner));
  return out;
}

class Nobody final : public Policy {
 public:
  void step(const Snapshot& /*snapshot*/, Decision& /*decision*/) override {}
};

/// What the meter and the miner count in one house, second by second.
class Count {
 public:
  Count(const SimulationSpec& spec, const VirtualHouse& house) : spec_(spec), house_(house) {}

  /// After a tick that began at `from`; null: before the first midnight, which nobody pays for.
  void add(WallTime from, SimulatedDay* day) {
    const HousePlant& plant = house_.house();
    const Score since = plant.score() - before_;
    before_ = plant.score();
    const bool has_miner = plant.miner_count() > 0;
    const WattHours hashed = has_miner ? plant.miner(0).running_energy() - hashed_ : WattHours(0.0);
    hashed_ += hashed;
    if (day == nullptr) return;
    if (slot_ == nullptr || from < slot_->begin || from >= slot_->end) slot_ = spec_.prices->at(from);
    day->imported += since.imported;
    day->exported += since.exported;
    if (slot_ != nullptr) {
      day->energy_cost += Money((since.imported.value() * slot_->import_price.value() -
                                 since.exported.value() * slot_->export_price.value()) /
                                1000.0);
      if (since.mined > WattHours(0.0)) day->mined_in[slot_->period_id] += since.mined;
    } else {
      day->price_gap = true;
    }
    if (!has_miner) return;
    day->mined += since.mined;
    day->standby += positive(since.standby);  // differences of large sums
    day->unhashed += positive(since.mined - hashed);
    day->starts += since.starts;
    if (plant.miner(0).state() != MinerState::asleep) day->running_s += 1.0;
    if (spec_.heat_value) {
      day->heat += Money((since.mined + since.standby).value() * spec_.heat_value->value() / 1000.0);
    }
    if (spec_.hash_price) {
      const double hashrate_ths = hashrate_at(spec_.curve, Watts(hashed.value() * 3600.0)).value();
      day->revenue += Money(hashrate_ths * spec_.hash_price->value() / kSecondsPerDay);
    }
  }

 private:
  const SimulationSpec& spec_;
  const VirtualHouse& house_;
  const PriceSlot* slot_ = nullptr;
  Score before_;
  WattHours hashed_{};
};

std::vector<SimulatedDay> run(const SimulationSpec& spec, Policy& policy, bool with_miner, const Progress& progress) {
  VirtualHouse house(house_spec(spec, with_miner), spec.trace);
  Count count(spec, house);
  std::vector<SimulatedDay> days(spec.midnights.size() - 1);
  const auto play_until = [&](WallTime end, SimulatedDay* day) {
    while (house.wall() < end) {
      const WallTime from = house.wall();
      house.tick(policy);
      count.add(from, day);
    }
  };
  play_until(spec.midnights.front(), nullptr);
  for (std::size_t day = 0; day < days.size(); ++day) {
    play_until(spec.midnights[day + 1], &days[day]);
    if (progress) progress(static_cast<std::size_t>((spec.midnights[day + 1] - spec.midnights[day]) / seconds(1)));
  }
  return days;
}

void add(SimulatedDay& total, const SimulatedDay& day) {
  total.mined += day.mined;
  total.standby += day.standby;
  total.unhashed += day.unhashed;
  total.imported += day.imported;
  total.exported += day.exported;
  total.energy_cost += day.energy_cost;
  total.revenue += day.revenue;
  total.heat += day.heat;
  total.starts += day.starts;
  total.running_s += day.running_s;
  total.price_gap = total.price_gap || day.price_gap;
  for (const auto& [period, energy] : day.mined_in) total.mined_in[period] += energy;
}

}  // namespace

Simulation simulate(const SimulationSpec& spec, const Progress& progress) {
  assert(spec.prices && spec.trace && spec.midnights.size() > 1);
  Simulation out;
  ProductPolicy product(site(spec), PersistentState{}, VirtualHouse::start(), spec.midnights.front() - kLeadIn);
  out.days = run(spec, product, true, progress);
  Nobody nobody;
  const std::vector<SimulatedDay> idle = run(spec, nobody, false, {});
  for (std::size_t day = 0; day < out.days.size(); ++day) {
    out.days[day].energy_cost -= idle[day].energy_cost;
    add(out.total, out.days[day]);
  }
  return out;
}

std::map<std::uint8_t, PeriodWish> cheapest_period_only(const PriceOutlook& prices) {
  struct Sum {
    double price_s = 0.0, s = 0.0;
  };
  std::map<std::uint8_t, Sum> sums;
  for (const PriceSlot& slot : prices.slots) {
    Sum& sum = sums[slot.period_id];
    const double length_s = to_seconds(slot.end - slot.begin);
    sum.price_s += slot.import_price.value() * length_s;
    sum.s += length_s;
  }
  std::map<std::uint8_t, PeriodWish> out;
  const auto mean = [](const auto& entry) { return entry.second.price_s / entry.second.s; };
  const auto cheapest =
      std::min_element(sums.begin(), sums.end(), [&](const auto& a, const auto& b) { return mean(a) < mean(b); });
  for (const auto& entry : sums) {
    const bool full = entry.first == cheapest->first;
    out[entry.first] = {full ? PeriodOrder::full : PeriodOrder::sleep, {}};
  }
  return out;
}

}  // namespace sluice::sim
