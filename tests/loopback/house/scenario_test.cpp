#include "house/scenario.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace sluice::house {
namespace {

std::string file_with(const std::string& text) {
  const std::string path =
      testing::TempDir() + "/sluice_scenario_" + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ofstream(path) << text;
  return path;
}

/// The complaint without the file's name.
std::string complaint(const std::string& text) {
  const std::string path = file_with(text);
  const auto scenario = load_scenario(path, std::nullopt);
  if (scenario) return "";
  EXPECT_EQ(scenario.error().text.rfind(path, 0), 0U);
  return scenario.error().text.substr(path.size() + 1);
}

TEST(Scenario, BuiltInsLoadWithTheirDays) {
  for (const auto& name : builtin_scenarios()) {
    const auto scenario = load_scenario(name, std::nullopt);
    ASSERT_TRUE(scenario) << scenario.error().text;
    EXPECT_FALSE(scenario->miners.empty());
    EXPECT_TRUE(load_day(*scenario, SLUICE_SOURCE_DIR "/data"));
  }
}

TEST(Scenario, TheSunOfTheDemoCanFeedItsMiners) {
  const auto demo = load_scenario("demo", std::nullopt);
  ASSERT_TRUE(demo);
  const auto day = load_day(*demo, SLUICE_SOURCE_DIR "/data");
  ASSERT_TRUE(day);
  double all_w = 0.0, most_w = 0.0, least_w = 1e9;
  for (const auto& miner : demo->miners) all_w += miner.setup.spec.envelope.max.value();
  for (std::size_t s = 0; s < demo->seconds; ++s) {
    const std::size_t second = demo->house.start_second + s;
    const double surplus_w = day->pv(second).value() * demo->house.pv_scale - day->load(second).value();
    most_w = std::max(most_w, surplus_w);
    least_w = std::min(least_w, surplus_w);
  }
  EXPECT_GT(most_w, all_w);
  EXPECT_LT(least_w, 0.5 * all_w) << "and clouds make it a demonstration";
}

TEST(Scenario, PricesAreReadInTheirOrder) {
  const auto scenario = load_scenario(file_with("prices: [{at_s: 0, per_kwh: 0.08}, {at_s: 600, per_kwh: -0.02}]\n"
                                                "spikes: [{at_s: 100, for_s: 30, per_kwh: 9}]\n"),
                                      std::nullopt);
  ASSERT_TRUE(scenario) << scenario.error().text;
  ASSERT_EQ(scenario->prices.size(), 2U);
  EXPECT_EQ(scenario->prices[1].at_s, 600.0);
  EXPECT_EQ(scenario->prices[1].per_kwh, -0.02);
  ASSERT_EQ(scenario->spikes.size(), 1U);
  EXPECT_EQ(scenario->spikes[0].for_s, 30.0);
  EXPECT_NE(complaint("prices: [{at_s: 60, per_kwh: 1}]\n").find("prices[0].at_s"), std::string::npos);
  EXPECT_NE(complaint("prices: [{per_kwh: 1}, {at_s: 0, per_kwh: 1}]\n").find("prices[1].at_s"), std::string::npos);
  EXPECT_NE(complaint("spikes: [{at_s: 1}]\n").find("`prices` is missing"), std::string::npos);
}

TEST(Scenario, SeedsDrawTheBiases) {
  const auto one = load_scenario("demo", 7), same = load_scenario("demo", 7), other = load_scenario("demo", 8);
  const auto bias = [](const auto& scenario) { return scenario->miners[0].setup.errors.setpoint_bias; };
  EXPECT_EQ(bias(one), bias(same));
  EXPECT_NE(bias(one), bias(other));
  EXPECT_LE(std::abs(bias(one)), 0.05);
}

TEST(Scenario, EveryFieldIsRead) {
  const auto scenario = load_scenario(file_with(R"(name: all
trace: constant
constant_pv_w: 4000
constant_load_w: 250
start: "09:30"
seconds: 60
pv_scale: 0.5
pv_rating_w: 3000
zero_export: true
breaker_w: 5750
seed: 9
battery: {soc_pct: 30, capacity_wh: 5000, max_power_w: 2500, gain_per_s: 0.2}
meter: {sample_s: 2, age_s: 1, noise_w: 0, relative_noise: 0, dropouts_per_hour: 20}
miners:
  - {name: x, plant: dcent, firmware: none, start: asleep, target_w: 500, setpoint_bias: 0.15, report_bias: -0.15, command_loss: 0.01, mean_reboot_gap_s: 3600}
)"),
                                      std::nullopt);
  ASSERT_TRUE(scenario) << scenario.error().text;
  EXPECT_EQ(scenario->house.start_second, 34'200U);
  EXPECT_TRUE(scenario->house.pv.zero_export);
  EXPECT_DOUBLE_EQ(scenario->house.battery->spec.capacity.value(), 5000);
  EXPECT_EQ(scenario->house.meter.sample, std::chrono::seconds(2));
  EXPECT_DOUBLE_EQ(scenario->miners[0].setup.errors.setpoint_bias, 0.15);
  EXPECT_EQ(scenario->miners[0].setup.start, sim::StartState::asleep);
  EXPECT_EQ(scenario->house.seed, 9U);
}

TEST(Scenario, MistakesSayWhereAndWhat) {
  EXPECT_EQ(complaint("nme: x\n"), "1:1: nme: is no known field");
  EXPECT_EQ(complaint("name: x\nname: y\n"), "2:1: name: is there twice");
  EXPECT_EQ(complaint("pv_scale: lots\n"), "1:11: pv_scale: a number from 0 to 100 is wanted");
  EXPECT_EQ(complaint("zero_export: maybe\n"), "1:14: zero_export: true or false is wanted");
  EXPECT_NE(complaint("start: 25:00\n").find("a time of day"), std::string::npos);
  EXPECT_NE(complaint("miners:\n  - {plant: toaster}\n").find("2:5: miners[0].plant: no plant \"toaster\""),
            std::string::npos);
  EXPECT_NE(complaint("miners:\n  - {firmware: dos}\n").find("miners[0].firmware: luxos, "), std::string::npos);
  EXPECT_EQ(complaint("- a\n"), "1:1: : a mapping is wanted");
  EXPECT_NE(complaint("a: [1,\n"), "");
  EXPECT_EQ(load_scenario("/nowhere.yaml", std::nullopt).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace sluice::house
