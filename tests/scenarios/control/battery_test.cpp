// A battery inverter holds the grid at zero by itself: it would hide surplus while it charges and feign it while it
// discharges. The law looks at what there is before both.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

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

/// A house that knows the sun: yesterday's surplus by hours from now on.
Loop house_with_forecast(double soc_pct, const std::function<double(double)>& surplus_w) {
  constexpr std::int64_t kSlotS = 900;
  constexpr std::int64_t kBegin = 1760000000 / kSlotS;  // the loop's own date
  Loop loop = house(soc_pct);
  loop.site.battery.capacity = WattHours(10000.0);
  loop.site.battery.share.clear();
  for (std::int64_t slot = kBegin - 96; slot < kBegin; ++slot) {
    const double value_w = surplus_w(static_cast<double>(slot - (kBegin - 96)) / 4.0);
    loop.memory.surplus.slots[static_cast<std::size_t>(slot % 96)] = {value_w, value_w, slot / 96};
  }
  return loop;
}

TEST(Battery, InWinterNothingIsTakenFromABatteryThatWillNotFill) {
  Loop loop = house_with_forecast(75.0, [](double hour) { return hour < 3.0 ? 600.0 : -400.0; });
  loop.sun = [](double) { return 3000.0; };
  loop.run(1800);
  EXPECT_EQ(loop.miners[0].starts, 0) << "by its state of charge alone it would have shared";
  EXPECT_LT(loop.battery_w, -2000.0);
}

TEST(Battery, InSummerMiningBeginsEarlyBecauseItWillFillAnyway) {
  Loop loop = house_with_forecast(25.0, [](double hour) { return hour < 10.0 ? 5000.0 : -300.0; });
  loop.sun = [](double) { return 3000.0; };
  loop.run(1800);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  EXPECT_NEAR(loop.mining_w(), 2500.0, 200.0);
}

TEST(Battery, AnEveningAfterSummerLeavesWhatTheNightNeeds) {
  Loop loop = house_with_forecast(70.0, [](double hour) { return hour > 10.0 && hour < 20.0 ? 9000.0 : -100.0; });
  loop.site.miners[0].strategy = Strategy::solar_battery;
  loop.sun = [](double) { return 0.0; };
  loop.load = [](double) { return 100.0; };
  loop.run(600);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  loop.run(3 * 3600);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_EQ(loop.miners[0].starts, 1);
  EXPECT_GT(loop.soc_pct, 31.0) << "ten hours of 100 W, and what is kept";
  EXPECT_LT(loop.soc_pct, 50.0);
}

TEST(Battery, AnEveningEndsFivePercentAboveTheReserveWhateverTheForecastSays) {
  Loop loop = house_with_forecast(45.0, [](double hour) { return hour > 2.0 && hour < 20.0 ? 9000.0 : 0.0; });
  loop.site.miners[0].strategy = Strategy::solar_battery;
  loop.sun = [](double) { return 0.0; };
  loop.load = [](double) { return 0.0; };
  double lowest_mined_pct = 100.0;
  loop.run(2 * 3600, [&] {
    if (loop.mining_w() > 500.0) lowest_mined_pct = std::min(lowest_mined_pct, loop.soc_pct);
  });
  EXPECT_EQ(loop.miners[0].starts, 1);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_GT(lowest_mined_pct, 24.5) << "the last watts of a stop";
}

// At dawn the first sun fills it by a tenth of a percent, and a miner that starts for that is told to sleep at once.
TEST(Battery, TheLastPercentsAboveTheReserveStartNobody) {
  Loop loop = house_with_forecast(26.0, [](double hour) { return hour < 10.0 ? 6000.0 : 0.0; });
  loop.site.miners[0].strategy = Strategy::economic;
  loop.site.miners[0].curve.push_back({Watts(3250.0), TeraHashes(112.7)});
  auto outlook = std::make_shared<PriceOutlook>();
  PriceSlot slot;
  slot.end = WallTime(std::chrono::hours(24 * 100'000));
  slot.import_price = PricePerKwh(0.30);
  slot.export_price = PricePerKwh(0.03);
  outlook->slots.push_back(slot);
  loop.add = [&](Snapshot& snapshot) {
    snapshot.money.prices = outlook;
    snapshot.money.hash_price = Reading<PricePerThsDay>::good(PricePerThsDay(0.0624), snapshot.now);
  };
  loop.load = [](double) { return 0.0; };
  loop.sun = [](double t) { return std::min(500.0, t / 3.0); };
  loop.run(3600);
  EXPECT_EQ(loop.miners[0].starts, 1) << "while there was enough";
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_LT(loop.soc_pct, 25.0);
  loop.sun = [](double) { return 1500.0; };
  loop.run(1200);
  EXPECT_EQ(loop.miners[0].starts, 2) << "the sun is enough for it";
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
}

TEST(Battery, WithAForecastButSilentRegistersNothingIsStarted) {
  Loop loop = house_with_forecast(60.0, [](double hour) { return hour < 10.0 ? 5000.0 : -300.0; });
  loop.sun = [](double) { return 3000.0; };
  loop.battery_silent = true;
  loop.run(900);
  EXPECT_EQ(loop.miners[0].starts, 0);
  EXPECT_FALSE(loop.decision().estimate_valid);
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

// A mean over minutes says what the minutes before were like. Where the battery was too weak for a fall of the sun, the
// grid has told since: once it is quiet the mean must not bring back the sun that is gone, again and again.
TEST(Battery, TooWeakForAFallOfTheSunItDoesNotBringBackTheSunThatIsGone) {
  Loop loop({luxos_target(), vnish_throttle(), braiins()});
  for (TestMiner& miner : loop.miners) {
    miner.dead_s = 6.0;
    miner.be_running(3000.0);
  }
  loop.battery_capacity_wh = 10000.0;
  loop.battery_max_w = 400.0;
  loop.soc_pct = 70.0;
  BatterySettings& battery = loop.site.battery;
  battery.present = true;
  battery.max_charge = battery.max_discharge = Watts(400.0);
  battery.share.push_back({Percent(20.0), 1.0});
  battery.share.push_back({Percent(90.0), 1.0});
  loop.sun = [](double t) { return 5000.0 + 5000.0 * std::clamp((1100.0 - t) / 140.0, 0.0, 1.0); };
  loop.run(1100);
  double most_w = 0.0;
  loop.run(600, [&] { most_w = std::max(most_w, loop.mining_w()); });
  EXPECT_LE(most_w, 5200.0);
}

}  // namespace
}  // namespace sluice::control
