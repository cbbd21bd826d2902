#pragma once
/// A reading is a value, its quality, and the time it was true. An old reading is not a reading; a missing one is not
/// 0.

#include <cstdint>

#include "base/time.hpp"
#include "base/units.hpp"

namespace sluice {

enum class Quality : std::uint8_t {
  missing,     ///< the device has no such value, or has not answered yet; `value` means nothing
  good,        ///< measured and plausible
  distrusted,  ///< measured, but outside physics or contradicted; shown to people, never used for control
};

template <class T>
struct Reading {
  T value{};
  MonoTime at{};  ///< when the device was asked and answered; not when the device measured (Modbus carries no time)
  Quality quality = Quality::missing;

  static Reading good(T value, MonoTime at) { return Reading{value, at, Quality::good}; }
  bool usable() const { return quality == Quality::good; }
  Duration age(MonoTime now) const { return now - at; }
  /// Usable and not older than `limit`.
  bool fresh(MonoTime now, Duration limit) const { return usable() && age(now) <= limit; }
};

}  // namespace sluice
