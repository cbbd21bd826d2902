#include "luxos/protocol.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sluice/adapter.hpp"

namespace sluice::luxos {
namespace {

using adapter::Error;
using nlohmann::json;

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return copy;
}

bool contains(std::string_view text, std::string_view part) { return lower(text).find(part) != std::string::npos; }

json parsed(std::string_view reply) {
  while (!reply.empty() && reply.back() == '\0') reply.remove_suffix(1);
  json object = json::parse(reply, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded() || !object.is_object()) {
    throw Error(SLUICE_PROTOCOL, "the answer is not a complete JSON object");
  }
  return object;
}

/// The member, or null when it is not there.
const json& member(const json& object, const char* key) {
  static const json kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string text_of(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// A number, also where the firmware writes it as text ("-12").
std::optional<double> number_of(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

double required(const json& object, const char* key) {
  const auto value = number_of(object, key);
  if (!value) throw Error(SLUICE_PROTOCOL, std::string("the answer has no number \"") + key + "\"");
  return *value;
}

bool flag_of(const json& object, const char* key, bool fallback) {
  const json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

Outcome outcome_of(const json& object) {
  const json& list = member(object, "STATUS");
  if (!list.is_array() || list.empty() || !list[0].is_object()) {
    throw Error(SLUICE_PROTOCOL, "the answer has no STATUS");
  }
  const std::string status = text_of(list[0], "STATUS");
  Outcome outcome;
  outcome.success = status == "S" || status == "I";
  outcome.code = static_cast<std::int64_t>(number_of(list[0], "Code").value_or(0));
  outcome.message = text_of(list[0], "Msg");
  return outcome;
}

/// The array of results under `key` of a reply that succeeded.
json results(std::string_view reply, const char* key) {
  const json object = parsed(reply);
  const Outcome outcome = outcome_of(object);
  if (!outcome.success) throw Error(SLUICE_REJECTED, "LuxOS says: " + outcome.message);
  const json& list = member(object, key);
  if (!list.is_array()) throw Error(SLUICE_PROTOCOL, std::string("the answer has no ") + key);
  return list;
}

json result(std::string_view reply, const char* key) {
  const json list = results(reply, key);
  if (list.empty() || !list[0].is_object())
    throw Error(SLUICE_PROTOCOL, std::string("the answer's ") + key + " is empty");
  return list[0];
}

/// A name that can be a token of a command and is not taken for a board number.
bool nameable(const std::string& name) {
  const bool board_number = name.size() == 1 && name[0] >= '0' && name[0] <= '3';
  return !name.empty() && !board_number && name.find_first_of(",+ ") == std::string::npos && name[0] != '-';
}

}  // namespace

std::string command(std::string_view name, const std::vector<std::string>& parameters) {
  json object{{"command", name}};
  std::string joined;
  for (const auto& parameter : parameters) joined += (joined.empty() ? "" : ",") + parameter;
  if (!parameters.empty()) object["parameter"] = joined;
  return object.dump();
}

bool Outcome::already() const { return !success && contains(message, "already"); }
bool Outcome::session_invalid() const { return !success && code != 402 && contains(message, "session"); }
bool Outcome::blocked_by_atm() const { return !success && contains(message, "atm is running"); }

Outcome outcome(std::string_view reply) { return outcome_of(parsed(reply)); }

Config parse_config(std::string_view reply) {
  const json object = result(reply, "CONFIG");
  Config config;
  config.model = text_of(object, "Model");
  config.hostname = text_of(object, "Hostname");
  config.mac = lower(text_of(object, "MACAddr"));
  config.serial = text_of(object, "SerialNumber");
  config.profile = text_of(object, "Profile");
  config.curtail_mode = text_of(object, "CurtailMode");
  config.system_status = text_of(object, "SystemStatus");
  config.power_supply_on = flag_of(object, "IsPowerSupplyOn", true);
  config.tuning = flag_of(object, "IsTuning", false);
  config.power_target_supported = flag_of(object, "IsPowerTargetSupported", false);
  config.ideal_power_target_w = number_of(object, "IdealPowerTarget");
  config.power_limit_w = number_of(object, "PowerLimit");
  return config;
}

Power parse_power(std::string_view reply) {
  const json object = result(reply, "POWER");
  const double watts = required(object, "Watts");
  if (watts < 0) throw Error(SLUICE_PROTOCOL, "the answer's power is negative");
  return Power{watts, flag_of(object, "PSU", false)};
}

Summary parse_summary(std::string_view reply) {
  const json object = result(reply, "SUMMARY");
  const auto minute = number_of(object, "GHS 1m");
  return Summary{(minute ? *minute : required(object, "GHS 5s")) / 1000.0,
                 static_cast<std::int64_t>(number_of(object, "Elapsed").value_or(0))};
}

std::vector<Profile> parse_profiles(std::string_view reply) {
  std::vector<Profile> profiles;
  for (const json& item : results(reply, "PROFILES")) {
    if (!item.is_object()) continue;
    const auto watts = number_of(item, "Watts");
    if (!watts) continue;
    profiles.push_back(Profile{text_of(item, "Profile Name"), static_cast<int>(number_of(item, "Step").value_or(0)),
                               *watts, number_of(item, "Hashrate").value_or(0), flag_of(item, "IsTuned", false)});
  }
  return profiles;
}

std::optional<PowerLimits> parse_power_limits(std::string_view reply) {
  const json object = result(reply, "LIMITS");
  const auto min = number_of(object, "PowerTargetMin");
  const auto max = number_of(object, "PowerTargetMax");
  if (!min || !max || *min <= 0 || *max < *min) return std::nullopt;
  return PowerLimits{*min, *max};
}

Atm parse_atm(std::string_view reply) {
  const json object = result(reply, "ATM");
  return Atm{flag_of(object, "Enabled", false), text_of(object, "MinProfile"), text_of(object, "MaxProfile")};
}

std::string parse_version(std::string_view reply) {
  const json object = result(reply, "VERSION");
  for (const char* key : {"LUXminer", "Miner"}) {
    const std::string text = text_of(object, key);
    if (!text.empty()) return text;
  }
  throw Error(SLUICE_PROTOCOL, "the miner does not say which LuxOS it runs: is it LuxOS?");
}

std::optional<double> parse_hottest(std::string_view reply) {
  std::optional<double> hottest;
  for (const json& board : results(reply, "TEMPS")) {
    for (const auto& [key, value] : board.items()) {
      const bool corner = key.ends_with("Left") || key.ends_with("Right");
      if (corner && value.is_number()) hottest = std::max(hottest.value_or(-273.0), value.get<double>());
    }
  }
  return hottest;
}

std::optional<bool> parse_pool_alive(std::string_view reply) {
  std::optional<bool> alive;
  for (const json& pool : results(reply, "POOLS")) {
    const std::string status = text_of(pool, "Status");
    if (!status.empty()) alive = alive.value_or(false) || status == "Alive";
  }
  return alive;
}

std::string parse_session(std::string_view reply) {
  const std::string id = text_of(result(reply, "SESSION"), "SessionID");
  if (id.empty()) throw Error(SLUICE_PROTOCOL, "logon gave no session id");
  return id;
}

const Profile* find_profile(const std::vector<Profile>& profiles, std::string_view name) {
  const auto found = std::ranges::find(profiles, name, &Profile::name);
  return found == profiles.end() ? nullptr : &*found;
}

std::vector<Profile> usable_profiles(const std::vector<Profile>& profiles, bool overclock, const std::string& cap) {
  const Profile* highest = find_profile(profiles, cap);
  std::vector<Profile> usable;
  for (const Profile& profile : profiles) {
    const bool allowed = (overclock || profile.step <= 0) && (highest == nullptr || profile.watts <= highest->watts);
    if (allowed && profile.watts > 0 && nameable(profile.name)) usable.push_back(profile);
  }
  std::ranges::sort(usable, [](const Profile& a, const Profile& b) {
    return a.watts != b.watts ? a.watts < b.watts : a.tuned > b.tuned;
  });
  const auto [first, last] = std::ranges::unique(usable, {}, &Profile::watts);
  usable.erase(first, last);
  return usable;
}

}  // namespace sluice::luxos
