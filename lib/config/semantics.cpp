#include "config/semantics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/decode.hpp"
#include "config/scalars.hpp"

namespace sluice::config {
namespace {

constexpr double kContinuousFactor = 0.8;  // NEC 210.20, CEC 8-104; sockets elsewhere do not like more either
constexpr Watts kBigOn120V{1440.0};        // 15 A × 120 V × 0.8
constexpr double kLowVoltage = 150.0;      // below: a 120 V system

constexpr PricePerKwh kDearKwh{2.0};
constexpr double kBestJoulesPerTh = 5.0;     // the best machines of 2025 need 12 to 15
constexpr double kWorstJoulesPerTh = 200.0;  // an S9 needs 84

std::string watts(Watts power) { return fmt::format("{:.0f} W", power.value()); }

std::string_view role_name(Role role) {
  static constexpr std::string_view names[] = {"grid", "pv", "battery", "hybrid", "house", "load", "room", "switch"};
  return names[static_cast<std::size_t>(role)];
}

bool contains(const std::vector<Role>& roles, Role role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

/// A hybrid inverter is pv and battery in one, whichever way the template puts it.
bool offers(const std::vector<Role>& roles, Role wanted) {
  if (contains(roles, wanted)) return true;
  if (wanted == Role::hybrid) return contains(roles, Role::pv) && contains(roles, Role::battery);
  return (wanted == Role::pv || wanted == Role::battery) && contains(roles, Role::hybrid);
}

/// The nearest first, the others in their order.
std::string listed(std::string_view text, std::vector<std::string> names) {
  if (names.empty()) return "none is installed";
  if (const auto best = nearest(text, names)) {
    const auto found = std::find(names.begin(), names.end(), *best);
    std::rotate(names.begin(), found, found + 1);
  }
  return fmt::format("there are: {}", fmt::join(names, ", "));
}

class Checker {
 public:
  Checker(const Node& root, const Config& config, const Catalogue& catalogue, Problems& problems)
      : root_(root), config_(config), catalogue_(catalogue), problems_(problems) {}

  void all() {
    site();
    devices();
    mqtt();
    for (std::size_t i = 0; i < config_.yield_to.size(); ++i) yield_to(i);
    loads_without_a_turn();
    for (std::size_t i = 0; i < config_.circuits.size(); ++i) circuit(i);
    unique("circuits", config_.circuits);
    for (std::size_t i = 0; i < config_.miners.size(); ++i) miner(i);
    unique("miners", config_.miners);
    one_miner_an_address();
    for (std::size_t i = 0; i < config_.miners.size(); ++i) power_switch(i);
    control();
    battery();
    tariff();
    heat();
    schedule();
    prices();
    signals();
    hash_price();
  }

 private:
  /// Where `path` is written; the nearest thing around it when it is not.
  Place place(std::string path) const {
    while (true) {
      if (const Node* node = root_.at(path)) return node->place;
      const std::size_t cut = path.find_last_of(".[");
      path.erase(cut == std::string::npos ? 0 : cut);
    }
  }
  bool written(const std::string& path) const { return root_.at(path) != nullptr; }
  /// Judged here only when it could be read.
  bool sound(const std::string& path) const { return !problems_.has_error_at(path); }
  void error(const std::string& path, std::string message, std::string hint) {
    problems_.error(place(path), path, std::move(message), std::move(hint));
  }
  void warning(const std::string& path, std::string message, std::string hint) {
    problems_.warning(place(path), path, std::move(message), std::move(hint));
  }

  void site() {
    if (sound("site.timezone") && catalogue_.knows_timezone && !catalogue_.knows_timezone(config_.timezone)) {
      error("site.timezone", quoted(config_.timezone) + " is not a known time zone",
            "write a name of the IANA list such as America/Toronto");
    }
    const bool letters =
        std::all_of(config_.currency.begin(), config_.currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (sound("site.currency") && (config_.currency.size() != 3 || !letters)) {
      error("site.currency", quoted(config_.currency) + " is not a currency",
            "write three capital letters such as EUR");
    }
    if (!sound("site.main") || !written("site.main")) return;
    if (config_.main_phases == 2 && config_.main_volts >= kLowVoltage) {
      error("site.main.volts", fmt::format("{:g} V on two phases would count the power twice", config_.main_volts),
            "for split phase write volts: 120 and phases: 2, or volts: 240 and phases: 1");
    }
    if (config_.main_phases == 3 && config_.main_volts > 199.0 && config_.main_volts < 216.0) {
      warning("site.main.volts", fmt::format("{:g} V looks like the voltage between two phases", config_.main_volts),
              "write the voltage from phase to neutral: 120 for a 208 V service");
    }
    factor("site.main.continuous_factor", config_.main_continuous_factor);
    if (config_.netting == Netting::per_phase && config_.main_phases > 1) {
      warning("site.netting", "the surplus is still taken as the sum of the phases",
              "a miner may buy on one phase what another phase exports; keep miners on the phase that has the sun");
    }
  }

  void factor(const std::string& path, double value) {
    if (value <= kContinuousFactor) return;
    warning(path, fmt::format("{:g} loads the breaker above 80 % for hours", value),
            "only for breakers and sockets marked for 100 % continuous load; else leave it out");
  }

  template <class Item>
  void unique(const std::string& list, const std::vector<Item>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (std::size_t k = 0; k < i && !items[i].name.empty(); ++k) {
        if (items[i].name != items[k].name) continue;
        error(fmt::format("{}[{}].name", list, i),
              fmt::format("{} is also the name of {}[{}]", quoted(items[i].name), list, k), "give each its own name");
        break;
      }
    }
  }

  // ---- devices

  void devices() {
    for (std::size_t i = 0; i < config_.devices.size(); ++i) device(i);
    unique("devices", config_.devices);
    std::vector<std::size_t> meters;
    for (std::size_t i = 0; i < config_.devices.size(); ++i) {
      if (!sound(fmt::format("devices[{}].role", i))) return;
      if (contains(config_.devices[i].roles, Role::grid)) meters.push_back(i);
    }
    if (meters.empty() && sound("devices")) {
      error("devices", "no device has the role grid", "one meter at the connection point needs role: grid");
    }
    for (std::size_t k = 1; k < meters.size(); ++k) {
      error(fmt::format("devices[{}].role", meters[k]),
            fmt::format("{} and {} both have the role grid", quoted(config_.devices[meters[0]].name),
                        quoted(config_.devices[meters[k]].name)),
            "keep it for the meter at the connection point");
    }
  }

  void device(std::size_t i) {
    const DeviceConfig& device = config_.devices[i];
    const std::string path = fmt::format("devices[{}].template", i);
    if (device.template_id.empty()) return;
    const auto found = std::find_if(catalogue_.templates.begin(), catalogue_.templates.end(),
                                    [&](const Catalogue::Template& t) { return t.id == device.template_id; });
    if (found == catalogue_.templates.end()) {
      std::vector<std::string> names;
      for (const auto& known : catalogue_.templates) names.push_back(known.id);
      return error(path, fmt::format("there is no template {}", quoted(device.template_id)),
                   listed(device.template_id, std::move(names)));
    }
    for (const Role role : device.roles) {
      if (offers(found->roles, role)) continue;
      std::vector<std::string_view> can;
      for (const Role offered : found->roles) can.push_back(role_name(offered));
      error(fmt::format("devices[{}].role", i),
            fmt::format("template {} cannot be {}", device.template_id, role_name(role)),
            fmt::format("it offers {}", fmt::join(can, ", ")));
    }
    transport(device, *found, fmt::format("devices[{}]", i));
    words(device, *found, fmt::format("devices[{}]", i));
  }

  /// The section for what its template speaks, and no other.
  void transport(const DeviceConfig& device, const Catalogue::Template& found, const std::string& path) {
    struct Way {
      Catalogue::Speaks speaks;
      std::string_view section, name, example;
    };
    constexpr Way kWays[] = {{Catalogue::Speaks::modbus, "modbus", "Modbus TCP", "modbus: {host: NAME}"},
                             {Catalogue::Speaks::http, "http", "HTTP", "http: {url: \"http://NAME\"}"},
                             {Catalogue::Speaks::mqtt, "mqtt", "MQTT", "mqtt: {host: NAME} at the top level"}};
    const Way& right = *std::ranges::find(kWays, found.speaks, &Way::speaks);
    const bool broker = right.speaks == Catalogue::Speaks::mqtt;
    if (!written(broker ? "mqtt" : fmt::format("{}.{}", path, right.section))) {
      error(fmt::format("{}.{}", path, broker ? "template" : right.section),
            fmt::format("{}template {} is read over {}", broker ? "" : "is missing: ", found.id, right.name),
            fmt::format("add {}", right.example));
    }
    for (const Way& way : kWays) {
      const std::string section = fmt::format("{}.{}", path, way.section);
      if (way.speaks != right.speaks && way.speaks != Catalogue::Speaks::mqtt && written(section))
        error(section, fmt::format("template {} is not read over {} but over {}", found.id, way.name, right.name),
              "remove it, or choose another template");
    }
    const std::string url = path + ".http.url";
    if (found.speaks == Catalogue::Speaks::http && written(url) && sound(url) && !parse_http_url(device.http.url)) {
      const bool tls = device.http.url.starts_with("https:");
      // A login in it is nobody else's to read.
      const std::string shown = device.http.url.find('@') == std::string::npos ? quoted(device.http.url) : "this URL";
      error(url, shown + (tls ? " is encrypted, which is not spoken to devices" : " cannot be asked"),
            "write http://HOST, http://HOST:PORT or http://HOST:PORT/PATH, without a login or a query");
    }
    if (!device.http.password.literal.empty()) in_the_open(path + ".http.password");
    if (!device.http.password.empty() && device.http.username.empty() && sound(path + ".http"))
      error(path + ".http.username", "is missing beside a password", "write the login name");
  }

  void words(const DeviceConfig& device, const Catalogue::Template& found, const std::string& path) {
    std::vector<std::string> names;
    for (const auto& word : found.options) {
      names.push_back(word.name);
      if (word.required && !device.options.contains(word.name))
        error(path + ".options." + word.name, fmt::format("is missing, template {} asks for it", found.id),
              fmt::format("write options: {{{}: …}}", word.name));
    }
    for (const auto& [name, value] : device.options) {
      const std::string where = fmt::format("{}.options.{}", path, name);
      if (std::ranges::find(names, name) == names.end()) {
        error(where, fmt::format("template {} has no option {}", found.id, quoted(name)),
              names.empty() ? "it has none" : listed(name, names));
      } else if (value.empty() || value.find_first_of(" +#{}") != std::string::npos) {
        error(where, quoted(value) + " is not possible here", "write a word without blanks, '+', '#', '{' and '}'");
      }
    }
  }

  void in_the_open(const std::string& path) {
    warning(path, "the password stands in this file", "write {secret: NAME} and put it into /etc/sluice/secrets/NAME");
  }

  void mqtt() {
    if (!written("mqtt")) return;
    const auto used = [&](const DeviceConfig& device) {
      const auto found = std::ranges::find(catalogue_.templates, device.template_id, &Catalogue::Template::id);
      return found == catalogue_.templates.end() || found->speaks == Catalogue::Speaks::mqtt;
    };
    if (sound("devices") && std::ranges::none_of(config_.devices, used) && !prices_over_mqtt())
      warning("mqtt", "no device is read over MQTT, so this has no effect", "add such a device, or remove it");
    if (!config_.mqtt.password.literal.empty()) in_the_open("mqtt.password");
    if (!config_.mqtt.password.empty() && config_.mqtt.username.empty() && sound("mqtt"))
      error("mqtt.username", "is missing beside a password", "write the login name");
    if (!config_.mqtt.ca_file.empty() && !config_.mqtt.tls && sound("mqtt.tls"))
      error("mqtt.ca_file", "is for TLS only", "add tls: true");
    if (!config_.mqtt.password.empty() && !config_.mqtt.tls)
      warning("mqtt.password", "travels through the network unencrypted", "add tls: true if the broker offers it");
  }

  // ---- loads that go first

  void yield_to(std::size_t i) {
    const std::string path = fmt::format("yield_to[{}].device", i);
    const std::string& name = config_.yield_to[i].device;
    if (name.empty() || !sound(path) || !sound("devices")) return;
    std::vector<std::string> names;
    for (const DeviceConfig& device : config_.devices)
      if (contains(device.roles, Role::load)) names.push_back(device.name);
    const auto found = std::ranges::find(config_.devices, name, &DeviceConfig::name);
    if (found == config_.devices.end() || !contains(found->roles, Role::load)) {
      return error(path,
                   found == config_.devices.end() ? fmt::format("there is no device {}", quoted(name))
                                                  : fmt::format("{} has not the role load", quoted(name)),
                   names.empty() ? "add a device with role: load, such as one of template evcc"
                                 : listed(name, std::move(names)));
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (config_.yield_to[k].device == name)
        return error(path, fmt::format("{} stands in yield_to[{}] already", quoted(name), k), "list each load once");
    }
  }

  void loads_without_a_turn() {
    for (std::size_t i = 0; i < config_.devices.size(); ++i) {
      const DeviceConfig& device = config_.devices[i];
      if (device.name.empty() || !contains(device.roles, Role::load)) continue;
      if (device.name == config_.battery.hold) continue;
      if (std::ranges::find(config_.yield_to, device.name, &YieldSite::device) == config_.yield_to.end())
        warning(fmt::format("devices[{}].role", i), "is a load that nothing is reserved for",
                fmt::format("add yield_to: [{{device: {}, reserve_w: 1400}}]", device.name));
    }
  }

  // ---- circuits and miners

  void circuit(std::size_t i) {
    const CircuitConfig& circuit = config_.circuits[i];
    const std::string path = fmt::format("circuits[{}]", i);
    if (!sound(path)) return;
    factor(path + ".continuous_factor", circuit.continuous_factor);
    const Watts limit = continuous_limit(circuit);
    if (limit <= Watts(0.0)) {
      return error(
          path, "nothing is left for miners",
          fmt::format("{:g} A × {:g} V × {:g} must be more than other_load_w + margin_w = {}", circuit.breaker_a,
                      circuit.volts, circuit.continuous_factor, watts(circuit.other_load + circuit.margin)));
    }
    Watts sum(0.0);
    for (const MinerConfig& miner : config_.miners) {
      if (miner.circuit == circuit.name) sum += miner.max_power;
    }
    if (sum > limit) {
      warning(path, fmt::format("its miners may draw {} together, the circuit carries {}", watts(sum), watts(limit)),
              "only this program keeps them apart then: wire for what is plugged in, or lower power.max_w");
    }
  }

  const CircuitConfig* circuit_named(const std::string& name) const {
    const auto found = std::find_if(config_.circuits.begin(), config_.circuits.end(),
                                    [&](const CircuitConfig& circuit) { return circuit.name == name; });
    return found == config_.circuits.end() ? nullptr : &*found;
  }

  void miner(std::size_t i) {
    const MinerConfig& miner = config_.miners[i];
    const std::string path = fmt::format("miners[{}]", i);
    adapter(miner, path);
    hung_on(miner, path);
    const bool both = miner.min_power > Watts(0.0) && miner.max_power > Watts(0.0);
    if (both && miner.min_power > miner.max_power) {
      error(path + ".power.min_w", fmt::format("{} is above max_w, {}", watts(miner.min_power), watts(miner.max_power)),
            "write min_w at or below max_w");
    }
    if (!miner.password.literal.empty()) in_the_open(path + ".password");
    curve(miner, path);
  }

  void curve(const MinerConfig& miner, const std::string& path) {
    if (miner.curve.empty() || !sound(path + ".curve")) return;
    if (miner.efficiency_j_per_th > 0.0) {
      error(path + ".efficiency_j_per_th", "stands beside a curve, which says it better", "remove one of the two");
    }
    for (std::size_t i = 0; i < miner.curve.size(); ++i) {
      const double efficiency = miner.curve[i].power.value() / miner.curve[i].hashrate.value();
      if (efficiency >= kBestJoulesPerTh && efficiency <= kWorstJoulesPerTh) continue;
      warning(fmt::format("{}.curve[{}]", path, i), fmt::format("{:.3g} J/TH is not of this world", efficiency),
              "write watts first, then TH/s: a machine of 3000 W makes 100 to 200 TH/s");
    }
  }

  void hung_on(const MinerConfig& miner, const std::string& path) {
    if (!sound(path + ".circuit")) return;
    if (miner.circuit.empty()) {
      return warning(path + ".circuit",
                     fmt::format("not set, so the miner is held to {}", watts(unknown_circuit_cap(config_))),
                     "name the circuit it hangs on");
    }
    const CircuitConfig* circuit = circuit_named(miner.circuit);
    if (circuit == nullptr) {
      if (!sound("circuits")) return;
      std::vector<std::string> names;
      for (const CircuitConfig& known : config_.circuits) names.push_back(known.name);
      return error(path + ".circuit", fmt::format("there is no circuit {}", quoted(miner.circuit)),
                   names.empty() ? "add it under circuits" : listed(miner.circuit, std::move(names)));
    }
    if (circuit->volts > 0.0 && circuit->volts < kLowVoltage && miner.max_power > kBigOn120V) {
      warning(path + ".power.max_w", fmt::format("{} on a {:g} V circuit", watts(miner.max_power), circuit->volts),
              fmt::format("machines of this size want 200 to 240 V; a 15 A circuit carries {}", watts(kBigOn120V)));
    }
  }

  void adapter(const MinerConfig& miner, const std::string& path) {
    if (miner.adapter.empty()) return;
    const auto found = std::find_if(catalogue_.adapters.begin(), catalogue_.adapters.end(),
                                    [&](const Catalogue::Adapter& a) { return a.id == miner.adapter; });
    if (found == catalogue_.adapters.end()) {
      std::vector<std::string> names;
      for (const auto& known : catalogue_.adapters) names.push_back(known.id);
      return error(path + ".adapter", fmt::format("there is no adapter {}", quoted(miner.adapter)),
                   listed(miner.adapter, std::move(names)));
    }
    if (found->needs_password && miner.password.empty() && sound(path + ".password")) {
      error(path + ".password", fmt::format("is missing, adapter {} logs in", miner.adapter),
            "write password: {secret: NAME}");
    }
    for (const auto& [key, value] : miner.options) option(*found, key, value, path + ".options");
  }

  void option(const Catalogue::Adapter& adapter, const std::string& key, const std::string& value,
              const std::string& path) {
    const auto found = std::find_if(adapter.options.begin(), adapter.options.end(),
                                    [&](const Catalogue::Option& known) { return known.name == key; });
    if (found == adapter.options.end()) {
      std::vector<std::string> names;
      for (const auto& known : adapter.options) names.push_back(known.name);
      const Node* options = root_.at(path);
      const Entry* entry = options == nullptr ? nullptr : options->find(key);
      return problems_.error(entry == nullptr ? place(path) : entry->place, path,
                             fmt::format("adapter {} has no option {}", adapter.id, quoted(key)),
                             names.empty() ? "it has none" : listed(key, std::move(names)));
    }
    const auto refuse = [&](const char* wanted, const std::optional<std::string>& meant) {
      error(path + "." + key, fmt::format("{} is not {}", quoted(value), wanted),
            meant ? "write " + *meant : fmt::format("write {}", wanted));
    };
    if (found->type == OptionType::boolean && !parse_boolean(value)) refuse("true or false", plain_boolean(value));
    if (found->type == OptionType::integer && !parse_integer(value)) refuse("a whole number", std::nullopt);
    if (found->type == OptionType::number && !parse_number(value)) refuse("a number", plain_number(value));
  }

  /// Two workers on one machine would fight each other.
  void one_miner_an_address() {
    for (std::size_t i = 0; i < config_.miners.size(); ++i) {
      for (std::size_t k = 0; k < i && !config_.miners[i].host.empty(); ++k) {
        if (config_.miners[i].host != config_.miners[k].host || config_.miners[i].port != config_.miners[k].port)
          continue;
        error(
            fmt::format("miners[{}].host", i),
            fmt::format("{} is also the address of {}", quoted(config_.miners[i].host), quoted(config_.miners[k].name)),
            "list each miner once");
        break;
      }
    }
  }

  // ---- control and battery

  bool has_battery() const {
    return std::any_of(config_.devices.begin(), config_.devices.end(), [](const DeviceConfig& device) {
      return contains(device.roles, Role::battery) || contains(device.roles, Role::hybrid);
    });
  }

  void control() {
    if (!has_battery() && sound("devices")) {
      if (config_.control.strategy == Strategy::solar_battery) no_battery("control.strategy");
      for (std::size_t i = 0; i < config_.miners.size(); ++i) {
        const std::string path = fmt::format("miners[{}].strategy", i);
        if (written(path) && config_.miners[i].strategy == Strategy::solar_battery) no_battery(path);
      }
    }
    if (config_.control.on_stop == OnStop::leave) {
      warning("control.on_stop", "when the daemon stops, the miners run on and buy what the sun does not give",
              "write park or minimum");
    }
    if (config_.profile == ProfileName::bare) {
      warning("control.profile", "bare starts and stops without any rest and is meant for a test bench",
              "write normal");
    }
    if (config_.control.allow_off_grid) {
      warning("control.allow_off_grid", "an outage would be spent on mining",
              "leave it out unless the house is never connected to a grid");
    }
  }

  void no_battery(const std::string& path) {
    error(path, "solar-battery without a battery", "add a device with role battery or hybrid, or write solar");
  }

  // ---- switches before miners

  bool can_switch(const DeviceConfig& device) const {
    const auto found = std::ranges::find(catalogue_.templates, device.template_id, &Catalogue::Template::id);
    return found != catalogue_.templates.end() && found->can_switch;
  }

  void power_switch(std::size_t i) {
    const std::string path = fmt::format("miners[{}].power_switch", i);
    const std::string& name = config_.miners[i].power_switch;
    if (name.empty() || !sound(path) || !sound("devices")) return;
    std::vector<std::string> able;
    for (const DeviceConfig& device : config_.devices)
      if (can_switch(device)) able.push_back(device.name);
    const std::string hint =
        able.empty() ? "add a device with role: switch, such as one of template shelly-plug-http" : listed(name, able);
    const auto named = std::ranges::find(config_.devices, name, &DeviceConfig::name);
    if (named == config_.devices.end()) return error(path, fmt::format("there is no device {}", quoted(name)), hint);
    if (!can_switch(*named)) {
      return error(path, fmt::format("{} is of template {}, which cannot be switched", named->name, named->template_id),
                   hint);
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (config_.miners[k].power_switch != name) continue;
      return error(path, fmt::format("{} is the switch of {} already", quoted(name), quoted(config_.miners[k].name)),
                   "a switch for each miner: it is opened when its miner sleeps, whatever the other one does");
    }
  }

  void battery() {
    if (written("battery") && !has_battery() && sound("devices") && sound("battery")) {
      warning("battery", "no device has the role battery, so this has no effect", "add the battery under devices");
    }
    if (!config_.battery.hold.empty()) return battery_hold();
    if (!has_battery() || !sound("devices") || !sound("miners")) return;
    for (std::size_t i = 0; i < config_.miners.size(); ++i) {
      if (!may_buy(config_.miners[i])) continue;
      const std::string able = able_to_hold();
      return warning(fmt::format("miners[{}]", i),
                     "may mine with bought energy, and nothing keeps the battery from giving its own first: a night of "
                     "mining would empty it",
                     able.empty()
                         ? "a Victron GX or evcc could hold it; else keep to solar, or to prices that pay for it"
                         : fmt::format("write battery: {{hold: {}}}", able));
    }
  }

  bool may_buy(const MinerConfig& miner) const {
    if (miner.strategy == Strategy::off) return false;
    const auto ordered = [&](const PeriodConfig& period) {
      return (period.order == PeriodOrder::full || period.order == PeriodOrder::watts) &&
             (period.miners.empty() || std::ranges::find(period.miners, miner.name) != period.miners.end());
    };
    return miner.strategy == Strategy::economic || miner.strategy == Strategy::full ||
           std::ranges::any_of(config_.schedule, ordered);
  }

  std::string able_to_hold() const {
    std::vector<std::string> able;
    for (const DeviceConfig& device : config_.devices) {
      if (can_hold(device)) able.push_back(device.name);
    }
    return fmt::format("{}", fmt::join(able, " or "));
  }

  bool can_hold(const DeviceConfig& device) const {
    const auto found = std::ranges::find(catalogue_.templates, device.template_id, &Catalogue::Template::id);
    return found != catalogue_.templates.end() && found->can_hold;
  }

  void battery_hold() {
    if (!sound("devices")) return;
    const std::string able = able_to_hold();
    const std::string hint = able.empty() ? "a Victron GX or evcc can be told to hold it: add it under devices"
                                          : fmt::format("write {}", able);
    const auto named = std::ranges::find(config_.devices, config_.battery.hold, &DeviceConfig::name);
    if (named == config_.devices.end()) {
      error("battery.hold", fmt::format("no device is called {}", quoted(config_.battery.hold)), hint);
    } else if (!can_hold(*named)) {
      error("battery.hold",
            fmt::format("{} is of template {}, which cannot tell a battery to hold", named->name, named->template_id),
            hint);
    }
  }

  // ---- tariff

  void tariff() {
    if (!written("tariff") || !sound("tariff")) return;
    const bool fixed = config_.tariff.exported == TariffExport::fixed;
    if (fixed && !config_.tariff.export_price)
      error("tariff.export.price_per_kwh", "is missing", "mode fixed needs the price: write 0.05 for 5 cents");
    if (!fixed && config_.tariff.export_price)
      error("tariff.export.price_per_kwh", "has no effect with this mode", "write mode: fixed, or remove it");
    if (!catalogue_.judge_tariff) return;
    for (const Catalogue::Remark& remark : catalogue_.judge_tariff(config_)) {
      if (remark.severity == Severity::error) error(remark.path, remark.message, remark.hint);
      if (remark.severity == Severity::warning) warning(remark.path, remark.message, remark.hint);
    }
  }

  // ---- heat and schedule

  /// Every name stands for a miner of the file.
  bool known_miners(const std::vector<std::string>& miners, const std::string& path) {
    if (!sound("miners")) return false;
    std::vector<std::string> names;
    for (const MinerConfig& miner : config_.miners) names.push_back(miner.name);
    bool all = true;
    for (std::size_t i = 0; i < miners.size(); ++i) {
      if (std::ranges::find(names, miners[i]) != names.end()) continue;
      error(fmt::format("{}[{}]", path, i), fmt::format("there is no miner {}", quoted(miners[i])),
            names.empty() ? "add it under miners" : listed(miners[i], names));
      all = false;
    }
    return all;
  }

  void heat() {
    unique("heat", config_.heat);
    for (std::size_t i = 0; i < config_.heat.size(); ++i) {
      const HeatConfig& heat = config_.heat[i];
      const std::string path = fmt::format("heat[{}]", i);
      const bool readable = sound(path);
      known_miners(heat.miners, path + ".miners");
      one_room_a_miner(i);
      if (readable) {
        price_of_heat(heat, path);
        thermometer(heat, path);
      }
    }
  }

  void one_room_a_miner(std::size_t i) {
    for (std::size_t m = 0; m < config_.heat[i].miners.size(); ++m) {
      for (std::size_t k = 0; k < i; ++k) {
        const auto& others = config_.heat[k].miners;
        if (std::ranges::find(others, config_.heat[i].miners[m]) == others.end()) continue;
        error(fmt::format("heat[{}].miners[{}]", i, m),
              fmt::format("{} warms {} already", quoted(config_.heat[i].miners[m]), quoted(config_.heat[k].name)),
              "its heat goes into one room");
      }
    }
  }

  void price_of_heat(const HeatConfig& heat, const std::string& path) {
    const bool burns = heat.fuel == HeatFuel::gas || heat.fuel == HeatFuel::oil;
    if (heat.fuel == HeatFuel::fixed && !heat.value)
      error(path + ".value_per_kwh", "is missing", "write what a kWh of heat costs, or a fuel and its price");
    if (burns && !heat.fuel_price)
      error(path + ".fuel_price_per_kwh", "is missing", "write what a kWh of the fuel costs");
    if (heat.fuel != HeatFuel::fixed && heat.value)
      error(path + ".value_per_kwh", "is for fuel fixed", "remove it, or remove fuel");
    const auto unused = [&](const char* key, bool used) {
      if (!used && written(path + "." + key))
        error(fmt::format("{}.{}", path, key), "is not of this fuel", "remove it");
    };
    unused("fuel_price_per_kwh", heat.fuel != HeatFuel::fixed);
    unused("efficiency", burns);
    unused("cop", heat.fuel == HeatFuel::heat_pump);
    // In the currencies that most write, a kWh costs cents.
    static constexpr std::string_view kLarge[] = {"EUR", "USD", "CAD", "GBP", "CHF", "AUD", "NZD"};
    if (std::ranges::find(kLarge, config_.currency) == std::end(kLarge)) return;
    const std::pair<const char*, std::optional<PricePerKwh>> amounts[] = {{"value_per_kwh", heat.value},
                                                                          {"fuel_price_per_kwh", heat.fuel_price},
                                                                          {"cooling_cost_per_kwh", heat.cooling_cost},
                                                                          {"any_price_below", heat.any_price_below}};
    for (const auto& [key, amount] : amounts) {
      if (amount && *amount > kDearKwh)
        warning(fmt::format("{}.{}", path, key),
                fmt::format("{:g} {} for a kWh is much", amount->value(), config_.currency), "write 0.12 for 12 cents");
    }
  }

  void thermometer(const HeatConfig& heat, const std::string& path) {
    const bool needed = heat.target || heat.max;
    if (heat.device.empty()) {
      if (needed) error(path + ".device", "is missing, nothing tells the temperature", "name a device with role: room");
      if (!heat.season && !needed)
        warning(path, "its heat counts as wanted on every day of the year", "add a season, or a device and target_c");
      return;
    }
    if (!needed) error(path + ".target_c", "is missing beside a thermometer", "write target_c or max_c");
    const auto found = std::ranges::find(config_.devices, heat.device, &DeviceConfig::name);
    std::vector<std::string> names;
    for (const DeviceConfig& device : config_.devices)
      if (contains(device.roles, Role::room)) names.push_back(device.name);
    if (sound("devices") && (found == config_.devices.end() || !contains(found->roles, Role::room))) {
      error(path + ".device",
            found == config_.devices.end() ? fmt::format("there is no device {}", quoted(heat.device))
                                           : fmt::format("{} has not the role room", quoted(heat.device)),
            names.empty() ? "add a device with role: room, such as one of template mqtt-temperature"
                          : listed(heat.device, std::move(names)));
    }
    if (heat.target && heat.max && *heat.max < *heat.target + Celsius(heat.band))
      error(path + ".max_c",
            fmt::format("{:g} °C lies within the band of {:g} °C", heat.max->value(), heat.target->value()),
            fmt::format("write at least {:g}", heat.target->value() + heat.band));
  }

  void schedule() {
    bool judged = !config_.schedule.empty();
    for (std::size_t i = 0; i < config_.schedule.size(); ++i) {
      const PeriodConfig& period = config_.schedule[i];
      const std::string path = fmt::format("schedule[{}]", i);
      const bool readable = sound(path);
      judged = known_miners(period.miners, path + ".miners") && readable && judged;
      if (!readable) continue;
      const bool eco = period.order == PeriodOrder::watts;
      if (eco && period.power <= Watts(0.0)) error(path + ".power_w", "is missing", "write the watts that eco holds");
      if (!eco && period.power > Watts(0.0))
        error(path + ".power_w", "is for eco only", "remove it, or write order: eco");
    }
    if (!judged) return;
    const std::vector<tariff::Period> all = periods(config_);
    for (const tariff::Overlap& overlap : tariff::overlaps(all)) {
      warning(fmt::format("schedule[{}]", overlap.later),
              fmt::format("disagrees with schedule[{}], for instance on {}", overlap.earlier, overlap.example),
              "the later one decides");
    }
    for (std::size_t i = 0; i < config_.miners.size(); ++i) {
      if (config_.miners[i].strategy != Strategy::schedule) continue;
      const tariff::Gap gap = tariff::gap(all, i);
      if (gap.hours_a_week <= 0.0) continue;
      warning("schedule",
              fmt::format("says nothing of {} in {:g} hours of a week, for instance {}, so it sleeps then",
                          quoted(config_.miners[i].name), gap.hours_a_week, gap.example),
              "put a period with order: sleep and no time first, if that is meant");
    }
  }

  // ---- prices

  const Catalogue::Feed* feed_named(const std::string& id) const {
    const auto found = std::ranges::find(catalogue_.feeds, id, &Catalogue::Feed::id);
    return found == catalogue_.feeds.end() ? nullptr : &*found;
  }

  bool prices_over_mqtt() const {
    const auto over_mqtt = [&](const FeedConfig& one) {
      const Catalogue::Feed* found = feed_named(one.feed);
      return found != nullptr && found->over_mqtt;
    };
    return over_mqtt(config_.prices.bought) || over_mqtt(config_.prices.sold) || over_mqtt(config_.tariff.colours) ||
           over_mqtt(config_.tariff.event_feed);
  }

  void signals() {
    if (written("tariff.colours") && sound("tariff.colours"))
      feed(config_.tariff.colours, "tariff.colours", &Catalogue::Feed::colours, "tell the colours of days");
    if (written("tariff.event_feed") && sound("tariff.event_feed"))
      feed(config_.tariff.event_feed, "tariff.event_feed", &Catalogue::Feed::events, "announce events");
  }

  void prices() {
    if (!written("prices") || !sound("prices")) return;
    if (written("prices.import"))
      feed(config_.prices.bought, "prices.import", &Catalogue::Feed::bought, "tell what energy costs");
    if (written("prices.export"))
      feed(config_.prices.sold, "prices.export", &Catalogue::Feed::sold, "tell what energy brings");
    if (written("prices.export") && !written("prices.import") && !config_.prices.fallback_import)
      error("prices", "what feeding in brings says nothing without what energy costs",
            "add import, or fallback_per_kwh for a price that never changes");
    if (written("prices.import") && !config_.prices.fallback_import)
      warning("prices", "nothing is assumed while no price is known, so nothing is bought then",
              "write fallback_per_kwh with what energy costs you usually");
  }

  void feed(const FeedConfig& one, const std::string& path, bool Catalogue::Feed::* use, std::string_view what) {
    const Catalogue::Feed* found = feed_named(one.feed);
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const auto& known : catalogue_.feeds) names.push_back(known.id);
      return error(path + ".feed", fmt::format("there is no price feed {}", quoted(one.feed)),
                   catalogue_.feed_mistakes.empty() ? listed(one.feed, std::move(names))
                                                    : fmt::format("{}", fmt::join(catalogue_.feed_mistakes, "; ")));
    }
    std::vector<std::string> names;
    if (!(found->*use)) {
      for (const auto& known : catalogue_.feeds)
        if (known.*use) names.push_back(known.id);
      error(path + ".feed", fmt::format("{} does not {}", found->id, what),
            names.empty() ? "none of the known feeds does" : fmt::format("those that do: {}", fmt::join(names, ", ")));
      names.clear();
    }
    for (const auto& word : found->options) {
      names.push_back(word.name);
      if (word.required && !one.options.contains(word.name))
        error(path + ".options." + word.name, fmt::format("is missing, feed {} asks for it", found->id),
              fmt::format("write options: {{{}: …}}", word.name));
    }
    for (const auto& [name, value] : one.options) {
      const std::string where = fmt::format("{}.options.{}", path, name);
      if (std::ranges::find(names, name) == names.end()) {
        error(where, fmt::format("feed {} has no option {}", found->id, quoted(name)),
              names.empty() ? "it has none" : listed(name, names));
      } else if (value.empty() || value.find_first_of(name == "url" ? " {}" : " +#{}?&%\"\\") != std::string::npos) {
        error(where, quoted(value) + " is not possible here", "write a word without blanks and signs of a URL");
      }
    }
    const auto told = one.options.find("currency");
    const std::string currency = told == one.options.end() ? found->currency : told->second;
    if (!currency.empty() && currency != config_.currency && sound("site.currency"))
      error(path + (told == one.options.end() ? ".feed" : ".options.currency"),
            fmt::format("prices in {}, but the site counts in {}", currency, config_.currency),
            "currencies are not converted: choose a feed in the site's, or change site.currency");
    if (found->needs_token && one.token.empty())
      error(path + ".token", fmt::format("is missing, feed {} asks for it", found->id), "write token: {secret: NAME}");
    if (!found->may_have_token && !one.token.empty())
      error(path + ".token", fmt::format("feed {} takes none", found->id), "remove it");
    if (!one.token.literal.empty()) in_the_open(path + ".token");
    if (found->over_mqtt && !written("mqtt"))
      error(path + ".feed", fmt::format("feed {} is read over MQTT", found->id),
            "add mqtt: {host: NAME} at the top level");
  }

  void hash_price() {
    if (!written("hashprice") || !sound("hashprice")) return;
    const HashPriceConfig& mining = config_.hash_price;
    bool needs_bitcoin_price = false,
         tells_bitcoin_price = mining.bitcoin_price.has_value() || !mining.price_url.empty();
    for (std::size_t i = 0; i < mining.sources.size(); ++i) {
      const HashSourceConfig& source = mining.sources[i];
      hash_source(source, fmt::format("hashprice.sources[{}]", i));
      const bool satoshi = source.unit.starts_with("sat/") || source.unit.starts_with("BTC/");
      needs_bitcoin_price = needs_bitcoin_price || source.kind == HashSourceKind::mempool ||
                            source.kind == HashSourceKind::bitcoind || satoshi;
      tells_bitcoin_price = tells_bitcoin_price || source.kind == HashSourceKind::mempool;
      if (source.kind == HashSourceKind::fixed && i + 1 < mining.sources.size())
        warning(fmt::format("hashprice.sources[{}]", i), "a fixed value always counts, so those below are never asked",
                "write it last, or alone");
    }
    if (!needs_bitcoin_price) return;
    constexpr std::string_view kTold[] = {"USD", "EUR", "GBP", "CAD", "CHF", "AUD", "JPY"};
    if (!tells_bitcoin_price)
      error("hashprice", "nobody tells what a bitcoin is worth",
            "write price_url: https://mempool.space, or bitcoin_price");
    if (!mining.bitcoin_price && sound("site.currency") &&
        std::ranges::find(kTold, config_.currency) == std::end(kTold))
      error("hashprice", fmt::format("a mempool service does not tell the price of a bitcoin in {}", config_.currency),
            fmt::format("write bitcoin_price; it tells {}", fmt::join(kTold, ", ")));
  }

  void hash_source(const HashSourceConfig& source, const std::string& path) {
    struct Needs {
      HashSourceKind kind;
      std::vector<std::string_view> must, may;
    };
    static const Needs kNeeds[] = {{HashSourceKind::fixed, {"per_ths_day"}, {}},
                                   {HashSourceKind::mempool, {"url"}, {}},
                                   {HashSourceKind::bitcoind, {"url"}, {"username", "password", "cookie_file"}},
                                   {HashSourceKind::json, {"url", "pointer", "unit"}, {"token"}}};
    const Needs& needs = *std::ranges::find(kNeeds, source.kind, &Needs::kind);
    for (const std::string_view key : needs.must) {
      if (!written(fmt::format("{}.{}", path, key)))
        error(fmt::format("{}.{}", path, key), "is missing for this kind",
              fmt::format("write {}", fmt::join(needs.must, ", ")));
    }
    for (const std::string_view key :
         {"url", "per_ths_day", "username", "password", "cookie_file", "pointer", "unit", "token"}) {
      const bool known = std::ranges::find(needs.must, key) != needs.must.end() ||
                         std::ranges::find(needs.may, key) != needs.may.end();
      if (!known && written(fmt::format("{}.{}", path, key)))
        error(fmt::format("{}.{}", path, key), "means nothing for this kind", "remove it");
    }
    for (const std::string_view key : {"password", "token"}) {
      const SecretRef& secret = key == "token" ? source.token : source.password;
      if (!secret.literal.empty()) in_the_open(fmt::format("{}.{}", path, key));
    }
    if (!source.cookie_file.empty() && !source.username.empty())
      error(path + ".cookie_file", "stands beside a login", "keep one of the two");
    if (!source.password.empty() && source.username.empty())
      error(path + ".username", "is missing beside a password", "write the login name");
    if (source.kind != HashSourceKind::json || source.unit.empty()) return;
    if (!source.pointer.starts_with('/'))
      error(path + ".pointer", quoted(source.pointer) + " is no JSON pointer", "write one such as /data/hash_price");
    const bool shape = source.unit.ends_with("/TH/day") || source.unit.ends_with("/PH/day");
    const std::string currency = source.unit.substr(0, source.unit.find('/'));
    if (!shape)
      error(path + ".unit", quoted(source.unit) + " is not known", "write one such as USD/PH/day or sat/TH/day");
    else if (currency != "sat" && currency != "BTC" && currency != config_.currency && sound("site.currency"))
      error(path + ".unit", fmt::format("tells {}, but the site counts in {}", currency, config_.currency),
            "currencies are not converted: choose a page in the site's, or one in sat/TH/day");
  }

  const Node& root_;
  const Config& config_;
  const Catalogue& catalogue_;
  Problems& problems_;
};

}  // namespace

void complete(const Node& root, Config& config) {
  constexpr Watts kLeastMargin{100.0};
  constexpr double kMarginPart = 0.03;
  for (std::size_t i = 0; i < config.circuits.size(); ++i) {
    CircuitConfig& circuit = config.circuits[i];
    if (root.at(fmt::format("circuits[{}].margin_w", i)) != nullptr) continue;
    const Watts carried(circuit.breaker_a * circuit.volts * circuit.continuous_factor);
    circuit.margin = max(kLeastMargin, carried * kMarginPart);
  }
  for (std::size_t i = 0; i < config.miners.size(); ++i) {
    if (root.at(fmt::format("miners[{}].strategy", i)) == nullptr) config.miners[i].strategy = config.control.strategy;
  }
  for (DeviceConfig& device : config.devices) device.mqtt = config.mqtt;
  config.battery.present = std::any_of(config.devices.begin(), config.devices.end(), [](const DeviceConfig& device) {
    return contains(device.roles, Role::battery) || contains(device.roles, Role::hybrid);
  });
}

void check(const Node& root, const Config& config, const Catalogue& catalogue, Problems& problems) {
  Checker(root, config, catalogue, problems).all();
}

}  // namespace sluice::config
