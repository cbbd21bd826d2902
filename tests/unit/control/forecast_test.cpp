#include "control/forecast.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "control/balance.hpp"

namespace sluice::control {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kFirstDay = 20600;

WallTime at(std::int64_t day, double hour) {
  return WallTime(hours(24) * (kFirstDay + day)) + from_seconds(hour * 3600.0);
}

Snapshot seen_at(WallTime wall) {
  Snapshot out;
  out.wall = wall;
  out.wall_sane = true;
  out.local_day = wall.time_since_epoch() / hours(24);
  out.now = MonoTime(wall.time_since_epoch() % hours(24 * 100));
  return out;
}

/// 4 kW at noon between 6 and 18 h, −300 W at night.
double sunny_w(double hour) { return std::max(-300.0, 4000.0 * std::sin((hour - 6.0) / 12.0 * 3.14159265)); }

void live(SurplusForecast& forecast, std::int64_t day, double from, double to,
          const std::function<double(double)>& surplus_w) {
  for (double hour = from; hour < to - 1e-9; hour += 1.0 / 60.0) {
    forecast.look(seen_at(at(day, hour)), surplus_w(hour), 60.0);
  }
}

SurplusForecast after_days(int days) {
  SurplusForecast forecast{SurplusMemory{}};
  for (int day = 0; day < days; ++day) live(forecast, day, 0.0, 24.0, sunny_w);
  return forecast;
}

TEST(Forecast, ExpectsTomorrowWhatWasYesterday) {
  SurplusForecast forecast = after_days(1);
  live(forecast, 1, 0.0, 0.1, sunny_w);
  EXPECT_TRUE(forecast.known(at(1, 0.1)));
  EXPECT_NEAR(forecast.expected_w(at(1, 0.1), 48), sunny_w(12.1), 30.0);
  EXPECT_NEAR(forecast.expected_w(at(1, 0.1), 8), -300.0, 1.0);
  EXPECT_DOUBLE_EQ(forecast.ratio_so_far(), 1.0);
}

TEST(Forecast, BeforeADayWasSeenThereIsNone) {
  SurplusForecast forecast{SurplusMemory{}};
  live(forecast, 0, 6.0, 20.0, sunny_w);
  EXPECT_FALSE(forecast.known(at(0, 20.0)));
}

TEST(Forecast, ADarkMorningLowersTheAfternoonAndLeavesTomorrowAlone) {
  SurplusForecast forecast = after_days(2);
  const double noon_w = forecast.expected_w(at(2, 11.0), 4);
  live(forecast, 2, 0.0, 11.05, [](double hour) { return 0.3 * sunny_w(hour); });
  EXPECT_LT(forecast.ratio_so_far(), 0.5);
  EXPECT_LT(forecast.expected_w(at(2, 11.05), 4), 0.6 * noon_w);
  EXPECT_NEAR(forecast.expected_w(at(2, 11.05), 95 - 44), forecast.expected_w(at(2, 10.0), 95 - 40), 1.0);
}

TEST(Forecast, TheNewestDayCountsHalfAndTheDaysBeforeTheRest) {
  SurplusForecast forecast = after_days(3);
  live(forecast, 3, 0.0, 24.0, [](double) { return 0.0; });
  live(forecast, 4, 0.0, 0.1, [](double) { return 0.0; });
  // Half of nothing, half of a mean that has moved by a quarter.
  EXPECT_NEAR(forecast.expected_w(at(4, 0.1), 48), 0.5 * 0.75 * sunny_w(12.1), 30.0);
}

TEST(Forecast, AMissingDayLeavesTheOneBefore) {
  SurplusForecast forecast = after_days(2);
  live(forecast, 3, 0.0, 0.5, sunny_w);
  EXPECT_TRUE(forecast.known(at(3, 0.5)));
  EXPECT_NEAR(forecast.expected_w(at(3, 0.5), 46), sunny_w(12.0), 150.0);
  EXPECT_FALSE(forecast.known(at(9, 0.5))) << "a week later it is another weather, perhaps another house";
}

TEST(Forecast, WhatWasNotSeenIsNotZero) {
  SurplusForecast forecast = after_days(1);
  live(forecast, 1, 0.0, 11.0, sunny_w);
  live(forecast, 1, 13.0, 24.0, sunny_w);  // the meter was silent around noon
  live(forecast, 2, 0.0, 0.1, sunny_w);
  EXPECT_NEAR(forecast.expected_w(at(2, 0.1), 48), sunny_w(12.1), 50.0);
}

TEST(Forecast, ASlotThatNobodyEverSawIsAsTheOneBefore) {
  SurplusForecast forecast{SurplusMemory{}};
  live(forecast, 0, 0.0, 11.75, sunny_w);
  live(forecast, 0, 12.5, 24.0, sunny_w);
  live(forecast, 1, 0.0, 0.1, sunny_w);
  ASSERT_TRUE(forecast.known(at(1, 0.1)));
  EXPECT_NEAR(forecast.expected_w(at(1, 0.1), 48), sunny_w(11.6), 50.0);
}

TEST(Forecast, ThrottledSunTeachesNothing) {
  SurplusForecast forecast = after_days(1);
  for (double hour = 0.0; hour < 24.0; hour += 1.0 / 60.0) {
    Snapshot throttled = seen_at(at(1, hour));
    throttled.pv.curtailed = Reading<bool>::good(true, throttled.now);
    forecast.look(throttled, 0.0, 60.0);
  }
  live(forecast, 2, 0.0, 0.1, sunny_w);
  EXPECT_NEAR(forecast.expected_w(at(2, 0.1), 48), sunny_w(12.1), 50.0);
  EXPECT_DOUBLE_EQ(forecast.ratio_so_far(), 1.0);
}

TEST(Forecast, WithoutASaneClockNothingIsLearned) {
  SurplusForecast forecast = after_days(1);
  for (double hour = 0.0; hour < 24.0; hour += 1.0 / 60.0) {
    Snapshot lost = seen_at(at(1, hour));
    lost.wall_sane = false;
    lost.local_day = 0;
    forecast.look(lost, -5000.0, 60.0);
  }
  EXPECT_NEAR(forecast.expected_w(at(1, 0.1), 48), sunny_w(12.1), 50.0);
}

TEST(Forecast, AClockThatJumpsTakesNoSlotWithIt) {
  SurplusForecast forecast = after_days(1);
  live(forecast, 1, 0.0, 9.05, sunny_w);
  live(forecast, 1, 11.0, 24.0, sunny_w);  // two hours forward: three minutes of a slot are no slot
  live(forecast, 1, 22.0, 24.0, sunny_w);  // two hours back: seen again
  live(forecast, 2, 0.0, 0.1, sunny_w);
  for (std::size_t ahead = 0; ahead < kSlotsPerDay; ++ahead) {
    const double hour = std::fmod(0.125 + 0.25 * static_cast<double>(ahead), 24.0);
    EXPECT_NEAR(forecast.expected_w(at(2, 0.1), ahead), sunny_w(hour), 130.0) << hour;
  }
}

// At the end of summer time the local day has 25 hours; the sun does not notice.
TEST(Forecast, SummerTimeMovesNothing) {
  const auto live_locally = [](SurplusForecast& forecast, std::int64_t day, Duration offset) {
    for (double hour = 0.0; hour < 24.0; hour += 1.0 / 60.0) {
      Snapshot snapshot = seen_at(at(day, hour));
      snapshot.local_day = (snapshot.wall.time_since_epoch() + offset) / hours(24);
      forecast.look(snapshot, sunny_w(hour), 60.0);
    }
  };
  SurplusForecast forecast{SurplusMemory{}};
  live_locally(forecast, 0, hours(2));
  live_locally(forecast, 1, hours(1));
  EXPECT_NEAR(forecast.expected_w(at(2, 0.1), 48), sunny_w(12.1), 50.0);
  EXPECT_NEAR(forecast.ratio_so_far(), 1.0, 0.02);
}

TEST(Forecast, ARestartLosesLessThanAnHour) {
  SurplusForecast before = after_days(1);
  SurplusMemory kept;
  for (double hour = 0.0; hour < 10.5; hour += 1.0 / 60.0) {
    before.look(seen_at(at(1, hour)), 0.3 * sunny_w(hour), 60.0);
    before.remember(kept);
  }
  const SurplusForecast after(kept);
  EXPECT_TRUE(after.known(at(1, 10.5)));
  EXPECT_NEAR(after.expected_w(at(1, 10.5), 6), before.expected_w(at(1, 10.5), 6), 0.1 * sunny_w(12.0));
  EXPECT_LT(after.ratio_so_far(), 0.6);
}

Store store(double now_wh) { return {now_wh, 2000.0, 9900.0, 5000.0}; }

TEST(FirstEnd, ASunnyDayFillsAndADarkOneDoesNot) {
  const SurplusForecast sunny = after_days(1);
  EXPECT_EQ(first_end(sunny, at(1, 8.0), store(3000.0), {}), StoreEnd::full);
  EXPECT_EQ(first_end(sunny, at(1, 16.0), store(3000.0), {}), StoreEnd::empty) << "what is left of today is too little";
  EXPECT_NE(first_end(sunny, at(1, 8.0), store(3000.0), {0.1, 0.1, 1.0}), StoreEnd::full) << "hardly trusted";
}

TEST(FirstEnd, AFullOneInTheEveningFillsAgainIfTheNightLeavesEnough) {
  const SurplusForecast sunny = after_days(1);
  EXPECT_EQ(first_end(sunny, at(1, 20.0), store(8000.0), {}), StoreEnd::full);
  EXPECT_EQ(first_end(sunny, at(1, 20.0), store(4000.0), {}), StoreEnd::empty);
}

TEST(FirstEnd, ChargesNoFasterThanItCan) {
  const SurplusForecast sunny = after_days(1);
  Store slow = store(3000.0);
  slow.charge_w = 300.0;
  EXPECT_NE(first_end(sunny, at(1, 8.0), slow, {}), StoreEnd::full);
}

TEST(BatteryRelease, MovesSlowlyAndNotAtEveryDoubt) {
  const SurplusForecast sunny = after_days(1);
  BatteryRelease release;
  Snapshot snapshot = seen_at(at(1, 8.0));
  ASSERT_TRUE(release.step(sunny, snapshot, store(3000.0), 1.0));
  EXPECT_DOUBLE_EQ(release.step(sunny, snapshot, store(3000.0), 1.0)->charge, 1.0);
  // In the afternoon, between the two cautions, what was decided holds.
  int turns = 0;
  double last = 1.0;
  for (double hour = 8.0; hour < 18.0; hour += 1.0 / 60.0) {
    snapshot = seen_at(at(1, hour));
    const double doubtful_wh = 5000.0 + 400.0 * std::sin(hour * 40.0);
    const double now = release.step(sunny, snapshot, store(doubtful_wh), 60.0)->charge;
    EXPECT_LE(std::fabs(now - last), 0.1 + 1e-9);
    if ((now > 0.5) != (last > 0.5)) ++turns;
    last = now;
  }
  EXPECT_EQ(turns, 1);
  EXPECT_DOUBLE_EQ(last, 0.0);
}

TEST(BatteryRelease, WithoutForecastOrStateOfChargeThereIsNone) {
  BatteryRelease release;
  const Snapshot snapshot = seen_at(at(1, 8.0));
  EXPECT_FALSE(release.step(SurplusForecast{SurplusMemory{}}, snapshot, store(3000.0), 1.0));
  BatteryRelease other;
  EXPECT_FALSE(other.step(after_days(1), snapshot, std::nullopt, 1.0));
}

}  // namespace
}  // namespace sluice::control
