#include "tariff/heat.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::tariff {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{std::chrono::hours(1000)};
constexpr int kJanuary = 115, kJuly = 715;

/// A cellar at 20 °C that costs 0.10 a kWh to heat and 0.04 to cool; nothing mines above 30 °C.
HeatSettings cellar() {
  HeatSettings settings;
  settings.value = PricePerKwh(0.10);
  settings.season = Season{1001, 430};
  settings.target = Celsius(20);
  settings.cooling_cost = PricePerKwh(0.04);
  settings.max = Celsius(30);
  settings.stale_after = 15min;
  return settings;
}

class Heat : public ::testing::Test {
 protected:
  HeatWord at(double celsius) {
    scene_.temperature = Reading<Celsius>::good(Celsius(celsius), scene_.now);
    return zone_.look(scene_);
  }
  HeatWord without_temperature() {
    scene_.temperature = {};
    return zone_.look(scene_);
  }
  void use(const HeatSettings& settings) { zone_ = HeatZone(settings); }

  HeatZone zone_{cellar()};
  HeatScene scene_ = [] {
    HeatScene scene;
    scene.now = kStart;
    scene.date = kJanuary;
    return scene;
  }();
};

TEST_F(Heat, WithoutATemperatureItIsWorthNothingAndNothingIsStartedForIt) {
  const HeatWord word = without_temperature();
  EXPECT_EQ(word.need, HeatNeed::unknown);
  EXPECT_FALSE(word.value.usable());
  EXPECT_FALSE(word.room_too_warm);
}

TEST_F(Heat, AGuardThatSeesNothingIsSaidAfterHalfAnHour) {
  EXPECT_FALSE(without_temperature().guard_blind);
  scene_.now += 29min;
  EXPECT_FALSE(without_temperature().guard_blind);
  scene_.now += 1min;
  EXPECT_TRUE(without_temperature().guard_blind);
  EXPECT_FALSE(at(18).guard_blind);
}

TEST_F(Heat, AnOldTemperatureIsNone) {
  at(15);
  scene_.now += 14min;
  EXPECT_EQ(zone_.look(scene_).need, HeatNeed::wanted);
  scene_.now += 2min;
  EXPECT_EQ(zone_.look(scene_).need, HeatNeed::unknown);
}

TEST_F(Heat, WhatNoRoomCanShowIsNoTemperature) {
  for (const double celsius : {std::numeric_limits<double>::quiet_NaN(), -127.0, 850.0}) {
    EXPECT_EQ(at(celsius).need, HeatNeed::unknown) << celsius;
  }
}

TEST_F(Heat, ATemperatureThatStandsStillWhileItIsHeatedIsNotBelieved) {
  at(15);
  scene_.heating = Watts(1500);
  for (int minute = 0; minute < 6 * 60; ++minute) {
    ASSERT_EQ(at(15).need, HeatNeed::wanted) << minute;
    scene_.now += 1min;
  }
  EXPECT_EQ(at(15).need, HeatNeed::unknown);
  EXPECT_TRUE(at(15).frozen);
  EXPECT_FALSE(at(15).value.usable());
  EXPECT_EQ(at(15.1).need, HeatNeed::wanted) << "it moves again";
}

TEST_F(Heat, AnUnheatedRoomMayStandStill) {
  for (int hour = 0; hour < 48; ++hour) {
    ASSERT_EQ(at(15).need, HeatNeed::wanted) << hour;
    scene_.now += 1h;
  }
}

TEST_F(Heat, IsWantedFromBelowTheBandUpToTheTarget) {
  EXPECT_EQ(at(19.5).need, HeatNeed::content) << "within the band nothing is begun";
  EXPECT_EQ(at(19.0).need, HeatNeed::wanted);
  EXPECT_DOUBLE_EQ(at(19.9).value.value.value(), 0.10);
  EXPECT_EQ(at(20.0).need, HeatNeed::content);
  EXPECT_DOUBLE_EQ(at(19.1).value.value.value(), 0.0);
  EXPECT_EQ(at(21.0).need, HeatNeed::cooled);
  EXPECT_DOUBLE_EQ(at(21.0).value.value.value(), -0.04);
}

TEST_F(Heat, IsNotWantedOutOfSeason) {
  scene_.date = kJuly;
  EXPECT_EQ(at(15).need, HeatNeed::content);
  EXPECT_EQ(at(25).need, HeatNeed::cooled);
  for (const auto& [date, wanted] : {std::pair{930, false}, {1001, true}, {430, true}, {501, false}}) {
    scene_.date = date;
    EXPECT_EQ(at(15).need == HeatNeed::wanted, wanted) << date;
  }
}

TEST_F(Heat, WithoutADateTheSeasonIsNotKnown) {
  scene_.date = 0;
  EXPECT_EQ(at(15).need, HeatNeed::unknown);
  HeatSettings all_year = cellar();
  all_year.season.reset();
  use(all_year);
  EXPECT_EQ(at(15).need, HeatNeed::wanted);
}

TEST_F(Heat, WithoutATargetTheSeasonDecides) {
  HeatSettings house = cellar();
  house.target.reset();
  house.max.reset();
  use(house);
  EXPECT_EQ(without_temperature().need, HeatNeed::wanted);
  EXPECT_FALSE(without_temperature().guard_blind);
  scene_.date = kJuly;
  EXPECT_DOUBLE_EQ(without_temperature().value.value.value(), -0.04);
}

TEST_F(Heat, TheGuardHoldsUntilTheRoomIsWellBelowIt) {
  EXPECT_FALSE(at(29.9).room_too_warm);
  EXPECT_TRUE(at(30.0).room_too_warm);
  EXPECT_TRUE(at(28.1).room_too_warm);
  EXPECT_TRUE(without_temperature().room_too_warm) << "a sensor that was lost does not cool the room";
  EXPECT_FALSE(at(28.0).room_too_warm);
}

TEST_F(Heat, TheGuardNeedsNeitherDateNorSeason) {
  scene_.date = 0;
  EXPECT_TRUE(at(31).room_too_warm);
}

TEST_F(Heat, OnlyTheShareThatReplacesOtherHeatCounts) {
  HeatSettings settings = cellar();
  settings.useful_share = 0.6;
  use(settings);
  EXPECT_DOUBLE_EQ(at(15).value.value.value(), 0.06);
}

TEST_F(Heat, AnElectricHeaterIsWorthWhatElectricityCosts) {
  HeatSettings settings = cellar();
  settings.value.reset();
  settings.efficiency = 3.0;
  use(settings);
  EXPECT_FALSE(at(15).value.usable()) << "no price is known";
  scene_.import_price = PricePerKwh(0.30);
  EXPECT_DOUBLE_EQ(at(15).value.value.value(), 0.10);
}

TEST_F(Heat, MinesForHeatAtAnyPriceBelow) {
  HeatSettings settings = cellar();
  settings.any_price_below = PricePerKwh(0.25);
  use(settings);
  EXPECT_DOUBLE_EQ(at(15).value.value.value(), 0.10) << "no price is known";
  scene_.import_price = PricePerKwh(0.249);
  EXPECT_DOUBLE_EQ(at(15).value.value.value(), 0.25);
  scene_.import_price = PricePerKwh(0.25);
  EXPECT_DOUBLE_EQ(at(15).value.value.value(), 0.10);
  scene_.import_price = PricePerKwh(0.01);
  EXPECT_DOUBLE_EQ(at(20).value.value.value(), 0.0) << "only while it is wanted";
}

TEST(HeatPrice, OfAFuel) {
  EXPECT_NEAR(heat_price(PricePerKwh(0.05), 0.92).value(), 0.054, 0.0005);  // gas
  EXPECT_DOUBLE_EQ(heat_price(PricePerKwh(0.30), 3.0).value(), 0.10);       // heat pump
  EXPECT_DOUBLE_EQ(heat_price(PricePerKwh(0.30), 1.0).value(), 0.30);
}

TEST(HeatPrice, DatesAreMonthAndDay) {
  EXPECT_EQ(date_of_year(0), 0);
  EXPECT_EQ(date_of_year(59), 301);
  EXPECT_EQ(date_of_year(364), 1231);
  EXPECT_EQ(date_of_year(789), 229);  // 1972 is a leap year
}

}  // namespace
}  // namespace sluice::tariff
