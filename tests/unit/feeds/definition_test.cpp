// Feed definitions: the shipped ones, and what is wrong with others.

#include "feed_fixture.hpp"

namespace sluice::feeds {
namespace {

constexpr const char* kSmall = R"(id: small
title: A small one
checked: 2026-11-28
http: {url: "https://host/p"}
currency: EUR
unit: currency/kWh
series: {energy: {rows: /data, start: /t, value: /p}}
)";

std::string mistakes(const std::string& yaml) {
  std::string all;
  for (const std::string& error : parse_definition(yaml, "f.yaml").errors) all += error + "\n";
  return all;
}

std::string with(std::string text, const std::string& what, const std::string& by) {
  const auto place = text.find(what);
  EXPECT_NE(place, std::string::npos) << what;
  return text.replace(place, what.size(), by);
}

TEST(Definition, TheShippedOnesAreSound) {
  EXPECT_EQ(library().ids(),
            (std::vector<std::string>{"amber", "awattar", "comed", "energy-charts", "entsoe", "fr-tempo-days",
                                      "ieso-day-ahead", "ieso-real-time", "json-events", "json-list", "mqtt",
                                      "nordpool", "octopus", "tibber"}));
  EXPECT_EQ(library().mistakes(), std::vector<std::string>{});
}

TEST(Definition, SignalsAreNoPrices) {
  constexpr const char* kDays = R"(id: days
title: Days
checked: 2026-11-28
http: {url: "https://host/p"}
slot_s: 86400
colours: {blue: ["1"], red: ["3"]}
series: {colour: {rows: "", start: /t, value: /c}}
)";
  EXPECT_EQ(mistakes(kDays), "");
  const Definition days = *parse_definition(kDays, "f.yaml").value;
  EXPECT_NE(days.series_for(Use::colour), nullptr);
  EXPECT_EQ(days.series_for(Use::event), nullptr);
  EXPECT_EQ(days.series_for(Use::import), nullptr);
  EXPECT_EQ(feed("awattar", {{"country", "de"}}).series_for(Use::colour), nullptr) << "a price is no colour";
  const std::string colours = "colours: {blue: [\"1\"], red: [\"3\"]}\n";
  EXPECT_NE(mistakes(with(kDays, colours, "")).find("which word means which colour"), std::string::npos);
  EXPECT_NE(mistakes(with(kDays, "slot_s: 86400\n", "")).find("the length of a day"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "unit: currency/kWh\n", "")).find("`unit` is missing"), std::string::npos);
}

TEST(Definition, EveryMistakeIsSaidWithItsPlace) {
  EXPECT_EQ(mistakes(kSmall), "");
  const std::string all = mistakes(with(with(kSmall, "unit: currency/kWh", "unit: kWh"), "checked:", "chequed:"));
  EXPECT_NE(all.find("f.yaml:3:1: chequed: unknown key"), std::string::npos) << all;
  EXPECT_NE(all.find("`checked` is missing"), std::string::npos) << all;
  EXPECT_NE(all.find("f.yaml:6:7: unit: expected one of currency/kWh, cent/kWh, currency/MWh, found `kWh`"),
            std::string::npos)
      << all;
}

TEST(Definition, MarksMustBeKnown) {
  EXPECT_NE(mistakes(with(kSmall, "host/p", "host/{zone}")).find("`{zone}` is no option"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "host/p", "host/{from:%q}")).find("is no format"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "host/p", "host/{token}")).find("token: required"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "currency: EUR", "options: {a: 1}\ncurrency: EUR")).find("nothing uses it"),
            std::string::npos);
}

TEST(Definition, RefusesWhatCannotWork) {
  EXPECT_NE(mistakes(with(kSmall, "/data", "data")).find("expected a JSON pointer"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "rows: /data, ", "")).find("expected `rows`"), std::string::npos);
  EXPECT_NE(mistakes(with(kSmall, "https://host", "ftp://host")).find("begins with https://"), std::string::npos);
  EXPECT_NE(mistakes(std::string(kSmall) + "stamps: end\n").find("slot_s"), std::string::npos);
  EXPECT_NE(mistakes(std::string(kSmall) + "poll: {every_s: 5}\n").find("once a minute"), std::string::npos);
  EXPECT_NE(mistakes(std::string(kSmall) + "mqtt: {topic: a}\n").find("one of `http` and `mqtt`"), std::string::npos);
  EXPECT_NE(mistakes("[1, 2").find("f.yaml:"), std::string::npos);
}

TEST(Definition, OptionsAreFilledInAndCannotChangeAUrl) {
  EXPECT_NE(feed("octopus", {{"product", "AGILE-24-10-01"}, {"region", "C"}}).url.find("E-1R-AGILE-24-10-01-C/"),
            std::string::npos);
  const auto filled = [](const std::map<std::string, std::string>& options) {
    const auto result = with_options(*library().find("octopus"), options);
    return result ? std::string() : result.error().text;
  };
  EXPECT_EQ(filled({}), "feed octopus: option product is missing; option region is missing");
  EXPECT_NE(filled({{"product", "A"}, {"region", "C&x=1"}}).find("is not possible"), std::string::npos);
  EXPECT_NE(filled({{"product", "A"}, {"region", "C"}, {"zone", "x"}}).find("no option zone"), std::string::npos);
  EXPECT_FALSE(with_options(*library().find("json-list"), {{"url", "localhost/x"}, {"currency", "EUR"}}));
}

TEST(Requests, SayTheDaysOfTheFeedsOwnZone) {
  const auto now = at("2026-01-09T23:30:00Z");  // the tenth, in Berlin
  const auto asked = requests(feed("energy-charts"), now, berlin(), "");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].url, "https://api.energy-charts.info/price?bzn=DE-LU&start=2026-01-10&end=2026-01-12");
  EXPECT_EQ(requests(feed("awattar"), now, berlin(), "")[0].url,
            "https://api.awattar.de/v1/marketdata?start=1767999600000&end=1768172400000");
  EXPECT_NE(requests(feed("entsoe", {{"area", "10Y1001A1001A82H"}}), now, berlin(), "T")[0].url.find(
                "periodStart=202601092300&periodEnd=202601112300"),
            std::string::npos);
}

TEST(Requests, AskForEachDayWhereASourceWantsIt) {
  const auto asked = requests(feed("nordpool", {{"area", "SE3"}}), at("2026-01-10T12:00:00Z"), berlin(), "");
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_NE(asked[0].url.find("date=2026-01-10&"), std::string::npos);
  EXPECT_NE(asked[1].url.find("date=2026-01-11&"), std::string::npos);
  const auto ontario = requests(feed("ieso-day-ahead"), at("2026-07-11T04:30:00Z"), fixed_zone(-5h), "");
  EXPECT_NE(ontario[0].url.find("_20260710.xml"), std::string::npos)
      << "half past midnight EDT is still the tenth in EST";
}

TEST(Requests, PutTheTokenOnlyWhereItBelongs) {
  const auto tibber = requests(feed("tibber", {{"currency", "NOK"}}), at("2026-01-10T12:00:00Z"), utc(), "s3cret")[0];
  EXPECT_EQ(tibber.method, "POST");
  EXPECT_EQ(tibber.headers[0], (std::pair<std::string, std::string>("Authorization", "Bearer s3cret")));
  EXPECT_EQ(tibber.url.find("s3cret"), std::string::npos);
  EXPECT_NE(
      tibber.body.find("{ viewer { homes { currentSubscription { priceInfo(resolution: QUARTER_HOURLY) { today {"),
      std::string::npos)
      << tibber.body;
  const auto entsoe = requests(feed("entsoe", {{"area", "A"}}), at("2026-01-10T12:00:00Z"), utc(), "a b&c")[0];
  EXPECT_NE(entsoe.url.find("securityToken=a%20b%26c&"), std::string::npos) << entsoe.url;
  const auto open = feed("json-list", {{"url", "http://127.0.0.1/p"}, {"currency", "EUR"}});
  EXPECT_TRUE(requests(open, at("2026-01-10T12:00:00Z"), utc(), "")[0].headers.empty());
}

TEST(Times, OfEveryShapeThatSourcesWrite) {
  const auto z = at("2026-01-10T16:30:00Z");
  EXPECT_EQ(at("2026-01-10T17:30:00+01:00"), z);
  EXPECT_EQ(at("2026-01-10T17:30:00.000+01:00"), z);
  EXPECT_EQ(at("2026-01-10T16:30Z"), z);
  EXPECT_EQ(at("2026-01-10 11:30:00-0500"), z);
  EXPECT_EQ(parse_iso("2026-01-10T17:30:00", berlin()), z);
  EXPECT_EQ(parse_iso("2026-07-10T18:30", berlin()), at("2026-07-10T16:30:00Z"));
  for (const char* wrong : {"", "2026-01-10", "2026-13-10T00:00Z", "2026-02-30T00:00Z", "2026-01-10T25:00Z",
                            "2026-01-10T16:30:00X", "10.01.2026 16:30:00", "2026-01-10T16:30:00+1"})
    EXPECT_FALSE(parse_iso(wrong, utc())) << wrong;
}

TEST(Times, DaysHaveTheHoursThatTheyHave) {
  const auto hours = [](const char* date) {
    const std::int64_t day = *parse_date(date);
    return (start_of_day(day + 1, berlin()) - start_of_day(day, berlin())) / 1h;
  };
  EXPECT_EQ(hours("2026-03-28"), 24);
  EXPECT_EQ(hours("2026-03-29"), 23);
  EXPECT_EQ(hours("2026-10-25"), 25);
}

}  // namespace
}  // namespace sluice::feeds
