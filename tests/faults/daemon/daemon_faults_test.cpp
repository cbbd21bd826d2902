/// Bad days of the daemon and its miners, judged by the truth of the emulated house.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>

#include "faulty_household.hpp"

namespace sluice::test {
namespace {

/// What a machine under load may need on top of a promise; the promise itself is kept by deadlines, and shown where
/// time is simulated.
constexpr double kLoadedMachineS = 4.0;

using DaemonFaults = FaultyHousehold;

// In real time: the firmwares' own pace is what six seconds are short for.
TEST_F(DaemonFaults, a_killed_daemon_leaves_nothing_running) {
  speed = 1;
  std::string scenario =
      "name: killed\ntrace: constant\nconstant_pv_w: 2000\nconstant_load_w: 400\nminers:\n"
      "  - {name: s19k, plant: luxos-profile, start: running, target_w: 2700}\n"
      "  - {name: s21, plant: luxos-target, start: running, target_w: 3100}\n"
      "  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3100}\n";
#ifdef SLUICE_WITH_BRAIINS
  scenario += "  - {name: s19, plant: braiins-fast, start: running, target_w: 3100}\n";
#endif
  start_house(scenario);
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(eventually([&] {
    const json now = truth();
    const auto commanded = [](const json& one) { return one.at("commands").get<int>() > 0; };
    return std::all_of(now.at("miners").begin(), now.at("miners").end(), commanded);
  }));
  daemon->send_signal(SIGKILL);
  ASSERT_TRUE(daemon->wait(5'000));
  const std::vector<std::string> park = {program("sluice"),   "park",        "--if-unclean", "--config",
                                         file("sluice.yaml"), "--state-dir", file("")};
  const MonoTime begun = clock.now();
  EXPECT_EQ(run(park), 0) << said;
  const double took_s = to_seconds(clock.now() - begun);
  std::printf("parked %zu miners in %.1f s\n", told.at("miners").size(), took_s);
  EXPECT_LE(took_s, 6.0 + kLoadedMachineS) << said;
  // What has obeyed may take its own dead time to show it.
  EXPECT_TRUE(eventually([&] { return all_at_rest(); }, seconds(5))) << said << truth().dump(1);
  EXPECT_EQ(run(park), 0);
  EXPECT_NE(said.find("nothing to do"), std::string::npos) << said;
}

TEST_F(DaemonFaults, another_machine_at_the_address_is_never_commanded) {
  start_house();
  write("sluice.yaml", configuration("02:00:00:00:00:99"));
  start_daemon();
  ASSERT_TRUE(eventually([&] { return miner(0).value("identity", "") == "wrong"; }));
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > 100; }));
  EXPECT_EQ(truth().at("miners")[0].at("commands"), 0);
  EXPECT_EQ(miner(0).at("reason"), "wrong_identity");
  EXPECT_NE(log().find("it is never commanded"), std::string::npos);
}

TEST_F(DaemonFaults, a_lost_grid_puts_everything_to_sleep) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"device", "grid"}, {"kind", "lost"}});
  EXPECT_TRUE(eventually([&] { return miner(0).value("reason", "") == "grid_lost" && all_at_rest(); }));
}

TEST_F(DaemonFaults, a_silent_miner_is_said_once_and_the_rest_goes_on) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"miner", "s19j"}, {"kind", "refused"}});
  ASSERT_TRUE(eventually([&] { return miner(1).value("link", "") == "down"; }));
  const int ticks = status()->at("ticks");
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > ticks + 100; }));
  EXPECT_EQ(miner(0).at("link"), "up");
  const std::string text = log();
  const auto first = text.find("s19j: does not answer");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("s19j: does not answer", first + 1), std::string::npos);
  ask_house("POST", "/clear", "{}");
  EXPECT_TRUE(eventually([&] { return miner(1).value("identity", "") == "accepted"; }));
}

TEST_F(DaemonFaults, a_refused_password_is_said_once_and_the_rest_goes_on) {
  start_house();
  std::string wrong = configuration();
  const std::string right = "{value: admin}";
  ASSERT_NE(wrong.find(right), std::string::npos);
  write("sluice.yaml", wrong.replace(wrong.find(right), right.size(), "{value: hunter2}"));
  start_daemon();
  ASSERT_TRUE(eventually([&] { return log().find("s19j: refuses the password") != std::string::npos; }));
  ASSERT_TRUE(eventually([&] { return truth().at("miners")[0].at("commands").get<int>() > 0; }));
  const int ticks = status()->at("ticks");
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > ticks + 60; }));
  EXPECT_EQ(truth().at("miners")[1].at("commands"), 0);
  const std::string text = log();
  const auto first = text.find("s19j: refuses the password");
  EXPECT_EQ(text.find("s19j: refuses the password", first + 1), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << "and never what it was";
}

TEST_F(DaemonFaults, a_rebooted_miner_comes_back_under_control) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"miner", "s19k"}, {"kind", "reboot"}});
  ASSERT_TRUE(eventually([&] { return miner(0).value("identity", "") != "accepted"; }));
  EXPECT_TRUE(eventually([&] { return miner(0).value("identity", "") == "accepted"; }));
}

TEST_F(DaemonFaults, a_lying_miner_is_counted_by_the_meter_and_alarmed) {
  speed = 20;
  // The load steps up and down, so that the miner has to step, and each step is seen at the meter.
  const auto stairs = [](int s) { return s % 160 < 80 ? 300.0 : 1000.0; };
  start_house_with_load(3000.0, 1200, stairs, "  - {name: s21, plant: luxos-target, start: running, target_w: 2000}\n");
  inject({{"miner", "s21"}, {"kind", "lying"}, {"gain", 0.4}});
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return has(miner(0).value("alarms", json::array()), "miner_lying"); })) << miner(0);
  // What it says changes nothing: the load's next low second finds the house balanced within the meter's noise.
  EXPECT_TRUE(eventually([&] {
    const json belief = miner(0), now = truth();
    const double phase_s = std::fmod(now.at("elapsed_s").get<double>(), 80.0);
    return phase_s > 30.0 && phase_s < 40.0 && std::fabs(now.at("grid_w").get<double>()) < 30.0 &&
           belief.at("reported_w").get<double>() < 0.5 * now.at("miners")[0].at("power_w").get<double>();
  })) << truth();
}

TEST_F(DaemonFaults, a_lost_command_is_sent_again) {
  // It draws 600 W too much, and the cut is lost on its way however often it is sent.
  start_house_with_load(
      2600.0, 900, [](int) { return 900.0; }, "  - {name: s21, plant: luxos-target, start: running, target_w: 2300}\n");
  inject({{"miner", "s21"}, {"kind", "drop_commands"}});
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] {
    const json command = miner(0).value("command", json());
    return command.is_object() && command.at("status") == "acknowledged";
  }));
  EXPECT_GT(truth().at("grid_w").get<double>(), 400.0);
  ask_house("POST", "/clear", "{}");
  // It may have been put to sleep meanwhile, as one that does not follow.
  EXPECT_TRUE(eventually([&] { return std::fabs(truth().at("grid_w").get<double>()) < 30.0; }, seconds(60))) << truth();
  EXPECT_FALSE(has(miner(0).value("alarms", json::array()), "miner_manual_override")) << "nobody else commands it";
}

#ifdef WALL_STEP
// On the machine's own clocks, so in real time.
TEST_F(DaemonFaults, a_date_that_is_set_hours_forwards_or_back_disturbs_nothing) {
  speed = 1;
  start_house_with_load(
      2600.0, 300, [](int) { return 900.0; }, "  - {name: s21, plant: luxos-target, start: running, target_w: 1900}\n");
  write("sluice.yaml", configuration());
  std::vector<std::string> command{"/usr/bin/env", std::string("LD_PRELOAD=") + WALL_STEP,
                                   "SLUICE_WALL_STEP_FILE=" + file("step")};
  for (const std::string& word : std::vector<std::string>{program("sluiced"), "--config", file("sluice.yaml"),
                                                          "--state-dir", file(""), "--socket", file("sock")}) {
    command.push_back(word);
  }
  auto started = cmd::Child::start(command, file("sluiced.log"), false);
  ASSERT_TRUE(started);
  daemon = std::move(*started);
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return std::fabs(truth().at("grid_w").get<double>()) < 30.0; }));
  for (const std::int64_t step_s : {5 * 3600, -9 * 3600}) {
    SCOPED_TRACE(step_s);
    const json before = *status();
    const MonoTime at = clock.now();
    write("step.new", std::to_string(step_s));
    std::filesystem::rename(file("step.new"), file("step"));
    ASSERT_TRUE(eventually([&] { return status()->at("ticks") >= before.at("ticks").get<int>() + 4; }));
    const json after = *status();
    const double date_moved_s = (after.at("unix_ms").get<double>() - before.at("unix_ms").get<double>()) / 1000.0;
    EXPECT_GT(std::fabs(date_moved_s), 3600.0) << "the date was set";
    EXPECT_LE(after.at("ticks").get<int>() - before.at("ticks").get<int>(), to_seconds(clock.now() - at) + 3.0);
    EXPECT_LT(after.at("grid_age_s").get<double>(), 60.0);
    EXPECT_TRUE(after.at("alarms").empty()) << after;
    EXPECT_EQ(truth().at("miners")[0].at("state"), "running");
    EXPECT_LT(std::fabs(truth().at("grid_w").get<double>()), 60.0);
  }
}
#endif

/// One command as another program sends it.
json tell_luxos(const json& where, const std::string& command, const std::string& parameter) {
  io::SystemClock clock;
  io::LanNetworkFactory network(clock);
  const auto door = network.make();
  door->begin();
  ports::TcpExchange exchange;
  exchange.peer = {where.at("host"), where.at("port").get<std::uint16_t>(), {}, {}, true};
  exchange.send = json{{"command", command}, {"parameter", parameter}}.dump();
  const auto reply = door->exchange(exchange, clock.now() + seconds(2));
  if (!reply) return json::object();
  return json::parse(reply->c_str(), nullptr, false);
}

TEST_F(DaemonFaults, another_commander_is_left_alone_and_named) {
  start_house(
      "name: two masters\ntrace: constant\nconstant_pv_w: 3000\nconstant_load_w: 400\nminers:\n"
      "  - {name: s21, plant: luxos-target, start: running, target_w: 2600}\n");
  // A calm daemon: the write session is held while targets change, and who holds it is alone.
  write("sluice.yaml", configuration() + "control: {constraints: {change_cost_wh: 5}}\n");
  start_daemon();
  ASSERT_TRUE(driving());
  const json& where = told.at("miners")[0];
  const auto told_otherwise = [&] {
    const json session = tell_luxos(where, "logon", "");
    if (!session.is_object() || !session.contains("SESSION")) return;
    const std::string id = session.at("SESSION")[0].at("SessionID");
    tell_luxos(where, "powertargetset", id + ",power=1500");
    tell_luxos(where, "logoff", id);
  };
  MonoTime next = clock.now();
  ASSERT_TRUE(eventually(
      [&] {
        if (clock.now() >= next) {  // every five simulated seconds: the API shuts out who asks too often
          told_otherwise();
          next = clock.now() + milliseconds(500);
        }
        return miner(0).value("reason", "") == "manual_override";
      },
      seconds(120)))
      << "the daemon gives the write session back now and then only";
  EXPECT_TRUE(has(miner(0).at("alarms"), "miner_manual_override")) << miner(0);
  EXPECT_EQ(run({program("sluice"), "why", "s21", "--json", "--socket", file("sock")}), 0);
  EXPECT_NE(said.find("manual_override"), std::string::npos) << said;
  const int ticks = status()->at("ticks");
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > ticks + 10; })) << "what was on its way";
  const int commands = truth().at("miners")[0].at("commands");
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > ticks + 70; }));
  EXPECT_EQ(truth().at("miners")[0].at("commands"), commands);
  EXPECT_NEAR(truth().at("miners")[0].at("target_w").get<double>(), 1500.0, 5.0);
}

TEST_F(DaemonFaults, a_miner_without_a_pool_is_put_to_sleep_after_ten_minutes) {
  speed = 20;
  start_house();
  write("sluice.yaml", configuration());
  inject({{"miner", "s19j"}, {"kind", "pool_dead"}});
  start_daemon();
  ASSERT_TRUE(eventually([&] { return miner(1).value("reason", "") == "pool_dead"; }, seconds(60)));
  EXPECT_GE(truth().at("elapsed_s").get<double>(), 600.0);
  EXPECT_TRUE(has(miner(1).at("alarms"), "miner_pool_dead")) << miner(1);
  EXPECT_TRUE(eventually([&] {
    const std::string state = truth().at("miners")[1].at("state");
    return state == "asleep" || state == "stopping";
  }));
  EXPECT_EQ(truth().at("miners")[0].at("state"), "running") << "the other one goes on";
}

TEST_F(DaemonFaults, the_ledger_of_a_killed_daemon_goes_on_and_every_watt_hour_has_one_source) {
  speed = 20;
  start_house();
  write("sluice.yaml", configuration());
  const auto mined_kwh = [&] {
    const auto now = status();
    return now ? now->at("ledger").at("mined_kwh").get<double>() : 0.0;
  };
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return mined_kwh() > 0.1; })) << log();
  daemon->send_signal(SIGKILL);
  ASSERT_TRUE(daemon->wait(5'000));
  const double killed_at_s = truth().at("elapsed_s").get<double>();
  start_daemon();
  ASSERT_TRUE(eventually([&] { return mined_kwh() > 0.3; })) << log();
  daemon->send_signal(SIGTERM);
  ASSERT_TRUE(daemon->wait(15'000));
  const double lived_s = truth().at("elapsed_s").get<double>();
  std::printf("killed at %.0f s of %.0f s\n", killed_at_s, lived_s);

  EXPECT_EQ(run({program("sluice"), "ledger", "verify", "--json", "--state-dir", file("")}), 0) << said;
  const json verdict = json::parse(said);
  EXPECT_TRUE(verdict.at("ok")) << said;
  EXPECT_TRUE(verdict.at("head_kept_apart")) << said;
  EXPECT_GT(verdict.at("entries"), 0);
  EXPECT_EQ(run({program("sluice"), "ledger", "show", "--count", "1000", "--json", "--state-dir", file("")}), 0);
  std::int64_t mined = 0, sources = 0, covered_ms = 0, gap_ms = 0;
  for (const json& entry : json::parse(said)) {
    mined += entry.value("mined_uwh", std::int64_t{0});
    for (const char* source : {"curtailed_uwh", "export_avoided_uwh", "battery_uwh", "grid_uwh", "unknown_uwh"}) {
      sources += entry.value(source, std::int64_t{0});
    }
    covered_ms += entry.value("covered_ms", std::int64_t{0});
    gap_ms += entry.value("gap_ms", std::int64_t{0});
  }
  EXPECT_GT(mined, 300'000'000);
  EXPECT_EQ(sources, mined) << "to the last millionth of a watt-hour";
  EXPECT_GT(gap_ms, 0) << "the time between";
  EXPECT_LE(static_cast<double>(covered_ms + gap_ms) / 1000.0, lived_s) << "no second is counted twice";
  EXPECT_EQ(run({program("sluice"), "report", "--json", "--state-dir", file("")}), 0) << said;
  const json total = json::parse(said).at("total");
  EXPECT_NEAR(total.at("mined_kwh").get<double>(), static_cast<double>(mined) / 1e9, 1e-9);
  // A tenth of a per cent, and a count of each counter for each of the two lives.
  const json meter = total.at("meter");
  EXPECT_LE(meter.at("unexplained_wh").get<double>(), 0.001 * meter.at("counter_wh").get<double>() + 4.0) << meter;
  std::printf("%s\n", meter.dump().c_str());
}

TEST_F(DaemonFaults, a_ledger_that_cannot_be_written_is_said_and_control_goes_on) {
  start_house();
  write("sluice.yaml", configuration());
  std::filesystem::create_directory(file("ledger.db"));
  std::filesystem::create_directory(file("ledger.open"));
  start_daemon();
  ASSERT_TRUE(driving()) << log();
  EXPECT_TRUE(eventually([&] { return truth().at("miners")[0].at("commands").get<int>() > 0; }));
  EXPECT_TRUE(
      eventually([&] { return log().find("the ledger is not written, control goes on") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return status()->at("ledger").at("degraded") != ""; }));
}

TEST_F(DaemonFaults, a_state_that_cannot_be_kept_is_said_and_control_goes_on) {
  start_house();
  write("sluice.yaml", configuration());
  // Folders where the files should be: whatever the rights of this process, they cannot be written.
  std::filesystem::create_directory(file("state.db"));
  std::filesystem::create_directory(file("history.db"));
  start_daemon();
  ASSERT_TRUE(driving()) << log();
  EXPECT_TRUE(eventually([&] { return truth().at("miners")[0].at("commands").get<int>() > 0; }));
  EXPECT_NE(log().find("state.db"), std::string::npos) << log();
  EXPECT_TRUE(eventually([&] { return log().find("history.db") != std::string::npos; })) << log();
  EXPECT_NE(status()->at("history_degraded"), "");
}

}  // namespace
}  // namespace sluice::test
