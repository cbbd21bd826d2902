// A plain client against the emulated LuxOS: what the vendor's documents and captures say it does, traps included.
#include "house/firmware/luxos.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fake_door.hpp"
#include "tcp_client.hpp"

namespace sluice::house {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LuxosTest : public ::testing::Test {
 protected:
  LuxosTest() {
    options_.port = 0;
    options_.connect_burst = 1000;  // the tests of the limit lower it
  }

  void start() {
    auto server = make_luxos_server(door_, clock_, options_);
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(*server);
  }
  Exchange raw(const std::string& text, int limit_ms = 5000) { return talk(server_->port(), text, limit_ms); }
  json ask(const std::string& command, const std::string& parameter = "") {
    json request = {{"command", command}};
    if (!parameter.empty()) request["parameter"] = parameter;
    return json::parse(raw(request.dump()).received, nullptr, false);
  }
  static std::string status(const json& reply) { return reply.at("STATUS").at(0).at("STATUS"); }
  static int code(const json& reply) { return reply.at("STATUS").at(0).at("Code"); }
  static std::string message(const json& reply) { return reply.at("STATUS").at(0).at("Msg"); }
  std::string logon() { return ask("logon").at("SESSION").at(0).at("SessionID"); }
  json write(const std::string& command, const std::string& rest) {
    const std::string session = logon();
    const json reply = ask(command, session + (rest.empty() ? "" : "," + rest));
    ask("logoff", session);
    return reply;
  }

  FakeDoor door_;
  ManualClock clock_;
  LuxosOptions options_;
  std::unique_ptr<MinerServer> server_;
};

TEST_F(LuxosTest, AnswersOneCommandAndCloses) {
  start();
  const Exchange exchange = raw(R"({"command":"power"})");
  EXPECT_TRUE(exchange.closed);
  const json reply = json::parse(exchange.received);
  EXPECT_EQ(status(reply), "S");
  EXPECT_EQ(code(reply), 311);
  EXPECT_EQ(reply["STATUS"][0]["When"], 1760003600);
  EXPECT_NE(reply["STATUS"][0]["Description"].get<std::string>().find("LUXminer"), std::string::npos);
  EXPECT_EQ(reply["POWER"][0]["Watts"], 1051) << "what the firmware believes, not the profile table";
  EXPECT_EQ(reply["POWER"][0]["PSU"], false);
  EXPECT_EQ(reply["id"], 1);
}

TEST_F(LuxosTest, TakesARequestInPiecesWithALineEnd) {
  start();
  EXPECT_EQ(code(json::parse(raw("{\"command\": \n \"power\"}\r\n").received)), 311);
}

TEST_F(LuxosTest, AppendsANulWhereAsked) {
  options_.trailing_nul = true;
  start();
  EXPECT_EQ(raw(R"({"command":"power"})").received.back(), '\0');
}

TEST_F(LuxosTest, TellsWhoItIs) {
  start();
  const json version = ask("version");
  EXPECT_EQ(code(version), 22);
  EXPECT_EQ(version["VERSION"][0]["API"], "3.7");
  EXPECT_EQ(version["VERSION"][0]["Type"], "Antminer S19k Pro");
  EXPECT_EQ(version["VERSION"][0]["LUXminer"], options_.version);
  const json config = ask("config")["CONFIG"][0];
  EXPECT_EQ(config["MACAddr"], "02:00:00:00:10:01");
  EXPECT_EQ(config["SerialNumber"], "HOUSE0001");
  EXPECT_EQ(config["Profile"], "290MHz");
  EXPECT_EQ(config["ProfileStep"], "-12") << "a string";
  EXPECT_EQ(config["CurtailMode"], "None");
  EXPECT_FALSE(config.contains("IsPowerTargetSupported")) << "absent means not supported";
}

TEST_F(LuxosTest, UnitsDifferByCommand) {
  start();
  EXPECT_DOUBLE_EQ(ask("summary")["SUMMARY"][0]["GHS 5s"], 59800.0);
  EXPECT_DOUBLE_EQ(ask("profiles")["PROFILES"][4]["Hashrate"], 59.8);
  const json stats = ask("stats")["STATS"];
  EXPECT_EQ(stats[0]["Type"], "Antminer S19k Pro");
  EXPECT_TRUE(stats[1]["chain_rate1"].is_string());
  EXPECT_EQ(stats[1]["rate_unit"], "GH");
  const json devs = ask("devs")["DEVS"];
  EXPECT_EQ(devs[0]["ID"], 2) << "not in the order of the boards";
  double sum = 0.0;
  for (const json& dev : devs) sum += dev["MHS 5s"].get<double>();
  EXPECT_NEAR(sum, 59.8e6, 1.0);
}

TEST_F(LuxosTest, ListsTheCapturedProfiles) {
  start();
  const json profiles = ask("profiles")["PROFILES"];
  ASSERT_EQ(profiles.size(), 25u);
  EXPECT_EQ(profiles[4]["Profile Name"], "290MHz");
  EXPECT_EQ(profiles[4]["Step"], "-12");
  EXPECT_EQ(profiles[4]["Watts"], 1188);
  EXPECT_EQ(profiles[16]["Profile Name"], "default");
  EXPECT_EQ(profiles[16]["Watts"], 2794);
  EXPECT_EQ(profiles[24]["Watts"], 4195);
  for (std::size_t i = 1; i < profiles.size(); ++i) {
    EXPECT_GT(profiles[i]["Watts"].get<int>(), profiles[i - 1]["Watts"].get<int>());
  }
  const json one = ask("profileget", "290MHz");
  EXPECT_EQ(one["PROFILE"].size(), 1u);
  EXPECT_EQ(one["PROFILE"][0]["Watts"], 1188);
  EXPECT_EQ(status(ask("profileget", "291MHz")), "E");
}

TEST_F(LuxosTest, ScalesTheCaptureToTheMiner) {
  door_.change([](MinerView& view) {
    view.max_target = Watts(3250);
    view.max_hashrate = TeraHashes(140);
  });
  start();
  const json profiles = ask("profiles")["PROFILES"];
  ASSERT_EQ(profiles.size(), 25u);
  EXPECT_EQ(profiles[16]["Profile Name"], "default");
  EXPECT_EQ(profiles[16]["Watts"], 3250);
  EXPECT_DOUBLE_EQ(profiles[16]["Hashrate"], 140.0);
  EXPECT_EQ(profiles[0]["Watts"], 912);
}

TEST_F(LuxosTest, MakesProfilesOfTheMinersOwnLevels) {
  door_.change([](MinerView& view) {
    view.levels = {{Watts(1000), TeraHashes(50)}, {Watts(1400), TeraHashes(70)}, {Watts(3500), TeraHashes(140)}};
    view.max_target = Watts(1400);
    view.target = Watts(1000);
  });
  start();
  const json profiles = ask("profiles")["PROFILES"];
  ASSERT_EQ(profiles.size(), 3u);
  EXPECT_EQ(profiles[1]["Profile Name"], "default");
  EXPECT_EQ(profiles[2]["Step"], "1") << "above the miner's own maximum: overclock";
  EXPECT_EQ(code(write("profileset", "default")), 321);
  EXPECT_EQ(door_.view().target, Watts(1400));
}

TEST_F(LuxosTest, JoinedCommandsNestCompleteReplies) {
  start();
  const json reply = ask("summary+power+config");
  EXPECT_EQ(code(reply["power"][0]), 311);
  EXPECT_EQ(reply["power"][0]["POWER"][0]["Watts"], 1051);
  EXPECT_EQ(reply["summary"][0]["SUMMARY"].size(), 1u);
  EXPECT_EQ(reply["config"][0]["CONFIG"].size(), 1u);
}

TEST_F(LuxosTest, AnswersEveryReadOfAController) {
  start();
  for (const char* command : {"version", "config", "power", "summary", "stats", "devs", "profiles", "atm", "limits",
                              "temps", "fans", "pools", "groups", "events", "session", "tunerstatus", "tempctrl"}) {
    const json reply = ask(command);
    EXPECT_EQ(status(reply), "S") << command;
    EXPECT_GE(reply.size(), 3u) << command << " brings data";
  }
  EXPECT_EQ(code(ask("nonsense")), 14);
  EXPECT_EQ(status(json::parse(raw("{\"command\":7}").received)), "E");
}

TEST_F(LuxosTest, TheSessionIsALockThatTimesOut) {
  start();
  EXPECT_EQ(ask("session")["SESSION"][0]["SessionID"], "");
  const std::string session = logon();
  EXPECT_EQ(session.size(), 8u);
  EXPECT_EQ(ask("session")["SESSION"][0]["SessionID"], session) << "anybody is told";
  const json second = ask("logon");
  EXPECT_EQ(status(second), "E");
  EXPECT_EQ(code(second), 402);
  clock_.advance(59s);
  EXPECT_EQ(code(ask("ledset", session + ",red,on")), 315) << "and this use renews it";
  clock_.advance(59s);
  EXPECT_EQ(code(ask("logon")), 402);
  clock_.advance(61s);
  ASSERT_TRUE(eventually([&] { return ask("session")["SESSION"][0]["SessionID"] == ""; }));
  EXPECT_EQ(code(ask("curtail", session + ",sleep")), 408);
  EXPECT_EQ(door_.view().state, MinerState::running);
  EXPECT_NE(logon(), session);
}

TEST_F(LuxosTest, LogoffAndKillEndASession) {
  start();
  const std::string session = logon();
  EXPECT_EQ(code(ask("logoff", "wrong123")), 408);
  EXPECT_EQ(status(ask("logoff", session)), "S");
  logon();
  EXPECT_EQ(status(ask("kill")), "S") << "without a session of one's own";
  EXPECT_EQ(logon().size(), 8u);
}

TEST_F(LuxosTest, WritesNeedTheSessionFirst) {
  start();
  const json none = ask("profileset");
  EXPECT_EQ(code(none), 400);
  EXPECT_EQ(message(none), "Missing parameter: session_id");
  const json wrong = ask("profileset", "290MHz");
  EXPECT_EQ(code(wrong), 408);
  EXPECT_EQ(message(wrong), "Invalid field 'session_id'");
}

TEST_F(LuxosTest, SleepsAndWakes) {
  start();
  const json sleep = write("curtail", "sleep");
  EXPECT_EQ(code(sleep), 335);
  EXPECT_EQ(sleep["CURTAIL"][0]["Action"], "sleep mode");
  EXPECT_EQ(door_.view().state, MinerState::asleep);
  const json config = ask("config")["CONFIG"][0];
  EXPECT_EQ(config["CurtailMode"], "Sleep");
  EXPECT_EQ(config["IsPowerSupplyOn"], false);
  EXPECT_EQ(ask("devs")["DEVS"][0]["Status"], "Alive") << "a sleeping board says so all the same";
  EXPECT_EQ(ask("devs")["DEVS"][0]["MHS 5s"], 0.0);
  const json again = write("curtail", "sleep");
  EXPECT_EQ(status(again), "E");
  EXPECT_NE(message(again).find("already"), std::string::npos);
  const json wake = write("curtail", "wakeup,mode=unsafe");
  EXPECT_EQ(wake["CURTAIL"][0]["Action"], "wake up");
  EXPECT_EQ(door_.view().state, MinerState::running);
  EXPECT_NE(message(write("curtail", "wakeup")).find("already"), std::string::npos);
  EXPECT_EQ(code(write("curtail", "wakeup,mode=fast")), 401);
}

TEST_F(LuxosTest, SetsAProfileByEverySelector) {
  start();
  struct Row {
    const char* selector;
    double watts;
  };
  for (const Row& row : {Row{"490MHz", 2192}, Row{"1200W", 1188}, Row{"1.42kW", 1414}, Row{"60.0THs", 1188},
                         Row{"+2", 1414}, Row{"-2", 1188}, Row{"2,340MHz", 1414}, Row{"390MHz,0.1,5", 1657}}) {
    const json reply = write("profileset", row.selector);
    ASSERT_EQ(code(reply), 321) << row.selector << reply;
    EXPECT_EQ(door_.view().target, Watts(row.watts)) << row.selector;
    EXPECT_EQ(reply["PROFILE"].size(), 3u);
    EXPECT_EQ(reply["PROFILE"][0]["Profile"], ask("config")["CONFIG"][0]["Profile"]);
  }
  const json wrong = write("profileset", "777MHz");
  EXPECT_EQ(code(wrong), 401);
  EXPECT_EQ(message(wrong), "Invalid profile value");
  EXPECT_EQ(code(write("profileset", "100W")), 401) << "below the lowest";
  for (const char* bad : {"+99999999999999", "-", "+1.5", "W", "nanW", "12 W"}) {
    EXPECT_EQ(code(write("profileset", bad)), 401) << bad;
  }
  EXPECT_EQ(message(write("profileset", "")), "Missing parameter: profile");
  EXPECT_EQ(door_.view().target, Watts(1657));
}

TEST_F(LuxosTest, SleepingMinersMayRefuseProfiles) {
  options_.refuses_profile_while_asleep = true;
  start();
  door_.sleep();
  EXPECT_EQ(status(write("profileset", "490MHz")), "E");
  EXPECT_EQ(door_.view().target, Watts(1188));
}

TEST_F(LuxosTest, AtmBlocksProfiles) {
  options_.atm_enabled = true;
  start();
  EXPECT_EQ(ask("atm")["ATM"][0]["Enabled"], true);
  const json blocked = write("profileset", "490MHz");
  EXPECT_EQ(status(blocked), "E");
  EXPECT_EQ(message(blocked), "Cannot run this command while ATM is running");
  EXPECT_EQ(door_.view().target, Watts(1188));

  EXPECT_EQ(code(write("atmset", "enabled=false")), 340);
  EXPECT_EQ(code(write("profileset", "490MHz")), 321);
  EXPECT_EQ(code(write("atmset", "enabled=true,max_profile=490MHz")), 340);
  EXPECT_EQ(ask("atm")["ATM"][0]["MaxProfile"], "490MHz");
  EXPECT_EQ(code(write("profileset", "290MHz,update_atm=true")), 321);
  EXPECT_EQ(door_.view().target, Watts(1188));
  EXPECT_EQ(code(write("atmset", "max_profile=")), 340) << "empty is no bound";
  EXPECT_EQ(code(write("atmset", "max_profile=-2")), 340) << "relative is allowed";
  EXPECT_EQ(code(write("atmset", "max_profile=777MHz")), 401);
  EXPECT_EQ(message(write("atmset", "490MHz")), "Invalid key/value format");
}

TEST_F(LuxosTest, AtmRaisesTheProfileToItsCapByItself) {
  options_.atm_enabled = true;
  options_.atm_blocks_profileset = false;
  start();
  EXPECT_EQ(code(write("atmset", "max_profile=490MHz")), 340);
  EXPECT_EQ(code(write("profileset", "290MHz")), 321);
  EXPECT_EQ(door_.view().target, Watts(1188)) << "at once";
  clock_.advance(6min);
  EXPECT_TRUE(eventually([&] { return door_.view().target == Watts(2192); })) << "and later ATM takes it back";
}

TEST_F(LuxosTest, PowerTargetsWhereSupported) {
  start();
  EXPECT_EQ(code(write("powertargetset", "power=1500")), 14);
  server_->stop();
  options_.power_target_supported = true;
  start();
  const json config = ask("config")["CONFIG"][0];
  EXPECT_EQ(config["IsPowerTargetSupported"], true);
  EXPECT_EQ(ask("limits")["LIMITS"][0]["PowerTargetMin"], 784);
  EXPECT_EQ(ask("limits")["LIMITS"][0]["PowerTargetMax"], 2794);
  EXPECT_EQ(status(write("powertargetset", "power=1500")), "S");
  EXPECT_EQ(door_.view().target, Watts(1500));
  EXPECT_EQ(ask("config")["CONFIG"][0]["IdealPowerTarget"], 1500);
  EXPECT_EQ(message(write("powertargetset", "1600")), "Invalid key/value format");
  EXPECT_EQ(message(write("powertargetset", "power=5000")), "Invalid power value");
  EXPECT_EQ(door_.view().target, Watts(1500));
}

TEST_F(LuxosTest, RebootsWithoutAReply) {
  start();
  const std::string session = logon();
  const Exchange exchange = raw(json{{"command", "rebootdevice"}, {"parameter", session}}.dump());
  EXPECT_EQ(exchange.received, "");
  EXPECT_FALSE(door_.view().booted);
  EXPECT_TRUE(eventually([&] { return !raw("{}").connected; })) << "a restarting board has no open port";
  door_.change([](MinerView& view) { view.booted = true; });
  ASSERT_TRUE(eventually([&] { return raw(R"({"command":"power"})").connected; }));
  EXPECT_EQ(ask("session")["SESSION"][0]["SessionID"], "") << "sessions do not survive";
}

TEST_F(LuxosTest, HurriedClientsAreRefusedForAWhile) {
  options_.connect_burst = 3;
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(ask("power")), 311) << i;
  EXPECT_EQ(raw(R"({"command":"power"})").received, "") << "the fourth in no time";
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").connected; }));
  clock_.advance(29s);
  EXPECT_EQ(raw(R"({"command":"power"})").received, "");
  clock_.advance(2s);
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").received.empty(); }));
}

TEST_F(LuxosTest, PoliteClientsAreNeverRefused) {
  options_.connect_burst = 3;
  start();
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(code(ask("power")), 311) << i;
    clock_.advance(1s);
  }
}

TEST_F(LuxosTest, VoltagegetWithoutABoardStallsEverything) {
  start();
  EXPECT_EQ(code(ask("voltageget", "1,true")), 307);
  EXPECT_EQ(raw(R"({"command":"voltageget"})").received, "");
  const Exchange waiting = raw(R"({"command":"power"})", 200);
  EXPECT_TRUE(waiting.connected);
  EXPECT_FALSE(waiting.closed) << "no answer";
  clock_.advance(13s);
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").connected; })) << "then refusals";
  clock_.advance(31s);
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").received.empty(); }));
}

TEST_F(LuxosTest, FaultsOfTheWire) {
  start();
  door_.break_with([](MinerFaults& faults) { faults.garbage = true; });
  EXPECT_TRUE(json::parse(raw(R"({"command":"power"})").received, nullptr, false).is_discarded());
  door_.break_with([](MinerFaults& faults) { faults = {.silent = true}; });
  const Exchange silent = raw(R"({"command":"power"})", 200);
  EXPECT_TRUE(silent.connected);
  EXPECT_FALSE(silent.closed);
  EXPECT_EQ(silent.received, "");
  door_.break_with([](MinerFaults& faults) { faults = {.delay = 300ms}; });
  EXPECT_FALSE(raw(R"({"command":"power"})", 100).closed) << "too early";
  EXPECT_EQ(code(ask("power")), 311);
  door_.break_with([](MinerFaults& faults) { faults = {.refuse_connections = true}; });
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").connected; }));
  door_.break_with([](MinerFaults& faults) { faults = {}; });
  EXPECT_TRUE(eventually([&] { return !raw(R"({"command":"power"})").received.empty(); }));
}

TEST_F(LuxosTest, FaultsOfTheMiner) {
  start();
  door_.break_with([](MinerFaults& faults) { faults.drop_commands = true; });
  EXPECT_EQ(code(write("profileset", "490MHz")), 321) << "acknowledged";
  EXPECT_EQ(door_.view().target, Watts(1188)) << "and not done";
  door_.break_with([](MinerFaults& faults) { faults = {.reject_commands = true}; });
  EXPECT_EQ(status(write("profileset", "490MHz")), "E");
  EXPECT_EQ(door_.view().target, Watts(1188));
  door_.break_with([](MinerFaults& faults) { faults = {.reject_password = true}; });
  EXPECT_EQ(code(ask("logon")), 402);
  door_.break_with([](MinerFaults& faults) { faults = {.ignore_sleep = true}; });
  EXPECT_EQ(code(write("curtail", "sleep")), 335);
  EXPECT_EQ(door_.view().state, MinerState::running);
}

TEST_F(LuxosTest, StopsAtOnceWithClientsConnected) {
  start();
  door_.break_with([](MinerFaults& faults) { faults.silent = true; });
  const std::uint16_t port = server_->port();
  std::thread client([port] { talk(port, R"({"command":"power"})", 5000); });
  ASSERT_FALSE(talk(port, R"({"command":"power"})", 50).closed);
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  client.join();
  EXPECT_FALSE(talk(port, "{}").connected);
}

TEST_F(LuxosTest, SaysWhichPortIsTaken) {
  start();
  LuxosOptions same = options_;
  same.port = server_->port();
  const auto second = make_luxos_server(door_, clock_, same);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::io);
  EXPECT_NE(second.error().text.find(std::to_string(same.port)), std::string::npos) << second.error().text;
  same.address = "not an address";
  EXPECT_EQ(make_luxos_server(door_, clock_, same).error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace sluice::house
