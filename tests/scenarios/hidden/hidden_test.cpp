// A house that may feed nothing in. The meter shows about zero whatever the sun could give, so the sun has to be asked
// for; and it must not be asked for where it cannot answer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kHour = 3600;
constexpr std::size_t kDay = 24 * kHour;

using Edit = std::function<void(Snapshot&, const HousePlant&)>;

/// The product; what it sees can be falsified.
class Seen final : public Policy {
 public:
  Seen(const Site& site, WallTime wall) : product_(site, PersistentState{}, VirtualHouse::start(), wall) {}
  void step(const Snapshot& snapshot, Decision& decision) override {
    Snapshot seen = snapshot;
    if (edit) edit(seen, *house);
    product_.step(seen, decision);
    most_hidden_w = std::max(most_hidden_w, decision.hidden_margin.value());
    for (const MinerDecision& miner : decision.miners) {
      probed_s += miner.reason == Reason::probing ? 1 : 0;
      for (const std::uint64_t part : {miner.sequence, static_cast<std::uint64_t>(miner.target.value() * 100.0),
                                       static_cast<std::uint64_t>(miner.reason)}) {
        hash = (hash ^ part) * 1099511628211ULL;
      }
    }
  }
  PersistentState memory() const {
    PersistentState state;
    product_.controller().remember(state);
    return state;
  }

  Edit edit;
  const HousePlant* house = nullptr;
  double most_hidden_w = 0.0;
  int probed_s = 0;
  std::uint64_t hash = 1469598103934665603ULL;

 private:
  ProductPolicy product_;
};

Trace trace(const std::function<double(std::size_t)>& sun, double load_w) {
  Trace out;
  for (std::size_t second = 0; second < kDay; ++second) {
    out.pv_w.push_back(static_cast<float>(sun(second)));
    out.load_w.push_back(static_cast<float>(load_w));
  }
  return out;
}

struct Scene {
  Trace sky = constant_trace(Watts(3000.0), Watts(500.0));
  bool throttles = true;  ///< the inverter keeps to its limit
  bool declared = true;   ///< the owner says that there is one
  std::optional<BatterySetup> battery;
  Edit edit;
};

class ThrottledHouse {
 public:
  explicit ThrottledHouse(const Scene& scene)
      : house_(spec(scene), std::make_shared<const Trace>(scene.sky)), policy_(site(scene), house_.wall_start()) {
    policy_.edit = scene.edit;
    policy_.house = &house_.house();
  }
  void run(std::size_t seconds) { house_.run(policy_, seconds); }
  double mining_w() const { return house_.house().state().miners.value(); }
  double grid_w() const { return house_.house().state().grid.value(); }
  const Score& score() const { return house_.house().score(); }
  const HousePlant& plant() const { return house_.house(); }
  const Seen& policy() const { return policy_; }

 private:
  static VirtualHouseSpec spec(const Scene& scene) {
    VirtualHouseSpec out;
    out.house.pv = {.rating = Watts(8000.0), .zero_export = scene.throttles};
    out.house.battery = scene.battery;
    out.house.step = std::chrono::seconds(1);
    out.house.keep_history = false;
    MinerSetup miner;
    miner.spec = plant_spec("luxos-target").value();
    miner.errors.setpoint_bias = 0.03;
    miner.start = StartState::asleep;
    miner.target = miner.spec.envelope.min;
    out.house.miners.push_back(miner);
    return out;
  }
  static Site site(const Scene& scene) {
    Site out;
    MinerSite miner;
    miner.name = "m";
    out.miners.push_back(miner);
    if (scene.declared) out.export_limit = Watts(0.0);
    out.battery.present = scene.battery.has_value();
    return out;
  }

  VirtualHouse house_;
  Seen policy_;
};

TEST(HiddenSurplus, ConstantSunIsClimbedToAndHeld) {
  ThrottledHouse house({});
  house.run(kHour);
  EXPECT_NEAR(house.mining_w(), 2500.0, 130.0);
  EXPECT_GT(house.policy().probed_s, 0) << "and says so";
  const double imported_wh = house.score().imported.value();
  house.run(kHour);
  EXPECT_NEAR(house.mining_w(), 2500.0, 130.0);
  EXPECT_LT(house.score().imported.value() - imported_wh, 40.0);
}

TEST(HiddenSurplus, NobodySaysThatThereIsALimitSoNothingIsAskedFor) {
  Scene scene;
  scene.declared = false;
  ThrottledHouse house(scene);
  house.run(kHour);
  EXPECT_EQ(house.policy().most_hidden_w, 0.0);
  EXPECT_LT(house.score().mined.value(), 20.0) << "what was fed in before the limiter first closed";
}

TEST(HiddenSurplus, ADeviceThatSaysItIsThrottledIsEnough) {
  Scene scene;
  scene.declared = false;
  scene.edit = [](Snapshot& seen, const HousePlant& plant) {
    seen.pv.curtailed = Reading<bool>::good(plant.state().pv_throttled, seen.now);
  };
  ThrottledHouse house(scene);
  house.run(2 * kHour);
  EXPECT_GT(house.mining_w(), 2200.0);
}

TEST(HiddenSurplus, ACloudIsFollowedWithoutALongImport) {
  Scene scene;
  scene.sky = trace([](std::size_t second) { return second < kHour ? 3500.0 : 1700.0; }, 500.0);
  ThrottledHouse house(scene);
  house.run(kHour);
  ASSERT_GT(house.mining_w(), 2700.0);
  const double imported_wh = house.score().imported.value();
  house.run(20);
  EXPECT_LT(house.grid_w(), 100.0);
  EXPECT_LT(house.score().imported.value() - imported_wh, 8.0);
  house.run(10 * 60);
  EXPECT_NEAR(house.mining_w(), 1200.0, 130.0);
}

// A fixed limit holds the panels where the house happens to be: the grid shows nothing, and no load changes that.
TEST(HiddenSurplus, WhatIsNotReleasedByLoadIsGivenUp) {
  Scene scene;
  scene.sky = constant_trace(Watts(1000.0), Watts(985.0));
  scene.throttles = false;
  scene.edit = [](Snapshot& seen, const HousePlant&) { seen.pv.curtailed = Reading<bool>::good(true, seen.now); };
  ThrottledHouse house(scene);
  house.run(8 * kHour);
  std::printf("not releasable: %.0f Wh in 8 h, %llu starts\n", house.score().imported.value(),
              static_cast<unsigned long long>(house.score().starts));
  EXPECT_GT(house.policy().most_hidden_w, 0.0) << "it was tried";
  EXPECT_LT(house.score().imported.value(), 450.0);
  const double imported_wh = house.score().imported.value();
  house.run(8 * kHour);
  EXPECT_LT(house.score().imported.value() - imported_wh, 200.0);
}

TEST(HiddenSurplus, BehindAFullBatteryItIsFoundAndTheBatteryStaysFull) {
  Scene scene;
  BatterySetup battery;
  battery.soc = Percent(100.0);
  scene.battery = battery;
  ThrottledHouse house(scene);
  house.run(2 * kHour);
  EXPECT_NEAR(house.mining_w(), 2500.0, 200.0);
  EXPECT_GT(house.plant().state().soc, Percent(98.0));
}

TEST(HiddenSurplus, ASensorIsUsedAndNotBelieved) {
  Scene scene;
  scene.edit = [](Snapshot& seen, const HousePlant& plant) {
    seen.pv.available = Reading<Watts>::good(plant.state().potential * 1.2, seen.now);
  };
  ThrottledHouse house(scene);
  house.run(10 * 60);
  EXPECT_NEAR(house.mining_w(), 2500.0, 130.0);
  house.run(50 * 60);
  EXPECT_NEAR(house.mining_w(), 2500.0, 130.0);
  EXPECT_LT(house.score().imported.value(), 45.0);
}

TEST(HiddenSurplus, AtNightNothingIsAskedFor) {
  Scene scene;
  scene.sky = constant_trace(Watts(0.0), Watts(0.0));
  scene.edit = [](Snapshot& seen, const HousePlant&) { seen.pv.curtailed = Reading<bool>::good(true, seen.now); };
  ThrottledHouse house(scene);
  house.run(8 * kHour);
  EXPECT_EQ(house.policy().most_hidden_w, 0.0);
  EXPECT_EQ(house.score().starts, 0);
}

// A frozen meter looks like a limiter at rest; but the panels do not answer.
TEST(HiddenSurplus, AFrozenMeterProvesNothing) {
  Scene scene;
  scene.sky = constant_trace(Watts(2000.0), Watts(500.0));
  auto frozen = std::make_shared<std::optional<Watts>>();
  scene.edit = [frozen](Snapshot& seen, const HousePlant& plant) {
    if (!*frozen && plant.state().miners > Watts(1300.0)) *frozen = Watts(-20.0);
    if (*frozen) seen.grid.power.value = **frozen;
  };
  ThrottledHouse house(scene);
  house.run(kHour / 2);
  ASSERT_TRUE(frozen->has_value());
  const double imported_wh = house.score().imported.value();
  house.run(2 * kHour);
  EXPECT_LT(house.score().imported.value() - imported_wh, 1200.0) << "of the house that nobody mines for";
  EXPECT_LT(house.mining_w(), 1900.0);
}

TEST(HiddenSurplus, ThrottledSunTeachesNothingOfTheMiners) {
  Scene scene;
  scene.sky = constant_trace(Watts(7000.0), Watts(500.0));
  ThrottledHouse house(scene);
  house.run(2 * kHour);
  ASSERT_GT(house.mining_w(), 3000.0);
  const PersistentState memory = house.policy().memory();
  EXPECT_EQ(memory.miners.at(0).learned.dead_time_s.samples, 0U);
  EXPECT_EQ(memory.miners.at(0).learned.ramp_up_w_per_s.samples, 0U);
}

TEST(HiddenSurplus, WhereFeedingInIsAllowedNothingChanges) {
  std::uint64_t hashes[2];
  for (const bool sensor : {false, true}) {
    Scene scene;
    scene.sky = generated_day(Watts(5000.0), Sky::broken, 7);
    scene.throttles = scene.declared = false;
    if (sensor) {
      scene.edit = [](Snapshot& seen, const HousePlant& plant) {
        seen.pv.available = Reading<Watts>::good(plant.state().potential * 1.5, seen.now);
        seen.pv.curtailed = Reading<bool>::good(false, seen.now);
      };
    }
    ThrottledHouse house(scene);
    house.run(kDay);
    EXPECT_GT(house.score().mined.value(), 3000.0);
    EXPECT_EQ(house.policy().most_hidden_w, 0.0);
    hashes[sensor ? 1 : 0] = house.policy().hash;
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace sluice::sim
