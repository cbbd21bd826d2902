// The tariff of a configuration, and the program's `tariff` commands.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/pricing.hpp"
#include "common/tariffs.hpp"
#include "sim/sim_clock.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;
using std::chrono::hours;

const std::vector<std::string> kShipped{SLUICE_SOURCE_DIR "/config/tariffs"};

config::Config with(const std::string& plan, const std::string& currency) {
  config::Config config;
  config.currency = currency;
  config.tariff.plan = plan;
  return config;
}

std::string said(const TariffLoad& load) {
  std::string all;
  for (const auto& remark : load.remarks) all += remark.path + ": " + remark.message + "; " + remark.hint + "\n";
  return all;
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

TEST(ConfiguredTariff, ItsDemandChargeIsWatched) {
  config::Config config = with("ontario-ulo", "CAD");
  sim::SimClock clock(from_unix_ms(1'780'000'000'000));  // in the spring of 2026
  EXPECT_FALSE(demand_view(open_tariff(config, kShipped, clock))) << "no demand charge, nothing to watch";
  EXPECT_FALSE(demand_view(open_tariff(config::Config{}, kShipped, clock))) << "no tariff";
  config.tariff.demand_rate_per_kw = 12.0;
  config.tariff.accepted_peak = Watts(3000.0);
  const runtime::DemandView watch = demand_view(open_tariff(config, kShipped, clock));
  ASSERT_TRUE(watch);
  const auto limit = watch(clock.wall_now(), Reading<Watts>::good(Watts(500.0), clock.now()));
  ASSERT_TRUE(limit.usable());
  EXPECT_GE(limit.value.value(), 3000.0 - 1e-6);
}

TEST(ConfiguredTariff, WhatTheBillSaysOtherwiseCounts) {
  config::Config config = with("ontario-ulo", "CAD");
  config.tariff.multiplier = 1.13;
  config.tariff.adders = {{"delivery", PricePerKwh(0.02)}};
  config.tariff.exported = config::TariffExport::fixed;
  config.tariff.export_price = PricePerKwh(-0.01);
  config.tariff.events = {{"2026-12-10 06:00", "2026-12-10 09:00", PricePerKwh(2.0), std::nullopt}};
  config.tariff.demand_rate_per_kw = 12.0;
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  ASSERT_TRUE(load.tariff) << said(load);
  const Tariff& tariff = *load.tariff;
  const tariff::Evaluation evaluation(tariff.plan, tariff.local_time, tariff.circumstances());
  const auto at = [&](int hour) {
    return evaluation.at(tariff.local_time.when(*tariff::parse_day("2026-12-10"), hours(hour)));
  };
  EXPECT_NEAR(at(17).import_price->value(), (0.391 + 0.02) * 1.13, 1e-9);
  EXPECT_NEAR(at(17).export_price->value(), -0.01, 1e-9);
  EXPECT_TRUE(at(17).demand_window);
  EXPECT_NEAR(at(8).import_price->value(), 2.0, 1e-9);
  EXPECT_TRUE(at(8).event);
}

TEST(ConfiguredTariff, AnotherClock) {
  config::Config config = with("us-summer", "USD");
  config.tariff.zone = "-08:00";
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  ASSERT_TRUE(load.tariff) << said(load);
  EXPECT_EQ(load.tariff->local_time.offset(WallTime()), hours(-8));
}

TEST(ConfiguredTariff, EverythingThatIsWrongIsSaidAtOnce) {
  config::Config config = with("ontario-tou", "EUR");
  config.tariff.events = {{"tomorrow", "2026-12-10 09:00", PricePerKwh(1.0), std::nullopt},
                          {"2026-12-10 09:00", "2026-12-10 09:00", std::nullopt, std::nullopt}};
  config.tariff.demand_interval = std::chrono::minutes(7);
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  EXPECT_FALSE(load.tariff);
  expect_has(said(load), "tariff.plan: the plan is in CAD, site.currency is EUR");
  expect_has(said(load), "tariff.events[0].from: \"tomorrow\" is no time; write it as 2026-12-10 06:00");
  expect_has(said(load), "tariff.events[1].to: lies not after `from`");
  expect_has(said(load), "tariff.events[1].import_per_kwh: is missing: the plan has no price for events");
  expect_has(said(load), "tariff.demand.interval_s: does not divide an hour");
  expect_has(said(load_tariff(with("ontario-tuo", "CAD"), kShipped, std::nullopt)), "did you mean ontario-tou?");
  expect_has(said(load_tariff(with("/no/such/plan.yaml", "CAD"), kShipped, std::nullopt)), "cannot be read");
  config = with("ontario-tou", "CAD");
  config.tariff.zone = "Ontario";
  expect_has(said(load_tariff(config, kShipped, std::nullopt)), "tariff.zone: no time zone `Ontario`");
}

TEST(ConfiguredTariff, OldPricesAreSaidAndUsed) {
  const WallTime now(std::chrono::hours(24 * 365 * 60));  // 2029
  const TariffLoad load = load_tariff(with("ontario-tou", "CAD"), kShipped, now);
  EXPECT_TRUE(load.tariff);
  expect_has(said(load), "new prices were expected from 2026-11-01");
}

/// Standard output and error of the program, and its exit code.
std::pair<std::string, int> run(const std::string& arguments, const char* errors = "2>&1") {
  const std::string command = std::string(SLUICE_PROGRAM) + " tariff " + arguments + " " + errors;
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part{};
  while (fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) text += part.data();
  const int status = pclose(pipe);
  return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(TariffCommand, ListNamesThePlansWithTheirSources) {
  const auto [text, code] = run("list");
  EXPECT_EQ(code, 0);
  expect_has(text, "ontario-ulo");
  expect_has(text, "Ontario Energy Board");
  const json list = json::parse(run("list --json").first);
  EXPECT_GE(list.size(), 14U);
}

TEST(TariffCommand, ShowPrintsADayOfTwentyFiveHours) {
  const json shown = json::parse(run("show ontario-ulo --from 2026-11-01 --days 1 --json", "2>/dev/null").first);
  double seconds = 0;
  for (const json& slot : shown["slots"]) seconds += slot["duration_s"].get<double>();
  EXPECT_DOUBLE_EQ(seconds, 25 * 3600);
  EXPECT_EQ(shown["slots"][0]["begin"], "2026-11-01T00:00:00-04:00");
  EXPECT_EQ(shown["to"], "2026-11-02T00:00:00-05:00");
  const std::string text = run("show ontario-ulo --from 2026-11-01 --days 1").first;
  expect_has(text, "25 h");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);  // no colours on a pipe
}

TEST(TariffCommand, CheckAndImport) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("sluice-tariff-{}", getpid());
  std::filesystem::create_directory(folder);
  const std::string plan = (folder / "mine.yaml").string(), rate = (folder / "rate.json").string();
  std::ofstream(plan)
      << "id: mine\ntitle: x\nsource: x\nchecked: 2026-01-01\ncurrency: EUR\nunit: EUR/kWh\nzone: Mars/North\n"
         "versions: [{valid_from: 2026-01-01, periods: {a: 0.3}, rules: [{use: a, time: \"06:00-22:00\"}]}]\n";
  auto [text, code] = run("check " + plan);
  EXPECT_EQ(code, 2);
  expect_has(text, "mine.yaml:7:7: zone: no time zone is called `Mars/North`");
  std::tie(text, code) = run("check " + plan.substr(0, plan.size() - 5));
  EXPECT_EQ(code, 2);
  expect_has(text, "cannot be read");

  json schedule = json::array();
  for (int month = 0; month < 12; ++month) schedule.push_back(std::vector<int>(24, 0));
  std::ofstream(rate) << json{{"label", "abc"},
                              {"name", "Flat"},
                              {"energyratestructure", {{{{"rate", 0.1}}}}},
                              {"energyweekdayschedule", schedule},
                              {"energyweekendschedule", schedule}};
  std::tie(text, code) = run("import " + rate + " --id mine --zone America/Chicago > " + plan, "2>/dev/null");
  EXPECT_EQ(code, 0) << text;
  expect_has(run("import " + rate + " --id mine --zone America/Chicago").first,
             "warning: the database knows no holidays");
  std::tie(text, code) = run("check " + plan);
  EXPECT_EQ(code, 0) << text;
  expect_has(run("show " + plan + " --days 1").first, "period-0");
  std::tie(text, code) = run("import " + rate + " --id mine --zone Chicago");
  EXPECT_EQ(code, 2);
  expect_has(text, "no time zone `Chicago`");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::cmd
