// Whether prices can be true, what they replace, when the next are looked for.

#include <cmath>
#include <limits>

#include "feed_fixture.hpp"

namespace sluice::feeds {
namespace {

/// Hours from `begin`, with the price that `price` tells for each.
template <class Price>
EnergySeries hours(WallTime begin, int count, Price&& price) {
  EnergySeries series;
  for (int i = 0; i < count; ++i)
    series.push_back({begin + i * 1h, begin + (i + 1) * 1h, PricePerKwh(price(i)), PriceKind::published, false, false});
  return series;
}
EnergySeries day(const char* date, double level) {
  return hours(at(std::string(date) + "T00:00:00Z"), 24,
               [&](int i) { return level * (1.0 + 0.5 * std::sin(i / 3.0)); });
}
std::string judged(const EnergySeries& batch, const EnergySeries& known = {}, const char* currency = "EUR",
                   bool sold = false) {
  const auto result = plausible(batch, known, currency, sold);
  return result ? "" : result.error().text;
}

TEST(Plausible, OrdinaryDaysAre) {
  EXPECT_EQ(judged(day("2026-01-10", 0.10)), "");
  EXPECT_EQ(judged(day("2026-01-11", 0.25), day("2026-01-10", 0.05)), "");
  EXPECT_EQ(judged(day("2026-01-11", 60.0), {}, "HUF"), "") << "a forint is not a euro";
}

TEST(Plausible, HoursBelowZeroAreAndASpikeIs) {
  EnergySeries noon = day("2026-06-10", 0.05);
  for (int i = 9; i < 17; ++i) noon[static_cast<std::size_t>(i)].price = PricePerKwh(-0.12);
  EXPECT_EQ(judged(noon), "");
  EnergySeries spike = day("2026-01-10", 0.15);
  spike[18].price = PricePerKwh(22.0);
  EXPECT_EQ(judged(spike, {}, "AUD"), "") << "the market's cap, with tax";
}

TEST(Plausible, MegawattHoursAndCentsAreNot) {
  EXPECT_NE(judged(day("2026-01-10", 81.0)).find("MWh, or cents?"), std::string::npos);
  EXPECT_NE(judged(day("2026-01-10", 9.0)).find("half of the prices are above"), std::string::npos);
  EXPECT_NE(judged(day("2026-01-10", -9.0)).find("half of the prices are below"), std::string::npos);
}

TEST(Plausible, AFactorOfAHundredAgainstTheDaysBeforeIsNot) {
  EXPECT_NE(judged(day("2026-01-11", 0.0012), day("2026-01-10", 0.12)).find("has the unit changed?"),
            std::string::npos);
  EXPECT_NE(judged(day("2026-01-11", 1.2), day("2026-01-10", 0.012)).find("has the unit changed?"), std::string::npos);
}

TEST(Plausible, AWholeDayBelowZeroIsAFlippedSign) {
  EXPECT_NE(judged(day("2026-01-10", -0.1), {}, "AUD", true).find("is the sign right for energy that is sold?"),
            std::string::npos);
}

TEST(Plausible, NanAndInfinityAreNot) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EnergySeries series = day("2026-01-10", 0.1);
    series[3].price = PricePerKwh(bad);
    EXPECT_NE(judged(series), "") << bad;
  }
}

TEST(Merged, ABatchReplacesItsWholeStretchAndNothingElse) {
  const auto first = at("2026-01-10T00:00:00Z");
  const EnergySeries known = hours(first, 48, [](int) { return 1.0; });
  EnergySeries batch = hours(first + 24h, 12, [](int) { return 2.0; });
  batch.erase(batch.begin() + 5);
  const EnergySeries all = merged(known, batch, first + 6h);
  EXPECT_EQ(all.front().begin, first + 6h);
  EXPECT_EQ(slot_at(all, first + 23h)->price.value(), 1.0);
  EXPECT_EQ(slot_at(all, first + 25h)->price.value(), 2.0);
  EXPECT_EQ(slot_at(all, first + 29h), nullptr) << "a hole in the new version is not filled with the old one";
  EXPECT_EQ(slot_at(all, first + 36h)->price.value(), 1.0);
  EXPECT_EQ(slot_at(all, first + 48h), nullptr);
  EXPECT_EQ(merged(known, {}, first), known);
}

TEST(Merged, CutsWhatReachesInto) {
  const auto first = at("2026-01-10T00:00:00Z");
  EnergySeries known{{first, first + 48h, PricePerKwh(1.0), PriceKind::published, false, false}};
  const EnergySeries all = merged(known, hours(first + 10h, 2, [](int) { return 2.0; }), first);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].end, first + 10h);
  EXPECT_EQ(all[3].begin, first + 12h);
  EXPECT_EQ(known_until(all, first + 1h), first + 48h);
}

TEST(KnownUntil, StopsAtAHoleAndAtAForecast) {
  const auto first = at("2026-01-10T00:00:00Z");
  EnergySeries series = hours(first, 10, [](int) { return 1.0; });
  series[6].kind = PriceKind::forecast;
  EXPECT_EQ(known_until(series, first + 30min), first + 6h);
  series.erase(series.begin() + 3);
  EXPECT_EQ(known_until(series, first + 30min), first + 3h);
  EXPECT_EQ(known_until(series, first + 3h + 1s), first + 3h + 1s);
}

TEST(Retold, WhatIsToComeAndNotToldAnyMoreWasTakenBack) {
  const auto event = [](int from, int to) {
    const WallTime midnight = at("2026-01-10T00:00:00Z");
    return EnergySlot{midnight + from * 1h, midnight + to * 1h, PricePerKwh(0.0), PriceKind::published, true, false};
  };
  const EnergySeries known{event(6, 9), event(16, 20), event(30, 33)};
  const auto after = [&](const EnergySeries& answer, const char* now) {
    return retold(known, answer, at(now), at("2026-01-03T00:00:00Z"));
  };
  const char* before = "2026-01-10T15:59:59Z";
  EXPECT_EQ(after({}, before), (EnergySeries{event(6, 9)}));
  EXPECT_EQ(after({event(30, 33)}, before), (EnergySeries{event(6, 9), event(30, 33)}));
  EXPECT_EQ(after({event(17, 20), event(30, 33)}, before), (EnergySeries{event(6, 9), event(17, 20), event(30, 33)}))
      << "it was moved";
  const char* running = "2026-01-10T16:00:00Z";
  EXPECT_EQ(after({}, running), (EnergySeries{event(6, 9), event(16, 20)})) << "many sources forget what has begun";
  EXPECT_EQ(after({event(30, 34)}, running), (EnergySeries{event(6, 9), event(16, 20), event(30, 34)}));
  EXPECT_EQ(after({event(6, 9), event(30, 33)}, running), (EnergySeries{event(6, 9), event(30, 33)}))
      << "one that tells what is past, too, would tell it";
  EXPECT_EQ(after({event(16, 18)}, running), (EnergySeries{event(6, 9), event(16, 18)})) << "it ends earlier";
  EXPECT_EQ(after({event(18, 22)}, running), (EnergySeries{event(6, 9), event(16, 18), event(18, 22)}));
}

TEST(CountDays, ADayHasTheQuartersThatItHas) {
  const auto quarters = [](const char* date) {
    const std::int64_t day = *parse_date(date);
    EnergySeries series;
    for (WallTime t = start_of_day(day, berlin()); t < start_of_day(day + 1, berlin()); t += 15min)
      series.push_back({t, t + 15min, PricePerKwh(0.1), PriceKind::published, false, false});
    return count_days(series, berlin()).front();
  };
  EXPECT_EQ(quarters("2026-03-29").expected, 92U);
  EXPECT_EQ(quarters("2026-03-29").found, 92U);
  EXPECT_EQ(quarters("2026-06-01").expected, 96U);
  EXPECT_EQ(quarters("2026-10-25").expected, 100U);
  EnergySeries short_day = day("2026-01-10", 0.1);
  short_day.erase(short_day.begin() + 2);
  EXPECT_EQ(count_days(short_day, utc()).front().found, 23U);
  EXPECT_EQ(count_days(short_day, utc()).front().expected, 24U);
}

TEST(NextPoll, HourlyThenOftenFromPublicationUntilTomorrowIsComplete) {
  const PollRule& rule = feed("energy-charts").poll;  // 13:05 in Berlin, every 5 min
  const auto next = [&](const char* now, const char* known, int failures = 0) {
    return plain_time(next_poll(rule, at(now), at(known), failures, berlin(), 0.0), utc());
  };
  const char* today = "2026-01-10T23:00:00Z";
  EXPECT_EQ(next("2026-01-10T09:20:00Z", today), "2026-01-10 10:00");
  EXPECT_EQ(next("2026-01-10T12:00:00Z", today), "2026-01-10 12:05") << "not after the usual hour";
  EXPECT_EQ(next("2026-01-10T12:06:00Z", today), "2026-01-10 12:11");
  EXPECT_EQ(next("2026-01-10T12:16:00Z", "2026-01-11T23:00:00Z"), "2026-01-10 13:00") << "tomorrow is complete";
  EXPECT_EQ(next("2026-01-10T18:06:00Z", today), "2026-01-10 19:00") << "given up for today";
}

TEST(NextPoll, AfterFailuresThePauseDoublesUpToTheUsualOne) {
  const PollRule rule{.every = 1h, .jitter = 0s};
  const auto now = at("2026-01-10T09:00:00Z");
  const auto pause = [&](int failures) { return next_poll(rule, now, now, failures, utc(), 0.0) - now; };
  EXPECT_EQ(pause(1), 5s);
  EXPECT_EQ(pause(2), 10s);
  EXPECT_EQ(pause(5), 80s);
  EXPECT_EQ(pause(50), 2560s);
  EXPECT_EQ(next_poll({.every = 5min, .jitter = 0s}, now, now, 50, utc(), 0.9) - now, 5min);
}

TEST(NextPoll, SpreadsTheHouses) {
  const PollRule rule{.every = 5min, .offset = 20s, .jitter = 10s};
  const auto now = at("2026-01-10T09:01:00Z");
  EXPECT_EQ(next_poll(rule, now, now, 0, utc(), 0.0), at("2026-01-10T09:05:20Z"));
  EXPECT_EQ(next_poll(rule, now, now, 0, utc(), 0.5), at("2026-01-10T09:05:25Z"));
}

}  // namespace
}  // namespace sluice::feeds
