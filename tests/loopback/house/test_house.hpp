#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "house/house.hpp"
#include "sim/sim_clock.hpp"

namespace sluice::house {

/// A house of 5000 W sun and 500 W load on a clock that the test moves.
struct TestHouse {
  explicit TestHouse(bool battery = false, const std::string& plant = "luxos-target",
                     std::vector<ServedDevice> served = {}, const std::function<void(Scenario&)>& change = {}) {
    Scenario scenario;
    scenario.name = "test";
    scenario.house.meter = {.noise = Watts(0), .relative_noise = 0.0};
    if (battery) scenario.house.battery = sim::BatterySetup{};
    MinerScenario miner{"m1", "luxos", {*sim::plant_spec(plant), {}, sim::StartState::running, Watts(2000)}};
    scenario.miners = {miner};
    if (change) change(scenario);
    house = std::make_unique<House>(std::move(scenario), sim::constant_trace(Watts(5000), Watts(500)), clock,
                                    clock.now(), std::move(served));
  }
  void advance(Duration dt) {
    clock.advance(dt);
    house->truth();
  }

  sim::SimClock clock;
  std::unique_ptr<House> house;
};

}  // namespace sluice::house
