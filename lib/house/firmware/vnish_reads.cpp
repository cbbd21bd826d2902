#include "house/firmware/vnish_reads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "house/firmware/part_load.hpp"

namespace sluice::house {
namespace {

using nlohmann::json;

constexpr int kChains = 3;
constexpr int kChips = 76;
constexpr int kFans = 4;

/// Watts of an S19's presets, as listed by users.
constexpr std::array<int, 15> kS19{1100, 1300, 1500, 1700, 1900, 2100, 2350, 2620,
                                   2950, 3200, 3350, 3750, 4000, 4260, 4690};

long long rounded(double value) { return std::llround(value); }
double gigahashes(TeraHashes rate) { return rate.value() * 1e3; }
long long seconds(Duration duration) { return static_cast<long long>(to_seconds(duration)); }

bool hashing(const VnishPicture& p) { return p.state == "mining" || p.state == "auto-tuning"; }

/// J/TH; 0 while nothing is hashed.
double efficiency(const VnishPicture& p) {
  const double rate = p.view.hashrate.value();
  return rate > 0.0 ? p.view.reported_power.value() / rate : 0.0;
}

/// What the miner expects to hash now.
double nominal(const VnishPicture& p) { return p.state == "stopped" ? 0.0 : gigahashes(p.view.nominal_hashrate); }

/// "H:MM" or "N days, HH:MM".
std::string uptime_text(Duration uptime) {
  const long long minutes = seconds(uptime) / 60;
  const long long days = minutes / (24 * 60), hours = minutes / 60 % 24;
  if (days > 0) return fmt::format("{} days, {:02}:{:02}", days, hours, minutes % 60);
  return fmt::format("{}:{:02}", hours, minutes % 60);
}

std::string pretty(const VnishPreset& preset) {
  return fmt::format("{} watt ~ {:.0f} TH", preset.name, preset.hashrate.value());
}

json miner_status(const VnishPicture& p) {
  json status = {{"miner_state", p.state}};
  if (p.state == "mining" || p.state == "stopped") status["miner_state_time"] = seconds(p.state_time);
  if (p.state == "failure") {
    status["description"] = "No chains are mining";
    status["failure_code"] = 1002;
  }
  if (p.throttles) status["throttled"] = p.throttle_pct;
  return status;
}

json pools(const VnishPicture& p) {
  const char* status = !p.view.pool_alive ? "offline" : hashing(p) ? "working" : "active";
  return json::array({{{"id", 0},
                       {"url", "stratum+tcp://pool.example:3333"},
                       {"pool_type", "UserPool"},
                       {"user", "house.worker"},
                       {"status", status}}});
}

json temperature(const VnishPicture& p, double below) {
  const long long hottest = rounded(p.view.temperature.value() - below);
  return {{"min", hottest - 6}, {"max", hottest}};
}

json cooling(const VnishPicture& p) {
  json fans = json::array();
  for (int fan = 0; fan < kFans; ++fan) {
    fans.push_back({{"id", fan}, {"rpm", hashing(p) ? 4200 : 0}, {"status", "ok"}, {"max_rpm", 6000}});
  }
  return {{"fan_num", kFans},
          {"fan_duty", hashing(p) ? 60 : 0},
          {"fans", fans},
          {"settings", {{"mode", {{"name", "auto"}}}}}};
}

}  // namespace

std::vector<VnishPreset> vnish_presets(const MinerView& view, const std::vector<std::string>& untuned) {
  std::vector<VnishPreset> presets;
  const auto add = [&](Watts power, TeraHashes hashrate, bool modded) {
    VnishPreset preset{fmt::format("{:.0f}", power.value()), power, hashrate, true, modded, false};
    preset.tuned = std::ranges::find(untuned, preset.name) == untuned.end();
    presets.push_back(preset);
  };
  for (const MinerLevel& level : view.levels) add(level.power, level.hashrate, level.power > view.max_target);
  if (!presets.empty()) return presets;
  // The miner's maximum is a preset too, wherever the list puts it.
  std::set<Watts> watts{view.max_target};
  for (const int listed : kS19) watts.insert(Watts(listed));
  for (const Watts power : watts) add(power, part_load_hashrate(view, power), power > view.max_target);
  return presets;
}

bool vnish_at_least(std::string_view version, int major, int minor) {
  int parts[2] = {0, 0};
  for (int& part : parts) {
    const std::string_view digits = version.substr(0, version.find('.'));
    std::from_chars(digits.data(), digits.data() + digits.size(), part);
    version.remove_prefix(std::min(digits.size() + 1, version.size()));
  }
  return std::pair(parts[0], parts[1]) >= std::pair(major, minor);
}

std::string vnish_state(const MinerView& view) {
  switch (view.state) {
    case MinerState::asleep:
      return "stopped";
    case MinerState::waking:
      return "starting";
    case MinerState::running:
      return view.tuning ? "auto-tuning" : "mining";
    case MinerState::stopping:
      return "shutting-down";
    case MinerState::fault:
      return "failure";
    case MinerState::unknown:
      break;
  }
  return "initializing";
}

json vnish_info(const VnishPicture& p) {
  const json network = {{"mac", p.face.mac},          {"ip", p.address},      {"netmask", "255.0.0.0"},
                        {"gateway", "127.0.0.1"},     {"dns", json::array()}, {"dhcp", true},
                        {"hostname", p.face.hostname}};
  return {{"miner", p.face.model},
          {"model", "s19"},
          {"fw_name", "Vnish"},
          {"fw_version", p.version},
          {"platform", "xil"},
          {"install_type", "nand"},
          {"build_time", "2025-01-15 12:00:00"},
          {"algorithm", "sha256d"},
          {"hr_measure", "GH/s"},
          {"serial", p.face.serial},
          {"system",
           {{"os", "GNU/Linux"},
            {"miner_name", p.face.model},
            {"file_system_version", "Wed Jan 15 12:00:00 UTC 2025"},
            {"network_status", network},
            {"uptime", uptime_text(p.view.uptime)}}}};
}

json vnish_summary(const VnishPicture& p) {
  json miner = {{"miner_status", miner_status(p)},
                {"miner_type", fmt::format("{} (Vnish {})", p.face.model, p.version)},
                {"hr_realtime", gigahashes(p.view.hashrate)},
                {"hr_average", gigahashes(p.view.hashrate)},
                {"hr_nominal", nominal(p)},
                {"hr_stock", gigahashes(p.view.max_hashrate)},
                {"instant_hashrate", p.view.hashrate.value()},
                {"average_hashrate", p.view.hashrate.value()},
                {"power_consumption", rounded(p.view.reported_power.value())},
                {"power_efficiency", efficiency(p)},
                {"power_usage", rounded(efficiency(p))},  // deprecated, and no watts
                {"pcb_temp", temperature(p, 15.0)},
                {"chip_temp", temperature(p, 0.0)},
                {"cooling", cooling(p)},
                {"chains", vnish_chains(p)},
                {"pools", pools(p)},
                {"psu", {{"psu_power_metering", p.view.psu_measured}}},
                {"hw_errors", 0},
                {"devfee", 0.0},
                {"found_blocks", 0},
                {"best_share", 0}};
  if (p.throttles) miner["restart_count"] = 0;
  return {{"miner", std::move(miner)}};
}

json vnish_status(const VnishPicture& p) {
  json status = miner_status(p);
  status["restart_required"] = p.restart_required;
  status["reboot_required"] = false;
  status["find_miner"] = false;
  status["unlocked"] = p.unlocked;
  status["warranty"] = "not_provided";
  return status;
}

json vnish_perf_summary(const VnishPicture& p) {
  json switcher = {{"enabled", p.preset_switcher},
                   {"top_preset", nullptr},
                   {"min_preset", nullptr},
                   {"rise_temp", 60},
                   {"decrease_temp", 75},
                   {"check_time", 60},
                   {"autochange_top_preset", false},
                   {"ignore_fan_speed", false}};
  if (!p.throttles) switcher["power_delta"] = 0;
  const json current = {{"name", p.preset.name},
                        {"pretty", pretty(p.preset)},
                        {"status", p.preset.tuned ? "tuned" : "untuned"},
                        {"modded_psu_required", p.preset.modded_psu_required}};
  return {{"current_preset", current}, {"preset_switcher", std::move(switcher)}};
}

json vnish_model(const VnishPicture& p) {
  json overclock = {
      {"min_freq", 50},      {"max_freq", 1000},        {"default_freq", 675}, {"min_voltage", 1200},
      {"max_voltage", 1500}, {"default_voltage", 1380}, {"warn_freq", 700},    {"max_voltage_stock_psu", 1500}};
  if (vnish_at_least(p.version, 1, 3)) {
    overclock["power_metering"] = p.view.psu_measured;
    overclock["max_power_limit"] = rounded(p.view.max_target.value());
  }
  return {{"full_name", p.face.model},
          {"model", "s19"},
          {"algorithm", "sha256d"},
          {"install_type", "nand"},
          {"platform", "xil"},
          {"overclock", std::move(overclock)},
          {"cooling",
           {{"min_fan_pwm", 10},
            {"min_target_temp", 25},
            {"max_target_temp", 85},
            {"fan_min_count", {{"min", 0}, {"max", 4}, {"default", 4}}}}},
          {"chain", {{"num_chains", kChains}, {"chips_per_chain", kChips}}}};
}

json vnish_chains(const VnishPicture& p) {
  json chains = json::array();
  for (int id = 1; id <= kChains; ++id) {
    chains.push_back({{"id", id},
                      {"frequency", hashing(p) ? 550 : 0},
                      {"voltage", hashing(p) ? 13800 : 0},
                      {"power_consumption", rounded(p.view.reported_power.value() / kChains)},
                      {"hashrate_ideal", nominal(p) / kChains},
                      {"hashrate_rt", gigahashes(p.view.hashrate) / kChains},
                      {"hashrate_percentage", hashing(p) ? 100.0 : 0.0},
                      {"hr_error", 0.0},
                      {"hw_errors", 0},
                      {"pcb_temp", temperature(p, 15.0)},
                      {"chip_temp", temperature(p, 0.0)},
                      {"chip_statuses", {{"red", 0}, {"orange", 0}, {"grey", 0}}},
                      {"status",
                       {{"state", hashing(p)             ? "mining"
                                  : p.state == "failure" ? "failure"
                                                         : "stopped"}}}});
  }
  return chains;
}

json vnish_metrics(const VnishPicture& p, long long unix_seconds) {
  const json now = {{"hashrate", gigahashes(p.view.hashrate)},
                    {"pcb_max_temp", rounded(p.view.temperature.value() - 15.0)},
                    {"chip_max_temp", rounded(p.view.temperature.value())},
                    {"fan_duty", hashing(p) ? 60 : 0},
                    {"power_consumption", rounded(p.view.reported_power.value())}};
  return {{"timezone", "GMT"},
          {"metrics", json::array({{{"time", unix_seconds}, {"data", now}}})},
          {"annotations", json::array()}};
}

json vnish_preset_list(const VnishPicture& p, const std::vector<VnishPreset>& presets) {
  json list = json::array();
  for (const VnishPreset& preset : presets) {
    json entry = {{"name", preset.name},
                  {"pretty", pretty(preset)},
                  {"status", preset.tuned ? "tuned" : "untuned"},
                  {"modded_psu_required", preset.modded_psu_required}};
    if (preset.tuned) {
      entry["tune_settings"] = {{"hashrate", gigahashes(preset.hashrate)},
                                {"volt", 13800},
                                {"freq", 550},
                                {"modified", preset.modified},
                                {"chains", json::array()}};
      if (p.throttles) entry["tune_settings"]["date"] = 1736900000;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::optional<json> vnish_cgminer(const std::string& command, const VnishPicture& p) {
  const double rate = gigahashes(p.view.hashrate);
  const long long elapsed = seconds(p.view.uptime);
  if (command == "version") {
    const json version = {{"API", "3.1"}, {"CGMiner", "4.11.1"}, {"Miner", "VNISH " + p.version}};
    return json{{"VERSION", json::array({version})}};
  }
  if (command == "summary") {
    const json summary = {{"Elapsed", elapsed},       {"GHS 5s", rate}, {"GHS av", rate},
                          {"Accepted", elapsed / 10}, {"Rejected", 0},  {"Hardware Errors", 0}};
    return json{{"SUMMARY", json::array({summary})}};
  }
  if (command == "pools") {
    const json pool = {{"POOL", 0},
                       {"URL", "stratum+tcp://pool.example:3333"},
                       {"User", "house.worker"},
                       {"Status", p.view.pool_alive ? "Alive" : "Dead"},
                       {"Stratum Active", p.view.pool_alive && hashing(p)},
                       {"Accepted", elapsed / 10},
                       {"Rejected", 0},
                       {"Get Failures", 0},
                       {"Remote Failures", 0}};
    return json{{"POOLS", json::array({pool})}};
  }
  if (command != "stats") return std::nullopt;
  json stats = {{"STATS", 0},        {"ID", "BC50"},           {"Elapsed", elapsed},
                {"GHS 5s", rate},    {"GHS av", rate},         {"total_rateideal", nominal(p)},
                {"rate_unit", "GH"}, {"miner_count", kChains}, {"fan_num", kFans}};
  for (int n = 1; n <= kChains; ++n) {
    stats[fmt::format("chain_rate{}", n)] = fmt::format("{:.2f}", rate / kChains);
    stats[fmt::format("chain_acn{}", n)] = kChips;
    stats[fmt::format("temp{}", n)] = rounded(p.view.temperature.value() - 15.0);
    stats[fmt::format("temp2_{}", n)] = rounded(p.view.temperature.value());
  }
  for (int n = 1; n <= kFans; ++n) stats[fmt::format("fan{}", n)] = hashing(p) ? 4200 : 0;
  const json head = {{"Miner", "VNISH " + p.version}, {"Type", fmt::format("{} (Vnish {})", p.face.model, p.version)}};
  return json{{"STATS", json::array({head, std::move(stats)})}};
}

}  // namespace sluice::house
