/// The daemon and the command line against the emulated house.

#include <gtest/gtest.h>
#include <signal.h>

#include "household.hpp"
#include "mosquitto.hpp"

namespace sluice::test {
namespace {

using Daemon = Household;

TEST_F(Daemon, meets_its_miners_commands_them_and_parks_them_at_sigterm) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  EXPECT_TRUE(eventually([&] { return truth().at("miners")[0].at("commands").get<int>() > 0; }));
  daemon->send_signal(SIGTERM);
  const auto code = daemon->wait(15'000);
  ASSERT_TRUE(code);
  EXPECT_EQ(*code, 0);
  EXPECT_TRUE(all_at_rest());
  EXPECT_EQ(run({program("sluice"), "park", "--if-unclean", "--config", file("sluice.yaml"), "--state-dir", file("")}),
            0);
  EXPECT_EQ(said.substr(said.rfind("the last")), "the last stop was orderly: nothing to do\n");
}

TEST_F(Daemon, answers_the_command_line) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_EQ(run({program("sluice"), "status", "--json", "--socket", file("sock")}), 0);
  const json now = json::parse(said);
  EXPECT_EQ(now.at("site"), "test");
  EXPECT_TRUE(now.at("grid_w").is_number());
  EXPECT_EQ(now.at("miners").size(), 2u);

  EXPECT_EQ(run({program("sluice"), "status", "--socket", file("sock")}), 0);
  EXPECT_NE(said.find("s19k"), std::string::npos);
  EXPECT_EQ(run({program("sluice"), "why", "s19k", "--json", "--socket", file("sock")}), 0);
  EXPECT_FALSE(json::parse(said).empty());
  EXPECT_EQ(run({program("sluice"), "watch", "--count", "2", "--json", "--socket", file("sock")}), 0);

  EXPECT_EQ(run({program("sluice"), "probe", "meter", "--json", "--socket", file("sock")}), 0);
  const json meter = json::parse(said).at("device");
  EXPECT_EQ(meter.at("values")[0].at("name"), "grid_w");
  EXPECT_FALSE(meter.at("values")[0].at("source").get<std::string>().empty());
  EXPECT_EQ(run({program("sluice"), "probe", "nobody", "--socket", file("sock")}), 1);
  EXPECT_NE(said.find("no device or miner is called nobody"), std::string::npos);

  EXPECT_EQ(run({program("sluice"), "park", "s19j", "--socket", file("sock")}), 0);
  EXPECT_TRUE(eventually([&] { return miner(1).value("reason", "") == "parked_by_owner"; }));
  EXPECT_EQ(run({program("sluice"), "release", "s19j", "--socket", file("sock")}), 0);
  EXPECT_TRUE(eventually([&] { return miner(1).value("reason", "") != "parked_by_owner"; }));
}

TEST_F(Daemon, probes_directly_when_none_runs) {
  start_house();
  write("sluice.yaml", configuration());
  EXPECT_EQ(run({program("sluice"), "status", "--socket", file("sock")}), 1);
  EXPECT_EQ(run({program("sluice"), "park", "--socket", file("sock")}), 1);
  EXPECT_NE(said.find("sluice park --if-unclean"), std::string::npos) << said;
  const std::vector<std::string> rest{"--json", "--socket", file("sock"), "--config", file("sluice.yaml")};
  for (const std::string name : {"inverter", "s19k"}) {
    std::vector<std::string> command{program("sluice"), "probe", name};
    command.insert(command.end(), rest.begin(), rest.end());
    ASSERT_EQ(run(command), 0) << said;
    EXPECT_NE(said.find(name == "s19k" ? "LuxOS" : "pv_w"), std::string::npos) << said;
  }
}

TEST_F(Daemon, a_bad_configuration_starts_nothing) {
  write("sluice.yaml", "version: 1\nsite: {name: test}\nminers:\n  - {name: a, adaptor: luxos}\n");
  auto command = daemon_command();
  EXPECT_EQ(run(command), 2);
  EXPECT_NE(said.find("sluice.yaml:4:"), std::string::npos) << said;
  EXPECT_FALSE(std::filesystem::exists(file("state.db")));
  EXPECT_EQ(run({program("sluiced"), "--no-such-flag"}), 2);
}

TEST_F(Daemon, check_looks_into_the_folders_that_the_file_names) {
  std::filesystem::create_directories(file("mine"));
  std::string own = read(std::string(SLUICE_SOURCE_DIR) + "/config/devices/sunspec-meter.yaml");
  const std::string id = "id: sunspec-meter";
  ASSERT_NE(own.find(id), std::string::npos);
  write("mine/my-meter.yaml", own.replace(own.find(id), id.size(), "id: my-meter"));
  const std::string text =
      "version: 1\nsite: {name: t, timezone: UTC, currency: EUR, main: {breaker_a: 40, volts: 230}}\n"
      "devices:\n  - {name: meter, template: my-meter, role: grid, modbus: {host: 127.0.0.1}}\n";
  write("sluice.yaml", text);
  EXPECT_EQ(run({program("sluice"), "check", file("sluice.yaml")}), 2) << said;
  write("sluice.yaml", text + "templates: {path: [" + file("mine") + "]}\n");
  EXPECT_EQ(run({program("sluice"), "check", file("sluice.yaml")}), 0) << said;
}

TEST_F(Daemon, the_demo_ends_with_one_json_object) {
  write_scenario();
  ASSERT_EQ(run({program("sluice"), "demo", "--for", "10s", "--json", "--scenario", file("house.yaml"),
                 "--base-address", base() + "0", "--keep", file("kept")}),
            0)
      << said;
  const json score = json::parse(said.substr(said.rfind("{\"captured_wh\"")));
  EXPECT_EQ(score.size(), 13u);
  for (const char* key :
       {"mined_wh", "usable_surplus_wh", "captured_wh", "oracle_captured_wh", "imported_wh", "exported_wh",
        "import_while_mining_wh", "oracle_import_wh", "commands", "starts", "ticks", "late_ticks", "worst_step_us"}) {
    EXPECT_TRUE(score.contains(key)) << key;
  }
  EXPECT_GT(score.at("ticks"), 100);
  EXPECT_GT(score.at("usable_surplus_wh"), 0.0);
  EXPECT_FALSE(std::filesystem::exists(file("kept/sock"))) << "the daemon ended in order";
}

TEST_F(Daemon, the_demo_of_prices_ends_with_what_was_paid_and_what_became_of_the_spike) {
  write("house.yaml",
        "name: test\ntrace: constant\nconstant_pv_w: 0\nconstant_load_w: 400\nstart: \"11:00\"\nseconds: 1200\n"
        "prices: [{at_s: 0, per_kwh: 0.04}]\nspikes: [{at_s: 40, for_s: 400, per_kwh: 9}]\n"
        "miners:\n  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3000}\n");
  ASSERT_EQ(
      run({program("sluice"), "demo", "--for", "9s", "--scenario", file("house.yaml"), "--base-address", base() + "0"}),
      0)
      << said;
  const std::string end = said.substr(said.rfind("\nAt ") + 1);
  EXPECT_TRUE(end.starts_with("At 0.040 to 0.040 EUR a kWh: mined ")) << end;
  EXPECT_NE(end.find("The spike of 9.00 EUR at second 40 met miners that drew "), std::string::npos) << end;
  EXPECT_NE(end.find(" W: it was slept through from "), std::string::npos) << end;
}

TEST_F(Daemon, ctrl_c_ends_the_demo_and_both_of_its_programs) {
  write_scenario();
  auto demo = cmd::Child::start({program("sluice"), "demo", "--scenario", file("house.yaml"), "--base-address",
                                 base() + "0", "--keep", file("kept")},
                                file("out"), false);
  ASSERT_TRUE(demo);
  ASSERT_TRUE(eventually([&] { return web::ask(file("kept/sock"), R"({"do":"status"})").has_value(); }));
  demo->send_signal(SIGINT);
  EXPECT_EQ(demo->wait(30'000).value_or(-1), 0);
  EXPECT_FALSE(std::filesystem::exists(file("kept/sock")));
  EXPECT_NE(read(file("kept/sluiced.log")).find("sluiced: ended"), std::string::npos);
  start_house();  // its addresses are free again
}

TEST_F(Daemon, demo_time_is_refused_for_anything_but_loopback) {
  start_house();
  std::string lan = configuration();
  const std::string loopback_host = "host: " + told.at("miners")[0].at("host").get<std::string>();
  lan.replace(lan.find(loopback_host), loopback_host.size(), "host: 192.0.2.7");
  write("sluice.yaml", lan);
  EXPECT_EQ(run(daemon_command()), 2);
  EXPECT_NE(said.find("miner s19k is at 192.0.2.7"), std::string::npos) << said;
}

TEST_F(Daemon, a_second_daemon_on_the_same_socket_says_so) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(eventually([&] { return status().has_value(); }));
  EXPECT_EQ(run(daemon_command()), 1);
  EXPECT_NE(said.find("another sluiced answers on"), std::string::npos) << said;
}

TEST_F(Daemon, sighup_takes_over_a_good_file_and_leaves_everything_at_a_bad_one) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  write("sluice.yaml", "version: 1\nnonsense: true\n");
  daemon->send_signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return log().find("not reloaded, nothing changes") != std::string::npos; }));
  EXPECT_EQ(status()->at("miners").size(), 2u);
  EXPECT_EQ(miner(0).at("identity"), "accepted");

  std::string one_miner = configuration();
  one_miner.erase(one_miner.find("  - {name: s19j"));
  write("sluice.yaml", one_miner);
  daemon->send_signal(SIGHUP);
  ASSERT_TRUE(eventually([&] {
    const auto now = status();
    return now && now->at("miners").size() == 1u;
  }));
  EXPECT_EQ(miner(0).at("identity"), "accepted") << "the connection of an unchanged miner is kept";
  EXPECT_TRUE(eventually([&] {
    const std::string state = truth().at("miners")[1].at("state");
    return state == "asleep" || state == "stopping";
  })) << "a miner that left the file is put to sleep";
}

TEST_F(Daemon, a_dry_run_commands_nothing) {
  start_house();
  write("sluice.yaml", configuration());
  auto command = daemon_command();
  command.push_back("--dry-run");
  auto started = cmd::Child::start(command, file("sluiced.log"), false);
  ASSERT_TRUE(started);
  daemon = std::move(*started);
  ASSERT_TRUE(driving());
  EXPECT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > 60; }));
  daemon->send_signal(SIGTERM);
  ASSERT_TRUE(daemon->wait(15'000));
  const json judged = truth();
  for (const json& one : judged.at("miners")) EXPECT_EQ(one.at("commands"), 0);
}

/// A night in a house whose battery is behind a Victron GX, with a price that comes over MQTT.
class Night : public Household {
 protected:
  void SetUp() override {
    speed = 10;
    start_house(
        "name: night\ntrace: constant\nconstant_pv_w: 0\nconstant_load_w: 400\nstart: \"02:00\"\nseconds: 1200\n"
        "battery: {soc_pct: 80}\ndevices: [{template: victron-gx}]\n"
        "miners:\n  - {name: s21, plant: luxos-target, start: running, target_w: 3000}\n"
        "  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3000}\n");
  }
  /// A kWh brings 0.15, and what the battery gives wears it by 0.05.
  void configure(const std::string& battery) {
    const auto at = [](const json& where) {
      return "host: " + where.at("host").get<std::string>() + ", port: " + std::to_string(where.at("port").get<int>());
    };
    const auto miner = [&](std::size_t index, const std::string& adapter) {
      const json& one = told.at("miners")[index];
      return "  - {name: " + one.at("name").get<std::string>() + ", adapter: " + adapter + ", " + at(one) +
             ", mac: \"" + one.at("mac").get<std::string>() + "\", circuit: shed, efficiency_j_per_th: 20}\n";
    };
    write("sluice.yaml",
          "version: 1\nsite: {name: night, currency: EUR, main: {breaker_a: 100, volts: 240, phases: 1}}\n"
          "devices:\n  - {name: gx, template: victron-gx, role: [grid, pv, battery], modbus: {" +
              at(told.at("modbus")) +
              "}}\n"
              "mqtt: {host: 127.0.0.1, port: " +
              std::to_string(broker.port()) +
              "}\n"
              "circuits: [{name: shed, breaker_a: 80, volts: 240}]\n"
              "miners:\n" +
              miner(0, "luxos") + miner(1, "vnish, password: {value: admin}") +
              "control: {strategy: economic}\n"
              "battery: {capacity_wh: 10000, wear_per_kwh: 0.05" +
              battery +
              "}\n"
              "prices: {import: {feed: mqtt, options: {topic: house/price, currency: EUR}}, fallback_per_kwh: 0.4}\n"
              "hashprice: {sources: [{kind: fixed, per_ths_day: 0.072}]}\n");
  }
  bool held() { return truth().at("discharge_limit_w") == 0.0; }
  bool free() { return truth().at("discharge_limit_w").is_null(); }
  /// A price is not kept by the broker for who comes later, so it is said until it is heard. Whom the fallback's price
  /// has put to sleep before that stays so for its least time.
  bool holds_and_mines() {
    return eventually(
        [&] {
          publisher.say("house/price", "0.05");
          const auto known = status();
          if (!known || known->at("ticks") < 40 || known->at("miners")[1].at("wanted") != "target") return false;
          const json now = truth();
          return now.at("discharge_limit_w") == 0.0 && std::abs(now.at("battery_w").get<double>()) < 1.0 &&
                 now.at("miners")[0].at("power_w") > 2000.0 && now.at("miners")[1].at("power_w") > 2000.0;
        },
        seconds(120));
  }

  io::Mosquitto broker{io::free_port()};
  io::Publisher publisher{broker.port()};
};

TEST_F(Night, the_battery_waits_while_miners_buy_and_a_price_of_nine_ends_both_in_the_tick_that_sees_it) {
  configure(", hold: gx");
  start_daemon();
  ASSERT_TRUE(holds_and_mines()) << truth();
  const json cheap = truth();
  EXPECT_GT(cheap.at("grid_w"), 4400.0) << "miners and house, from the grid";
  EXPECT_EQ(cheap.at("limit_writes"), 1) << "settings live on flash";

  publisher.say("house/price", "9");
  // Every tick that is seen: before the price it mines, from the first one with it on it is told to sleep.
  std::optional<json> first;
  ASSERT_TRUE(eventually([&] {
    const auto now = status();
    if (!now) return false;
    const bool dear = now->at("decided_at_price_per_kwh") == 9.0;
    if (dear && !first) first = now;
    EXPECT_EQ(now->at("hold_battery").get<bool>(), !dear);
    bool done = dear;
    for (const json& miner : now->at("miners")) {
      EXPECT_EQ(miner.at("wanted"), dear ? "sleep" : "target") << *now;
      const json& command = miner.at("command");
      done = done && !command.is_null() && command.at("kind") == "sleep" && command.at("status") == "acknowledged";
    }
    return done;
  }));
  const json last = *status();
  // LuxOS wants a session first, and a second between two connects; a loaded machine has another second and a half.
  for (const auto& [index, within_s] : {std::pair(0, 17.0), std::pair(1, 15.0)}) {
    const json& command = last.at("miners")[index].at("command");
    EXPECT_EQ(command.at("sequence"), first->at("miners")[index].at("sequence")) << "the order of that very tick";
    const double sent_s = 1e-3 * (last.at("unix_ms").get<double>() - first->at("unix_ms").get<double>()) -
                          command.at("sent_s_ago").get<double>();
    std::printf("tick %d saw the price first; %s was told %.3f s later\n", first->at("ticks").get<int>(),
                last.at("miners")[index].at("name").get<std::string>().c_str(), sent_s);
    EXPECT_LT(sent_s, within_s);
  }
  EXPECT_TRUE(eventually([&] { return all_at_rest() && free() && truth().at("battery_w") > 300.0; }))
      << "the battery serves the house again: " << truth();
  EXPECT_EQ(truth().at("limit_writes"), 2);
}

TEST_F(Night, what_a_killed_daemon_left_held_is_released_by_the_next_and_an_orderly_end_leaves_nothing_held) {
  configure(", hold: gx");
  start_daemon();
  ASSERT_TRUE(holds_and_mines()) << truth();
  daemon->send_signal(SIGKILL);
  ASSERT_TRUE(daemon->wait(5'000));
  EXPECT_TRUE(held()) << "nobody is there to release it";
  configure("");  // and the owner does not want it any more
  start_daemon();
  EXPECT_TRUE(eventually([&] { return free(); })) << log();
  // The note of it goes when the device has answered, a moment after it obeyed.
  EXPECT_TRUE(eventually([&] { return read(file("battery-hold")).empty(); })) << read(file("battery-hold"));
  daemon->send_signal(SIGKILL);  // the miners go on
  ASSERT_TRUE(daemon->wait(5'000));
  configure(", hold: gx");
  start_daemon();
  ASSERT_TRUE(holds_and_mines()) << truth();
  daemon->send_signal(SIGTERM);
  ASSERT_TRUE(daemon->wait(15'000));
  EXPECT_TRUE(free()) << log();
}

TEST_F(Night, a_battery_is_released_when_its_device_leaves_the_file_and_by_park_after_a_daemon_that_is_gone) {
  configure(", hold: gx");
  start_daemon();
  ASSERT_TRUE(holds_and_mines()) << truth();
  const std::string with_gx = read(file("sluice.yaml"));
  // Another device behind the same door, which was never told anything.
  const auto renamed = [](std::string text) {
    for (const std::string word : {"name: gx", "hold: gx"}) {
      if (const auto at = text.find(word); at != std::string::npos) text.replace(at + 6, 2, "other");
    }
    return text;
  };
  configure("");
  write("sluice.yaml", renamed(read(file("sluice.yaml"))));
  daemon->send_signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return free() && read(file("battery-hold")).empty(); })) << log();
  const std::string with_other = renamed(with_gx);
  write("sluice.yaml", with_other);
  daemon->send_signal(SIGHUP);
  ASSERT_TRUE(holds_and_mines()) << truth();
  EXPECT_TRUE(read(file("battery-hold")).starts_with("other\n"));

  daemon->send_signal(SIGKILL);
  ASSERT_TRUE(daemon->wait(5'000));
  EXPECT_TRUE(held()) << "nobody is there to release it";
  const std::vector<std::string> park{program("sluice"),   "park",        "--if-unclean", "--config",
                                      file("sluice.yaml"), "--state-dir", file("")};
  write("sluice.yaml", with_gx);
  EXPECT_EQ(run(park), 1) << said;
  EXPECT_NE(said.find("other was told that its battery may not discharge, and is not in"), std::string::npos) << said;
  EXPECT_TRUE(eventually([&] { return all_at_rest(); })) << "miners do not wait for that";
  write("sluice.yaml", with_other);
  EXPECT_EQ(run(park), 0) << said;
  EXPECT_NE(said.find("other: its battery may discharge again"), std::string::npos) << said;
  EXPECT_TRUE(free()) << truth();
  EXPECT_EQ(read(file("battery-hold")), "");
  EXPECT_EQ(run(park), 0);
  EXPECT_NE(said.find("nothing to do"), std::string::npos) << said;
}

}  // namespace
}  // namespace sluice::test
