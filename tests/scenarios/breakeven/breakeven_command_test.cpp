// `sluice breakeven` as a user calls it, without daemon and configuration.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/child.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

class BreakevenCommand : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(log_); }

  /// Exit code; `said_` is what it printed.
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {SLUICE_PROGRAM, "breakeven"});
    arguments.insert(arguments.end(), {"--socket", "/nonexistent/socket", "--config", "/nonexistent/sluice.yaml"});
    std::filesystem::remove(log_);  // a child appends to it
    auto child = Child::start(arguments, log_.string(), false);
    if (!child) return -1;
    const Result<int> code = child->wait(60'000);
    std::ifstream in(log_);
    said_.assign(std::istreambuf_iterator<char>(in), {});
    return code ? *code : -1;
  }

  const std::filesystem::path log_ =
      std::filesystem::temp_directory_path() / ("sluice-breakeven-" + std::to_string(getpid()));
  std::string said_;
};

const std::vector<std::string> kNetwork{
    "--difficulty", "146000000000000", "--reward-sat", "312500000", "--fees-sat", "2000000",
    "--btc-price",  "90000",           "--pool-fee",   "2",         "--currency", "USD"};

std::vector<std::string> with(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kNetwork.begin(), kNetwork.end());
  return arguments;
}

TEST_F(BreakevenCommand, TheWorkedExample) {
  ASSERT_EQ(run(with({"--efficiency", "15,17.5,21.5,30,38,84", "--curve", "2000:75,3000:100", "--price", "0.045"})), 0)
      << said_;
  EXPECT_EQ(said_,
            R"(Hash price 39.00 USD/PH/day (given), 43.33329 sat/TH/day at 1045.1 EH/s, 38.22 after the pool's fee.
What a kWh may cost at most, USD: all that a point draws, and the step up to it.

curve (curve given)
    power     TH/s    J/TH   average      step
   2000 W     75.0    26.7    0.0597    0.0597
   3000 W    100.0    30.0    0.0531    0.0398
  at 0.0450 (given): 2000 W pay, more does not, 0.71 a day beyond the energy

by efficiency
    power     TH/s    J/TH   average      step
      any             15.0    0.1062    0.1062  pays at 0.0450
      any             17.5    0.0910    0.0910  pays at 0.0450
      any             21.5    0.0741    0.0741  pays at 0.0450
      any             30.0    0.0531    0.0531  pays at 0.0450
      any             38.0    0.0419    0.0419  does not pay at 0.0450
      any             84.0    0.0190    0.0190  does not pay at 0.0450
)");
}

TEST_F(BreakevenCommand, TheSameForPrograms) {
  ASSERT_EQ(run(with({"--curve", "2000:75,3000:100", "--price", "0.045", "--json"})), 0) << said_;
  const json said = json::parse(said_);
  EXPECT_NEAR(said["hash_price_per_ths_day"].get<double>(), 0.0382200, 5e-8);
  EXPECT_NEAR(said["sat_per_ths_day"].get<double>(), 43.33329, 5e-6);
  const json& miner = said["miners"][0];
  EXPECT_NEAR(miner["points"][1]["break_even_per_kwh"].get<double>(), 0.0531, 5e-5);
  EXPECT_NEAR(miner["points"][1]["marginal_per_kwh"].get<double>(), 0.0398, 5e-5);
  EXPECT_EQ(miner["worth_w"].get<double>(), 2000.0);
}

TEST_F(BreakevenCommand, SaysWhatIsMissing) {
  EXPECT_EQ(run({"--curve", "2000:75"}), 2);
  EXPECT_NE(said_.find("give --hashprice, or --difficulty"), std::string::npos) << said_;
  EXPECT_EQ(run({"--curve", "2000:75", "--difficulty", "1e14"}), 2);
  EXPECT_NE(said_.find("are needed together"), std::string::npos) << said_;
  EXPECT_EQ(run({"--hashprice", "0.04"}), 2);
  EXPECT_NE(said_.find("/nonexistent/sluice.yaml"), std::string::npos) << said_;
}

TEST_F(BreakevenCommand, RefusesACurveThatIsNone) {
  for (const char* curve : {"2000", "2000:75,", "2000:x", "2000:75;3000:100"}) {
    EXPECT_EQ(run({"--hashprice", "0.04", "--curve", curve}), 2) << curve;
  }
  EXPECT_EQ(run({"--hashprice", "0.04", "--curve", "3000:100,2000:75"}), 2);
  EXPECT_NE(said_.find("not sorted by rising power"), std::string::npos) << said_;
  EXPECT_EQ(run({"--hashprice", "0.04", "--curve", "2000:nan"}), 2);
  EXPECT_NE(said_.find("not a number"), std::string::npos) << said_;
}

}  // namespace
}  // namespace sluice::cmd
