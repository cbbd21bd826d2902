#include "sim/house_plant.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace sluice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

MinerSetup miner(std::string_view name, Watts target, StartState start = StartState::running) {
  return {*plant_spec(name), {}, start, target};
}

MeterSpec exact_meter() { return {.noise = Watts(0), .relative_noise = 0.0}; }

TEST(HousePlant, GridIsLoadAndMinersLessSunAndBattery) {
  HousePlantSpec spec;
  spec.miners = {miner("luxos-target", Watts(1500)), miner("braiins-fast", Watts(2000))};
  spec.pv.rating = Watts(5000);
  HousePlant house(spec, constant_trace(Watts(4000), Watts(300)));
  house.advance(seconds(10));
  EXPECT_NEAR(house.state().grid.value(), 300 + 3500 - 4000, 1e-6);
  EXPECT_NEAR(house.state().surplus().value(), 3700, 1e-6);
}

TEST(HousePlant, EnergyBalanceCloses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    HousePlantSpec spec;
    spec.start_second = 10 * 3600;
    spec.battery = BatterySetup{};
    spec.miners = {miner("luxos-target", Watts(1500)), miner("vnish-throttle", Watts(900), StartState::asleep)};
    HousePlant house(spec, generated_day(Watts(8000), Sky::broken, seed));
    Random random(seed);
    double in_wh = 0.0, out_wh = 0.0;
    const WattHours stored = house.miner(0).energy();
    ASSERT_EQ(stored.value(), 0.0);
    double miners_wh = 0.0, load_wh = 0.0;
    for (int i = 0; i < 3600; ++i) {
      if (i % 60 == 0) house.miner(0).set_target(Watts(random.uniform(900, 3250)));
      if (i % 700 == 0) house.miner(1).wake();
      if (i % 700 == 500) house.miner(1).sleep();
      for (int step = 0; step < 10; ++step) {
        house.advance(house.step_length());
        const auto& state = house.state();
        in_wh += (state.pv + state.battery + state.grid).value() / 36'000;
        load_wh += state.load.value() / 36'000;
      }
    }
    miners_wh = house.miner(0).energy().value() + house.miner(1).energy().value();
    out_wh = load_wh + miners_wh;
    EXPECT_NEAR(in_wh, out_wh, 1.0 / 3600) << "to one watt-second; seed " << seed;
    const Score& score = house.score();
    EXPECT_NEAR(score.mined.value() + score.standby.value(), miners_wh, 1.0 / 3600);
    EXPECT_GE(score.mined.value(), score.captured.value());
  }
}

TEST(HousePlant, ScoreCountsLeakAndImport) {
  HousePlantSpec spec;
  spec.miners = {miner("luxos-target", Watts(2000))};
  HousePlant house(spec, constant_trace(Watts(1800), Watts(300)));
  house.advance(minutes(60));
  const Score& score = house.score();
  EXPECT_NEAR(score.mined.value(), 2000, 1e-6);
  EXPECT_NEAR(score.captured.value(), 1500, 1e-6);
  EXPECT_NEAR(score.leaked().value(), 500, 1e-6);
  EXPECT_NEAR(score.usable_surplus.value(), 1500, 1e-6);
  EXPECT_NEAR(score.imported.value(), 500, 1e-6);
  EXPECT_NEAR(score.import_while_mining.value(), 500, 1e-6);
  EXPECT_NEAR(score.exported.value(), 0, 1e-9);
}

TEST(HousePlant, SurplusBelowTheSmallestMinimumIsNotUsable) {
  HousePlantSpec spec;
  spec.miners = {miner("luxos-target", Watts(0), StartState::asleep)};
  HousePlant house(spec, constant_trace(Watts(1100), Watts(300)));
  house.advance(minutes(60));
  EXPECT_DOUBLE_EQ(house.score().usable_surplus.value(), 0);
  EXPECT_NEAR(house.score().standby.value(), 25, 1e-6);
  EXPECT_DOUBLE_EQ(house.score().mined.value(), 0);
}

TEST(HousePlant, AWindowIsTheDifferenceOfTwoSums) {
  HousePlantSpec spec;
  spec.miners = {miner("luxos-target", Watts(2000))};
  HousePlant house(spec, constant_trace(Watts(1800), Watts(300)));
  house.advance(seconds(100));
  const Score window = house.history()[99].score - house.history()[39].score;
  EXPECT_NEAR(window.mined.value(), 2000.0 * 60 / 3600, 1e-6);
}

TEST(HousePlant, MeterShowsTheGridAfterItsAge) {
  HousePlantSpec spec;
  spec.meter = exact_meter();
  Trace trace = constant_trace(Watts(0), Watts(500));
  std::fill(trace.load_w.begin() + 20, trace.load_w.end(), 2500.0F);
  HousePlant house(spec, trace);
  house.advance(std::chrono::milliseconds(20'100));
  EXPECT_DOUBLE_EQ(house.meter().power().value(), 500);
  house.advance(seconds(2));
  EXPECT_DOUBLE_EQ(house.meter().power().value(), 2500);
}

TEST(HousePlant, MeterCountsBothWays) {
  HousePlantSpec spec;
  spec.meter = exact_meter();
  Trace trace = constant_trace(Watts(1000), Watts(0));
  std::fill(trace.load_w.begin() + 1800, trace.load_w.end(), 2000.0F);
  HousePlant house(spec, trace);
  house.advance(minutes(60) + seconds(1));
  EXPECT_NEAR(house.meter().imported().value(), 500, 1);
  EXPECT_NEAR(house.meter().exported().value(), 500, 1);
}

TEST(HousePlant, DropoutsFreezeTheMeter) {
  HousePlantSpec spec;
  spec.meter.dropouts_per_hour = 60;
  HousePlant house(spec, constant_trace(Watts(0), Watts(2000)));
  int frozen = 0;
  double before = 0;
  for (int i = 0; i < 3600; ++i) {
    house.advance(seconds(1));
    if (house.meter().power().value() == before) ++frozen;
    before = house.meter().power().value();
  }
  EXPECT_GT(frozen, 60 * 4);
  EXPECT_LT(frozen, 60 * 16);
}

TEST(BatteryPlant, HoldsTheGridAtZero) {
  HousePlantSpec spec;
  spec.battery = BatterySetup{};
  Trace trace = constant_trace(Watts(0), Watts(400));
  std::fill(trace.load_w.begin() + 60, trace.load_w.end(), 2400.0F);
  HousePlant house(spec, trace);
  house.advance(seconds(60));
  EXPECT_NEAR(house.state().grid.value(), 0, 20);
  house.advance(seconds(1));
  EXPECT_GT(house.state().grid.value(), 1000) << "it is not clairvoyant";
  house.advance(seconds(15));
  EXPECT_NEAR(house.state().grid.value(), 0, 60) << "settles within 14 s as measured systems do";
  EXPECT_NEAR(house.state().battery.value(), 2400, 60);
}

TEST(BatteryPlant, LosesOnBothWaysAndStopsAtItsFloor) {
  HousePlantSpec spec;
  spec.battery = BatterySetup{{}, Percent(20)};
  HousePlant house(spec, constant_trace(Watts(0), Watts(1000)));
  house.advance(std::chrono::hours(1));
  EXPECT_NEAR(house.state().soc.value(), 20 - 100 * 1000 / 0.95 / 10'000, 0.1);
  house.advance(std::chrono::hours(1));
  EXPECT_NEAR(house.state().soc.value(), 5, 0.05);
  EXPECT_NEAR(house.state().grid.value(), 1000, 1);
}

TEST(BatteryPlant, AFullOneLetsTheSunOut) {
  HousePlantSpec spec;
  spec.battery = BatterySetup{{}, Percent(99)};
  HousePlant house(spec, constant_trace(Watts(3000), Watts(0)));
  house.advance(minutes(30));
  EXPECT_NEAR(house.state().soc.value(), 100, 0.01);
  EXPECT_NEAR(house.state().grid.value(), -3000, 1);
}

TEST(PvPlant, ZeroExportFollowsTheLoadAndHidesTheRest) {
  HousePlantSpec spec;
  spec.pv = {Watts(5000), true};
  Trace trace = constant_trace(Watts(4000), Watts(500));
  std::fill(trace.load_w.begin() + 120, trace.load_w.end(), 2500.0F);
  HousePlant house(spec, trace);
  house.advance(seconds(120));
  EXPECT_NEAR(house.state().grid.value(), -20, 45);
  EXPECT_LT(house.state().pv.value(), 600);
  EXPECT_TRUE(house.state().pv_throttled);
  house.advance(seconds(1));
  EXPECT_GT(house.state().grid.value(), 1000) << "the limiter opens slowly";
  house.advance(seconds(30));
  EXPECT_NEAR(house.state().grid.value(), -20, 45);
}

TEST(HousePlant, OnAnIslandTheBatteryCarriesWhatItCan) {
  HousePlantSpec spec;
  spec.battery = BatterySetup{{.max_power = Watts(3000)}, Percent(50)};
  spec.miners = {miner("luxos-target", Watts(3000))};
  HousePlant house(spec, constant_trace(Watts(500), Watts(1000)));
  house.advance(seconds(30));
  house.set_grid_lost(true);
  house.advance(minutes(60));
  EXPECT_DOUBLE_EQ(house.state().grid.value(), 0);
  EXPECT_NEAR(house.state().battery.value(), 3000, 1);
  EXPECT_NEAR(house.score().unserved.value(), 500, 5);
}

TEST(HousePlant, SecondsAboveTheBreakerAreCounted) {
  HousePlantSpec spec;
  spec.breaker_limit = Watts(3000);
  Trace trace = constant_trace(Watts(0), Watts(500));
  std::fill(trace.load_w.begin() + 10, trace.load_w.begin() + 40, 3500.0F);
  HousePlant house(spec, trace);
  house.advance(seconds(100));
  EXPECT_NEAR(house.score().breaker_s, 30, 0.2);
}

TEST(HousePlant, TheSameSeedGivesTheSameRun) {
  const auto run = [](Duration chunk) {
    HousePlantSpec spec;
    spec.start_second = 11 * 3600;
    spec.battery = BatterySetup{};
    spec.miners = {miner("luxos-profile", Watts(2000))};
    spec.seed = 42;
    HousePlant house(spec, generated_day(Watts(8000), Sky::broken, 9));
    for (Duration t{}; t < minutes(10); t += chunk) house.advance(chunk);
    return std::pair(house.meter().power().value(), house.score().imported.value());
  };
  EXPECT_EQ(run(seconds(1)), run(std::chrono::milliseconds(50)));
}

}  // namespace
}  // namespace sluice::sim
