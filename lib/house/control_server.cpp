#include "house/control_server.hpp"

#include <fmt/ranges.h>
#include <httplib.h>

#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "model/names.hpp"

namespace sluice::house {
namespace {

using nlohmann::json;

constexpr auto kJson = "application/json";

json rounded(double value) { return std::round(value * 1000.0) / 1000.0; }
json watts(Watts value) { return rounded(value.value()); }
json energy(WattHours value) { return rounded(value.value()); }

void add_score(json& to, const sim::Score& score) {
  to["mined_wh"] = energy(score.mined);
  to["standby_wh"] = energy(score.standby);
  to["usable_surplus_wh"] = energy(score.usable_surplus);
  to["captured_wh"] = energy(score.captured);
  to["leaked_wh"] = energy(score.leaked());
  to["imported_wh"] = energy(score.imported);
  to["exported_wh"] = energy(score.exported);
  to["import_while_mining_wh"] = energy(score.import_while_mining);
  to["unserved_wh"] = energy(score.unserved);
  to["breaker_s"] = rounded(score.breaker_s);
  to["commands"] = score.commands;
  to["starts"] = score.starts;
}

/// `2026-01-10T00:00:00Z`.
std::string iso_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_time<Duration>(time.time_since_epoch()));
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::seconds> clock(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch() - day.time_since_epoch()));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

json prices_json(const House& house) {
  json result = json::array();
  for (const PriceSlot& slot : house.prices().slots) {
    result.push_back({{"start", iso_time(slot.begin)},
                      {"end", iso_time(slot.end)},
                      {"start_unix_ms", unix_ms(slot.begin)},
                      {"spike", slot.event},
                      {"value", rounded(slot.import_price.value())}});
  }
  return result;
}

json truth_json(House& house) {
  const HouseTruth truth = house.truth();
  json result = {{"elapsed_s", rounded(to_seconds(truth.elapsed))},
                 {"second_of_day_s", truth.second_of_day},
                 {"pv_potential_w", watts(truth.state.potential)},
                 {"pv_w", watts(truth.state.pv)},
                 {"load_w", watts(truth.state.load)},
                 {"miners_w", watts(truth.state.miners)},
                 {"battery_w", watts(truth.state.battery)},
                 {"soc_pct", rounded(truth.state.soc.value())},
                 {"grid_w", watts(truth.state.grid)},
                 {"grid_lost", truth.state.grid_lost},
                 {"surplus_w", watts(truth.state.surplus())},
                 {"meter_w", watts(truth.meter)},
                 {"discharge_limit_w", truth.discharge_limit ? watts(*truth.discharge_limit) : json(nullptr)},
                 {"limit_writes", truth.limit_writes},
                 {"miners", json::array()}};
  for (const auto& miner : truth.miners) {
    result["miners"].push_back({{"name", miner.name},
                                {"state", to_string(miner.state)},
                                {"booted", miner.booted},
                                {"power_w", watts(miner.power)},
                                {"reported_power_w", watts(miner.reported)},
                                {"target_w", watts(miner.target)},
                                {"settled_power_w", watts(miner.settled)},
                                {"hashrate_ths", rounded(miner.hashrate.value())},
                                {"commands", miner.commands},
                                {"starts", miner.starts},
                                {"reboots", miner.reboots}});
  }
  add_score(result["score"], truth.score);
  return result;
}

json score_json(const WindowScore& window) {
  json result = {{"from_s", window.from_s},
                 {"to_s", window.to_s},
                 {"oracle_captured_wh", energy(window.oracle.captured)},
                 {"oracle_import_wh", energy(window.oracle.leaked)}};
  add_score(result, window.score);
  return result;
}

json trace_json(House& house, std::size_t from_s) {
  json result = {{"from_s", from_s}, {"miners", json::array()}};
  for (const char* column : {"pv_potential_w", "pv_w", "load_w", "miners_w", "battery_w", "soc_pct", "grid_w"}) {
    result[column] = json::array();
  }
  for (const auto& miner : house.scenario().miners) {
    result["miners"].push_back({{"name", miner.name}, {"power_w", json::array()}});
  }
  for (const auto& second : house.history(from_s)) {
    result["pv_potential_w"].push_back(watts(second.state.potential));
    result["pv_w"].push_back(watts(second.state.pv));
    result["load_w"].push_back(watts(second.state.load));
    result["miners_w"].push_back(watts(second.state.miners));
    result["battery_w"].push_back(watts(second.state.battery));
    result["soc_pct"].push_back(rounded(second.state.soc.value()));
    result["grid_w"].push_back(watts(second.state.grid));
    for (std::size_t i = 0; i < second.miner_w.size(); ++i) {
      result["miners"][i]["power_w"].push_back(rounded(static_cast<double>(second.miner_w[i])));
    }
  }
  return result;
}

/// The members of a fault, each read with its range.
class FaultFields {
 public:
  explicit FaultFields(const json& object) : object_(object) {}
  std::string text(const char* key) const {
    const auto it = object_.find(key);
    return it != object_.end() && it->is_string() ? it->get<std::string>() : std::string();
  }
  Result<double> number(const char* key, double otherwise, double low, double high) const {
    const auto it = object_.find(key);
    if (it == object_.end()) return otherwise;
    if (!it->is_number() || it->get<double>() < low || it->get<double>() > high) {
      return fail(ErrorKind::invalid, "{}: a number from {} to {} is wanted", key, low, high);
    }
    return it->get<double>();
  }

 private:
  const json& object_;
};

Result<void> inject_unit(House& house, const FaultFields& fields, bool meter) {
  constexpr std::pair<const char*, MeterFault> kKinds[] = {
      {"frozen", MeterFault::frozen},   {"stale", MeterFault::stale},   {"sign_flipped", MeterFault::sign_flipped},
      {"garbage", MeterFault::garbage}, {"silent", MeterFault::silent}, {"none", MeterFault::none}};
  const auto age_s = fields.number("age_s", 60.0, 1.0, 86'400.0);
  if (!age_s) return tl::unexpected(age_s.error());
  for (const auto& [name, fault] : kKinds) {
    if (fields.text("kind") != name) continue;
    const bool of_meter_only = fault == MeterFault::stale || fault == MeterFault::sign_flipped;
    if (!meter && of_meter_only) break;
    meter ? house.set_meter_fault(fault, from_seconds(*age_s)) : house.set_inverter_fault(fault);
    return {};
  }
  return fail(ErrorKind::invalid, "kind: {}frozen, garbage, silent or none is wanted",
              meter ? "stale (with age_s), sign_flipped, " : "");
}

Result<void> inject_modbus(House& house, const FaultFields& fields) {
  const std::string kind = fields.text("kind");
  const auto delay_ms = fields.number("delay_ms", 1000.0, 0.0, 60'000.0);
  if (!delay_ms) return tl::unexpected(delay_ms.error());
  ModbusFaults faults;
  if (kind == "slow") {
    faults.delay = from_seconds(*delay_ms / 1000.0);
  } else if (kind == "refused") {
    faults.refuse_connections = true;
  } else if (kind == "dead") {
    faults.silent = true;
  } else if (kind == "garbage") {
    faults.garbage = true;
  } else if (kind != "none") {
    return fail(ErrorKind::invalid, "kind: slow (with delay_ms), refused, dead, garbage or none is wanted");
  }
  house.set_modbus_faults(faults);
  return {};
}

Result<void> inject_grid(House& house, const FaultFields& fields) {
  const std::string kind = fields.text("kind");
  if (kind != "lost" && kind != "none") return fail(ErrorKind::invalid, "kind: lost or none is wanted");
  house.set_grid_lost(kind == "lost");
  return {};
}

struct MinerKind {
  const char* name;
  void (*apply)(MinerTrouble& trouble, double number);
};

// Faults of a miner add up until they are cleared.
constexpr MinerKind kMinerKinds[] = {
    {"none", [](MinerTrouble& trouble, double) { trouble = {}; }},
    {"slow", [](MinerTrouble& trouble, double delay_ms) { trouble.faults.delay = from_seconds(delay_ms / 1000.0); }},
    {"refused", [](MinerTrouble& trouble, double) { trouble.faults.refuse_connections = true; }},
    {"dead", [](MinerTrouble& trouble, double) { trouble.faults.silent = true; }},
    {"garbage", [](MinerTrouble& trouble, double) { trouble.faults.garbage = true; }},
    {"drop_commands", [](MinerTrouble& trouble, double) { trouble.faults.drop_commands = true; }},
    {"reject_commands", [](MinerTrouble& trouble, double) { trouble.faults.reject_commands = true; }},
    {"reject_password", [](MinerTrouble& trouble, double) { trouble.faults.reject_password = true; }},
    {"ignore_sleep", [](MinerTrouble& trouble, double) { trouble.faults.ignore_sleep = true; }},
    {"lying", [](MinerTrouble& trouble, double gain) { trouble.report_gain = gain; }},
    {"pool_dead", [](MinerTrouble& trouble, double) { trouble.pool_dead = true; }},
    {"hashrate_gone", [](MinerTrouble& trouble, double) { trouble.hashrate_gone = true; }},
    {"wrong_identity", [](MinerTrouble& trouble, double) { trouble.wrong_identity = true; }},
};

Result<void> inject_miner(House& house, const FaultFields& fields) {
  const auto miner = house.miner_index(fields.text("miner"));
  if (!miner) return tl::unexpected(miner.error());
  const std::string kind = fields.text("kind");
  if (kind == "reboot") {
    house.reboot_miner(*miner);
    return {};
  }
  if (kind == "power_off" || kind == "power_on") {
    house.power_miner(*miner, kind == "power_on");
    return {};
  }
  if (kind == "other_commander") {
    const auto target_w = fields.number("target_w", 0.0, 0.0, 20'000.0);
    if (!target_w) return tl::unexpected(target_w.error());
    house.command_miner(*miner, Watts(*target_w));
    return {};
  }
  const auto number =
      kind == "lying" ? fields.number("gain", 0.5, 0.0, 10.0) : fields.number("delay_ms", 1000.0, 0.0, 60'000.0);
  if (!number) return tl::unexpected(number.error());
  std::string known;
  for (const auto& [name, apply] : kMinerKinds) {
    if (kind == name) {
      MinerTrouble trouble = house.trouble(*miner);
      apply(trouble, *number);
      house.set_trouble(*miner, trouble);
      return {};
    }
    known += fmt::format("{}, ", name);
  }
  return fail(ErrorKind::invalid,
              "kind: one of {}reboot, power_off, power_on, other_commander (with target_w) is wanted", known);
}

class Server final : public ControlServer {
 public:
  explicit Server(House& house) : house_(house) {
    // The library's default shares a port between two servers in silence.
    server_.set_socket_options([](int fd) {
      const int on = 1;
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    server_.new_task_queue = [] { return new httplib::ThreadPool(2); };
    server_.Get("/truth", [this](const auto&, auto& reply) { reply.set_content(truth_json(house_).dump(), kJson); });
    server_.Get("/score", [this](const auto& request, auto& reply) { score(request, reply); });
    server_.Get("/trace", [this](const auto& request, auto& reply) {
      const auto from_s = number(request, "from_s", 0.0);
      if (!from_s) return refuse(reply, from_s.error());
      reply.set_content(trace_json(house_, static_cast<std::size_t>(*from_s)).dump(), kJson);
    });
    server_.Get("/prices", [this](const auto&, auto& reply) { reply.set_content(prices_json(house_).dump(), kJson); });
    server_.Post("/fault",
                 [this](const auto& request, auto& reply) { answer(reply, inject_fault(house_, request.body)); });
    server_.Post("/clear", [this](const auto&, auto& reply) {
      house_.clear_faults();
      answer(reply, {});
    });
  }
  ~Server() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> listen(const std::string& address, std::uint16_t port) {
    const int bound = port == 0 ? server_.bind_to_any_port(address) : (server_.bind_to_port(address, port) ? port : -1);
    if (bound <= 0) return fail(ErrorKind::io, "{}:{} cannot be served: in use, or not allowed", address, port);
    port_ = static_cast<std::uint16_t>(bound);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();  // `stop` before it runs would be lost
    return {};
  }
  std::uint16_t port() const override { return port_; }

 private:
  static void refuse(httplib::Response& reply, const Error& error) {
    reply.status = error.kind == ErrorKind::not_found ? 404 : 400;
    reply.set_content(json{{"error", error.text}}.dump(), kJson);
  }
  static void answer(httplib::Response& reply, const Result<void>& result) {
    if (!result) return refuse(reply, result.error());
    reply.set_content(json{{"ok", true}}.dump(), kJson);
  }
  static Result<double> number(const httplib::Request& request, const char* key, double otherwise) {
    if (!request.has_param(key)) return otherwise;
    const std::string text = request.get_param_value(key);
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0.0 && value <= 1e9)) {
      return fail(ErrorKind::invalid, "{}: seconds since the start are wanted, not \"{}\"", key, text);
    }
    return value;
  }
  void score(const httplib::Request& request, httplib::Response& reply) {
    const auto from_s = number(request, "from_s", 0.0);
    const auto to_s = number(request, "to_s", 1e9);
    if (!from_s) return refuse(reply, from_s.error());
    if (!to_s) return refuse(reply, to_s.error());
    const auto window = house_.window(*from_s, *to_s);
    if (!window) return refuse(reply, window.error());
    reply.set_content(score_json(*window).dump(), kJson);
  }

  House& house_;
  httplib::Server server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ControlServer>> make_control_server(House& house, const std::string& address,
                                                           std::uint16_t port) {
  auto server = std::make_unique<Server>(house);
  if (auto listening = server->listen(address, port); !listening) return tl::unexpected(listening.error());
  return server;
}

Result<void> inject_fault(House& house, const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return fail(ErrorKind::invalid, "a JSON object is wanted");
  const FaultFields fields(object);
  if (object.contains("miner")) return inject_miner(house, fields);
  const std::string device = fields.text("device");
  if (device == "meter") return inject_unit(house, fields, true);
  if (device == "inverter") return inject_unit(house, fields, false);
  if (device == "modbus") return inject_modbus(house, fields);
  if (device == "grid") return inject_grid(house, fields);
  return fail(ErrorKind::invalid, "device: meter, inverter, modbus or grid is wanted, or miner: its name");
}

Result<std::string> post_to_house(const std::string& address, std::uint16_t port, const std::string& path,
                                  const std::string& text) {
  httplib::Client client(address, port);
  client.set_connection_timeout(2);
  const auto reply = client.Post(path, text, kJson);
  if (!reply) return fail(ErrorKind::refused, "no house answers at {}:{}", address, port);
  if (reply->status != 200) {
    const json body = json::parse(reply->body, nullptr, false);
    return fail(ErrorKind::rejected, "{}", body.is_object() ? body.value("error", reply->body) : reply->body);
  }
  return reply->body;
}

}  // namespace sluice::house
