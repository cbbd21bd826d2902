#include "control/nowcast.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kAhead = 4;
constexpr double kHigh = 3000.0, kLow = 1400.0;
constexpr int kFallS = 8;  // 200 W a second
constexpr double kPerThree = 3.0 * (kHigh - kLow) / kFallS;

/// A sky of clouds, a minute apart, and one who learns from it each second.
struct Sky {
  Nowcast nowcast;
  double chance = 0.4, least_w = 900.0, most_w = 3250.0;
  MonoTime now = MonoTime(minutes(60));

  void see(double low_w, double high_w) {
    now += seconds(1);
    nowcast.look(low_w, high_w, now);
    if (nowcast.teaches(kAhead)) nowcast.learn(kAhead, least_w, most_w, chance);
  }
  void steady(int count, double watts) {
    for (int i = 0; i < count; ++i) see(watts, watts);
  }
  /// Falls for `falls_s` of the seconds that a whole cloud takes.
  void fall(int falls_s) {
    for (int i = 1; i <= falls_s; ++i) steady(1, kHigh - (kHigh - kLow) * i / kFallS);
  }
  void clouds(int count) {
    for (int i = 0; i < count; ++i) {
      steady(30, kHigh);
      fall(kFallS);
      steady(20, kLow);
    }
    steady(30, kHigh);
  }
};

TEST(Nowcast, ExpectsNothingBeforeItHasSeenAFallGoOn) {
  Sky sky;
  sky.steady(30, kHigh);
  sky.fall(3);
  EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
}

TEST(Nowcast, AFallThatUsuallyGoesOnIsExpectedToWithinMinutes) {
  Sky sky;
  sky.clouds(6);
  sky.fall(3);
  EXPECT_GT(sky.nowcast.fall_w(), 0.3 * kPerThree);
  EXPECT_LT(sky.nowcast.fall_w(), 1.5 * kPerThree);
}

TEST(Nowcast, WhoeverBuysDearlyExpectsMore) {
  Sky careful, bold;
  careful.chance = 0.2;
  bold.chance = 0.8;
  for (Sky* sky : {&careful, &bold}) {
    sky->clouds(10);
    sky->fall(3);
  }
  EXPECT_GT(careful.nowcast.fall_w(), bold.nowcast.fall_w() + 50.0);
}

TEST(Nowcast, ASteadyOrRisingSunAsksForNothingWhateverWasLearned) {
  Sky sky;
  sky.clouds(6);
  EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
  for (int i = 0; i < 60; ++i) {
    sky.steady(1, kHigh + 5.0 * i + 8.0 * std::sin(i));
    ASSERT_EQ(sky.nowcast.fall_w(), 0.0);
  }
}

TEST(Nowcast, FallsThatComeBackAreForgottenAgain) {
  Sky sky;
  sky.clouds(6);
  for (int i = 0; i < 60; ++i) {  // a kettle that is on for three seconds
    sky.steady(10, kHigh);
    sky.steady(3, kHigh - 600.0);
  }
  sky.steady(10, kHigh);
  sky.steady(1, kHigh - 600.0);
  EXPECT_LT(sky.nowcast.fall_w(), 60.0);
}

// One twin sees an own step fall where the other sees none: that is no sun.
TEST(Nowcast, WhatOnlyOneTwinSeesIsNoFall) {
  Sky sky;
  sky.clouds(6);
  for (int i = 1; i <= 3; ++i) {
    sky.see(kHigh, kHigh - 200.0 * i);
    EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
  }
  for (int i = 0; i < 3; ++i) sky.see(kHigh, kHigh - 600.0);
  for (int i = 1; i <= 3; ++i) {
    sky.see(kHigh - 200.0 * i, kHigh - 600.0);
    EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
  }
}

// What happened across a gap is neither a fall nor a lesson.
TEST(Nowcast, AGapIsNoFall) {
  for (const bool told : {false, true}) {
    Sky sky;
    sky.clouds(6);
    told ? sky.nowcast.pause() : void(sky.now += seconds(2));
    sky.steady(1, kLow);
    EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
    sky.steady(2, kLow);
    EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
  }
}

TEST(Nowcast, PausedItExpectsNothingAndKeepsWhatItLearned) {
  Sky sky;
  sky.clouds(6);
  sky.fall(3);
  EXPECT_GT(sky.nowcast.fall_w(), 0.0);
  sky.nowcast.pause();
  EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
  EXPECT_FALSE(sky.nowcast.teaches(kAhead));
  sky.steady(10, kHigh);
  sky.fall(3);
  EXPECT_GT(sky.nowcast.fall_w(), 100.0);
}

// Where nobody follows, what happens teaches nothing.
TEST(Nowcast, OutOfReachNothingIsLearned) {
  Sky sky;
  sky.least_w = 100.0;
  sky.most_w = 900.0;
  sky.clouds(6);
  sky.fall(3);
  EXPECT_EQ(sky.nowcast.fall_w(), 0.0);
}

// Ticks may come twice a second, with the same reading or another: a second stays a second.
TEST(Nowcast, TicksBetweenTheSecondsChangeNothing) {
  Sky once, twice;
  for (Sky* sky : {&once, &twice}) {
    for (int second = 0; second < 600; ++second) {
      const double watts = 2200.0 + 800.0 * std::cos(second / 5.0);
      sky->see(watts, watts);
      if (sky != &twice) continue;
      sky->nowcast.look(watts - 100.0, watts - 100.0, sky->now + milliseconds(500));
      EXPECT_FALSE(sky->nowcast.teaches(kAhead));
    }
  }
  once.fall(3);
  twice.fall(3);
  EXPECT_GT(once.nowcast.fall_w(), 0.0);
  EXPECT_EQ(once.nowcast.fall_w(), twice.nowcast.fall_w());
}

}  // namespace
}  // namespace sluice::control
