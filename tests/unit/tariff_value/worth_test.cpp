#include "tariff/worth.hpp"

#include <gtest/gtest.h>

#include "model/worth.hpp"

namespace sluice::tariff {
namespace {

/// Difficulty 146 T, a subsidy of 3.125 BTC and 0.02 BTC of fees; BTC at 90 000, and a pool that keeps 2 %.
constexpr Network kNetwork{146e12, 312.5e6 + 2e6};

TEST(BreakEven, WhatTheNetworkPays) {
  EXPECT_NEAR(network_hashes_per_s(kNetwork), 1.0451087e21, 0.5e14);
  EXPECT_NEAR(sats_per_ths_day(kNetwork), 43.33329, 0.000005);
  EXPECT_NEAR(hash_price(kNetwork, 90000, 0.0).value(), 0.0390000, 0.00000005);
}

TEST(BreakEven, ByEfficiency) {
  const PricePerThsDay paid = hash_price(kNetwork, 90000, 0.02);
  const std::pair<double, double> expected[] = {{15, 0.1062}, {17.5, 0.0910}, {21.5, 0.0741},
                                                {30, 0.0531}, {38, 0.0419},   {84, 0.0190}};
  for (const auto& [joules_per_th, price] : expected) {
    const auto rows = break_even(flat_curve(joules_per_th), paid, PricePerKwh(0));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_NEAR(rows[0].average.value(), price, 0.00005) << joules_per_th;
    EXPECT_EQ(rows[0].marginal, rows[0].average);
    EXPECT_DOUBLE_EQ(rows[0].joules_per_th, joules_per_th);
  }
}

TEST(BreakEven, AStepMayPayLessThanTheAverage) {
  WorkingCurve curve;
  curve.push_back({Watts(2000), TeraHashes(75)});
  curve.push_back({Watts(3000), TeraHashes(100)});
  const auto rows = break_even(curve, hash_price(kNetwork, 90000, 0.02), PricePerKwh(0));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_NEAR(rows[1].average.value(), 0.0531, 0.00005);
  EXPECT_NEAR(rows[1].marginal.value(), 0.0398, 0.00005);
  // Its heat is worth the same at every point.
  const auto warm = break_even(curve, hash_price(kNetwork, 90000, 0.02), PricePerKwh(0.05));
  EXPECT_DOUBLE_EQ(warm[1].marginal.value(), rows[1].marginal.value() + 0.05);
  EXPECT_DOUBLE_EQ(warm[0].average.value(), rows[0].average.value() + 0.05);
}

TEST(HeatPrice, InTheUnitsOfHeatingAndOfFans) {
  EXPECT_NEAR(btu_per_hour(Watts(1000)), 3412.0, 0.5);
  // The trade's rules of thumb: 3 · W / ΔT cubic metres an hour, 1.76 · W / ΔT cubic feet a minute.
  EXPECT_NEAR(airflow_m3_per_hour(Watts(3000), 15.0), 600.0, 10.0);
  EXPECT_NEAR(airflow_cfm(Watts(3000), 15.0), 352.0, 5.0);
}

}  // namespace
}  // namespace sluice::tariff
