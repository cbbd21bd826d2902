#pragma once
/// Puts what several devices measure into the three observations that the controller knows. Pure.

#include <memory>
#include <span>

#include "model/snapshot.hpp"
#include "runtime/device_poller.hpp"

namespace sluice::runtime {

using DeviceReports = std::span<const std::shared_ptr<const DeviceReport>>;

/// From the device with role grid, else from a hybrid inverter that has a meter. Nobody else's voltage and frequency
/// count: an inverter asleep sends zeros, which would look like a lost grid. Any device that knows of a lost grid
/// or a running generator is believed over those that see nothing.
GridObservation grid_observation(DeviceReports devices);
/// The sum over all devices with role pv and all hybrids; as old as its oldest part, and missing when a part is
/// missing.
PvObservation pv_observation(DeviceReports devices);
/// The sum over all batteries, likewise; the state of charge is weighted by capacity where every battery tells it.
BatteryObservation battery_observation(DeviceReports devices);
/// What the device `power_switch` says of itself, into what is seen of the miner behind it.
void observe_switch(DeviceReports devices, const std::string& power_switch, MinerObservation& miner);

}  // namespace sluice::runtime
