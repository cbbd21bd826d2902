#include "tariff/urdb.hpp"

#include <nlohmann/json.hpp>

#include "support.hpp"

namespace sluice::tariff {
namespace {

using nlohmann::json;

/// A rate in the form of the database: weekdays 7–19 in period 1 from June to September, else period 0.
json rate() {
  const std::vector<int> free(24, 0);
  std::vector<int> work = free;
  std::fill(work.begin() + 7, work.begin() + 19, 1);
  json weekday = json::array(), weekend = json::array();
  for (int month = 0; month < 12; ++month) {
    weekday.push_back(month >= 5 && month <= 8 ? work : free);
    weekend.push_back(free);
  }
  return {{"label", "0123456789abcdef01234567"},
          {"utility", "Test \"Light\" & Power"},
          {"name", "Test TOU"},
          {"startdate", 1761955200},
          {"energyratestructure",
           {{{{"rate", 0.098}, {"unit", "kWh"}}},
            {{{"rate", 0.15}, {"adj", 0.007}, {"max", 300}, {"unit", "kWh"}}, {{"rate", 0.203}, {"unit", "kWh"}}}}},
          {"energyweekdayschedule", weekday},
          {"energyweekendschedule", weekend}};
}

UrdbOptions options() {
  UrdbOptions chosen;
  chosen.id = "test-tou";
  chosen.zone = "America/Chicago";
  chosen.checked = "2026-11-28";
  return chosen;
}

Result<UrdbImport> imported(const json& item) { return import_urdb(json{{"items", {item}}}.dump(), options()); }

std::string error_of(const json& item) {
  const auto done = imported(item);
  return done ? "no error" : done.error().text;
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

TEST(Urdb, ARateBecomesAPlan) {
  const auto done = imported(rate());
  ASSERT_TRUE(done) << done.error().text;
  const Plan plan = parsed(done->yaml);
  EXPECT_EQ(plan.title, "Test \"Light\" & Power, Test TOU");
  EXPECT_EQ(to_string(plan.versions[0].valid_from), "2025-11-01");
  const LocalTime chicago = zone(plan.zone);
  Circumstances given;
  const auto price = [&](const std::string& when, double drawn) {
    given.drawn = TierState{billing_start(day(when.substr(0, 10)), 1), drawn};
    return Evaluation(plan, chicago, given).at(local(chicago, when)).import_price->value();
  };
  EXPECT_NEAR(price("2026-06-02 06:59", 0), 0.098, 1e-9);
  EXPECT_NEAR(price("2026-06-02 07:00", 0), 0.157, 1e-9);  // a Tuesday; rate + adj
  EXPECT_NEAR(price("2026-06-02 18:59", 301), 0.203, 1e-9);
  EXPECT_NEAR(price("2026-06-06 12:00", 0), 0.098, 1e-9);  // a Saturday
  EXPECT_NEAR(price("2026-05-29 12:00", 0), 0.098, 1e-9);
  EXPECT_NEAR(price("2026-09-30 12:00", 0), 0.157, 1e-9);
  EXPECT_NEAR(price("2026-10-01 12:00", 0), 0.098, 1e-9);
  std::string warnings;
  for (const std::string& warning : done->warnings) warnings += warning + "\n";
  expect_has(warnings, "knows no holidays");
  expect_has(warnings, "tells no price for export");
}

TEST(Urdb, SellPricesAndNetMetering) {
  json item = rate();
  item["energyratestructure"][0][0]["sell"] = 0.03;
  item["energyratestructure"][1][0]["sell"] = 0.05;
  item["energyratestructure"][1][1]["sell"] = 0.05;
  auto done = imported(item);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(parsed(done->yaml).versions[0].exported.mode, ExportMode::periods);
  item = rate();
  item["dgrules"] = "Net Metering";
  done = imported(item);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(parsed(done->yaml).versions[0].exported.mode, ExportMode::same);
}

TEST(Urdb, DemandInHorsepowerWithARatchet) {
  json item = rate();
  item["flatdemandstructure"] = {{{{"rate", 7.457}}}, {{{"rate", 0.0}}}};
  item["flatdemandmonths"] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1};
  item["flatdemandunit"] = "hp";
  item["demandwindow"] = 30;
  item["demandratchetpercentage"] = std::vector<double>(12, 0.5);
  const auto done = imported(item);
  ASSERT_TRUE(done) << done.error().text;
  const auto charges = parsed(done->yaml).versions[0].demand;
  ASSERT_EQ(charges.size(), 1U);
  EXPECT_NEAR(charges[0].rate_per_kw, 10.0, 1e-9);
  EXPECT_EQ(charges[0].interval, std::chrono::minutes(30));
  EXPECT_DOUBLE_EQ(charges[0].ratchet_share, 0.5);
  EXPECT_EQ(charges[0].when.seasons, (std::vector<Season>{{601, 930}}));
}

TEST(Urdb, WhatIsWrongIsSaid) {
  json item = rate();
  item["energyratestructure"][1][0].erase("max");
  item["energyweekdayschedule"][3][5] = 2;
  item["energyweekendschedule"].erase(11);
  const std::string said = error_of(item);
  expect_has(said, "energyratestructure[1][0]: `max` is missing; only the last tier has none");
  expect_has(said, "energyweekdayschedule[3][5]: there is no period 2; there are 2, from 0");
  expect_has(said, "energyweekendschedule: expected 12 rows, January to December, found 11");
  item = rate();
  item["energyratestructure"][0][0]["unit"] = "kWh/kW";
  expect_has(error_of(item), "unknown unit `kWh/kW`");
  item = rate();
  item["energyratestructure"][0][0]["rate"] = "cheap";
  expect_has(error_of(item), "energyratestructure[0][0].rate: expected a number");
  item = rate();
  item["energyratestructure"][0] = 7;
  expect_has(error_of(item), "energyratestructure[0]: expected a list of tiers");
  item = rate();
  item["energyratestructure"][0][0]["rate"] = 98;
  expect_has(error_of(item), "98 USD per kWh, which no tariff asks");
  item = rate();
  item["energyweekdayschedule"][0] = {0, 0};
  expect_has(error_of(item), "energyweekdayschedule[0]: expected 24 periods, one an hour, found 2");
  item.erase("energyratestructure");
  expect_has(error_of(item), "this rate has no prices per kWh");
}

TEST(Urdb, WhatIsNoRateIsSaid) {
  for (const char* bad : {"", "[1,2]", "{\"errors\": []}", "{\"items\": []}", "{\"items\": [1]}", "<html>"})
    EXPECT_FALSE(import_urdb(bad, options())) << bad;
  json two = {{"items", {rate(), rate()}}};
  two["items"][1]["label"] = "second";
  expect_has(import_urdb(two.dump(), options()).error().text, "there are: 0123456789abcdef01234567, second");
  UrdbOptions chosen = options();
  chosen.label = "second";
  EXPECT_TRUE(import_urdb(two.dump(), chosen));
}

}  // namespace
}  // namespace sluice::tariff
