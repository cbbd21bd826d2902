#include "model/money.hpp"

#include <algorithm>

namespace sluice {

const PriceSlot* PriceOutlook::at(WallTime time) const {
  const auto after = std::upper_bound(slots.begin(), slots.end(), time,
                                      [](WallTime wanted, const PriceSlot& slot) { return wanted < slot.begin; });
  if (after == slots.begin()) return nullptr;
  const PriceSlot& slot = *std::prev(after);
  return time < slot.end ? &slot : nullptr;
}

}  // namespace sluice
