// A plain HTTP client against the emulated VNish, 1.2.6 and 1.3.4: what the device's schema, clients and users say.
#include "house/firmware/vnish.hpp"

#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>

#include "fake_door.hpp"
#include "tcp_client.hpp"

namespace sluice::house {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class VnishTest : public ::testing::Test {
 protected:
  VnishTest() {
    options_.port = options_.cgminer_port = 0;
    door_.name({"Antminer S19", "02:00:00:00:10:02", "HOUSE0002", "house-vnish"});
    door_.change([](MinerView& view) {
      view.target = Watts(1500.0);
      view.reported_power = Watts(1530.0);
      view.hashrate = view.nominal_hashrate = TeraHashes(63.0);
      view.max_target = Watts(3350.0);
      view.levels = {{Watts(1100), TeraHashes(53)},
                     {Watts(1500), TeraHashes(63)},
                     {Watts(2100), TeraHashes(78)},
                     {Watts(3350), TeraHashes(105)},
                     {Watts(4690), TeraHashes(124)}};
    });
  }

  void start() {
    auto server = make_vnish_server(door_, clock_, options_);
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(*server);
    http_ = std::make_unique<httplib::Client>("127.0.0.1", server_->port());
    http_->set_keep_alive(true);
    http_->set_read_timeout(5s);
  }
  void unlock() {
    const auto response = http_->Post("/api/v1/unlock", R"({"pw":"admin"})", "application/json");
    ASSERT_TRUE(response);
    ASSERT_EQ(response->status, 200);
    token_ = json::parse(response->body)["token"];
  }
  httplib::Headers headers() const { return {{"Authorization", "Bearer " + token_}}; }
  httplib::Result get(const std::string& path) { return http_->Get("/api/v1" + path, headers()); }
  json read(const std::string& path) {
    const auto response = get(path);
    return response && response->status == 200 ? json::parse(response->body) : json(response ? response->status : 0);
  }
  httplib::Result post(const std::string& path, const std::string& body = "") {
    return http_->Post("/api/v1" + path, headers(), body, "application/json");
  }
  json change(const json& settings) {
    const auto response = post("/settings", settings.dump());
    return response && response->status == 200 ? json::parse(response->body) : json(response ? response->status : 0);
  }
  static json preset(const std::string& name) { return {{"miner", {{"overclock", {{"preset", name}}}}}}; }
  json cgminer(const std::string& command) {
    return json::parse(talk(server_->cgminer_port(), json{{"command", command}}.dump()).received, nullptr, false);
  }

  FakeDoor door_;
  ManualClock clock_;
  VnishOptions options_;
  std::unique_ptr<MinerServer> server_;
  std::unique_ptr<httplib::Client> http_;
  std::string token_;
};

class Vnish12Test : public VnishTest {
 protected:
  Vnish12Test() { options_.version = "1.2.6"; }
};

TEST_F(VnishTest, TellsWhoItIsWithoutAToken) {
  start();
  const json info = read("/info");
  EXPECT_EQ(info["fw_name"], "Vnish");
  EXPECT_EQ(info["fw_version"], "1.3.4");
  EXPECT_EQ(info["serial"], "HOUSE0002");
  EXPECT_EQ(info["hr_measure"], "GH/s");
  EXPECT_EQ(info["system"]["network_status"]["mac"], "02:00:00:00:10:02");
  EXPECT_EQ(info["system"]["uptime"], "2:00");
  EXPECT_NE(http_->Get("/")->body.find("AnthillOS"), std::string::npos);
  EXPECT_EQ(http_->Get("/api/v1/nonsense")->status, 404);
}

TEST_F(VnishTest, SummaryHasWattsAndTheFalseFriend) {
  start();
  const json miner = read("/summary")["miner"];
  EXPECT_EQ(miner["power_consumption"], 1530);
  EXPECT_EQ(miner["power_usage"], 24) << "J/TH under a name that says watts";
  EXPECT_NEAR(miner["power_efficiency"].get<double>(), 1530.0 / 63.0, 1e-9);
  EXPECT_DOUBLE_EQ(miner["hr_realtime"], 63000.0);
  EXPECT_EQ(miner["miner_status"]["miner_state"], "mining");
  EXPECT_EQ(miner["miner_status"]["throttled"], 100);
  EXPECT_EQ(miner["miner_type"], "Antminer S19 (Vnish 1.3.4)");
  EXPECT_EQ(miner["chains"].size(), 3u);
  EXPECT_EQ(miner["psu"]["psu_power_metering"], false);
  for (const char* path : {"/status", "/perf-summary", "/model", "/boards", "/metrics?time_slice=3600&step=60"}) {
    EXPECT_TRUE(read(path).is_structured()) << path;
  }
}

TEST_F(VnishTest, TokensOpenWhatIsClosed) {
  start();
  for (const char* path : {"/settings", "/autotune/presets", "/auth-check"}) EXPECT_EQ(read(path), 401) << path;
  EXPECT_EQ(post("/mining/stop")->status, 401);
  EXPECT_EQ(door_.view().state, MinerState::running);
  unlock();
  EXPECT_EQ(token_.size(), 32u);
  EXPECT_TRUE(read("/settings").is_object());
  EXPECT_TRUE(read("/auth-check").is_object());
  EXPECT_EQ(read("/status")["unlocked"], true);
  // Some clients send the bare token, which /system does not take.
  const httplib::Headers bare = {{"Authorization", token_}};
  EXPECT_EQ(http_->Get("/api/v1/settings", bare)->status, 200);
  EXPECT_EQ(http_->Post("/api/v1/system/reboot", bare, "", "application/json")->status, 401);
  clock_.advance(61min);
  EXPECT_EQ(read("/settings"), 401) << "unused for too long";
}

TEST_F(VnishTest, WrongPasswordsLockEverybodyOut) {
  start();
  const std::string wrong = R"({"pw":"guess"})";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(post("/unlock", wrong)->status, 403);
  const auto locked = post("/unlock", wrong);
  EXPECT_EQ(locked->status, 429);
  EXPECT_EQ(json::parse(locked->body)["unlock_timeout"], 60);
  EXPECT_EQ(post("/unlock", R"({"pw":"admin"})")->status, 429) << "the right one too";
  clock_.advance(61s);
  unlock();
  door_.break_with([](MinerFaults& faults) { faults.reject_password = true; });
  EXPECT_EQ(post("/unlock", R"({"pw":"admin"})")->status, 403);
  EXPECT_EQ(post("/unlock", "no json")->status, 403);
}

TEST_F(VnishTest, ThrottlesAtOnce) {
  start();
  unlock();
  const auto response = post("/mining/throttle", R"({"percent":60})");
  EXPECT_EQ(json::parse(response->body), json::parse(R"({"restart_required":false,"reboot_required":false})"));
  EXPECT_NEAR(door_.view().target.value(), 900.0, 0.01);
  EXPECT_EQ(read("/status")["throttled"], 60);
  EXPECT_EQ(read("/summary")["miner"]["miner_status"]["throttled"], 60);
  for (const char* bad : {R"({"percent":19})", R"({"percent":101})", R"({"percent":"60"})", "{}", "60", ""}) {
    EXPECT_EQ(post("/mining/throttle", bad)->status, 400) << bad;
  }
  EXPECT_NEAR(door_.view().target.value(), 900.0, 0.01);
  post("/mining/throttle", R"({"percent":100})");
  EXPECT_NEAR(door_.view().target.value(), 1500.0, 0.01);
}

TEST_F(Vnish12Test, HasNoThrottleAndOldNames) {
  start();
  unlock();
  EXPECT_EQ(post("/mining/throttle", R"({"percent":60})")->status, 404);
  EXPECT_EQ(door_.view().target, Watts(1500));
  EXPECT_FALSE(read("/status").contains("throttled"));
  EXPECT_FALSE(read("/summary")["miner"]["miner_status"].contains("throttled"));
  EXPECT_EQ(read("/boards"), 404);
  EXPECT_EQ(read("/chains").size(), 3u);
  EXPECT_TRUE(read("/perf-summary")["preset_switcher"].contains("power_delta"));
  EXPECT_FALSE(read("/model")["overclock"].contains("max_power_limit"));
}

TEST_F(VnishTest, ListsPresetsByName) {
  options_.untuned_presets = {"3350"};
  start();
  unlock();
  const json presets = read("/autotune/presets");
  ASSERT_EQ(presets.size(), 5u);
  EXPECT_EQ(presets[1]["name"], "1500");
  EXPECT_EQ(presets[1]["pretty"], "1500 watt ~ 63 TH");
  EXPECT_EQ(presets[1]["status"], "tuned");
  EXPECT_EQ(presets[3]["status"], "untuned");
  EXPECT_FALSE(presets[3].contains("tune_settings"));
  EXPECT_EQ(presets[4]["modded_psu_required"], true) << "above the miner's maximum";
}

TEST_F(VnishTest, AMinerWithoutLevelsShowsAListThatFitsIt) {
  door_.change([](MinerView& view) {
    view.levels.clear();
    view.max_target = Watts(3250);
    view.max_hashrate = TeraHashes(140);
  });
  start();
  unlock();
  double last = 0.0;
  for (const json& preset : read("/autotune/presets")) {
    const int watts = std::stoi(preset["name"].get<std::string>());
    EXPECT_EQ(preset["modded_psu_required"], watts > 3250) << watts;
    EXPECT_GT(preset["tune_settings"]["hashrate"], last) << watts;
    last = preset["tune_settings"]["hashrate"];
    if (watts == 3250) {
      EXPECT_DOUBLE_EQ(last, 140000.0);
    }
  }
}

TEST_F(VnishTest, ANewPresetWaitsForTheRestart) {
  start();
  unlock();
  const json reply = change(preset("2100"));
  EXPECT_EQ(reply["restart_required"], true);
  EXPECT_EQ(reply["reboot_required"], false);
  EXPECT_EQ(read("/settings")["miner"]["overclock"]["preset"], "2100") << "configured";
  EXPECT_EQ(read("/perf-summary")["current_preset"]["name"], "1500") << "in force";
  EXPECT_EQ(read("/status")["restart_required"], true);
  EXPECT_EQ(door_.view().target, Watts(1500));
  EXPECT_EQ(post("/mining/restart")->status, 200);
  ASSERT_TRUE(eventually([&] { return read("/summary")["miner"]["miner_status"]["miner_state"] == "mining"; }));
  EXPECT_EQ(door_.view().target, Watts(2100));
  EXPECT_EQ(read("/perf-summary")["current_preset"]["name"], "2100");
  EXPECT_EQ(read("/status")["restart_required"], false);
}

TEST_F(VnishTest, ARestartForgetsTheThrottle) {
  start();
  unlock();
  post("/mining/throttle", R"({"percent":50})");
  post("/mining/pause");
  post("/mining/resume");
  EXPECT_EQ(read("/status")["throttled"], 50) << "a pause does not";
  post("/mining/stop");
  post("/mining/start");
  EXPECT_EQ(read("/status")["throttled"], 100);
  EXPECT_EQ(door_.view().target, Watts(1500));
}

TEST_F(VnishTest, SettingsMergeAndSpoilATuningThatIsSentBack) {
  start();
  unlock();
  EXPECT_EQ(change({{"miner", {{"misc", {{"quiet_mode", true}}}}}})["restart_required"], false);
  const json settings = read("/settings");
  EXPECT_EQ(settings["miner"]["misc"]["quiet_mode"], true);
  EXPECT_EQ(settings["miner"]["misc"]["quick_start"], false) << "what was not sent stays";
  EXPECT_EQ(settings["miner"]["overclock"]["preset"], "1500");
  change(preset("1100"));
  EXPECT_EQ(read("/autotune/presets")[0]["tune_settings"]["modified"], false);
  json echoed = settings["miner"]["overclock"];
  echoed["preset"] = "2100";
  change({{"miner", {{"overclock", echoed}}}});
  EXPECT_EQ(read("/autotune/presets")[2]["tune_settings"]["modified"], true);
}

TEST_F(VnishTest, PresetsItDoesNotWant) {
  options_.untuned_presets = {"3350"};
  start();
  unlock();
  const json same = json::parse(R"({"restart_required":false,"reboot_required":false})");
  EXPECT_EQ(change(preset("3350")), same) << "untuned: acknowledged and ignored";
  EXPECT_EQ(read("/settings")["miner"]["overclock"]["preset"], "1500");
  EXPECT_EQ(change(preset("1501")), 400);
  EXPECT_EQ(change(preset("4690")), 500) << "needs a modified power supply";
  EXPECT_EQ(change({{"miner", {{"overclock", {{"preset", 1500}}}}}}), 400) << "a name is a string";
  EXPECT_EQ(post("/settings", "{")->status, 400);
  EXPECT_EQ(door_.view().target, Watts(1500));
}

TEST_F(VnishTest, SettingsOfTheWrongTypeChangeNothing) {
  start();
  unlock();
  const json before = read("/settings");
  for (const char* bad :
       {R"({"miner":5})", R"({"miner":null})", R"({"miner":{"overclock":[]}})",
        R"({"miner":{"overclock":{"modded_psu":"yes"}}})", R"({"miner":{"overclock":{"preset":null}}})",
        R"({"miner":{"overclock":{"preset_switcher":true}}})"}) {
    EXPECT_EQ(change(json::parse(bad)), 400) << bad;
  }
  EXPECT_EQ(read("/settings"), before);
}

TEST_F(VnishTest, StopsAndStartsWithEmptyReplies) {
  start();
  unlock();
  for (const auto& [off, on] :
       {std::pair("/mining/stop", "/mining/start"), std::pair("/mining/pause", "/mining/resume"),
        std::pair("/mining/stop", "/mining/resume")}) {
    const auto stopped = post(off);
    EXPECT_EQ(stopped->status, 200);
    EXPECT_EQ(stopped->body, "");
    EXPECT_EQ(door_.view().state, MinerState::asleep) << off;
    EXPECT_EQ(read("/status")["miner_state"], "stopped") << "there is no state called paused";
    EXPECT_EQ(post(on)->status, 200);
    EXPECT_EQ(door_.view().state, MinerState::running) << on;
  }
  server_->stop();
  options_.control_body = "null";
  start();
  unlock();
  EXPECT_EQ(post("/mining/stop")->body, "null");
}

TEST_F(VnishTest, CountsTheTimeInAState) {
  start();
  unlock();
  post("/mining/stop");
  ASSERT_TRUE(eventually([&] { return read("/status")["miner_state_time"] == 0; }));
  clock_.advance(90s);
  EXPECT_EQ(read("/status")["miner_state_time"], 90);
}

TEST_F(VnishTest, NamesEveryState) {
  start();
  const auto state = [&](MinerState now) {
    door_.change([now](MinerView& view) { view.state = now; });
    return read("/status")["miner_state"];
  };
  EXPECT_EQ(state(MinerState::waking), "starting");
  EXPECT_EQ(state(MinerState::stopping), "shutting-down");
  EXPECT_EQ(state(MinerState::fault), "failure");
  EXPECT_EQ(read("/status")["failure_code"], 1002);
  unlock();
  const auto pause = post("/mining/pause");
  EXPECT_EQ(pause->status, 500);
  EXPECT_NE(pause->body.find("failed-to-activate-pause-mode"), std::string::npos);
  door_.change([](MinerView& view) { view.tuning = true; });
  EXPECT_EQ(state(MinerState::running), "auto-tuning");
}

TEST_F(VnishTest, RebootsAndIsBlindAtFirst) {
  start();
  unlock();
  EXPECT_EQ(json::parse(post("/system/reboot")->body)["after"], 3);
  EXPECT_TRUE(door_.view().booted) << "in three seconds";
  clock_.advance(4s);
  ASSERT_TRUE(eventually([&] { return !door_.view().booted && !talk(server_->port(), "").connected; }));
  door_.change([](MinerView& view) { view.booted = true; });
  ASSERT_TRUE(eventually([&] { return talk(server_->port(), "GET /x HTTP/1.0\r\n\r\n").connected; }));
  EXPECT_TRUE(read("/summary")["miner"].is_null()) << "starting, not an error";
  EXPECT_EQ(read("/settings"), 401) << "tokens are gone";
  clock_.advance(21s);
  EXPECT_TRUE(read("/summary")["miner"].is_object());
}

TEST_F(VnishTest, SpeaksCgminerForReading) {
  start();
  const json version = cgminer("version");
  EXPECT_EQ(version["STATUS"][0]["Code"], 22);
  EXPECT_NE(version.dump().find("VNISH"), std::string::npos);
  EXPECT_DOUBLE_EQ(cgminer("summary")["SUMMARY"][0]["GHS 5s"], 63000.0);
  EXPECT_EQ(cgminer("stats")["STATS"][0]["Type"], "Antminer S19 (Vnish 1.3.4)");
  EXPECT_EQ(cgminer("pools")["POOLS"][0]["Status"], "Alive");
  EXPECT_EQ(cgminer("curtail")["STATUS"][0]["STATUS"], "E");
}

TEST_F(VnishTest, FaultsOfTheWire) {
  start();
  door_.break_with([](MinerFaults& faults) { faults.garbage = true; });
  EXPECT_FALSE(get("/info"));
  door_.break_with([](MinerFaults& faults) { faults = {.silent = true}; });
  http_->set_read_timeout(200ms);
  EXPECT_FALSE(get("/info"));
  EXPECT_FALSE(talk(server_->cgminer_port(), R"({"command":"summary"})", 200).closed);
  door_.break_with([](MinerFaults& faults) { faults = {.delay = 500ms}; });
  EXPECT_FALSE(get("/info")) << "too late";
  http_->set_read_timeout(5s);
  EXPECT_TRUE(get("/info"));
  door_.break_with([](MinerFaults& faults) { faults = {.refuse_connections = true}; });
  EXPECT_TRUE(eventually([&] { return !talk(server_->port(), "").connected; }));
  EXPECT_FALSE(get("/info"));
  door_.break_with([](MinerFaults& faults) { faults = {}; });
  EXPECT_TRUE(eventually([&] { return static_cast<bool>(get("/info")); }));
}

TEST_F(VnishTest, FaultsOfTheMiner) {
  start();
  unlock();
  door_.break_with([](MinerFaults& faults) { faults.drop_commands = true; });
  EXPECT_EQ(post("/mining/throttle", R"({"percent":60})")->status, 200);
  EXPECT_EQ(change(preset("1100"))["restart_required"], false);
  EXPECT_EQ(post("/mining/stop")->status, 200);
  EXPECT_EQ(door_.view().target, Watts(1500));
  EXPECT_EQ(door_.view().state, MinerState::running);
  door_.break_with([](MinerFaults& faults) { faults = {.reject_commands = true}; });
  const auto refused = post("/mining/throttle", R"({"percent":60})");
  EXPECT_EQ(refused->status, 500);
  EXPECT_TRUE(json::parse(refused->body).contains("err"));
  EXPECT_TRUE(read("/settings").is_object()) << "reading still works";
  door_.break_with([](MinerFaults& faults) { faults = {.ignore_sleep = true}; });
  EXPECT_EQ(post("/mining/stop")->status, 200);
  EXPECT_EQ(door_.view().state, MinerState::running);
}

TEST_F(VnishTest, TakesRequestsAsTheyCome) {
  start();
  // Two requests in one packet, then one that is no HTTP.
  const std::string two = "GET /api/v1/info HTTP/1.1\r\nHost: x\r\n\r\nGET /api/v1/status HTTP/1.0\r\n\r\n";
  const Exchange both = talk(server_->port(), two);
  EXPECT_TRUE(both.closed);
  EXPECT_NE(both.received.find("fw_name"), std::string::npos);
  EXPECT_NE(both.received.find("miner_state"), std::string::npos);
  EXPECT_TRUE(talk(server_->port(), "nonsense\r\n\r\n").received.starts_with("HTTP/1.1 400"));
  const std::string chunked = "POST /api/v1/unlock HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(talk(server_->port(), chunked).received.starts_with("HTTP/1.1 501"));
}

TEST_F(VnishTest, StopsAtOnceWithClientsConnected) {
  start();
  ASSERT_TRUE(get("/info"));  // the connection stays open
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_FALSE(get("/info"));
}

}  // namespace
}  // namespace sluice::house
