#pragma once
/// The decoded configuration file: everything the owner wrote, checked, with defaults filled in.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/site.hpp"
#include "tariff/heat.hpp"
#include "tariff/schedule.hpp"

namespace sluice::config {

/// A secret is named in the file and stored apart; this is the reference, never the value.
struct SecretRef {
  std::string name;     ///< systemd credential or file under the secrets directory
  std::string literal;  ///< `password: {value: …}`: legal, with a warning
  bool empty() const { return name.empty() && literal.empty(); }
};

enum class Role : std::uint8_t { grid, pv, battery, hybrid, house, load, room, power_switch };
enum class Netting : std::uint8_t { sum, per_phase };

struct ModbusAddress {
  std::string host;
  std::uint16_t port = 502;
  std::optional<std::uint8_t> unit;  ///< empty = the template's usual one
  Duration timeout{std::chrono::milliseconds(1500)};
};

struct HttpAddress {
  std::string url;  ///< as written; `parse_http_url` takes it apart
  std::string username;
  SecretRef password;
  Duration timeout{std::chrono::milliseconds(1500)};
};

/// The broker that devices over MQTT are read from.
struct MqttConfig {
  std::string host;  ///< empty = none
  std::uint16_t port = 1883;
  std::string username;
  SecretRef password;
  bool tls = false;
  std::string ca_file;  ///< empty = the system's certificates
};

struct DeviceConfig {
  std::string name;
  std::string template_id;
  Role role = Role::grid;                      ///< `hybrid` offers pv and battery (and grid if it has a meter)
  std::vector<Role> roles;                     ///< all roles this device fills
  ModbusAddress modbus;                        ///< without a host: it speaks something else
  HttpAddress http;                            ///< without a URL: it speaks something else
  MqttConfig mqtt;                             ///< the file's one broker
  std::map<std::string, std::string> options;  ///< words that its template asks for
  bool invert = false;                         ///< flips the sign of the power measurement
  Duration interval{std::chrono::seconds(1)};
};

struct CircuitConfig {
  std::string name;
  double breaker_a = 0;
  double volts = 230;
  double continuous_factor = 0.8;
  Watts other_load{0.0};
  Watts margin{0.0};
};

struct MinerConfig {
  std::string name;
  std::string adapter;
  std::string host;
  std::uint16_t port = 0;  ///< 0 = the firmware's own
  std::string circuit;
  std::string mac, serial;  ///< identity pins, empty = none
  std::string username;
  SecretRef password;
  Watts min_power{0.0}, max_power{0.0};
  WorkingCurve curve;              ///< empty: not written
  double efficiency_j_per_th = 0;  ///< 0 = not written
  Strategy strategy = Strategy::solar;
  int priority = 0;
  std::string power_switch;  ///< device that can take its power; empty = none
  Duration poll_interval{std::chrono::seconds(5)};
  std::map<std::string, std::string> options;  ///< adapter's own settings, by its manifest
};

/// What would warm a room if no miner did.
enum class HeatFuel : std::uint8_t { fixed, gas, oil, heat_pump, resistive };

/// A room or tank that miners warm.
struct HeatConfig {
  std::string name;
  std::vector<std::string> miners;
  std::string device;  ///< its thermometer; empty = none
  HeatFuel fuel = HeatFuel::fixed;
  std::optional<PricePerKwh> value, fuel_price;
  double efficiency = 0.9, cop = 3.0;
  double useful_share = 1.0;
  std::optional<tariff::Season> season;
  std::optional<Celsius> target, max;
  double band = 1.0;
  PricePerKwh cooling_cost{};
  std::optional<PricePerKwh> any_price_below;
  Duration stale_after{std::chrono::hours(1)};
};

/// A period of the calendar.
struct PeriodConfig {
  tariff::When when;
  std::vector<std::string> miners;  ///< empty = all
  PeriodOrder order = PeriodOrder::none;
  Watts power{0.0};
};

struct NotifyConfig {
  std::string exec;     ///< program; the event comes as JSON on its standard input
  std::string webhook;  ///< URL; the event is POSTed as JSON
};

/// What feeding in pays, where the bill says otherwise than the plan.
enum class TariffExport : std::uint8_t { plan, none, same, fixed };

/// A price feed of config/prices with what it asks for; no `feed`: none.
struct FeedConfig {
  std::string feed;
  std::map<std::string, std::string> options;
  SecretRef token;
};

/// The electricity tariff: a plan, and what the owner's bill says otherwise. Prices are in `site.currency`.
struct TariffConfig {
  struct Adder {
    std::string name;
    PricePerKwh price;
  };
  struct Event {
    std::string from, to;  ///< `2026-12-10 06:00`, on the tariff's clock
    std::optional<PricePerKwh> import_price, export_price;
  };
  /// What was drawn before Sluice counted.
  struct SoFar {
    std::string at;  ///< `2026-11-20 18:00`, or a date alone, on the tariff's clock; empty: nothing was entered
    std::optional<double> drawn_kwh, peak_kw;
  };
  std::string plan;         ///< name, or absolute path of a file; empty: no tariff
  std::string zone;         ///< empty: the plan's
  int billing_day = 1;      ///< day of the month on which the billing period begins
  double multiplier = 0.0;  ///< 0: the plan's
  std::vector<Adder> adders;
  TariffExport exported = TariffExport::plan;
  std::optional<PricePerKwh> export_price;  ///< of `fixed`
  std::vector<Event> events;
  FeedConfig colours, event_feed;
  SoFar so_far;
  double demand_rate_per_kw = 0.0;  ///< 0: the plan's demand charges
  Duration demand_interval{std::chrono::minutes(15)};
  double demand_ratchet_pct = 0.0;
  Watts accepted_peak{0.0};  ///< import up to this never counts as raising the peak
};

/// Live prices of energy. Prices are in `site.currency`.
struct PricesConfig {
  FeedConfig bought, sold;
  double multiplier = 1.0;  ///< without a tariff: import = energy × multiplier + adder
  PricePerKwh adder{0.0};
  std::optional<PricePerKwh> fallback_import;
  PricePerKwh fallback_export{0.0};
  std::optional<Duration> max_age;  ///< empty: the feed's own
  std::vector<std::string> paths;   ///< searched for feeds after the installed ones
};

enum class HashSourceKind : std::uint8_t { fixed, mempool, bitcoind, json };

struct HashSourceConfig {
  HashSourceKind kind = HashSourceKind::fixed;
  std::string url;
  std::string username, cookie_file;
  SecretRef password, token;
  std::string pointer, unit;        ///< of `json`
  PricePerThsDay per_ths_day{0.0};  ///< of `fixed`
};

/// What mining brings: sources, the first that can be believed counts.
struct HashPriceConfig {
  std::vector<HashSourceConfig> sources;
  std::optional<double> bitcoin_price;
  std::string price_url;
  Percent pool_fee{0.0};
  Percent accepted_share{100.0};
};

struct StoreConfig {
  std::string path = "/var/lib/sluice/history.db";
  std::string state_path = "/var/lib/sluice/state.db";
  std::uint64_t max_bytes = 2ULL << 30;
};

struct Config {
  std::string file;  ///< as given
  std::string site_name = "home";
  std::string timezone = "UTC";
  std::string currency = "EUR";
  double main_breaker_a = 0;
  double main_volts = 230;
  int main_phases = 1;
  double main_continuous_factor = 0.8;
  Netting netting = Netting::sum;
  Watts inverter_ac_rating{0.0};
  std::optional<Watts> export_limit;  ///< what may be fed in; empty = no limit
  std::vector<DeviceConfig> devices;
  MqttConfig mqtt;
  std::vector<YieldSite> yield_to;
  std::vector<CircuitConfig> circuits;
  std::vector<MinerConfig> miners;
  ControlSettings control;
  ProfileName profile = ProfileName::normal;
  BatterySettings battery;
  TariffConfig tariff;
  std::vector<HeatConfig> heat;
  std::vector<PeriodConfig> schedule;
  PricesConfig prices;
  HashPriceConfig hash_price;
  NotifyConfig notify;
  StoreConfig store;
  std::vector<std::string> adapter_paths;  ///< searched after the installed ones
  std::vector<std::string> template_paths;
  Duration tick{std::chrono::seconds(1)};
};

/// The part of the configuration that the controller sees. Circuits carry breaker × volts × factor − other load −
/// margin; the import cap is the main breaker × volts × phases × factor. A miner in no circuit is capped at
/// `unknown_circuit_cap`.
Site to_site(const Config& config);

tariff::HeatSettings heat_settings(const HeatConfig& heat);
/// The calendar, with miners as places in the file.
std::vector<tariff::Period> periods(const Config& config);

/// What the miners of a circuit may draw together for hours; never below 0.
Watts continuous_limit(const CircuitConfig& circuit);

/// What a miner in no circuit may draw: 1200 W on a 120 V supply, else 2000 W, as an ordinary socket carries for hours.
Watts unknown_circuit_cap(const Config& config);

}  // namespace sluice::config
