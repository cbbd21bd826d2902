// The constraint profiles: what a cautious owner is promised.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loop.hpp"

namespace sluice::control {
namespace {

Loop gentle(std::function<double(double)> sun) {
  TestMiner miner = luxos_target();
  miner.be_asleep();
  Loop loop({miner});
  loop.site.control.profile = constraint_profile(ProfileName::gentle);
  loop.sun = std::move(sun);
  return loop;
}

TEST(Gentle, LooksForHalfAMinuteBeforeItCommands) {
  Loop loop = gentle([](double) { return 3500.0; });
  loop.run(29);
  EXPECT_EQ(loop.commands(), 0);
  loop.run(60);
  EXPECT_EQ(loop.miners[0].starts, 1);
}

TEST(Gentle, RaisesAtMostEveryTwoMinutesAndThreeHundredWattsAMinute) {
  Loop loop = gentle([](double) { return 4000.0; });
  double last_target_w = 0.0;
  double last_raise_s = 0.0;
  loop.run(3000, [&] {
    const double target_w = loop.decision().miners[0].target.value();
    if (last_target_w > 0.0 && target_w > last_target_w && loop.miners[0].state == MinerState::running) {
      if (last_raise_s > 0.0) {
        EXPECT_GE(loop.now_s() - last_raise_s, 119.9);
      }
      EXPECT_LE(target_w - last_target_w, 305.0);
      last_raise_s = loop.now_s();
    }
    last_target_w = target_w;
  });
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
}

TEST(Gentle, KeepsItsMinimumTimes) {
  Loop loop = gentle([](double t) { return std::fmod(t, 1000.0) < 400.0 ? 3500.0 : 100.0; });
  double started_s = 0.0;
  double stopped_s = 0.0;
  CommandKind before = CommandKind::sleep;
  loop.run(8000, [&] {
    const CommandKind now = loop.decision().miners[0].wanted;
    if (now == CommandKind::wake && before == CommandKind::sleep) {
      if (stopped_s > 0.0) {
        EXPECT_GE(loop.now_s() - stopped_s, 599.9);
      }
      started_s = loop.now_s();
    }
    if (now == CommandKind::sleep && before != CommandKind::sleep) {
      EXPECT_GE(loop.now_s() - started_s, 899.9);
      stopped_s = loop.now_s();
    }
    before = now;
  });
  EXPECT_GT(stopped_s, 0.0) << "the day had both";
}

TEST(Gentle, AnEmergencyIgnoresTheMinimumTime) {
  Loop loop = gentle([](double) { return 3500.0; });
  loop.run(300);
  ASSERT_EQ(loop.miners[0].state, MinerState::running);
  loop.meter_dead = true;
  loop.run(31);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
}

TEST(Stopping, MinimumLeavesThemAtTheirMinimumAndLeaveTouchesNothing) {
  for (const OnStop on_stop : {OnStop::minimum, OnStop::leave}) {
    Loop loop({luxos_target()});
    loop.site.control.on_stop = on_stop;
    loop.run(300);
    const int commands = loop.commands();
    loop.shutting_down = true;
    loop.run(30);
    if (on_stop == OnStop::minimum) {
      EXPECT_NEAR(loop.mining_w(), 900.0, 1.0);
    } else {
      EXPECT_EQ(loop.commands(), commands);
    }
  }
}

TEST(Intents, AParkedMinerStaysAsleepUntilReleased) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.park_all = true;
  loop.run(200);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::parked_by_owner);
  loop.park_all = false;
  loop.run(300);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
}

}  // namespace
}  // namespace sluice::control
