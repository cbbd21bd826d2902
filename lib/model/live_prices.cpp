#include "model/live_prices.hpp"

#include <algorithm>
#include <iterator>

namespace sluice {

const EnergySlot* slot_at(const EnergySeries& series, WallTime time) {
  const auto after = std::ranges::upper_bound(series, time, {}, &EnergySlot::begin);
  if (after == series.begin()) return nullptr;
  const EnergySlot& slot = *std::prev(after);
  return time < slot.end ? &slot : nullptr;
}

}  // namespace sluice
