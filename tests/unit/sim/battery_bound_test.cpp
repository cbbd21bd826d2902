#include "sim/battery_bound.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "sim/house_plant.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

BatteryBoundSpec home() {
  BatteryBoundSpec spec;
  spec.miners_max = Watts(3250.0);
  spec.initial_soc = Percent(30.0);
  return spec;
}

std::vector<float> day_of(std::uint64_t seed, Watts peak, std::size_t step_s) {
  const Trace day = generated_day(peak, Sky::broken, seed);
  std::vector<float> out;
  for (std::size_t s = 0; s < day.size(); s += step_s) {
    double sum = 0.0;
    for (std::size_t i = 0; i < step_s; ++i) sum += (day.pv(s + i) - day.load(s + i)).value();
    out.push_back(static_cast<float>(sum / static_cast<double>(step_s)));
  }
  return out;
}

TEST(BatteryBound, OneHourByHand) {
  auto spec = home();
  spec.initial_soc = Percent(5.0);
  const std::vector<float> sun{4000.0F};
  // 3250 W mined, 750 W sold: nothing is worth storing for an end.
  EXPECT_NEAR(battery_bound(sun, minutes(60), spec), 3.25 * 0.09 + 0.75 * 0.03, 1e-9);
  // 950 Wh in the store become 902.5 Wh for a house that would import 1000.
  spec.initial_soc = Percent(14.5);
  const std::vector<float> night{-1000.0F};
  EXPECT_NEAR(battery_bound(night, minutes(60), spec), -0.30 * (1.0 - 0.9025), 1e-9);
}

TEST(BatteryBound, PricesThatChangeAreUsedBothWays) {
  auto spec = home();
  spec.initial_soc = Percent(5.0);
  spec.miners_max = Watts(1000.0);
  // Without sun: what the dear hour needs, mining included, is bought in the cheap one before it.
  const std::vector<float> hours{-100.0F, -1000.0F};
  const std::vector<Prices> prices{{0.09, 0.05, 0.03}, {0.09, 0.30, 0.03}};
  const double bought_for_later = 2.0 / 0.95 / 0.95;
  EXPECT_NEAR(battery_bound(hours, minutes(60), spec, prices), 2.0 * 0.09 - (1.1 + bought_for_later) * 0.05, 1e-9);
  // The same prices all the time are the other form.
  const std::vector<float> day = day_of(3, Watts(5000.0), 600);
  const std::vector<Prices> constant(day.size(), Prices{});
  EXPECT_DOUBLE_EQ(battery_bound(day, minutes(10), spec, constant), battery_bound(day, minutes(10), spec));
}

TEST(BatteryBound, NegativePricesPayForEveryLoad) {
  auto spec = home();
  spec.miners_max = Watts(1000.0);
  spec.battery.max_power = Watts(0.0);
  const std::vector<float> hours{-500.0F};
  const std::vector<Prices> prices{{0.09, -0.02, -0.05}};
  EXPECT_NEAR(battery_bound(hours, minutes(60), spec, prices), 1.5 * 0.02 + 1.0 * 0.09, 1e-9);
  // A full battery wins nothing by storing; its losses, drawn and given back at once, count as a load.
  spec.battery.max_power = Watts(1000.0);
  spec.initial_soc = Percent(100.0);
  EXPECT_GT(battery_bound(hours, minutes(60), spec, prices), 1.5 * 0.02 + 1.0 * 0.09);
}

TEST(BatteryBound, StoresForTheEveningWhatWouldHaveBeenMined) {
  auto spec = home();
  spec.initial_soc = Percent(5.0);
  const std::vector<float> hours{1000.0F, -500.0F};
  const double stored_ac = 0.5 / 0.95 / 0.95;
  EXPECT_NEAR(battery_bound(hours, minutes(60), spec), (1.0 - stored_ac) * 0.09, 1e-9);
}

TEST(BatteryBound, MoreStorageMoreMinersAndMoreDetailNeverCost) {
  const auto coarse = day_of(3, Watts(4000.0), 300), fine = day_of(3, Watts(4000.0), 1);
  const auto spec = home();
  auto roomy = spec, empty = spec, strong = spec;
  roomy.battery.capacity = WattHours(14'000);
  roomy.initial_soc = Percent(30.0 * 10 / 14);
  roomy.battery.floor = Percent(5.0 * 10 / 14);
  empty.initial_soc = Percent(5.0);
  strong.miners_max = Watts(5000.0);
  const double value = battery_bound(coarse, minutes(5), spec);
  EXPECT_LE(value, battery_bound(coarse, minutes(5), roomy) + 1e-9);
  EXPECT_GT(value, battery_bound(coarse, minutes(5), empty));
  EXPECT_LE(value, battery_bound(coarse, minutes(5), strong) + 1e-9);
  EXPECT_GE(value, battery_bound(fine, seconds(1), spec)) << "averages hide what a second cannot use";
  EXPECT_NEAR(value, battery_bound(fine, seconds(1), spec), 0.02);
}

/// The same programme, written down for an independent solver.
double solved_by_glpsol(const std::vector<float>& surplus_w, double hours, const BatteryBoundSpec& spec) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / ("sluice_lp_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto programme = folder / "house.lp", answer = folder / "answer.txt";
  std::ofstream lp(programme);
  lp.precision(12);
  lp << "Maximize\n value:";
  for (std::size_t k = 0; k < surplus_w.size(); ++k)
    lp << " + " << spec.prices.mined * hours << " m" << k << " - " << spec.prices.imported * hours << " i" << k << " + "
       << spec.prices.exported * hours << " e" << k << "\n";
  lp << " + " << spec.stored_value << " s" << surplus_w.size() << "\nSubject To\n";
  for (std::size_t k = 0; k < surplus_w.size(); ++k) {
    lp << " b" << k << ": m" << k << " + c" << k << " - d" << k << " - i" << k << " + e" << k << " = "
       << static_cast<double>(surplus_w[k]) / 1000.0 << "\n";
    lp << " q" << k << ": s" << k + 1 << " - s" << k << " - " << spec.battery.efficiency * hours << " c" << k << " + "
       << hours / spec.battery.efficiency << " d" << k << " = 0\n";
  }
  const double capacity = spec.battery.capacity.value() / 1000.0;
  lp << "Bounds\n s0 = " << capacity * spec.initial_soc.value() / 100.0 << "\n";
  for (std::size_t k = 0; k < surplus_w.size(); ++k) {
    lp << " m" << k << " <= " << spec.miners_max.value() / 1000.0 << "\n c" << k
       << " <= " << spec.battery.max_power.value() / 1000.0 << "\n d" << k
       << " <= " << spec.battery.max_power.value() / 1000.0 << "\n " << capacity * spec.battery.floor.value() / 100.0
       << " <= s" << k + 1 << " <= " << capacity << "\n";
  }
  lp << "End\n";
  lp.close();
  const std::string command = "glpsol --lp " + programme.string() + " -o " + answer.string() + " > /dev/null 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream in(answer);
  double value = 0.0;
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    const auto at = line.find("value = ");
    if (at == std::string::npos) continue;
    value = std::stod(line.substr(at + 8));
    found = true;
    break;
  }
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(status == 0 && found) << "glpsol gave no answer; it comes with the package glpk-utils";
  return value;
}

TEST(BatteryBound, AgreesWithALinearProgrammeSolver) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    auto spec = home();
    spec.stored_value = seed == 2 ? 0.12 : 0.0;
    spec.prices.exported = seed == 3 ? 0.0 : 0.03;
    auto surplus = day_of(seed, Watts(2500.0 * static_cast<double>(seed)), 300);
    const auto next = day_of(seed + 10, Watts(4000.0), 300);
    surplus.insert(surplus.end(), next.begin(), next.end());
    const double solved = solved_by_glpsol(surplus, 1.0 / 12.0, spec);
    // The solver prints nine digits.
    EXPECT_NEAR(battery_bound(surplus, minutes(5), spec), solved, 1e-6 * std::max(1.0, std::abs(solved)));
  }
}

TEST(BatteryBound, NoRunIsWorthMore) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto day =
        std::make_shared<const Trace>(generated_day(Watts(2000.0 * static_cast<double>(seed)), Sky::broken, seed));
    HousePlantSpec spec;
    spec.step = seconds(1);
    spec.keep_history = false;
    spec.pv.rating = Watts(20'000);
    spec.battery = BatterySetup{{}, Percent(30.0)};
    HousePlant alone(spec, day);
    alone.advance(std::chrono::hours(24));
    spec.miners.push_back({*plant_spec("luxos-target"), {}, StartState::asleep, Watts(900.0)});
    const auto bound = battery_bound(day_of(seed, Watts(2000.0 * static_cast<double>(seed)), 1), seconds(1), home());
    const Prices prices;
    double best = -1e9;
    for (const bool waits_for_the_battery : {false, true}) {
      HousePlant house(spec, day);
      MinerPlant& miner = house.miner(0);
      for (int second = 0; second < 86'400; ++second) {
        house.advance(seconds(1));
        const bool full = house.state().soc > Percent(98.0);
        const Watts free = waits_for_the_battery && !full ? Watts(0.0) : house.state().surplus();
        if (free < Watts(800.0) && miner.state() == MinerState::running) miner.sleep();
        if (free > Watts(1000.0) && miner.state() == MinerState::asleep) miner.wake();
        miner.set_target(free);
      }
      best = std::max(best, net_value(house.score(), alone.score(), prices));
    }
    EXPECT_LE(best, bound - energy_value(alone.score(), prices)) << "seed " << seed;
    EXPECT_GT(bound - energy_value(alone.score(), prices), 0.0);
  }
}

}  // namespace
}  // namespace sluice::sim
