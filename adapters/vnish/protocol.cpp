#include "vnish/protocol.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "sluice/adapter.hpp"

namespace sluice::vnish {
namespace {

using adapter::Error;
using nlohmann::json;

/// Presets this much above the factory's hashrate count as overclocked; below it lies rounding.
constexpr double kStockTolerance = 1.03;

const json& member(const json& object, const char* key) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string text_of(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<double> number_of(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

bool flag_of(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

json parsed(std::string_view body) { return json::parse(body, nullptr, /*allow_exceptions=*/false); }

json parsed_object(std::string_view body) {
  json object = parsed(body);
  if (!object.is_object()) throw Error(SLUICE_PROTOCOL, "the answer is not a JSON object");
  return object;
}

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// "1500 watt ~ 63 TH" → 63.
std::optional<double> pretty_hashrate(std::string_view pretty) {
  const auto tilde = pretty.find('~');
  if (tilde == std::string_view::npos) return std::nullopt;
  pretty.remove_prefix(tilde + 1);
  while (pretty.starts_with(' ')) pretty.remove_prefix(1);
  const auto end = pretty.find_first_not_of("0123456789.");
  const std::string_view unit = end == std::string_view::npos ? std::string_view{} : pretty.substr(end);
  if (!unit.starts_with(" TH") && !unit.starts_with("TH")) return std::nullopt;
  return number_from<double>(pretty.substr(0, end));
}

/// Whether a pool of the owner is at work. Nothing when no such pool says anything definite.
std::optional<bool> any_pool_alive(const json& pools) {
  std::optional<bool> alive;
  if (!pools.is_array()) return alive;
  for (const json& pool : pools) {
    const std::string status = text_of(pool, "status");
    if (text_of(pool, "pool_type") == "DevFee" || status.empty() || status == "unknown" || status == "disabled")
      continue;
    alive = alive.value_or(false) || status == "working" || status == "active";
  }
  return alive;
}

std::string failure_of(const json& status) {
  std::string text = text_of(status, "description");
  if (const auto code = number_of(status, "failure_code")) {
    text += (text.empty() ? "failure " : " (failure ") + std::to_string(static_cast<int>(*code)) +
            (text.empty() ? "" : ")");
  }
  return text;
}

}  // namespace

std::optional<std::int64_t> uptime_seconds(std::string_view text) {
  std::int64_t days = 0;
  if (const auto comma = text.find(", "); comma != std::string_view::npos) {
    const auto count = number_from<std::int64_t>(text.substr(0, text.find(' ')));
    if (!count) return std::nullopt;
    days = *count;
    text.remove_prefix(comma + 2);
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hours = number_from<std::int64_t>(text.substr(0, colon));
  const auto minutes = number_from<std::int64_t>(text.substr(colon + 1));
  if (!hours || !minutes) return std::nullopt;
  return (days * 24 + *hours) * 3600 + *minutes * 60;
}

Info parse_info(std::string_view body) {
  const json object = parsed_object(body);
  const json& system = member(object, "system");
  const json& network = member(system, "network_status");
  Info info;
  info.firmware_name = text_of(object, "fw_name");
  info.version = text_of(object, "fw_version");
  info.model = text_of(object, "miner");
  if (info.model.empty()) info.model = text_of(object, "model");
  info.serial = text_of(object, "serial");
  info.mac = lower(text_of(network, "mac"));
  info.hostname = text_of(network, "hostname");
  info.uptime_s = uptime_seconds(text_of(system, "uptime"));
  const std::string unit = text_of(object, "hr_measure");
  if (unit == "GH/s") info.terahash_per_unit = 1e-3;
  if (unit == "MH/s") info.terahash_per_unit = 1e-6;
  return info;
}

Summary parse_summary(std::string_view body) {
  const json object = parsed_object(body);
  if (!object.contains("miner")) throw Error(SLUICE_PROTOCOL, "the summary has no \"miner\"");
  const json& miner = object["miner"];
  Summary summary;
  if (!miner.is_object()) {
    summary.state = "starting";
    summary.booting = true;
    return summary;
  }
  const json& status = member(miner, "miner_status");
  summary.state = text_of(status, "miner_state");
  summary.description = failure_of(status);
  if (const auto percent = number_of(status, "throttled")) summary.throttle_percent = static_cast<int>(*percent);
  // Beside it stands "power_usage", which is not watts at all but J/TH.
  summary.power_w = number_of(miner, "power_consumption");
  if (summary.power_w && *summary.power_w < 0) throw Error(SLUICE_PROTOCOL, "the summary's power is negative");
  summary.power_measured = flag_of(member(miner, "psu"), "psu_power_metering");
  summary.hashrate = number_of(miner, "hr_realtime");
  summary.nominal_hashrate = number_of(miner, "hr_nominal");
  summary.stock_hashrate = number_of(miner, "hr_stock");
  summary.hottest_chip_c = number_of(member(miner, "chip_temp"), "max");
  summary.pool_alive = any_pool_alive(member(miner, "pools"));
  return summary;
}

PerfSummary parse_perf_summary(std::string_view body) {
  const json object = parsed_object(body);
  PerfSummary summary;
  summary.preset = text_of(member(object, "current_preset"), "name");
  if (!number_from<std::uint32_t>(summary.preset)) summary.preset.clear();
  summary.preset_switcher = flag_of(member(object, "preset_switcher"), "enabled");
  return summary;
}

std::vector<Preset> parse_presets(std::string_view body) {
  const json object = parsed(body);
  const json& list = object.is_object() ? member(object, "presets") : object;
  if (!list.is_array()) throw Error(SLUICE_PROTOCOL, "the answer is no list of presets");
  std::vector<Preset> presets;
  for (const json& item : list) {
    const std::string name = text_of(item, "name");
    const auto watts = number_from<std::uint32_t>(name);
    if (!watts || *watts == 0) continue;
    presets.push_back(Preset{name, static_cast<double>(*watts), pretty_hashrate(text_of(item, "pretty")),
                             text_of(item, "status") == "tuned", flag_of(item, "modded_psu_required")});
  }
  return presets;
}

std::vector<Preset> usable_presets(const std::vector<Preset>& presets, const PresetRules& rules) {
  std::vector<Preset> usable;
  for (const Preset& preset : presets) {
    const bool overclocked = rules.stock_hashrate_ths && *rules.stock_hashrate_ths > 0 && preset.hashrate_ths &&
                             *preset.hashrate_ths > *rules.stock_hashrate_ths * kStockTolerance;
    if (preset.needs_modded_psu || (!preset.tuned && !rules.untuned) || (overclocked && !rules.overclock)) continue;
    usable.push_back(preset);
  }
  std::ranges::sort(usable, {}, &Preset::watts);
  const auto [first, last] = std::ranges::unique(usable, {}, &Preset::watts);
  usable.erase(first, last);
  return usable;
}

Saved parse_saved(std::string_view body) {
  const json object = parsed(body.empty() ? "{}" : body);
  if (object.is_discarded()) throw Error(SLUICE_PROTOCOL, "the answer to a command is not JSON");
  return Saved{flag_of(object, "restart_required"), flag_of(object, "reboot_required")};
}

std::string parse_token(std::string_view body) {
  const std::string token = text_of(parsed_object(body), "token");
  if (token.empty()) throw Error(SLUICE_PROTOCOL, "unlock gave no token");
  return token;
}

std::string parse_configured_preset(std::string_view body) {
  const json object = parsed_object(body);
  return text_of(member(member(object, "miner"), "overclock"), "preset");
}

std::string failure_text(std::string_view body) {
  const json object = parsed(body);
  const std::string text = text_of(object, "err");
  constexpr std::size_t kShown = 120;
  return text.empty() ? std::string(body.substr(0, kShown)) : text;
}

std::optional<std::int64_t> parse_unlock_timeout(std::string_view body) {
  const auto seconds = number_of(parsed(body), "unlock_timeout");
  return seconds ? std::optional(static_cast<std::int64_t>(*seconds)) : std::nullopt;
}

std::string unlock_body(std::string_view password) { return json{{"pw", password}}.dump(); }
std::string preset_body(std::string_view preset) {
  // The name alone: echoing the whole block back would overwrite what the miner tuned for the new preset.
  return json{{"miner", {{"overclock", {{"preset", preset}}}}}}.dump();
}
std::string throttle_body(int percent) { return json{{"percent", percent}}.dump(); }

}  // namespace sluice::vnish
