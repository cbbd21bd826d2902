#pragma once
/// A meter, inverter or battery behind a template and a Modbus connection.

#include <cstdint>
#include <memory>
#include <string>

#include "devices/template.hpp"
#include "io/device_options.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "ports/modbus.hpp"

namespace sluice::io {

/// Several devices may share `connection` if one thread polls them all; `key` names the connection for that purpose.
/// The device connects by itself, learns the register layout after every new connection, and after a failure keeps
/// quiet for 1, 2, 4 … 30 s, during which `poll` returns the last error at once. Keeps a copy of the template; `clock`
/// must outlive the device.
std::unique_ptr<ports::Device> make_modbus_device(std::string name, std::shared_ptr<ports::ModbusConnection> connection,
                                                  std::string key, std::uint8_t unit,
                                                  const devices::Template& device_template, DeviceOptions options,
                                                  const ports::Clock& clock);

}  // namespace sluice::io
