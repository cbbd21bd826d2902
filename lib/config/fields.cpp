#include "config/fields.hpp"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "model/names.hpp"

namespace sluice::config {
namespace {

using enum FieldType;

// ---- from a checked value into a member, and back -------------------------------------------------------------------

double unit_seconds(std::string_view unit) { return unit == "ms" ? 1e-3 : 1.0; }

template <class T>
void put(T& member, const Value& value) {
  if constexpr (std::is_same_v<T, bool>) {
    member = value.boolean;
  } else if constexpr (std::is_enum_v<T>) {
    member = static_cast<T>(value.choices.front());
  } else if constexpr (std::is_arithmetic_v<T>) {
    member = static_cast<T>(value.number);
  } else if constexpr (std::is_same_v<T, Duration>) {
    member = from_seconds(value.number * unit_seconds(value.unit));
  } else if constexpr (std::is_same_v<T, std::string>) {
    member = value.text;
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    member = value.texts;
  } else {
    member = T(value.number);
  }
}

template <class T>
std::string as_text(const T& member, const Field& field) {
  if constexpr (std::is_same_v<T, bool>) {
    return member ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(field.choices[static_cast<std::size_t>(member)]);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return plain_text(static_cast<double>(member));
  } else if constexpr (std::is_same_v<T, Duration>) {
    return plain_text(to_seconds(member) / unit_seconds(field.unit));
  } else if constexpr (std::is_same_v<T, std::string>) {
    return member;
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return "";
  } else {
    return plain_text(member.value());
  }
}

template <class>
struct MemberOf;
template <class C, class T>
struct MemberOf<T C::*> {
  using Class = C;
};
template <auto Member>
using ClassOf = typename MemberOf<decltype(Member)>::Class;

template <auto Member>
void store(void* target, const Value& value) {
  put(static_cast<ClassOf<Member>*>(target)->*Member, value);
}
template <auto Member>
std::string show(const void* target, const Field& field) {
  return as_text(static_cast<const ClassOf<Member>*>(target)->*Member, field);
}
template <auto Member>
void* inside(void* target) {
  return &(static_cast<ClassOf<Member>*>(target)->*Member);
}
template <auto Member>
void* append(void* target) {
  return &(static_cast<ClassOf<Member>*>(target)->*Member).emplace_back();
}
void* same(void* target) { return target; }
std::string nothing(const void*, const Field&) { return ""; }

// ---- values with a form of their own --------------------------------------------------------------------------------

template <class Curve>
void put_curve(Curve& curve, const Value& value) {
  curve.clear();
  for (const auto& [soc, share] : value.curve) curve.push_back({Percent(soc), share});
}

void store_roles(void* target, const Value& value) {
  auto& device = *static_cast<DeviceConfig*>(target);
  for (const std::size_t choice : value.choices) device.roles.push_back(static_cast<Role>(choice));
  device.role = device.roles.front();
}

void store_unit(void* target, const Value& value) {
  static_cast<ModbusAddress*>(target)->unit = static_cast<std::uint8_t>(value.number);
}

void store_export_limit(void* target, const Value& value) {
  static_cast<Config*>(target)->export_limit = Watts(value.number);
}

template <auto Member>
void store_secret(void* target, const Value& value) {
  SecretRef& password = static_cast<ClassOf<Member>*>(target)->*Member;
  const auto& [key, text] = value.pairs.front();
  (key == "secret" ? password.name : password.literal) = text;
}

template <auto Member>
void store_optional(void* target, const Value& value) {
  auto& member = static_cast<ClassOf<Member>*>(target)->*Member;
  put(member.emplace(), value);
}

template <auto Member>
void store_options(void* target, const Value& value) {
  static_cast<ClassOf<Member>*>(target)->*Member = {value.pairs.begin(), value.pairs.end()};
}

void store_profile(void* target, const Value& value) {
  auto& config = *static_cast<Config*>(target);
  config.profile = static_cast<ProfileName>(value.choices.front());
  config.control.profile = constraint_profile(config.profile);
}

void store_max_mb(void* target, const Value& value) {
  static_cast<StoreConfig*>(target)->max_bytes = static_cast<std::uint64_t>(value.number) << 20;
}
std::string show_max_mb(const void* target, const Field&) {
  return fmt::format("{}", static_cast<const StoreConfig*>(target)->max_bytes >> 20);
}

/// The fields of `control` live in two structs; this reaches through to the controller's.
template <auto Member>
void store_control(void* target, const Value& value) {
  put(static_cast<Config*>(target)->control.*Member, value);
}
template <auto Member>
std::string show_control(const void* target, const Field& field) {
  return as_text(static_cast<const Config*>(target)->control.*Member, field);
}

void* enter_constraints(void* target) { return &static_cast<Config*>(target)->control.profile; }
void* enter_pid(void* target) {
  auto& control = static_cast<Config*>(target)->control;
  control.regulation = Regulation::pid;
  return &control.pid;
}
void* enter_hysteresis(void* target) {
  auto& hysteresis = static_cast<Config*>(target)->control.hysteresis;
  hysteresis.form = HysteresisForm::classic;
  return &hysteresis;
}

// ---- choices, in the order of their enums ---------------------------------------------------------------------------

constexpr std::string_view kRoles[] = {"grid", "pv", "battery", "hybrid", "house", "load", "room", "switch"};
constexpr std::string_view kFuels[] = {"fixed", "gas", "oil", "heat-pump", "resistive"};
// After `PeriodOrder::none`.
constexpr std::string_view kOrders[] = {"sleep", "eco", "full", "solar"};
constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekday", "weekend"};
constexpr tariff::DayMask kDayMasks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x1F, 0x60};
constexpr std::string_view kNettings[] = {"sum", "per_phase"};
constexpr std::string_view kStrategies[] = {"solar", "solar-battery", "full", "off", "economic", "schedule"};
constexpr std::string_view kProfiles[] = {"gentle", "normal", "bare"};
constexpr std::string_view kTariffExports[] = {"plan", "none", "same", "fixed"};
constexpr std::string_view kHashSources[] = {"fixed", "mempool", "bitcoind", "json"};
constexpr std::string_view kOnStops[] = {"park", "minimum", "leave"};

// ---- the table ------------------------------------------------------------------------------------------------------

const Field kMain[] = {
    {.name = "breaker_a",
     .type = number,
     .unit = "A",
     .low = 1,
     .high = 2000,
     .required = true,
     .text = "Rating of the main breaker or service fuse.",
     .store = store<&Config::main_breaker_a>,
     .show = nothing},
    {.name = "volts",
     .type = number,
     .unit = "V",
     .low = 90,
     .high = 277,
     .required = true,
     .text = "Voltage that each phase counts with: 240 for a North American service as one phase, 230 phase to neutral "
             "for three phases.",
     .store = store<&Config::main_volts>,
     .show = nothing},
    {.name = "phases",
     .type = integer,
     .low = 1,
     .high = 3,
     .text = "1; 2 for split phase with `volts: 120` a leg; 3.",
     .store = store<&Config::main_phases>,
     .show = show<&Config::main_phases>},
    {.name = "continuous_factor",
     .type = number,
     .low = 0.1,
     .high = 1,
     .text = "Part of the rating that may flow for hours.",
     .store = store<&Config::main_continuous_factor>,
     .show = show<&Config::main_continuous_factor>},
};

const Field kSite[] = {
    {.name = "name",
     .type = name,
     .text = "How the house is called in messages.",
     .store = store<&Config::site_name>,
     .show = show<&Config::site_name>},
    {.name = "timezone",
     .type = text,
     .text = "Name of the IANA time zone, such as America/Toronto; days begin by it.",
     .store = store<&Config::timezone>,
     .show = show<&Config::timezone>},
    {.name = "currency",
     .type = text,
     .text = "Three letters, such as CAD.",
     .store = store<&Config::currency>,
     .show = show<&Config::currency>},
    {.name = "main",
     .type = section,
     .text =
         "The connection to the grid. With it, mining never draws more than breaker × volts × phases × factor allows.",
     .fields = kMain,
     .enter = same},
    {.name = "netting",
     .type = choice,
     .choices = kNettings,
     .text = "How the utility counts three phases: as a sum, or each for itself.",
     .store = store<&Config::netting>,
     .show = show<&Config::netting>},
    {.name = "inverter_ac_w",
     .type = number,
     .unit = "W",
     .high = 1e6,
     .fallback = "unknown",
     .text = "AC rating of the inverter, which caps what the panels can give at once.",
     .store = store<&Config::inverter_ac_rating>,
     .show = nothing},
    {.name = "export_limit_w",
     .type = number,
     .unit = "W",
     .high = 1e6,
     .fallback = "no limit",
     .text = "What may be fed in, 0 for nothing, if the inverter throttles the panels to keep to it. With it, mining "
             "draws a little more than the meter shows now and then, to find out whether throttled sun answers.",
     .store = store_export_limit,
     .show = nothing},
};

const Field kModbus[] = {
    {.name = "host",
     .type = host,
     .required = true,
     .text = "Name or address of the device or gateway.",
     .store = store<&ModbusAddress::host>,
     .show = nothing},
    {.name = "port",
     .type = integer,
     .low = 1,
     .high = 65535,
     .text = "TCP port.",
     .store = store<&ModbusAddress::port>,
     .show = show<&ModbusAddress::port>},
    {.name = "unit",
     .type = integer,
     .low = 0,
     .high = 255,
     .fallback = "the template's usual one",
     .text = "Unit identifier (slave address).",
     .store = store_unit,
     .show = nothing},
    {.name = "timeout_ms",
     .type = integer,
     .unit = "ms",
     .low = 100,
     .high = 10000,
     .text = "How long one answer may take.",
     .store = store<&ModbusAddress::timeout>,
     .show = show<&ModbusAddress::timeout>},
};

const Field kHttp[] = {
    {.name = "url",
     .type = url,
     .required = true,
     .text = "`http://HOST`, with a port and a path if it needs them. What the template asks for comes after it.",
     .store = store<&HttpAddress::url>,
     .show = nothing},
    {.name = "username",
     .type = text,
     .text = "Login name; basic scheme, or digest where the device asks for it.",
     .store = store<&HttpAddress::username>,
     .show = nothing},
    {.name = "password",
     .type = secret,
     .text = "Its password, as for miners.",
     .store = store_secret<&HttpAddress::password>,
     .show = nothing},
    {.name = "timeout_ms",
     .type = integer,
     .unit = "ms",
     .low = 100,
     .high = 10000,
     .text = "How long one answer may take.",
     .store = store<&HttpAddress::timeout>,
     .show = show<&HttpAddress::timeout>},
};

const Field kMqtt[] = {
    {.name = "host",
     .type = host,
     .required = true,
     .text = "Name or address of the broker.",
     .store = store<&MqttConfig::host>,
     .show = nothing},
    {.name = "port",
     .type = integer,
     .low = 1,
     .high = 65535,
     .text = "TCP port; with TLS brokers usually listen at 8883.",
     .store = store<&MqttConfig::port>,
     .show = show<&MqttConfig::port>},
    {.name = "username", .type = text, .text = "Login name.", .store = store<&MqttConfig::username>, .show = nothing},
    {.name = "password",
     .type = secret,
     .text = "Its password, as for miners.",
     .store = store_secret<&MqttConfig::password>,
     .show = nothing},
    {.name = "tls",
     .type = boolean,
     .text = "Encrypt, and insist that the broker's certificate fits its name.",
     .store = store<&MqttConfig::tls>,
     .show = show<&MqttConfig::tls>},
    {.name = "ca_file",
     .type = path,
     .fallback = "the system's certificates",
     .text = "Certificates (PEM) of whoever signed the broker's.",
     .store = store<&MqttConfig::ca_file>,
     .show = nothing},
};

const Field kYieldTo[] = {
    {.name = "device",
     .type = text,
     .required = true,
     .text = "Name of a device with role load.",
     .store = store<&YieldSite::device>,
     .show = nothing},
    {.name = "reserve_w",
     .type = number,
     .unit = "W",
     .low = 1,
     .high = 100000,
     .required = true,
     .text = "Kept free of mining while it wants energy, less what it draws already: what it needs to begin.",
     .store = store<&YieldSite::reserve>,
     .show = nothing},
    {.name = "stale_after_s",
     .type = number,
     .unit = "s",
     .low = 5,
     .high = 3600,
     .text = "Its last word counts for this long; then it is silent.",
     .store = store<&YieldSite::stale_after>,
     .show = show<&YieldSite::stale_after>},
    {.name = "keep_s",
     .type = number,
     .unit = "s",
     .high = 86400,
     .text = "While it is silent, what was reserved stays so for this long and is then released.",
     .store = store<&YieldSite::keep>,
     .show = show<&YieldSite::keep>},
    {.name = "patience_s",
     .type = number,
     .unit = "s",
     .low = 60,
     .high = 86400,
     .text = "Energy that it wants and does not take is offered for this long, then withheld for four times as long.",
     .store = store<&YieldSite::patience>,
     .show = show<&YieldSite::patience>},
};

const Field kDevices[] = {
    {.name = "name",
     .type = name,
     .required = true,
     .text = "Unique name of the device.",
     .store = store<&DeviceConfig::name>,
     .show = nothing},
    {.name = "template",
     .type = text,
     .required = true,
     .text = "What it is; `sluice devices` lists the templates.",
     .store = store<&DeviceConfig::template_id>,
     .show = nothing},
    {.name = "role",
     .type = choices,
     .required = true,
     .choices = kRoles,
     .text = "What it measures here, one or a list. `hybrid` is pv and battery in one, `load` a wallbox or boiler for "
             "`yield_to`, `room` a thermometer for `heat`, `switch` a plug for a miner's `power_switch`. Exactly one "
             "device is the grid meter.",
     .store = store_roles,
     .show = nothing},
    {.name = "modbus",
     .type = section,
     .text = "Where it answers Modbus TCP, if that is what its template speaks.",
     .fields = kModbus,
     .enter = inside<&DeviceConfig::modbus>},
    {.name = "http",
     .type = section,
     .text = "Where it answers HTTP, if that is what its template speaks. Devices over MQTT are read from the broker "
             "under `mqtt`.",
     .fields = kHttp,
     .enter = inside<&DeviceConfig::http>},
    {.name = "options",
     .type = options,
     .text = "Words that its template asks for, such as a topic; `sluice devices` names them.",
     .store = store_options<&DeviceConfig::options>,
     .show = nothing},
    {.name = "invert",
     .type = boolean,
     .text = "Flips the sign of its power, for a meter that is wired the other way round.",
     .store = store<&DeviceConfig::invert>,
     .show = show<&DeviceConfig::invert>},
    {.name = "interval_s",
     .type = number,
     .unit = "s",
     .low = 0.2,
     .high = 60,
     .text = "How often it is read.",
     .store = store<&DeviceConfig::interval>,
     .show = show<&DeviceConfig::interval>},
};

const Field kCircuits[] = {
    {.name = "name",
     .type = name,
     .required = true,
     .text = "Unique name of the circuit.",
     .store = store<&CircuitConfig::name>,
     .show = nothing},
    {.name = "breaker_a",
     .type = number,
     .unit = "A",
     .low = 1,
     .high = 400,
     .required = true,
     .text = "Rating of its breaker or fuse.",
     .store = store<&CircuitConfig::breaker_a>,
     .show = nothing},
    {.name = "volts",
     .type = number,
     .unit = "V",
     .low = 90,
     .high = 277,
     .required = true,
     .text = "Voltage between its two conductors.",
     .store = store<&CircuitConfig::volts>,
     .show = nothing},
    {.name = "continuous_factor",
     .type = number,
     .low = 0.1,
     .high = 1,
     .text = "Part of the rating that may flow for hours. Mining is always continuous.",
     .store = store<&CircuitConfig::continuous_factor>,
     .show = show<&CircuitConfig::continuous_factor>},
    {.name = "other_load_w",
     .type = number,
     .unit = "W",
     .high = 1e5,
     .text = "What other loads on this circuit may draw at the same time.",
     .store = store<&CircuitConfig::other_load>,
     .show = show<&CircuitConfig::other_load>},
    {.name = "margin_w",
     .type = number,
     .unit = "W",
     .high = 1e5,
     .fallback = "the larger of 100 W and 3 %",
     .text = "Kept free for overshoot and wrong reports.",
     .store = store<&CircuitConfig::margin>,
     .show = nothing},
};

const Field kPower[] = {
    {.name = "min_w",
     .type = number,
     .unit = "W",
     .high = 50000,
     .fallback = "the miner's own",
     .text = "The miner is not run below this.",
     .store = store<&MinerConfig::min_power>,
     .show = nothing},
    {.name = "max_w",
     .type = number,
     .unit = "W",
     .low = 1,
     .high = 50000,
     .fallback = "the miner's own",
     .text = "The miner is not run above this.",
     .store = store<&MinerConfig::max_power>,
     .show = nothing},
};

const Field kMiners[] = {
    {.name = "name",
     .type = name,
     .required = true,
     .text = "Unique name of the miner.",
     .store = store<&MinerConfig::name>,
     .show = nothing},
    {.name = "adapter",
     .type = text,
     .required = true,
     .text = "Its firmware; `sluice adapters` lists them.",
     .store = store<&MinerConfig::adapter>,
     .show = nothing},
    {.name = "host",
     .type = host,
     .required = true,
     .text = "Name or address of the miner.",
     .store = store<&MinerConfig::host>,
     .show = nothing},
    {.name = "port",
     .type = integer,
     .low = 1,
     .high = 65535,
     .fallback = "the firmware's own",
     .text = "Port of its API.",
     .store = store<&MinerConfig::port>,
     .show = nothing},
    {.name = "circuit",
     .type = text,
     .fallback = "none, with a cap of 2000 W (1200 W at 120 V)",
     .text = "Name of the circuit it hangs on.",
     .store = store<&MinerConfig::circuit>,
     .show = nothing},
    {.name = "mac",
     .type = mac,
     .text = "The machine with this address is meant; any other is never commanded.",
     .store = store<&MinerConfig::mac>,
     .show = nothing},
    {.name = "serial",
     .type = text,
     .text = "The same by serial number.",
     .store = store<&MinerConfig::serial>,
     .show = nothing},
    {.name = "username",
     .type = text,
     .fallback = "the firmware's own",
     .text = "Login name.",
     .store = store<&MinerConfig::username>,
     .show = nothing},
    {.name = "password",
     .type = secret,
     .text = "`{secret: NAME}`: a systemd credential or a file in /etc/sluice/secrets. `{value: TEXT}` works, with a "
             "warning.",
     .store = store_secret<&MinerConfig::password>,
     .show = nothing},
    {.name = "power", .type = section, .text = "Limits of the owner.", .fields = kPower, .enter = same},
    {.name = "curve",
     .type = working,
     .fallback = "the firmware's own, or learned",
     .text = "Hashrate in TH/s by watts at the wall, [[watts, ths], …]: what each watt brings, for everything that "
             "reckons in money. At most 24 points.",
     .store =
         [](void* target, const Value& value) {
           for (const auto& [watts, hashrate] : value.curve)
             static_cast<MinerConfig*>(target)->curve.push_back({Watts(watts), TeraHashes(hashrate)});
         },
     .show = nothing},
    {.name = "efficiency_j_per_th",
     .type = number,
     .unit = "J/TH",
     .low = 1,
     .high = 1000,
     .fallback = "not known",
     .text =
         "The same in one number, for a miner of which nothing better is known: joules for a terahash, at the wall.",
     .store = store<&MinerConfig::efficiency_j_per_th>,
     .show = nothing},
    {.name = "strategy",
     .type = choice,
     .choices = kStrategies,
     .fallback = "as in control",
     .text = "Which energy this miner may use.",
     .store = store<&MinerConfig::strategy>,
     .show = nothing},
    {.name = "priority",
     .type = integer,
     .low = -100,
     .high = 100,
     .text = "Higher runs first; equal: who needs the least watts to run, then the order of the file.",
     .store = store<&MinerConfig::priority>,
     .show = show<&MinerConfig::priority>},
    {.name = "power_switch",
     .type = text,
     .text =
         "Name of a device with role switch: the plug or contactor before this miner. Its power is cut while sleeping "
         "would cost more than a cold start; docs/guide/power-switch.md explains when. Left out, it only sleeps.",
     .store = store<&MinerConfig::power_switch>,
     .show = nothing},
    {.name = "poll_s",
     .type = number,
     .unit = "s",
     .low = 1,
     .high = 300,
     .text = "How often the miner is read.",
     .store = store<&MinerConfig::poll_interval>,
     .show = show<&MinerConfig::poll_interval>},
    {.name = "options",
     .type = options,
     .text = "The adapter's own settings; `sluice adapters` explains them.",
     .store = store_options<&MinerConfig::options>,
     .show = nothing},
};

const Field kConstraints[] = {
    {.name = "min_on_s",
     .type = number,
     .unit = "s",
     .high = 86400,
     .text = "A started miner runs at least this long.",
     .store = store<&ConstraintProfile::min_on>,
     .show = show<&ConstraintProfile::min_on>},
    {.name = "min_off_s",
     .type = number,
     .unit = "s",
     .high = 86400,
     .text = "A stopped miner rests at least this long.",
     .store = store<&ConstraintProfile::min_off>,
     .show = show<&ConstraintProfile::min_off>},
    {.name = "max_starts_per_day",
     .type = integer,
     .high = 1000,
     .text = "Starts of one miner a day; 0 is unlimited.",
     .store = store<&ConstraintProfile::max_starts_per_day>,
     .show = show<&ConstraintProfile::max_starts_per_day>},
    {.name = "stagger_up_s",
     .type = number,
     .unit = "s",
     .high = 600,
     .text = "Between the starts of two miners.",
     .store = store<&ConstraintProfile::stagger_up>,
     .show = show<&ConstraintProfile::stagger_up>},
    {.name = "retarget_up_s",
     .type = number,
     .unit = "s",
     .high = 3600,
     .text = "Between two raised targets of one miner.",
     .store = store<&ConstraintProfile::retarget_up>,
     .show = show<&ConstraintProfile::retarget_up>},
    {.name = "retarget_down_s",
     .type = number,
     .unit = "s",
     .high = 3600,
     .text = "Between two lowered targets of one miner.",
     .store = store<&ConstraintProfile::retarget_down>,
     .show = show<&ConstraintProfile::retarget_down>},
    {.name = "start_cost_wh",
     .type = number,
     .unit = "Wh",
     .high = 10000,
     .text = "What a start wears, in captured energy, beside what its wake costs.",
     .store = store<&ConstraintProfile::start_cost>,
     .show = show<&ConstraintProfile::start_cost>},
    {.name = "change_cost_wh",
     .type = number,
     .unit = "Wh",
     .high = 1000,
     .text = "Price of a changed target, in captured energy: the dearer, the calmer.",
     .store = store<&ConstraintProfile::change_cost>,
     .show = show<&ConstraintProfile::change_cost>},
    {.name = "deadband_up_w",
     .type = number,
     .unit = "W",
     .high = 5000,
     .text = "A raise smaller than this is not made.",
     .store = store<&ConstraintProfile::deadband_up>,
     .show = show<&ConstraintProfile::deadband_up>},
    {.name = "deadband_down_w",
     .type = number,
     .unit = "W",
     .high = 5000,
     .text = "A cut smaller than this is not made.",
     .store = store<&ConstraintProfile::deadband_down>,
     .show = show<&ConstraintProfile::deadband_down>},
    {.name = "ramp_up_w_per_min",
     .type = number,
     .unit = "W/min",
     .high = 1e5,
     .text = "How fast one miner is raised; 0 is unlimited.",
     .store = store<&ConstraintProfile::ramp_up_per_minute>,
     .show = show<&ConstraintProfile::ramp_up_per_minute>},
    {.name = "start_quiet_s",
     .type = number,
     .unit = "s",
     .high = 600,
     .text = "After the daemon's start: look first, command later.",
     .store = store<&ConstraintProfile::start_quiet>,
     .show = show<&ConstraintProfile::start_quiet>},
};

const Field kPid[] = {
    {.name = "kp",
     .type = number,
     .unit = "W/W",
     .high = 2,
     .text = "Proportional gain.",
     .store = store<&PidGains::kp>,
     .show = show<&PidGains::kp>},
    {.name = "ki",
     .type = number,
     .unit = "W/(W·s)",
     .high = 2,
     .text = "Integral gain.",
     .store = store<&PidGains::ki_per_s>,
     .show = show<&PidGains::ki_per_s>},
    {.name = "kd",
     .type = number,
     .unit = "W·s/W",
     .high = 60,
     .text = "Derivative gain, on the measurement.",
     .store = store<&PidGains::kd_s>,
     .show = show<&PidGains::kd_s>},
};

const Field kHysteresis[] = {
    {.name = "start_w",
     .type = number,
     .unit = "W",
     .high = 50000,
     .text = "Start when this much more than the minimum is there …",
     .store = store<&Hysteresis::start_above_min>,
     .show = show<&Hysteresis::start_above_min>},
    {.name = "start_s",
     .type = number,
     .unit = "s",
     .high = 86400,
     .text = "… for this long.",
     .store = store<&Hysteresis::start_after>,
     .show = show<&Hysteresis::start_after>},
    {.name = "stop_w",
     .type = number,
     .unit = "W",
     .high = 50000,
     .text = "Stop when this much is missing to the minimum …",
     .store = store<&Hysteresis::stop_below_min>,
     .show = show<&Hysteresis::stop_below_min>},
    {.name = "stop_s",
     .type = number,
     .unit = "s",
     .high = 86400,
     .text = "… for this long.",
     .store = store<&Hysteresis::stop_after>,
     .show = show<&Hysteresis::stop_after>},
};

const Field kControl[] = {
    {.name = "strategy",
     .type = choice,
     .choices = kStrategies,
     .text = "Which energy mining may use: what would be exported; also the battery's; all; none.",
     .store = store_control<&ControlSettings::strategy>,
     .show = show_control<&ControlSettings::strategy>},
    {.name = "grid_target_w",
     .type = number,
     .unit = "W",
     .low = -50000,
     .high = 50000,
     .text = "What the grid meter shall show while miners follow: -50 keeps 50 W of export.",
     .store = store_control<&ControlSettings::grid_target>,
     .show = show_control<&ControlSettings::grid_target>},
    {.name = "profile",
     .type = choice,
     .choices = kProfiles,
     .text = "How hard miners may be worked: for old hardware, for most, for a test bench.",
     .store = store_profile,
     .show = show<&Config::profile>},
    {.name = "constraints",
     .type = section,
     .text = "Single numbers of the profile, overridden. The defaults shown are those of `normal`.",
     .fields = kConstraints,
     .enter = enter_constraints},
    {.name = "on_stop",
     .type = choice,
     .choices = kOnStops,
     .text = "What happens to the miners when the daemon stops.",
     .store = store_control<&ControlSettings::on_stop>,
     .show = show_control<&ControlSettings::on_stop>},
    {.name = "pid",
     .type = section,
     .fallback = "deadbeat on the predicted surplus",
     .text = "Replaces the built-in regulator by a PID with these gains.",
     .fields = kPid,
     .enter = enter_pid},
    {.name = "hysteresis",
     .type = section,
     .fallback = "by energy: waiting and holding may cost as much as a start",
     .text = "Replaces the built-in start and stop rule by watts and seconds.",
     .fields = kHysteresis,
     .enter = enter_hysteresis},
    {.name = "start_price",
     .type = number,
     .unit = "money",
     .high = 1000,
     .text = "What a start wears, in site.currency, beside `constraints.start_cost_wh` and what its wake costs. The "
             "dearer, the fewer starts for a price that trembles.",
     .store = store_control<&ControlSettings::start_price>,
     .show = show_control<&ControlSettings::start_price>},
    {.name = "max_import_hold_s",
     .type = number,
     .unit = "s",
     .low = 10,
     .high = 3600,
     .text = "A miner that alone imports more than 50 W above the target does not hold that longer than this.",
     .store = store_control<&ControlSettings::max_import_hold>,
     .show = show_control<&ControlSettings::max_import_hold>},
    {.name = "allow_off_grid",
     .type = boolean,
     .text = "Mine on while the grid is lost.",
     .store = store_control<&ControlSettings::allow_off_grid>,
     .show = show_control<&ControlSettings::allow_off_grid>},
    {.name = "dry_run",
     .type = boolean,
     .text = "Decide and log, but command nothing.",
     .store = store_control<&ControlSettings::dry_run>,
     .show = show_control<&ControlSettings::dry_run>},
};

const Field kBattery[] = {
    {.name = "reserve_pct",
     .type = number,
     .unit = "%",
     .high = 90,
     .text = "Kept for an outage: mining never discharges below this plus 5 %.",
     .store = store<&BatterySettings::reserve>,
     .show = show<&BatterySettings::reserve>},
    {.name = "capacity_wh",
     .type = number,
     .unit = "Wh",
     .high = 1e6,
     .fallback = "unknown",
     .text =
         "Usable capacity. Without it `share: forecast` cannot tell whether the battery will fill, and goes by SoC.",
     .store = store<&BatterySettings::capacity>,
     .show = nothing},
    {.name = "max_charge_w",
     .type = number,
     .unit = "W",
     .high = 1e5,
     .fallback = "what the device says",
     .text = "What the battery inverter can charge.",
     .store = store<&BatterySettings::max_charge>,
     .show = nothing},
    {.name = "max_discharge_w",
     .type = number,
     .unit = "W",
     .high = 1e5,
     .fallback = "what the device says",
     .text = "What the battery inverter can discharge.",
     .store = store<&BatterySettings::max_discharge>,
     .show = nothing},
    {.name = "efficiency_pct",
     .type = number,
     .unit = "%",
     .low = 50,
     .high = 100,
     .text = "Each way: of a kWh that goes in, so much comes to be stored.",
     .store = [](void* target,
                 const Value& value) { static_cast<BatterySettings*>(target)->efficiency = value.number / 100.0; },
     .show = [](const void* target,
                const Field&) { return plain_text(100.0 * static_cast<const BatterySettings*>(target)->efficiency); }},
    {.name = "wear_per_kwh",
     .type = number,
     .unit = "money",
     .high = 10,
     .text = "What a kWh taken out of it for mining wears, in site.currency.",
     .store = store<&BatterySettings::wear>,
     .show = show<&BatterySettings::wear>},
    {.name = "hold",
     .type = text,
     .text =
         "The device that is told to keep the battery from discharging while miners buy grid energy that is cheaper "
         "than the battery's: its template must know how (victron-gx, evcc, evcc-mqtt). Left out, nobody is told.",
     .store = store<&BatterySettings::hold>,
     .show = nothing},
    {.name = "share",
     .type = share,
     .fallback = "forecast",
     .text =
         "Part of the possible charge that mining may take instead: a number, or a curve by state of charge. "
         "`forecast`: nothing, unless the sun of the last days would fill the battery anyway; until a day was seen, "
         "and without `capacity_wh`, the curve [[20, 0], [60, 0.3], [95, 1]].",
     .store = [](void* target, const Value& value) { put_curve(static_cast<BatterySettings*>(target)->share, value); },
     .show = nothing},
    {.name = "discharge",
     .type = curve,
     .fallback = "by forecast",
     .text = "For strategy solar-battery: part of the possible discharge that mining may use, by state of charge. By "
             "forecast: what the sun will fill again; without a forecast [[reserve + 5, 0], [100, 1]].",
     .store = [](void* target,
                 const Value& value) { put_curve(static_cast<BatterySettings*>(target)->discharge, value); },
     .show = nothing},
};

constexpr double kDearest = 1e5;  // in any currency

const Field kFeed[] = {
    {.name = "feed",
     .type = text,
     .required = true,
     .text = "A price feed; `sluice prices` lists them.",
     .store = store<&FeedConfig::feed>,
     .show = nothing},
    {.name = "options",
     .type = options,
     .text = "What the feed asks for: a region, a product, an area.",
     .store = store_options<&FeedConfig::options>,
     .show = nothing},
    {.name = "token",
     .type = secret,
     .text = "Its access token, where it asks for one.",
     .store = store_secret<&FeedConfig::token>,
     .show = nothing},
};

const Field kTariffAdders[] = {
    {.name = "name",
     .type = name,
     .required = true,
     .text = "Takes the place of the plan's adder of this name, or comes on top.",
     .store = store<&TariffConfig::Adder::name>,
     .show = nothing},
    {.name = "price_per_kwh",
     .type = number,
     .unit = "per kWh",
     .low = -kDearest,
     .high = kDearest,
     .required = true,
     .text = "At all hours, before the multiplier, in site.currency.",
     .store = store<&TariffConfig::Adder::price>,
     .show = nothing},
};

const Field kTariffEvents[] = {
    {.name = "from",
     .type = text,
     .required = true,
     .text = "Such as 2026-12-10 06:00, on the tariff's clock.",
     .store = store<&TariffConfig::Event::from>,
     .show = nothing},
    {.name = "to",
     .type = text,
     .required = true,
     .text = "The same; the end no longer belongs to it.",
     .store = store<&TariffConfig::Event::to>,
     .show = nothing},
    {.name = "import_per_kwh",
     .type = number,
     .unit = "per kWh",
     .low = -kDearest,
     .high = kDearest,
     .fallback = "what the plan says of events",
     .text = "All-in price of import.",
     .store = store<&TariffConfig::Event::import_price>,
     .show = nothing},
    {.name = "export_per_kwh",
     .type = number,
     .unit = "per kWh",
     .low = -kDearest,
     .high = kDearest,
     .fallback = "as without the event",
     .text = "What feeding in pays.",
     .store = store<&TariffConfig::Event::export_price>,
     .show = nothing},
};

const Field kTariffExport[] = {
    {.name = "mode",
     .type = choice,
     .required = true,
     .choices = kTariffExports,
     .text = "What feeding in pays: as the plan says, nothing, as much as the energy part of import, one price.",
     .store = store<&TariffConfig::exported>,
     .show = nothing},
    {.name = "price_per_kwh",
     .type = number,
     .unit = "per kWh",
     .low = -kDearest,
     .high = kDearest,
     .text = "Of `mode: fixed`; negative: feeding in costs.",
     .store = store<&TariffConfig::export_price>,
     .show = nothing},
};

const Field kTariffDemand[] = {
    {.name = "rate_per_kw",
     .type = number,
     .unit = "per kW",
     .high = kDearest,
     .fallback = "the plan's charges",
     .text = "Price of the month's highest mean, at all hours; takes the place of the plan's demand charges.",
     .store = store<&TariffConfig::demand_rate_per_kw>,
     .show = nothing},
    {.name = "interval_s",
     .type = number,
     .unit = "s",
     .low = 60,
     .high = 3600,
     .text = "Interval that the meter takes the mean of.",
     .store = store<&TariffConfig::demand_interval>,
     .show = show<&TariffConfig::demand_interval>},
    {.name = "ratchet_pct",
     .type = number,
     .unit = "%",
     .high = 100,
     .text = "At least this part of the last twelve months' peak is billed.",
     .store = store<&TariffConfig::demand_ratchet_pct>,
     .show = show<&TariffConfig::demand_ratchet_pct>},
    {.name = "accept_w",
     .type = number,
     .unit = "W",
     .high = 1e6,
     .text = "A peak up to this is paid anyway, and mining may use it.",
     .store = store<&TariffConfig::accepted_peak>,
     .show = show<&TariffConfig::accepted_peak>},
};

const Field kTariffSoFar[] = {
    {.name = "at",
     .type = text,
     .required = true,
     .text = "When it was so: 2026-11-20 18:00, on the tariff's clock; a date alone means its first minute.",
     .store = store<&TariffConfig::SoFar::at>,
     .show = nothing},
    {.name = "drawn_kwh",
     .type = number,
     .unit = "kWh",
     .high = 1e6,
     .fallback = "not known: the dearest tier counts",
     .text = "Bought since the billing period began, for tiers. What flowed until Sluice counts is taken at its mean, "
             "for three days at most.",
     .store = store<&TariffConfig::SoFar::drawn_kwh>,
     .show = nothing},
    {.name = "peak_kw",
     .type = number,
     .unit = "kW",
     .high = 1000,
     .fallback = "the highest that Sluice has seen",
     .text = "The highest mean that is billed already, for demand charges; where there are several, the lowest of "
             "theirs.",
     .store = store<&TariffConfig::SoFar::peak_kw>,
     .show = nothing},
};

const Field kTariff[] = {
    {.name = "plan",
     .type = text,
     .required = true,
     .text = "Name of a plan (`sluice tariff list`), or the absolute path of a plan of your own.",
     .store = store<&TariffConfig::plan>,
     .show = nothing},
    {.name = "zone",
     .type = text,
     .fallback = "the plan's",
     .text = "Clock of the meter: an IANA zone, UTC, or an offset such as +10:00.",
     .store = store<&TariffConfig::zone>,
     .show = nothing},
    {.name = "billing_day",
     .type = integer,
     .low = 1,
     .high = 28,
     .text = "Day of the month on which the billing period begins, for tiers and demand charges.",
     .store = store<&TariffConfig::billing_day>,
     .show = show<&TariffConfig::billing_day>},
    {.name = "so_far",
     .type = section,
     .text = "What the meter or the utility says of the running billing period, read once when Sluice begins in its "
             "middle.",
     .fields = kTariffSoFar,
     .enter = inside<&TariffConfig::so_far>},
    {.name = "multiplier",
     .type = number,
     .low = 0.01,
     .high = 5,
     .fallback = "the plan's",
     .text = "Taxes and rebates on import: 1.19 for 19 %.",
     .store = store<&TariffConfig::multiplier>,
     .show = nothing},
    {.name = "adders",
     .type = list,
     .high = 20,
     .text = "Fees per kWh of your bill, such as delivery.",
     .fields = kTariffAdders,
     .enter = append<&TariffConfig::adders>},
    {.name = "export",
     .type = section,
     .text = "What feeding in pays, where your contract says otherwise than the plan.",
     .fields = kTariffExport,
     .enter = same},
    {.name = "events",
     .type = list,
     .high = 200,
     .text = "Critical-peak hours, told by hand.",
     .fields = kTariffEvents,
     .enter = append<&TariffConfig::events>},
    {.name = "event_feed",
     .type = section,
     .text = "Critical-peak hours, as a feed announces them.",
     .fields = kFeed,
     .enter = inside<&TariffConfig::event_feed>},
    {.name = "colours",
     .type = section,
     .text = "The colours of days, as a feed announces them; a day of unknown colour costs what the plan assumes.",
     .fields = kFeed,
     .enter = inside<&TariffConfig::colours>},
    {.name = "demand",
     .type = section,
     .text = "The demand charge, where your bill says otherwise than the plan.",
     .fields = kTariffDemand,
     .enter = same},
};

// ---- heat and schedule

tariff::Season& season_of(void* target) { return *static_cast<tariff::Season*>(target); }
template <auto Member>
void* enter_season(void* target) {
  std::optional<tariff::Season>& season = static_cast<ClassOf<Member>*>(target)->*Member;
  return &season.emplace();
}

const Field kSeason[] = {
    {.name = "from",
     .type = date,
     .required = true,
     .text = "Its first day.",
     .store = [](void* target, const Value& value) { season_of(target).from = static_cast<int>(value.number); },
     .show = nothing},
    {.name = "to",
     .type = date,
     .required = true,
     .text = "Its last day; may lie in the next year.",
     .store = [](void* target, const Value& value) { season_of(target).to = static_cast<int>(value.number); },
     .show = nothing},
};

const Field kHeat[] = {
    {.name = "name",
     .type = name,
     .required = true,
     .text = "Unique name of the room or tank.",
     .store = store<&HeatConfig::name>,
     .show = nothing},
    {.name = "miners",
     .type = names,
     .required = true,
     .text = "The miners that warm it. Each warms one room.",
     .store = store<&HeatConfig::miners>,
     .show = nothing},
    {.name = "device",
     .type = text,
     .fallback = "none: the season alone decides",
     .text = "Its thermometer: a device with role room.",
     .store = store<&HeatConfig::device>,
     .show = nothing},
    {.name = "fuel",
     .type = choice,
     .choices = kFuels,
     .text = "What would warm it otherwise. `fixed`: `value_per_kwh` is what a kWh of heat costs.",
     .store = store<&HeatConfig::fuel>,
     .show = show<&HeatConfig::fuel>},
    {.name = "value_per_kwh",
     .type = number,
     .unit = "money",
     .high = 100,
     .fallback = "by fuel",
     .text = "What a kWh of heat costs, for fuel `fixed`.",
     .store = store<&HeatConfig::value>,
     .show = nothing},
    {.name = "fuel_price_per_kwh",
     .type = number,
     .unit = "money",
     .high = 100,
     .fallback = "electricity: what the grid costs now",
     .text =
         "Price of a kWh of fuel, or of the electricity for `heat-pump` and `resistive`. A litre of heating oil and a "
         "cubic metre of gas hold about 10 kWh.",
     .store = store<&HeatConfig::fuel_price>,
     .show = nothing},
    {.name = "efficiency",
     .type = number,
     .low = 0.1,
     .high = 1.1,
     .text = "Of the boiler, for `gas` and `oil`.",
     .store = store<&HeatConfig::efficiency>,
     .show = show<&HeatConfig::efficiency>},
    {.name = "cop",
     .type = number,
     .low = 1,
     .high = 8,
     .text = "Of the heat pump.",
     .store = store<&HeatConfig::cop>,
     .show = show<&HeatConfig::cop>},
    {.name = "useful_share",
     .type = number,
     .high = 1,
     .text = "How much of the miners' heat really replaces other heat.",
     .store = store<&HeatConfig::useful_share>,
     .show = show<&HeatConfig::useful_share>},
    {.name = "season",
     .type = section,
     .text = "When heat is wanted at all. All year without it.",
     .fields = kSeason,
     .enter = enter_season<&HeatConfig::season>},
    {.name = "target_c",
     .type = number,
     .unit = "°C",
     .low = 1,
     .high = 95,
     .fallback = "none: the season alone decides",
     .text = "Heat is wanted until the thermometer shows this.",
     .store = store<&HeatConfig::target>,
     .show = nothing},
    {.name = "band_k",
     .type = number,
     .unit = "K",
     .low = 0.2,
     .high = 20,
     .text = "It is wanted again this far below the target, and is cooled away this far above it.",
     .store = store<&HeatConfig::band>,
     .show = show<&HeatConfig::band>},
    {.name = "cooling_cost_per_kwh",
     .type = number,
     .unit = "money",
     .high = 100,
     .text = "What it costs to take a kWh of heat out again.",
     .store = store<&HeatConfig::cooling_cost>,
     .show = show<&HeatConfig::cooling_cost>},
    {.name = "any_price_below",
     .type = number,
     .unit = "money",
     .high = 100,
     .fallback = "what mining and heat are worth",
     .text = "While heat is wanted, mine at any price of a kWh below this.",
     .store = store<&HeatConfig::any_price_below>,
     .show = nothing},
    {.name = "max_c",
     .type = number,
     .unit = "°C",
     .low = 5,
     .high = 100,
     .fallback = "no guard",
     .text = "From here on its miners sleep, whatever for, until it is 2 K cooler.",
     .store = store<&HeatConfig::max>,
     .show = nothing},
    {.name = "stale_after_s",
     .type = number,
     .unit = "s",
     .low = 60,
     .high = 21600,
     .text = "A temperature counts for this long.",
     .store = store<&HeatConfig::stale_after>,
     .show = show<&HeatConfig::stale_after>},
};

const Field kSchedule[] = {
    {.name = "days",
     .type = choices,
     .choices = kDays,
     .fallback = "every day",
     .text = "Days of the week. What runs past midnight belongs to each day that it touches.",
     .store =
         [](void* target, const Value& value) {
           auto& when = static_cast<PeriodConfig*>(target)->when;
           when.days = 0;
           for (const std::size_t choice : value.choices)
             when.days = static_cast<tariff::DayMask>(when.days | kDayMasks[choice]);
         },
     .show = nothing},
    {.name = "time",
     .type = windows,
     .fallback = "all day",
     .text = "From when to when, by the clock of the site's time zone.",
     .store =
         [](void* target, const Value& value) {
           for (const auto& [from, to] : value.curve)
             static_cast<PeriodConfig*>(target)->when.windows.push_back({static_cast<int>(from), static_cast<int>(to)});
         },
     .show = nothing},
    {.name = "season",
     .type = section,
     .text = "Only between two dates.",
     .fields = kSeason,
     .enter = [](void* target) -> void* { return &static_cast<PeriodConfig*>(target)->when.seasons.emplace_back(); }},
    {.name = "miners",
     .type = names,
     .fallback = "all",
     .text = "For whom.",
     .store = store<&PeriodConfig::miners>,
     .show = nothing},
    {.name = "order",
     .type = choice,
     .required = true,
     .choices = kOrders,
     .text = "`sleep`: asleep. `eco`: holds `power_w`. `full`: all it can take. `solar`: follows the surplus, buys "
             "nothing.",
     .store =
         [](void* target, const Value& value) {
           static_cast<PeriodConfig*>(target)->order = static_cast<PeriodOrder>(value.choices.front() + 1);
         },
     .show = nothing},
    {.name = "power_w",
     .type = number,
     .unit = "W",
     .low = 1,
     .high = 50000,
     .fallback = "for `eco` only",
     .text = "What `eco` holds.",
     .store = store<&PeriodConfig::power>,
     .show = nothing},
};

const Field kPrices[] = {
    {.name = "import",
     .type = section,
     .text = "What energy from the grid costs, as a market or supplier tells it.",
     .fields = kFeed,
     .enter = inside<&PricesConfig::bought>},
    {.name = "export",
     .type = section,
     .text = "What feeding in brings, likewise.",
     .fields = kFeed,
     .enter = inside<&PricesConfig::sold>},
    {.name = "multiplier",
     .type = number,
     .low = 0.1,
     .high = 5,
     .text = "Without a tariff: the price is energy × multiplier + adder_per_kwh; 1.19 for a tax of 19 %.",
     .store = store<&PricesConfig::multiplier>,
     .show = show<&PricesConfig::multiplier>},
    {.name = "adder_per_kwh",
     .type = number,
     .unit = "currency/kWh",
     .low = -1000,
     .high = 1000,
     .text = "Without a tariff: grid fees and levies on each kWh, taxes included.",
     .store = store<&PricesConfig::adder>,
     .show = show<&PricesConfig::adder>},
    {.name = "fallback_per_kwh",
     .type = number,
     .unit = "currency/kWh",
     .low = -1000,
     .high = 1000,
     .fallback = "none: without a price nothing is bought for its price",
     .text = "What energy is assumed to cost, all in, while no price is known.",
     .store = store_optional<&PricesConfig::fallback_import>,
     .show = nothing},
    {.name = "fallback_export_per_kwh",
     .type = number,
     .unit = "currency/kWh",
     .low = -1000,
     .high = 1000,
     .text = "What feeding in is assumed to bring, while or where nobody tells it.",
     .store = store<&PricesConfig::fallback_export>,
     .show = show<&PricesConfig::fallback_export>},
    {.name = "max_age_s",
     .type = number,
     .unit = "s",
     .low = 60,
     .high = 604800,
     .fallback = "the feed's own",
     .text = "Prices that were heard longer ago are not used.",
     .store = store_optional<&PricesConfig::max_age>,
     .show = nothing},
    {.name = "path",
     .type = texts,
     .text = "Directories searched for price feeds after the installed ones.",
     .store = store<&PricesConfig::paths>,
     .show = nothing},
};

const Field kHashSource[] = {
    {.name = "kind",
     .type = choice,
     .required = true,
     .choices = kHashSources,
     .text = "A number of one's own; a mempool service; one's own bitcoin node; a number on any JSON page.",
     .store = store<&HashSourceConfig::kind>,
     .show = nothing},
    {.name = "url",
     .type = url,
     .text = "mempool: such as https://mempool.space; bitcoind: such as http://127.0.0.1:8332; json: the page.",
     .store = store<&HashSourceConfig::url>,
     .show = nothing},
    {.name = "per_ths_day",
     .type = number,
     .unit = "currency/TH/day",
     .low = 1e-6,
     .high = 1000,
     .text = "fixed: what 1 TH/s brings in a day, before pool fees.",
     .store = store<&HashSourceConfig::per_ths_day>,
     .show = nothing},
    {.name = "username",
     .type = text,
     .text = "bitcoind: login of its RPC.",
     .store = store<&HashSourceConfig::username>,
     .show = nothing},
    {.name = "password",
     .type = secret,
     .text = "bitcoind: password of its RPC.",
     .store = store_secret<&HashSourceConfig::password>,
     .show = nothing},
    {.name = "cookie_file",
     .type = path,
     .text = "bitcoind: its .cookie file, instead of a login.",
     .store = store<&HashSourceConfig::cookie_file>,
     .show = nothing},
    {.name = "pointer",
     .type = text,
     .text = "json: JSON pointer to the number, such as /data/hash_price.",
     .store = store<&HashSourceConfig::pointer>,
     .show = nothing},
    {.name = "unit",
     .type = text,
     .text = "json: what the number is, such as USD/PH/day, EUR/TH/day, sat/TH/day.",
     .store = store<&HashSourceConfig::unit>,
     .show = nothing},
    {.name = "token",
     .type = secret,
     .text = "json: sent as a bearer token.",
     .store = store_secret<&HashSourceConfig::token>,
     .show = nothing},
};

const Field kHashPrice[] = {
    {.name = "sources",
     .type = list,
     .low = 1,
     .high = 8,
     .required = true,
     .text = "Asked from the top; the first that can be believed counts.",
     .fields = kHashSource,
     .enter = append<&HashPriceConfig::sources>},
    {.name = "bitcoin_price",
     .type = number,
     .unit = "currency",
     .low = 1,
     .high = 1e12,
     .fallback = "asked at price_url",
     .text = "What a bitcoin is worth, where it shall not be asked for.",
     .store = store_optional<&HashPriceConfig::bitcoin_price>,
     .show = nothing},
    {.name = "price_url",
     .type = url,
     .fallback = "the first mempool source",
     .text = "A mempool service that tells the price of a bitcoin.",
     .store = store<&HashPriceConfig::price_url>,
     .show = nothing},
    {.name = "pool_fee_pct",
     .type = number,
     .unit = "%",
     .high = 50,
     .text = "What the pool keeps.",
     .store = store<&HashPriceConfig::pool_fee>,
     .show = show<&HashPriceConfig::pool_fee>},
    {.name = "accepted_share_pct",
     .type = number,
     .unit = "%",
     .low = 1,
     .high = 100,
     .text = "Part of the worked hashes that the pool accepts and pays.",
     .store = store<&HashPriceConfig::accepted_share>,
     .show = show<&HashPriceConfig::accepted_share>},
};

const Field kNotify[] = {
    {.name = "exec",
     .type = path,
     .text = "Program that gets each alarm as JSON on its standard input.",
     .store = store<&NotifyConfig::exec>,
     .show = nothing},
    {.name = "webhook",
     .type = url,
     .text = "URL that gets each alarm as a JSON POST.",
     .store = store<&NotifyConfig::webhook>,
     .show = nothing},
};

const Field kStore[] = {
    {.name = "path",
     .type = path,
     .restart = true,
     .text = "The history database.",
     .store = store<&StoreConfig::path>,
     .show = show<&StoreConfig::path>},
    {.name = "state_path",
     .type = path,
     .restart = true,
     .text = "The small database of learned models and counters.",
     .store = store<&StoreConfig::state_path>,
     .show = show<&StoreConfig::state_path>},
    {.name = "max_mb",
     .type = integer,
     .unit = "MiB",
     .low = 16,
     .high = 1048576,
     .restart = true,
     .text = "The history is thinned out above this size.",
     .store = store_max_mb,
     .show = show_max_mb},
};

const Field kAdapters[] = {
    {.name = "path",
     .type = texts,
     .restart = true,
     .text = "Directories searched for adapters after the installed ones.",
     .store = store<&Config::adapter_paths>,
     .show = nothing},
};
const Field kTemplates[] = {
    {.name = "path",
     .type = texts,
     .restart = true,
     .text = "Directories searched for device templates after the installed ones.",
     .store = store<&Config::template_paths>,
     .show = nothing},
};

const Field kTop[] = {
    {.name = "version",
     .type = integer,
     .low = 1,
     .high = 1,
     .required = true,
     .text = "Version of this format.",
     .store = [](void*, const Value&) {},
     .show = nothing},
    {.name = "site", .type = section, .text = "The house.", .fields = kSite, .enter = same},
    {.name = "devices",
     .type = list,
     .low = 1,
     .high = 16,
     .required = true,
     .text = "Meters, inverters, batteries, and other loads that follow the sun.",
     .fields = kDevices,
     .enter = append<&Config::devices>},
    {.name = "mqtt",
     .type = section,
     .text = "The broker that devices over MQTT are read from.",
     .fields = kMqtt,
     .enter = inside<&Config::mqtt>},
    {.name = "yield_to",
     .type = list,
     .high = static_cast<double>(kMaxYields),
     .text = "Loads that go first: a wallbox, a boiler, evcc. docs/guide/other-loads.md explains them.",
     .fields = kYieldTo,
     .enter = append<&Config::yield_to>},
    {.name = "circuits",
     .type = list,
     .high = static_cast<double>(kMaxCircuits),
     .text = "The circuits that miners hang on.",
     .fields = kCircuits,
     .enter = append<&Config::circuits>},
    {.name = "miners",
     .type = list,
     .high = static_cast<double>(kMaxMiners),
     .text = "The miners.",
     .fields = kMiners,
     .enter = append<&Config::miners>},
    {.name = "control", .type = section, .text = "How surplus becomes watts.", .fields = kControl, .enter = same},
    {.name = "battery",
     .type = section,
     .text = "What mining may do with the battery.",
     .fields = kBattery,
     .enter = inside<&Config::battery>},
    {.name = "tariff",
     .type = section,
     .text = "What electricity costs and brings. docs/guide/tariffs.md explains plans.",
     .fields = kTariff,
     .enter = inside<&Config::tariff>},
    {.name = "heat",
     .type = list,
     .high = static_cast<double>(kMaxMiners),
     .text = "Rooms and tanks that miners warm, and what their heat is worth. docs/guide/heat.md explains them.",
     .fields = kHeat,
     .enter = append<&Config::heat>},
    {.name = "schedule",
     .type = list,
     .high = 64,
     .text = "Periods that order watt levels by the clock; the last one that holds decides, and where none holds, the "
             "strategy does. docs/guide/money.md explains them.",
     .fields = kSchedule,
     .enter = append<&Config::schedule>},
    {.name = "prices",
     .type = section,
     .text = "Live prices of energy. docs/guide/prices.md explains them.",
     .fields = kPrices,
     .enter = inside<&Config::prices>},
    {.name = "hashprice",
     .type = section,
     .text = "What mining brings. docs/guide/prices.md explains it.",
     .fields = kHashPrice,
     .enter = inside<&Config::hash_price>},
    {.name = "notify",
     .type = section,
     .text = "Who is told of alarms.",
     .fields = kNotify,
     .enter = inside<&Config::notify>},
    {.name = "store",
     .type = section,
     .text = "Where history is kept.",
     .fields = kStore,
     .enter = inside<&Config::store>},
    {.name = "adapters", .type = section, .text = "Where adapters are found.", .fields = kAdapters, .enter = same},
    {.name = "templates",
     .type = section,
     .text = "Where device templates are found.",
     .fields = kTemplates,
     .enter = same},
    {.name = "tick_s",
     .type = number,
     .unit = "s",
     .low = 0.2,
     .high = 10,
     .restart = true,
     .text = "How often a decision is made.",
     .store = store<&Config::tick>,
     .show = show<&Config::tick>},
};

std::string range_words(const Field& field) {
  const std::string unit = field.unit.empty() ? "" : " " + std::string(field.unit);
  if (std::isinf(field.high)) return " of at least " + plain_text(field.low) + unit;
  return " from " + plain_text(field.low) + " to " + plain_text(field.high) + unit;
}

}  // namespace

std::span<const Field> config_fields() { return kTop; }

std::string plain_text(double value) {
  std::string text = fmt::format("{:.9f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string expected(const Field& field) {
  switch (field.type) {
    case section:
      return "a map of keys and values";
    case list:
      return "a list of maps";
    case text:
      return "a text";
    case name:
      return "1 to 64 letters, digits, spaces, '-', '_' and '.'";
    case host:
      return "a host name or IP address, without scheme and port";
    case mac:
      return "a MAC address such as aa:bb:cc:00:11:22";
    case path:
      return "an absolute path";
    case url:
      return "a URL that begins with http:// or https://";
    case boolean:
      return "true or false";
    case integer:
      if (field.low == field.high) return plain_text(field.low);
      return "a whole number" + range_words(field);
    case number:
      return "a number" + range_words(field);
    case choice:
      return fmt::format("one of {}", fmt::join(field.choices, ", "));
    case choices:
      return fmt::format("one of {}, or a list of them", fmt::join(field.choices, ", "));
    case texts:
      return "a list of absolute paths";
    case secret:
      return "{secret: NAME}";
    case curve:
      return "a curve such as [[20, 0], [100, 1]]";
    case working:
      return "a curve such as [[2000, 75], [3000, 100]]";
    case names:
      return "a list of names, such as [s19]";
    case date:
      return "month and day in quotes, such as \"11-01\"";
    case windows:
      return "a time of day in quotes, such as \"22:00-06:00\", or a list of them";
    case share:
      return "forecast, a number from 0 to 1, or a curve such as [[20, 0], [95, 1]]";
    case options:
      return "a map of names and values";
  }
  return "";
}

}  // namespace sluice::config
