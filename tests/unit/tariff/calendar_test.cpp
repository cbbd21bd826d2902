#include "support.hpp"

namespace sluice::tariff {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

std::string dates(Calendar calendar, int year) {
  std::string text;
  for (const LocalDay day : holidays(calendar, year)) text += (text.empty() ? "" : " ") + to_string(day).substr(5);
  return text;
}

TEST(LocalTime, DaysAreAsLongAsTheClockMakesThem) {
  const LocalTime toronto = zone("America/Toronto");
  EXPECT_EQ(toronto.length(day("2026-03-08")), hours(23));
  EXPECT_EQ(toronto.length(day("2026-03-09")), hours(24));
  EXPECT_EQ(toronto.length(day("2026-11-01")), hours(25));
  const LocalTime lord_howe = zone("Australia/Lord_Howe");
  EXPECT_EQ(lord_howe.length(day("2026-10-04")), minutes(23 * 60 + 30));
  EXPECT_EQ(lord_howe.length(day("2026-04-05")), minutes(24 * 60 + 30));
}

TEST(LocalTime, MidnightThatDoesNotExistIsTheInstantOfTheSkip) {
  const LocalTime beirut = zone("Asia/Beirut");  // clocks go forward at 00:00
  EXPECT_EQ(beirut.length(day("2025-03-30")), hours(23));
  EXPECT_EQ(beirut.at(beirut.when(day("2025-03-30"))), (LocalClock{day("2025-03-30"), hours(1)}));
}

TEST(LocalTime, SkippedAndRepeatedTimesOfDay) {
  const LocalTime berlin = zone("Europe/Berlin");
  EXPECT_EQ(local(berlin, "2026-03-29 02:30"), utc("2026-03-29 01:00"));
  EXPECT_EQ(local(berlin, "2026-10-25 02:30"), utc("2026-10-25 00:30"));
  EXPECT_EQ(berlin.at(utc("2026-10-25 01:30")), (LocalClock{day("2026-10-25"), minutes(150)}));
}

TEST(LocalTime, HoursOfYearsSum) {
  for (const char* name : {"America/Toronto", "Europe/London", "Australia/Lord_Howe", "Australia/Adelaide", "UTC"}) {
    const LocalTime in = zone(name);
    for (const int year : {2024, 2025, 2026, 2027}) {
      Duration sum{};
      const LocalDay first = day(fmt::format("{}-01-01", year)), next = day(fmt::format("{}-01-01", year + 1));
      for (LocalDay one = first; one < next; one += std::chrono::days(1)) sum += in.length(one);
      EXPECT_EQ(sum, hours(year == 2024 ? 8784 : 8760)) << name << ' ' << year;
    }
  }
}

TEST(LocalTime, ThereAndBackAgain) {
  for (const char* name : {"America/Toronto", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "+10:00"}) {
    const LocalTime in = zone(name);
    for (WallTime time = utc("2026-01-01 00:00"); time < utc("2027-01-01 00:00"); time += minutes(30)) {
      const LocalClock clock = in.at(time);
      const WallTime first = in.when(clock.day, clock.of_day);
      ASSERT_LE(first, time) << name;
      ASSERT_EQ(in.at(first), clock) << name;
      ASSERT_LE(time - first, hours(1)) << name;
    }
  }
}

TEST(LocalTime, FixedOffsetsAndNamesThatAreNone) {
  EXPECT_EQ(LocalTime::fixed("+10:00")->offset(utc("2026-01-01 00:00")), hours(10));
  EXPECT_EQ(LocalTime::fixed("-03:30")->offset(utc("2026-07-01 00:00")), minutes(-210));
  EXPECT_EQ(LocalTime::fixed("-05:00")->at(utc("2026-01-01 02:00")), (LocalClock{day("2025-12-31"), hours(21)}));
  for (const char* bad : {"", "+15:00", "+1:00", "10:00", "+10:60", "America/Toronto", "+10"})
    EXPECT_FALSE(LocalTime::fixed(bad)) << bad;
}

TEST(LocalTime, AnUnknownZoneIsAnErrorAndNeverUtc) {
  for (const char* bad : {"America/Tornto", "", "../etc/passwd", "EST5EDT4"}) {
    const auto loaded = io::load_time_zone(bad);
    ASSERT_FALSE(loaded) << bad;
    EXPECT_NE(loaded.error().text.find("America/Toronto"), std::string::npos) << loaded.error().text;
  }
}

TEST(LocalTime, WritesAndReadsDatesAndTimes) {
  EXPECT_EQ(to_string(day("2026-02-28")), "2026-02-28");
  for (const char* bad : {"2026-02-29", "2026-2-28", "26-02-28", "2026/02/28", "2026-13-01", "2026-00-10"})
    EXPECT_FALSE(parse_day(bad)) << bad;
  EXPECT_EQ(parse_clock("24:00"), 1440);
  for (const char* bad : {"24:01", "7:00", "07:60", "07.00", ""}) EXPECT_FALSE(parse_clock(bad)) << bad;
}

TEST(Holidays, OntarioAsTheUtilitiesListThem) {
  EXPECT_EQ(dates(Calendar::ca_on, 2025), "01-01 02-17 04-18 05-19 07-01 08-04 09-01 10-13 12-25 12-26");
  EXPECT_EQ(dates(Calendar::ca_on, 2026), "01-01 02-16 04-03 05-18 07-01 08-03 09-07 10-12 12-25 12-28");
  EXPECT_EQ(dates(Calendar::ca_on, 2027), "01-01 02-15 03-26 05-24 07-01 08-02 09-06 10-11 12-27 12-28");
  EXPECT_EQ(dates(Calendar::ca_on, 2028), "01-03 02-21 04-14 05-22 07-03 08-07 09-04 10-09 12-25 12-26");
  EXPECT_EQ(dates(Calendar::ca_on, 2029), "01-01 02-19 03-30 05-21 07-02 08-06 09-03 10-08 12-25 12-26");
  EXPECT_EQ(dates(Calendar::ca_on, 2030), "01-01 02-18 04-19 05-20 07-01 08-05 09-02 10-14 12-25 12-26");
}

TEST(Holidays, OtherCalendarsOnYearsWithShifts) {
  EXPECT_EQ(dates(Calendar::us, 2026), "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25");
  EXPECT_EQ(dates(Calendar::us, 2027), "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31");
  EXPECT_EQ(dates(Calendar::us_nerc, 2027), "01-01 05-31 07-04 07-05 09-06 11-25 12-25");
  EXPECT_EQ(dates(Calendar::us_ca, 2027), "01-01 02-15 05-31 07-04 07-05 09-06 11-11 11-25 12-25");
  EXPECT_EQ(dates(Calendar::gb, 2026), "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28");
  EXPECT_EQ(dates(Calendar::gb, 2027), "01-01 03-26 03-29 05-03 05-31 08-30 12-25 12-26 12-27 12-28");
  EXPECT_EQ(dates(Calendar::fr, 2026), "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25");
  EXPECT_EQ(dates(Calendar::ca_qc, 2026), "01-01 01-02 04-03 04-06 12-24 12-25 12-26 12-31");
  EXPECT_EQ(dates(Calendar::au_nsw, 2026), "01-01 01-26 04-03 04-04 04-05 04-06 04-25 06-08 10-05 12-25 12-26 12-28");
  EXPECT_EQ(dates(Calendar::au_sa, 2027),
            "01-01 01-26 03-08 03-26 03-27 03-28 03-29 04-25 04-26 06-14 10-04 12-25 12-26 12-27 12-28");
  EXPECT_EQ(dates(Calendar::au_vic, 2026),
            "01-01 01-26 03-09 04-03 04-04 04-05 04-06 04-25 06-08 11-03 12-25 12-26 12-28");
}

TEST(Holidays, EasterOfKnownYears) {
  EXPECT_EQ(to_string(easter(2024)), "2024-03-31");
  EXPECT_EQ(to_string(easter(2025)), "2025-04-20");
  EXPECT_EQ(to_string(easter(2038)), "2038-04-25");
  EXPECT_EQ(to_string(easter(2285)), "2285-03-22");
}

}  // namespace
}  // namespace sluice::tariff
