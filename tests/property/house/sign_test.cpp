// A grid meter whose clamp was turned round, in a house whose load does not stand still: found after few own steps of
// any miner; and never found where it was not turned, whatever the clouds do.

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "sim/policy.hpp"
#include "sim/random.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

/// The product, reading a meter that may be turned.
class Reader final : public Policy {
 public:
  Reader(const Site& site, MonoTime now, WallTime wall) : product_(site, PersistentState{}, now, wall) {}

  void step(const Snapshot& snapshot, Decision& decision) override {
    Snapshot told = snapshot;
    if (turned) told.grid.power.value = -told.grid.power.value;
    if (!tells_pv) told.pv.power = Reading<Watts>{};
    product_.step(told, decision);
    const MinerDecision& miner = decision.miners[0];
    const bool runs = miner.wanted == CommandKind::target || miner.wanted == CommandKind::wake;
    const double target_w = runs ? miner.target.value() : 0.0;
    if (std::fabs(target_w - target_w_) >= 200.0) ++steps;
    target_w_ = target_w;
    alarmed =
        alarmed || decision.alarms.has(Alarm::readings_implausible) || decision.alarms.has(Alarm::grid_meter_lost);
  }

  bool turned = false, tells_pv = true, alarmed = false;
  int steps = 0;  ///< own ones of 200 W and more

 private:
  ProductPolicy product_;
  double target_w_ = 0.0;
};

struct Case {
  const char* plant = "luxos-target";
  double sun_w = 3000.0, load_w = 400.0, swing_w = 350.0;
  std::size_t every_s = 30;
  std::uint64_t seed = 1;
  bool tells_pv = true;
};

struct Found {
  bool alarmed = false;
  int steps = 0, seconds = 0;
  double miner_w = 0.0;  ///< at the end
};

/// The clamp is turned after ten minutes of good work; then `seconds` are given to see it.
Found run(const Case& it, bool turned, int seconds) {
  Random random(it.seed);
  Trace trace;
  double load_w = it.load_w;
  const auto phase = static_cast<std::size_t>(random.uniform(0.0, static_cast<double>(it.every_s)));
  for (std::size_t second = 0; second < 600 + static_cast<std::size_t>(seconds) + 1; ++second) {
    if ((second + phase) % it.every_s == 0) load_w = it.load_w + (random.uniform() < 0.5 ? 0.0 : it.swing_w);
    trace.pv_w.push_back(static_cast<float>(it.sun_w));
    trace.load_w.push_back(static_cast<float>(load_w));
  }
  VirtualHouseSpec spec;
  spec.house.keep_history = false;
  spec.house.seed = it.seed;
  MinerSetup miner;
  miner.spec = plant_spec(it.plant).value();
  miner.start = StartState::running;
  miner.target = miner.spec.envelope.min;
  miner.errors.setpoint_bias = random.uniform(-0.1, 0.1);
  spec.house.miners.push_back(miner);
  VirtualHouse house(spec, std::make_shared<const Trace>(trace));
  Site site;
  site.has_pv_meter = it.tells_pv;
  site.miners.emplace_back().name = "miner";
  Reader reader(site, VirtualHouse::start(), house.wall_start());
  reader.tells_pv = it.tells_pv;
  house.run(reader, 600);
  reader.turned = turned;
  reader.steps = 0;
  reader.alarmed = false;
  Found found;
  for (; found.seconds < seconds && !reader.alarmed; ++found.seconds) house.tick(reader);
  found.alarmed = reader.alarmed;
  found.steps = reader.steps;
  found.miner_w = house.house().state().miners.value();
  return found;
}

Case moving(const char* plant, std::uint64_t seed) {
  Random random(seed + 77);
  Case it;
  it.plant = plant;
  it.seed = seed;
  it.sun_w = random.uniform(1500.0, 4500.0);
  it.swing_w = random.uniform(200.0, 1200.0);
  it.every_s = static_cast<std::size_t>(random.uniform(10.0, 60.0));
  return it;
}

constexpr const char* kPlants[] = {"luxos-target", "luxos-profile", "vnish-throttle", "braiins-fast"};
constexpr int kMostSteps = 12;

TEST(Sign, ATurnedMeterDoesNotOutliveADozenOwnStepsWhateverTheLoadDoes) {
  int found = 0, all = 0;
  for (const char* plant : kPlants) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      for (const bool tells_pv : {true, false}) {
        Case it = moving(plant, seed);
        it.tells_pv = tells_pv;
        const Found outcome = run(it, true, 800);
        EXPECT_LE(outcome.steps, kMostSteps) << plant << ", seed " << seed << ", pv " << tells_pv;
        // A turned meter drives a miner to one of its ends, where no step follows. Asleep it does no harm.
        if (tells_pv && !outcome.alarmed) {
          EXPECT_LT(outcome.miner_w, 100.0) << plant << ", seed " << seed << ": at work on a turned meter";
        }
        found += outcome.alarmed ? 1 : 0;
        ++all;
      }
    }
  }
  EXPECT_GE(2 * found, all);
}

TEST(Sign, ALoadOf350WattsEveryHalfMinuteHidesNothing) {
  for (const char* plant : kPlants) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      Case it;
      it.plant = plant;
      it.seed = seed;
      it.sun_w = 1600.0 + 50.0 * static_cast<double>(seed);
      const Found outcome = run(it, true, 800);
      EXPECT_TRUE(outcome.alarmed || outcome.miner_w < 100.0) << plant << ", seed " << seed;
    }
  }
}

TEST(Sign, ARightMeterIsNeverCalledTurned) {
  for (const char* plant : kPlants) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      EXPECT_FALSE(run(moving(plant, seed), false, 3000).alarmed) << plant << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice::sim
