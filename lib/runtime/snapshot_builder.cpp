#include "runtime/snapshot_builder.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::runtime {
namespace {

template <class T>
Reading<T> typed(const Reading<double>& from) {
  return Reading<T>{T(from.value), from.at, from.quality};
}

/// Sums `what` over the devices that fill `role` (hybrids count when they offer it).
class Sum {
 public:
  Sum(DeviceReports devices, DeviceRole role, Measurement what) {
    for (const auto& device : devices) {
      const bool asked = device->has_role(role) || (device->has_role(DeviceRole::hybrid) && device->may_offer(what));
      if (asked) add((*device)[what]);
    }
  }
  bool complete() const { return parts_ > 0 && !missing_; }
  int parts() const { return parts_; }
  Reading<double> total() const { return complete() ? Reading<double>::good(total_, oldest_) : Reading<double>{}; }

 private:
  void add(const Reading<double>& part) {
    ++parts_;
    if (!part.usable()) {
      missing_ = true;
      return;
    }
    total_ += part.value;
    oldest_ = parts_ == 1 ? part.at : std::min(oldest_, part.at);
  }
  int parts_ = 0;
  bool missing_ = false;
  double total_ = 0.0;
  MonoTime oldest_{};
};

template <class T>
Reading<T> sum(DeviceReports devices, DeviceRole role, Measurement what) {
  return typed<T>(Sum(devices, role, what).total());
}

const DeviceReport* grid_device(DeviceReports devices) {
  for (const auto& device : devices) {
    if (device->has_role(DeviceRole::grid)) return device.get();
  }
  for (const auto& device : devices) {
    if (device->has_role(DeviceRole::hybrid) && device->may_offer(Measurement::grid_w)) return device.get();
  }
  return nullptr;
}

GridConnection connection_from(double code) {
  const long number = std::lround(code);
  return number == 1 ? GridConnection::islanded : number == 2 ? GridConnection::generator : GridConnection::connected;
}

Reading<GridConnection> connection(DeviceReports devices) {
  Reading<GridConnection> found;
  for (const auto& device : devices) {
    const Reading<double>& told = (*device)[Measurement::grid_connection];
    if (!told.usable()) continue;
    const auto reading = Reading<GridConnection>::good(connection_from(told.value), told.at);
    const bool worse = found.usable() && found.value == GridConnection::connected && reading.value != found.value;
    const bool newer = found.usable() && found.value == reading.value && reading.at > found.at;
    if (!found.usable() || worse || newer) found = reading;
  }
  return found;
}

Reading<Percent> state_of_charge(DeviceReports devices) {
  const Sum soc(devices, DeviceRole::battery, Measurement::soc_pct);
  if (!soc.complete()) return {};
  const Sum capacity(devices, DeviceRole::battery, Measurement::battery_capacity_wh);
  const bool weighted = capacity.complete() && capacity.parts() == soc.parts() && capacity.total().value > 0.0;
  double mean = soc.total().value / soc.parts();
  if (weighted) {
    double stored = 0.0;
    for (const auto& device : devices) {
      const Reading<double>& part = (*device)[Measurement::battery_capacity_wh];
      if (part.usable()) stored += part.value * (*device)[Measurement::soc_pct].value;
    }
    mean = stored / capacity.total().value;
  }
  return Reading<Percent>::good(Percent(mean), soc.total().at);
}

}  // namespace

GridObservation grid_observation(DeviceReports devices) {
  GridObservation grid;
  if (const DeviceReport* meter = grid_device(devices)) {
    grid.power = typed<Watts>((*meter)[Measurement::grid_w]);
    grid.phase_power = {typed<Watts>((*meter)[Measurement::grid_l1_w]), typed<Watts>((*meter)[Measurement::grid_l2_w]),
                        typed<Watts>((*meter)[Measurement::grid_l3_w])};
    grid.frequency = typed<Hertz>((*meter)[Measurement::grid_hz]);
    grid.voltage = typed<Volts>((*meter)[Measurement::grid_v]);
    grid.imported = typed<WattHours>((*meter)[Measurement::grid_import_wh]);
    grid.exported = typed<WattHours>((*meter)[Measurement::grid_export_wh]);
  }
  grid.connection = connection(devices);
  return grid;
}

PvObservation pv_observation(DeviceReports devices) {
  PvObservation pv;
  pv.power = sum<Watts>(devices, DeviceRole::pv, Measurement::pv_w);
  pv.available = sum<Watts>(devices, DeviceRole::pv, Measurement::pv_available_w);
  for (const auto& device : devices) {
    const Reading<double>& told = (*device)[Measurement::pv_curtailed];
    if (told.usable() && (!pv.curtailed.usable() || told.value != 0.0)) {
      pv.curtailed = Reading<bool>::good(told.value != 0.0, told.at);
    }
  }
  return pv;
}

BatteryObservation battery_observation(DeviceReports devices) {
  BatteryObservation battery;
  battery.power = sum<Watts>(devices, DeviceRole::battery, Measurement::battery_w);
  battery.soc = state_of_charge(devices);
  battery.charge_limit = sum<Watts>(devices, DeviceRole::battery, Measurement::battery_charge_limit_w);
  battery.discharge_limit = sum<Watts>(devices, DeviceRole::battery, Measurement::battery_discharge_limit_w);
  return battery;
}

void observe_switch(DeviceReports devices, const std::string& power_switch, MinerObservation& miner) {
  if (power_switch.empty()) return;
  for (const auto& device : devices) {
    if (device->name != power_switch) continue;
    const Reading<double>& on = (*device)[Measurement::switch_on];
    if (on.usable()) miner.switch_on = Reading<bool>::good(on.value != 0.0, on.at);
    miner.switch_power = typed<Watts>((*device)[Measurement::load_w]);
  }
}

}  // namespace sluice::runtime
