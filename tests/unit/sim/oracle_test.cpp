#include "sim/oracle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "sim/house_plant.hpp"

namespace sluice::sim {
namespace {

using std::chrono::seconds;

constexpr double kLambda = 3.5;

OracleMiner running(std::string_view name, double power_w) { return {*plant_spec(name), 0.0, true, Watts(power_w)}; }

double worth(const OracleResult& result) { return result.captured.value() - kLambda * result.leaked.value(); }

TEST(Oracle, ConstantSunIsCapturedWhole) {
  const std::vector<float> surplus(1800, 2000.0F);
  const auto result = oracle(surplus, {running("luxos-target", 2000)});
  EXPECT_NEAR(result.captured.value(), 1000, 1);
  EXPECT_NEAR(result.leaked.value(), 0, 0.5);
}

TEST(Oracle, CapturesNoMoreThanTheMinersCanUse) {
  const std::vector<float> surplus(1800, 9000.0F);
  const auto result = oracle(surplus, {running("luxos-target", 3250)});
  EXPECT_NEAR(result.captured.value(), 3250 * 0.5, 1);
  EXPECT_LE(result.captured.value(), 3250 * 0.5 + 1e-6);
}

TEST(Oracle, SleepsWhenHoldingWouldOnlyLeak) {
  const std::vector<float> surplus(1800, 100.0F);
  const auto result = oracle(surplus, {running("luxos-target", 900)});
  EXPECT_LT(result.leaked.value(), 2.0);
}

TEST(Oracle, ForeseesASpellOfShade) {
  // 20 s of shade: holding is cheaper than the 60 s of a wake; 20 min: it is not.
  std::vector<float> brief(1800, 2000.0F), lengthy(3000, 2000.0F);
  std::fill_n(brief.begin() + 600, 20, 0.0F);
  std::fill_n(lengthy.begin() + 600, 1200, 0.0F);
  const auto held = oracle(brief, {running("luxos-target", 2000)});
  const auto slept = oracle(lengthy, {running("luxos-target", 2000)});
  EXPECT_GT(held.captured.value(), 2000.0 * 1700 / 3600);
  EXPECT_NEAR(held.leaked.value(), 900.0 * 20 / 3600, 3);
  EXPECT_LT(slept.leaked.value(), 5);
  EXPECT_LT(slept.captured.value(), 2000.0 * 1800 / 3600 - 5) << "the wake costs capture";
}

TEST(Oracle, FinishesInTimeForThreeMinersAndFortyMinutes) {
  std::vector<float> surplus;
  const Trace day = generated_day(Watts(10'000), Sky::broken, 1);
  for (std::size_t s = 0; s < 2400; ++s) surplus.push_back(day.pv_w[39'600 + s] - day.load_w[39'600 + s]);
  const auto result =
      oracle(surplus, {running("luxos-profile", 2000), running("vnish-throttle", 2000), running("braiins-fast", 2000)});
  EXPECT_GT(result.captured.value(), 1000);
}

/// A causal rule: looks at the true surplus and commands the miners.
using Policy = std::function<void(HousePlant&, int second)>;

void share_surplus(HousePlant& house, double margin_w) {
  const double surplus_w = house.state().surplus().value() - margin_w;
  double left_w = surplus_w;
  for (std::size_t i = 0; i < house.miner_count(); ++i) {
    MinerPlant& miner = house.miner(i);
    const double min_w = miner.spec().envelope.min.value();
    if (left_w < min_w) {
      if (miner.state() == MinerState::running) miner.sleep();
      continue;
    }
    if (miner.state() == MinerState::asleep) miner.wake();
    miner.set_target(Watts(left_w));
    left_w -= std::min(left_w, miner.spec().envelope.max.value());
  }
}

TEST(Oracle, IsNotBeatenByCausalRules) {
  const std::vector<std::pair<const char*, Policy>> policies = {
      {"fixed", [](HousePlant&, int) {}},
      {"follow", [](HousePlant& house, int) { share_surplus(house, 0); }},
      {"follow below", [](HousePlant& house, int) { share_surplus(house, 300); }},
      {"follow slowly",
       [](HousePlant& house, int second) {
         if (second % 30 == 0) share_surplus(house, 100);
       }},
      {"off",
       [](HousePlant& house, int second) {
         for (std::size_t i = 0; second == 0 && i < house.miner_count(); ++i) house.miner(i).sleep();
       }},
  };
  const std::vector<std::vector<std::string>> fleets = {{"luxos-target"},
                                                        {"luxos-profile"},
                                                        {"braiins-slow"},
                                                        {"stock"},
                                                        {"luxos-profile", "vnish-throttle", "braiins-fast"}};
  constexpr int kSeconds = 1200;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const auto& fleet : fleets) {
      const Trace day = generated_day(Watts(3000.0 + 3000.0 * static_cast<double>(fleet.size())), Sky::broken, seed);
      std::vector<float> surplus;
      for (std::size_t s = 0; s < kSeconds; ++s) surplus.push_back(day.pv_w[39'600 + s] - day.load_w[39'600 + s]);
      std::vector<OracleMiner> miners;
      HousePlantSpec spec;
      spec.start_second = 39'600;
      spec.pv.rating = Watts(20'000);
      for (const auto& name : fleet) {
        spec.miners.push_back({*plant_spec(name), {}, StartState::running, Watts(2000)});
        miners.push_back(
            running(name, MinerPlant(*plant_spec(name), {}, StartState::running, Watts(2000)).power().value()));
      }
      const double best = worth(oracle(surplus, miners));
      for (const auto& [name, policy] : policies) {
        HousePlant house(spec, day);
        for (int second = 0; second < kSeconds; ++second) {
          policy(house, second);
          house.advance(seconds(1));
        }
        const double reached = house.score().captured.value() - kLambda * house.score().leaked().value();
        EXPECT_LE(reached, best + 1e-6) << name << ", " << fleet.size() << " x " << fleet[0] << ", seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::sim
