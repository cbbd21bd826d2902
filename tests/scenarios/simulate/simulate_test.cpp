// `sluice simulate` as a user calls it, against tables that others published: the production controller plays the days,
// no formula stands beside it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/child.hpp"
#include "sim/price_bench.hpp"
#include "sim/simulation.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;
using std::chrono::hours;

class Simulate : public ::testing::Test {
 protected:
  void SetUp() override {
    log_ = std::filesystem::temp_directory_path() / ("sluice-simulate-" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove(log_); }

  int run(const std::string& line) {
    std::vector<std::string> arguments{SLUICE_PROGRAM, "simulate"};
    std::istringstream words(line);
    for (std::string word; words >> word;) arguments.push_back(word);
    std::filesystem::remove(log_);
    auto child = Child::start(arguments, log_.string(), false);
    if (!child) return -1;
    const Result<int> code = child->wait(90'000);
    std::ifstream in(log_);
    said_.assign(std::istreambuf_iterator<char>(in), {});
    return code ? *code : -1;
  }
  json played(const std::string& line) {
    EXPECT_EQ(run(line + " --json"), 0) << said_;
    return json::parse(said_, nullptr, false);
  }
  void expect_kwh_and_cost(const std::string& line, double kwh, double cost) {
    const json day = played(line);
    EXPECT_NEAR(day.at("mined_kwh").get<double>(), kwh, 0.005) << line;
    EXPECT_NEAR(day.at("energy_cost").get<double>(), cost, 0.005) << line;
  }

  std::filesystem::path log_;
  std::string said_;
};

// ---- Published tables: a miner of 3010 W

TEST_F(Simulate, AlwaysOnAtTheSummerPlan) {
  const json day = played("--plan us-summer --strategy full --miner ideal:3010 --days 1");
  EXPECT_NEAR(day.at("mined_kwh").get<double>(), 72.24, 0.005);
  EXPECT_NEAR(day.at("energy_cost").get<double>(), 10.38, 0.005);
  EXPECT_NEAR(day.at("energy_cost_30d").get<double>(), 311.54, 0.01);
  EXPECT_EQ(day.at("starts"), 0);
  EXPECT_EQ(day.at("heat_value"), 0.0);
  EXPECT_TRUE(day.at("revenue").is_null());  // nobody said what mining brings
}

TEST_F(Simulate, OffPeakOnlySavesTwoThirds) {
  const json day = played("--plan us-summer --strategy schedule --miner ideal:3010 --days 1");
  EXPECT_NEAR(day.at("mined_kwh").get<double>(), 45.15, 0.005);
  EXPECT_NEAR(day.at("energy_cost").get<double>(), 3.61, 0.005);
  EXPECT_NEAR(day.at("energy_cost_30d").get<double>(), 108.36, 0.01);
  EXPECT_NEAR(100.0 * (1.0 - day.at("energy_cost").get<double>() / day.at("always_on_energy_cost").get<double>()), 65.2,
              0.05);
  EXPECT_EQ(day.at("starts"), 1);
}

TEST_F(Simulate, FourPlayedDaysAreFourTimesOne) {
  const json days = played("--plan us-summer --strategy schedule --miner ideal:3010 --days 4");
  EXPECT_NEAR(days.at("energy_cost").get<double>(), 4 * 3.612, 0.01);
  EXPECT_NEAR(days.at("energy_cost_30d").get<double>(), 108.36, 0.01);
  EXPECT_EQ(days.at("per_day").size(), 4u);
}

TEST_F(Simulate, OntarioAtTheArticlesRates) {
  expect_kwh_and_cost("--plan ontario-article --strategy full --miner ideal:3010 --days 1 --start 2026-07-06", 72.24,
                      8.24);
  expect_kwh_and_cost("--plan ontario-article --strategy full --miner ideal:3010 --days 1 --start 2026-07-11", 72.24,
                      5.49);
  const char* const kEco =
      "--plan ontario-article --strategy schedule --miner ideal:3010 --period mid-peak=1200 --days 1";
  expect_kwh_and_cost(kEco + std::string(" --start 2026-07-06"), 43.32, 3.62);
  // In winter the dear hours are others, the sums are not.
  expect_kwh_and_cost(kEco + std::string(" --start 2026-01-12"), 43.32, 3.62);
  // Canada Day is a Wednesday, and priced as a weekend.
  expect_kwh_and_cost("--plan ontario-article --strategy full --miner ideal:3010 --days 1 --start 2026-07-01", 72.24,
                      5.49);
}

TEST_F(Simulate, ARealMinerPaysForSleepAndWake) {
  const json day = played("--plan us-summer --strategy schedule --miner s19-xp --days 1");
  EXPECT_NEAR(day.at("ideal_mined_kwh").get<double>(), 45.15, 0.005);
  EXPECT_LT(day.at("mined_kwh").get<double>(), day.at("ideal_mined_kwh").get<double>());
  EXPECT_NEAR(day.at("standby_kwh").get<double>(), 9 * 0.025, 0.005);
  EXPECT_GT(day.at("waking_kwh").get<double>(), 0.0);
  ASSERT_EQ(run("--plan us-summer --strategy schedule --miner s19-xp --days 1"), 0);
  EXPECT_NE(said_.find("A miner without standby, wake and ramps: 45.15 kWh, 3.61 USD"), std::string::npos) << said_;
}

// ---- Economics

TEST_F(Simulate, EconomicMinesWhereAKwhEarnsMoreThanItCosts) {
  // 0.05 per TH/s and day at 20 J/TH: 0.104 a kWh, between 0.08 and 0.25.
  const json day = played("--plan us-summer --strategy economic --hashprice 0.05 --miner ideal:3010 --days 1");
  EXPECT_NEAR(day.at("mined_kwh").get<double>(), 45.15, 0.005);
  EXPECT_NEAR(day.at("revenue").get<double>(), 45.15 * 0.05 / 0.48, 0.01);
  EXPECT_NEAR(day.at("net").get<double>(), 45.15 * (0.05 / 0.48 - 0.08), 0.01);
  // Below 0.08 nothing is worth it, above 0.25 everything.
  EXPECT_EQ(
      played("--plan us-summer --strategy economic --hashprice 0.038 --miner ideal:3010 --days 1").at("mined_kwh"),
      0.0);
  EXPECT_NEAR(played("--plan us-summer --strategy economic --hashprice 0.121 --miner ideal:3010 --days 1")
                  .at("mined_kwh")
                  .get<double>(),
              72.24, 0.005);
}

TEST_F(Simulate, AWinterDayWhoseHeatPaysForThePeak) {
  const std::string line =
      "--plan us-summer --strategy economic --hashprice 0.05 --miner ideal:3010 --days 1 --start 2026-01-12";
  EXPECT_NEAR(played(line).at("mined_kwh").get<double>(), 45.15, 0.005);
  // 0.104 of hashes and 0.16 of heat are more than 0.25.
  const json warm = played(line + " --heat-value 0.16");
  EXPECT_NEAR(warm.at("mined_kwh").get<double>(), 72.24, 0.005);
  EXPECT_NEAR(warm.at("heat_value").get<double>(), 72.24 * 0.16, 0.01);
  EXPECT_GT(warm.at("net").get<double>(), 0.0);
}

TEST_F(Simulate, ADayOfTheClockChangeHas23Hours) {
  // 2026-03-08 in New York: an hour of the night is missing, and none of the peak.
  expect_kwh_and_cost("--plan us-summer --strategy schedule --miner ideal:3010 --days 1 --start 2026-03-08", 42.14,
                      3.37);
}

TEST_F(Simulate, WrongArgumentsAreNamed) {
  EXPECT_EQ(run("--strategy full"), 2);
  EXPECT_NE(said_.find("--plan or --import"), std::string::npos) << said_;
  EXPECT_EQ(run("--plan us-sumer --strategy full"), 2);
  EXPECT_NE(said_.find("us-summer"), std::string::npos) << said_;
  EXPECT_EQ(run("--plan us-summer --strategy economic"), 2);
  EXPECT_NE(said_.find("--hashprice"), std::string::npos) << said_;
  EXPECT_EQ(run("--plan us-summer --strategy schedule --period night=full"), 2);
  EXPECT_NE(said_.find("off-peak, on-peak"), std::string::npos) << said_;
  EXPECT_EQ(run("--plan us-summer --strategy schedule --period on-peak=100 --miner ideal:3010"), 2);
  EXPECT_EQ(run("--plan us-summer --strategy full --start 2026-02-30"), 2);
  EXPECT_EQ(run("--plan us-summer --strategy full --miner s99"), 2);
  EXPECT_NE(said_.find("ideal:W"), std::string::npos) << said_;
}

// ---- Without the command line around it

sim::SimulationSpec one_day(double import_per_kwh, double export_per_kwh, double hash_price) {
  sim::SimulationSpec spec;
  const WallTime midnight(hours(24) * 20'000);
  auto prices = std::make_shared<PriceOutlook>();
  PriceSlot slot;
  slot.import_price = PricePerKwh(import_per_kwh);
  slot.export_price = PricePerKwh(export_per_kwh);
  slot.begin = midnight - hours(1), slot.end = midnight + hours(24);
  prices->slots.push_back(slot);
  spec.prices = prices;
  spec.midnights = {midnight, midnight + hours(24)};
  spec.first_local_day = 20'000;
  spec.plant = sim::plant_spec("ideal:3000").value();
  spec.curve = sim::plant_curve(spec.plant);
  spec.hash_price = PricePerThsDay(hash_price);
  spec.trace = std::make_shared<const sim::Trace>(sim::constant_trace(Watts(0.0), Watts(300.0)));
  spec.profile = constraint_profile(ProfileName::normal);
  return spec;
}

TEST(Simulation, NetBillingIsMinedExactlyAboveTheExportPrice) {
  // Sun sells for 0.08 and is bought for 0.30; at 20 J/TH a kWh earns hash price / 0.48.
  const auto played = [](double earned_per_kwh) {
    sim::SimulationSpec spec = one_day(0.30, 0.08, earned_per_kwh * 0.48);
    spec.trace = std::make_shared<const sim::Trace>(sim::generated_day(Watts(5000.0), sim::Sky::clear, 1));
    return sim::simulate(spec).total;
  };
  const sim::SimulatedDay above = played(0.084), below = played(0.076);
  EXPECT_GT(above.mined, WattHours(10'000.0));
  EXPECT_GT(above.net(), Money(0.0));
  EXPECT_EQ(below.mined, WattHours(0.0));
  // What was mined had been sold: that is what it cost, a little of bought energy aside.
  EXPECT_NEAR(above.energy_cost.value(), above.mined.value() / 1000.0 * 0.08, 0.05);
  EXPECT_NEAR((below.exported - above.exported).value(), above.mined.value(), 0.05 * above.mined.value());
}

TEST(Simulation, NothingIsBoughtInAGapOfThePrices) {
  sim::SimulationSpec spec = one_day(0.05, 0.0, 0.05);
  auto prices = std::make_shared<PriceOutlook>(*spec.prices);
  const WallTime midnight = spec.midnights.front();
  prices->slots.push_back(prices->slots.front());
  prices->slots[0].end = midnight + hours(6);
  prices->slots[1].begin = midnight + hours(12);
  spec.prices = prices;
  const sim::Simulation played = sim::simulate(spec);
  EXPECT_NEAR(played.total.mined.value(), 18 * 3000.0, 100.0);
  EXPECT_TRUE(played.total.price_gap);  // the house itself draws on
}

TEST(Simulation, TheMinerIsChargedForWhatItChangedAlone) {
  sim::SimulationSpec spec = one_day(0.20, 0.05, 0.0);
  spec.strategy = Strategy::off;
  EXPECT_EQ(sim::simulate(spec).total.energy_cost, Money(0.0));
  spec.strategy = Strategy::full;
  const sim::SimulatedDay day = sim::simulate(spec).total;
  EXPECT_NEAR(day.energy_cost.value(), 72.0 * 0.20, 1e-6);
  EXPECT_NEAR(day.imported.value(), 24 * 3300.0, 1.0);
}

}  // namespace
}  // namespace sluice::cmd
