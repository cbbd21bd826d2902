// `sluice bench` as a user calls it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/child.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

class BenchCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("sluice-bench-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  /// Exit code; `said_` is what it printed.
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {SLUICE_PROGRAM, "bench"});
    std::filesystem::remove(path("log"));  // a child appends to it
    auto child = Child::start(arguments, path("log"), false);
    if (!child) return -1;
    const Result<int> code = child->wait(90'000);
    std::ifstream in(path("log"));
    said_.assign(std::istreambuf_iterator<char>(in), {});
    return code ? *code : -1;
  }
  bool says(const std::string& what) const { return said_.find(what) != std::string::npos; }

  std::filesystem::path folder_;
  std::string said_;
};

TEST_F(BenchCommand, TheSameSeedPrintsTheSameJsonWhateverTheThreads) {
  const std::vector<std::string> common{"--suite", "day_b", "--controllers", "oracle,b3-evcc,sluice", "--json"};
  auto with = [&](const char* jobs) {
    auto arguments = common;
    arguments.insert(arguments.end(), {"--jobs", jobs});
    EXPECT_EQ(run(arguments), 0) << said_;
    return said_;
  };
  const std::string one = with("1");
  EXPECT_EQ(one, with("1"));
  EXPECT_EQ(one, with("3"));
}

TEST_F(BenchCommand, JsonHasTheAgreedKeys) {
  ASSERT_EQ(run({"--suite", "day_b", "--controllers", "oracle,sluice", "--json"}), 0) << said_;
  const json rows = json::parse(said_);
  ASSERT_EQ(rows.size(), 2u);
  for (const json& row : rows) {
    for (const char* key : {"controller", "plant", "profile", "trace", "trained_on"}) {
      EXPECT_TRUE(row.at(key).is_string()) << key;
    }
    for (const char* key : {"csr_pct", "leak_pct", "nsv_pct", "starts_per_day", "changes_per_hour", "breaker_s"}) {
      EXPECT_TRUE(row.at(key).is_number()) << key;
    }
  }
  EXPECT_EQ(rows[0].at("controller"), "oracle");
  EXPECT_DOUBLE_EQ(rows[0].at("nsv_pct").get<double>(), 100.0);
  EXPECT_EQ(rows[1].at("controller"), "sluice");
}

TEST_F(BenchCommand, WrongOptionsSayWhatWouldBeRightAndPlayNothing) {
  const struct {
    std::vector<std::string> arguments;
    const char* expected;
  } cases[] = {{{"--plant", "toaster"}, "luxos-target"},
               {{"--suite", "decade"}, "day_a"},
               {{"--profile", "wild"}, "gentle"},
               {{"--controllers", "sluice,hal"}, "b3-evcc"},
               {{"--suite", "day_b", "--days", "0:9"}, "day_b"},
               {{"--suite", "day_b", "--days", "one"}, "A:B"},
               {{"--stress", "heat"}, "dead-time"},
               {{"--battery", "--fleet"}, "one at a time"},
               {{"--pv", "sun.csv.gz"}, "--load"},
               {{"--plot", "0"}, "--svg"}};
  for (const auto& one : cases) {
    EXPECT_EQ(run(one.arguments), 2) << one.arguments[0];
    EXPECT_TRUE(says(one.expected)) << said_;
  }
}

TEST_F(BenchCommand, AMinerThatSleepsWithoutDrawingIsWorthMoreBesideABattery) {
  const auto value = [&](const char* asleep_w) {
    EXPECT_EQ(
        run({"--battery", "--suite", "day_b", "--controllers", "sluice-economic", "--asleep-w", asleep_w, "--json"}), 0)
        << said_;
    return json::parse(said_).at(0).at("net_value_per_day").get<double>();
  };
  EXPECT_GT(value("0"), value("60"));
}

TEST_F(BenchCommand, DrawsADay) {
  ASSERT_EQ(run({"--suite", "day_b", "--plot", "0", "--svg", path("day.svg")}), 0) << said_;
  std::ifstream in(path("day.svg"));
  const std::string svg(std::istreambuf_iterator<char>(in), {});
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(run({"--suite", "day_b", "--plot", "7", "--svg", path("day.svg")}), 2);
}

TEST_F(BenchCommand, PricesAreRatedAgainstPerfectForesight) {
  ASSERT_EQ(run({"--prices", "5min", "--days", "30:37", "--controllers", "oracle,threshold-band", "--json"}), 0)
      << said_;
  const json rows = json::parse(said_);
  ASSERT_EQ(rows.size(), 8u);  // two plants, told at once and a slot late
  for (const json& row : rows) {
    EXPECT_EQ(row.at("days"), 7);
    for (const char* key : {"net_value_pct", "net_value", "starts_per_day", "running_hours"}) {
      EXPECT_TRUE(row.at(key).is_number()) << key;
    }
    EXPECT_LE(row.at("net_value_pct").get<double>(), 100.0);
  }
  EXPECT_EQ(rows[0].at("controller"), "oracle");
}

TEST_F(BenchCommand, WrongPricesAreNamed) {
  EXPECT_EQ(run({"--prices", "5min", "--battery"}), 2);
  EXPECT_TRUE(says("--battery")) << said_;
  EXPECT_EQ(run({"--prices", "hourly"}), 2);
  EXPECT_TRUE(says("dayahead-de")) << said_;
  EXPECT_EQ(run({"--prices", "5min", "--days", "360:366"}), 2);
  EXPECT_TRUE(says("--days")) << said_;
  EXPECT_EQ(run({"--prices", "5min", "--controllers", "c2"}), 2);
  EXPECT_TRUE(says("threshold-band")) << said_;
  EXPECT_EQ(run({"--break-even", "20"}), 2);
}

}  // namespace
}  // namespace sluice::cmd
