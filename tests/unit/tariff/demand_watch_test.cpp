#include "tariff/demand_watch.hpp"

#include "support.hpp"

namespace sluice::tariff {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A plan with one demand charge, and a meter that is read every second.
class DemandWatchTest : public ::testing::Test {
 protected:
  static Plan plan(const std::string& charge) {
    return parsed(
        "id: x\ntitle: x\nsource: x\nchecked: 2026-01-01\ncurrency: EUR\nunit: EUR/kWh\nzone: UTC\nversions:\n"
        "  - valid_from: 2020-01-01\n    periods: {all: 0.3}\n    rules: [{use: all}]\n    demand: [{name: peak, "
        "rate_per_kw: 10, " +
        charge + "}]\n");
  }
  void run(DemandWatch& watch, Duration time, double grid_w) {
    for (Duration passed{}; passed < time; passed += seconds(1)) {
      now_ += seconds(1);
      watch.observe(now_, MonoTime(now_.time_since_epoch()), Watts(grid_w));
    }
  }
  void start(DemandWatch& watch, const std::string& when, double grid_w) {
    now_ = utc(when);
    watch.observe(now_, MonoTime(now_.time_since_epoch()), Watts(grid_w));
  }

  WallTime now_{};
  LocalTime clock_;
};

TEST_F(DemandWatchTest, AllowsWhatKeepsTheMeanAtTheBilledPeak) {
  const Plan plan = this->plan("interval_min: 15");
  DemandWatch watch(plan, clock_, {}, {{"peak", day("2026-06-01"), Watts(4000)}});
  start(watch, "2026-06-10 12:00", 1000);
  EXPECT_NEAR(watch.limit().value.value(), 4000, 1);
  run(watch, minutes(5), 1000);
  EXPECT_NEAR(watch.limit().value.value(), (4000 * 15 - 1000 * 5) / 10.0, 1);
  EXPECT_NEAR(watch.interval_mean().value(), 1000, 1);
  run(watch, minutes(5), 8000);
  EXPECT_NEAR(watch.limit().value.value(), (4000 * 15 - 1000 * 5 - 8000 * 5) / 5.0, 30);
}

TEST_F(DemandWatchTest, FollowingTheLimitNeverRaisesThePeak) {
  const Plan plan = this->plan("interval_min: 30");
  DemandWatch watch(plan, clock_, {}, {{"peak", day("2026-06-01"), Watts(3000)}});
  start(watch, "2026-06-10 12:00", 0);
  double house = 200;
  for (int second = 0; second < 4 * 3600; ++second) {
    house = 200 + 2500 * ((second / 600) % 2);  // a stove, ten minutes on and ten off
    const double mining = std::clamp(watch.limit().value.value() - house, 0.0, 6000.0);
    run(watch, seconds(1), house + mining);
  }
  ASSERT_EQ(watch.peaks().size(), 1U);
  EXPECT_LE(watch.peaks()[0].mean.value(), 3000.5);
}

TEST_F(DemandWatchTest, APeakThatTheHouseMakesIsTheNewAllowance) {
  const Plan plan = this->plan("interval_min: 15");
  DemandWatch watch(plan, clock_, {}, {});
  start(watch, "2026-06-10 12:00", 2000);
  EXPECT_DOUBLE_EQ(watch.limit().value.value(), 0.0);  // nothing is billed yet
  run(watch, minutes(16), 2000);
  ASSERT_EQ(watch.peaks().size(), 1U);
  EXPECT_NEAR(watch.peaks()[0].mean.value(), 2000, 5);
  EXPECT_NEAR(watch.billed().value(), 2000, 5);
}

TEST_F(DemandWatchTest, WhatWasNotSeenAllowsLess) {
  const Plan plan = this->plan("interval_min: 15");
  DemandWatch watch(plan, clock_, {}, {{"peak", day("2026-06-01"), Watts(4000)}});
  start(watch, "2026-06-10 12:00", 0);
  run(watch, minutes(1), 0);
  now_ += minutes(9);  // the meter was silent
  run(watch, seconds(1), 0);
  EXPECT_NEAR(watch.limit().value.value(), (4000 * 15 - 4000 * 9) / 5.0, 40);
  run(watch, minutes(6), 0);
  EXPECT_DOUBLE_EQ(watch.peaks()[0].mean.value(), 4000.0);  // and it is no peak
}

TEST_F(DemandWatchTest, OnlyItsWindowCounts) {
  const Plan plan = this->plan("interval_min: 15, days: weekday, time: \"16:00-21:00\"");
  DemandWatch watch(plan, clock_, {}, {{"peak", day("2026-06-01"), Watts(1000)}});
  start(watch, "2026-06-10 15:59", 9000);
  EXPECT_FALSE(watch.limit().usable());
  run(watch, seconds(61), 500);
  EXPECT_TRUE(watch.limit().usable());
  start(watch, "2026-06-13 17:00", 9000);  // a Saturday
  EXPECT_FALSE(watch.limit().usable());
  run(watch, minutes(20), 9000);
  EXPECT_DOUBLE_EQ(watch.peaks()[0].mean.value(), 1000.0);
}

TEST_F(DemandWatchTest, ARatchetRemembersTheYear) {
  const Plan plan = this->plan("interval_min: 15, ratchet_pct: 80, ratchet_months: 11");
  DemandWatch watch(plan, clock_, {},
                    {{"peak", day("2025-06-01"), Watts(9000)}, {"peak", day("2025-08-01"), Watts(5000)}});
  start(watch, "2026-06-10 12:00", 0);
  EXPECT_NEAR(watch.limit().value.value(), 4000, 1);  // 80 % of August; last June is 12 months ago
}

TEST_F(DemandWatchTest, TheOwnerMayAcceptAPeak) {
  const Plan plan = this->plan("interval_min: 15");
  DemandWatch watch(plan, clock_, {1, Watts(5000)}, {});
  start(watch, "2026-06-10 12:00", 0);
  EXPECT_NEAR(watch.limit().value.value(), 5000, 1);
}

TEST_F(DemandWatchTest, TheAllowanceIsNotSpentInTheLastSeconds) {
  const Plan plan = this->plan("interval_min: 15");
  DemandWatch watch(plan, clock_, {}, {{"peak", day("2026-06-01"), Watts(4000)}});
  start(watch, "2026-06-10 12:00", 0);
  run(watch, minutes(14) + seconds(55), 3900);
  EXPECT_LT(watch.limit().value.value(), 4000 * 15 - 3900 * 14);
}

}  // namespace
}  // namespace sluice::tariff
