#include "store/energy.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "model/energy.hpp"
#include "store/block_codec.hpp"

namespace sluice::store {
namespace {

struct Direction {
  std::string_view name;
  SiteSeries series;
  double sign;
};

constexpr std::array<Direction, 6> kDirections{{
    {"grid_import_wh", SiteSeries::grid_w, 1.0},
    {"grid_export_wh", SiteSeries::grid_w, -1.0},
    {"pv_wh", SiteSeries::pv_w, 1.0},
    {"battery_discharge_wh", SiteSeries::battery_w, 1.0},
    {"battery_charge_wh", SiteSeries::battery_w, -1.0},
    {"house_wh", SiteSeries::house_w, 1.0},
}};

}  // namespace

double positive_energy_wh(double from_w, double to_w, Duration time) {
  return positive_energy(Watts(from_w), Watts(to_w), time).value();
}

void EnergyIntegrator::add(const Sample& sample) {
  if (last_) {
    const Duration apart = sample.at - last_->at;
    if (apart > Duration::zero() && apart <= kEnergyGap) add_interval(*last_, sample);
  }
  last_ = sample;
}

void EnergyIntegrator::add_interval(const Sample& from, const Sample& to) {
  const Duration time = to.at - from.at;
  const auto add_series = [&](std::string name, std::size_t index, double sign) {
    if (from.values[index] == kMissing || to.values[index] == kMissing) return;
    EnergyAmount& amount = amounts_[{to.local_day, std::move(name)}];
    amount.energy_wh += positive_energy_wh(sign * from.values[index], sign * to.values[index], time);
    amount.covered_s += to_seconds(time);
  };
  for (const Direction& direction : kDirections) {
    add_series(std::string(direction.name), index_of(direction.series), direction.sign);
  }
  if (*from.miners != *to.miners) return;
  for (std::size_t miner = 0; miner < to.miners->size(); ++miner) {
    add_series("miner." + (*to.miners)[miner] + ".energy_wh", index_of(MinerSeries::expected_w, miner), 1.0);
  }
}

}  // namespace sluice::store
