#include "store/energy.hpp"

#include <gtest/gtest.h>

#include "history_test_support.hpp"

namespace sluice::store {
namespace {

using testing::ManualClock;
using testing::names;
using testing::sample_at;

constexpr Duration kSecond = std::chrono::seconds(1);

TEST(PositiveEnergyTest, SplitsALineWhereItChangesItsSign) {
  const Duration hour = std::chrono::hours(1);
  EXPECT_DOUBLE_EQ(positive_energy_wh(100, 300, hour), 200);
  EXPECT_DOUBLE_EQ(positive_energy_wh(-100, -300, hour), 0);
  EXPECT_DOUBLE_EQ(positive_energy_wh(-100, 300, hour), 112.5);
  EXPECT_DOUBLE_EQ(positive_energy_wh(300, -100, hour), 112.5);
  EXPECT_DOUBLE_EQ(positive_energy_wh(0, 0, hour), 0);
}

class EnergyTest : public ::testing::Test {
 protected:
  void second(double grid_w) {
    energy.add(sample_at(clock, grid_w, miners));
    clock.advance(kSecond);
  }
  EnergyAmount amount(const std::string& name) { return amounts[{20625, name}]; }

  ManualClock clock;
  std::shared_ptr<const MinerNames> miners = names({"s19"});
  EnergyIntegrator energy;
  EnergyAmounts amounts;
};

TEST_F(EnergyTest, ConstantPowerForAnHour) {
  for (int s = 0; s <= 3600; ++s) second(720);
  amounts = energy.take();
  EXPECT_NEAR(amount("grid_import_wh").energy_wh, 720, 1e-6);
  EXPECT_NEAR(amount("grid_import_wh").covered_s, 3600, 1e-6);
  EXPECT_EQ(amount("grid_export_wh").energy_wh, 0);
  EXPECT_NEAR(amount("pv_wh").energy_wh, 3000, 1e-6);
  EXPECT_NEAR(amount("battery_charge_wh").energy_wh, 500, 1e-6);
  EXPECT_EQ(amount("battery_discharge_wh").energy_wh, 0);
  EXPECT_NEAR(amount("house_wh").energy_wh, 400, 1e-6);
  EXPECT_NEAR(amount("miner.s19.energy_wh").energy_wh, 1200, 1e-6);
}

TEST_F(EnergyTest, TakenOnceIsNotTakenTwice) {
  for (int s = 0; s < 10; ++s) second(100);
  EXPECT_FALSE(energy.take().empty());
  EXPECT_TRUE(energy.take().empty());
}

TEST_F(EnergyTest, AGapIsNotInvented) {
  second(1000);
  clock.advance(kEnergyGap);
  second(1000);
  amounts = energy.take();
  EXPECT_EQ(amount("grid_import_wh").covered_s, 0);
}

TEST_F(EnergyTest, AMissingValueCoversNothingAroundIt) {
  second(1000);
  second(1000);
  Sample blind = sample_at(clock, 1000, miners);
  blind.values[index_of(SiteSeries::grid_w)] = kMissing;
  energy.add(blind);
  clock.advance(kSecond);
  second(1000);
  second(1000);
  amounts = energy.take();
  EXPECT_NEAR(amount("grid_import_wh").covered_s, 2, 1e-9);
  EXPECT_NEAR(amount("pv_wh").covered_s, 4, 1e-9);
}

TEST_F(EnergyTest, OtherMinersThanBeforeDoNotInheritEnergy) {
  second(0);
  miners = names({"other"});
  second(0);
  amounts = energy.take();
  EXPECT_EQ(amount("miner.other.energy_wh").covered_s, 0);
  EXPECT_NEAR(amount("pv_wh").covered_s, 1, 1e-9);
}

TEST_F(EnergyTest, EachDayHasItsOwnSum) {
  clock.advance(std::chrono::hours(14) - std::chrono::seconds(2));
  for (int s = 0; s < 5; ++s) second(3600);
  amounts = energy.take();
  EXPECT_NEAR(amount("grid_import_wh").energy_wh, 1, 1e-9);
  EXPECT_NEAR((amounts[{20626, "grid_import_wh"}].energy_wh), 3, 1e-9);
}

}  // namespace
}  // namespace sluice::store
