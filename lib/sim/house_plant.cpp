#include "sim/house_plant.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::sim {
namespace {

constexpr Watts over(WattHours energy, Duration time) { return Watts(energy.value() * 3600.0 / to_seconds(time)); }

}  // namespace

Score Score::operator-(const Score& earlier) const {
  Score since = *this;
  since.mined -= earlier.mined;
  since.standby -= earlier.standby;
  since.usable_surplus -= earlier.usable_surplus;
  since.captured -= earlier.captured;
  since.imported -= earlier.imported;
  since.exported -= earlier.exported;
  since.import_while_mining -= earlier.import_while_mining;
  since.unserved -= earlier.unserved;
  since.breaker_s -= earlier.breaker_s;
  since.starts -= earlier.starts;
  since.commands -= earlier.commands;
  return since;
}

HousePlant::HousePlant(HousePlantSpec spec, std::shared_ptr<const Trace> trace)
    : spec_(std::move(spec)),
      trace_(std::move(trace)),
      pv_(spec_.pv, spec_.step),
      meter_(spec_.meter, spec_.seed, spec_.step) {
  assert(spec_.step > Duration{});
  assert(std::chrono::seconds(1) % spec_.step == Duration{} || spec_.step % std::chrono::seconds(1) == Duration{});
  if (spec_.battery) battery_.emplace(spec_.battery->spec, spec_.battery->soc, spec_.step);
  for (const auto& setup : spec_.miners) {
    miners_.emplace_back(setup.spec, setup.errors, setup.start, setup.target);
    const Envelope& envelope = setup.spec.envelope;
    smallest_min_ = miners_.size() == 1 ? envelope.min : min(smallest_min_, envelope.min);
    sum_max_ += envelope.max;
  }
}

void HousePlant::advance(Duration dt) {
  for (remainder_ += dt; remainder_ >= spec_.step; remainder_ -= spec_.step) step();
}

void HousePlant::step() {
  const auto second = spec_.start_second + static_cast<std::size_t>(elapsed_ / std::chrono::seconds(1));
  const MinersEnergy miners = advance_miners();
  state_.load = trace_->load(second);
  state_.miners = over(miners.all, spec_.step);
  advance_sources(trace_->pv(second) * spec_.pv_scale, state_.load + state_.miners);
  count(miners);
  meter_.advance(state_.grid);
  elapsed_ += spec_.step;
  if (spec_.keep_history && elapsed_ % std::chrono::seconds(1) == Duration{}) history_.push_back({state_, score_});
}

HousePlant::MinersEnergy HousePlant::advance_miners() {
  MinersEnergy used;
  score_.starts = 0;
  score_.commands = 0;
  for (auto& miner : miners_) {
    used.all -= miner.energy();
    used.awake -= miner.awake_energy();
    miner.advance(spec_.step);
    used.all += miner.energy();
    used.awake += miner.awake_energy();
    score_.starts += miner.starts();
    score_.commands += miner.commands();
  }
  return used;
}

void HousePlant::advance_sources(Watts potential, Watts consumption) {
  if (state_.grid_lost) {
    pv_.advance_island(potential, consumption);
    if (battery_) battery_->advance_island(consumption - pv_.power());
  } else {
    pv_.advance(potential, state_.grid);
    if (battery_) battery_->advance(state_.grid);
  }
  state_.potential = pv_.potential();
  state_.pv = pv_.power();
  state_.pv_throttled = pv_.throttled();
  state_.battery = battery_ ? battery_->power() : Watts(0.0);
  state_.soc = battery_ ? battery_->soc() : Percent(0.0);
  const Watts missing = consumption - state_.pv - state_.battery;
  state_.grid = state_.grid_lost ? Watts(0.0) : missing;
  unserved_ = state_.grid_lost ? positive(missing) : Watts(0.0);
}

void HousePlant::count(const MinersEnergy& miners) {
  const WattHours surplus = positive(state_.surplus()) * spec_.step;
  const WattHours imported = positive(state_.grid) * spec_.step;
  score_.mined += miners.awake;
  score_.standby += miners.all - miners.awake;
  score_.captured += min(miners.awake, surplus);
  if (!miners_.empty() && state_.surplus() >= smallest_min_)
    score_.usable_surplus += min(surplus, sum_max_ * spec_.step);
  score_.imported += imported;
  score_.exported += positive(-state_.grid) * spec_.step;
  score_.import_while_mining += min(imported, miners.awake);
  score_.unserved += unserved_ * spec_.step;
  const bool above = spec_.breaker_limit > Watts(0.0) && state_.grid > spec_.breaker_limit;
  if (above) score_.breaker_s += to_seconds(spec_.step);
  pv_energy_ += state_.pv * spec_.step;
}

}  // namespace sluice::sim
