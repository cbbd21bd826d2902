#pragma once
/// The real programs as processes on loopback: an emulated house, the daemon, and the command line. Time is `speed`
/// times faster than real; everything is judged by the house's truth.

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/child.hpp"
#include "io/clock.hpp"
#include "io/net.hpp"
#include "web/line_client.hpp"

namespace sluice::test {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Household : public testing::Test {
 protected:
  Household() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    // A block of loopback addresses of its own, so that test programs may run beside each other.
    static int instances = 0;
    base_ = "127." + std::to_string(instances++) + "." + std::to_string(60 + getpid() % 190) + ".";
  }
  ~Household() override {
    if (daemon) daemon->stop(15'000);
    if (house) house->stop(5'000);
    if (HasFailure()) std::printf("the daemon said:\n%s", log().c_str());
    std::filesystem::remove_all(directory_);
  }

  static std::string program(const std::string& name) {
    return std::string(SLUICE_BINARY_DIR) + "/cmd/" + name + "/" + name;
  }
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  std::string log() const { return read(file("sluiced.log")); }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }

  /// Constant sun for both miners, which run already.
  void write_scenario() const {
    write("house.yaml",
          "name: test\ntrace: constant\nconstant_pv_w: 9000\nconstant_load_w: 400\nstart: \"11:00\"\nseconds: 1200\n"
          "miners:\n"
          "  - {name: s19k, plant: luxos-profile, start: running, target_w: 1400}\n"
          "  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3100}\n");
  }
  const std::string& base() const { return base_; }
  void start_house() {
    write_scenario();
    serve_house();
  }
  void start_house(const std::string& scenario) {
    write("house.yaml", scenario);
    serve_house();
  }
  void serve_house() {
    auto started = cmd::Child::start({program("sluice-house"), "--scenario", file("house.yaml"), "--speed",
                                      std::to_string(speed), "--base-address", base_ + "0"},
                                     file("house.log"), true);
    ASSERT_TRUE(started) << started.error().text;
    house = std::move(*started);
    const auto ready = house->read_line(20'000);
    ASSERT_TRUE(ready) << read(file("house.log"));
    told = json::parse(*ready);
  }

  std::string configuration(const std::string& luxos_mac = "") const {
    const auto at = [](const json& where) {
      return "host: " + where.at("host").get<std::string>() + ", port: " + std::to_string(where.at("port").get<int>());
    };
    const json& modbus = told.at("modbus");
    std::string text =
        "version: 1\n"
        "site: {name: test, timezone: UTC, currency: EUR, main: {breaker_a: 100, volts: 240, phases: 1}}\n"
        "devices:\n"
        "  - {name: meter, template: sunspec-meter, role: grid, modbus: {" +
        at(modbus) + ", unit: " + std::to_string(modbus.at("meter_unit").get<int>()) +
        "}}\n"
        "  - {name: inverter, template: sunspec-inverter, role: pv, modbus: {" +
        at(modbus) + ", unit: " + std::to_string(modbus.at("inverter_unit").get<int>()) +
        "}}\n"
        "circuits:\n  - {name: shed, breaker_a: 80, volts: 240}\n"
        "miners:\n";
    for (const json& one : told.at("miners")) {
      const std::string firmware = one.at("firmware");
      const std::string adapter = firmware.substr(0, firmware.find('-'));
      text += "  - {name: " + one.at("name").get<std::string>() + ", adapter: " + adapter + ", " + at(one) +
              ", circuit: shed";
      if (adapter == "luxos") {
        const std::string mac = luxos_mac.empty() ? one.at("mac").get<std::string>() : luxos_mac;
        text += ", mac: \"" + mac + "\"";
      } else {
        text += std::string(", password: {value: ") + (adapter == "vnish" ? "admin" : "root") + "}";
      }
      text += "}\n";
    }
    return text;
  }

  std::vector<std::string> daemon_command() const {
    return {program("sluiced"),
            "--config",
            file("sluice.yaml"),
            "--state-dir",
            directory_,
            "--socket",
            file("sock"),
            "--clock-scale",
            std::to_string(speed),
            "--clock-origin",
            told.empty() ? "0:0" : told.at("clock").at("origin").get<std::string>()};
  }
  void start_daemon() {
    auto started = cmd::Child::start(daemon_command(), file("sluiced.log"), false);
    ASSERT_TRUE(started) << started.error().text;
    daemon = std::move(*started);
  }

  /// Runs to its end. What it printed is in `said`.
  int run(const std::vector<std::string>& command) {
    std::filesystem::remove(file("out"));
    auto started = cmd::Child::start(command, file("out"), false);
    EXPECT_TRUE(started);
    const auto code = started->wait(30'000);
    EXPECT_TRUE(code);
    said = read(file("out"));
    return code.value_or(-1);
  }

  std::optional<json> ask(const json& request) const {
    const auto line = web::ask(file("sock"), request.dump());
    if (!line) return std::nullopt;
    return json::parse(*line);
  }
  std::optional<json> status() const {
    const auto reply = ask({{"do", "status"}});
    if (!reply || !reply->value("ok", false)) return std::nullopt;
    return reply->at("status");
  }
  json miner(std::size_t index) const {
    const auto now = status();
    return now ? now->at("miners").at(index) : json::object();
  }
  json ask_house(const std::string& method, const std::string& path, const std::string& body = "") {
    io::LanNetworkFactory network(clock);
    const auto door = network.make();
    door->begin();
    ports::HttpRequest request;
    request.peer = {told.at("control").at("host"), told.at("control").at("port").get<std::uint16_t>(), {}, {}, false};
    request.method = method;
    request.path = path;
    request.body = body;
    const auto reply = door->request(request, clock.now() + seconds(10));
    EXPECT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(reply->status, 200) << reply->body;
    return json::parse(reply->body);
  }
  json truth() { return ask_house("GET", "/truth"); }
  void inject(const json& fault) { ask_house("POST", "/fault", fault.dump()); }
  bool all_at_rest() {
    const json now = truth();
    for (const json& one : now.at("miners")) {
      const std::string state = one.at("state");
      if (state != "asleep" && state != "stopping") return false;
    }
    return true;
  }

  bool eventually(const std::function<bool()>& condition, Duration patience = seconds(40)) {
    const MonoTime until = clock.now() + patience;
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!condition()) {
      if (clock.now() > until) return false;
      clock.wait_until(lock, never, clock.now() + milliseconds(20));
    }
    return true;
  }
  bool driving() {
    return eventually([&] {
      const auto now = status();
      if (!now) return false;
      for (const json& one : now->at("miners")) {
        if (one.value("identity", "") != "accepted" || one.value("sequence", 0) == 0) return false;
      }
      return true;
    });
  }

  int speed = 10;  ///< simulated seconds a second; before `start_house`
  io::SystemClock clock;
  json told;
  std::string said;
  std::optional<cmd::Child> house, daemon;

 private:
  std::string directory_, base_;
};

}  // namespace sluice::test
