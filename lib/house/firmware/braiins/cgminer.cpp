#include "house/firmware/braiins/cgminer.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "house/firmware/braiins/braiins_miner.hpp"

namespace sluice::house {
namespace {

using nlohmann::json;

constexpr int kBoards = 3;
constexpr int kFans = 4;
constexpr const char* kBoser = "boser-openwrt 0.1.0-912d084c";

bool hashes(const MinerView& view) { return view.hashrate.value() > 0.0; }
double megahashes(TeraHashes rate) { return rate.value() * 1e6; }
long long rounded(double value) { return std::llround(value); }
long long seconds(Duration duration) { return static_cast<long long>(to_seconds(duration)); }

json summary(const MinerView& view) {
  json summary = {{"Elapsed", seconds(view.uptime)},
                  {"Accepted", seconds(view.uptime) / 10},
                  {"Rejected", 0},
                  {"Hardware Errors", 0}};
  for (const char* window : {"MHS 5s", "MHS 1m", "MHS 5m", "MHS 15m", "MHS 24h", "MHS av"}) {
    summary[window] = megahashes(view.hashrate);
  }
  return json::array({std::move(summary)});
}

json devs(const MinerView& view) {
  json devs = json::array();
  for (int id = 1; id <= kBoards; ++id) {
    json dev = {{"ASC", id - 1},  {"ID", id},          {"Name", ""},
                {"Enabled", "Y"}, {"Status", "Alive"}, {"Nominal MHS", megahashes(view.nominal_hashrate) / kBoards}};
    for (const char* window : {"MHS 5s", "MHS 1m", "MHS 5m", "MHS 15m", "MHS 24h", "MHS av"}) {
      dev[window] = megahashes(view.hashrate) / kBoards;
    }
    devs.push_back(std::move(dev));
  }
  return devs;
}

json devdetails(const std::string& model) {
  json details = json::array();
  for (int id = 1; id <= kBoards; ++id) {
    details.push_back({{"DEVDETAILS", id - 1},
                       {"ID", id},
                       {"Name", ""},
                       {"Driver", ""},
                       {"Kernel", ""},
                       {"Model", model},
                       {"Chips", 126},
                       {"Frequency", 545000000},
                       {"Voltage", 13.8}});
  }
  return details;
}

json temps(const MinerView& view) {
  json temps = json::array();
  for (int id = 1; id <= kBoards; ++id) {
    temps.push_back(
        {{"TEMP", id - 1}, {"ID", id}, {"Board", view.temperature.value() - 15.0}, {"Chip", view.temperature.value()}});
  }
  return temps;
}

json fans(const MinerView& view) {
  json fans = json::array();
  for (int id = 0; id < kFans; ++id) {
    fans.push_back({{"FAN", id}, {"ID", id}, {"RPM", hashes(view) ? 4200 : 0}, {"Speed", hashes(view) ? 60 : 0}});
  }
  return fans;
}

json tunerstatus(const MinerView& view, Watts target) {
  json chains = json::array();
  for (int id = 1; id <= kBoards; ++id) {
    chains.push_back({{"HashchainIndex", id},
                      {"Status", view.tuning ? "Tuning individual chips" : "Stable"},
                      {"TunerRunning", view.tuning},
                      {"Iteration", 0},
                      {"StageElapsed", 0},
                      {"TuningElapsed", 0},
                      {"ApproximatePowerConsumptionWatt", rounded(view.reported_power.value() / kBoards)},
                      {"PowerLimitWatt", rounded(target.value() / kBoards)}});
  }
  return json::array({{{"ApproximateMinerPowerConsumption", rounded(view.reported_power.value())},
                       {"ApproximateChainPowerConsumption", rounded(view.reported_power.value() * 0.95)},
                       {"PowerLimit", rounded(target.value())},
                       {"DynamicPowerScaling", "InitialPowerLimit"},
                       {"TunerMode", "PowerTarget"},
                       {"TunerChainStatus", std::move(chains)}}});
}

json pools(const MinerView& view) {
  return json::array({{{"POOL", 0},
                       {"URL", "stratum+tcp://pool.example:3333"},
                       {"User", "house.worker"},
                       {"Status", view.pool_alive ? "Alive" : "Dead"},
                       {"Stratum Active", view.pool_alive && hashes(view)},
                       {"Accepted", seconds(view.uptime) / 10},
                       {"Rejected", 0}}});
}

}  // namespace

BraiinsCgminer::BraiinsCgminer(BraiinsMiner& miner, const ports::Clock& clock)
    : CgminerProtocol(clock, kBoser), miner_(miner) {}

json BraiinsCgminer::run(const std::string& command, const std::string&) {
  const MinerView view = miner_.view();
  const auto reply = [&](int code, const char* key, json data) {
    json whole = success(code, command);
    whole[key] = std::move(data);
    return whole;
  };
  const auto done = [&](const Result<bool>& result, int code, const char* key) {
    return result ? reply(code, key, json::array({true})) : error(code, result.error().text);
  };
  if (command == "version") return reply(22, "VERSION", json::array({{{"API", "3.7"}, {"BOSer", kBoser}}}));
  if (command == "summary") return reply(11, "SUMMARY", summary(view));
  if (command == "devs") return reply(9, "DEVS", devs(view));
  if (command == "devdetails") return reply(69, "DEVDETAILS", devdetails(miner_.face().model));
  if (command == "pools") return reply(7, "POOLS", pools(view));
  if (command == "tempctrl") {
    const json tempctrl = {{"Mode", "Automatic"}, {"Target", 60.0}, {"Hot", 80.0}, {"Dangerous", 90.0}};
    return reply(200, "TEMPCTRL", json::array({tempctrl}));
  }
  if (command == "temps") return reply(201, "TEMPS", temps(view));
  if (command == "fans") return reply(202, "FANS", fans(view));
  if (command == "tunerstatus") return reply(203, "TUNERSTATUS", tunerstatus(view, miner_.target()));
  if (command == "pause") return done(miner_.pause(), 204, "PAUSE");
  if (command == "resume") return done(miner_.resume(), 205, "RESUME");
  return unknown_command();
}

}  // namespace sluice::house
