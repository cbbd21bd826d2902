#include "sim/energy_plants.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

// Zero-export limiter: moves by half the error a second, opens by a tenth of the rating at most.
constexpr double kLimiterGain = 0.5;
constexpr double kLimiterOpening = 0.1;
constexpr Watts kImportMargin{20.0};

}  // namespace

BatteryPlant::BatteryPlant(const BatterySpec& spec, Percent soc, Duration step)
    : spec_(spec),
      step_(step),
      stored_(spec.capacity * (soc.value() / 100.0)),
      discharge_limit_(spec.max_power),
      delayed_grid_(std::max<std::size_t>(1, static_cast<std::size_t>(spec.meter_delay / step))) {}

void BatteryPlant::advance(Watts grid) {
  const Watts seen = delayed_grid_[oldest_];
  delayed_grid_[oldest_] = grid;
  oldest_ = (oldest_ + 1) % delayed_grid_.size();
  // Limiting the integrator itself keeps it from winding up at an end of the battery.
  wanted_ = limited(wanted_ + seen * (spec_.gain_per_s * to_seconds(step_)));
  const double toward = to_seconds(step_) / to_seconds(std::max(spec_.lag, step_));
  move(limited(power_ + (wanted_ - power_) * toward));
}

void BatteryPlant::advance_island(Watts wanted) {
  wanted_ = limited(wanted);
  move(wanted_);
}

Watts BatteryPlant::limited(Watts wanted) const {
  const double hours = to_seconds(step_) / 3600.0;
  const WattHours usable = positive(stored_ - spec_.capacity * (spec_.floor.value() / 100.0));
  const WattHours room = positive(spec_.capacity - stored_);
  const Watts most_out = min(min(spec_.max_power, discharge_limit_), Watts(usable.value() * spec_.efficiency / hours));
  const Watts most_in = min(spec_.max_power, Watts(room.value() / spec_.efficiency / hours));
  return clamp(wanted, -most_in, most_out);
}

void BatteryPlant::move(Watts power) {
  power_ = power;
  const double through = power > Watts(0.0) ? 1.0 / spec_.efficiency : spec_.efficiency;
  stored_ -= power * step_ * through;
}

void PvPlant::advance(Watts potential, Watts grid) {
  potential_ = min(potential, spec_.rating);
  if (!spec_.zero_export) {
    power_ = potential_;
    return;
  }
  const double seconds = to_seconds(step_);
  const Watts move = (grid + kImportMargin) * (kLimiterGain * seconds);
  const Watts opening = spec_.rating * (kLimiterOpening * seconds);
  limit_ = clamp(limit_ + min(move, opening), Watts(0.0), spec_.rating);
  power_ = min(potential_, limit_);
}

void PvPlant::advance_island(Watts potential, Watts wanted) {
  potential_ = min(potential, spec_.rating);
  power_ = clamp(wanted, Watts(0.0), potential_);
}

}  // namespace sluice::sim
