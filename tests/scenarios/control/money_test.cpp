/// Prices, what mining brings, and the owner's periods: what the controller makes of them.

#include <gtest/gtest.h>

#include <map>

#include "loop.hpp"

namespace sluice::control {
namespace {

// 0.0624 per TH/s and day: 3 kW and 100 TH/s bring 0.0867 a kWh on average.
constexpr double kHashPrice = 0.0624;

WorkingCurve straight() {
  WorkingCurve curve;
  curve.push_back({Watts(3250.0), TeraHashes(112.7)});
  return curve;
}

/// 2 kW: 75 TH/s, worth 0.0975 a kWh; each kWh beyond, to 3 kW and 100 TH/s, is worth 0.065.
WorkingCurve bent() {
  WorkingCurve curve;
  curve.push_back({Watts(2000.0), TeraHashes(75.0)});
  curve.push_back({Watts(3000.0), TeraHashes(100.0)});
  return curve;
}

/// A loop whose prices change at given seconds after its begin.
struct Market {
  explicit Market(Loop& of) : loop(of) {
    loop.add = [this](Snapshot& snapshot) { add(snapshot); };
  }
  void add(Snapshot& snapshot) {
    if (began == WallTime{}) {
      began = snapshot.wall;
      auto outlook = std::make_shared<PriceOutlook>();
      for (auto it = prices.begin(); it != prices.end(); ++it) {
        const auto next = std::next(it);
        PriceSlot slot;
        slot.begin = began + from_seconds(it->first);
        slot.end = began + from_seconds(next == prices.end() ? it->first + 86400.0 : next->first);
        slot.import_price = PricePerKwh(it->second.first);
        slot.export_price = PricePerKwh(it->second.second);
        outlook->slots.push_back(slot);
      }
      if (!prices.empty()) known = outlook;
    }
    snapshot.money.prices = known;
    if (hash_price > 0.0) {
      snapshot.money.hash_price = Reading<PricePerThsDay>::good(PricePerThsDay(hash_price), snapshot.now);
    }
    if (demand_w >= 0.0) snapshot.money.demand_limit = Reading<Watts>::good(Watts(demand_w), snapshot.now);
    snapshot.miner_money[0] = money;
  }

  Loop& loop;
  std::map<double, std::pair<double, double>> prices;  ///< from this second on: import, export
  double hash_price = kHashPrice;
  double demand_w = -1.0;
  MinerMoney money;
  WallTime began{};
  std::shared_ptr<const PriceOutlook> known;
};

TestMiner asleep() {
  TestMiner miner = luxos_target();
  miner.be_asleep();
  return miner;
}

Loop economic(TestMiner miner, const WorkingCurve& curve) {
  Loop loop({std::move(miner)});
  loop.site.miners[0].strategy = Strategy::economic;
  loop.site.miners[0].curve = curve;
  loop.sun = [](double) { return 0.0; };
  return loop;
}

TEST(Economic, BuysWhatIsCheapAndStopsInTheTickThePriceJumps) {
  Loop loop = economic(asleep(), straight());
  Market market(loop);
  market.prices = {{0.0, {0.03, 0.01}}, {300.0, {9.0, 0.01}}, {600.0, {0.03, 0.01}}};
  loop.run(299);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::worth_buying);
  loop.run(2);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::not_worth_it);
  loop.run(250);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  loop.run(300);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
}

TEST(Economic, StopsInThatTickInTheMiddleOfARampToo) {
  for (int jump_s = 440; jump_s < 480; jump_s += 2) {
    TestMiner slow = vnish_throttle();
    slow.be_asleep();
    Loop loop = economic(std::move(slow), straight());
    Market market(loop);
    loop.load = [](double) { return 0.0; };
    // Sun for its least until 390 s, then energy is cheap for all of it.
    market.prices = {{0.0, {0.09, 0.01}}, {390.0, {0.03, 0.01}}, {static_cast<double>(jump_s), {9.0, 0.01}}};
    loop.sun = [](double t) { return t < 390.0 ? 1500.0 : 0.0; };
    loop.run(jump_s + 1);
    EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep) << jump_s << ": " << loop.mining_w() << " W";
  }
}

TEST(Economic, BuysToTheWattThatStillPaysAndTakesSunBeyond) {
  Loop loop = economic(asleep(), bent());
  loop.site.miners[0].max_power = Watts(3000.0);
  loop.sun = [](double t) { return t < 700.0 ? 0.0 : 3100.0; };  // 2600 W are left over
  Market market(loop);
  market.prices = {{0.0, {0.08, 0.02}}};
  loop.run(400);
  EXPECT_NEAR(loop.mining_w(), 2000.0, 10.0);
  EXPECT_NEAR(loop.decision().miners[0].worth_buying.value(), 2000.0, 10.0);
  EXPECT_NEAR(loop.decision().miners[0].worth_keeping.value(), 3000.0, 1.0);
  loop.run(500);
  EXPECT_NEAR(loop.mining_w(), 2600.0, 30.0);
}

TEST(Economic, FeedsInWhatIsWorthMoreThere) {
  Loop loop = economic(luxos_target(), straight());
  loop.sun = [](double) { return 4000.0; };
  Market market(loop);
  market.prices = {{0.0, {0.30, 0.20}}};
  loop.run(200);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::not_worth_it);
}

TEST(Economic, SolarKnowsAboutTheExportPriceToo) {
  for (const double export_price : {0.02, 0.20}) {
    Loop loop = economic(luxos_target(), straight());
    loop.site.miners[0].strategy = Strategy::solar;
    loop.sun = [](double) { return 4000.0; };
    Market market(loop);
    market.prices = {{0.0, {0.01, export_price}}};
    loop.run(300);
    EXPECT_EQ(loop.miners[0].state == MinerState::running, export_price < 0.08) << export_price;
  }
}

TEST(Economic, BeyondTheExportLimitSunIsFreeWhateverFeedingInBrings) {
  Loop loop = economic(luxos_target(), straight());
  loop.site.export_limit = Watts(1500.0);
  loop.sun = [](double) { return 4000.0; };  // the panels of this house are not throttled: 3500 W are left over
  Market market(loop);
  market.prices = {{0.0, {0.30, 0.20}}};
  loop.run(600);
  EXPECT_NEAR(loop.mining_w(), 2000.0, 60.0);
}

TEST(Economic, WhereFeedingInPaysMoreThanTheGridCostsTheCornersDecide) {
  for (const double sun_w : {500.0, 5000.0}) {
    Loop loop = economic(asleep(), straight());
    loop.load = [](double) { return 500.0; };
    loop.sun = [sun_w](double) { return sun_w; };
    Market market(loop);
    market.prices = {{0.0, {0.05, 0.12}}};  // mining brings 0.09
    loop.run(900);
    EXPECT_EQ(loop.miners[0].state == MinerState::running, sun_w < 1000.0) << sun_w;
  }
}

TEST(Economic, NeverFlapsAroundItsBreakEven) {
  Loop loop = economic(luxos_target(), straight());
  Market market(loop);
  for (int slot = 0; slot < 24; ++slot) {
    const double price = 0.0901 * (slot % 2 == 0 ? 1.005 : 0.995);
    market.prices[300.0 * slot] = {price, 0.01};
  }
  loop.run(7200);
  EXPECT_LE(loop.miners[0].starts, 1);
}

TEST(Economic, BuysNothingAtAPriceThatNobodyKnows) {
  for (const bool no_prices : {true, false}) {
    Loop loop = economic(luxos_target(), straight());
    Market market(loop);
    if (!no_prices) {
      market.prices = {{0.0, {0.01, 0.0}}};
      loop.wall_sane = false;
    }
    loop.run(1200);
    EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
    EXPECT_EQ(loop.decision().miners[0].reason, Reason::price_unknown);
  }
}

TEST(Economic, WithoutAHashPriceOnlySunCounts) {
  Loop loop = economic(luxos_target(), straight());
  loop.sun = [](double t) { return t < 600.0 ? 3000.0 : 0.0; };
  Market market(loop);
  market.prices = {{0.0, {0.01, 0.005}}};
  market.hash_price = 0.0;
  loop.run(400);
  EXPECT_NEAR(loop.mining_w(), 2500.0, 40.0);
  loop.run(1200);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
}

TEST(Economic, HeatThatIsWantedPaysForDearPower) {
  Loop loop = economic(asleep(), straight());
  Market market(loop);
  market.prices = {{0.0, {0.15, 0.01}}};
  loop.run(300);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  market.money.heat_value = Reading<PricePerKwh>::good(PricePerKwh(0.10), MonoTime{});
  loop.run(400);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
}

TEST(Economic, KeepsRunningWithoutAMeterButStillKnowsThePrice) {
  Loop loop = economic(luxos_target(), straight());
  Market market(loop);
  market.prices = {{0.0, {0.03, 0.01}}, {600.0, {0.50, 0.01}}};
  loop.run(300);
  loop.meter_dead = true;
  loop.run(200);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
  loop.run(150);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
}

TEST(Economic, NeverRaisesTheBilledPeak) {
  Loop loop = economic(asleep(), straight());
  loop.load = [](double t) { return t < 900.0 ? 1000.0 : 2500.0; };
  Market market(loop);
  market.prices = {{0.0, {0.03, 0.01}}};
  market.demand_w = 3000.0;
  double most_w = 0.0;
  loop.run(700, [&] { most_w = std::max(most_w, loop.grid_w()); });
  EXPECT_GT(loop.mining_w(), 1700.0);
  EXPECT_LE(most_w, 3010.0);
  loop.run(400);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep) << "500 W are less than its minimum";
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::demand_limit);
}

TEST(Economic, TheBatteryIsNotEmptiedForACheapHour) {
  for (const bool may_hold : {false, true}) {
    Loop loop = economic(asleep(), straight());
    loop.site.battery.present = true;
    loop.site.battery.may_hold = may_hold;
    loop.battery_capacity_wh = 10000.0;
    loop.soc_pct = 60.0;
    Market market(loop);
    market.prices = {{0.0, {0.05, 0.01}}, {7200.0, {0.40, 0.01}}};
    loop.run(600);
    EXPECT_EQ(loop.miners[0].state == MinerState::running, may_hold);
    EXPECT_EQ(loop.decision().hold_battery, may_hold);
  }
}

TEST(Economic, ARoomThatIsTooWarmEndsIt) {
  Loop loop = economic(luxos_target(), straight());
  Market market(loop);
  market.prices = {{0.0, {0.03, 0.01}}};
  loop.run(100);
  market.money.room_too_warm = true;
  loop.run(30);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::room_too_warm);
}

TEST(Schedule, DoesWhatThePeriodSaysAndSleepsOutsideOfThem) {
  Loop loop({asleep()});
  loop.site.miners[0].strategy = Strategy::schedule;
  loop.sun = [](double) { return 5000.0; };
  Market market(loop);
  loop.run(200);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep) << "no period: whatever the sun does";
  market.money.order = PeriodOrder::watts;
  market.money.order_power = Watts(1200.0);
  loop.run(200);
  EXPECT_NEAR(loop.mining_w(), 1200.0, 5.0) << "although there is sun for more";
  market.money.order = PeriodOrder::full;
  loop.run(200);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 5.0);
  market.money.order = PeriodOrder::solar;
  loop.sun = [](double) { return 2500.0; };
  loop.run(200);
  EXPECT_NEAR(loop.mining_w(), 2000.0, 40.0);
  market.money.order = PeriodOrder::sleep;
  loop.run(30);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
}

TEST(Schedule, APeriodOverridesTheStrategy) {
  for (const Strategy strategy : {Strategy::solar, Strategy::full, Strategy::economic}) {
    Loop loop({luxos_target()});
    loop.site.miners[0].strategy = strategy;
    loop.sun = [](double) { return 5000.0; };
    Market market(loop);
    loop.run(100);
    market.money.order = PeriodOrder::sleep;
    loop.run(60);
    EXPECT_EQ(loop.miners[0].state, MinerState::asleep) << static_cast<int>(strategy);
  }
}

TEST(Schedule, WhoIsSwitchedOffStaysSo) {
  Loop loop({asleep()});
  loop.site.miners[0].strategy = Strategy::off;
  Market market(loop);
  market.money.order = PeriodOrder::full;
  loop.run(200);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
}

}  // namespace
}  // namespace sluice::control
