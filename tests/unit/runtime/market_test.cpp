// What a tick may know of money: live, remembered, assumed, or nothing; and what is said about it.

#include "runtime/market.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sim/sim_clock.hpp"

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

/// 2026-01-10T12:00:00Z.
const WallTime kNoon = from_unix_ms(1'768'046'400'000);

class Events final : public ports::Recorder, public ports::Notifier {
 public:
  void record(std::shared_ptr<const Snapshot>, std::shared_ptr<const Decision>) override {}
  void record(ports::Event event) override { all.push_back(std::move(event)); }
  std::string degraded() const override { return ""; }
  void notify(const ports::Event&) override {}
  std::vector<ports::Event> all;
};

class MarketTest : public testing::Test {
 protected:
  static MarketSettings settings() {
    MarketSettings made;
    made.currency = "EUR";
    made.fallback_import = PricePerKwh(0.3);
    made.fallback_export = PricePerKwh(0.05);
    return made;
  }
  Market& with(MarketSettings made, TariffOutlook tariff = {}) {
    market_.emplace(std::move(made), std::move(tariff), clock_, announcer_);
    return *market_;
  }
  /// Hours from noon on, each a cent dearer than the one before.
  static std::shared_ptr<FeedReport> feed(int count = 12, double first = 0.10) {
    auto report = std::make_shared<FeedReport>();
    report->feed = "awattar";
    for (int i = 0; i < count; ++i)
      report->series.push_back({kNoon + i * 1h, kNoon + (i + 1) * 1h, PricePerKwh(first + 0.01 * i)});
    report->heard = kNoon;
    report->max_age = 26h;
    report->tried = true;
    return report;
  }
  static LiveReports reports(std::shared_ptr<const FeedReport> bought, std::shared_ptr<const FeedReport> sold = {}) {
    return {std::move(bought), std::move(sold), {}};
  }
  static LiveReports hash(double price, std::optional<WallTime> heard) {
    auto report = std::make_shared<HashPriceReport>();
    report->price = PricePerThsDay(price);
    report->heard = heard;
    report->bitcoin_price = 90'000.0;
    report->tried = true;
    return {{}, {}, report};
  }
  MoneyObservation observe() const { return market_->observe(clock_.now(), clock_.wall_now(), clock_.wall_sane()); }
  std::optional<PriceSlot> now() const {
    const auto money = observe();
    const PriceSlot* slot = money.prices ? money.prices->at(clock_.wall_now()) : nullptr;
    return slot == nullptr ? std::nullopt : std::optional(*slot);
  }

  sim::SimClock clock_{kNoon};
  NullLog log_;
  Events events_;
  Announcer announcer_{clock_, log_, events_, events_};
  std::optional<Market> market_;
};

TEST_F(MarketTest, NothingConfiguredIsNothingKnownAndNothingSaid) {
  MarketSettings bare;
  with(bare).take({});
  EXPECT_EQ(observe().prices, nullptr);
  EXPECT_FALSE(observe().hash_price.usable());
  EXPECT_EQ(market_->view()->state, PriceState::none);
  EXPECT_TRUE(events_.all.empty());
}

TEST_F(MarketTest, WithoutASaneClockThereIsNoPrice) {
  with(settings()).take(reports(feed()));
  ASSERT_TRUE(now());
  clock_.trust_wall(false);
  EXPECT_EQ(observe().prices, nullptr);
  market_->take(reports(feed()));
  EXPECT_EQ(observe().prices, nullptr);
  EXPECT_TRUE(events_.all.empty());
}

TEST_F(MarketTest, FromLiveToRememberedToAssumedAndBackAndSaysSo) {
  with(settings());
  auto report = feed(20);
  market_->take(reports(report));
  EXPECT_DOUBLE_EQ(now()->import_price.value(), 0.10);
  EXPECT_EQ(now()->kind, PriceKind::published);
  EXPECT_EQ(market_->view()->state, PriceState::known);

  auto gone = std::make_shared<FeedReport>(*report);
  gone->trouble = "host: connection refused";
  clock_.advance(3h);
  market_->take(reports(gone));
  EXPECT_DOUBLE_EQ(now()->import_price.value(), 0.13);
  EXPECT_EQ(market_->view()->state, PriceState::remembered);
  EXPECT_TRUE(events_.all.empty()) << "nothing is missing yet";

  clock_.advance(18h);
  market_->take(reports(gone));
  EXPECT_DOUBLE_EQ(now()->import_price.value(), 0.3);
  EXPECT_DOUBLE_EQ(now()->export_price.value(), 0.05);
  EXPECT_EQ(now()->kind, PriceKind::fallback);
  EXPECT_EQ(market_->view()->state, PriceState::fallback);
  EXPECT_EQ(market_->view()->since, kNoon + 21h);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].level, ports::EventLevel::alarm);
  EXPECT_EQ(events_.all[0].text,
            "the price of energy is not known: 0.3000 EUR/kWh is assumed (awattar: host: connection refused, last "
            "heard 21.0 h ago)");

  clock_.advance(1h);
  market_->take(reports(gone));
  EXPECT_EQ(events_.all.size(), 1U) << "once";
  EXPECT_EQ(market_->view()->since, kNoon + 21h);
  auto back = feed(48);
  back->heard = clock_.wall_now();
  market_->take(reports(back));
  EXPECT_EQ(market_->view()->state, PriceState::known);
  EXPECT_TRUE(events_.all.back().cleared);
}

TEST_F(MarketTest, WhatIsTooOldIsNotUsedHoweverFarItReaches) {
  MarketSettings made = settings();
  made.max_age = 2h;
  with(made);
  clock_.advance(2h + 1s);
  market_->take(reports(feed()));
  EXPECT_EQ(now()->kind, PriceKind::fallback);
}

TEST_F(MarketTest, WithoutAnAssumptionAGapIsAGap) {
  MarketSettings made = settings();
  made.fallback_import.reset();
  with(made);
  market_->take(reports(feed(2)));
  clock_.advance(5h);
  market_->take(reports(feed(2)));
  EXPECT_FALSE(now());
  EXPECT_EQ(market_->view()->state, PriceState::missing);
  EXPECT_NE(events_.all.at(0).text.find("nothing is bought for its price"), std::string::npos);
}

TEST_F(MarketTest, BeforeAnybodyWasAskedNothingIsSaid) {
  auto silent = std::make_shared<FeedReport>();
  silent->feed = "awattar";
  with(settings()).take(reports(silent));
  EXPECT_EQ(now()->kind, PriceKind::fallback);
  EXPECT_EQ(market_->view()->state, PriceState::waiting);
  EXPECT_TRUE(events_.all.empty());
}

TEST_F(MarketTest, AShortHoleIsBridgedALongOneIsAssumed) {
  auto holes = feed(12);
  holes->series.erase(holes->series.begin() + 8, holes->series.begin() + 10);
  holes->series.erase(holes->series.begin() + 3);
  with(settings()).take(reports(holes));
  const auto outlook = observe().prices;
  EXPECT_DOUBLE_EQ(outlook->at(kNoon + 3h + 1min)->import_price.value(), 0.12) << "one hour: the price before";
  EXPECT_EQ(outlook->at(kNoon + 8h + 1min)->kind, PriceKind::fallback) << "two hours: nobody knows";
  EXPECT_DOUBLE_EQ(outlook->at(kNoon + 10h)->import_price.value(), 0.20);
}

TEST_F(MarketTest, AddersApplyToNegativePricesToo) {
  MarketSettings made = settings();
  made.multiplier = 1.19;
  made.adder = PricePerKwh(0.18);
  with(made).take(reports(feed(1, -0.05), feed(1, -0.05)));
  EXPECT_NEAR(now()->import_price.value(), -0.05 * 1.19 + 0.18, 1e-12);
  EXPECT_DOUBLE_EQ(now()->export_price.value(), -0.05) << "feeding in costs, and nobody makes a zero of it";
}

TEST_F(MarketTest, BuyingByTheHourAndSellingByTheQuarter) {
  auto sold = std::make_shared<FeedReport>(*feed(1));
  sold->series = {{kNoon, kNoon + 15min, PricePerKwh(0.01)}, {kNoon + 15min, kNoon + 45min, PricePerKwh(0.02)}};
  with(settings()).take(reports(feed(2), sold));
  const auto outlook = observe().prices;
  EXPECT_DOUBLE_EQ(outlook->at(kNoon + 20min)->export_price.value(), 0.02);
  EXPECT_DOUBLE_EQ(outlook->at(kNoon + 20min)->import_price.value(), 0.10);
  EXPECT_DOUBLE_EQ(outlook->at(kNoon + 50min)->export_price.value(), 0.05) << "not told: as assumed";
  for (std::size_t i = 1; i < outlook->slots.size(); ++i) EXPECT_LE(outlook->slots[i - 1].end, outlook->slots[i].begin);
}

TEST_F(MarketTest, ATariffGetsTheLiveEnergyAndItsGapsAreAssumed) {
  bool had_energy = false;
  const auto tariff = [&](const Announced& announced, WallTime from, WallTime to) {
    const PriceOutlook* energy = announced.energy;
    had_energy = energy != nullptr && announced.exported == nullptr && from < kNoon && to > kNoon;
    PriceOutlook made;
    made.slots.push_back({kNoon, kNoon + 1h, energy->slots[0].import_price + PricePerKwh(1.0), PricePerKwh(0.0)});
    return made;
  };
  with(settings(), tariff).take(reports(feed()));
  EXPECT_TRUE(had_energy);
  EXPECT_DOUBLE_EQ(now()->import_price.value(), 1.10);
  EXPECT_EQ(observe().prices->at(kNoon + 2h)->kind, PriceKind::fallback);
}

TEST_F(MarketTest, FlagsOfTheSourceArrive) {
  auto spike = feed(2);
  spike->series[0].event = true;
  spike->series[0].demand_window = true;
  spike->series[0].price = PricePerKwh(9.0);
  with(settings()).take(reports(spike));
  EXPECT_TRUE(now()->event);
  EXPECT_TRUE(now()->demand_window);
  EXPECT_DOUBLE_EQ(now()->import_price.value(), 9.0);
}

// ---- what mining is worth -------------------------------------------------------------------------------------------

TEST_F(MarketTest, PoolFeeAndRejectedSharesAreTakenOff) {
  MarketSettings made = settings();
  made.pool_fee = Percent(2.0);
  made.accepted_share = Percent(99.0);
  with(made).take(hash(0.039, kNoon));
  ASSERT_TRUE(observe().hash_price.usable());
  EXPECT_NEAR(observe().hash_price.value.value(), 0.039 * 0.98 * 0.99, 1e-12);
  EXPECT_EQ(observe().bitcoin_price.value.value(), 90'000.0);
}

TEST_F(MarketTest, AfterSixHoursItIsSaidAfterADayItIsNotKnown) {
  with(settings());
  clock_.advance(5h);
  market_->take(hash(0.039, kNoon));
  EXPECT_TRUE(events_.all.empty());
  clock_.advance(2h);
  market_->take(hash(0.039, kNoon));
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_NE(events_.all[0].text.find("what mining brings was last heard 7.0 h ago"), std::string::npos);
  ASSERT_TRUE(observe().hash_price.usable());
  EXPECT_EQ(observe().hash_price.age(clock_.now()), Duration(7h));
  clock_.advance(17h + 1s);
  EXPECT_FALSE(observe().hash_price.usable()) << "grid energy is not bought on it; the sun is still used";
  market_->take(hash(0.041, clock_.wall_now()));
  EXPECT_TRUE(observe().hash_price.usable());
  EXPECT_TRUE(events_.all.back().cleared);
}

TEST_F(MarketTest, AFixedValueNeitherAgesNorNeedsAClock) {
  with(settings()).take(hash(0.05, std::nullopt));
  clock_.advance(1000h);
  clock_.trust_wall(false);
  EXPECT_EQ(observe().hash_price.value.value(), 0.05);
  clock_.trust_wall(true);
  market_->take(hash(0.05, kNoon));
  clock_.trust_wall(false);
  EXPECT_FALSE(observe().hash_price.usable()) << "how old it is cannot be told";
}

}  // namespace
}  // namespace sluice::runtime
