#include "house/firmware/luxos_reads.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::house {
namespace {

using nlohmann::json;

constexpr int kBoards = 3;
constexpr int kChips = 77;
constexpr int kFans = 4;
constexpr std::array<int, kBoards> kDevsOrder{2, 0, 1};  // as captured: not the order of the boards

bool sleeping(const MinerView& view) { return view.state == MinerState::asleep || view.state == MinerState::stopping; }
long long rounded(double value) { return std::llround(value); }
double gigahashes(TeraHashes rate) { return rate.value() * 1e3; }
double megahashes(TeraHashes rate) { return rate.value() * 1e6; }
long long seconds(Duration duration) { return static_cast<long long>(to_seconds(duration)); }
int fan_rpm(const MinerView& view) { return sleeping(view) ? 0 : 4200; }

const LuxosProfile& current_profile(const LuxosPicture& p) { return nearest_profile(p.profiles, p.view.target); }

std::string model_name(const LuxosPicture& p) { return p.face.model; }

json version(const LuxosPicture& p) {
  return {{"API", "3.7"},
          {"CompileTime", "Tue Apr 08 17:15:46 UTC 2025"},
          {"LUXminer", p.version},
          {"Miner", p.version},
          {"Type", model_name(p)}};
}

json config(const LuxosPicture& p) {
  const LuxosProfile& profile = current_profile(p);
  const bool asleep = sleeping(p.view);
  json config = {{"Model", model_name(p)},
                 {"Hostname", p.face.hostname},
                 {"MACAddr", p.face.mac},
                 {"SerialNumber", p.face.serial},
                 {"IPAddr", p.address},
                 {"ControlBoardType", "AMLogic"},
                 {"NameplateTHS", p.view.max_hashrate.value()},
                 {"PSULabel", "APW17"},
                 {"PSUHwVersion", "N/A"},
                 {"Profile", profile.name},
                 {"ProfileStep", std::to_string(profile.step)},
                 {"CurtailMode", asleep ? "Sleep" : "None"},
                 {"SystemStatus", p.view.state == MinerState::fault ? "Fault" : "Normal"},
                 {"IsPowerSupplyOn", p.view.state != MinerState::asleep},
                 {"IsTuning", p.view.tuning},
                 {"IsAtmEnabled", p.atm.enabled},
                 {"IsSingleVoltage", true},
                 {"ImmersionMode", false},
                 {"Cooling", "Air"},
                 {"FeeStatus", "OK"},
                 {"RedLed", p.led_on ? "on" : "off"}};
  if (p.power_target_supported) {
    config["IsPowerTargetSupported"] = true;
    config["IsPowerTargetEnabled"] = true;
    config["IdealPowerTarget"] = rounded(p.view.target.value());
    config["ActualPowerTarget"] = rounded(p.view.target.value());
    config["PowerLimit"] = rounded(p.view.max_target.value());
  }
  return config;
}

json power(const LuxosPicture& p) {
  return {{"Watts", rounded(p.view.reported_power.value())}, {"PSU", p.view.psu_measured}};
}

json summary(const LuxosPicture& p) {
  const double rate = gigahashes(p.view.hashrate);
  json summary = {{"Elapsed", seconds(p.view.uptime)},
                  {"Accepted", seconds(p.view.uptime) / 10},
                  {"Rejected", 0},
                  {"Hardware Errors", 0},
                  {"Device Rejected%", 0.0}};
  for (const char* window : {"GHS 5s", "GHS 1m", "GHS 5m", "GHS 15m", "GHS 30m", "GHS 24h", "GHS av"}) {
    summary[window] = rate;
  }
  return summary;
}

json stats(const LuxosPicture& p) {
  const double rate = gigahashes(p.view.hashrate);
  json stats = {{"STATS", 0},
                {"ID", "BTM_SOC0"},
                {"Elapsed", seconds(p.view.uptime)},
                {"GHS 5s", rate},
                {"GHS av", rate},
                {"rate_unit", "GH"},
                {"total_rateideal", gigahashes(p.view.nominal_hashrate)},
                {"miner_count", kBoards},
                {"fan_num", kFans}};
  const long long temperature = rounded(p.view.temperature.value());
  for (int n = 1; n <= kBoards; ++n) {
    stats[fmt::format("chain_rate{}", n)] = fmt::format("{:.2f}", rate / kBoards);
    stats[fmt::format("chain_acn{}", n)] = kChips;
    stats[fmt::format("freq{}", n)] = current_profile(p).frequency;
    stats[fmt::format("temp_chip{0}", n)] = fmt::format("{0}-{1}-{1}-{0}", temperature, temperature - 13);
    stats[fmt::format("temp_pcb{0}", n)] = fmt::format("{0}-{1}-{1}-{0}", temperature - 5, temperature - 18);
  }
  for (int n = 1; n <= kFans; ++n) stats[fmt::format("fan{}", n)] = fan_rpm(p.view);
  return json::array({{{"CompileTime", "Tue Apr 08 17:15:46 UTC 2025"}, {"Miner", p.version}, {"Type", model_name(p)}},
                      std::move(stats)});
}

json devs(const LuxosPicture& p) {
  json devs = json::array();
  const double rate = megahashes(p.view.hashrate) / kBoards;
  for (const int board : kDevsOrder) {
    // A sleeping board still says Alive, with no rate.
    json dev = {{"ID", board},
                {"ASC", board},
                {"Connector", fmt::format("J{}", board + 1)},
                {"Enabled", "Y"},
                {"Status", "Alive"},
                {"IsRamping", p.view.tuning || p.view.state == MinerState::waking},
                {"IsUserShutdown", false},
                {"Nominal MHS", megahashes(p.view.nominal_hashrate) / kBoards},
                {"Profile", current_profile(p).name},
                {"Temperature", p.view.temperature.value()},
                {"SerialNumber", fmt::format("{}-{}", p.face.serial, board)}};
    for (const char* window : {"MHS 5s", "MHS 1m", "MHS 5m", "MHS 15m", "MHS 30m", "MHS 60m", "MHS av"}) {
      dev[window] = rate;
    }
    devs.push_back(std::move(dev));
  }
  return devs;
}

json profiles(const LuxosPicture& p) {
  json entries = json::array();
  for (const LuxosProfile& profile : p.profiles) {
    entries.push_back({{"Profile Name", profile.name},
                       {"Step", std::to_string(profile.step)},
                       {"Frequency", profile.frequency},
                       {"Voltage", profile.voltage.value()},
                       {"Hashrate", profile.hashrate.value()},
                       {"Watts", rounded(profile.power.value())},
                       {"IsTuned", true},
                       {"IsDynamic", true},
                       {"CanRestore", false},
                       {"HasOverrides", false}});
  }
  return entries;
}

json atm(const LuxosPicture& p) {
  json atm = {{"Enabled", p.atm.enabled},
              {"StartupMinutes", p.atm.startup_minutes},
              {"PostRampMinutes", p.atm.post_ramp_minutes},
              {"TempWindow", p.atm.temp_window},
              {"MinProfile", p.atm.min_profile},
              {"MaxProfile", p.atm.max_profile}};
  if (p.power_target_supported) {
    atm["PowerLimit"] = rounded(p.view.max_target.value());
    atm["PowerMin"] = rounded(p.view.min_target.value());
    atm["PowerTarget"] = rounded(p.view.target.value());
  }
  return atm;
}

json limits(const LuxosPicture& p) {
  json limits = {{"FrequencyMin", p.profiles.front().frequency},
                 {"FrequencyDefault", 590},
                 {"FrequencyMax", p.profiles.back().frequency},
                 {"FrequencyStepMin", 5},
                 {"VoltageMin", 10.4},
                 {"VoltageDefault", 12.0},
                 {"VoltageMax", 13.0},
                 {"VoltageStepMin", 0.1},
                 {"VoltageStepMax", 0.5},
                 {"TemperatureMin", 0},
                 {"TemperatureMax", 85},
                 {"FanSpeedMin", 0},
                 {"FanSpeedMax", 100}};
  if (p.power_target_supported) {
    limits["PowerTargetMin"] = rounded(p.view.min_target.value());
    limits["PowerTargetMax"] = rounded(p.view.max_target.value());
  }
  return limits;
}

json temps(const LuxosPicture& p) {
  json temps = json::array();
  const double exhaust = p.view.temperature.value();
  for (int board = 0; board < kBoards; ++board) {
    temps.push_back({{"ID", board},
                     {"TEMP", board},
                     {"TopLeft", exhaust},
                     {"BottomLeft", exhaust},
                     {"TopRight", exhaust - 13.0},
                     {"BottomRight", exhaust - 13.0}});
  }
  return temps;
}

json fans(const LuxosPicture& p) {
  json fans = json::array();
  for (int fan = 0; fan < kFans; ++fan) {
    fans.push_back({{"FAN", fan}, {"ID", fan}, {"RPM", fan_rpm(p.view)}, {"Speed", sleeping(p.view) ? 0 : 60}});
  }
  return fans;
}

json pools(const LuxosPicture& p) {
  return json::array({{{"POOL", 0},
                       {"GROUP", 0},
                       {"URL", "stratum+tcp://pool.example:3333"},
                       {"User", "house.worker"},
                       {"Status", p.view.pool_alive ? "Alive" : "Dead"},
                       {"Stratum Active", p.view.pool_alive && !sleeping(p.view)},
                       {"Accepted", seconds(p.view.uptime) / 10},
                       {"Rejected", 0},
                       {"Get Failures", 0},
                       {"Remote Failures", 0}}});
}

json events(const LuxosPicture& p) {
  json events = json::array();
  const auto add = [&](const char* code, const char* description) {
    events.push_back({{"Code", code},
                      {"Description", description},
                      {"CreatedAt", p.created_at},
                      {"Target", "MINER"},
                      {"ID", 0},
                      {"DocUrl", ""}});
  };
  if (sleeping(p.view)) add("SLEEP", "The miner is in sleep mode");
  if (!p.view.pool_alive) add("NO_ACTIVE_POOLS", "No pool answers");
  if (p.view.state == MinerState::fault) add("BOARD_HASH_FAILURE", "A board does not hash");
  return events;
}

json tunerstatus(const LuxosPicture& p) {
  return {{"TunerRunning", p.view.tuning},
          {"HasSession", !p.session_id.empty()},
          {"Power", rounded(p.view.reported_power.value())}};
}

json one(json value) { return json::array({std::move(value)}); }

}  // namespace

std::optional<LuxosRead> luxos_read(const std::string& command, const LuxosPicture& p, json& reply) {
  const auto answer = [&reply](int code, const char* message, const char* key, json data) {
    reply[key] = std::move(data);
    return LuxosRead{code, message};
  };
  if (command == "version") return answer(22, "LUXminer versions", "VERSION", one(version(p)));
  if (command == "config") return answer(33, "LUXminer config", "CONFIG", one(config(p)));
  if (command == "power") return answer(311, "Power usage", "POWER", one(power(p)));
  if (command == "summary") return answer(11, "Summary", "SUMMARY", one(summary(p)));
  if (command == "stats") return answer(70, "LUXminer stats", "STATS", stats(p));
  if (command == "devs") return answer(9, "3 ASC(s)", "DEVS", devs(p));
  if (command == "profiles") return answer(323, "Profiles", "PROFILES", profiles(p));
  if (command == "atm") return answer(339, "ATM configuration values", "ATM", one(atm(p)));
  if (command == "limits") return answer(338, "Limits", "LIMITS", one(limits(p)));
  if (command == "pools") return answer(7, "1 Pool(s)", "POOLS", pools(p));
  if (command == "events") return answer(357, "Events", "EVENTS", events(p));
  if (command == "tunerstatus") return answer(203, "Tuner status", "TUNERSTATUS", one(tunerstatus(p)));
  if (command == "session") return answer(319, "Session information", "SESSION", one({{"SessionID", p.session_id}}));
  if (command == "groups") {
    return answer(324, "Groups", "GROUPS", one({{"GROUP", 0}, {"Name", "default"}, {"Quota", 1}}));
  }
  if (command == "tempctrl") {
    const json tempctrl = {{"Mode", "Automatic"}, {"Target", 55.0}, {"Hot", 65.0}, {"Dangerous", 70.0}};
    return answer(200, "Temperature control", "TEMPCTRL", one(tempctrl));
  }
  if (command == "temps") {
    reply["METADATA"] = one({{"Label", "Exhaust"}, {"Corners", {"TopLeft", "BottomLeft"}}});
    return answer(201, "Temps", "TEMPS", temps(p));
  }
  if (command == "fans") {
    reply["FANCTRL"] = one({{"MinFans", 1}, {"PowerOffSpeed", 0}});
    return answer(202, "Fans", "FANS", fans(p));
  }
  return std::nullopt;
}

}  // namespace sluice::house
