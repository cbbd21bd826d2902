#pragma once
/// Where the energy of a second of mining came from.
///
/// Mining is the last load on the bus: what it draws is what the house's meters would have shown otherwise without it.
/// Without miners an inverter serves the house from sun, then battery, then grid, and offers what sun is left to the
/// battery, then to the grid, and throttles the rest. The difference of the two houses, with and without miners, is
/// the attribution (signs: grid + import − export, battery + discharge − charge):
///
///     grid            = min(mining, grid⁺)
///     discharge       = min(mining − grid, battery⁺)
///     sun             = mining − grid − discharge
///     not charged     = min(sun, (room − battery⁻)⁺)            room: what the battery could charge now
///     export avoided  = min(sun − not charged, (limit − grid⁻)⁺)   limit: what may be fed in; none: all of it
///     curtailed       = what is left of the sun: without miners it had been throttled
///     battery         = discharge + not charged

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.hpp"
#include "model/ledger.hpp"

namespace sluice::ledger {

/// A house at one instant; everything is known of it.
struct Flows {
  Watts mining;                       ///< all miners together, ≥ 0
  Watts grid;                         ///< + import, − export
  Watts battery{};                    ///< + discharge, − charge
  Watts battery_room{};               ///< what the battery could charge now, ≥ 0
  std::optional<Watts> export_limit;  ///< what may be fed in, ≥ 0; none: everything
};

/// Watts of each source; they add up to `Flows::mining`, and `unknown` is 0.
using SourceWatts = std::array<Watts, kEnergySources>;
SourceWatts sources_of(const Flows& flows);

/// Divides whole micro-watt-hours in the proportion of `watts`, each share rounded down; what rounding leaves goes to
/// the largest source (the first of equals). The shares add up to `mined_uwh` exactly. Without any watts all of it is
/// `unknown`. `mined_uwh` ≥ 0.
using SourceEnergy = std::array<std::int64_t, kEnergySources>;
SourceEnergy divide(std::int64_t mined_uwh, const SourceWatts& watts);

/// What miners that draw `mining` had taken from the same house: the battery as if there were no miner, throttled sun
/// as far as the real miners have shown it, then what is sold, then the grid.
struct Alternative {
  Watts bought, not_sold, curtailed;  ///< add up to `mining`
};
Alternative alternative(const Flows& flows, Watts mining);

}  // namespace sluice::ledger
