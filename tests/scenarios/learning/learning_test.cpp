// A miner whose firmware declares one dead time and has another. After ten own steps the controller must do as well as
// one that was told; when the firmware changes it must find out; when nothing can be seen it must learn nothing.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kDawnS = 6 * 3600;
constexpr std::size_t kDayS = 12 * 3600;
constexpr double kLeakPrice = 3.5;
constexpr int kOwnSteps = 10;

/// The product, with a firmware that tells this dead time and ramp whatever the plant does.
class Declared final : public Policy {
 public:
  Declared(const Site& site, const PersistentState& memory, WallTime wall, MinerDynamics dynamics)
      : product_(site, memory, VirtualHouse::start(), wall), dynamics_(dynamics) {}

  void step(const Snapshot& snapshot, Decision& decision) override {
    Snapshot seen = snapshot;
    for (MinerObservation& miner : seen.miners) miner.dynamics = dynamics_;
    product_.step(seen, decision);
  }
  LearnedMiner learned() const { return memory().miners.at(0).learned; }
  PersistentState memory() const {
    PersistentState state;
    product_.controller().remember(state);
    return state;
  }

 private:
  ProductPolicy product_;
  MinerDynamics dynamics_;
};

struct Setting {
  PlantSpec plant;
  MinerDynamics declared;
  double setpoint_bias = 0.05;
  std::optional<BatterySetup> battery;
  std::uint64_t day = 1;
};

VirtualHouseSpec house_spec(const Setting& setting) {
  VirtualHouseSpec spec;
  spec.house.start_second = kDawnS;
  spec.house.keep_history = false;
  spec.house.seed = setting.day;
  spec.house.battery = setting.battery;
  MinerSetup miner;
  miner.spec = setting.plant;
  miner.errors.setpoint_bias = setting.setpoint_bias;
  miner.errors.report_bias = -setting.setpoint_bias;
  miner.start = StartState::asleep;
  miner.target = setting.plant.envelope.min;
  spec.house.miners.push_back(miner);
  return spec;
}

Site house_site(const Setting& setting) {
  Site site;
  MinerSite miner;
  miner.name = "m";
  site.miners.push_back(miner);
  site.battery.present = setting.battery.has_value();
  site.control.profile.max_starts_per_day = 0;  // a day is compared with another, not a budget
  return site;
}

std::shared_ptr<const Trace> cloudy(std::uint64_t seed) {
  return std::make_shared<const Trace>(generated_day(Watts(5000.0), Sky::broken, seed));
}

/// What is left in memory after `own_steps` steps that the meter confirmed.
PersistentState after_steps(const Setting& setting, std::uint32_t own_steps) {
  VirtualHouse house(house_spec(setting), cloudy(setting.day));
  Declared policy(house_site(setting), {}, house.wall_start(), setting.declared);
  while (policy.learned().samples < own_steps) house.tick(policy);
  return policy.memory();
}

double worth_wh(Setting setting, const PersistentState& memory, int days) {
  double worth = 0.0;
  for (int day = 0; day < days; ++day) {
    setting.day = 100 + static_cast<std::uint64_t>(day);
    PersistentState kept;
    if (!memory.miners.empty()) {
      kept.miners.emplace_back();
      kept.miners[0].name = "m";
      kept.miners[0].learned = memory.miners[0].learned;
    }
    VirtualHouse house(house_spec(setting), cloudy(setting.day));
    Declared policy(house_site(setting), kept, house.wall_start(), setting.declared);
    house.run(policy, kDayS);
    const Score& score = house.house().score();
    worth += score.captured.value() - kLeakPrice * score.leaked().value();
  }
  return worth;
}

struct Case {
  const char* plant;
  double dead_s;
};

class UnknownDeadTime : public ::testing::TestWithParam<Case> {};

TEST_P(UnknownDeadTime, AfterTenOwnStepsItDoesAsWellAsOneThatWasTold) {
  Setting setting;
  setting.plant = plant_spec(GetParam().plant).value();
  setting.declared = setting.plant.dynamics;
  setting.plant.dynamics.dead_time = from_seconds(GetParam().dead_s);
  Setting told = setting;
  told.declared = setting.plant.dynamics;

  const PersistentState memory = after_steps(setting, kOwnSteps);
  const LearnedMiner& learned = memory.miners.at(0).learned;
  constexpr int kDays = 3;
  const double told_wh = worth_wh(told, after_steps(told, kOwnSteps), kDays);
  const double blind_wh = worth_wh(setting, {}, kDays);
  const double found_wh = worth_wh(setting, memory, kDays);
  std::printf(
      "%s, dead time %.0f s (declared %.0f): learned %.2f s +- %.2f of %u samples; told %.0f Wh, learned %+.2f %%,"
      " nothing learned before %+.2f %%\n",
      GetParam().plant, GetParam().dead_s, to_seconds(setting.declared.dead_time), learned.dead_time_s.value,
      learned.dead_time_s.spread, learned.dead_time_s.samples, told_wh, 100.0 * (found_wh / told_wh - 1.0),
      100.0 * (blind_wh / told_wh - 1.0));
  ASSERT_GE(learned.dead_time_s.samples, 2U) << "several of the ten may lie in one window";
  // Half a second is the age of the meter's values.
  EXPECT_NEAR(learned.dead_time_s.value, GetParam().dead_s + 0.55, 0.5);
  EXPECT_GT(found_wh, 0.99 * told_wh);
}

INSTANTIATE_TEST_SUITE_P(Plants, UnknownDeadTime,
                         ::testing::Values(Case{"luxos-target", 0.0}, Case{"luxos-target", 2.0},
                                           Case{"luxos-target", 5.0}, Case{"luxos-target", 10.0},
                                           Case{"vnish-throttle", 0.0}, Case{"vnish-throttle", 10.0},
                                           Case{"braiins-fast", 0.0}, Case{"braiins-fast", 10.0}),
                         [](const auto& one) {
                           std::string name = one.param.plant;
                           for (char& letter : name) letter = letter == '-' ? '_' : letter;
                           return name + "_" + std::to_string(static_cast<int>(one.param.dead_s));
                         });

TEST(Learning, FindsRampsThatTheFirmwareDeclaresTwiceAsFastAndTheWake) {
  Setting setting;
  setting.plant = plant_spec("braiins-fast").value();
  setting.declared = setting.plant.dynamics;
  setting.declared.ramp_up /= 2;
  setting.declared.ramp_down /= 2;
  setting.declared.wake *= 2;
  setting.setpoint_bias = 0.0;
  VirtualHouse house(house_spec(setting), cloudy(setting.day));
  Declared policy(house_site(setting), {}, house.wall_start(), setting.declared);
  house.run(policy, kDayS);
  const LearnedMiner learned = policy.learned();
  const double span_w = (setting.plant.envelope.max - setting.plant.envelope.min).value();
  ASSERT_GE(learned.ramp_up_w_per_s.samples, 3U);
  ASSERT_GE(learned.ramp_down_w_per_s.samples, 3U);
  EXPECT_NEAR(learned.ramp_up_w_per_s.value, span_w / to_seconds(setting.plant.dynamics.ramp_up), 4.0);
  EXPECT_NEAR(learned.ramp_down_w_per_s.value, span_w / to_seconds(setting.plant.dynamics.ramp_down), 8.0);
  ASSERT_GE(learned.wake_s.samples, 3U);
  EXPECT_NEAR(learned.wake_s.value, to_seconds(setting.plant.dynamics.wake), 5.0);
  ASSERT_GE(learned.report_gain.samples, 3U);
  EXPECT_NEAR(learned.report_gain.value, 1.0, 0.05);
}

// An update makes the firmware seven seconds slower: what was learned is given up within a few steps, and never makes
// the loop hunt meanwhile.
TEST(Learning, WhatStopsFittingIsGivenUp) {
  Setting setting;
  setting.plant = plant_spec("luxos-target").value();
  setting.declared = setting.plant.dynamics;
  PersistentState memory = after_steps(setting, 30);
  EXPECT_NEAR(memory.miners.at(0).learned.dead_time_s.value, 1.55, 0.4);
  const std::uint32_t sure = memory.miners[0].learned.dead_time_s.samples;
  ASSERT_GE(sure, 8U);

  setting.plant.dynamics.dead_time = from_seconds(8.0);
  setting.day = 2;
  memory.miners[0].starts_today = 0;
  VirtualHouse house(house_spec(setting), cloudy(setting.day));
  Declared policy(house_site(setting), memory, house.wall_start(), setting.declared);
  const std::uint32_t before = memory.miners[0].learned.samples;
  while (policy.learned().samples < before + 12) house.tick(policy);
  EXPECT_NEAR(policy.learned().dead_time_s.value, 8.55, 0.6);
  EXPECT_LT(policy.learned().dead_time_s.samples, sure);
}

// Whatever stands in the memory, and however sure it looks: at constant sun the loop comes to rest.
TEST(Learning, AWrongMemoryCannotMakeItHunt) {
  for (const char* plant : {"luxos-target", "vnish-throttle", "braiins-fast"}) {
    for (const double dead_s : {0.0, 5.0, 10.0}) {
      for (const double believed_s : {0.5, 4.0, 12.0}) {
        for (const double ramps : {0.4, 2.5}) {
          Setting setting;
          setting.plant = plant_spec(plant).value();
          setting.declared = setting.plant.dynamics;
          const double span_w = (setting.plant.envelope.max - setting.plant.envelope.min).value();
          PersistentState memory;
          memory.miners.emplace_back();
          memory.miners[0].name = "m";
          LearnedMiner& learned = memory.miners[0].learned;
          learned.dead_time_s = {believed_s, 0.02, 40};
          learned.ramp_up_w_per_s = {ramps * span_w / to_seconds(setting.plant.dynamics.ramp_up), 0.01, 40};
          learned.ramp_down_w_per_s = {ramps * span_w / to_seconds(setting.plant.dynamics.ramp_down), 0.01, 40};
          setting.plant.dynamics.dead_time = from_seconds(dead_s);
          VirtualHouseSpec spec = house_spec(setting);
          spec.house.meter.noise = Watts(0.0);
          spec.house.meter.relative_noise = 0.0;
          VirtualHouse house(spec, std::make_shared<const Trace>(constant_trace(Watts(3000.0), Watts(500.0))));
          Declared policy(house_site(setting), memory, house.wall_start(), setting.declared);
          house.run(policy, 1800);
          const auto changes = house.workload().changes;
          house.run(policy, 1800);
          EXPECT_LE(house.workload().changes - changes, 1U)
              << plant << ": dead time " << dead_s << " s, believed " << believed_s << " s, ramps x" << ramps;
          EXPECT_LE(std::fabs(house.house().state().grid.value()), 40.0);
        }
      }
    }
  }
}

// A battery that holds the grid at zero answers in the meter's place; with its power in the sum the step is seen, and
// what is learned is the miner's dead time and not the battery's.
TEST(Learning, ABatteryDoesNotMislead) {
  Setting setting;
  setting.plant = plant_spec("vnish-throttle").value();
  setting.declared = setting.plant.dynamics;
  BatterySetup battery;
  battery.soc = Percent(60.0);
  setting.battery = battery;
  VirtualHouse house(house_spec(setting), cloudy(setting.day));
  Declared policy(house_site(setting), {}, house.wall_start(), setting.declared);
  house.run(policy, kDayS);
  const LearnedMiner learned = policy.learned();
  std::printf("with a battery: dead time %.2f s of %u samples\n", learned.dead_time_s.value,
              learned.dead_time_s.samples);
  ASSERT_GE(learned.dead_time_s.samples, 3U);
  EXPECT_NEAR(learned.dead_time_s.value, 3.55, 0.8);
}

/// The same day, with something in the snapshot that makes it a day of which nothing may be learned.
class Censored final : public Policy {
 public:
  Censored(const Setting& setting, WallTime wall) : inner_(house_site(setting), {}, wall, setting.declared) {}
  void step(const Snapshot& snapshot, Decision& decision) override {
    Snapshot seen = snapshot;
    if (throttled) seen.pv.curtailed = Reading<bool>::good(true, snapshot.now);
    if (blind) seen.pv.power = Reading<Watts>{};
    inner_.step(seen, decision);
  }
  LearnedMiner learned() const { return inner_.learned(); }
  bool throttled = false, blind = false;

 private:
  Declared inner_;
};

TEST(Learning, ThrottledSunAndSunThatIsNotReadTeachNothing) {
  for (const bool throttled : {true, false}) {
    Setting setting;
    setting.plant = plant_spec("luxos-target").value();
    setting.declared = setting.plant.dynamics;
    VirtualHouse house(house_spec(setting), cloudy(setting.day));
    Censored policy(setting, house.wall_start());
    policy.throttled = throttled;
    policy.blind = !throttled;
    house.run(policy, 4 * 3600);
    EXPECT_EQ(policy.learned().dead_time_s.samples, 0U);
    EXPECT_EQ(policy.learned().ramp_up_w_per_s.samples, 0U);
    policy.throttled = policy.blind = false;
    house.run(policy, 4 * 3600);
    EXPECT_GT(policy.learned().dead_time_s.samples, 0U) << "the same house, seen";
  }
}

// Two miners that move at once teach nothing of either.
TEST(Learning, TwoThatMoveAtOnceTeachOnlyWhatTheyShowAlone) {
  Setting setting;
  setting.plant = plant_spec("vnish-throttle").value();
  setting.declared = setting.plant.dynamics;
  VirtualHouseSpec spec = house_spec(setting);
  spec.house.miners.push_back(spec.house.miners[0]);
  Site site = house_site(setting);
  site.miners.push_back(site.miners[0]);
  site.miners[1].name = "n";
  VirtualHouse house(spec, std::make_shared<const Trace>(generated_day(Watts(9000.0), Sky::broken, 3)));
  Declared policy(site, {}, house.wall_start(), setting.declared);
  house.run(policy, kDayS);
  for (const MinerMemory& miner : policy.memory().miners) {
    std::printf("%s: dead time %.2f s +- %.2f of %u samples\n", miner.name.c_str(), miner.learned.dead_time_s.value,
                miner.learned.dead_time_s.spread, miner.learned.dead_time_s.samples);
    ASSERT_GE(miner.learned.dead_time_s.samples, 3U);
    EXPECT_NEAR(miner.learned.dead_time_s.value, 3.55, 0.8);
  }
}

}  // namespace
}  // namespace sluice::sim
