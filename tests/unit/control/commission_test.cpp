#include "control/commission.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::control {
namespace {

Envelope range(double low, double high, double step) {
  Envelope out;
  out.kind = EnvelopeKind::range;
  out.min = Watts(low);
  out.max = Watts(high);
  out.step = Watts(step);
  return out;
}

StepFit clean(double ramp_w_per_s) {
  StepFit fit;
  fit.fits = fit.ramp_known = fit.dead_known = true;
  fit.ramp_w_per_s = ramp_w_per_s;
  return fit;
}

/// Every stop of a walk whose steps all show `fit`.
std::vector<double> stops(Walk walk, double from_w, const std::optional<StepFit>& fit) {
  std::vector<double> out;
  double at_w = from_w;
  while (const auto to = walk.next(Watts(at_w))) {
    walk.saw(to->value() > at_w, std::fabs(to->value() - at_w), fit);
    at_w = to->value();
    out.push_back(at_w);
    if (out.size() > 100) break;
  }
  return out;
}

TEST(Walk, TakesStepsThatTheLearnerCanSeeWhole) {
  // 40 W/s up fill its window with 800 W, downwards the whole span is gone in five seconds.
  const Walk walk(range(900, 3250, 5), 40.0, 470.0, 3);
  EXPECT_TRUE(walk.possible());
  double at_w = 900.0;
  for (const double stop_w : stops(walk, at_w, clean(40.0))) {
    EXPECT_GE(std::fabs(stop_w - at_w), 200.0);
    EXPECT_LE(stop_w - at_w, 2350.0);
    at_w = stop_w;
  }
  EXPECT_EQ(stops(walk, 900.0, clean(40.0)), (std::vector<double>{1680, 2460, 3250, 900, 3250, 900, 3250, 900}));
}

TEST(Walk, ARepeatedlyBlurredStepIsGivenUp) {
  const Walk walk(range(900, 3250, 5), 40.0, 470.0, 3);
  const std::size_t tries = stops(walk, 900.0, std::nullopt).size();
  EXPECT_GE(tries, 2 * 3 * Walk::kMostTries - 1);
  EXPECT_LE(tries, 3 * 3 * Walk::kMostTries) << "and the ways between them";
}

TEST(Walk, ARampThatOutlastsTheWindowIsTriedInSmallerSteps) {
  Walk walk(range(900, 3250, 5), 120.0, 470.0, 3);  // declared; it is 20
  const double first_w = walk.next(Watts(900.0))->value() - 900.0;
  StepFit slow;
  slow.fits = true;
  slow.ramp_w_per_s = 20.0;
  walk.saw(true, first_w, slow);
  EXPECT_LT(walk.next(Watts(900.0))->value() - 900.0, 0.6 * first_w);
  EXPECT_EQ(walk.clean(true), 0U);
}

TEST(Walk, LevelsAreNeverSmallerStepsThanCanBeSeen) {
  Envelope levels;
  levels.kind = EnvelopeKind::levels;
  for (const double level : {800.0, 930.0, 1060.0, 1200.0, 1400.0}) levels.levels.push_back(Watts(level));
  levels.min = Watts(800.0);
  levels.max = Watts(1400.0);
  double at_w = 800.0;
  for (const double stop_w : stops(Walk(levels, 10.0, 10.0, 2), at_w, clean(10.0))) {
    EXPECT_GE(std::fabs(stop_w - at_w), 200.0);
    at_w = stop_w;
  }
}

TEST(Walk, OneLevelIsNoWalk) {
  const Walk walk(range(1500, 1500, 1), 40.0, 40.0, 3);
  EXPECT_FALSE(walk.possible());
  EXPECT_FALSE(walk.next(Watts(1500.0)).has_value());
  EXPECT_FALSE(Walk(Envelope{}, 40.0, 40.0, 3).possible());
}

TEST(SteadyMean, IsOfTenDifferentReadingsThatStandStill) {
  SteadyMean mean;
  MonoTime at{std::chrono::seconds(100)};
  for (int i = 0; i < 30; ++i) mean.add(at, 500.0);
  EXPECT_FALSE(mean.steady()) << "the same reading again and again";
  mean.clear();
  for (int i = 0; i < 10; ++i) mean.add(at += std::chrono::seconds(1), 500.0 + i % 2);
  ASSERT_TRUE(mean.steady());
  EXPECT_NEAR(mean.mean_w(), 500.5, 1e-9);
  mean.add(at += std::chrono::seconds(1), 800.0);
  EXPECT_FALSE(mean.steady());
  for (int i = 0; i < 9; ++i) mean.add(at += std::chrono::seconds(1), 800.0);
  ASSERT_TRUE(mean.steady());
  EXPECT_NEAR(mean.mean_w(), 800.0, 1e-9) << "the old ones are gone";
}

}  // namespace
}  // namespace sluice::control
