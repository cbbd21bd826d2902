// What the sources answer, with the traps that their users have met.

#include <fmt/format.h>

#include "feed_fixture.hpp"

namespace sluice::feeds {
namespace {

const EnergySeries& energy(const Result<Batch>& batch) { return batch->series(Use::energy); }

// ---- Octopus --------------------------------------------------------------------------------------------------------

Definition octopus() { return feed("octopus", {{"product", "AGILE-24-10-01"}, {"region", "C"}}); }

TEST(Octopus, NewestFirstBecomesInOrderAndPenceBecomePounds) {
  const auto batch = understood(octopus(), R"({"count":2,"next":null,"previous":null,"results":[
    {"value_exc_vat":18.2,"value_inc_vat":19.11,"valid_from":"2026-01-10T16:30:00Z","valid_to":"2026-01-10T17:00:00Z","payment_method":null},
    {"value_exc_vat":-2,"value_inc_vat":-2.1,"valid_from":"2026-01-10T16:00:00Z","valid_to":"2026-01-10T16:30:00Z","payment_method":null}]})");
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(energy(batch).size(), 2U);
  EXPECT_EQ(energy(batch)[0].begin, at("2026-01-10T16:00:00Z"));
  EXPECT_NEAR(energy(batch)[0].price.value(), -0.021, 1e-12) << "a negative price stays negative";
  EXPECT_NEAR(energy(batch)[1].price.value(), 0.1911, 1e-12);
  EXPECT_EQ(energy(batch)[1].end, at("2026-01-10T17:00:00Z"));
}

TEST(Octopus, AnOpenEndStandsAndOnlyDirectDebitCounts) {
  const auto batch = understood(octopus(), R"({"next":null,"results":[
    {"value_inc_vat":26.0,"valid_from":"2026-01-01T00:00:00Z","valid_to":null,"payment_method":"NON_DIRECT_DEBIT"},
    {"value_inc_vat":25.0,"valid_from":"2026-01-01T00:00:00Z","valid_to":null,"payment_method":"DIRECT_DEBIT"}]})");
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(energy(batch).size(), 1U);
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.25);
  EXPECT_EQ(energy(batch)[0].end, at("2026-01-12T12:00:00Z"));
}

TEST(Octopus, TwoPricesForOneTimeAreAMistakeThatIsNamed) {
  const auto batch = understood(octopus(), R"({"results":[
    {"value_inc_vat":25.0,"valid_from":"2026-01-10T00:00:00Z","valid_to":null,"payment_method":"DIRECT_DEBIT"},
    {"value_inc_vat":26.0,"valid_from":"2026-01-10T00:00:00Z","valid_to":null,"payment_method":null}]})");
  EXPECT_NE(trouble(batch).find("two prices for 2026-01-10 00:00: 0.25 and 0.26"), std::string::npos) << trouble(batch);
}

TEST(Octopus, TheNextPageIsAskedForAndBothAreOneBatch) {
  Rows rows;
  const auto page = [](int hour, const char* next) {
    return fmt::format(R"({{"next":{},"results":[{{"value_inc_vat":20.0,"valid_from":"2026-01-10T{:02}:00:00Z",)"
                       R"("valid_to":"2026-01-10T{:02}:00:00Z","payment_method":null}}]}})",
                       next, hour, hour + 1);
  };
  const auto now = at("2026-01-10T12:00:00Z");
  ASSERT_TRUE(read_reply(octopus(), {200, page(2, "\"https://api.octopus.energy/v1/?page=2\"")}, now, utc(), rows));
  EXPECT_EQ(rows.next, "https://api.octopus.energy/v1/?page=2");
  ASSERT_TRUE(read_reply(octopus(), {200, page(1, "null")}, now, utc(), rows));
  EXPECT_EQ(rows.next, "");
  EXPECT_EQ(assemble(octopus(), rows, now)->series(Use::energy).size(), 2U);
}

TEST(Octopus, AFirewallsWebPageIsNotAWrongToken) {
  const auto batch = understood(octopus(), "<html><body>403 Forbidden</body></html>", 403);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::refused);
  EXPECT_NE(trouble(batch).find("firewall"), std::string::npos);
}

// ---- Tibber ---------------------------------------------------------------------------------------------------------

Definition tibber() { return feed("tibber", {{"currency", "NOK"}}); }

std::string tibber_says(const std::string& today, const std::string& tomorrow) {
  return fmt::format(
      R"({{"data":{{"viewer":{{"homes":[{{"currentSubscription":{{"priceInfo":{{"today":{},"tomorrow":{}}}}}}}]}}}}}})",
      today, tomorrow);
}

constexpr const char* kTwoQuarters = R"([
  {"total":0.9512,"startsAt":"2026-01-10T00:00:00.000+01:00","currency":"NOK"},
  {"total":0.9012,"startsAt":"2026-01-10T00:15:00.000+01:00","currency":"NOK"}])";

TEST(Tibber, TomorrowIsEmptyUntilItIsPublished) {
  Rows rows;
  const auto now = at("2026-01-10T08:00:00Z");
  ASSERT_TRUE(read_reply(tibber(), {200, tibber_says(kTwoQuarters, "[]")}, now, utc(), rows));
  EXPECT_TRUE(rows.unpublished);
  const auto batch = assemble(tibber(), rows, now);
  ASSERT_EQ(energy(batch).size(), 2U);
  EXPECT_EQ(energy(batch)[0].begin, at("2026-01-09T23:00:00Z"));
  EXPECT_EQ(energy(batch)[1].end, at("2026-01-09T23:30:00Z")) << "the last is as long as the others";
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.9512);
}

TEST(Tibber, ErrorsThatComeWithStatus200) {
  const auto batch = understood(tibber(), R"({"errors":[{"message":"invalid token"}],"data":null})");
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, ErrorKind::rejected);
  EXPECT_NE(trouble(batch).find("the source says: invalid token"), std::string::npos) << trouble(batch);
}

TEST(Tibber, AnotherCurrencyIsRefused) {
  const auto batch = understood(
      tibber(), tibber_says(R"([{"total":0.1,"startsAt":"2026-01-10T00:00:00+01:00","currency":"EUR"}])", "[]"));
  EXPECT_NE(trouble(batch).find("/currency is EUR where NOK was expected"), std::string::npos) << trouble(batch);
}

TEST(Tibber, AHomeThatIsNotThereIsSaid) {
  const auto batch = understood(tibber(), R"({"data":{"viewer":{"homes":[]}}})");
  EXPECT_NE(trouble(batch).find("no /data/viewer/homes/0/"), std::string::npos) << trouble(batch);
  const auto without = understood(tibber(), R"({"data":{"viewer":{"homes":[{"currentSubscription":null}]}}})");
  EXPECT_FALSE(without);
}

// ---- aWATTar, Energy-Charts, Nord Pool
// -------------------------------------------------------------------------------

TEST(Awattar, MillisecondsAndMegawattHours) {
  const auto batch = understood(feed("awattar"), R"({"object":"list","data":[
    {"start_timestamp":1767996000000,"end_timestamp":1767999600000,"marketprice":81.2,"unit":"Eur/MWh"}]})");
  ASSERT_TRUE(batch) << trouble(batch);
  EXPECT_EQ(energy(batch)[0].begin, at("2026-01-09T22:00:00Z"));
  EXPECT_EQ(energy(batch)[0].end, at("2026-01-09T23:00:00Z"));
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.0812);
}

TEST(Awattar, AnotherUnitIsRefused) {
  const auto batch = understood(feed("awattar"), R"({"data":[
    {"start_timestamp":1767996000000,"end_timestamp":1767999600000,"marketprice":8.12,"unit":"ct/kWh"}]})");
  EXPECT_NE(trouble(batch).find("/unit is ct/kWh where Eur/MWh or EUR/MWh was expected"), std::string::npos)
      << trouble(batch);
}

TEST(Awattar, SecondsWhereMillisecondsWereExpectedAreNoTime) {
  const auto batch = understood(feed("awattar"), R"({"data":[
    {"start_timestamp":1767996000,"end_timestamp":1767999600,"marketprice":81.2,"unit":"Eur/MWh"}]})");
  EXPECT_NE(trouble(batch).find("is no time"), std::string::npos) << trouble(batch);
}

TEST(EnergyCharts, ANullIsUnknownAndNotZero) {
  Rows rows;
  const auto now = at("2026-01-10T08:00:00Z");
  ASSERT_TRUE(read_reply(feed("energy-charts"),
                         {200, R"({"license_info":"CC BY 4.0","unit":"EUR / MWh","deprecated":false,
    "unix_seconds":[1768003200,1768004100,1768005000,1768005900],"price":[81.2,null,79.0,-3.5]})"},
                         now, utc(), rows));
  EXPECT_EQ(rows.unknown, 1U);
  const auto batch = assemble(feed("energy-charts"), rows, now);
  ASSERT_EQ(energy(batch).size(), 3U);
  EXPECT_EQ(energy(batch)[0].end, at("2026-01-10T00:15:00Z")) << "the hole stays one";
  EXPECT_EQ(energy(batch)[1].begin, at("2026-01-10T00:30:00Z"));
  EXPECT_EQ(energy(batch)[2].end, at("2026-01-10T01:00:00Z"));
  EXPECT_DOUBLE_EQ(energy(batch)[2].price.value(), -0.0035);
}

TEST(EnergyCharts, OneListShorterThanTheOther) {
  const auto batch = understood(feed("energy-charts"),
                                R"({"unit":"EUR / MWh","unix_seconds":[1768003200,1768004100],"price":[81.2]})");
  EXPECT_NE(trouble(batch).find("2 times and 1 prices"), std::string::npos) << trouble(batch);
}

Definition nordpool() { return feed("nordpool", {{"area", "SE3"}, {"currency", "SEK"}}); }

std::string nordpool_says(const char* state) {
  return fmt::format(R"({{"deliveryDateCET":"2026-01-10","version":3,"multiAreaEntries":[
    {{"deliveryStart":"2026-01-09T23:00:00Z","deliveryEnd":"2026-01-09T23:15:00Z","entryPerArea":{{"SE3":421.0}}}}],
    "areaStates":[{{"state":"{}","areas":["SE3"]}}]}})",
                     state);
}

TEST(NordPool, Status204IsNotYetPublished) {
  Rows rows;
  const auto now = at("2026-01-10T08:00:00Z");
  ASSERT_TRUE(read_reply(nordpool(), {200, nordpool_says("Final")}, now, utc(), rows));
  EXPECT_FALSE(rows.unpublished);
  ASSERT_TRUE(read_reply(nordpool(), {204, ""}, now, utc(), rows));
  EXPECT_TRUE(rows.unpublished);
  const auto batch = assemble(nordpool(), rows, now);
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.421);
  EXPECT_EQ(energy(batch)[0].kind, PriceKind::published);
}

TEST(NordPool, WhatIsNotFinalIsAForecast) {
  const auto batch = understood(nordpool(), nordpool_says("Preliminary"));
  EXPECT_EQ(energy(batch)[0].kind, PriceKind::forecast);
}

TEST(NordPool, AnotherAreaHasNoPrices) {
  Rows rows;
  ASSERT_TRUE(read_reply(feed("nordpool", {{"area", "NO1"}}), {200, nordpool_says("Final")}, {}, utc(), rows));
  EXPECT_EQ(rows.unknown, 1U);
}

// ---- Amber ----------------------------------------------------------------------------------------------------------

std::string amber_row(const char* type, const char* start, const char* end, double cents, const char* channel,
                      const char* more = "") {
  return fmt::format(R"({{"type":"{}","duration":30,"startTime":"{}","endTime":"{}","perKwh":{},"spotPerKwh":9.1,)"
                     R"("channelType":"{}","tariffInformation":{{"demandWindow":true}}{}}})",
                     type, start, end, cents, channel, more);
}

TEST(Amber, StartsASecondLateSignsTurnedAndChannelsMixed) {
  const auto batch = understood(
      feed("amber", {{"site", "S1"}}),
      "[" +
          amber_row("CurrentInterval", "2026-01-10T03:00:01Z", "2026-01-10T03:30:00Z", 31.0, "general",
                    R"(,"spikeStatus":"spike")") +
          "," +
          amber_row("ForecastInterval", "2026-01-10T03:30:01Z", "2026-01-10T04:00:00Z", 40.0, "general",
                    R"(,"spikeStatus":"none","advancedPrice":{"low":15.0,"predicted":18.0,"high":24.0})") +
          "," + amber_row("CurrentInterval", "2026-01-10T03:00:01Z", "2026-01-10T03:30:00Z", 12.0, "controlledLoad") +
          "," + amber_row("CurrentInterval", "2026-01-10T03:00:01Z", "2026-01-10T03:30:00Z", -8.5, "feedIn") + "," +
          amber_row("CurrentInterval", "2026-01-10T03:30:01Z", "2026-01-10T04:00:00Z", 4.0, "feedIn") + "]");
  ASSERT_TRUE(batch) << trouble(batch);
  const EnergySeries& bought = batch->series(Use::import);
  ASSERT_EQ(bought.size(), 2U);
  EXPECT_EQ(bought[0].begin, at("2026-01-10T03:00:00Z"));
  EXPECT_EQ(bought[0].end, bought[1].begin) << "no second without a price";
  EXPECT_DOUBLE_EQ(bought[0].price.value(), 0.31);
  EXPECT_TRUE(bought[0].event);
  EXPECT_TRUE(bought[0].demand_window);
  EXPECT_EQ(bought[1].kind, PriceKind::forecast);
  EXPECT_DOUBLE_EQ(bought[1].price.value(), 0.18) << "the prediction, where there is one";
  EXPECT_FALSE(bought[1].event);
  const EnergySeries& sold = batch->series(Use::export_);
  ASSERT_EQ(sold.size(), 2U);
  EXPECT_DOUBLE_EQ(sold[0].price.value(), 0.085) << "their minus is money for the owner";
  EXPECT_DOUBLE_EQ(sold[1].price.value(), -0.04) << "and their plus has to be paid";
}

// ---- ComEd ----------------------------------------------------------------------------------------------------------

TEST(ComEd, TextsForNumbersNewestFirstAndTheHoursMean) {
  // Ends at 00:05, 00:10 … of 2026-01-10T00:00Z = 1768003200.
  const auto batch = understood(feed("comed"), R"([{"millisUTC":"1768007700000","price":"12.0"},
    {"millisUTC":"1768007100000","price":"6.0"},
    {"millisUTC":"1768006800000","price":"2.0"},{"millisUTC":"1768003500000","price":"4.0"}])");
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(energy(batch).size(), 2U);
  EXPECT_EQ(energy(batch)[0].begin, at("2026-01-10T00:00:00Z"));
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.03) << "the stamp is an end: 01:00 belongs to the hour before";
  EXPECT_EQ(energy(batch)[1].begin, at("2026-01-10T01:00:00Z"));
  EXPECT_DOUBLE_EQ(energy(batch)[1].price.value(), 0.09);
  EXPECT_EQ(energy(batch)[1].end, at("2026-01-10T02:15:00Z")) << "until the first price of the next hour comes";
}

TEST(ComEd, ATextThatIsNoNumberIsNotAPrice) {
  for (const char* bad : {"NaN", "inf", "2,4", "", "2.4c"}) {
    const auto batch = understood(feed("comed"), fmt::format(R"([{{"millisUTC":"1768003500000","price":"{}"}}])", bad));
    EXPECT_FALSE(batch) << bad;
  }
}

// ---- ENTSO-E --------------------------------------------------------------------------------------------------------

struct EntsoeSeries {
  const char* resolution = "PT15M";
  const char* points =
      "<Point><position>1</position><price.amount>81.20</price.amount></Point>"
      "<Point><position>4</position><price.amount>79.00</price.amount></Point>";
  const char* sequence = "1";
  const char* currency = "EUR";
  const char* curve = "A03";
  const char* end = "2026-01-10T00:30Z";
};

std::string entsoe_series(const EntsoeSeries& one) {
  return fmt::format(
      "<TimeSeries><mRID>1</mRID>"
      "<classificationSequence_AttributeInstanceComponent.position>{}</"
      "classificationSequence_AttributeInstanceComponent.position>"
      "<currency_Unit.name>{}</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>{}</"
      "curveType>"
      "<Period><timeInterval><start>2026-01-09T23:00Z</start><end>{}</end></timeInterval><resolution>{}</resolution>{}"
      "</Period></TimeSeries>",
      one.sequence, one.currency, one.curve, one.end, one.resolution, one.points);
}
std::string entsoe_document(const std::string& series) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Publication_MarketDocument "
         "xmlns=\"urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3\">\n" +
         series + "</Publication_MarketDocument>";
}
Definition entsoe() { return feed("entsoe", {{"area", "10Y1001A1001A82H"}}); }

TEST(Entsoe, PositionsThatAreLeftOutRepeatThePriceBefore) {
  const auto batch = understood(entsoe(), entsoe_document(entsoe_series({})));
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(energy(batch).size(), 6U) << "the last one stands to the end of the interval";
  const double expected[] = {0.0812, 0.0812, 0.0812, 0.079, 0.079, 0.079};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_DOUBLE_EQ(energy(batch)[i].price.value(), expected[i]) << i;
  EXPECT_EQ(energy(batch)[0].begin, at("2026-01-09T23:00:00Z"));
  EXPECT_EQ(energy(batch)[5].end, at("2026-01-10T00:30:00Z"));
}

TEST(Entsoe, WithTheOtherCurveTheyAreHoles) {
  Rows rows;
  ASSERT_TRUE(read_reply(entsoe(), {200, entsoe_document(entsoe_series({.curve = "A01"}))}, {}, utc(), rows));
  EXPECT_EQ(rows.unknown, 4U);
  EXPECT_EQ(rows.of[0].size(), 2U);
}

TEST(Entsoe, OneAuctionCountsNeverAMixture) {
  const char* early = "<Point><position>1</position><price.amount>60.0</price.amount></Point>";
  const std::string both = entsoe_series({.points = early, .sequence = "2"}) + entsoe_series({});
  EXPECT_DOUBLE_EQ(energy(understood(entsoe(), entsoe_document(both)))[0].price.value(), 0.0812);
  const auto second = feed("entsoe", {{"area", "A"}, {"sequence", "2"}});
  EXPECT_DOUBLE_EQ(energy(understood(second, entsoe_document(both)))[5].price.value(), 0.06);
  const auto third = understood(feed("entsoe", {{"area", "A"}, {"sequence", "3"}}), entsoe_document(both));
  EXPECT_NE(trouble(third).find("no auction with sequence 3; there are: 1, 2"), std::string::npos) << trouble(third);
}

TEST(Entsoe, QuartersCountBeforeTheHourTheyAreIn) {
  const char* hour = "<Point><position>1</position><price.amount>80.0</price.amount></Point>";
  for (const bool hour_first : {true, false}) {
    const std::string coarse = entsoe_series({.resolution = "PT60M", .points = hour, .end = "2026-01-10T01:00Z"});
    const std::string fine = entsoe_series({.end = "2026-01-10T00:00Z"});
    const auto batch = understood(entsoe(), entsoe_document(hour_first ? coarse + fine : fine + coarse));
    ASSERT_TRUE(batch) << trouble(batch);
    ASSERT_EQ(energy(batch).size(), 5U) << hour_first;
    EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.0812);
    EXPECT_DOUBLE_EQ(energy(batch)[4].price.value(), 0.08) << "where only the hour is known it counts";
  }
}

TEST(Entsoe, AcknowledgementIsNotYetOrSaysWhy) {
  const auto says = [](const char* text) {
    return fmt::format(
        "<Acknowledgement_MarketDocument xmlns=\"urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0\">"
        "<Reason><code>999</code><text>{}</text></Reason></Acknowledgement_MarketDocument>",
        text);
  };
  Rows rows;
  for (const int status : {200, 400}) {
    ASSERT_TRUE(read_reply(entsoe(), {status, says("No matching data found for Data item")}, {}, utc(), rows))
        << status;
    EXPECT_TRUE(rows.unpublished);
  }
  const auto wrong = understood(entsoe(), says("Input parameter does not exist: in_Domain"), 400);
  EXPECT_NE(trouble(wrong).find("ENTSO-E says: Input parameter does not exist"), std::string::npos) << trouble(wrong);
}

TEST(Entsoe, AnotherCurrencyAWrongPositionAndACutOffAnswer) {
  EXPECT_NE(trouble(understood(entsoe(), entsoe_document(entsoe_series({.currency = "PLN"}))))
                .find("prices in PLN where EUR"),
            std::string::npos);
  const char* seventh = "<Point><position>7</position><price.amount>81.20</price.amount></Point>";
  EXPECT_NE(trouble(understood(entsoe(), entsoe_document(entsoe_series({.points = seventh})))).find("not in 1…6"),
            std::string::npos);
  const std::string whole = entsoe_document(entsoe_series({}));
  for (std::size_t size = 0; size < whole.size(); size += 7)
    EXPECT_FALSE(understood(entsoe(), whole.substr(0, size))) << size;
}

TEST(Entsoe, TheLongDayHas100Quarters) {
  const char* first = "<Point><position>1</position><price.amount>50</price.amount></Point>";
  std::string series = entsoe_series({.points = first, .end = "2026-01-10T00:00Z"});
  series.replace(series.find("2026-01-09T23:00Z"), 17, "2026-10-24T22:00Z");
  series.replace(series.find("2026-01-10T00:00Z"), 17, "2026-10-25T23:00Z");
  const auto batch = understood(entsoe(), entsoe_document(series));
  ASSERT_TRUE(batch) << trouble(batch);
  EXPECT_EQ(count_days(energy(batch), berlin()).front().found, 100U);
  EXPECT_EQ(count_days(energy(batch), berlin()).front().expected, 100U);
}

TEST(Xml, TakesNoDocumentTypeAndNoUnknownEntity) {
  EXPECT_FALSE(understood(entsoe(), "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><x>&a;</x>"));
  EXPECT_FALSE(understood(entsoe(), entsoe_document("<a>&a;</a>")));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  EXPECT_FALSE(understood(entsoe(), deep)) << "nested without end";
}

// ---- IESO -----------------------------------------------------------------------------------------------------------

std::string ieso_hours(const char* date, const std::string& hours) {
  return fmt::format(
      "<Document xmlns=\"http://www.ieso.ca/schema\" docID=\"x\"><DocHeader><DocTitle>t</DocTitle></DocHeader>"
      "<DocBody><DeliveryDate>{}</DeliveryDate>{}</DocBody></Document>",
      date, hours);
}
std::string ieso_hour(int hour, const char* price) {
  return fmt::format(
      "<HourlyPriceComponents><PricingHour>{}</PricingHour><ZonalPrice>{}</ZonalPrice>"
      "<LossPriceCapped>0.1</LossPriceCapped></HourlyPriceComponents>",
      hour, price);
}

TEST(Ieso, HoursEndAtTheirNumberInStandardTimeAlsoInJuly) {
  const auto batch =
      understood(feed("ieso-day-ahead"), ieso_hours("2026-07-10", ieso_hour(1, "32.50") + ieso_hour(24, "-4.00")));
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(energy(batch).size(), 2U);
  EXPECT_EQ(energy(batch)[0].begin, at("2026-07-10T01:00:00-04:00")) << "01:00 on the wall of a Toronto summer";
  EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.0325);
  EXPECT_EQ(energy(batch)[1].begin, at("2026-07-11T04:00:00Z"));
  EXPECT_EQ(energy(batch)[1].end, at("2026-07-11T05:00:00Z"));
  EXPECT_DOUBLE_EQ(energy(batch)[1].price.value(), -0.004);
}

TEST(Ieso, HoursOutsideTheDayAndReportsWithoutADate) {
  EXPECT_FALSE(understood(feed("ieso-day-ahead"), ieso_hours("2026-07-10", ieso_hour(25, "32.50"))));
  EXPECT_FALSE(understood(feed("ieso-day-ahead"), ieso_hours("July", ieso_hour(1, "32.50"))));
  EXPECT_FALSE(understood(feed("ieso-day-ahead"), ieso_hours("2026-07-10", "")));
  Rows rows;
  ASSERT_TRUE(read_reply(feed("ieso-day-ahead"), {404, "gone"}, {}, utc(), rows));
  EXPECT_TRUE(rows.unpublished);
}

TEST(Ieso, FiveMinutesOfBothForms) {
  const auto newer =
      understood(feed("ieso-real-time"), ieso_hours("2026-01-10",
                                                    "<DeliveryHour>24</DeliveryHour><Prices>"
                                                    "<P><Interval>1</Interval><LmpCap>30.0</LmpCap></P>"
                                                    "<P><Interval>2</Interval><LmpCap></LmpCap></P></Prices>"));
  ASSERT_TRUE(newer) << trouble(newer);
  ASSERT_EQ(energy(newer).size(), 1U);
  EXPECT_EQ(energy(newer)[0].begin, at("2026-01-11T04:00:00Z"));
  EXPECT_EQ(energy(newer)[0].end, at("2026-01-11T04:15:00Z")) << "held until the next report can be there";
  const auto older =
      understood(feed("ieso-real-time"),
                 ieso_hours("2026-01-10",
                            "<DeliveryHour>1</DeliveryHour>"
                            "<OntarioZonalPriceInterval1><Interval1LMPs>x</Interval1LMPs><LmpCap>30.0</LmpCap>"
                            "</OntarioZonalPriceInterval1>"
                            "<OntarioZonalPriceInterval12>2000</OntarioZonalPriceInterval12>"));
  ASSERT_TRUE(older) << trouble(older);
  ASSERT_EQ(energy(older).size(), 2U);
  EXPECT_EQ(energy(older)[1].begin, at("2026-01-10T05:55:00Z"));
  EXPECT_DOUBLE_EQ(energy(older)[1].price.value(), 2.0);
}

// ---- anybody --------------------------------------------------------------------------------------------------------

Definition list() { return feed("json-list", {{"url", "http://127.0.0.1/p"}, {"currency", "EUR"}}); }

TEST(Anybody, ATruncatedAnswerAtEveryCutIsAnErrorAndNeverAPrice) {
  const std::string whole = R"([{"start":"2026-01-10T00:00:00Z","end":"2026-01-10T01:00:00Z","value":0.21}])";
  ASSERT_TRUE(understood(list(), whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(understood(list(), whole.substr(0, size))) << size;
}

TEST(Anybody, OtherNamesForThePrice) {
  for (const char* name : {"value", "price", "total"}) {
    const auto batch = understood(
        list(), fmt::format(R"([{{"start":"2026-01-10T00:00:00Z","end":"2026-01-10T01:00:00Z","{}":"0.21"}}])", name));
    EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.21) << name;
  }
}

TEST(Anybody, OverlapsAndEndsBeforeTheirStart) {
  EXPECT_NE(trouble(understood(list(), R"([{"start":"2026-01-10T00:00:00Z","end":"2026-01-10T02:00:00Z","value":0.2},
    {"start":"2026-01-10T01:00:00Z","end":"2026-01-10T02:00:00Z","value":0.3}])"))
                .find("prices overlap at 2026-01-10 01:00"),
            std::string::npos);
  EXPECT_FALSE(understood(list(), R"([{"start":"2026-01-10T02:00:00Z","end":"2026-01-10T01:00:00Z","value":0.2}])"));
}

TEST(Anybody, WhatIsSaidTwiceCountsOnce) {
  const auto batch = understood(list(), R"([{"start":"2026-01-10T00:00:00Z","end":"2026-01-10T01:00:00Z","value":0.2},
    {"start":"2026-01-10T00:00:00Z","end":"2026-01-10T01:00:00Z","value":0.2}])");
  EXPECT_EQ(energy(batch).size(), 1U);
}

TEST(Anybody, InclusiveEndsLeaveNoHoles) {
  const auto batch = understood(list(), R"([{"start":"2026-01-10T00:00:00Z","end":"2026-01-10T00:59:59Z","value":0.2},
    {"start":"2026-01-10T01:00:00Z","end":"2026-01-10T01:59:59Z","value":0.3}])");
  EXPECT_EQ(energy(batch)[0].end, energy(batch)[1].begin);
}

TEST(Anybody, StatusesSayWhatToDo) {
  const auto kind = [](int status) { return understood(list(), "no", status).error().kind; };
  EXPECT_EQ(kind(401), ErrorKind::unauthorized);
  EXPECT_EQ(kind(403), ErrorKind::unauthorized);
  EXPECT_EQ(kind(404), ErrorKind::not_found);
  EXPECT_EQ(kind(429), ErrorKind::refused);
  EXPECT_EQ(kind(503), ErrorKind::refused);
  EXPECT_EQ(kind(400), ErrorKind::rejected);
}

TEST(Anybody, AnErrorNeverRepeatsMoreThanALine) {
  const auto text = trouble(understood(list(), std::string(5000, 'x')));
  EXPECT_LT(text.size(), 150U);
}

// ---- MQTT -----------------------------------------------------------------------------------------------------------

Definition mqtt() { return feed("mqtt", {{"topic", "house/price"}, {"currency", "EUR"}}); }

TEST(Mqtt, OneNumberIsThePriceNow) {
  for (const char* form : {"0.21", "\"0.21\"", R"({"current":0.21})"}) {
    const auto batch = understood(mqtt(), form);
    ASSERT_TRUE(batch) << form << ": " << trouble(batch);
    ASSERT_EQ(energy(batch).size(), 1U) << form;
    EXPECT_EQ(energy(batch)[0].begin, at("2026-01-10T12:00:00Z"));
    EXPECT_EQ(energy(batch)[0].end, at("2026-01-10T14:00:00Z")) << "two hours at most";
    EXPECT_DOUBLE_EQ(energy(batch)[0].price.value(), 0.21);
  }
}

TEST(Mqtt, AListAndBothTogether) {
  const std::string rows = R"([{"start":"2026-01-10T13:00:00Z","end":"2026-01-10T14:00:00Z","value":0.3}])";
  EXPECT_EQ(energy(understood(mqtt(), rows)).size(), 1U);
  const auto both = understood(mqtt(), R"({"current":0.21,"next":)" + rows + "}");
  ASSERT_TRUE(both) << trouble(both);
  ASSERT_EQ(energy(both).size(), 2U);
  EXPECT_EQ(energy(both)[0].end, at("2026-01-10T13:00:00Z")) << "until the next one is known";
}

TEST(Mqtt, WordsAreNoPrices) {
  for (const char* form : {"unavailable", "\"unknown\"", "NaN", R"({"current":"None"})"})
    EXPECT_FALSE(understood(mqtt(), form)) << form;
}

// ---- colours and events ---------------------------------------------------------------------------------------------

TEST(Tempo, ADayHasItsColourOnceItIsTold) {
  const Definition tempo = feed("fr-tempo-days");
  const auto now = at("2026-01-10T12:00:00Z");
  const auto asked = requests(tempo, now, berlin(), "");
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].url, "https://www.api-couleur-tempo.fr/api/jourTempo/2026-01-11");
  Rows rows;
  ASSERT_TRUE(
      read_reply(tempo, {200, R"({"dateJour":"2026-01-10","codeJour":3,"periode":"2025-2026"})"}, now, berlin(), rows));
  ASSERT_TRUE(
      read_reply(tempo, {200, R"({"dateJour":"2026-01-11","codeJour":0,"periode":"2025-2026"})"}, now, berlin(), rows));
  EXPECT_TRUE(rows.unpublished);
  EXPECT_EQ(rows.unknown, 1U);
  const auto batch = assemble(tempo, rows, now);
  ASSERT_TRUE(batch) << trouble(batch);
  const EnergySeries& days = batch->series(Use::colour);
  ASSERT_EQ(days.size(), 1U) << "what nobody knows is no colour";
  EXPECT_EQ(days[0].begin, at("2026-01-09T23:00:00Z")) << "midnight in France";
  EXPECT_EQ(tempo.colours[static_cast<std::size_t>(days[0].price.value())].first, "red");
  EXPECT_NE(trouble(understood(tempo, R"({"detail":"Not Found"})")).find("/dateJour is no time"), std::string::npos);
}

TEST(Events, HaveABeginAndAnEndAndMayBeNone) {
  const Definition events = feed("json-events", {{"url", "http://127.0.0.1/e"}});
  const auto batch =
      understood(events, R"([{"start":"2026-01-10T16:00:00-05:00","end":"2026-01-10T20:00:00-05:00","note":"cold"}])");
  ASSERT_TRUE(batch) << trouble(batch);
  ASSERT_EQ(batch->series(Use::event).size(), 1U);
  EXPECT_EQ(batch->series(Use::event)[0].begin, at("2026-01-10T21:00:00Z"));
  EXPECT_EQ(batch->series(Use::event)[0].end, at("2026-01-11T01:00:00Z"));
  EXPECT_TRUE(understood(events, "[]"));
  EXPECT_NE(trouble(understood(events, R"([{"start":"soon"}])")).find("is no time"), std::string::npos);
}

}  // namespace
}  // namespace sluice::feeds
