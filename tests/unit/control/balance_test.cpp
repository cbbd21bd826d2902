#include "control/balance.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using namespace literals;

MonoTime now() { return MonoTime(std::chrono::hours(1)); }

BatterySettings settings() {
  BatterySettings out;
  out.present = true;
  out.reserve = 20_pct;
  out.max_charge = 5000_w;
  out.max_discharge = 4000_w;
  out.share.push_back({20_pct, 0.0});
  out.share.push_back({60_pct, 0.4});
  out.share.push_back({95_pct, 1.0});
  out.discharge.push_back({25_pct, 0.0});
  out.discharge.push_back({75_pct, 1.0});
  return out;
}

BatteryObservation battery(double power_w, double soc_pct) {
  BatteryObservation out;
  out.power = Reading<Watts>::good(Watts(power_w), now());
  out.soc = Reading<Percent>::good(Percent(soc_pct), now());
  return out;
}

TEST(Balance, AChargingBatteryDoesNotHideSurplus) {
  const BatteryTerms terms = battery_terms(settings(), battery(-3000, 95), now(), 0);
  EXPECT_DOUBLE_EQ(surplus_w(0, 500, terms), 3500.0);
  EXPECT_DOUBLE_EQ(available_w(3500, 0, terms), 3500.0) << "at 95 % mining may take all of it";
}

TEST(Balance, ADischargingBatteryDoesNotFeignSurplus) {
  const BatteryTerms terms = battery_terms(settings(), battery(2000, 50), now(), 0);
  EXPECT_DOUBLE_EQ(surplus_w(0, 1500, terms), -500.0);
}

TEST(Balance, TheShareDividesWhatTheBatteryCouldTake) {
  const BatteryTerms terms = battery_terms(settings(), battery(-1000, 60), now(), 0);
  EXPECT_DOUBLE_EQ(terms.room_w, 5000.0);
  EXPECT_NEAR(available_w(4000, 0, terms), 1600.0, 1e-9);
  EXPECT_NEAR(available_w(7000, 0, terms), 4000.0, 1e-9) << "beyond C the rest is mining's";
}

TEST(Balance, WithoutAStateOfChargeTheBatteryComesFirst) {
  BatteryObservation unknown = battery(-1000, 0);
  unknown.soc = {};
  const BatteryTerms terms = battery_terms(settings(), unknown, now(), 0);
  EXPECT_DOUBLE_EQ(terms.share, 0.0);
  EXPECT_DOUBLE_EQ(terms.discharge_w, 0.0);
}

TEST(Balance, AMissingBatteryReadingIsUnknownNotZero) {
  EXPECT_FALSE(battery_terms(settings(), BatteryObservation{}, now(), 0).known);
  BatteryObservation old = battery(-1000, 50);
  old.power.at = now() - std::chrono::seconds(16);
  EXPECT_FALSE(battery_terms(settings(), old, now(), 0).known);
}

TEST(Balance, DischargeEndsFivePercentAboveTheReserve) {
  EXPECT_DOUBLE_EQ(battery_terms(settings(), battery(0, 25), now(), 0).discharge_w, 0.0);
  EXPECT_NEAR(battery_terms(settings(), battery(0, 50), now(), 0).discharge_w, 2000.0, 1e-9);
}

TEST(Balance, WithoutACurveTheForecastDecidesAndWithoutOneTheStateOfCharge) {
  BatterySettings by_forecast = settings();
  by_forecast.share.clear();
  by_forecast.discharge.clear();
  const BatteryTerms released = battery_terms(by_forecast, battery(0, 30), now(), 0, Release{1.0, 0.5});
  EXPECT_DOUBLE_EQ(released.share, 1.0);
  EXPECT_DOUBLE_EQ(released.discharge_w, 2000.0);
  const BatteryTerms held = battery_terms(by_forecast, battery(0, 90), now(), 0, Release{});
  EXPECT_DOUBLE_EQ(held.share, 0.0);
  EXPECT_DOUBLE_EQ(held.discharge_w, 0.0);
  const BatteryTerms blind = battery_terms(by_forecast, battery(0, 60), now(), 0);
  EXPECT_NEAR(blind.share, 0.3, 1e-9);
  EXPECT_NEAR(blind.discharge_w, 4000.0 * 35.0 / 75.0, 1e-6);
}

TEST(Balance, NoForecastReleasesWhatLiesBelowTheReserve) {
  BatterySettings by_forecast = settings();
  by_forecast.discharge.clear();
  EXPECT_DOUBLE_EQ(battery_terms(by_forecast, battery(0, 25), now(), 0, Release{1.0, 1.0}).discharge_w, 0.0);
  EXPECT_NEAR(battery_terms(by_forecast, battery(0, 26), now(), 0, Release{1.0, 1.0}).discharge_w, 800.0, 1e-6);
}

TEST(Balance, AForecastNeedsCapacityAndStateOfChargeAndNoCurve) {
  BatterySettings by_forecast = settings();
  by_forecast.share.clear();
  EXPECT_FALSE(store_of(by_forecast, battery(0, 50), now())) << "capacity unknown";
  by_forecast.capacity = WattHours(10000.0);
  const auto store = store_of(by_forecast, battery(0, 50), now());
  ASSERT_TRUE(store);
  EXPECT_DOUBLE_EQ(store->now_wh, 5000.0);
  EXPECT_DOUBLE_EQ(store->low_wh, 2000.0);
  BatteryObservation silent = battery(0, 50);
  silent.soc = {};
  EXPECT_FALSE(store_of(by_forecast, silent, now()));
  by_forecast.share.push_back({20_pct, 0.5});
  EXPECT_FALSE(store_of(by_forecast, battery(0, 50), now())) << "the owner drew a curve";
}

TEST(Balance, AFullBatteryTakesNothing) {
  const BatteryTerms terms = battery_terms(settings(), battery(0, 100), now(), 0);
  EXPECT_DOUBLE_EQ(terms.room_w, 0.0);
  EXPECT_DOUBLE_EQ(available_w(3000, -50, terms), 2950.0);
}

}  // namespace
}  // namespace sluice::control
