#include "common/opening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/scalars.hpp"
#include "io/message_device.hpp"
#include "io/modbus_device.hpp"
#include "io/time_zone.hpp"

namespace sluice::cmd {
namespace {

std::vector<runtime::DeviceRole> roles_of(const config::DeviceConfig& device) {
  std::vector<config::Role> named = device.roles;
  if (named.empty()) named.push_back(device.role);
  std::vector<runtime::DeviceRole> roles;
  for (const config::Role role : named) {
    switch (role) {
      case config::Role::grid:
        roles.push_back(runtime::DeviceRole::grid);
        break;
      case config::Role::pv:
        roles.push_back(runtime::DeviceRole::pv);
        break;
      case config::Role::battery:
        roles.push_back(runtime::DeviceRole::battery);
        break;
      case config::Role::hybrid:
        roles.push_back(runtime::DeviceRole::hybrid);
        break;
      case config::Role::house:         // shown to people; the controller derives the house load
      case config::Role::load:          // found by its name, under `yield_to`
      case config::Role::room:          // the same, under `heat`
      case config::Role::power_switch:  // the same, by its miner
        break;
    }
  }
  return roles;
}

/// A meter's template measures the grid; elsewhere the same watts mean something else.
io::MeterPlace place_of(const config::DeviceConfig& device, const devices::Template& found) {
  const std::vector<config::Role> named = device.roles.empty() ? std::vector{device.role} : device.roles;
  if (named.size() != 1 || !found.measures(Measurement::grid_w)) return io::MeterPlace::grid;
  if (named.front() == config::Role::pv && !found.measures(Measurement::pv_w)) return io::MeterPlace::pv;
  if (named.front() == config::Role::house && !found.measures(Measurement::house_w)) return io::MeterPlace::house;
  return io::MeterPlace::grid;
}

bool speaks_mqtt(const config::DeviceConfig& device) { return device.modbus.host.empty() && device.http.url.empty(); }

/// The text of a secret; empty when none is named.
Result<std::string> revealed(const config::SecretRef& reference, const config::Secrets& secrets) {
  if (reference.empty()) return std::string();
  const Result<config::Secret> secret = secrets.resolve(reference);
  if (!secret) return tl::unexpected(secret.error());
  return secret->reveal();
}

Result<std::unique_ptr<ports::Device>> open_http(const config::DeviceConfig& device, const devices::Template& found,
                                                 devices::MessageFormat format, io::DeviceOptions options,
                                                 const Services& services) {
  const auto url = config::parse_http_url(device.http.url);
  if (!url) return fail(ErrorKind::invalid, "device {}: {} cannot be asked", device.name, device.http.url);
  io::HttpEndpoint endpoint{url->host, url->port, url->base, {}};
  if (!device.http.username.empty()) {
    const auto password = revealed(device.http.password, services.secrets);
    if (!password) return fail(password.error().kind, "device {}: {}", device.name, password.error().text);
    endpoint.login = io::HttpLogin(device.http.username, *password, found.transport.digest_login);
  }
  options.timeout = device.http.timeout;
  return io::make_http_device(device.name, connection_key(device), services.network.make(), std::move(endpoint), found,
                              std::move(format), options, services.clock);
}

Result<std::unique_ptr<ports::Device>> open_mqtt(const config::DeviceConfig& device, devices::MessageFormat format,
                                                 io::DeviceOptions options, const Services& services) {
  const auto password = revealed(device.mqtt.password, services.secrets);
  if (!password) return fail(password.error().kind, "mqtt: {}", password.error().text);
  const auto broker = services.brokers.at(
      {device.mqtt.host, device.mqtt.port, device.mqtt.username, *password, device.mqtt.tls, device.mqtt.ca_file});
  if (!broker) return tl::unexpected(broker.error());
  auto subscription = (*broker)->subscribe(io::topics_of(format));
  return io::make_mqtt_device(device.name, connection_key(device), std::move(subscription), device.mqtt.host,
                              std::move(format), options, services.clock);
}

/// All that a reload must compare. Any change gives another text.
std::string fingerprint(const config::DeviceConfig& device) {
  std::string text = fmt::format("{}|{}|{}|{}|{}|{}|{}", device.name, device.template_id, connection_key(device),
                                 device.modbus.unit ? int{*device.modbus.unit} : -1, device.modbus.timeout.count(),
                                 device.invert, device.interval.count());
  text += fmt::format("|{}|{}|{}|{}|{}", device.http.url, device.http.username, device.http.password.name,
                      device.http.password.literal, device.http.timeout.count());
  if (speaks_mqtt(device)) {
    text += fmt::format("|{}|{}|{}|{}|{}", device.mqtt.username, device.mqtt.password.name,
                        device.mqtt.password.literal, device.mqtt.tls, device.mqtt.ca_file);
  }
  for (const auto& [name, word] : device.options) text += fmt::format("|{}={}", name, word);
  for (const runtime::DeviceRole role : roles_of(device)) text += fmt::format("|{}", static_cast<int>(role));
  return text;
}

std::string fingerprint(const config::MinerConfig& miner) {
  std::string text =
      fmt::format("{}|{}:{}|{}|{}|{}|{}|{}|{}", miner.adapter, miner.host, miner.port, miner.mac, miner.serial,
                  miner.username, miner.password.name, miner.password.literal, miner.poll_interval.count());
  for (const auto& [name, value] : miner.options) text += fmt::format("|{}={}", name, value);
  return text;
}

/// For the device that the owner allows to be told, and for one that a run before left held.
Result<std::optional<runtime::HoldPlan>> hold_plan(const std::string& device, bool allowed, const Services& services) {
  if (services.holds == nullptr) return std::optional<runtime::HoldPlan>();
  const auto held = services.holds->read();
  if (!held) return tl::unexpected(held.error());
  runtime::HoldPlan plan;
  plan.allowed = allowed;
  if (*held && (*held)->device == device) plan.held = (*held)->before;
  if (!plan.allowed && !plan.held) return std::optional<runtime::HoldPlan>();
  plan.remember = [device, holds = services.holds](const std::optional<std::string>& before) {
    return holds->write(device, before);
  };
  return std::optional(std::move(plan));
}

runtime::ConnectionPlan connection_plan(std::string key, std::vector<config::DeviceConfig> devices,
                                        const std::string& may_hold, std::shared_ptr<const Inventory> inventory,
                                        const Services& services) {
  runtime::ConnectionPlan plan;
  plan.key = std::move(key);
  for (const config::DeviceConfig& device : devices) {
    plan.fingerprint += fingerprint(device) + (device.name == may_hold ? "|hold\n" : "\n");
  }
  plan.open = [devices = std::move(devices), inventory = std::move(inventory), may_hold,
               services]() -> Result<std::vector<runtime::PolledDevice>> {
    const config::ModbusAddress& modbus = devices.front().modbus;
    const std::shared_ptr<ports::ModbusConnection> connection =
        modbus.host.empty() ? nullptr : services.modbus.make(modbus.host, modbus.port);
    std::vector<runtime::PolledDevice> opened;
    for (const config::DeviceConfig& device : devices) {
      auto one = open_device(device, connection, inventory->templates, services);
      if (!one) return tl::unexpected(one.error());
      auto hold = hold_plan(device.name, device.name == may_hold, services);
      if (!hold) return fail(hold.error().kind, "battery.hold: {}", hold.error().text);
      opened.push_back({roles_of(device), device.interval, std::move(*one), std::move(*hold)});
    }
    return opened;
  };
  return plan;
}

}  // namespace

std::string host_of(const config::DeviceConfig& device) {
  if (!device.modbus.host.empty()) return device.modbus.host;
  if (const auto url = config::parse_http_url(device.http.url)) return url->host;
  return device.mqtt.host;
}

std::string connection_key(const config::DeviceConfig& device) {
  if (!device.modbus.host.empty()) return fmt::format("{}:{}", device.modbus.host, device.modbus.port);
  if (const auto url = config::parse_http_url(device.http.url))
    return fmt::format("http://{}:{}", url->host, url->port);
  return fmt::format("mqtt://{}:{} {}", device.mqtt.host, device.mqtt.port, device.name);
}

Result<std::unique_ptr<ports::Device>> open_device(const config::DeviceConfig& device,
                                                   std::shared_ptr<ports::ModbusConnection> connection,
                                                   const devices::Library& templates, const Services& services) {
  const devices::Template* found = templates.find(device.template_id);
  if (found == nullptr) {
    return fail(ErrorKind::not_found, "device {}: there is no template {}", device.name, device.template_id);
  }
  const io::DeviceOptions options{device.invert, device.modbus.timeout, place_of(device, *found)};
  if (!found->messages) {
    return io::make_modbus_device(device.name, std::move(connection), connection_key(device),
                                  device.modbus.unit.value_or(found->unit), *found, options, services.clock);
  }
  auto format = devices::with_options(*found->messages, device.options);
  if (!format) return fail(ErrorKind::invalid, "device {}: {}", device.name, format.error().text);
  if (format->carrier == devices::Carrier::mqtt) return open_mqtt(device, std::move(*format), options, services);
  return open_http(device, *found, std::move(*format), options, services);
}

Result<std::unique_ptr<ports::Miner>> open_miner(const config::MinerConfig& miner, const plugin::Catalogue& adapters,
                                                 AdapterMemory memory, const Services& services) {
  const Result<const plugin::CatalogueEntry*> entry = adapters.find(miner.adapter);
  if (!entry) return tl::unexpected(entry.error());
  auto library = plugin::Library::load(**entry);
  if (!library) return tl::unexpected(library.error());
  plugin::MinerSetup setup;
  setup.name = miner.name;
  setup.host = miner.host;
  setup.port = miner.port;
  setup.username = miner.username;
  setup.options = miner.options;
  if (!miner.password.empty()) {
    setup.password = [reference = miner.password, &secrets = services.secrets] { return revealed(reference, secrets); };
  }
  setup.adapter_state = std::move(memory.state);
  setup.save_state = std::move(memory.save);
  return plugin::open_miner(std::move(*library), setup, {services.clock, services.log, services.network});
}

Result<runtime::MinerSettings> miner_settings(const config::MinerConfig& miner, const plugin::Catalogue& adapters) {
  const Result<const plugin::CatalogueEntry*> entry = adapters.find(miner.adapter);
  if (!entry) return tl::unexpected(entry.error());
  const plugin::Manifest& manifest = (*entry)->manifest;
  runtime::MinerSettings settings;
  settings.name = miner.name;
  settings.mac = miner.mac;
  settings.serial = miner.serial;
  settings.poll_interval = miner.poll_interval;
  settings.command_time = manifest.command_time;
  settings.poll_time = manifest.poll_time;
  settings.identify_time = manifest.identify_time;
  return settings;
}

namespace {

std::uint32_t miners_named(const std::vector<std::string>& names, const config::Config& config) {
  std::uint32_t miners = 0;
  for (std::size_t i = 0; i < config.miners.size(); ++i)
    if (std::ranges::find(names, config.miners[i].name) != names.end()) miners |= 1U << i;
  return miners;
}

/// Rooms, calendar, and the clock that it goes by.
Result<runtime::WorthPlan> worth_plan(const config::Config& config) {
  runtime::WorthPlan plan;
  for (const config::HeatConfig& heat : config.heat)
    plan.heat.push_back({heat.name, heat.device, miners_named(heat.miners, config), config::heat_settings(heat)});
  plan.periods = config::periods(config);
  if (plan.periods.empty()) return plan;
  auto zone = io::load_time_zone(config.timezone);
  if (!zone) return fail(zone.error().kind, "site.timezone, for schedule: {}", zone.error().text);
  plan.local_time = std::move(*zone);
  return plan;
}

}  // namespace

Result<runtime::Plan> make_plan(const config::Config& config, std::shared_ptr<const Inventory> inventory,
                                std::function<AdapterMemory(const std::string& miner)> memory,
                                std::function<std::int64_t(WallTime)> local_day, const Services& services) {
  runtime::Plan plan;
  plan.site = config::to_site(config);
  plan.period = config.tick;
  plan.local_day = std::move(local_day);
  auto worth = worth_plan(config);
  if (!worth) return tl::unexpected(worth.error());
  plan.worth = std::move(*worth);
  // A dry run tells nobody anything.
  const std::string may_hold = config.control.dry_run ? "" : config.battery.hold;
  std::vector<std::string> keys;
  for (const config::DeviceConfig& device : config.devices) {
    const std::string key = connection_key(device);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    keys.push_back(key);
    std::vector<config::DeviceConfig> sharing;
    std::copy_if(config.devices.begin(), config.devices.end(), std::back_inserter(sharing),
                 [&](const config::DeviceConfig& other) { return connection_key(other) == key; });
    plan.connections.push_back(connection_plan(key, std::move(sharing), may_hold, inventory, services));
  }
  for (const config::MinerConfig& miner : config.miners) {
    Result<runtime::MinerSettings> settings = miner_settings(miner, inventory->adapters);
    if (!settings) return tl::unexpected(settings.error());
    plan.miners.push_back({std::move(*settings), fingerprint(miner), [miner, inventory, memory, services] {
                             return open_miner(miner, inventory->adapters, memory(miner.name), services);
                           }});
  }
  return plan;
}

}  // namespace sluice::cmd
