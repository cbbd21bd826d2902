#include "sim/miner_plant.hpp"

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

PlantSpec spec_of(std::string_view name) {
  auto spec = plant_spec(name);
  EXPECT_TRUE(spec) << name;
  return *spec;
}

TEST(PlantSpecs, EveryRowIsComplete) {
  for (const auto& name : plant_names()) {
    const PlantSpec spec = spec_of(name);
    EXPECT_TRUE(spec.envelope.known()) << name;
    EXPECT_GT(spec.envelope.min, spec.dynamics.sleep_power) << name;
    EXPECT_GE(spec.envelope.max, spec.envelope.min) << name;
    EXPECT_GT(spec.dynamics.wake, Duration{}) << name;
    EXPECT_NEAR(spec.hashrate(spec.envelope.max).value(), spec.max_hashrate.value(), 0.02 * spec.max_hashrate.value())
        << name;
  }
}

TEST(PlantSpecs, UnknownNameTellsTheKnownOnes) {
  const auto spec = plant_spec("toaster");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().kind, ErrorKind::not_found);
  EXPECT_NE(spec.error().text.find("luxos-profile"), std::string::npos);
}

TEST(PlantSpecs, LuxosProfilesAreThoseOfTheCapture) {
  const PlantSpec spec = spec_of("luxos-profile");
  ASSERT_EQ(spec.envelope.levels.size(), 17U);
  EXPECT_NEAR(spec.envelope.levels[0].value(), 784, 2);
  EXPECT_NEAR(spec.envelope.levels[4].value(), 1188, 2);
  EXPECT_NEAR(spec.envelope.levels[16].value(), 2794, 2);
  EXPECT_NEAR(spec.hashrate(Watts(1657)).value(), 80.5, 0.2);
}

TEST(PlantSpecs, TheLastWattHashesLeast) {
  const PlantSpec spec = spec_of("braiins-fast");
  const double low = (spec.hashrate(Watts(1000)) - spec.hashrate(Watts(900))).value();
  const double high = (spec.hashrate(Watts(3250)) - spec.hashrate(Watts(3150))).value();
  EXPECT_GT(low, high);
}

TEST(MinerPlant, ATargetWaitsTheDeadTimeThenRamps) {
  MinerPlant plant(spec_of("braiins-fast"), {}, StartState::running, Watts(2000));
  plant.set_target(Watts(2235));
  plant.advance(seconds(5));
  EXPECT_DOUBLE_EQ(plant.power().value(), 2000);
  EXPECT_DOUBLE_EQ(plant.target().value(), 2230) << "floored to the step";
  plant.advance(seconds(1));
  EXPECT_NEAR(plant.power().value(), 2000 + 2350.0 / 60, 1e-6);
  plant.advance(seconds(10));
  EXPECT_DOUBLE_EQ(plant.power().value(), 2230);
}

TEST(MinerPlant, DownIsAsFastAsTheSpecSays) {
  MinerPlant plant(spec_of("luxos-target"), {}, StartState::running, Watts(3250));
  plant.set_target(Watts(900));
  plant.advance(milliseconds(3500));
  EXPECT_NEAR(plant.power().value(), 3250 - 2.5 * 2350 / 5, 1e-6);
  plant.advance(milliseconds(2500));
  EXPECT_DOUBLE_EQ(plant.power().value(), 900);
}

TEST(MinerPlant, LevelsAreFloored) {
  MinerPlant plant(spec_of("vnish-preset"), {}, StartState::running, Watts(1369));
  EXPECT_DOUBLE_EQ(plant.power().value(), 1135);
  plant.set_target(Watts(100));
  plant.advance(hours(1));
  EXPECT_DOUBLE_EQ(plant.power().value(), 900) << "below the smallest runs at the smallest";
}

TEST(MinerPlant, WakeProfileAndQueuedTarget) {
  MinerPlant plant(spec_of("luxos-target"));
  EXPECT_EQ(plant.state(), MinerState::asleep);
  EXPECT_DOUBLE_EQ(plant.power().value(), 25);
  plant.wake();
  plant.advance(seconds(2));
  EXPECT_EQ(plant.state(), MinerState::waking);
  EXPECT_DOUBLE_EQ(plant.power().value(), 65);
  plant.set_target(Watts(1500));
  plant.advance(seconds(35));  // dead 1 s, 36 s of 60 s at constant draw
  EXPECT_DOUBLE_EQ(plant.power().value(), 65);
  plant.advance(seconds(12));
  EXPECT_NEAR(plant.power().value(), 65 + 0.5 * (900 - 65), 1e-6);
  plant.advance(seconds(12));
  EXPECT_EQ(plant.state(), MinerState::running);
  EXPECT_NEAR(plant.power().value(), 900, 1e-6);
  plant.advance(seconds(60));
  EXPECT_DOUBLE_EQ(plant.power().value(), 1500);
  EXPECT_EQ(plant.starts(), 1U);
}

TEST(MinerPlant, ASleepDuringWakeIsDoneWhenAwake) {
  MinerPlant plant(spec_of("luxos-target"));
  plant.wake();
  plant.advance(seconds(10));
  plant.sleep();
  plant.advance(seconds(20));
  EXPECT_EQ(plant.state(), MinerState::waking);
  EXPECT_DOUBLE_EQ(plant.settled_power().value(), 25);
  plant.advance(seconds(40));
  EXPECT_EQ(plant.state(), MinerState::asleep);
}

TEST(MinerPlant, SleepStopsWithinTheStopTime) {
  MinerPlant plant(spec_of("luxos-target"), {}, StartState::running, Watts(3250));
  plant.sleep();
  plant.advance(milliseconds(2000));
  EXPECT_EQ(plant.state(), MinerState::stopping);
  plant.advance(seconds(4));
  EXPECT_EQ(plant.state(), MinerState::asleep);
  EXPECT_DOUBLE_EQ(plant.power().value(), 25);
  EXPECT_DOUBLE_EQ(plant.hashrate().value(), 0);
}

TEST(MinerPlant, BiasesChangeDrawAndReportApart) {
  MinerPlant plant(spec_of("luxos-target"), {.setpoint_bias = 0.1, .report_bias = -0.05}, StartState::running,
                   Watts(2000));
  EXPECT_NEAR(plant.power().value(), 2200, 1e-9);
  EXPECT_NEAR(plant.reported_power().value(), 2090, 1e-9);
  EXPECT_NEAR(plant.settled_power().value(), 2200, 1e-9);
  EXPECT_DOUBLE_EQ(plant.target().value(), 2000);
}

TEST(MinerPlant, ARebootEndsInTheStateBefore) {
  MinerPlant plant(spec_of("luxos-target"), {}, StartState::running, Watts(2000));
  plant.reboot();
  EXPECT_FALSE(plant.booted());
  plant.set_target(Watts(3000));  // nobody listens
  plant.advance(seconds(89));
  EXPECT_FALSE(plant.booted());
  plant.advance(seconds(2));
  EXPECT_EQ(plant.state(), MinerState::waking);
  plant.advance(seconds(180));
  EXPECT_DOUBLE_EQ(plant.power().value(), 2000);

  MinerPlant asleep(spec_of("luxos-target"));
  asleep.reboot();
  asleep.advance(seconds(100));
  EXPECT_EQ(asleep.state(), MinerState::asleep);
}

TEST(MinerPlant, CommandsGetLostAtTheGivenRate) {
  MinerPlant plant(spec_of("bitaxe"), {.command_loss = 0.25, .seed = 7});
  int kept = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto before = plant.starts();
    plant.wake();
    plant.advance(seconds(20));
    if (plant.starts() > before) ++kept;
    while (plant.state() != MinerState::asleep) {
      plant.sleep();
      plant.advance(seconds(30));
    }
  }
  EXPECT_NEAR(kept / 2000.0, 0.75, 0.04) << "seed 7";
}

TEST(MinerPlant, RebootsByItselfAtTheMeanGap) {
  MinerPlant plant(spec_of("luxos-target"), {.mean_reboot_gap = hours(6), .seed = 3}, StartState::running, Watts(2000));
  plant.advance(hours(24 * 30));
  EXPECT_NEAR(plant.reboots(), 120, 15) << "seed 3";
}

struct Trace {
  double power_w, energy_wh;
};

Trace run(PlantSpec spec, std::uint64_t seed, Duration step) {
  MinerPlant plant(std::move(spec),
                   {.setpoint_bias = 0.03, .command_loss = 0.02, .mean_reboot_gap = hours(1), .seed = seed});
  Random random(seed);
  for (int i = 0; i < 400; ++i) {
    const double dice = random.uniform();
    if (dice < 0.1) {
      plant.sleep();
    } else if (dice < 0.4) {
      plant.wake();
    } else {
      plant.set_target(Watts(random.uniform(0.0, 4000.0)));
    }
    Duration left = seconds(17);
    while (left > Duration{}) {
      const Duration dt = std::min(left, step);
      plant.advance(dt);
      left -= dt;
    }
  }
  return {plant.power().value(), plant.energy().value()};
}

TEST(MinerPlant, TheStepOfTheCallerDoesNotMatter) {
  for (const auto& name : plant_names()) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const Trace whole = run(spec_of(name), seed, seconds(17));
      const Trace fine = run(spec_of(name), seed, milliseconds(70));
      EXPECT_DOUBLE_EQ(whole.power_w, fine.power_w) << name << " seed " << seed;
      EXPECT_NEAR(whole.energy_wh, fine.energy_wh, 1e-6 * whole.energy_wh) << name << " seed " << seed;
    }
  }
}

TEST(MinerPlant, EnergyIsTheIntegralOfPower) {
  MinerPlant plant(spec_of("luxos-target"), {}, StartState::running, Watts(3250));
  plant.set_target(Watts(900));
  plant.advance(seconds(10));  // 1 s at 3250, 5 s ramp, 4 s at 900
  EXPECT_NEAR(plant.energy().value(), (3250.0 + 5 * 2075.0 + 4 * 900.0) / 3600, 1e-9);
  EXPECT_NEAR(plant.awake_energy().value(), plant.energy().value(), 1e-12);
}

}  // namespace
}  // namespace sluice::sim
