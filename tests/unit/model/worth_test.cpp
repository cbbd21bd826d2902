#include "model/worth.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sluice {
namespace {

using namespace literals;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr PricePerThsDay kHashPrice(0.0382200);  // 39 USD per PH/s and day, less 2 % for the pool
constexpr PricePerKwh kNoHeat(0.0);

WorkingCurve curve(std::initializer_list<std::pair<double, double>> points) {
  WorkingCurve made;
  for (const auto& [power, hashrate] : points) made.push_back({Watts(power), TeraHashes(hashrate)});
  return made;
}

/// 2 kW at 75 TH/s, 3 kW at 100 TH/s: the step between them is worth less than either average.
WorkingCurve two_points() { return curve({{2000, 75}, {3000, 100}}); }

Watts worth(const WorkingCurve& known, double price, Watts min = 2000_w, Watts max = 3000_w) {
  return highest_worth(known, kHashPrice, kNoHeat, PricePerKwh(price), min, max);
}

TEST(Worth, AStepIsWorthLessThanTheAverage) {
  const PricePerKwh step = kwh_value(kHashPrice, TeraHashes(25), 1000_w);
  EXPECT_NEAR(step.value(), 0.0398, 0.00005);
  EXPECT_NEAR(average_value(two_points(), kHashPrice, 3000_w).value(), 0.0531, 0.00005);
}

TEST(Worth, BuysUpToTheStepThatPays) {
  EXPECT_EQ(worth(two_points(), 0.039), 3000_w);
  EXPECT_EQ(worth(two_points(), 0.045), 2000_w);  // above the step, below the average at 3 kW
  EXPECT_EQ(worth(two_points(), 0.0597), 2000_w);
  EXPECT_EQ(worth(two_points(), 0.0598), 0_w);
  EXPECT_EQ(worth(two_points(), -1.0), 3000_w);
}

TEST(Worth, AStepThatIsWorthExactlyItsPriceIsTaken) {
  const PricePerKwh step = kwh_value(kHashPrice, TeraHashes(25), 1000_w);
  EXPECT_EQ(highest_worth(two_points(), kHashPrice, kNoHeat, step, 2000_w, 3000_w), 3000_w);
}

TEST(Worth, LimitsCutTheCurve) {
  EXPECT_EQ(worth(two_points(), 0.039, 2200_w, 2600_w), 2600_w);
  EXPECT_EQ(worth(two_points(), 0.045, 2200_w, 2600_w), 2200_w);
  EXPECT_EQ(worth(two_points(), 0.045, 2600_w, 2200_w), 0_w);
  EXPECT_EQ(worth(two_points(), 0.045, 0_w, 3000_w), 2000_w);
  EXPECT_EQ(worth(two_points(), 0.039, 0_w, 0_w), 0_w);
}

TEST(Worth, APoorMinimumIsTakenTogetherWithTheStepThatMakesUpForIt) {
  // 1 kW alone is worth 0.0382 a kWh, 2 kW on average 0.0573.
  const WorkingCurve known = curve({{1000, 24}, {2000, 72}, {3000, 90}});
  EXPECT_EQ(worth(known, 0.045, 1000_w), 2000_w);
  EXPECT_EQ(worth(known, 0.058, 1000_w), 0_w);
}

TEST(Worth, HeatAloneCanPayForMining) {
  EXPECT_EQ(highest_worth(two_points(), kHashPrice, PricePerKwh(0.10), PricePerKwh(0.13), 2000_w, 3000_w), 3000_w);
  EXPECT_EQ(highest_worth(two_points(), PricePerThsDay(0), PricePerKwh(0.10), PricePerKwh(0.09), 2000_w, 3000_w),
            3000_w);
  EXPECT_EQ(highest_worth({}, kHashPrice, PricePerKwh(0.10), PricePerKwh(0.09), 900_w, 3000_w), 3000_w);
  EXPECT_EQ(highest_worth({}, kHashPrice, PricePerKwh(0.10), PricePerKwh(0.11), 900_w, 3000_w), 0_w);
}

TEST(Worth, CoolingCostsTakeFromIt) {
  EXPECT_EQ(highest_worth(two_points(), kHashPrice, PricePerKwh(-0.02), PricePerKwh(0.03), 2000_w, 3000_w), 2000_w);
}

TEST(Worth, WhatIsNotANumberIsNotBought) {
  EXPECT_EQ(worth(two_points(), kNaN), 0_w);
  EXPECT_EQ(worth(two_points(), std::numeric_limits<double>::infinity()), 0_w);
  EXPECT_EQ(worth(two_points(), -1.0, Watts(kNaN)), 0_w);
  EXPECT_EQ(worth(two_points(), -1.0, 2000_w, Watts(kNaN)), 0_w);
  EXPECT_EQ(highest_worth(two_points(), PricePerThsDay(kNaN), kNoHeat, PricePerKwh(-1), 2000_w, 3000_w), 0_w);
  EXPECT_EQ(highest_worth(two_points(), PricePerThsDay(-1), kNoHeat, PricePerKwh(-1), 2000_w, 3000_w), 0_w);
  EXPECT_EQ(highest_worth(two_points(), kHashPrice, PricePerKwh(kNaN), PricePerKwh(-1), 2000_w, 3000_w), 0_w);
  EXPECT_EQ(worth(curve({{2000, kNaN}, {3000, 100}}), -1.0), 0_w);
}

TEST(Worth, FaultsOfACurveAreNamed) {
  EXPECT_STREQ(curve_fault(two_points()), "");
  EXPECT_STREQ(curve_fault(curve({{3000, 100}})), "");
  EXPECT_STREQ(curve_fault({}), "has no point");
  EXPECT_STREQ(curve_fault(curve({{2000, kNaN}})), "holds something that is not a number");
  EXPECT_STREQ(curve_fault(curve({{0, 75}})), "holds a point without power or hashrate");
  EXPECT_STREQ(curve_fault(curve({{3000, 100}, {2000, 75}})), "is not sorted by rising power");
  EXPECT_STREQ(curve_fault(curve({{2000, 75}, {2000, 80}})), "is not sorted by rising power");
  EXPECT_STREQ(curve_fault(curve({{2000, 75}, {3000, 75}})), "does not rise: more power brings less hashrate");
}

TEST(Worth, HashrateBetweenAndBeyondThePoints) {
  const WorkingCurve known = two_points();
  EXPECT_EQ(hashrate_at(known, 0_w).value(), 0.0);
  EXPECT_EQ(hashrate_at(known, Watts(kNaN)).value(), 0.0);
  EXPECT_DOUBLE_EQ(hashrate_at(known, 1000_w).value(), 37.5);
  EXPECT_DOUBLE_EQ(hashrate_at(known, 2500_w).value(), 87.5);
  EXPECT_DOUBLE_EQ(hashrate_at(known, 3400_w).value(), 110.0);
  // A convex end is not believed to go on like that.
  EXPECT_DOUBLE_EQ(hashrate_at(curve({{1000, 10}, {2000, 80}}), 3000_w).value(), 120.0);
  EXPECT_DOUBLE_EQ(hashrate_at(curve({{3000, 100}}), 1500_w).value(), 50.0);
  EXPECT_DOUBLE_EQ(hashrate_at(curve({{3000, 100}}), 6000_w).value(), 200.0);
}

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }

 private:
  std::mt19937 engine_;
};

/// Rising, and as crooked as it comes.
WorkingCurve any_curve(Chance& chance) {
  WorkingCurve made;
  double power = 0.0, hashrate = 0.0;
  const int points = static_cast<int>(chance.between(1.0, kMaxWorkingPoints + 1.0));
  for (int i = 0; i < points; ++i) {
    power += chance.between(1.0, 500.0);
    hashrate += chance.between(0.01, 20.0);
    made.push_back({Watts(power), TeraHashes(hashrate)});
  }
  return made;
}

TEST(Worth, EarnsAsMuchAsTheBestOfEveryPower) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    const WorkingCurve known = any_curve(chance);
    const Watts min(chance.between(0.0, known.back().power.value()));
    const Watts max(min.value() + chance.between(0.0, 1.3 * known.back().power.value()));
    const PricePerThsDay hash_price(chance.between(0.0, 0.1));
    const PricePerKwh heat(chance.between(-0.05, 0.1)), price(chance.between(-0.02, 0.3));
    const auto earned = [&](Watts power) {  // per hour
      return hash_price.value() * hashrate_at(known, power).value() / 24.0 +
             (heat - price).value() * power.value() / 1000.0;
    };
    double best = 0.0;
    for (int i = 0; i <= 1000; ++i) best = std::max(best, earned(min + (max - min) * (i / 1000.0)));
    for (const WorkingPoint& point : known) {
      if (point.power >= min && point.power <= max) best = std::max(best, earned(point.power));
    }
    const Watts chosen = highest_worth(known, hash_price, heat, price, min, max);
    EXPECT_TRUE(chosen == 0_w || (chosen >= min && chosen <= max)) << chosen.value();
    EXPECT_NEAR(earned(chosen), best, 1e-9 * std::max(1.0, std::abs(best)));
  }
}

TEST(Worth, NeverRisesWithThePrice) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    const WorkingCurve known = any_curve(chance);
    const Watts min = known[0].power, max = known.back().power;
    const PricePerThsDay hash_price(chance.between(0.01, 0.1));
    std::vector<double> prices;
    for (int i = 0; i < 200; ++i) prices.push_back(chance.between(-0.1, 0.5));
    // Around break-even the last bit decides; there it must hold as well.
    const double even = average_value(known, hash_price, max).value();
    for (double price : {even, kwh_value(hash_price, known[0].hashrate, min).value()}) {
      for (int i = 0; i < 8; ++i) prices.push_back(price), price = std::nextafter(price, 1.0);
    }
    std::sort(prices.begin(), prices.end());
    Watts before = max;
    for (const double price : prices) {
      const Watts now = highest_worth(known, hash_price, kNoHeat, PricePerKwh(price), min, max);
      ASSERT_LE(now, before) << price;
      before = now;
    }
  }
}

}  // namespace
}  // namespace sluice
