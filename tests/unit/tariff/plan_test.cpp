#include "tariff/plan.hpp"

#include <algorithm>
#include <filesystem>

#include "support.hpp"
#include "tariff/matching.hpp"

namespace sluice::tariff {
namespace {

constexpr const char* kGood =
    "id: x\n"
    "title: x\n"
    "source: x\n"
    "checked: 2026-01-01\n"
    "currency: EUR\n"
    "unit: c/kWh\n"
    "zone: Europe/Berlin\n"
    "versions:\n"
    "  - valid_from: 2026-01-01\n"
    "    periods: {day: 30, night: 20}\n"
    "    rules:\n"
    "      - {use: day}\n"
    "      - {use: night, time: \"22:00-06:00\"}\n";

/// What is said of the good plan after a replacement.
std::string mistakes(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  std::vector<yaml::Diagnostic> diagnostics;
  const auto plan = parse_plan(text, "x.yaml", diagnostics);
  const bool errors = std::ranges::any_of(diagnostics, [](const yaml::Diagnostic& one) { return !one.warning; });
  EXPECT_EQ(plan.has_value(), !errors);
  return mistakes_of(diagnostics);
}

void expect_says(const std::string& said, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
}

TEST(Plan, EveryShippedPlanIsGoodAndWithoutWarnings) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SLUICE_SOURCE_DIR) + "/config/tariffs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    std::vector<yaml::Diagnostic> diagnostics;
    const auto plan = parse_plan(file_text(entry.path()), entry.path().filename(), diagnostics);
    EXPECT_EQ(mistakes_of(diagnostics), "");
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->id, entry.path().stem().string());
    EXPECT_TRUE(io::load_time_zone(plan->zone)) << plan->zone;
    EXPECT_NE(plan->notes, "");
  }
  EXPECT_GE(count, 14);
}

TEST(Plan, AGapNamesTheHoursAndTheLines) {
  expect_says(mistakes("{use: day}", "{use: day, time: \"06:00-21:30\", days: Mon-Sat}"),
              {"x.yaml:12:9: versions[0].rules:", "no rule says what holds 21:30-22:00 on Mon, Tue, Wed, Thu, Fri, Sat",
               "06:00-22:00 on Sun (first on 2026-01-04", "lines 12 to 13"});
}

TEST(Plan, RulesThatOverlapInPartAreSaid) {
  const std::string said =
      mistakes("      - {use: night, time: \"22:00-06:00\"}\n",
               "      - {use: night, time: \"22:00-06:00\"}\n      - {use: day, time: \"05:30-08:00\"}\n");
  expect_says(
      said,
      {"x.yaml:14:9: warning: versions[0].rules[2]: holds 05:30-06:00 on 2026-01-01 as does the rule of line 13"});
}

TEST(Plan, ExceptionsWithinARuleAreMeant) {
  EXPECT_EQ(mistakes("      - {use: night, time: \"22:00-06:00\"}\n",
                     "      - {use: night, time: \"22:00-06:00\"}\n      - {use: day, time: \"02:00-03:00\"}\n"
                     "      - {use: day, days: weekend, time: \"20:00-23:00\"}\n"),
            "");
}

TEST(Plan, ARuleThatNeverDecidesIsSaid) {
  expect_says(mistakes("      - {use: day}\n      - {use: night, time: \"22:00-06:00\"}\n",
                       "      - {use: night, time: \"22:00-06:00\"}\n      - {use: day}\n"),
              {"x.yaml:12:9: warning: versions[0].rules[0]: this rule never decides"});
}

TEST(Plan, EverythingThatIsWrongIsSaidAtOnce) {
  std::string text = kGood;
  const auto replace = [&](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  replace("currency: EUR", "currency: euro");
  replace("zone: Europe/Berlin\n", "zone: Europe/Berlin\nholidays: {calendar: de-xx, as: weekend}\n");
  replace("valid_from: 2026-01-01", "valid_from: 2026-02-30");
  replace("day: 30", "day: dear");
  replace("22:00-06:00", "22-6");
  std::vector<yaml::Diagnostic> diagnostics;
  EXPECT_FALSE(parse_plan(text, "x.yaml", diagnostics));
  expect_says(mistakes_of(diagnostics),
              {"x.yaml:5:11: currency: expected an ISO 4217 code",
               "x.yaml:8:22: holidays.calendar: no calendar is called `de-xx`; known: none, ca-on",
               "x.yaml:10:17: versions[0].valid_from: expected a date",
               "versions[0].periods.day: expected a decimal number, found `dear`",
               "versions[0].rules[1].time: expected a time of day such as 07:00-11:00, found `22-6`"});
}

TEST(Plan, SaysWhatEachMistakeIs) {
  expect_says(mistakes("unit: c/kWh", "unit: USD/kWh"), {"unknown unit `USD/kWh`; expected c/kWh, p/kWh, EUR/kWh"});
  expect_says(mistakes("unit: c/kWh", "unit: EUR/kWh"), {"30 EUR per kWh, which no tariff asks: check `unit`"});
  expect_says(mistakes("night: 20", "night:"), {"versions[0].periods.night: the price is missing"});
  expect_says(mistakes(", night: 20", ""), {"versions[0].rules[1]", "the period `night` has no price here"});
  expect_says(mistakes("{use: day}", "{use: day, days: Moon}"), {"expected days such as Mon-Fri", "found `Moon`"});
  expect_says(mistakes("{use: day}", "{use: day, days: holiday}"), {"the plan has no `holidays:`"});
  expect_says(mistakes("{use: day}", "{use: day, season: winter}"), {"no season is called `winter`"});
  expect_says(mistakes("22:00-06:00", "22:00-22:00"), {"is empty; for the whole day leave `time` out"});
  expect_says(mistakes("night: 20", "night: {import: [20, 30]}"), {"several prices need `up_to_kwh`"});
  expect_says(mistakes("night: 20", "night: {import: [20, 30], up_to_kwh: [100, 90]}"),
              {"limits are above 0 and ascend", "2 prices need 1 limits, found 2"});
  expect_says(mistakes("    rules:\n", "    export: {mode: free}\n    rules:\n"),
              {"versions[0].export.mode: expected one of none, same, fixed"});
  expect_says(mistakes("    rules:\n", "    export: {mode: table, weekday: [[1]], weekend: []}\n    rules:\n"),
              {"expected 12 rows, January to December, found 1"});
  expect_says(mistakes("    rules:\n", "    export: {mode: periods}\n    rules:\n"),
              {"needs an `export` price of `day`"});
  expect_says(mistakes("    rules:\n", "    demand: {name: d, rate_per_kw: 9, interval_min: 7}\n    rules:\n"),
              {"expected a divisor of 60"});
  expect_says(mistakes("id: x\n", "id: x\ncolor: red\n"), {"x.yaml:2:1: color: unknown key; known here: id, title"});
  expect_says(mistakes("versions:", "versions: []\nold:"), {"the list is empty"});
}

TEST(Plan, DaysMayWrapTheWeek) {
  std::string text = kGood;
  text.replace(text.find("{use: night, "), 13, "{use: night, days: \"Fri-Mon, Wed\", ");
  EXPECT_EQ(parsed(text).versions[0].rules[1].when.days, 0x10 | 0x20 | 0x40 | 0x01 | 0x04);
}

TEST(Plan, UnitsAreConvertedOnce) {
  EXPECT_DOUBLE_EQ(parsed(kGood).versions[0].periods.at(0).tiers[0].price.value(), 0.30);
  std::string text = kGood;
  text.replace(text.find("c/kWh"), 5, "EUR/MWh");
  EXPECT_DOUBLE_EQ(parsed(text).versions[0].periods.at(0).tiers[0].price.value(), 0.030);
}

TEST(Plan, SaysWhenItIsProbablyOutOfDate) {
  std::string text = kGood;
  text.replace(text.find("    periods"), 0, "    expect_next: 2026-11-01\n");
  const Plan plan = parsed(text);
  EXPECT_EQ(mistakes_of(lint_age(plan, day("2026-11-30"))), "");
  expect_says(mistakes_of(lint_age(plan, day("2026-12-01"))),
              {"x.yaml:9:5: warning: versions: new prices were expected from 2026-11-01 on"});
  expect_says(mistakes_of(lint_age(plan, day("2025-12-31"))), {"no prices before 2026-01-01"});
}

TEST(PeriodHours, AreToldAsPeopleWriteThem) {
  const Plan plan = shipped("ontario-tou");
  const auto hours = [&](const std::string& name, const std::string& on) {
    const auto found = std::ranges::find(plan.period_names, name);
    return hours_of(plan, static_cast<std::uint8_t>(found - plan.period_names.begin()), day(on));
  };
  EXPECT_EQ(hours("off-peak", "2026-01-15"), "Mon-Fri 00:00-07:00, 19:00-24:00; Sat-Sun 00:00-24:00");
  EXPECT_EQ(hours("on-peak", "2026-01-15"), "Mon-Fri 07:00-11:00, 17:00-19:00");
  EXPECT_EQ(hours("on-peak", "2026-07-15"), "Mon-Fri 11:00-17:00");
  EXPECT_EQ(hours("on-peak", "1999-07-15"), "") << "before the plan's first version";
  const Plan tempo = shipped("fr-tempo");
  const auto red = std::ranges::find(tempo.period_names, "red-off") - tempo.period_names.begin();
  EXPECT_EQ(hours_of(tempo, static_cast<std::uint8_t>(red), day("2026-01-15")), "Mon-Sun 00:00-06:00, 22:00-24:00");
}

}  // namespace
}  // namespace sluice::tariff
