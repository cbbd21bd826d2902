#include "plugin/plugin_miner.hpp"

#include <gtest/gtest.h>

#include "../adapters/fakes.hpp"
#include "model/worth.hpp"

namespace sluice::plugin {
namespace {

using namespace std::chrono_literals;

class PluginMinerTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ports::Miner>> try_open(const std::string& id, const std::string& mischief = "") {
    const std::vector<SearchPath> paths{{TEST_ADAPTERS, true}};
    const Catalogue catalogue = discover(paths);
    const auto entry = catalogue.find(id);
    if (!entry) return tl::unexpected(entry.error());
    auto library = Library::load(**entry);
    if (!library) return tl::unexpected(library.error());
    MinerSetup setup;
    setup.name = "bench";
    setup.host = host_;
    if (!mischief.empty()) setup.options["mischief"] = mischief;
    setup.password = []() -> Result<std::string> { return std::string("swordfish"); };
    setup.adapter_state = state_;
    setup.save_state = [this](const std::string& state) { state_ = state; };
    return open_miner(*library, setup, {clock_, log_, network_});
  }
  std::unique_ptr<ports::Miner> open(const std::string& id, const std::string& mischief = "") {
    auto miner = try_open(id, mischief);
    EXPECT_TRUE(miner) << miner.error().text;
    return miner ? std::move(*miner) : nullptr;
  }
  MonoTime soon() const { return clock_.now() + 2s; }

  std::string host_ = "127.0.0.1";
  std::string state_ = "nothing";
  testing::ManualClock clock_;
  testing::RecordingLog log_;
  testing::ScriptedNetwork network_;
};

TEST_F(PluginMinerTest, AnAdapterInPlainCWorks) {
  const auto miner = open("plain_c");
  const auto identity = miner->identify(soon());
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_EQ(identity->firmware, "Plain C 1.0");
  EXPECT_EQ(log_.lines, (std::vector<std::string>{"info miner bench: hello from C"}));
  const auto abilities = miner->abilities();
  ASSERT_TRUE(abilities);
  EXPECT_EQ(abilities->envelope.kind, EnvelopeKind::levels);
  EXPECT_EQ(abilities->envelope.levels.size(), 3U);
  const auto poll = miner->poll(soon());
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->state, MinerState::running);
  EXPECT_EQ(poll->power, Watts(1000));
  EXPECT_FALSE(poll->hashrate) << "its bit was not set";
  const auto refused = miner->apply_target(Watts(100), soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  EXPECT_EQ(refused.error().text, "too little");
  EXPECT_FALSE(miner->last_sent_at());
  EXPECT_TRUE(miner->apply_target(Watts(1500), soon()));
  EXPECT_EQ(miner->last_sent_at(), clock_.now());
  EXPECT_TRUE(miner->sleep(soon()));
  EXPECT_EQ(miner->poll(soon())->state, MinerState::asleep);
}

TEST_F(PluginMinerTest, TheSpeedOfAMinerComesAcross) {
  const auto abilities = open("rogue")->abilities();
  ASSERT_TRUE(abilities);
  EXPECT_EQ(abilities->dynamics.stop, 7s);
  EXPECT_EQ(abilities->dynamics.wake, 9s);
}

TEST_F(PluginMinerTest, AStopInAHurryAsksOnlyWhoIsThere) {
  EXPECT_EQ(open("rogue")->identify_for_stop(soon())->firmware, "Rogue in a hurry");
  EXPECT_EQ(open("rogue")->identify(soon())->firmware, "Rogue 1.0");
  EXPECT_EQ(open("plain_c")->identify_for_stop(soon())->firmware, "Plain C 1.0") << "the flag may be ignored";
}

TEST_F(PluginMinerTest, BadSettingsAreRefusedAtTheDoor) {
  host_.clear();
  EXPECT_EQ(try_open("plain_c").error().text, "it needs a host");
  EXPECT_EQ(try_open("rogue", "refuse settings").error().text, "these settings will not do");
}

TEST_F(PluginMinerTest, AnAdapterForAnotherAbiIsNotLoaded) {
  const auto miner = try_open("from_the_future");
  ASSERT_FALSE(miner);
  EXPECT_EQ(miner.error().kind, ErrorKind::unsupported);
  EXPECT_EQ(miner.error().text, "adapter from_the_future: it was built for ABI 9, this is ABI 1");
}

TEST_F(PluginMinerTest, AnAdapterOfALaterMinorVersionWorksWithWhatBothKnow) {
  network_.answer = [](const std::string& request) -> Result<std::string> { return request; };
  const auto miner = open("a_minor_later");
  ASSERT_TRUE(miner);
  ASSERT_TRUE(miner->identify(soon()));
  const auto abilities = miner->abilities();
  ASSERT_TRUE(abilities) << abilities.error().text;
  ASSERT_EQ(abilities->envelope.levels.size(), 3U);
  EXPECT_EQ(abilities->envelope.levels[1], Watts(1000)) << "elements that have grown are stepped over whole";
  EXPECT_EQ(abilities->dynamics.stop, Duration::zero()) << "what it does not write is not told";
  EXPECT_TRUE(miner->wake(Watts(1000), soon())) << "a question that has grown is read as far as it is known";
  EXPECT_EQ(network_.sent, std::vector<std::string>{"wake"});
}

TEST_F(PluginMinerTest, AnAdapterWithATableShorterThanTheFirstVersionIsNotLoaded) {
  const auto miner = try_open("too_short");
  ASSERT_FALSE(miner);
  EXPECT_EQ(miner.error().text, "adapter too_short: its table is too short");
}

TEST_F(PluginMinerTest, AnAdapterThatIsSomebodyElseIsNotLoaded) {
  EXPECT_NE(try_open("impostor").error().text.find("says it is \"plain_c\""), std::string::npos);
}

TEST_F(PluginMinerTest, WhateverAnAdapterThrowsBecomesAnError) {
  const std::tuple<const char*, ErrorKind, const char*> cases[] = {
      {"throw a number", ErrorKind::internal, "unknown exception in the adapter"},
      {"throw a logic error", ErrorKind::internal, "the adapter is confused"},
      {"unknown status", ErrorKind::internal, "a status of tomorrow"},
      {"claim success while failing", ErrorKind::internal, "failed successfully"},
  };
  for (const auto& [mischief, kind, text] : cases) {
    SCOPED_TRACE(mischief);
    const auto identity = open("rogue", mischief)->identify(soon());
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, kind);
    EXPECT_EQ(identity.error().text, text);
  }
}

TEST_F(PluginMinerTest, NonsenseGoesNoFurther) {
  for (const char* mischief : {"no number", "turned around", "levels out of order", "too many levels"}) {
    const auto abilities = open("rogue", mischief)->abilities();
    ASSERT_FALSE(abilities) << mischief;
    EXPECT_EQ(abilities.error().kind, ErrorKind::protocol);
  }
  EXPECT_FALSE(open("rogue", "no number")->poll(soon())->power) << "not a number is not a value";
  const auto tomorrow = open("plain_c");
  ASSERT_TRUE(tomorrow->apply_target(Watts(501), soon()));
  EXPECT_EQ(tomorrow->poll(soon())->state, MinerState::unknown);
  EXPECT_EQ(open("rogue", "negative time")->abilities()->dynamics.wake, Duration::zero());
  EXPECT_EQ(open("rogue")->apply_target(Watts(std::nan("")), soon()).error().kind, ErrorKind::invalid);
}

TEST_F(PluginMinerTest, ATableOfPointsIsThinnedOutAndKeepsItsEnds) {
  const WorkingCurve curve = open("rogue")->abilities()->curve;
  ASSERT_EQ(curve.size(), kMaxWorkingPoints);
  EXPECT_EQ(curve[0].power, Watts(500));
  EXPECT_EQ(curve.back().power, Watts(1500));
  EXPECT_STREQ(curve_fault(curve), "");
  EXPECT_TRUE(open("plain_c")->abilities()->curve.empty()) << "what it does not write is not told";
}

TEST_F(PluginMinerTest, ATableThatIsNoneDoesNotTakeTheMinerAway) {
  for (const char* mischief : {"curve turned around", "curve without numbers", "curve too long"}) {
    const auto abilities = open("rogue", mischief)->abilities();
    ASSERT_TRUE(abilities) << mischief;
    EXPECT_TRUE(abilities->curve.empty()) << mischief;
    EXPECT_EQ(abilities->envelope.max, Watts(1500));
  }
}

TEST_F(PluginMinerTest, TheDeadlineOfACallBoundsWhatItBorrows) {
  const auto identity = open("rogue", "ask beyond its deadline")->identify(soon());
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::timeout);
}

TEST_F(PluginMinerTest, SecretsAreBlottedOut) {
  const auto identity = open("rogue", "tell its secret")->identify(soon());
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().text, "wrong password ***");
  EXPECT_EQ(log_.lines, (std::vector<std::string>{"info miner bench: the password is ***, yes, ***"}));
}

TEST_F(PluginMinerTest, StateSurvivesTheInstance) {
  ASSERT_TRUE(open("rogue")->identify(soon()));
  EXPECT_EQ(state_, "seen before: nothing");
  ASSERT_TRUE(open("rogue")->identify(soon()));
  EXPECT_EQ(state_, "seen before: seen before: nothing");
}

TEST_F(PluginMinerTest, AnUnknownOptionIsRefused) {
  const auto miner = try_open("plain_c", "any");
  ASSERT_FALSE(miner);
  EXPECT_EQ(miner.error().text, "adapter plain_c has no option \"mischief\"; it has: none");
}

}  // namespace
}  // namespace sluice::plugin
