#include "tariff/evaluation.hpp"

#include <cstdlib>
#include <ctime>
#include <random>

#include "support.hpp"

namespace sluice::tariff {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

/// One plan with its own clock, and nothing unusual about it.
struct At {
  Plan plan;
  LocalTime clock;
  Circumstances given = {};

  explicit At(Plan of) : plan(std::move(of)), clock(zone(plan.zone)) { given.drawn = TierState{}; }
  Evaluation evaluation() const { return Evaluation(plan, clock, given); }
  std::string period(const std::string& when) const {
    const PricePoint point = evaluation().at(local(clock, when));
    return point.known() ? std::string(evaluation().period_name(point.period_id)) : "unknown";
  }
  double price(const std::string& when) const {
    return evaluation().at(local(clock, when)).import_price.value().value();
  }
  double exported(const std::string& when) const {
    return evaluation().at(local(clock, when)).export_price.value().value();
  }
  PriceOutlook of_day(const std::string& date) const {
    return evaluation().outlook(clock.when(day(date)), clock.when(day(date) + days(1)));
  }
  /// What a constant draw costs on a day, mining only in the periods that `watts` names.
  std::pair<double, double> kwh_and_cost(const std::string& date, const std::map<std::string, double>& watts) const {
    double kwh = 0, cost = 0;
    for (const PriceSlot& slot : of_day(date).slots) {
      const auto found = watts.find(std::string(evaluation().period_name(slot.period_id)));
      const double energy =
          (found == watts.end() ? 0.0 : found->second) / 1000 * to_seconds(slot.end - slot.begin) / 3600;
      kwh += energy;
      cost += energy * slot.import_price.value();
    }
    return {kwh, cost};
  }
};

/// A plan of one currency unit, UTC, with these lines in its one version.
Plan plain(const std::string& version, const std::string& head = "") {
  return parsed("id: x\ntitle: x\nsource: x\nchecked: 2026-01-01\ncurrency: EUR\nunit: EUR/kWh\nzone: UTC\n" + head +
                "versions:\n  - valid_from: 2020-01-01\n" + version);
}

Duration total(const PriceOutlook& outlook) {
  Duration sum{};
  for (const PriceSlot& slot : outlook.slots) sum += slot.end - slot.begin;
  return sum;
}

TEST(Evaluation, TheNightsOfTheClockChangeAreSevenAndNineHoursLong) {
  const At ulo(shipped("ontario-ulo"));
  const auto night_after = [&](const std::string& date) {
    const PriceOutlook seen =
        ulo.evaluation().outlook(ulo.clock.when(day(date), hours(22)), ulo.clock.when(day(date) + days(1), hours(12)));
    EXPECT_EQ(seen.slots.size(), 3U) << date;  // weekend price, night, weekend price
    return seen.slots.at(1).end - seen.slots.at(1).begin;
  };
  EXPECT_EQ(night_after("2026-03-07"), hours(7));
  EXPECT_EQ(night_after("2026-10-31"), hours(9));
  EXPECT_EQ(night_after("2026-05-02"), hours(8));
  EXPECT_EQ(total(ulo.of_day("2026-03-08")), hours(23));
  EXPECT_EQ(total(ulo.of_day("2026-11-01")), hours(25));
}

TEST(Evaluation, HolidaysThatFallOnAWeekendAreGivenAnotherDay) {
  const At tou(shipped("ontario-tou"));
  EXPECT_EQ(tou.period("2026-12-28 08:00"), "off-peak");
  EXPECT_EQ(tou.period("2026-12-29 08:00"), "on-peak");
  EXPECT_EQ(tou.period("2027-12-27 08:00"), "off-peak");
  EXPECT_EQ(tou.period("2027-12-28 08:00"), "off-peak");
  EXPECT_EQ(tou.period("2027-12-29 08:00"), "on-peak");
}

TEST(Evaluation, SeasonsChangeAtMidnight) {
  const At tou(shipped("ontario-tou"));
  EXPECT_EQ(tou.period("2026-04-30 11:00"), "mid-peak");
  EXPECT_EQ(tou.period("2026-05-01 11:00"), "on-peak");
}

TEST(Evaluation, TiersByWhatWasDrawn) {
  At tiered(shipped("ontario-tiered"));
  const auto price = [&](const std::string& when, double drawn) {
    tiered.given.drawn = TierState{billing_start(day(when.substr(0, 10)), 1), drawn};
    return tiered.price(when) / 0.895 * 100;
  };
  EXPECT_NEAR(price("2026-01-15 12:00", 999.9), 12.0, 1e-9);
  EXPECT_NEAR(price("2026-01-15 12:00", 1000.1), 14.2, 1e-9);
  EXPECT_NEAR(price("2026-07-15 12:00", 599.9), 12.0, 1e-9);
  EXPECT_NEAR(price("2026-07-15 12:00", 600.1), 14.2, 1e-9);
}

TEST(Evaluation, TheNextBillingPeriodBeginsInTheFirstTier) {
  At tiered(shipped("ontario-tiered"));
  tiered.given.billing_day = 10;
  tiered.given.drawn = TierState{day("2026-01-10"), 2000};
  EXPECT_NEAR(tiered.price("2026-02-09 23:59"), 0.142 * 0.895, 1e-9);
  EXPECT_NEAR(tiered.price("2026-02-10 00:00"), 0.120 * 0.895, 1e-9);
}

TEST(Evaluation, TiersWithoutACounterAreTheDearestAndSaySo) {
  At tiered(shipped("ontario-tiered"));
  tiered.given.drawn.reset();
  const PricePoint point = tiered.evaluation().at(local(tiered.clock, "2026-01-15 12:00"));
  EXPECT_NEAR(point.import_price->value(), 0.142 * 0.895, 1e-9);
  EXPECT_EQ(point.kind, PriceKind::fallback);
}

TEST(Evaluation, LimitsPerDayCountTheDaysOfTheBillingPeriod) {
  At flex(shipped("qc-flex-d"));
  flex.given.drawn = TierState{day("2026-02-01"), 40.0 * 28 - 1};
  EXPECT_EQ(flex.evaluation().at(local(flex.clock, "2026-02-15 12:00")).tier, 0U);
  flex.given.drawn = TierState{day("2026-02-01"), 40.0 * 28 + 1};
  EXPECT_EQ(flex.evaluation().at(local(flex.clock, "2026-02-15 12:00")).tier, 1U);
}

TEST(Evaluation, CountsWhatABillingPeriodDraws) {
  TierState state;
  count_drawn(state, day("2026-03-09"), 10, 5.0);
  EXPECT_EQ(state, (TierState{day("2026-02-10"), 5.0}));
  count_drawn(state, day("2026-03-10"), 10, 2.0);
  EXPECT_EQ(state, (TierState{day("2026-03-10"), 2.0}));
  count_drawn(state, day("2026-03-09"), 10, 1.0);  // the clock went back: nothing is forgotten
  EXPECT_EQ(state, (TierState{day("2026-03-10"), 3.0}));
  EXPECT_EQ(to_string(billing_start(day("2026-01-05"), 28)), "2025-12-28");
}

TEST(Evaluation, WindowsPastMidnightAreHalfOpen) {
  const At plan(
      plain("    periods: {day: 0.3, night: 0.1}\n    rules: [{use: day}, {use: night, time: \"23:00-07:00\"}]\n"));
  EXPECT_EQ(plan.period("2026-06-01 22:59"), "day");
  EXPECT_EQ(plan.period("2026-06-01 23:00"), "night");
  EXPECT_EQ(plan.period("2026-06-01 06:59"), "night");
  EXPECT_EQ(plan.period("2026-06-01 07:00"), "day");
}

TEST(Evaluation, AWindowMayBelongToTheDayItBeganOn) {
  const std::string head =
      "    periods: {day: 0.3, night: 0.1}\n    rules: [{use: day}, {use: night, days: Fri, time: \"23:00-07:00\"";
  const At calendar(plain(head + "}]\n")), started(plain(head + ", anchor: start_day}]\n"));
  EXPECT_EQ(calendar.period("2026-06-05 06:00"), "night");  // a Friday
  EXPECT_EQ(calendar.period("2026-06-06 06:00"), "day");
  EXPECT_EQ(started.period("2026-06-05 06:00"), "day");
  EXPECT_EQ(started.period("2026-06-05 23:30"), "night");
  EXPECT_EQ(started.period("2026-06-06 06:00"), "night");
}

TEST(Evaluation, AMeterWithAClockOfItsOwn) {
  const At economy(shipped("gb-economy-7"));
  const LocalTime london = zone("Europe/London");
  const auto period = [&](const std::string& when) {
    return economy.evaluation().period_name(economy.evaluation().at(local(london, when)).period_id);
  };
  EXPECT_EQ(period("2026-07-15 07:45"), "night");
  EXPECT_EQ(period("2026-01-15 07:45"), "day");
}

TEST(Evaluation, FluxPaysMoreForExportAtPeakThanTheNightCosts) {
  const At flux(shipped("gb-flux"));
  EXPECT_GT(flux.exported("2026-07-15 17:00"), flux.price("2026-07-15 03:00"));
  EXPECT_NEAR(flux.exported("2026-07-15 17:00"), 0.359, 1e-9);
}

TEST(Evaluation, AnHourlyExportTable) {
  std::string rows[2];
  for (int kind = 0; kind < 2; ++kind)
    for (int month = 1; month <= 12; ++month) {
      rows[kind] += "        - [";
      for (int hour = 0; hour < 24; ++hour)
        rows[kind] += fmt::format("{}{}", hour == 0 ? "" : ", ", kind * 10000 + month * 100 + hour);
      rows[kind] += "]\n";
    }
  const At plan(
      plain("    periods: {all: 0.3}\n    rules: [{use: all}]\n    export:\n      mode: table\n      unit: EUR/MWh\n"
            "      weekday:\n" +
                rows[0] + "      weekend:\n" + rows[1],
            "holidays: {as: sunday, add: 2026-06-03}\n"));
  EXPECT_NEAR(plan.exported("2026-06-02 17:59"), 0.617, 1e-9);   // Tuesday
  EXPECT_NEAR(plan.exported("2026-06-03 17:00"), 10.617, 1e-9);  // Wednesday, a holiday
  EXPECT_NEAR(plan.exported("2026-06-06 00:00"), 10.600, 1e-9);  // Saturday
  EXPECT_NEAR(plan.exported("2026-12-31 23:59"), 1.223, 1e-9);
  EXPECT_EQ(plan.of_day("2026-06-02").slots.size(), 24U);
}

TEST(Evaluation, NegativeSpotWithAddersAndNegativeExport) {
  const At plan(
      plain("    periods: {spot: live}\n    rules: [{use: spot}]\n"
            "    adders:\n      - {name: grid, price: 0.10}\n      - {name: grid, price: 0.04, time: \"01:00-05:00\"}\n"
            "      - {name: levy, price: 0.05}\n    multiplier: 1.2\n    post_tax_adder: 0.01\n"
            "    export: {mode: same, factor: 0.9, adder: -0.002}\n"));
  PriceOutlook live;
  const WallTime start = utc("2026-06-01 00:00");
  live.slots.push_back({start, start + hours(1), PricePerKwh(-0.05), PricePerKwh(), PriceKind::published});
  live.slots.push_back({start + hours(1), start + hours(2), PricePerKwh(-0.30), PricePerKwh(), PriceKind::forecast});
  At with = plan;
  with.given.live_energy = &live;
  EXPECT_NEAR(with.price("2026-06-01 00:30"), (-0.05 + 0.15) * 1.2 + 0.01, 1e-12);
  EXPECT_NEAR(with.price("2026-06-01 01:30"), (-0.30 + 0.09) * 1.2 + 0.01, 1e-12);
  EXPECT_NEAR(with.exported("2026-06-01 00:30"), -0.047, 1e-12);
  EXPECT_EQ(with.evaluation().at(start + minutes(90)).kind, PriceKind::forecast);
  const PriceOutlook seen = with.of_day("2026-06-01");
  EXPECT_EQ(total(seen), hours(2));  // the rest is not known, and not zero
  EXPECT_EQ(plan.of_day("2026-06-01").slots.size(), 0U);
}

TEST(Evaluation, AFinerOrCoarserLiveSeriesIsTakenAsItIs) {
  At plan(
      plain("    periods: {spot: live}\n    rules: [{use: spot}]\n    adders: [{name: a, price: 0.1, time: "
            "\"00:20-00:40\"}]\n"));
  PriceOutlook live;
  const WallTime start = utc("2026-06-01 00:00");
  for (int quarter = 0; quarter < 4; ++quarter)
    live.slots.push_back({start + minutes(15) * quarter, start + minutes(15) * (quarter + 1),
                          PricePerKwh(0.1 * quarter), PricePerKwh(), PriceKind::published});
  live.slots.push_back({start + hours(1), start + hours(3), PricePerKwh(0.5), PricePerKwh(), PriceKind::published});
  plan.given.live_energy = &live;
  const PriceOutlook seen = plan.evaluation().outlook(start, start + hours(3));
  ASSERT_EQ(seen.slots.size(), 7U);  // 00:15, 00:20, 00:30, 00:40, 00:45, 01:00
  EXPECT_NEAR(seen.at(start + minutes(25))->import_price.value(), 0.2, 1e-12);
  EXPECT_EQ(seen.slots.back().begin, start + hours(1));
  EXPECT_EQ(total(seen), hours(3));
}

TEST(Evaluation, ExportFromALiveSeriesFallsBackAndSaysSo) {
  At plan(plain("    periods: {all: 0.3}\n    rules: [{use: all}]\n    export: {mode: live, fallback: 0.04}\n"));
  PriceOutlook live;
  const WallTime start = utc("2026-06-01 00:00");
  live.slots.push_back({start, start + hours(1), PricePerKwh(), PricePerKwh(-0.02), PriceKind::published});
  plan.given.live_export = &live;
  EXPECT_NEAR(plan.exported("2026-06-01 00:30"), -0.02, 1e-12);
  EXPECT_NEAR(plan.exported("2026-06-01 01:30"), 0.04, 1e-12);
  EXPECT_EQ(plan.evaluation().at(start + minutes(90)).kind, PriceKind::fallback);
}

TEST(Evaluation, EventsOverlayThePlan) {
  At flex(shipped("qc-flex-d"));
  flex.given.events.push_back({local(flex.clock, "2026-01-14 06:00"), local(flex.clock, "2026-01-14 09:00"), {}, {}});
  EXPECT_EQ(flex.period("2026-01-14 05:59"), "winter");
  EXPECT_EQ(flex.period("2026-01-14 06:00"), "event");
  EXPECT_NEAR(flex.price("2026-01-14 08:59"), 0.50 * 1.14975, 1e-9);
  const PriceOutlook seen = flex.of_day("2026-01-14");
  ASSERT_EQ(seen.slots.size(), 3U);
  EXPECT_TRUE(seen.slots[1].event);
  EXPECT_EQ(seen.slots[1].end - seen.slots[1].begin, hours(3));

  flex.given.events[0].import_price = PricePerKwh(9.0);
  EXPECT_DOUBLE_EQ(flex.price("2026-01-14 07:00"), 9.0);
}

TEST(Evaluation, ColoursHoldFromMorningToMorning) {
  At tempo(shipped("fr-tempo"));
  tempo.given.colours = {{day("2026-01-13"), 0}, {day("2026-01-14"), 2}};
  EXPECT_EQ(tempo.period("2026-01-14 05:59"), "blue-off");
  EXPECT_EQ(tempo.period("2026-01-14 06:00"), "red-full");
  EXPECT_EQ(tempo.period("2026-01-14 22:00"), "red-off");
  EXPECT_EQ(tempo.period("2026-01-15 05:59"), "red-off");
  const PricePoint unknown = tempo.evaluation().at(local(tempo.clock, "2026-01-15 06:00"));
  EXPECT_EQ(tempo.evaluation().period_name(unknown.period_id), "red-full");
  EXPECT_EQ(unknown.kind, PriceKind::fallback);
  tempo.plan.colours.assumed.reset();
  EXPECT_EQ(tempo.period("2026-01-15 06:00"), "unknown");
}

TEST(Evaluation, VersionsChangeOnTheirDayAndNothingIsKnownBefore) {
  const At tou(shipped("ontario-tou"));
  EXPECT_EQ(tou.period("2024-10-31 23:59"), "unknown");
  EXPECT_NEAR(tou.price("2025-10-31 23:59"), 0.076 * 0.999, 1e-9);
  EXPECT_NEAR(tou.price("2025-11-01 00:00"), 0.098 * 0.895, 1e-9);
  EXPECT_NEAR(tou.exported("2025-11-01 00:00"), 0.098, 1e-9);  // `export` holds on from the version before
}

TEST(Evaluation, SlotsAreContiguousAndAgreeWithEveryMinute) {
  for (const char* id : {"ontario-tou", "ontario-ulo", "sce-tou-d-prime", "pge-e-elec", "gb-economy-7", "gb-flux",
                         "au-ausgrid-two-way", "au-sa-solar-sponge", "fr-tempo", "qc-flex-d"}) {
    const At plan(shipped(id));
    const Evaluation evaluation = plan.evaluation();
    // Around both clock changes of the northern and southern years, from an odd second to an odd second.
    for (const char* first : {"2026-03-06", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-30"}) {
      const WallTime from = plan.clock.when(day(first)) + std::chrono::seconds(1234);
      const WallTime to = from + days(4);
      const PriceOutlook seen = evaluation.outlook(from, to);
      ASSERT_FALSE(seen.slots.empty());
      EXPECT_EQ(seen.slots.front().begin, from);
      EXPECT_EQ(seen.slots.back().end, to);
      for (std::size_t index = 1; index < seen.slots.size(); ++index)
        ASSERT_EQ(seen.slots[index - 1].end, seen.slots[index].begin) << id;
      for (WallTime time = from; time < to; time += minutes(1)) {
        const PricePoint point = evaluation.at(time);
        const PriceSlot* slot = seen.at(time);
        ASSERT_NE(slot, nullptr);
        ASSERT_EQ(slot->import_price, *point.import_price) << id << ' ' << to_string(plan.clock.at(time).day);
        ASSERT_EQ(slot->export_price, *point.export_price) << id;
        ASSERT_EQ(slot->period_id, point.period_id) << id;
      }
    }
  }
}

/// Random rules against the C library's local time and conditions written out by hand.
TEST(Evaluation, AgreesWithAnotherWayOfCounting) {
  const char* before = std::getenv("TZ");
  const std::string kept = before != nullptr ? before : "";
  setenv("TZ", ":America/Toronto", 1);
  tzset();
  const LocalTime toronto = zone("America/Toronto");
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    struct Case {
      int days, from, to;
    };
    std::vector<Case> cases;
    std::string rules = "    rules:\n      - {use: p0}\n";
    for (int rule = 1; rule <= 4; ++rule) {
      Case one{static_cast<int>(random() % 127) + 1, static_cast<int>(random() % 1440),
               static_cast<int>(random() % 1440)};
      if (one.from == one.to) one.to = (one.to + 1) % 1440;
      std::string names;
      for (int bit = 0; bit < 7; ++bit)
        if ((one.days >> bit & 1) != 0)
          names += (names.empty() ? "" : ",") +
                   std::string("MonTueWedThuFriSatSun").substr(static_cast<std::size_t>(bit) * 3, 3);
      rules += fmt::format("      - {{use: p{}, days: \"{}\", time: \"{}-{}\"}}\n", rule, names, clock_text(one.from),
                           clock_text(one.to));
      cases.push_back(one);
    }
    const Plan plan = plain("    periods: {p0: 0.1, p1: 0.2, p2: 0.3, p3: 0.4, p4: 0.5}\n" + rules);
    const WallTime from = utc(seed % 2 == 0 ? "2026-03-07 00:00" : "2026-10-31 00:00"), to = from + days(3);
    const PriceOutlook seen = Evaluation(plan, toronto, {}).outlook(from, to);
    EXPECT_EQ(total(seen), to - from);
    for (WallTime time = from; time < to; time += minutes(1)) {
      const std::time_t seconds = unix_ms(time) / 1000;
      std::tm clock{};
      localtime_r(&seconds, &clock);
      const int minute = clock.tm_hour * 60 + clock.tm_min, bit = (clock.tm_wday + 6) % 7;
      std::size_t expected = 0;
      for (std::size_t rule = 0; rule < cases.size(); ++rule) {
        const Case& one = cases[rule];
        const bool inside =
            one.from < one.to ? one.from <= minute && minute < one.to : one.from <= minute || minute < one.to;
        if (inside && (one.days >> bit & 1) != 0) expected = rule + 1;
      }
      ASSERT_NEAR(seen.at(time)->import_price.value(), 0.1 * static_cast<double>(expected + 1), 1e-12)
          << clock_text(minute);
    }
  }
  before != nullptr ? setenv("TZ", kept.c_str(), 1) : unsetenv("TZ");
  tzset();
}

TEST(Evaluation, EveryHourOfAYearHasAPrice) {
  for (const char* id : {"ontario-tou", "ontario-ulo", "ontario-article", "us-summer", "sce-tou-d-prime", "pge-e-elec",
                         "gb-economy-7", "au-ausgrid-two-way", "au-sa-solar-sponge", "fr-tempo"}) {
    const At plan(shipped(id));
    const PriceOutlook year =
        plan.evaluation().outlook(plan.clock.when(day("2026-01-01")), plan.clock.when(day("2027-01-01")));
    EXPECT_EQ(total(year), hours(8760)) << id;
  }
  const At london(shipped("gb-flux"));
  EXPECT_EQ(
      total(london.evaluation().outlook(london.clock.when(day("2024-01-01")), london.clock.when(day("2025-01-01")))),
      hours(8784));
}

TEST(Golden, UnitedStatesSummerPlan) {
  const At plan(shipped("us-summer"));
  const auto [always_kwh, always_cost] = plan.kwh_and_cost("2026-07-15", {{"off-peak", 3010}, {"on-peak", 3010}});
  EXPECT_NEAR(always_kwh, 72.24, 1e-9);
  EXPECT_NEAR(always_cost, 10.3845, 1e-9);  // printed as 10.38; 30 days 311.535
  const auto [off_kwh, off_cost] = plan.kwh_and_cost("2026-07-15", {{"off-peak", 3010}});
  EXPECT_NEAR(off_kwh, 45.15, 1e-9);
  EXPECT_NEAR(off_cost, 3.612, 1e-9);
  EXPECT_NEAR(1 - off_cost / always_cost, 0.652, 5e-4);
}

TEST(Golden, OntarioAtTheRatesOfTheArticle) {
  const At plan(shipped("ontario-article"));
  const std::map<std::string, double> always{{"off-peak", 3010}, {"mid-peak", 3010}, {"on-peak", 3010}};
  const std::map<std::string, double> three_tiers{{"off-peak", 3010}, {"mid-peak", 1200}};
  for (const char* weekday : {"2026-07-15", "2026-01-14"}) {
    EXPECT_NEAR(plan.kwh_and_cost(weekday, always).first, 72.24, 1e-9) << weekday;
    EXPECT_NEAR(plan.kwh_and_cost(weekday, always).second, 8.24, 0.005) << weekday;
    EXPECT_NEAR(plan.kwh_and_cost(weekday, three_tiers).first, 43.32, 1e-9) << weekday;
    EXPECT_NEAR(plan.kwh_and_cost(weekday, three_tiers).second, 3.62, 0.005) << weekday;
  }
  EXPECT_NEAR(plan.kwh_and_cost("2026-07-18", always).second, 5.49, 0.005);
}

}  // namespace
}  // namespace sluice::tariff
