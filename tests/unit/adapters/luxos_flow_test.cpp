/// What the LuxOS adapter says in which order, against a scripted miner: session lock, ATM, recovery.

#include <gtest/gtest.h>

#include <algorithm>

#include "fakes.hpp"
#include "fixture.hpp"
#include "plugin/plugin_miner.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::fixture;

/// Just enough of LuxOS to be driven: a session, profiles, ATM and curtailment.
struct ScriptedLuxos {
  std::string session;  ///< id of the session that exists; empty = none
  std::string profile = "default";
  std::string curtail_mode = "None";
  bool atm = false;
  bool atm_refuses = true;
  std::string max_profile = "default";
  long elapsed_s = 1000;
  int forget_session_once = 0;  ///< writes that find their session gone
  std::string power = R"({"STATUS":[{"STATUS":"S","Code":311,"Msg":""}],"POWER":[{"Watts":2700,"PSU":false}]})";

  static std::string ok(const std::string& more = "") {
    return R"({"STATUS":[{"STATUS":"S","Code":1,"Msg":"ok"}])" + (more.empty() ? "" : "," + more) + "}";
  }
  static std::string error(int code, const std::string& text) {
    return R"({"STATUS":[{"STATUS":"E","Code":)" + std::to_string(code) + R"(,"Msg":")" + text + R"("}]})";
  }
  static bool is(const std::string& request, const std::string& command) {
    return request.find("\"command\":\"" + command + "\"") != std::string::npos;
  }
  std::string write(const std::string& request) {
    if (forget_session_once > 0) {
      --forget_session_once;
      session.clear();
    }
    if (session.empty() || request.find("\"" + session) == std::string::npos) {
      return error(408, "Invalid field 'session_id'");
    }
    const auto comma = request.find(',', request.find("parameter") + 12);
    const std::string rest = comma == std::string::npos ? "" : request.substr(comma + 1, request.size() - comma - 3);
    if (is(request, "logoff")) session.clear();
    if (is(request, "curtail")) {
      const std::string wanted = rest == "sleep" ? "Sleep" : "None";
      if (curtail_mode == wanted) return error(335, "Miner is already in that mode");
      curtail_mode = wanted;
    }
    if (is(request, "atmset")) {
      if (rest.find("enabled=") != std::string::npos) atm = rest.find("enabled=true") != std::string::npos;
      if (const auto at = rest.find("max_profile="); at != std::string::npos) max_profile = rest.substr(at + 12);
    }
    if (is(request, "profileset")) {
      if (atm && atm_refuses) return error(14, "Cannot run this command while ATM is running");
      profile = rest;
    }
    return ok();
  }
  std::string operator()(const std::string& request) {
    if (is(request, "logon")) {
      if (!session.empty()) return error(402, "Another session is active");
      session = "Sid00001";
      return ok(R"("SESSION":[{"SessionID":"Sid00001"}])");
    }
    if (is(request, "kill")) return session.clear(), ok();
    if (is(request, "version")) return ok(R"("VERSION":[{"LUXminer":"2025.4.8"}])");
    if (is(request, "profiles")) return fixture("luxos/fixtures/profiles.json");
    if (is(request, "power")) return power;
    if (is(request, "summary")) {
      return ok(R"("SUMMARY":[{"GHS 1m":60000,"Elapsed":)" + std::to_string(elapsed_s) + "}]");
    }
    if (is(request, "atm")) {
      return ok(R"("ATM":[{"Enabled":)" + std::string(atm ? "true" : "false") + R"(,"MinProfile":"","MaxProfile":")" +
                max_profile + R"("}])");
    }
    if (is(request, "config")) {
      return ok(R"("CONFIG":[{"Model":"S19k Pro","MACAddr":"aa:bb","Profile":")" + profile + R"(","CurtailMode":")" +
                curtail_mode + R"(","SystemStatus":"Normal","IsPowerSupplyOn":)" +
                (curtail_mode == "Sleep" ? "false" : "true") + "}]");
    }
    if (request.find("parameter") != std::string::npos) return write(request);
    return error(14, "Invalid command");
  }
};

class LuxosFlow : public ::testing::Test {
 protected:
  void SetUp() override {
    network_.answer = [this](const std::string& request) -> Result<std::string> {
      if (broken_replies_ > 0) {
        --broken_replies_;
        return std::string("{\"STATUS\":[{\"STA");
      }
      return miner_(request);
    };
    const std::vector<plugin::SearchPath> paths{{SLUICE_BINARY_DIR "/lib/sluice/adapters", true}};
    const plugin::Catalogue catalogue = plugin::discover(paths);
    const auto entry = catalogue.find("luxos");
    ASSERT_TRUE(entry) << entry.error().text;
    library_ = plugin::Library::load(**entry).value();
  }
  /// As `sluice park --if-unclean` does.
  void open_for_stop() {
    open_only({});
    ASSERT_TRUE(port_->identify_for_stop(soon()));
  }
  void open(std::map<std::string, std::string> options = {}) {
    open_only(std::move(options));
    ASSERT_TRUE(port_->identify(soon()));
    network_.sent.clear();
  }
  void open_only(std::map<std::string, std::string> options) {
    plugin::MinerSetup setup;
    setup.name = "s19k";
    setup.host = "127.0.0.1";
    setup.options = std::move(options);
    setup.adapter_state = state_;
    setup.save_state = [this](const std::string& state) { state_ = state; };
    port_ = plugin::open_miner(library_, setup, {clock_, log_, network_}).value();
  }
  MonoTime soon() const { return clock_.now() + 1min; }
  /// The commands sent since `open`, without their JSON.
  std::vector<std::string> commands() const {
    std::vector<std::string> names;
    for (const auto& text : network_.sent) {
      const auto from = text.find("\"command\":\"") + 11;
      names.push_back(text.substr(from, text.find('"', from) - from));
    }
    return names;
  }

  ScriptedLuxos miner_;
  int broken_replies_ = 0;
  testing::ManualClock clock_;
  testing::RecordingLog log_;
  testing::ScriptedNetwork network_;
  std::shared_ptr<const plugin::Library> library_;
  std::string state_;
  std::unique_ptr<ports::Miner> port_;
};

using Names = std::vector<std::string>;

TEST_F(LuxosFlow, ChangesAProfileInsideASessionAndReadsItBack) {
  open();
  const auto applied = port_->apply_target(Watts(1500), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_EQ(applied->target, Watts(1188));
  EXPECT_TRUE(applied->verified);
  EXPECT_EQ(miner_.profile, "290MHz");
  EXPECT_EQ(commands(), (Names{"logon", "profileset", "config"}));
  EXPECT_NE(state_, "") << "an open session is remembered: a crash must not lock the miner for a minute";
}

TEST_F(LuxosFlow, KeepsItsSessionWhileTargetsFollowAndGivesItBackAfterwards) {
  open();
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  network_.sent.clear();
  clock_.advance(5s);
  ASSERT_TRUE(port_->apply_target(Watts(2600), soon()));
  EXPECT_EQ(commands(), (Names{"profileset", "config"})) << "the target leaves at once";
  clock_.advance(21s);
  ASSERT_TRUE(port_->poll(soon()));
  EXPECT_EQ(commands().back(), "logoff");
  EXPECT_EQ(state_, "") << "a closed session need not be remembered";
}

TEST_F(LuxosFlow, RemembersItsSessionWhileItIsOpen) {
  open();
  std::string during;
  network_.answer = [&](const std::string& request) -> Result<std::string> {
    if (ScriptedLuxos::is(request, "profileset")) during = state_;
    return miner_(request);
  };
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_NE(during.find("Sid00001"), std::string::npos);
}

TEST_F(LuxosFlow, EndsItsOwnSessionLeftOverFromACrash) {
  miner_.session = "Sid00001";
  state_ = R"({"session":"Sid00001"})";
  open();
  EXPECT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_EQ(commands(), (Names{"logon", "logoff", "logon", "profileset", "config"}));
}

TEST_F(LuxosFlow, AStopAfterACrashTakesTheSessionThatWasLeft) {
  miner_.session = "Sid00001";
  state_ = R"({"session":"Sid00001"})";
  open_for_stop();
  EXPECT_EQ(commands(), (Names{"config"})) << "who is there is all that a stop needs to know";
  const auto slept = port_->sleep(soon());
  ASSERT_TRUE(slept) << slept.error().text;
  EXPECT_TRUE(slept->verified);
  EXPECT_EQ(commands(), (Names{"config", "curtail", "config", "logoff"}));
  EXPECT_EQ(miner_.curtail_mode, "Sleep");
  EXPECT_EQ(state_, "");
}

TEST_F(LuxosFlow, AStopAfterACrashLosesTwoConnectsWhereTheSessionIsGone) {
  state_ = R"({"session":"Gone0001"})";
  open_for_stop();
  ASSERT_TRUE(port_->sleep(soon()));
  // A connect a second: asleep after three seconds, known to be after four.
  EXPECT_EQ(commands(), (Names{"config", "curtail", "logon", "curtail", "config", "logoff"}));
}

TEST_F(LuxosFlow, AStopThatIsRefusedInASessionThatHoldsSaysTheMinersOwnReason) {
  miner_.session = "Sid00001";
  state_ = R"({"session":"Sid00001"})";
  open_for_stop();
  network_.answer = [this](const std::string& request) -> Result<std::string> {
    if (ScriptedLuxos::is(request, "curtail")) return ScriptedLuxos::error(409, "The command cannot be run now");
    return miner_(request);
  };
  const auto slept = port_->sleep(soon());
  ASSERT_FALSE(slept);
  EXPECT_NE(slept.error().text.find("cannot be run now"), std::string::npos) << slept.error().text;
  EXPECT_EQ(miner_.session, "") << "and no session is left behind";
  EXPECT_EQ(state_, "");
}

TEST_F(LuxosFlow, LeavesASessionOfAnotherProgramAlone) {
  miner_.session = "Foreign1";
  open();
  for (int i = 0; i < 3; ++i) {
    const auto refused = port_->apply_target(Watts(1500), soon());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
    EXPECT_NE(refused.error().text.find("another program"), std::string::npos);
    clock_.advance(1min);
  }
  EXPECT_EQ(miner_.session, "Foreign1");
}

TEST_F(LuxosFlow, EndsAForeignSessionAfterAMinuteWhenTheOwnerAllowsIt) {
  miner_.session = "Foreign1";
  open({{"kill_foreign_session", "true"}});
  EXPECT_FALSE(port_->sleep(soon()));
  clock_.advance(66s);
  EXPECT_TRUE(port_->sleep(soon()));
  EXPECT_EQ(miner_.curtail_mode, "Sleep");
}

TEST_F(LuxosFlow, RenewsASessionThatTimedOutOnce) {
  open();
  miner_.forget_session_once = 1;
  EXPECT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_EQ(miner_.profile, "290MHz");
  miner_.forget_session_once = 2;
  const auto refused = port_->apply_target(Watts(2200), soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
}

TEST_F(LuxosFlow, SetsTheProfileAroundAtmAndMakesItTheCeiling) {
  miner_.atm = true;
  open();
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_EQ(commands(), (Names{"logon", "atmset", "profileset", "atmset", "config"}));
  EXPECT_TRUE(miner_.atm);
  EXPECT_EQ(miner_.max_profile, "290MHz");
  EXPECT_NE(state_.find("\"max_profile\":\"default\""), std::string::npos) << "the owner's own ceiling is kept";
}

TEST_F(LuxosFlow, TellsWhatItsProfilesBring) {
  open();
  const WorkingCurve curve = port_->abilities()->curve;
  ASSERT_EQ(curve.size(), 3U) << "those that may be used, and nothing overclocked";
  EXPECT_EQ(curve[0], (WorkingPoint{Watts(1188), TeraHashes(59.8)}));
  EXPECT_EQ(curve[1], (WorkingPoint{Watts(2192), TeraHashes(101.5)}));
  EXPECT_EQ(curve[2], (WorkingPoint{Watts(2794), TeraHashes(121.8)}));
}

TEST_F(LuxosFlow, GivesTheOwnersAtmCeilingBackWhenTheMinerSleeps) {
  miner_.atm = true;
  open();
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  ASSERT_EQ(miner_.max_profile, "290MHz");
  open();  // a restart in between must not take our ceiling for the owner's
  EXPECT_EQ(port_->abilities()->envelope.max, Watts(2794));
  ASSERT_TRUE(port_->sleep(soon()));
  EXPECT_EQ(miner_.max_profile, "default");
  EXPECT_EQ(state_, "");
}

TEST_F(LuxosFlow, FindsOutThatAtmWasSwitchedOn) {
  open();
  miner_.atm = true;
  EXPECT_TRUE(port_->apply_target(Watts(1500), soon()));
  EXPECT_EQ(miner_.profile, "290MHz");
  EXPECT_TRUE(miner_.atm) << "and left on";
}

TEST_F(LuxosFlow, SleepsBeforeItTidiesUp) {
  miner_.atm = true;
  open();
  ASSERT_TRUE(port_->apply_target(Watts(1500), soon()));
  network_.sent.clear();
  ASSERT_TRUE(port_->sleep(soon()));
  EXPECT_EQ(commands(), (Names{"curtail", "config", "atmset", "logoff"}));
}

TEST_F(LuxosFlow, AlreadyAsleepIsAsleep) {
  open();
  for (int i = 0; i < 2; ++i) {
    const auto slept = port_->sleep(soon());
    ASSERT_TRUE(slept) << slept.error().text;
    EXPECT_TRUE(slept->verified);
  }
}

TEST_F(LuxosFlow, AsksOnceMoreForABrokenAnswerAndNeverRepeatsAWrite) {
  open();
  broken_replies_ = 1;
  EXPECT_TRUE(port_->poll(soon()));
  EXPECT_GE(network_.sent.size(), 2U);
  network_.sent.clear();
  network_.answer = [this](const std::string& request) -> Result<std::string> {
    if (ScriptedLuxos::is(request, "profileset")) return std::string("{\"STA");
    return miner_(request);
  };
  const auto applied = port_->apply_target(Watts(1500), soon());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::protocol);
  EXPECT_EQ(std::ranges::count(commands(), "profileset"), 1);
  EXPECT_EQ(commands().back(), "logoff") << "the session is closed also after a failure";
}

TEST_F(LuxosFlow, AModeItDoesNotKnowIsUnknown) {
  open();
  miner_.curtail_mode = "Hibernating";
  clock_.advance(1min);
  const auto poll = port_->poll(soon());
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->state, MinerState::unknown);
}

TEST_F(LuxosFlow, AsksAtMostTwoThingsAPoll) {
  open();
  for (int i = 0; i < 50; ++i) {
    network_.sent.clear();
    ASSERT_TRUE(port_->poll(soon()));
    EXPECT_LE(network_.sent.size(), 2U + (i % 10 == 9 ? 2U : 0U)) << "the abilities are read together, once an hour";
    clock_.advance(5s);
  }
}

TEST_F(LuxosFlow, UptimeGoesBackwardsOnlyWhenTheMinerRestarted) {
  open();
  Duration last{};
  for (int i = 0; i < 40; ++i) {
    // Whole seconds, and a clock that runs a little slower than ours: what is told lags behind.
    miner_.elapsed_s = 1000 + static_cast<long>(5.0 * i * 0.999);
    const auto poll = port_->poll(soon());
    ASSERT_TRUE(poll);
    if (poll->uptime) {
      EXPECT_GE(*poll->uptime, last);
      last = *poll->uptime;
    }
    clock_.advance(5s);
  }
  EXPECT_GT(last, 1000s);
  miner_.elapsed_s = 3;
  clock_.advance(1min);
  Duration now = last;
  for (int i = 0; i < 5; ++i) now = port_->poll(soon())->uptime.value_or(now);
  EXPECT_EQ(now, 3s);
}

TEST_F(LuxosFlow, TheCommandIsSentWithItsFirstByteAndNotWithTheLogon) {
  open();
  const MonoTime start = clock_.now();
  network_.answer = [this](const std::string& request) -> Result<std::string> {
    clock_.advance(1s);
    return miner_(request);
  };
  const auto applied = port_->apply_target(Watts(1500), soon());
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->sent_at, start + 2s);
}

}  // namespace
}  // namespace sluice
