#include "control/learned.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

constexpr LearningRule kSeconds{0.4, 0.6, false};
constexpr LearningRule kShare{0.1, 0.15, true};
constexpr Interval kPrior{0.0, 4.0};

double width(const Interval& interval) { return interval.high - interval.low; }

TEST(Learned, NothingLearnedIsThePrior) {
  const Interval interval = believed({}, kPrior, kSeconds);
  EXPECT_EQ(interval.low, 0.0);
  EXPECT_EQ(interval.high, 4.0);
}

TEST(Learned, EverySampleThatAgreesNarrowsTheIntervalAndNoneClosesIt) {
  LearnedValue value;
  Dissent dissent;
  double before = width(kPrior);
  for (int i = 0; i < 10; ++i) {
    teach(value, dissent, i % 2 == 0 ? 1.9 : 2.1, 1.0, kSeconds);
    const Interval now = believed(value, kPrior, kSeconds);
    EXPECT_LT(width(now), before) << "sample " << i + 1;
    EXPECT_LT(now.low, 2.0);
    EXPECT_GT(now.high, 2.0);
    before = width(now);
  }
  EXPECT_EQ(value.samples, 10U);
  EXPECT_NEAR(value.value, 2.0, 0.1);
  EXPECT_LT(before, 1.5);
  EXPECT_GE(before, 2.0 * kSeconds.least);
}

TEST(Learned, TheFirstSampleReachesTheTruthFarOutsideOfThePrior) {
  LearnedValue value;
  Dissent dissent;
  teach(value, dissent, 10.5, 1.0, kSeconds);
  const Interval interval = believed(value, kPrior, kSeconds);
  EXPECT_LT(interval.low, 6.0) << "the prior is half believed";
  EXPECT_GT(interval.high, 10.5);
}

TEST(Learned, ASampleThatContradictsWidensAndASecondOneStartsOver) {
  LearnedValue value;
  Dissent dissent;
  for (int i = 0; i < 12; ++i) teach(value, dissent, 1.5, 1.0, kSeconds);
  const double sure = width(believed(value, kPrior, kSeconds));
  teach(value, dissent, 8.0, 1.0, kSeconds);
  EXPECT_EQ(value.value, 1.5) << "one alone moves nothing";
  EXPECT_GT(width(believed(value, kPrior, kSeconds)), sure);
  teach(value, dissent, 8.2, 1.0, kSeconds);
  EXPECT_NEAR(value.value, 8.1, 1e-9);
  EXPECT_EQ(value.samples, 1U);
  EXPECT_GT(width(believed(value, kPrior, kSeconds)), 2.0) << "as new as after the first sample";
}

TEST(Learned, ContradictionsThatDoNotAgreeNeverBecomeTheTruth) {
  LearnedValue value;
  Dissent dissent;
  for (int i = 0; i < 12; ++i) teach(value, dissent, 1.5, 1.0, kSeconds);
  for (const double lie : {9.0, 15.0, 7.0, 18.0}) teach(value, dissent, lie, 1.0, kSeconds);
  EXPECT_EQ(value.value, 1.5);
  EXPECT_GE(half_width(value, kSeconds), 1.5);
}

TEST(Learned, WhatIsDistrustedWidensAndKeepsItsValue) {
  LearnedValue value;
  Dissent dissent;
  for (int i = 0; i < 12; ++i) teach(value, dissent, 1.5, 1.0, kSeconds);
  const double sure = width(believed(value, kPrior, kSeconds));
  distrust(value, kSeconds);
  EXPECT_EQ(value.value, 1.5);
  EXPECT_GT(width(believed(value, kPrior, kSeconds)), 2.0 * sure);
  distrust(value, kSeconds);
  distrust(value, kSeconds);
  EXPECT_EQ(believed(value, kPrior, kSeconds).high, kPrior.high) << "forgotten";
}

TEST(Learned, SharesScaleWithTheValue) {
  LearnedValue value;
  Dissent dissent;
  for (int i = 0; i < 30; ++i) teach(value, dissent, 400.0, 1.0, kShare);
  EXPECT_NEAR(half_width(value, kShare), 40.0, 5.0);
}

TEST(Learned, ARateStaysPositiveHoweverFarItsSamplesScatter) {
  LearnedValue value{400.0, 0.9, 5};
  const Interval interval = believed(value, {300.0, 600.0}, kShare);
  EXPECT_GT(interval.low, 0.0);
  EXPECT_GT(interval.high, 400.0);
}

TEST(Learned, AWeakSampleMovesLess) {
  LearnedValue strong, weak;
  Dissent dissent;
  for (LearnedValue* value : {&strong, &weak}) teach(*value, dissent, 2.0, 1.0, kSeconds);
  teach(strong, dissent, 2.5, 1.0, kSeconds);
  teach(weak, dissent, 2.5, 0.2, kSeconds);
  EXPECT_GT(strong.value, weak.value);
  EXPECT_GT(weak.value, 2.0);
}

}  // namespace
}  // namespace sluice::control
