/// The daemon and the command line against the emulated house.

#include <gtest/gtest.h>
#include <signal.h>

#include "household.hpp"

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
  EXPECT_EQ(run(with_paths(
                {program("sluice"), "park", "--if-unclean", "--config", file("sluice.yaml"), "--state-dir", file("")})),
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
  const std::vector<std::string> rest{"--json", "--socket", file("sock"), "--config", file("sluice.yaml")};
  for (const std::string name : {"inverter", "s19k"}) {
    std::vector<std::string> command = with_paths({program("sluice"), "probe", name});
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

}  // namespace
}  // namespace sluice::test
