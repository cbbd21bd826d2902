#include "ledger/accounts.hpp"

#include <algorithm>
#include <cmath>

#include "ledger/attribution.hpp"

namespace sluice::ledger {
namespace {

constexpr double kNano = 1e9, kSecondsADay = 86400.0, kMilliSatoshis = 1e11;
constexpr Duration kHashrateAge = std::chrono::seconds(60);
constexpr Duration kReadingAge = kReadingGap;

std::int64_t whole(double value) { return std::isfinite(value) ? std::llround(value) : 0; }

/// One µWh at a price of 1 per kWh costs one billionth.
std::int64_t money_n(std::int64_t energy_uwh, PricePerKwh price) {
  return whole(static_cast<double>(energy_uwh) * price.value());
}

std::int64_t ms(MonoTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
std::int64_t ms(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }

template <class T>
std::optional<double> known(const Reading<T>& reading) {
  if (!reading.usable() || !reading.value.finite()) return std::nullopt;
  return reading.value.value();
}

/// On the curve, in a straight line between its points; held beyond its ends.
std::optional<double> hashrate_at(const WorkingCurve& curve, double power_w) {
  if (curve.empty()) return std::nullopt;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (power_w > curve[i].power.value()) continue;
    if (i == 0) return curve[0].hashrate.value();
    const double part = (power_w - curve[i - 1].power.value()) / (curve[i].power - curve[i - 1].power).value();
    return curve[i - 1].hashrate.value() + part * (curve[i].hashrate - curve[i - 1].hashrate).value();
  }
  return curve[curve.size() - 1].hashrate.value();
}

IntervalKey key_of(const Snapshot& snapshot, const std::optional<PriceSlot>& price) {
  IntervalKey key;
  if (!snapshot.wall_sane) return key;
  const std::int64_t seconds = unix_ms(snapshot.wall) / 1000;
  key.quarter = std::max<std::int64_t>(0, seconds) / kQuarterSeconds;
  key.local_day = snapshot.local_day;
  if (price) key.period = price->period_id;
  return key;
}

std::vector<LedgerEntry> entries_of(const IntervalKey& key, const std::map<std::string, Amounts>& miners,
                                    const Amounts& site) {
  std::vector<LedgerEntry> entries;
  const auto add = [&](const std::string& subject, const Amounts& amounts) {
    if (amounts != Amounts{}) entries.push_back({0, key.quarter, key.local_day, key.period, subject, amounts});
  };
  for (const auto& [name, amounts] : miners) add(name, amounts);
  add("", site);
  return entries;
}

}  // namespace

Accounts::Miner Accounts::look_at(const MinerSite& site, const MinerObservation& seen, const MinerDecision& decided,
                                  const MinerMoney& money, MonoTime now) {
  Miner miner;
  miner.power = decided.expected_power.finite() ? positive(decided.expected_power) : Watts(0.0);
  miner.running = seen.state == MinerState::running;
  miner.asleep = seen.state == MinerState::asleep;
  miner.doubtful = seen.state == MinerState::unknown && miner.power > Watts(0.0);
  miner.heat_price = known(money.heat_value);
  Memory& memory = memory_[site.name];
  if (miner.running) {
    miner.ths = seen.hashrate.fresh(now, kHashrateAge) ? known(seen.hashrate) : std::nullopt;
    if (!miner.ths) miner.ths = hashrate_at(site.curve, miner.power.value());
    if (miner.ths && miner.power > Watts(1.0)) memory.ths_per_w = *miner.ths / miner.power.value();
  }
  Watts most = site.max_power;
  if (seen.envelope.known()) most = most > Watts(0.0) ? min(most, seen.envelope.max) : seen.envelope.max;
  if (most > Watts(0.0)) {
    miner.most_w = most.value();
    miner.most_ths = hashrate_at(site.curve, most.value());
    if (!miner.most_ths && memory.ths_per_w) miner.most_ths = *memory.ths_per_w * most.value();
  }
  return miner;
}

Accounts::Moment Accounts::look(const Site& site, const Snapshot& snapshot, const Decision& decision) {
  Moment moment;
  moment.now = snapshot.now;
  moment.wall = snapshot.wall;
  moment.wall_sane = snapshot.wall_sane;
  const MoneyObservation& money = snapshot.money;
  const PriceSlot* slot = snapshot.wall_sane && money.prices ? money.prices->at(snapshot.wall) : nullptr;
  if (slot != nullptr && slot->import_price.finite() && slot->export_price.finite()) moment.price = *slot;
  moment.key = key_of(snapshot, moment.price);
  moment.hash_price = known(money.hash_price);
  moment.bitcoin_price = known(money.bitcoin_price);
  if (moment.bitcoin_price && *moment.bitcoin_price <= 0.0) moment.bitcoin_price.reset();

  const Reading<Watts>& grid = snapshot.grid.power;
  const Reading<Watts>& battery = snapshot.battery.power;
  const bool battery_known =
      !site.battery.present || (battery.fresh(snapshot.now, kReadingAge) && battery.value.finite());
  moment.known =
      decision.estimate_valid && grid.fresh(snapshot.now, kReadingAge) && grid.value.finite() && battery_known;
  if (moment.known) {
    moment.grid = grid.value;
    if (battery.usable() && battery.value.finite()) moment.battery = battery.value;
    moment.battery_room = decision.battery_room.finite() ? positive(decision.battery_room) : Watts(0.0);
    // Throttled beyond a limit that nobody declared: it is where the grid stands.
    const bool throttled = snapshot.pv.curtailed.fresh(snapshot.now, kReadingAge) && snapshot.pv.curtailed.value;
    moment.export_limit = site.export_limit ? site.export_limit
                          : throttled       ? std::optional(positive(-moment.grid))
                                            : std::nullopt;
  }
  const std::size_t count = std::min({site.miners.size(), snapshot.miners.size(), decision.miners.size()});
  for (std::size_t i = 0; i < count; ++i) {
    moment.miners[site.miners[i].name] =
        look_at(site.miners[i], snapshot.miners[i], decision.miners[i], snapshot.miner_money[i], snapshot.now);
  }
  return moment;
}

std::vector<LedgerEntry> Accounts::add(const Site& site, const Snapshot& snapshot, const Decision& decision) {
  const Moment now = look(site, snapshot, decision);
  if (last_ && now.now <= last_->now) return {};
  if (last_) {
    count(*last_, now, snapshot.grid);
  } else {
    if (restored_) {
      const bool dated = now.wall_sane && restored_->at_unix_ms > 0;
      const std::int64_t away_ms = dated ? std::max<std::int64_t>(0, unix_ms(now.wall) - restored_->at_unix_ms) : 0;
      if (restored_->entries.empty()) key_ = now.key;
      count_gap(restored_->draw, std::chrono::milliseconds(away_ms));
      restored_.reset();
    } else {
      key_ = now.key;
    }
    meter_.add(snapshot.grid, site_);
  }
  for (const auto& [name, miner] : now.miners) {
    Memory& memory = memory_[name];
    if (miner.asleep) memory.slept = true;
    if (miner.running && memory.slept) {
      memory.slept = false;
      ++miners_[name][Amount::starts];
    }
  }
  std::vector<LedgerEntry> closed;
  if (key_ != now.key) closed = close();
  key_ = now.key;
  last_ = now;
  return closed;
}

std::vector<LedgerEntry> Accounts::close() {
  std::vector<LedgerEntry> closed = entries_of(key_, miners_, site_);
  miners_.clear();
  site_ = {};
  return closed;
}

OpenInterval Accounts::open() const {
  OpenInterval interval;
  interval.entries = entries_of(key_, miners_, site_);
  interval.bought_anchor_uwh = meter_.bought.anchor_uwh();
  interval.sold_anchor_uwh = meter_.sold.anchor_uwh();
  if (!last_) return interval;
  if (last_->wall_sane) interval.at_unix_ms = unix_ms(last_->wall);
  for (const auto& [name, miner] : last_->miners) interval.draw[name] = miner.power.value();
  return interval;
}

void Accounts::restore(const OpenInterval& interval) {
  restored_ = interval;
  meter_.bought.restore(interval.bought_anchor_uwh);
  meter_.sold.restore(interval.sold_anchor_uwh);
  for (const LedgerEntry& entry : interval.entries) {
    key_ = {entry.quarter, entry.local_day, entry.period};
    (entry.subject.empty() ? site_ : miners_[entry.subject]) = entry.amounts;
  }
}

void Accounts::count(const Moment& from, const Moment& to, const GridObservation& grid) {
  const std::int64_t bought = site_[Amount::bought_uwh], sold = site_[Amount::sold_uwh];
  meter_.add(grid, site_);
  const std::int64_t bought_now = site_[Amount::bought_uwh] - bought, sold_now = site_[Amount::sold_uwh] - sold;
  if (from.price) {
    site_[Amount::bought_n] += money_n(bought_now, from.price->import_price);
    site_[Amount::sold_n] += money_n(sold_now, from.price->export_price);
  } else {
    site_[Amount::bought_unpriced_uwh] += bought_now;
    site_[Amount::sold_unpriced_uwh] += sold_now;
  }
  const Duration time = to.now - from.now;
  if (time > kTickGap) {
    std::map<std::string, double> draw;
    for (const auto& [name, miner] : from.miners) draw[name] = miner.power.value();
    count_gap(draw, time);
    return;
  }
  const Step step = step_between(from, to);
  site_[Amount::covered_ms] += step.ms;
  count_prices(from, time);
  for (const auto& entry : to.miners) count_miner(entry.first, step);
  count_always(step);
}

/// Means of the two instants. What may be fed in, and the prices, are those of the first.
Accounts::Step Accounts::step_between(const Moment& from, const Moment& to) {
  Step step;
  step.from = &from;
  step.to = &to;
  step.time = to.now - from.now;
  step.ms = ms(to.now) - ms(from.now);
  Watts all{};
  for (const auto& [name, miner] : to.miners) {
    const auto before = from.miners.find(name);
    const Watts drawn = before == from.miners.end() ? miner.power : (before->second.power + miner.power) / 2.0;
    step.drawn[name] = drawn;
    all += drawn;
  }
  if (!from.known || !to.known) return step;
  step.flows = Flows{all, (from.grid + to.grid) / 2.0, (from.battery + to.battery) / 2.0,
                     (from.battery_room + to.battery_room) / 2.0, from.export_limit};
  step.sources = sources_of(*step.flows);
  return step;
}

void Accounts::count_gap(const std::map<std::string, double>& draw, Duration time) {
  site_[Amount::gap_ms] += ms(time);
  for (const auto& [name, watts] : draw) {
    const std::int64_t claimed = energy_uwh(positive(Watts(watts)), std::min(time, kGapClaim));
    if (claimed == 0) continue;
    Amounts& amounts = miners_[name];
    amounts[Amount::mined_uwh] += claimed;
    amounts[EnergySource::unknown] += claimed;
    amounts[Amount::mined_unpriced_uwh] += claimed;
    amounts[Amount::msat_unpriced_uwh] += claimed;
  }
}

void Accounts::count_prices(const Moment& from, Duration time) {
  const double seconds = to_seconds(time);
  if (from.price) {
    site_[Amount::import_price_n_s] += whole(from.price->import_price.value() * kNano * seconds);
    site_[Amount::import_priced_ms] += ms(time);
  }
  if (from.hash_price) {
    site_[Amount::hash_price_n_s] += whole(*from.hash_price * kNano * seconds);
    site_[Amount::hash_priced_ms] += ms(time);
  }
}

void Accounts::count_miner(const std::string& name, const Step& step) {
  const Moment& from = *step.from;
  const Miner& miner = step.to->miners.at(name);
  const std::int64_t mined = energy_uwh(step.drawn.at(name), step.time);
  const SourceEnergy energy = divide(mined, step.sources);
  Amounts& amounts = miners_[name];
  amounts[Amount::mined_uwh] += mined;
  for (std::size_t i = 0; i < kEnergySources; ++i) amounts[static_cast<EnergySource>(i)] += energy[i];
  if (miner.asleep) amounts[Amount::standby_uwh] += mined;
  const auto of = [&](EnergySource source) { return energy[static_cast<std::size_t>(source)]; };
  if (from.price) {
    amounts[Amount::import_cost_n] += money_n(of(EnergySource::grid), from.price->import_price);
    amounts[Amount::lost_export_n] += money_n(of(EnergySource::export_avoided), from.price->export_price);
    amounts[Amount::battery_value_n] += money_n(of(EnergySource::battery), from.price->import_price);
  } else {
    amounts[Amount::grid_unpriced_uwh] += of(EnergySource::grid);
    amounts[Amount::export_unpriced_uwh] += of(EnergySource::export_avoided);
    amounts[Amount::battery_unpriced_uwh] += of(EnergySource::battery);
  }
  if (miner.heat_price) amounts[Amount::heat_n] += money_n(mined, PricePerKwh(*miner.heat_price));
  if (miner.running) amounts[Amount::awake_ms] += step.ms;
  count_revenue(miner, mined, step, amounts);
}

void Accounts::count_revenue(const Miner& miner, std::int64_t mined, const Step& step, Amounts& amounts) {
  const auto unpriced = [&](Amount amount) { amounts[amount] += mined; };
  if (!miner.running && !miner.doubtful) return;  // it earns nothing, and that is known
  const double seconds = to_seconds(step.time);
  const bool counted = miner.running && miner.ths;
  if (counted) amounts[Amount::work_gh] += whole(*miner.ths * 1000.0 * seconds);
  if (!counted || !step.from->hash_price) {
    unpriced(Amount::mined_unpriced_uwh);
    unpriced(Amount::msat_unpriced_uwh);
    return;
  }
  const double revenue = *miner.ths * *step.from->hash_price * seconds / kSecondsADay;
  amounts[Amount::revenue_n] += whole(revenue * kNano);
  if (step.from->bitcoin_price) {
    amounts[Amount::revenue_msat] += whole(revenue / *step.from->bitcoin_price * kMilliSatoshis);
  } else {
    unpriced(Amount::msat_unpriced_uwh);
  }
}

void Accounts::count_always(const Step& step) {
  Watts most{};
  double ths = 0.0;
  bool complete = step.flows && step.from->price && step.from->hash_price;
  for (const auto& entry : step.to->miners) {
    const Miner& miner = entry.second;
    most += Watts(miner.most_w.value_or(0.0));
    ths += miner.most_ths.value_or(0.0);
    complete = complete && miner.most_w && miner.most_ths;
  }
  const std::int64_t energy = energy_uwh(most, step.time);
  site_[Amount::always_uwh] += energy;
  if (!complete) {
    site_[Amount::always_unknown_uwh] += energy;
    return;
  }
  const Alternative other = alternative(*step.flows, most);
  site_[Amount::always_cost_n] += money_n(energy_uwh(other.bought, step.time), step.from->price->import_price);
  site_[Amount::always_lost_n] += money_n(energy_uwh(other.not_sold, step.time), step.from->price->export_price);
  site_[Amount::always_revenue_n] += whole(ths * *step.from->hash_price * to_seconds(step.time) / kSecondsADay * kNano);
}

}  // namespace sluice::ledger
