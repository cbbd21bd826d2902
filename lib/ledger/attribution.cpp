#include "ledger/attribution.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::ledger {
namespace {

Watts& of(SourceWatts& watts, EnergySource source) { return watts[static_cast<std::size_t>(source)]; }
Watts of(const SourceWatts& watts, EnergySource source) { return watts[static_cast<std::size_t>(source)]; }

}  // namespace

SourceWatts sources_of(const Flows& flows) {
  SourceWatts watts{};
  const Watts grid = min(flows.mining, positive(flows.grid));
  const Watts discharge = min(flows.mining - grid, positive(flows.battery));
  const Watts sun = flows.mining - grid - discharge;
  const Watts not_charged = min(sun, positive(flows.battery_room - positive(-flows.battery)));
  const Watts spilled = sun - not_charged;
  const Watts sold = flows.export_limit ? min(spilled, positive(*flows.export_limit - positive(-flows.grid))) : spilled;
  of(watts, EnergySource::grid) = grid;
  of(watts, EnergySource::battery) = discharge + not_charged;
  of(watts, EnergySource::export_avoided) = sold;
  of(watts, EnergySource::curtailed) = spilled - sold;
  return watts;
}

SourceEnergy divide(std::int64_t mined_uwh, const SourceWatts& watts) {
  SourceEnergy energy{};
  double total = 0.0;
  for (const Watts source : watts) total += source.value();
  if (!(total > 0.0) || !std::isfinite(total)) {
    energy[static_cast<std::size_t>(EnergySource::unknown)] = mined_uwh;
    return energy;
  }
  std::int64_t left = mined_uwh;
  for (std::size_t i = 0; i < kEnergySources; ++i) {
    const double share = static_cast<double>(mined_uwh) * (watts[i].value() / total);
    energy[i] = std::min(left, static_cast<std::int64_t>(std::floor(share)));
    left -= energy[i];
  }
  energy[static_cast<std::size_t>(std::max_element(watts.begin(), watts.end()) - watts.begin())] += left;
  return energy;
}

Alternative alternative(const Flows& flows, Watts mining) {
  const SourceWatts real = sources_of(flows);
  Alternative other;
  other.curtailed = min(mining, of(real, EnergySource::curtailed));
  other.not_sold = min(mining - other.curtailed, positive(-flows.grid) + of(real, EnergySource::export_avoided));
  other.bought = mining - other.curtailed - other.not_sold;
  return other;
}

}  // namespace sluice::ledger
