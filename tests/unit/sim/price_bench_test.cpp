// Recorded prices, who knows how much of them, perfect foresight over them, and the rules that buy by them.

#include "sim/price_bench.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/price_foresight.hpp"
#include "sim/random.hpp"

namespace sluice::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string kData = SLUICE_SOURCE_DIR "/data";

std::shared_ptr<const PriceTrace> hourly(std::vector<float> per_kwh) {
  PriceTrace trace;
  trace.name = "hours";
  trace.step = hours(1);
  trace.first_day = 17'897;
  trace.per_kwh = std::move(per_kwh);
  return std::make_shared<const PriceTrace>(std::move(trace));
}

std::shared_ptr<const PriceTrace> recorded(const char* name) {
  static auto* const kept = new std::map<std::string, std::shared_ptr<const PriceTrace>>;
  auto& trace = (*kept)[name];
  if (!trace) trace = std::make_shared<const PriceTrace>(load_price_trace(name, kData).value());
  return trace;
}

PriceCase case_of(std::shared_ptr<const PriceTrace> prices, const char* plant) {
  PriceCase made;
  made.days = prices->days();
  made.prices = std::move(prices);
  made.plant = plant_spec(plant).value();
  made.curve = straight_curve(made.plant);
  made.tick = seconds(10);
  return made;
}

// ---- The recording

class PriceFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("sluice-prices-" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove(path_); }
  Result<PriceTrace> read(const std::string& text) {
    std::ofstream(path_) << text;
    return read_price_trace(path_.string());
  }
  static std::string day(const char* header, const char* stamp_of_hour_5 = "2017-03-01T05:00:00") {
    std::string text = std::string(header) + "\n";
    for (int hour = 0; hour < 24; ++hour) {
      const std::string stamp =
          hour == 5 ? stamp_of_hour_5
                    : std::string("2017-03-01T") + (hour < 10 ? "0" : "") + std::to_string(hour) + ":00:00";
      text += stamp + "," + std::to_string(hour - 3) + "\n";
    }
    return text;
  }
  std::filesystem::path path_;
};

TEST_F(PriceFile, StampsTellTheDayAndPricesMayBeNegative) {
  const auto trace = read(day("ts_local,price_eur_per_mwh"));
  ASSERT_TRUE(trace) << trace.error().text;
  EXPECT_EQ(trace->step, hours(1));
  EXPECT_EQ(trace->days(), 1u);
  EXPECT_EQ(trace->begin(), WallTime(std::chrono::sys_days(std::chrono::year(2017) / 3 / 1).time_since_epoch()));
  EXPECT_NEAR(trace->at(trace->begin() + minutes(90)).value(), -0.002, 1e-9);
  EXPECT_NEAR(trace->at(trace->begin() + hours(100)).value(), 0.020, 1e-9);
}

TEST_F(PriceFile, AnHourThatIsMissingIsNamedByItsLine) {
  const auto trace = read(day("ts_local,price_eur_per_mwh", "2017-03-01T06:00:00"));
  ASSERT_FALSE(trace);
  EXPECT_NE(trace.error().text.find(":7:"), std::string::npos) << trace.error().text;
}

TEST_F(PriceFile, WhatIsNoPriceIsRefused) {
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("t_s,load_w\n0,5\n300,5\n"));
  EXPECT_FALSE(read("t_s,price_usd_per_mwh\n0,5\n"));  // less than a day
  EXPECT_FALSE(read("t_s,price_usd_per_mwh\n0,nan\n300,5\n"));
  EXPECT_FALSE(read("t_s,price_usd_per_mwh\n0,5\n300,1e9\n"));  // some other unit
  EXPECT_FALSE(read("t_s,price_usd_per_mwh\n60,5\n360,5\n"));
}

TEST(PriceTraces, TheRecordedYearsAreComplete) {
  EXPECT_EQ(recorded("5min")->days(), 365u);
  EXPECT_EQ(recorded("5min")->step, minutes(5));
  for (const char* name : {"dayahead-de", "dayahead-pjm"}) {
    EXPECT_EQ(recorded(name)->days(), 365u);
    EXPECT_EQ(recorded(name)->step, hours(1));
  }
  EXPECT_FALSE(load_price_trace("nowhere", kData));
}

// ---- What is known of it

TEST(PriceFeeds, OfARealTimePriceOnlyThePresentSlotIsKnown) {
  const auto prices = recorded("5min");
  PriceFeed feed({.prices = prices, .published = {}, .late = minutes(5)});
  Snapshot snapshot;
  snapshot.wall = prices->begin() + minutes(12);
  feed.tell(snapshot);
  ASSERT_TRUE(snapshot.money.prices);
  EXPECT_EQ(snapshot.money.prices->slots.size(), 1u);
  const PriceSlot* now = snapshot.money.prices->at(snapshot.wall);
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->begin, prices->begin() + minutes(10));
  // Told a slot late, and with delivery.
  EXPECT_NEAR(now->import_price.value(), 0.05279 + 0.05, 1e-6);
  EXPECT_NEAR(feed.import_price(snapshot.wall).value(), 0.04568 + 0.05, 1e-6);
}

TEST(PriceFeeds, TomorrowIsKnownFromThePublicationOn) {
  const auto prices = recorded("dayahead-de");
  PriceFeed feed({.prices = prices, .published = hours(13)});
  Snapshot snapshot;
  const WallTime tomorrow = prices->begin() + hours(30);
  snapshot.wall = prices->begin() + hours(13) - seconds(1);
  feed.tell(snapshot);
  EXPECT_NE(snapshot.money.prices->at(prices->begin()), nullptr);
  EXPECT_EQ(snapshot.money.prices->at(tomorrow), nullptr);
  snapshot.wall += seconds(1);
  feed.tell(snapshot);
  ASSERT_NE(snapshot.money.prices->at(tomorrow), nullptr);
  EXPECT_EQ(snapshot.money.prices->at(tomorrow)->import_price, feed.import_price(tomorrow));
}

TEST(PriceFeeds, SellingNeverPaysMoreThanBuyingCosts) {
  const PriceFeed feed({.prices = hourly({-0.10F, 0.04F}), .published = hours(13)});
  const WallTime begin = feed.spec().prices->begin();
  EXPECT_NEAR(feed.export_price(begin).value(), -0.05, 1e-6);
  EXPECT_NEAR(feed.export_price(begin + hours(1)).value(), 0.03, 1e-9);
}

// ---- Perfect foresight

PriceForesightSpec on_off(double watts) {
  PriceForesightSpec spec;
  spec.miner.spec = plant_spec("ideal-on-off:" + std::to_string(static_cast<int>(watts))).value();
  spec.curve = straight_curve(spec.miner.spec);
  spec.hash_price = PricePerThsDay(0.10 * 24.0 * 0.020);  // 0.10 a kWh at 20 J/TH
  spec.start_cost = Money(0.01);
  spec.slot = hours(1);
  return spec;
}

TEST(PriceForesight, RidesThroughWhatCostsLessThanAStart) {
  // 1 kW earns 0.10 an hour. The second hour loses 0.005, less than a start; the fourth 0.02, more than one.
  const std::vector<double> prices{0.05, 0.105, 0.05, 0.12, 0.05};
  const PriceForesight best = price_foresight(prices, on_off(1000.0));
  EXPECT_NEAR(best.net.value(), 3 * 0.05 - 0.005 - 2 * 0.01, 1e-9);
  EXPECT_EQ(best.starts, 2u);
  EXPECT_NEAR(best.running_s, 4 * 3600.0, 1e-9);
  EXPECT_NEAR(best.mined.value(), 4000.0, 1e-6);
}

TEST(PriceForesight, NothingIsBestWhereNothingEarns) {
  const std::vector<double> prices{0.12, 0.11, 0.2};
  EXPECT_EQ(price_foresight(prices, on_off(1000.0)).net.value(), 0.0);
}

TEST(PriceForesight, PaysForWakeAndSleepAtTheirPrices) {
  PriceForesightSpec spec = on_off(1000.0);
  spec.miner.spec.dynamics.wake = seconds(100);
  spec.miner.spec.dynamics.sleep_power = Watts(50.0);
  spec.miner.spec.wake_extra = Watts(150.0);
  // 60 s at 200 W, 40 s rising to 1 kW, then the rest of the hour hashes.
  const double wake_kwh = (60.0 * 0.2 + 40.0 * 0.6) / 3600.0;
  EXPECT_NEAR(price_foresight(std::vector{0.02}, spec).net.value(), 0.08 * 3500.0 / 3600.0 - 0.01 - 0.02 * wake_kwh,
              1e-9);
  EXPECT_NEAR(price_foresight(std::vector{0.15, 0.12}, spec).net.value(), -0.05 * 0.27, 1e-9);
}

TEST(PriceForesight, AWiderRangeNeverEarnsLess) {
  const auto& year = recorded("5min")->per_kwh;
  std::vector<double> prices;
  for (std::size_t slot = 0; slot < 30 * 288; ++slot) prices.push_back(static_cast<double>(year[slot]) + 0.05);
  PriceForesightSpec narrow = on_off(3000.0), wide = narrow;
  narrow.slot = wide.slot = minutes(5);
  narrow.hash_price = wide.hash_price = PricePerThsDay(0.075 * 24.0 * 0.020);
  wide.miner.spec = plant_spec("ideal:3000").value();
  EXPECT_GT(price_foresight(prices, wide).net, price_foresight(prices, narrow).net);
}

/// Switches at random, and to random powers.
class Erratic final : public Policy {
 public:
  explicit Erratic(std::uint64_t seed) : random_(seed) {}
  void step(const Snapshot& snapshot, Decision& decision) override {
    if (snapshot.now < next_) return;
    next_ = snapshot.now + seconds(120 + static_cast<int>(random_.uniform(0.0, 7200.0)));
    MinerDecision& order = decision.miners[0];
    const Envelope& envelope = snapshot.miners[0].envelope;
    order.wanted = random_.uniform() < 0.4                           ? CommandKind::sleep
                   : snapshot.miners[0].state == MinerState::running ? CommandKind::target
                                                                     : CommandKind::wake;
    order.target = envelope.floor(Watts(random_.uniform(envelope.min.value(), envelope.max.value())));
    ++order.sequence;
  }

 private:
  Random random_;
  MonoTime next_{};
};

TEST(PriceForesight, NobodyBeatsIt) {
  for (const char* plant :
       {"ideal-on-off:3250", "ideal:3000", "luxos-target", "luxos-profile", "braiins-slow", "plug"}) {
    for (const bool own_curve : {false, true}) {
      PriceCase bench = case_of(recorded("5min"), plant);
      if (own_curve) bench.curve = plant_curve(bench.plant);
      bench.first_day = 40;
      bench.days = 12;
      bench.break_even = PricePerKwh(own_curve ? 0.04 : 0.028);
      const PriceYardstick by = price_yardstick(bench);
      for (const Contender& who : price_contenders()) {
        if (who.id == "oracle") continue;
        EXPECT_LE(play(bench, who.id).net(by.idle, bench.start_cost), by.best) << plant << " " << who.id;
      }
    }
  }
}

TEST(PriceForesight, NotEvenChanceBeatsIt) {
  const PriceCase base = case_of(recorded("5min"), "luxos-target");
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    PriceCase bench = base;
    bench.seed = seed;
    bench.first_day = 20 * seed;
    bench.days = 1;
    bench.tick = seconds(1);
    const PriceYardstick by = price_yardstick(bench);
    Erratic erratic(seed);
    EXPECT_LE(play(bench, erratic).net(by.idle, bench.start_cost), by.best) << "seed " << seed;
  }
}

// ---- Runs

TEST(PriceBench, MoneyIsEnergyTimesPrice) {
  // One price all day: what mining changed at the meter is what the miner drew, asleep and waking included.
  PriceCase bench = case_of(hourly(std::vector<float>(48, 0.01F)), "luxos-target");
  const PriceOutcome idle = play(bench, "idle"), run = play(bench, "always-on");
  const double drawn_kwh = (run.score.mined + run.score.standby).value() / 1000.0;
  EXPECT_NEAR((run.energy_cost - idle.energy_cost).value(), drawn_kwh * 0.06, 1e-6);
  EXPECT_NEAR(idle.energy_cost.value(), 48 * 0.3 * 0.06, 1e-6);
  // Every kWh while hashing earns break-even and delivery.
  EXPECT_NEAR(run.revenue.value(), run.score.mined.value() / 1000.0 * 0.075, 0.01);
  EXPECT_LT(run.revenue.value(), run.score.mined.value() / 1000.0 * 0.075);  // the wake hashes nothing
  EXPECT_EQ(run.score.starts, 1u);
}

TEST(PriceBench, TicksOfTenSecondsTellTheSameAsOfOne) {
  PriceCase bench = case_of(recorded("5min"), "luxos-target");
  bench.days = 5;
  const double coarse = play(bench, "threshold").net(play(bench, "idle"), bench.start_cost).value();
  bench.tick = seconds(1);
  const double fine = play(bench, "threshold").net(play(bench, "idle"), bench.start_cost).value();
  EXPECT_NEAR(coarse, fine, 0.002 * std::fabs(fine));
}

TEST(PriceBench, TheBestHoursAreFoundOverMidnight) {
  std::vector<float> day(24, 0.06F);
  for (const std::size_t cheap : {22, 23, 0, 1, 2}) day[cheap] = 0.01F;
  std::vector<float> days = day;
  days.insert(days.end(), day.begin(), day.end());
  const CronTable table = best_cron_table(case_of(hourly(days), "ideal-on-off:3000"));
  EXPECT_EQ(table.from_hour, 22);
  EXPECT_EQ(table.to_hour, 3);
  EXPECT_FALSE(table.never);
  EXPECT_TRUE(best_cron_table(case_of(hourly(std::vector<float>(24, 0.5F)), "ideal-on-off:3000")).never);
}

// The rules as others measured them on the same year, with the price told when its five minutes are over: a plain
// threshold 83.9 % of perfect foresight with 6.7 starts a day, with a band of 4 $/MWh 93.2 % with 1.8.
TEST(PriceBench, SimpleRulesEarnWhatTheyAreKnownToEarn) {
  PriceCase bench = case_of(recorded("5min"), "ideal-on-off:3250");
  bench.late = minutes(5);
  bench.bias_span = 0.0;
  const PriceYardstick by = price_yardstick(bench);
  const auto share = [&](const PriceOutcome& run) { return 100.0 * (run.net(by.idle, bench.start_cost) / by.best); };
  const PriceOutcome plain = play(bench, "threshold"), band = play(bench, "threshold-band");
  EXPECT_NEAR(share(plain), 83.9, 1.0);
  EXPECT_NEAR(plain.score.starts / 365.0, 6.7, 0.1);
  EXPECT_NEAR(share(band), 93.2, 1.0);
  EXPECT_NEAR(band.score.starts / 365.0, 1.8, 0.1);
}

// What the product is asked for: at least 93 % of perfect foresight with at most two starts a day.
TEST(PriceBench, TheProductBuysNearlyAsWellAsForesight) {
  for (const char* plant : {"ideal-on-off:3250", "luxos-target"}) {
    for (const int late_min : {0, 5}) {
      PriceCase bench = case_of(recorded("5min"), plant);
      bench.days = 45;
      bench.late = minutes(late_min);
      const PriceYardstick by = price_yardstick(bench);
      const PriceOutcome run = play(bench, "sluice");
      EXPECT_GE(run.net(by.idle, bench.start_cost) / by.best, 0.93) << plant << ", " << late_min << " min late";
      EXPECT_LE(run.net(by.idle, bench.start_cost), by.best) << plant;
      EXPECT_LE(run.score.starts, 2 * 45u) << plant;
    }
  }
}

// Sun, a battery and day-ahead prices: the bound holds, and buying by price is worth more than not buying at all.
TEST(PriceBench, WithSunAndBatteryTheBoundHolds) {
  PriceCase bench = case_of(recorded("dayahead-de"), "luxos-target");
  bench.published = hours(13);
  bench.trace = std::make_shared<const Trace>(generated_day(Watts(5000.0), Sky::broken, 4));
  bench.battery = BatterySetup{};
  bench.tick = seconds(1);
  bench.break_even = PricePerKwh(0.035);
  bench.first_day = 118;  // with the negative prices around 1 May
  bench.days = 4;
  const PriceYardstick by = price_yardstick(bench);
  ASSERT_TRUE(by.bound);
  const Money buying = play(bench, "sluice").net(by.idle, bench.start_cost);
  const Money following = play(bench, "sluice-solar").net(by.idle, bench.start_cost);
  EXPECT_LE(buying, by.best);
  EXPECT_LE(following, by.best);
  EXPECT_GT(buying, following);
}

}  // namespace
}  // namespace sluice::sim
