#pragma once
/// The canonical measurements that a device template may offer: name, unit and sign decided once (docs/glossary.md).

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

enum class Measurement : std::uint8_t {
  grid_w,  ///< + import, − export
  grid_l1_w,
  grid_l2_w,
  grid_l3_w,
  grid_import_wh,
  grid_export_wh,  ///< counters
  grid_hz,
  grid_v,             ///< phase L1 to neutral
  grid_connection,    ///< 0 connected, 1 islanded, 2 generator
  pv_w,               ///< ≥ 0
  pv_available_w,     ///< what it could make uncurtailed
  pv_curtailed,       ///< 0 or 1: throttled in a way that more load would release
  pv_wh,              ///< counter
  inverter_ac_w,      ///< AC output of a hybrid inverter, + = into the house bus
  inverter_rating_w,  ///< nameplate AC watts
  battery_w,          ///< + discharge, − charge
  soc_pct,
  battery_capacity_wh,
  battery_charge_limit_w,
  battery_discharge_limit_w,  ///< what it accepts or gives now, ≥ 0
  house_w,                    ///< consumption of the house, when a device measures it
  load_w,                     ///< what another flexible load draws, ≥ 0: a wallbox, a boiler; what a plug feeds
  load_wants,                 ///< 0 or 1: that load would take energy now, whether or not it takes any
  load_wanted_w,              ///< how many watts it would take now, ≥ 0
  room_c,                     ///< temperature of a room or a tank
  switch_on,                  ///< 0 or 1: a plug or contactor lets power through
  count_
};
inline constexpr std::size_t kMeasurementCount = static_cast<std::size_t>(Measurement::count_);

std::string_view to_string(Measurement measurement);  ///< `grid_w`, …
std::optional<Measurement> measurement_from_name(std::string_view name);
/// Unit for people: "W", "%", "Wh", "Hz", "V", "°C", "".
std::string_view unit(Measurement measurement);

}  // namespace sluice
