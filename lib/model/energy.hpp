#pragma once
/// Energy of a power that is known at two instants.

#include "base/units.hpp"

namespace sluice {

/// ∫ max(p, 0) dt of a power that goes in a straight line from `from` to `to`.
inline WattHours positive_energy(Watts from, Watts to, Duration time) {
  const Watts high = max(from, to), low = min(from, to);
  if (high <= Watts(0.0)) return WattHours(0.0);
  if (low >= Watts(0.0)) return (high + low) / 2.0 * time;
  return high / 2.0 * (high / (high - low)) * time;
}

}  // namespace sluice
