#include "control/grid_watch.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using std::chrono::seconds;

MonoTime at(double s) { return MonoTime(from_seconds(1000.0 + s)); }
Reading<Watts> reading(double w, double s) { return Reading<Watts>::good(Watts(w), at(s)); }

TEST(GridWatch, SilenceIsFirstStaleAndThenLostWithinThirtySeconds) {
  GridWatch watch(at(0));
  watch.observe(reading(100, 0), at(0));
  EXPECT_EQ(watch.verdict(at(4)), GridTrust::good);
  EXPECT_EQ(watch.verdict(at(5)), GridTrust::stale);
  EXPECT_EQ(watch.verdict(at(26)), GridTrust::stale);
  EXPECT_EQ(watch.verdict(at(28)), GridTrust::lost);
}

TEST(GridWatch, ASlowMeterIsGivenItsOwnTime) {
  GridWatch watch(at(0));
  double s = 0;
  for (int i = 0; i < 12; ++i) {
    s += 10;
    watch.observe(reading(100 + i, s), at(s));
  }
  EXPECT_EQ(watch.refresh(), seconds(10));
  EXPECT_EQ(watch.verdict(at(s + 25)), GridTrust::good);
  EXPECT_EQ(watch.verdict(at(s + 31)), GridTrust::stale);
  EXPECT_EQ(watch.verdict(at(s + 61)), GridTrust::lost);
}

TEST(GridWatch, AMeterSlowerThanHalfAMinuteCannotFollowTheSun) {
  GridWatch watch(at(0));
  double s = 0;
  for (int i = 0; i < 8; ++i) {
    s += 60;
    watch.observe(reading(100 + i, s), at(s));
  }
  EXPECT_EQ(watch.verdict(at(s)), GridTrust::slow);
}

TEST(GridWatch, ANewPollOfTheSameValueIsNotANewValue) {
  GridWatch watch(at(0));
  for (int s = 0; s < 20; ++s) watch.observe(reading(s < 10 ? s : 10, s), at(s));
  EXPECT_EQ(watch.changed_at(), at(10));
  EXPECT_EQ(watch.value_time(), at(18)) << "one refresh before the last poll, not the time of the last change";
}

TEST(GridWatch, GarbageIsNotAReading) {
  GridWatch watch(at(0));
  watch.observe(reading(100, 0), at(0));
  watch.observe(reading(1e9, 1), at(1));
  watch.observe(reading(std::nan(""), 2), at(2));
  watch.observe(Reading<Watts>{}, at(3));
  EXPECT_DOUBLE_EQ(watch.power_w(), 100.0);
  EXPECT_EQ(watch.verdict(at(6)), GridTrust::stale);
}

TEST(GridWatch, AFrozenMeterIsTrustedAgainOnlyAfterItMovesThreeTimes) {
  GridWatch watch(at(0));
  watch.observe(reading(100, 0), at(0));
  watch.declare_frozen();
  EXPECT_EQ(watch.verdict(at(1)), GridTrust::frozen);
  for (int s = 1; s <= 2; ++s) watch.observe(reading(100 + s, s), at(s));
  EXPECT_EQ(watch.verdict(at(2)), GridTrust::frozen);
  watch.observe(reading(150, 3), at(3));
  EXPECT_EQ(watch.verdict(at(3)), GridTrust::good);
}

TEST(GridWatch, AContradictionHasToLastAndThenParks) {
  GridWatch watch(at(0));
  for (int s = 0; s <= 40; ++s) {
    watch.observe(reading(s, s), at(s));
    watch.contradiction(true, at(s));
    if (s == 8) {
      EXPECT_EQ(watch.verdict(at(s)), GridTrust::good);
    }
    if (s == 12) {
      EXPECT_EQ(watch.verdict(at(s)), GridTrust::implausible);
    }
    if (s == 29) {
      EXPECT_EQ(watch.verdict(at(s)), GridTrust::lost);
    }
  }
}

}  // namespace
}  // namespace sluice::control
