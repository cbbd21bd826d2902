#pragma once
/// What the house shows of itself on Modbus: a SunSpec inverter (with storage, if there is a battery) and a SunSpec
/// grid meter. Facts: SunSpec model definitions 1, 103, 120, 122, 124, 203, 802.

#include <cstdint>
#include <vector>

#include "base/units.hpp"

namespace sluice::house {

/// Holding registers of one unit from `base` on.
struct UnitRegisters {
  std::uint16_t base = 40000;
  std::vector<std::uint16_t> words;
};

struct StorageFace {
  Watts power{};  ///< + discharge, − charge
  Percent soc{};
  WattHours capacity{};
  Watts max_power{};
};

struct InverterFace {
  Watts power{};   ///< of the array, at the AC side
  Watts rating{};  ///< of the inverter
  WattHours produced{};
  bool throttled = false;
  bool asleep = false;  ///< no sun
  bool islanded = false;
  bool has_storage = false;
  StorageFace storage;
};

struct MeterFace {
  Watts power{};  ///< + import, − export
  WattHours imported{}, exported{};
  bool islanded = false;  ///< no voltage at the connection
};

UnitRegisters inverter_registers(const InverterFace& face);
UnitRegisters meter_registers(const MeterFace& face);

}  // namespace sluice::house
