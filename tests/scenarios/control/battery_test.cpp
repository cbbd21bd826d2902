// A battery inverter holds the grid at zero by itself: it would hide surplus while it charges and feign it while it
// discharges. The law looks at what there is before both.

#include <gtest/gtest.h>

#include <cmath>

#include "loop.hpp"

namespace sluice::control {
namespace {

Loop house(double soc_pct) {
  TestMiner miner = luxos_target();
  miner.be_asleep();
  Loop loop({miner});
  loop.battery_capacity_wh = 10000.0;
  loop.soc_pct = soc_pct;
  BatterySettings& battery = loop.site.battery;
  battery.present = true;
  battery.reserve = Percent(20.0);
  battery.max_charge = Watts(5000.0);
  battery.max_discharge = Watts(5000.0);
  battery.share.push_back({Percent(20.0), 0.0});
  battery.share.push_back({Percent(60.0), 0.0});
  battery.share.push_back({Percent(90.0), 1.0});
  return loop;
}

TEST(Battery, ComesFirstWhileItIsLow) {
  Loop loop = house(40.0);
  loop.sun = [](double) { return 4000.0; };
  loop.run(900);
  EXPECT_EQ(loop.miners[0].starts, 0);
  EXPECT_LT(loop.battery_w, -3000.0);
}

TEST(Battery, NearlyFullItLeavesTheSunToMining) {
  Loop loop = house(92.0);
  loop.sun = [](double) { return 3500.0; };
  loop.run(1500);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  EXPECT_NEAR(loop.mining_w(), 3000.0, 200.0);
}

TEST(Battery, ItsDischargeIsNeverTakenForSun) {
  Loop loop = house(90.0);
  loop.sun = [](double t) { return t < 1200.0 ? 3500.0 : 0.0; };
  loop.run(1100);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  loop.run(900);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep) << "the battery would have carried it all evening";
}

TEST(Battery, SolarBatteryMayUseItDownToReservePlusFive) {
  Loop loop = house(45.0);
  loop.site.miners[0].strategy = Strategy::solar_battery;
  loop.site.battery.discharge.push_back({Percent(25.0), 0.6});
  loop.sun = [](double) { return 0.0; };
  loop.load = [](double) { return 0.0; };
  loop.run(600);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  loop.run(4 * 3600);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_GT(loop.soc_pct, 20.0);
}

TEST(Battery, BuffersCloudsSoThatTheMinerNeedNotFollowEverySecond) {
  Loop loop = house(85.0);
  loop.sun = [](double t) { return 3500.0 + 800.0 * std::sin(t / 7.0); };
  loop.run(1500);
  ASSERT_EQ(loop.miners[0].state, MinerState::running);
  const int commands = loop.commands();
  loop.soc_pct = 88.0;
  loop.run(1800);
  EXPECT_LE(loop.commands() - commands, 60);
}

}  // namespace
}  // namespace sluice::control
