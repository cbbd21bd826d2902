#include "tariff/schedule.hpp"

#include <gtest/gtest.h>

namespace sluice::tariff {
namespace {

using namespace std::chrono_literals;

constexpr DayMask kSaturdayBit = 0x20;

Period period(PeriodOrder order, int from, int to, DayMask days = kEveryDay) {
  Period made;
  made.order = order;
  made.when.days = days;
  if (from != to) made.when.windows.push_back({from * 60, to * 60});
  return made;
}

/// 2026-01-05 is a Monday.
LocalClock at(int day, int hour, int minute = 0) {
  return {LocalDay(std::chrono::local_days(std::chrono::year(2026) / 1 / 5)) + std::chrono::days(day),
          std::chrono::hours(hour) + std::chrono::minutes(minute)};
}

TEST(Schedule, WithoutAPeriodTheStrategyDecides) {
  EXPECT_EQ(ordered({}, at(0, 12), 0), Ordered{});
  EXPECT_EQ(ordered({period(PeriodOrder::full, 22, 6)}, at(0, 12), 0), Ordered{});
}

TEST(Schedule, APeriodHoldsFromItsFirstMinuteUntilItsLast) {
  const std::vector<Period> night{period(PeriodOrder::full, 22, 6)};
  EXPECT_EQ(ordered(night, at(0, 21, 59), 0).order, PeriodOrder::none);
  EXPECT_EQ(ordered(night, at(0, 22), 0).order, PeriodOrder::full);
  EXPECT_EQ(ordered(night, at(1, 5, 59), 0).order, PeriodOrder::full);
  EXPECT_EQ(ordered(night, at(1, 6), 0).order, PeriodOrder::none);
}

TEST(Schedule, TheLastPeriodThatHoldsDecides) {
  std::vector<Period> periods{period(PeriodOrder::sleep, 0, 0), period(PeriodOrder::watts, 8, 20)};
  periods[1].power = Watts(1200);
  EXPECT_EQ(ordered(periods, at(0, 7), 0).order, PeriodOrder::sleep);
  EXPECT_EQ(ordered(periods, at(0, 9), 0), (Ordered{PeriodOrder::watts, Watts(1200)}));
}

TEST(Schedule, KnowsDaysSeasonsAndMiners) {
  std::vector<Period> periods{period(PeriodOrder::full, 0, 0, kWeekdays)};
  periods[0].when.seasons.push_back({1101, 331});
  periods[0].miners = 0b10;
  EXPECT_EQ(ordered(periods, at(4, 12), 1).order, PeriodOrder::full);
  EXPECT_EQ(ordered(periods, at(4, 12), 0).order, PeriodOrder::none);
  EXPECT_EQ(ordered(periods, at(5, 12), 1).order, PeriodOrder::none);
  EXPECT_EQ(ordered(periods, at(4 + 7 * 26, 12), 1).order, PeriodOrder::none);
}

TEST(Schedule, OverlapsThatDisagreeAreFound) {
  const std::vector<Period> periods{period(PeriodOrder::full, 22, 6), period(PeriodOrder::sleep, 5, 8, kSaturdayBit)};
  const auto found = overlaps(periods);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].earlier, 0u);
  EXPECT_EQ(found[0].later, 1u);
  EXPECT_EQ(found[0].example, "Sat 05:00 on 01-06");
}

TEST(Schedule, WhatAgreesOrConcernsOthersIsNoOverlap) {
  std::vector<Period> periods{period(PeriodOrder::full, 22, 6), period(PeriodOrder::full, 5, 8)};
  EXPECT_TRUE(overlaps(periods).empty());
  periods[1].order = PeriodOrder::sleep;
  EXPECT_EQ(overlaps(periods).size(), 1u);
  periods[0].miners = 0b01;
  periods[1].miners = 0b10;
  EXPECT_TRUE(overlaps(periods).empty());
  EXPECT_TRUE(overlaps({period(PeriodOrder::sleep, 0, 0), period(PeriodOrder::full, 22, 6)}).empty());
}

TEST(Schedule, OverlapsOfASeasonAreFound) {
  std::vector<Period> periods{period(PeriodOrder::full, 8, 12), period(PeriodOrder::sleep, 10, 11)};
  periods[1].when.seasons.push_back({701, 831});
  const auto found = overlaps(periods);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].example, "Mon 10:00 on 07-01");  // of 2024
}

TEST(Schedule, GapsAreHoursOfAWeek) {
  EXPECT_DOUBLE_EQ(gap({}, 0).hours_a_week, 168.0);
  EXPECT_DOUBLE_EQ(gap({period(PeriodOrder::sleep, 0, 0)}, 0).hours_a_week, 0.0);
  const Gap by_day = gap({period(PeriodOrder::full, 22, 6)}, 0);
  EXPECT_DOUBLE_EQ(by_day.hours_a_week, 7 * 16.0);
  EXPECT_EQ(by_day.example, "Mon 06:00-22:00 on 01-01");
  std::vector<Period> winter{period(PeriodOrder::full, 0, 0)};
  winter[0].when.seasons.push_back({1001, 430});
  EXPECT_DOUBLE_EQ(gap(winter, 0).hours_a_week, 168.0);
}

}  // namespace
}  // namespace sluice::tariff
