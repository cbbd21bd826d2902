// The whole of the controller with a plug before each miner, day and night.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "sim/policy.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kDay = 86'400;

/// Days of sun with clouds, in a house that draws 400 W. Seed 0: without clouds.
std::shared_ptr<const Trace> weather(std::size_t days, std::uint64_t seed) {
  auto trace = std::make_shared<Trace>();
  Random random(seed);
  double cloud = 1.0;
  for (std::size_t second = 0; second < days * kDay; ++second) {
    if (seed != 0 && second % 300 == 0) cloud = random.uniform(0.05, 1.0);
    const double hour = static_cast<double>(second % kDay) / 3600.0;
    const double sun_w = std::max(0.0, 4000.0 * std::sin((hour - 7.0) / 10.0 * 3.14159265));
    const bool day = hour > 7.0 && hour < 17.0;
    trace->pv_w.push_back(day ? static_cast<float>(cloud * sun_w) : 0.0F);
    trace->load_w.push_back(400.0F);
  }
  return trace;
}

struct Days {
  Days(std::size_t days, std::uint64_t seed, bool switched, bool wakes_with_power, std::size_t miners = 1) {
    VirtualHouseSpec spec;
    spec.house.step = std::chrono::seconds(1);
    spec.house.pv.rating = Watts(1e6);
    spec.house.keep_history = false;
    spec.house.seed = seed + 1;
    spec.switched = switched;
    Site site;
    site.control.profile = constraint_profile(ProfileName::normal);
    site.has_pv_meter = true;
    for (std::size_t i = 0; i < miners; ++i) {
      MinerSetup setup;
      setup.spec = plant_spec(i == 0 ? "luxos-target" : "vnish-throttle").value();
      setup.spec.wakes_with_power = wakes_with_power;
      setup.start = StartState::asleep;
      spec.house.miners.push_back(setup);
      MinerSite miner;
      miner.name = "m" + std::to_string(i);
      if (switched) miner.power_switch = "plug" + std::to_string(i);
      site.miners.push_back(miner);
    }
    house = std::make_unique<VirtualHouse>(spec, weather(days, seed));
    policy = std::make_unique<ProductPolicy>(site, PersistentState{}, VirtualHouse::start(), house->wall_start());
  }
  const MinerPlant& miner(std::size_t index = 0) const { return house->house().miner(index); }
  void run(double hours) { house->run(*policy, static_cast<std::size_t>(hours * 3600.0)); }

  std::unique_ptr<VirtualHouse> house;
  std::unique_ptr<ProductPolicy> policy;
};

class PowerSwitchNights : public testing::TestWithParam<bool> {};

TEST_P(PowerSwitchNights, is_without_power_by_night_and_mines_by_day) {
  Days with(3, 0, true, GetParam());
  Days without(3, 0, false, GetParam());
  for (int day = 0; day < 3; ++day) {
    SCOPED_TRACE("day " + std::to_string(day));
    with.run(4.0);
    EXPECT_FALSE(with.miner().powered());
    EXPECT_EQ(with.house->decision().miners[0].reason, Reason::power_cut);
    EXPECT_TRUE(with.house->decision().miners[0].alarms.empty());
    EXPECT_EQ(with.house->decision().miners[0].expected_power, Watts(0.0));
    with.run(8.0);
    EXPECT_EQ(with.miner().state(), MinerState::running);
    EXPECT_TRUE(with.house->decision().miners[0].alarms.empty());
    with.run(8.0);
    EXPECT_FALSE(with.miner().powered());
    with.run(4.0);
  }
  without.run(72.0);
  const Score cut = with.house->house().score(), slept = without.house->house().score();
  EXPECT_LT(cut.standby, 0.15 * slept.standby);
  EXPECT_GT(cut.captured, 0.985 * slept.captured);
  EXPECT_LT(cut.leaked(), slept.leaked() + WattHours(60.0));
}
INSTANTIATE_TEST_SUITE_P(Firmware, PowerSwitchNights, testing::Bool());

TEST(PowerSwitchProperty, no_relay_breaks_a_load) {
  const char* replayed = std::getenv("SLUICE_SEED");
  const std::uint64_t first = replayed != nullptr ? std::strtoull(replayed, nullptr, 10) : 1;
  std::uint64_t cuts = 0;
  for (std::uint64_t seed = first; seed < first + (replayed != nullptr ? 1 : 6); ++seed) {
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    Days run(2, seed, true, seed % 2 == 0, 2);
    for (std::size_t second = 0; second < 2 * kDay; ++second) {
      const bool before[] = {run.miner(0).powered(), run.miner(1).powered()};
      run.house->tick(*run.policy);
      for (std::size_t i = 0; i < 2; ++i) {
        const MinerDecision& decided = run.house->decision().miners[i];
        ASSERT_FALSE(decided.alarms.has(Alarm::miner_unreachable)) << second;
        if (!before[i] || run.miner(i).powered()) continue;
        ++cuts;
        // What the plug measured of it in the tick that opened it.
        const Watts drawn = run.house->snapshot().miners[i].switch_power.value;
        ASSERT_LT(drawn, run.miner(i).spec().dynamics.sleep_power + Watts(50.0)) << second;
      }
    }
  }
  EXPECT_GE(cuts, replayed != nullptr ? 1U : 20U) << "there was something to see";
}

TEST(PowerSwitchEscalation, a_miner_that_does_not_stop_loses_its_power) {
  Days run(1, 0, true, true);
  run.run(12.0);
  ASSERT_EQ(run.miner().state(), MinerState::running);
  class Deaf final : public Policy {  // whatever it is told, it goes on
   public:
    explicit Deaf(Policy& inner) : inner_(inner) {}
    void step(const Snapshot& snapshot, Decision& decision) override {
      Snapshot parked = snapshot;
      parked.intents[0].park = true;
      inner_.step(parked, decision);
      wanted = decision;
      const std::uint64_t sequence = decision.miners[0].sequence;
      if (decision.miners[0].wanted == CommandKind::sleep) {
        decision.miners[0].wanted = CommandKind::target;
        decision.miners[0].target = Watts(2000.0);
        decision.miners[0].sequence = sequence;
      }
    }
    Decision wanted;

   private:
    Policy& inner_;
  } deaf(*run.policy);
  bool alarmed = false;
  for (int second = 0; second < 600 && run.miner().powered(); ++second) {
    run.house->tick(deaf);
    alarmed = alarmed || deaf.wanted.miners[0].alarms.has(Alarm::miner_ignores_stop);
    ASSERT_TRUE(alarmed || run.miner().powered()) << "not before it was told twice";
  }
  EXPECT_TRUE(alarmed);
  EXPECT_FALSE(run.miner().powered());
}

TEST(PowerSwitchEscalation, a_miner_that_does_not_answer_runs_on_while_there_is_sun_and_loses_its_power_after) {
  Days run(1, 0, true, true);
  run.run(12.0);
  ASSERT_EQ(run.miner().state(), MinerState::running);
  class Unplugged final : public Policy {  // its network, not its power
   public:
    explicit Unplugged(Policy& inner) : inner_(inner) {}
    void step(const Snapshot& snapshot, Decision& decision) override {
      Snapshot dark = snapshot;
      MinerObservation& miner = dark.miners[0];
      miner.link = LinkState::down;
      miner.identity = IdentityVerdict::unverified;
      miner.state = MinerState::unknown;
      miner.reported_power = miner.target_readback = {};
      inner_.step(dark, decision);
      decision.miners[0].wanted = CommandKind::none;
    }

   private:
    Policy& inner_;
  } dark(*run.policy);
  int short_s = 0;  // in a row
  for (int second = 0; second < 6 * 3600 && run.miner().powered(); ++second) {
    run.house->tick(dark);
    short_s = run.house->house().state().grid.value() > 0.0 ? short_s + 1 : 0;
    ASSERT_TRUE(short_s >= 290 || run.miner().powered()) << second;
    ASSERT_LT(short_s, 400) << "it goes on by night";
  }
  EXPECT_FALSE(run.miner().powered());
}

TEST(MinerPlantPower, without_power_it_draws_and_hears_nothing_and_then_boots) {
  PlantSpec spec = plant_spec("luxos-target").value();
  MinerPlant plant(spec, {}, StartState::running, Watts(3000.0));
  plant.set_power(false);
  EXPECT_EQ(plant.power(), Watts(0.0));
  EXPECT_FALSE(plant.booted());
  plant.wake();
  plant.advance(std::chrono::hours(1));
  EXPECT_EQ(plant.power(), Watts(0.0));
  plant.set_power(true);
  plant.advance(spec.boot / 2);
  EXPECT_FALSE(plant.booted());
  EXPECT_EQ(plant.power(), spec.dynamics.sleep_power);
  plant.advance(spec.boot + spec.dynamics.wake);
  EXPECT_EQ(plant.state(), MinerState::running);
  spec.wakes_with_power = false;
  MinerPlant sleeper(spec, {}, StartState::running, Watts(3000.0));
  sleeper.set_power(false);
  sleeper.set_power(true);
  sleeper.advance(std::chrono::hours(1));
  EXPECT_EQ(sleeper.state(), MinerState::asleep);
}

}  // namespace
}  // namespace sluice::sim
