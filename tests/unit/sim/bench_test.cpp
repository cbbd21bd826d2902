#include "sim/bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

namespace sluice::sim {
namespace {

constexpr std::uint64_t kSeed = 11;

BenchCase generated(const char* plant) {
  BenchCase bench;
  bench.trace_name = "generated";
  bench.trace = std::make_shared<const Trace>(generated_day(Watts(5000.0), Sky::broken, kSeed));
  bench.plants = {plant_spec(plant).value()};
  bench.seed = kSeed;
  return bench;
}

BenchRow rated(const BenchCase& bench, const char* id) {
  const Yardstick by = yardstick(bench);
  return rate(bench, *contender(id), play(bench, id), by);
}

void expect_same(const Outcome& one, const Outcome& other) {
  EXPECT_EQ(one.score.captured, other.score.captured);
  EXPECT_EQ(one.score.mined, other.score.mined);
  EXPECT_EQ(one.score.imported, other.score.imported);
  EXPECT_EQ(one.score.starts, other.score.starts);
  EXPECT_EQ(one.changes, other.changes);
  EXPECT_EQ(one.running_s, other.running_s);
}

TEST(Bench, TheSameSeedGivesTheSameRunToTheDigit) {
  const BenchCase bench = generated("luxos-target");
  for (const char* id : {"sluice", "b3-evcc", "c2"}) {
    SCOPED_TRACE(id);
    expect_same(play(bench, id), play(bench, id));
  }
}

TEST(Bench, AnotherSeedGivesAnotherMinerAndOtherNoise) {
  BenchCase bench = generated("luxos-target");
  const Outcome one = play(bench, "sluice");
  bench.seed = kSeed + 1;
  EXPECT_NE(one.score.captured, play(bench, "sluice").score.captured);
}

TEST(Bench, NobodyBeatsPerfectForesight) {
  for (const char* plant : {"luxos-target", "vnish-throttle", "braiins-fast"}) {
    const BenchCase bench = generated(plant);
    const Yardstick by = yardstick(bench);
    for (const Contender& who : contenders()) {
      if (who.id == "oracle") continue;
      SCOPED_TRACE(std::string(plant) + ", " + std::string(who.id));
      EXPECT_LE(*rate(bench, who, play(bench, who.id), by).nsv_pct, 100.0);
    }
  }
}

// UB0 knows neither ramps nor starts; between it and a run stands what the same miners could have done.
TEST(Bench, AFleetIsShownWhatForesightWouldReach) {
  BenchCase bench = generated("luxos-target");
  bench.plants.push_back(plant_spec("vnish-throttle").value());
  bench.pv_scale = 1.8;
  const Yardstick by = yardstick(bench);
  ASSERT_TRUE(by.foresight_pct);
  EXPECT_LT(*by.foresight_pct, 99.9);
  EXPECT_LT(*rate(bench, *contender("k0"), play(bench, "k0"), by).nsv_pct, *by.foresight_pct);
}

TEST(Bench, WhatDelaysIsWorthLosingNothing) {
  const BenchCase bench = generated("braiins-fast");
  const Outcome spared = play(bench, "k0"), product = play(bench, "sluice");
  EXPECT_GE(spared.objective(bench.lambda), product.objective(bench.lambda));
}

// What the miners drew came from sun that was left over or leaked; what crossed the meter is load, miners and sun.
TEST(Bench, EnergyIsConserved) {
  const BenchCase bench = generated("luxos-target");
  const BenchRun run = begin(bench, "sluice");
  double grid_wh = 0.0, load_wh = 0.0, sun_wh = 0.0;
  for (int second = 0; second < 86'400; ++second) {
    run.house->tick(*run.policy);
    const HouseState& state = run.house->house().state();
    grid_wh += state.grid.value() / 3600.0;
    load_wh += state.load.value() / 3600.0;
    sun_wh += state.pv.value() / 3600.0;
  }
  const Score& score = run.house->house().score();
  EXPECT_GT(score.mined, WattHours(1000.0));
  EXPECT_NEAR((score.captured + score.leaked()).value(), score.mined.value(), 1e-6);
  EXPECT_NEAR((score.imported - score.exported).value(), grid_wh, 1e-3);
  EXPECT_NEAR(load_wh + (score.mined + score.standby).value() - sun_wh, grid_wh, 1e-3);
}

TEST(Bench, RatesWhatTheRowSays) {
  const BenchCase bench = generated("luxos-target");
  const Yardstick by = yardstick(bench);
  const BenchRow best = rate(bench, *contender("oracle"), by.best, by);
  EXPECT_DOUBLE_EQ(*best.csr_pct, 100.0);
  EXPECT_DOUBLE_EQ(*best.nsv_pct, 100.0);
  const BenchRow row = rated(bench, "sluice");
  const Score& score = row.outcome.score;
  const double own = score.captured.value() - 3.5 * score.leaked().value() - 20.0 * score.starts;
  EXPECT_NEAR(*row.nsv_pct, 100.0 * own / by.best.objective(3.5).value(), 1e-9);
  EXPECT_EQ(row.trace, "generated");
  EXPECT_EQ(row.plant, "luxos-target");
  EXPECT_EQ(row.profile, "normal");
  EXPECT_FALSE(row.mined_pct || row.net_value_pct);
}

TEST(Bench, CalmCommandsLess) {
  const BenchCase bench = generated("luxos-target");
  EXPECT_LT(rated(bench, "sluice-calm").changes_per_hour, rated(bench, "sluice").changes_per_hour);
}

TEST(Bench, StressIsHarder) {
  const BenchCase bench = generated("luxos-target");
  BenchCase hard = bench;
  hard.stress.hidden_dead_time = std::chrono::seconds(5);
  EXPECT_LT(play(hard, "c2").objective(3.5), play(bench, "c2").objective(3.5));
}

TEST(Bench, AnUnknownControllerNamesTheKnownOnes) {
  const auto nobody = contender("c3");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().text.find("b3-evcc"), std::string::npos);
  EXPECT_NE(nobody.error().text.find("sluice"), std::string::npos);
}

/// Days of little and of much sun by turns, with a battery that only the better ones fill.
BenchCase with_battery() {
  constexpr double kSun[] = {1.0, 0.45, 1.1, 0.35, 0.5, 1.0};
  auto trace = std::make_shared<Trace>();
  std::uint64_t seed = kSeed;
  for (const double part : kSun) {
    const Trace day = generated_day(part * Watts(4000.0), Sky::broken, seed++);
    trace->pv_w.insert(trace->pv_w.end(), day.pv_w.begin(), day.pv_w.end());
    trace->load_w.insert(trace->load_w.end(), day.load_w.begin(), day.load_w.end());
  }
  BenchCase bench = generated("luxos-target");
  bench.trace = std::move(trace);
  bench.days = std::size(kSun);
  bench.battery = BatterySetup{};
  return bench;
}

TEST(Bench, ABatteryIsJudgedByValueAndBoundedByForesight) {
  const BenchCase bench = with_battery();
  const Yardstick by = yardstick(bench);
  for (const char* id : {"sluice", "sluice-evening", "sluice-economic", "c2"}) {
    SCOPED_TRACE(id);
    const BenchRow row = rate(bench, *contender(id), play(bench, id), by);
    ASSERT_TRUE(row.net_value_pct && row.net_value_per_day);
    EXPECT_FALSE(row.nsv_pct);
    EXPECT_LE(*row.net_value_per_day * static_cast<double>(bench.days), *by.net_value_limit);
  }
  EXPECT_LE(*by.net_value, *by.net_value_limit);
}

// What is drawn from the battery on the hope of sun is missed in the evening at the dearest price: who buys by price
// must not be worse off for it than who follows the sun.
TEST(Bench, ABatteryIsNotEmptiedOnHope) {
  const BenchCase bench = with_battery();
  const Yardstick by = yardstick(bench);
  const auto value_pct = [&](const char* id) {
    return *rate(bench, *contender(id), play(bench, id), by).net_value_pct;
  };
  EXPECT_GE(value_pct("sluice-economic"), value_pct("sluice") - 3.0);
  EXPECT_GE(value_pct("sluice-switch"), value_pct("sluice-economic"));
}

// Where the sun fills the battery every day, what is kept for an outage is sun that spills.
TEST(Bench, AReserveForAnOutageCostsSunThatSpills) {
  BenchCase bench = with_battery();
  bench.pv_scale = 2.5;
  EXPECT_GT(play(bench, "sluice-no-reserve").score.mined, play(bench, "sluice-switch").score.mined);
}

TEST(Bench, AStepOfTheLoadIsAnswered) {
  const StepResponse answer = step_response(generated("luxos-target"), "sluice");
  EXPECT_LE(answer.settle_s, 10.0);
  EXPECT_LE(answer.imported, WattHours(2.0));
}

// An excess that ends before the miner could have moved is nobody's fault; what lasts longer is counted.
TEST(BreakerWatch, CountsOnlyWhatOutlastsTheWayOut) {
  HousePlantSpec spec;
  spec.step = std::chrono::seconds(1);
  spec.keep_history = false;
  MinerSetup miner;
  miner.spec = plant_spec("luxos-target").value();
  miner.target = miner.spec.envelope.max;
  spec.miners.push_back(miner);
  HousePlant house(spec, constant_trace(Watts(0.0), Watts(3000.0)));
  BreakerWatch watch(Watts(5750.0), std::chrono::seconds(10));
  for (int second = 0; second < 10; ++second) {
    house.advance(std::chrono::seconds(1));
    watch.look(house);
  }
  EXPECT_EQ(watch.counted_s(), 0.0);
  for (int second = 0; second < 5; ++second) {
    house.advance(std::chrono::seconds(1));
    watch.look(house);
  }
  EXPECT_EQ(watch.counted_s(), 5.0);
}

TEST(BreakerWatch, AHouseThatTakesTooMuchByItselfIsNotCounted) {
  HousePlantSpec spec;
  spec.step = std::chrono::seconds(1);
  MinerSetup miner;
  miner.spec = plant_spec("luxos-target").value();
  miner.start = StartState::asleep;
  spec.miners.push_back(miner);
  HousePlant house(spec, constant_trace(Watts(0.0), Watts(7000.0)));
  BreakerWatch watch(Watts(5750.0), Duration{});
  for (int second = 0; second < 60; ++second) {
    house.advance(std::chrono::seconds(1));
    watch.look(house);
  }
  EXPECT_EQ(watch.counted_s(), 0.0);
}

// Firmware that wakes obeys the order to sleep once it is awake: as with a ramp, what matters is whether it was given.
TEST(BreakerWatch, AWakeThatBeganBeforeTheExcessIsNobodysFault) {
  HousePlantSpec spec;
  spec.step = std::chrono::seconds(1);
  MinerSetup miner;
  miner.spec = plant_spec("luxos-target").value();
  miner.start = StartState::asleep;
  spec.miners.push_back(miner);
  Trace trace = constant_trace(Watts(0.0), Watts(0.0));
  std::fill(trace.load_w.begin() + 30, trace.load_w.end(), 7000.0F);
  const auto counted_s = [&](int woken_at, bool told_to_sleep) {
    HousePlant house(spec, trace);
    BreakerWatch watch(Watts(5750.0), std::chrono::seconds(10), std::chrono::seconds(4));
    for (int second = 0; second < 120; ++second) {
      if (second == woken_at) house.miner(0).wake();
      if (second == 40 && told_to_sleep) house.miner(0).sleep();
      house.advance(std::chrono::seconds(1));
      watch.look(house);
    }
    return watch.counted_s();
  };
  EXPECT_EQ(counted_s(10, true), 0.0);
  EXPECT_GT(counted_s(10, false), 0.0);
  EXPECT_EQ(counted_s(31, true), 0.0) << "ordered when no meter had shown it";
  EXPECT_GT(counted_s(35, true), 0.0);
}

}  // namespace
}  // namespace sluice::sim
