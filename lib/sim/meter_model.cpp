#include "sim/meter_model.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim {

MeterModel::MeterModel(const MeterSpec& spec, std::uint64_t seed, Duration step)
    : spec_(spec), step_(step), random_(seed), delayed_(static_cast<std::size_t>(spec.age / step) + 1) {}

void MeterModel::advance(Watts grid) {
  now_ += step_;
  (grid > Watts(0.0) ? imported_ : exported_) += abs(grid) * step_;
  delayed_[oldest_] = grid;
  oldest_ = oldest_ + 1 < delayed_.size() ? oldest_ + 1 : 0;
  if (now_ < next_sample_) return;
  next_sample_ += spec_.sample;
  if (!dropped()) sample();
}

void MeterModel::sample() {
  const Watts seen = delayed_[oldest_];
  const Watts noisy = seen * (1.0 + spec_.relative_noise * random_.normal()) + spec_.noise * random_.normal();
  power_ = spec_.quantum > Watts(0.0) ? spec_.quantum * std::round(noisy / spec_.quantum) : noisy;
  shown_imported_ = imported_;
  shown_exported_ = exported_;
}

bool MeterModel::dropped() {
  if (now_ < dropped_until_) return true;
  if (spec_.dropouts_per_hour <= 0.0) return false;
  if (random_.uniform() >= spec_.dropouts_per_hour * to_seconds(spec_.sample) / 3600.0) return false;
  dropped_until_ = now_ + from_seconds(to_seconds(spec_.mean_dropout) * random_.uniform(0.5, 1.5));
  return true;
}

}  // namespace sluice::sim
