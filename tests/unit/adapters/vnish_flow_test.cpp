/// What the VNish adapter says in which order, against a scripted miner: tokens, throttle, presets, restarts.

#include <gtest/gtest.h>

#include <algorithm>

#include "fakes.hpp"
#include "fixture.hpp"
#include "plugin/plugin_miner.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using ports::HttpReply;
using ports::HttpRequest;
using testing::fixture;

/// Just enough of VNish to be driven.
struct ScriptedVnish {
  std::string state = "mining";
  bool null_summary = false;
  bool can_throttle = true;
  int throttled = 100;
  std::string active = "1500", configured = "1500";
  bool needs_restart = true;
  bool ignores_presets = false;
  bool switcher = false;
  std::string token = "token-1";
  int unlock_status = 200;

  static HttpReply reply(int status, std::string body) { return {status, std::move(body)}; }
  HttpReply operator()(const HttpRequest& request) {
    const std::string path = request.path.substr(7);
    const auto has = [&](const std::string& text) { return request.body.find(text) != std::string::npos; };
    if (path == "/info") return reply(200, fixture("vnish/fixtures/info.json"));
    if (path == "/summary") return reply(200, summary());
    if (path == "/perf-summary") {
      return reply(200, R"({"current_preset":{"name":")" + active + R"("},"preset_switcher":{"enabled":)" +
                            (switcher ? "true" : "false") + "}}");
    }
    if (path == "/unlock") {
      if (unlock_status != 200) return reply(unlock_status, R"({"unlock_timeout":90})");
      return reply(200, R"({"token":")" + token + R"("})");
    }
    const std::pair<std::string, std::string> bearer{"Authorization", "Bearer " + token};
    if (std::ranges::find(request.headers, bearer) == request.headers.end()) return reply(401, "");
    if (path == "/autotune/presets") return reply(200, fixture("vnish/fixtures/presets.json"));
    if (path == "/settings" && request.method == "GET") {
      return reply(200, R"({"miner":{"overclock":{"preset":")" + configured + R"("}}})");
    }
    if (path == "/settings") {
      if (ignores_presets) return reply(200, R"({"restart_required":false,"reboot_required":false})");
      for (const char* name : {"1100", "1500", "2950"}) {
        if (has(name)) configured = name;
      }
      if (!needs_restart) active = configured;
      return reply(200, needs_restart ? R"({"restart_required":true})" : "{}");
    }
    if (path == "/mining/restart") {
      active = configured;
      throttled = 100;
      state = "initializing";
      return reply(200, "");
    }
    if (path == "/mining/throttle") {
      if (state == "initializing") return reply(500, R"({"err":"miner is not ready"})");
      const auto colon = request.body.find(':');
      throttled = std::stoi(request.body.substr(colon + 1));
      return reply(200, "{}");
    }
    if (path == "/mining/stop" && state == "stopped") return reply(500, R"({"err":"already stopped"})");
    if (path == "/mining/stop") return state = "stopped", reply(200, "null");
    if (path == "/mining/start") return state = "starting", active = configured, throttled = 100, reply(200, "");
    return reply(404, "");
  }
  std::string summary() const {
    if (null_summary) return R"({"miner":null})";
    return R"({"miner":{"miner_status":{"miner_state":")" + state + "\"" +
           (can_throttle ? ",\"throttled\":" + std::to_string(throttled) : "") +
           R"(},"hr_realtime":60000,"hr_nominal":63000,"hr_stock":95000,"power_consumption":1480,"power_usage":25}})";
  }
};

class VnishFlow : public ::testing::Test {
 protected:
  void SetUp() override {
    network_.respond = [this](const HttpRequest& request) -> Result<HttpReply> { return miner_(request); };
    const std::vector<plugin::SearchPath> paths{{SLUICE_BINARY_DIR "/lib/sluice/adapters", true}};
    const plugin::Catalogue catalogue = plugin::discover(paths);
    const auto entry = catalogue.find("vnish");
    ASSERT_TRUE(entry) << entry.error().text;
    library_ = plugin::Library::load(**entry).value();
  }
  void make(std::map<std::string, std::string> options = {}) {
    plugin::MinerSetup setup;
    setup.name = "barn";
    setup.host = "127.0.0.1";
    setup.options = std::move(options);
    setup.password = []() -> Result<std::string> { return std::string("swordfish"); };
    port_ = plugin::open_miner(library_, setup, {clock_, log_, network_}).value();
  }
  void open() {
    make();
    const auto identity = port_->identify(soon());
    ASSERT_TRUE(identity) << identity.error().text;
    network_.sent.clear();
  }
  MonoTime soon() const { return clock_.now() + 1min; }
  long count(const std::string& start) const {
    return std::count_if(network_.sent.begin(), network_.sent.end(),
                         [&](const std::string& text) { return text.starts_with(start); });
  }

  ScriptedVnish miner_;
  testing::ManualClock clock_;
  testing::RecordingLog log_;
  testing::ScriptedNetwork network_;
  std::shared_ptr<const plugin::Library> library_;
  std::unique_ptr<ports::Miner> port_;
};

TEST_F(VnishFlow, ThrottlesAShareOfTheActivePreset) {
  miner_.active = miner_.configured = "2950";
  open();
  const Envelope envelope = port_->abilities()->envelope;
  EXPECT_EQ(envelope.kind, EnvelopeKind::range);
  EXPECT_NEAR(envelope.min.value(), 590, 1e-6);
  EXPECT_NEAR(envelope.max.value(), 2950, 1e-6);
  EXPECT_NEAR(envelope.step.value(), 29.5, 1e-6);
  const WorkingCurve curve = port_->abilities()->curve;
  ASSERT_EQ(curve.size(), 1U) << "throttling gives up power and hashrate alike";
  EXPECT_EQ(curve[0], (WorkingPoint{Watts(2950), TeraHashes(97)}));
  const auto applied = port_->apply_target(Watts(1500), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_EQ(miner_.throttled, 50);
  EXPECT_NEAR(applied->target.value(), 1475, 1e-6) << "rounded down: a target is a budget";
  EXPECT_TRUE(applied->verified);
  EXPECT_EQ(count("POST /api/v1/settings"), 0);
}

TEST_F(VnishFlow, APercentageAskedForAgainIsTheSamePercentage) {
  miner_.active = miner_.configured = "2950";
  open();
  for (int percent = 20; percent <= 100; ++percent) {
    ASSERT_TRUE(port_->apply_target(Watts(2950.0 * percent / 100.0), soon()));
    EXPECT_EQ(miner_.throttled, percent);
  }
}

TEST_F(VnishFlow, WhileItHashesItsBaseStaysWhatItIs) {
  open();
  EXPECT_NEAR(port_->abilities()->envelope.max.value(), 1500, 1e-6);
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_EQ(miner_.active, "1500");
  EXPECT_EQ(count("POST /api/v1/settings"), 0) << "a raise is not worth minutes of restart";
}

TEST_F(VnishFlow, WakesAtItsLargestBaseAndThrottlesAsSoonAsItHashes) {
  miner_.state = "stopped";
  open();
  EXPECT_NEAR(port_->abilities()->envelope.max.value(), 2950, 1e-6) << "asleep, the largest preset is as near as any";
  EXPECT_NEAR(port_->abilities()->envelope.min.value(), 590, 1e-6);
  const auto applied = port_->wake(Watts(2000), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_EQ(miner_.configured, "2950");
  EXPECT_EQ(count("POST /api/v1/mining/restart"), 0) << "the start itself takes the new preset up";
  EXPECT_EQ(port_->poll(soon())->state, MinerState::waking);
  EXPECT_EQ(miner_.throttled, 100);
  miner_.state = "mining";
  ASSERT_TRUE(port_->poll(soon()));
  EXPECT_EQ(miner_.throttled, 67);
  miner_.throttled = 80;  // the owner's hand while it runs is not fought
  ASSERT_TRUE(port_->poll(soon()));
  EXPECT_EQ(miner_.throttled, 80);
}

TEST_F(VnishFlow, WithoutThrottleItChangesPresetsAndRestarts) {
  miner_.can_throttle = false;
  open();
  const Envelope envelope = port_->abilities()->envelope;
  ASSERT_EQ(envelope.kind, EnvelopeKind::levels);
  EXPECT_EQ(envelope.levels.size(), 3U);
  const WorkingCurve curve = port_->abilities()->curve;
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_EQ(curve[0], (WorkingPoint{Watts(1100), TeraHashes(53)}));
  EXPECT_GE(port_->abilities()->dynamics.retarget_up, 15min);
  const auto applied = port_->apply_target(Watts(1499), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_EQ(applied->target, Watts(1100));
  EXPECT_TRUE(applied->verified);
  EXPECT_EQ(count("POST /api/v1/mining/restart"), 1);
  miner_.state = "mining";
  network_.sent.clear();
  ASSERT_TRUE(port_->apply_target(Watts(1100), soon()));
  EXPECT_EQ(count("POST"), 0) << "what is in force needs no write";
}

TEST_F(VnishFlow, APresetThatWasSilentlyIgnoredIsNotVerified) {
  miner_.can_throttle = false;
  miner_.ignores_presets = true;
  open();
  const auto applied = port_->apply_target(Watts(1100), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_FALSE(applied->verified);
}

TEST_F(VnishFlow, RenewsATokenThatExpired) {
  open();
  miner_.token = "token-2";
  EXPECT_TRUE(port_->sleep(soon()));
  EXPECT_EQ(count("POST /api/v1/unlock"), 1);
  EXPECT_EQ(miner_.state, "stopped");
}

TEST_F(VnishFlow, StopsAskingAfterAWrongPasswordUntilTheLockIsOver) {
  miner_.unlock_status = 403;
  make();
  for (int i = 0; i < 5; ++i) {
    const auto identity = port_->identify(soon());
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, ErrorKind::unauthorized);
    EXPECT_NE(identity.error().text.find("password"), std::string::npos);
  }
  EXPECT_EQ(count("POST /api/v1/unlock"), 1);
  clock_.advance(89s);
  EXPECT_FALSE(port_->identify(soon()));
  EXPECT_EQ(count("POST /api/v1/unlock"), 1) << "the firmware asked for 90 s";
  miner_.unlock_status = 200;
  clock_.advance(2s);
  EXPECT_TRUE(port_->identify(soon()));
}

TEST_F(VnishFlow, AMinerThatStartsHasNothingToSay) {
  open();
  miner_.null_summary = true;
  const auto poll = port_->poll(soon());
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->state, MinerState::waking);
  EXPECT_FALSE(poll->power);
  EXPECT_NE(port_->identify(soon()).error().text.find("still starting"), std::string::npos);
}

TEST_F(VnishFlow, AStateItDoesNotKnowIsUnknownAndNamed) {
  open();
  miner_.state = "meditating";
  const auto poll = port_->poll(soon());
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->state, MinerState::unknown);
  EXPECT_NE(poll->note.find("meditating"), std::string::npos);
}

TEST_F(VnishFlow, StoppedIsStopped) {
  miner_.state = "stopped";
  open();
  const auto slept = port_->sleep(soon());
  ASSERT_TRUE(slept) << slept.error().text;
  EXPECT_TRUE(slept->verified);
}

TEST_F(VnishFlow, WarnsOnceOfItsRival) {
  miner_.switcher = true;
  open();
  clock_.advance(2min);
  ASSERT_TRUE(port_->poll(soon()));
  const auto warnings = std::ranges::count_if(
      log_.lines, [](const std::string& line) { return line.find("preset switcher") != std::string::npos; });
  EXPECT_EQ(warnings, 1);
}

TEST_F(VnishFlow, SaysWhatIsWrongWithItsSettings) {
  plugin::MinerSetup setup;
  setup.host = "127.0.0.1";
  EXPECT_NE(plugin::open_miner(library_, setup, {clock_, log_, network_}).error().text.find("needs a password"),
            std::string::npos);
  setup.password = []() -> Result<std::string> { return std::string("x"); };
  setup.options = {{"sleep_with", "hibernate"}};
  EXPECT_EQ(plugin::open_miner(library_, setup, {clock_, log_, network_}).error().text,
            "option sleep_with is \"hibernate\" and must be stop or pause");
}

}  // namespace
}  // namespace sluice
