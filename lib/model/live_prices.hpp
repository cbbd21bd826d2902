#pragma once
/// Prices as a market, a supplier or a broker announces them: the energy alone, before the owner's adders and taxes.

#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/money.hpp"

namespace sluice {

/// One announced price, half open.
struct EnergySlot {
  WallTime begin{}, end{};
  PricePerKwh price;  ///< bought: what it costs; sold: what it brings. May be negative
  PriceKind kind = PriceKind::published;
  bool event = false;          ///< the source calls it a spike
  bool demand_window = false;  ///< the source says that import now counts towards the billed peak
  bool operator==(const EnergySlot&) const = default;
};

/// Sorted by time, without overlaps; a gap means that nothing was announced.
using EnergySeries = std::vector<EnergySlot>;

/// The slot of a sorted series that holds `time`; null in a gap.
const EnergySlot* slot_at(const EnergySeries& series, WallTime time);

}  // namespace sluice
