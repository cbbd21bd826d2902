#include "control/sign_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::control {
namespace {

/// A miner steps again and again; the meter shows `sign` times the step, and what the load did meanwhile.
struct House {
  SignWatch watch;
  double now_s = 1000.0, grid_w = 0.0, miner_w = 1000.0, others_w = 3000.0;
  double stir_w = 0.0;

  SignWatch::Sight sight(bool settled) const {
    return {MonoTime(from_seconds(now_s)), grid_w, others_w, stir_w, miner_w - 20.0, miner_w + 20.0, settled};
  }
  bool step(double step_w, double sign, double load_w = 0.0, double sun_w = 0.0) {
    watch.look(sight(true), false);
    now_s += 1.0;
    bool turned = watch.look(sight(false), true);
    miner_w += step_w;
    stir_w = std::fabs(sun_w / 6.0);
    grid_w += sign * (step_w + load_w);
    for (int s = 0; s < 6; ++s) {
      now_s += 1.0;
      others_w += sun_w / 6.0;
      grid_w -= sign * sun_w / 6.0;
      turned = watch.look(sight(true), false) || turned;
    }
    return turned;
  }
};

TEST(SignWatch, TwoClearStepsTheWrongWayRoundAreEnoughAndOneIsNot) {
  House house;
  EXPECT_FALSE(house.step(400.0, -1.0));
  EXPECT_TRUE(house.step(-300.0, -1.0));
  EXPECT_TRUE(house.step(300.0, -1.0)) << "given another chance, one more is enough";
}

TEST(SignWatch, ARightStepInBetweenTakesTheSuspicionAway) {
  House house;
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(house.step(400.0, 1.0, -800.0)) << "a load against the step, twice as large";
    EXPECT_FALSE(house.step(-400.0, 1.0));
  }
}

TEST(SignWatch, ALoadAtTheSameTimeProvesNothing) {
  House house;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(house.step(300.0, -1.0, i % 2 == 0 ? 900.0 : -1500.0));
  EXPECT_LT(house.watch.evidence(), 0.5);
}

TEST(SignWatch, WhatTheSunDoesIsKnown) {
  House right;
  House turned;
  EXPECT_FALSE(turned.step(400.0, -1.0, 0.0, 200.0));
  EXPECT_TRUE(turned.step(400.0, -1.0, 0.0, -200.0));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(right.step(200.0, 1.0, 0.0, 150.0)) << "the meter hardly moves, and rightly";
}

TEST(SignWatch, UnderACloudThatMovesFasterThanMetersCanTellNothingIsProved) {
  House house;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(house.step(-300.0, -1.0, 0.0, -900.0));
  EXPECT_EQ(house.watch.evidence(), 0.0);
}

// A miner that follows a falling sun is never at rest. Before the step it may have been at either of its twins, and
// after it at the other one.
TEST(SignWatch, AMinerThatWasStillUnderWayProvesNothing) {
  SignWatch watch;
  double now_s = 1000.0;
  const auto sight = [&](double grid_w, double others_w, double low_w, double high_w) {
    return SignWatch::Sight{MonoTime(from_seconds(now_s += 1.0)), grid_w, others_w, 0.0, low_w, high_w, false};
  };
  for (int i = 0; i < 5; ++i) {
    // It drew 2250 W before and 1640 W after, while the sun fell by 450 W.
    EXPECT_FALSE(watch.look(sight(0.0, 5000.0, 1900.0, 2280.0), false));
    EXPECT_FALSE(watch.look(sight(0.0, 5000.0, 1900.0, 2280.0), true));
    EXPECT_FALSE(watch.look(sight(-160.0, 4550.0, 1620.0, 1840.0), false));
    EXPECT_FALSE(watch.look(sight(-160.0, 4550.0, 1620.0, 1840.0), true));
    watch.abandon();
  }
  EXPECT_EQ(watch.evidence(), 0.0);
}

TEST(SignWatch, StepsTooSmallForTheMeterSayNothing) {
  House house;
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(house.step(i % 2 == 0 ? 80.0 : -80.0, -1.0));
  EXPECT_EQ(house.watch.evidence(), 0.0);
}

}  // namespace
}  // namespace sluice::control
