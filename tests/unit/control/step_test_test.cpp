#include "control/step_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::control {
namespace {

MonoTime at(double s) { return MonoTime(from_seconds(1000.0 + s)); }

StepTest::Sight sight(double s, double grid_w, double twin_w, double changed_s, bool settled) {
  StepTest::Sight out;
  out.now = at(s);
  out.grid_w = grid_w;
  out.twin_w = twin_w;
  out.grid_changed_at = at(changed_s);
  out.settled = settled;
  return out;
}

StepVerdict step(double grid_before_w, double grid_after_w, bool moved) {
  StepTest test;
  test.begin(0, sight(0, grid_before_w, 1000, 0, true));
  StepVerdict last = StepVerdict::none;
  for (int s = 1; s < 30 && test.running(); ++s) {
    last = test.judge(sight(s, grid_after_w, 1500, moved ? s : 0, s > 5));
  }
  return last;
}

TEST(StepTest, AStepThatTheMeterShowsIsConfirmed) { EXPECT_EQ(step(-800, -310, true), StepVerdict::confirmed); }
TEST(StepTest, TheWrongWayRoundConfirmsNothing) { EXPECT_EQ(step(-800, -1290, true), StepVerdict::unclear); }
TEST(StepTest, AMeterThatMovesWithoutTheStepAccusesTheMiner) {
  EXPECT_EQ(step(-800, -795, true), StepVerdict::unmoved);
}
TEST(StepTest, AMeterThatNeverMovesIsFrozen) { EXPECT_EQ(step(-800, -800, false), StepVerdict::frozen); }
TEST(StepTest, ALoadAtTheSameTimeProvesNothing) { EXPECT_EQ(step(-800, 700, true), StepVerdict::unclear); }

TEST(StepTest, SuspicionComesBeforeTheVerdict) {
  StepTest test;
  test.begin(0, sight(0, -800, 1000, 0, true));
  EXPECT_EQ(test.judge(sight(3, -800, 1150, 0, false)), StepVerdict::none);
  EXPECT_EQ(test.judge(sight(6, -800, 1500, 0, true)), StepVerdict::suspicious);
}

TEST(StepTest, AMeterThatShowsNothingIsSuspectedWhileTheStepStillClimbs) {
  StepTest test;
  test.begin(0, sight(0, -800, 1000, 0, true));
  EXPECT_EQ(test.judge(sight(10, -800, 1150, 0, false)), StepVerdict::none) << "too little to be seen";
  EXPECT_EQ(test.judge(sight(20, -800, 1250, 0, false)), StepVerdict::suspicious);
  EXPECT_EQ(test.judge(sight(21, -560, 1260, 21, false)), StepVerdict::none) << "it has answered";
}

TEST(StepTest, ABatteryThatHoldsTheGridAtZeroAnswersInItsPlace) {
  StepTest test;
  test.begin(0, sight(0, 0, 1000, 0, true));
  StepVerdict last = StepVerdict::none;
  for (int s = 1; s < 30 && test.running(); ++s) {
    StepTest::Sight seen = sight(s, 0, 1500, 0, s > 5);
    seen.others_w = 500;
    last = test.judge(seen);
  }
  EXPECT_EQ(last, StepVerdict::confirmed);
}

// The reading of the sun is newer than that of the grid: the jump seems to have cancelled the step.
TEST(StepTest, AJumpOfTheSunAtTheEndAccusesNobody) {
  StepTest test;
  test.begin(0, sight(0, -800, 1000, 0, true));
  StepVerdict last = StepVerdict::none;
  for (int s = 1; s < 30 && test.running(); ++s) {
    StepTest::Sight seen = sight(s, -795, 1500, s, s > 5);
    seen.stir_w = 400;
    last = test.judge(seen);
  }
  EXPECT_EQ(last, StepVerdict::unclear);
}

// A miner that follows the sun steps the way the sun goes: what the meter does not show yet of it is no scatter.
TEST(StepTest, AStepUnderAMovingSunTellsThatAMinerObeysNotWhatItDraws) {
  for (const bool buffered : {false, true}) {
    for (const double stir_w : {20.0, 120.0, 300.0}) {
      for (const double refresh_s : {1.0, 2.0}) {
        StepTest test;
        StepTest::Sight before = sight(0, -800, 1000, 0, true);
        before.stir_w = stir_w * refresh_s;
        before.unseen_w = stir_w * (refresh_s - 1.0);
        test.begin(0, before);
        StepVerdict last = StepVerdict::none;
        for (int s = 1; s < 30 && test.running(); ++s) {
          StepTest::Sight seen = sight(s, -310, 1500, s, s > 5);
          seen.buffered = buffered;
          last = test.judge(seen);
        }
        EXPECT_EQ(last, StepVerdict::confirmed);
        const bool slow = refresh_s > 1.0;
        EXPECT_EQ(test.teaches(), buffered ? stir_w < 25.0 && !slow : stir_w < 125.0 || !slow) << stir_w << refresh_s;
      }
    }
  }
}

TEST(StepTest, OnlyASlowMinerOrManyAreGivenMoreThanThreeMinutes) {
  for (const double ramp_s : {60.0, 240.0, 0.0}) {
    StepTest test;
    test.begin(0, sight(0, -800, 1000, 0, true), from_seconds(ramp_s));
    if (ramp_s == 0.0) test.mix();
    StepVerdict last = StepVerdict::none;
    EXPECT_FALSE(test.replaceable(0, at(170)));
    EXPECT_EQ(test.replaceable(0, at(190)), ramp_s > 0.0);
    EXPECT_FALSE(test.replaceable(1, at(190)));
    for (int s = 1; s < 600 && test.running(); ++s) last = test.judge(sight(s, -310, 1500, s, s > 300));
    EXPECT_EQ(last, ramp_s == 60.0 ? StepVerdict::none : StepVerdict::confirmed);
    EXPECT_FALSE(test.teaches()) << "loads come and go in that time";
  }
}

/// One of several whose targets change all the time: it goes up by 800 W, the others meanwhile by 1500 W, and they are
/// on their way again before it has arrived.
FollowWatch::Verdict among_others(bool follows, double load_w, double apart_w) {
  FollowWatch watch;
  FollowWatch::Sight sight;
  FollowWatch::Verdict last = FollowWatch::Verdict::none;
  for (int s = 0; s < 60 && last == FollowWatch::Verdict::none; ++s) {
    const double mine_w = 1000.0 + std::clamp(40.0 * (s - 5), 0.0, 800.0), others_w = 3000.0 + 25.0 * s;
    sight.now = at(s);
    sight.mine_low_w = mine_w - 150.0;
    sight.mine_high_w = mine_w + 150.0;
    sight.all_low_w = sight.mine_low_w + others_w;
    sight.all_high_w = sight.mine_high_w + others_w + (s > 5 ? apart_w : 0.0);
    sight.fed_w = others_w + (follows ? mine_w : 1000.0) + (s > 5 ? load_w : 0.0);
    last = watch.look(sight);
  }
  return last;
}

TEST(FollowWatch, AmongOthersThatNeverRestAStepIsSeen) {
  EXPECT_EQ(among_others(true, 0.0, 0.0), FollowWatch::Verdict::followed);
  EXPECT_EQ(among_others(true, 100.0, 100.0), FollowWatch::Verdict::followed);
  EXPECT_EQ(among_others(false, 0.0, 0.0), FollowWatch::Verdict::stood_still);
}
TEST(FollowWatch, WhatMayBeEitherIsNeither) {
  EXPECT_EQ(among_others(true, 0.0, 2000.0), FollowWatch::Verdict::none) << "the others may have drawn anything";
}

}  // namespace
}  // namespace sluice::control
