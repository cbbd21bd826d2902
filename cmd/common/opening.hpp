#pragma once
/// From the words of the configuration to devices and miners that can be talked to.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/catalogue.hpp"
#include "common/hold_file.hpp"
#include "config/config.hpp"
#include "config/secrets.hpp"
#include "plugin/plugin_miner.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "ports/messages.hpp"
#include "ports/miner.hpp"
#include "ports/modbus.hpp"
#include "ports/network.hpp"
#include "runtime/engine.hpp"

namespace sluice::cmd {

/// All must outlive what is opened with them.
struct Services {
  const ports::Clock& clock;
  Log& log;
  ports::NetworkFactory& network;
  ports::ModbusFactory& modbus;
  ports::MessageBrokers& brokers;
  const config::Secrets& secrets;
  HoldFile* holds = nullptr;  ///< null: no battery is told anything
};

/// What an adapter wants to find again after a restart.
struct AdapterMemory {
  std::string state;
  std::function<void(const std::string&)> save;
};

/// "192.168.1.20:502": devices with the same key share one connection and so one thread. Those over MQTT share the
/// broker's connection, and each has a thread that waits for its messages: "mqtt://192.168.1.5:1883 meter".
std::string connection_key(const config::DeviceConfig& device);
/// The host that is talked to: the device's own, or the broker.
std::string host_of(const config::DeviceConfig& device);
/// `connection` may be null for devices that do not speak Modbus.
Result<std::unique_ptr<ports::Device>> open_device(const config::DeviceConfig& device,
                                                   std::shared_ptr<ports::ModbusConnection> connection,
                                                   const devices::Library& templates, const Services& services);
Result<std::unique_ptr<ports::Miner>> open_miner(const config::MinerConfig& miner, const plugin::Catalogue& adapters,
                                                 AdapterMemory memory, const Services& services);
/// Identity pins and deadlines of a miner. Errors: unknown adapter.
Result<runtime::MinerSettings> miner_settings(const config::MinerConfig& miner, const plugin::Catalogue& adapters);

/// Everything that the engine needs. `memory` gives each miner what its adapter left behind.
Result<runtime::Plan> make_plan(const config::Config& config, std::shared_ptr<const Inventory> inventory,
                                std::function<AdapterMemory(const std::string& miner)> memory,
                                std::function<std::int64_t(WallTime)> local_day, const Services& services);

}  // namespace sluice::cmd
