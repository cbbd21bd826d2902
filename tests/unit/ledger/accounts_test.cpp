#include <gtest/gtest.h>

#include <cmath>

#include "ledger_test_support.hpp"

namespace sluice::ledger {
namespace {

using namespace testing;

constexpr double kRound = 1800.0;  // of 3600 seconds, each rounded by half a millionth

TEST(Accounts, AnHourOfSunThatWouldHaveBeenSold) {
  House house;
  house.price(0.30, 0.08);
  house.hash_price(0.05);
  Accounts accounts;
  house.read();
  house.tell(accounts);
  auto entries = house.live(accounts, 3600);
  const auto rest = accounts.close();
  entries.insert(entries.end(), rest.begin(), rest.end());
  const Amounts m = miners(entries);
  EXPECT_NEAR(num(m[Amount::mined_uwh]), num(uwh(1200)), kRound);
  EXPECT_EQ(m[EnergySource::export_avoided], m[Amount::mined_uwh]);
  EXPECT_EQ(m[Amount::import_cost_n], 0);
  EXPECT_NEAR(num(m[Amount::lost_export_n]) / 1e9, 1.2 * 0.08, 1e-5);
  EXPECT_NEAR(num(m[Amount::revenue_n]) / 1e9, 60 * 0.05 / 24, 1e-6) << "60 TH/s for an hour";
  EXPECT_EQ(m[Amount::awake_ms], 3'600'000);
  EXPECT_EQ(m[Amount::work_gh], 60'000LL * 3600);
  EXPECT_EQ(m[Amount::mined_unpriced_uwh], 0);
  EXPECT_EQ(m[Amount::msat_unpriced_uwh], m[Amount::mined_uwh]) << "nobody told what a bitcoin costs";
  EXPECT_EQ(site(entries)[Amount::covered_ms], 3'600'000);
  // At 3000 W all the time: 1200 W of it from the sun, at the same 20 J/TH.
  EXPECT_NEAR(num(site(entries)[Amount::always_cost_n]) / 1e9, 1.8 * 0.30, 1e-5);
  EXPECT_NEAR(num(site(entries)[Amount::always_lost_n]) / 1e9, 1.2 * 0.08, 1e-5);
  EXPECT_NEAR(num(site(entries)[Amount::always_revenue_n]) / 1e9, 150 * 0.05 / 24, 1e-5);
}

TEST(Accounts, EachSourceHasItsPriceAndWhatHasNoneIsCountedApart) {
  House house;
  house.site.battery.present = true;
  Accounts accounts;
  const auto live = [&](int seconds) {
    std::vector<LedgerEntry> closed;
    for (int i = 0; i < seconds; ++i) {
      house.step();
      house.snapshot.battery.power = Reading<Watts>::good(Watts(200), house.snapshot.now);
      for (LedgerEntry& entry : house.tell(accounts)) closed.push_back(entry);
    }
    return closed;
  };
  house.set_grid(Watts(300));
  live(1);
  live(800);
  Amounts m = miners(accounts.close());
  EXPECT_NEAR(num(m[EnergySource::grid]), num(uwh(300 * 800 / 3600.0)), kRound);
  EXPECT_NEAR(num(m[EnergySource::battery]), num(uwh(200 * 800 / 3600.0)), kRound);
  EXPECT_NEAR(num(m[EnergySource::export_avoided]), num(uwh(700 * 800 / 3600.0)), kRound);
  EXPECT_EQ(sources(m), m[Amount::mined_uwh]);
  EXPECT_EQ(m[Amount::grid_unpriced_uwh], m[EnergySource::grid]);
  EXPECT_EQ(m[Amount::export_unpriced_uwh], m[EnergySource::export_avoided]);
  EXPECT_EQ(m[Amount::battery_unpriced_uwh], m[EnergySource::battery]);
  EXPECT_EQ(m[Amount::mined_unpriced_uwh], m[Amount::mined_uwh]) << "no hash price";
  EXPECT_EQ(m[Amount::import_cost_n], 0);
  EXPECT_EQ(m[Amount::revenue_n], 0);
  EXPECT_NEAR(num(m[Amount::work_gh]), 60e3 * 800, 60e3) << "what it did is known without a price";

  house.price(-0.02, 0.0);
  house.snapshot.miner_money[0].heat_value = Reading<PricePerKwh>::good(PricePerKwh(0.1), house.snapshot.now);
  live(1);
  accounts.close();
  live(90);
  m = miners(accounts.close());
  EXPECT_NEAR(num(m[Amount::import_cost_n]), -0.02 * num(m[EnergySource::grid]), 50)
      << "who is paid for buying earns by it";
  EXPECT_NEAR(num(m[Amount::heat_n]), 0.1 * num(m[Amount::mined_uwh]), 50);
}

TEST(Accounts, WithoutABalanceTheSourceIsUnknown) {
  House house;
  house.price(0.3, 0.1);
  Accounts accounts;
  house.read();
  house.tell(accounts);
  struct Case {
    const char* what;
    std::function<void(House&)> spoil;
  };
  const std::vector<Case> cases{
      {"the estimate is not valid", [](House& h) { h.decision.estimate_valid = false; }},
      {"the grid reading is old", [](House& h) { h.snapshot.grid.power.at -= seconds(60); }},
      {"the grid reading is distrusted", [](House& h) { h.snapshot.grid.power.quality = Quality::distrusted; }},
      {"the grid reading is no number", [](House& h) { h.snapshot.grid.power.value = Watts(NAN); }},
      {"a battery says nothing", [](House& h) { h.site.battery.present = true; }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    House spoiled = house;
    Accounts of_it = accounts;
    for (int i = 0; i < 10; ++i) {
      spoiled.step();
      one.spoil(spoiled);
      spoiled.tell(of_it);
    }
    const Amounts m = miners(of_it.close());
    EXPECT_NEAR(num(m[Amount::mined_uwh]), num(uwh(12'000 / 3600.0)), 10);
    EXPECT_EQ(m[EnergySource::unknown], m[Amount::mined_uwh]);
    EXPECT_EQ(m[Amount::import_cost_n], 0);
    EXPECT_EQ(m[Amount::lost_export_n], 0);
  }
}

TEST(Accounts, AGapIsUnknownAndClaimsTwoMinutesAtMost) {
  House house;
  Accounts accounts;
  house.read();
  house.tell(accounts);
  house.step(seconds(60));
  house.tell(accounts);
  Amounts m = miners(accounts.close());
  EXPECT_EQ(m[EnergySource::unknown], uwh(20));
  EXPECT_EQ(m[Amount::mined_uwh], uwh(20));
  house.step(std::chrono::hours(5));
  const auto closed = house.tell(accounts);
  EXPECT_EQ(miners(closed)[Amount::mined_uwh], uwh(40));
  EXPECT_EQ(site(closed)[Amount::gap_ms], 5 * 3'600'000);
  EXPECT_EQ(site(closed)[Amount::covered_ms], 0);
}

TEST(Accounts, EntriesEndWithTheQuarterThePeriodAndTheDay) {
  House house;
  house.set_wall(kMidnightUnixS - 900);
  house.price(0.3, 0.1, 1);
  Accounts accounts;
  house.read();
  house.tell(accounts);
  auto closed = house.live(accounts, 899);
  EXPECT_TRUE(closed.empty());
  closed = house.live(accounts, 1);
  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed[0].subject, "s19");
  EXPECT_EQ(closed[1].subject, "");
  EXPECT_EQ(closed[0].quarter, (kMidnightUnixS - 900) / 900);
  EXPECT_EQ(closed[0].local_day, kDay - 1);
  EXPECT_EQ(closed[0].period, 1);
  EXPECT_EQ(closed[1].amounts[Amount::covered_ms], 900'000);
  house.live(accounts, 100);
  house.price(0.4, 0.1, 2);
  closed = house.live(accounts, 2);
  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed[0].local_day, kDay);
  EXPECT_EQ(closed[0].period, 1);
  house.snapshot.money.prices = nullptr;
  closed = house.live(accounts, 2);
  ASSERT_FALSE(closed.empty());
  EXPECT_EQ(closed[0].period, 2);
  EXPECT_EQ(accounts.open().entries[0].period, kNoPeriod);
}

TEST(Accounts, AClockThatIsSetBackCountsNoSecondTwice) {
  House house;
  Accounts accounts;
  house.read();
  house.tell(accounts);
  std::vector<LedgerEntry> entries = house.live(accounts, 1000);
  const auto take = [&](std::vector<LedgerEntry> closed) {
    entries.insert(entries.end(), closed.begin(), closed.end());
  };
  // An hour back, and for a minute nobody trusts the date.
  house.snapshot.wall -= std::chrono::hours(1);
  house.snapshot.wall_sane = false;
  house.snapshot.local_day = 0;
  take(house.live(accounts, 60));
  house.snapshot.wall_sane = true;
  house.snapshot.local_day = kDay;
  take(house.live(accounts, 1000));
  take(accounts.close());
  EXPECT_EQ(site(entries)[Amount::covered_ms], 2'060'000);
  EXPECT_NEAR(num(miners(entries)[Amount::mined_uwh]), num(uwh(1200 * 2060 / 3600.0)), kRound);
  std::int64_t undated = 0;
  for (const LedgerEntry& entry : entries) {
    if (entry.subject.empty() && entry.quarter == 0) undated += entry.amounts[Amount::covered_ms];
  }
  EXPECT_EQ(undated, 60'000);
}

TEST(Accounts, GoesOnWhereItWasKilled) {
  House house;
  Accounts accounts;
  house.read();
  house.tell(accounts);
  house.live(accounts, 300);
  const OpenInterval kept = accounts.open();
  // Killed; thirty seconds later somebody else goes on.
  Accounts next;
  next.restore(kept);
  EXPECT_EQ(next.open().entries, kept.entries);
  house.step(seconds(30));
  EXPECT_TRUE(house.tell(next).empty());
  house.live(next, 100);
  const auto entries = next.close();
  const Amounts m = miners(entries);
  EXPECT_NEAR(num(m[Amount::mined_uwh]), num(uwh(1200 * 430 / 3600.0)), kRound);
  EXPECT_NEAR(num(m[EnergySource::unknown]), num(uwh(10)), 10) << "the thirty seconds";
  EXPECT_EQ(sources(m), m[Amount::mined_uwh]);
  EXPECT_EQ(site(entries)[Amount::gap_ms], 30'000);
  EXPECT_EQ(site(entries)[Amount::covered_ms], 400'000);
}

TEST(Accounts, ARestartInAnotherQuarterEndsTheOldOne) {
  House house;
  Accounts accounts;
  house.read();
  house.tell(accounts);
  house.live(accounts, 300);
  Accounts next;
  next.restore(accounts.open());
  house.step(std::chrono::hours(2));
  const auto closed = house.tell(next);
  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed[0].quarter, kMidnightUnixS / 900);
  EXPECT_EQ(closed[1].amounts[Amount::gap_ms], 7'200'000);
}

TEST(Accounts, StartsAndStandby) {
  House house;
  Accounts accounts;
  house.read();
  house.tell(accounts);
  house.sleep(0, Watts(25));
  house.live(accounts, 2);
  accounts.close();
  house.live(accounts, 360);
  Amounts m = miners(accounts.close());
  EXPECT_NEAR(num(m[Amount::standby_uwh]), num(uwh(2.5)), 200);
  EXPECT_EQ(m[Amount::standby_uwh], m[Amount::mined_uwh]);
  EXPECT_EQ(m[Amount::awake_ms], 0);
  EXPECT_EQ(m[Amount::starts], 0);
  EXPECT_EQ(m[Amount::mined_unpriced_uwh], 0) << "asleep it earns nothing, and that is known";
  house.snapshot.miners[0].state = MinerState::waking;
  house.live(accounts, 30);
  house.run(0, Watts(1000));
  house.live(accounts, 30);
  m = miners(accounts.close());
  EXPECT_EQ(m[Amount::starts], 1);
  EXPECT_EQ(m[Amount::awake_ms], 30'000);
}

TEST(Accounts, HashrateComesFromTheMinerElseFromItsCurve) {
  House house;
  house.hash_price(0.05);
  house.site.miners[0].curve.push_back({Watts(1000), TeraHashes(40)});
  house.site.miners[0].curve.push_back({Watts(2000), TeraHashes(90)});
  Accounts accounts;
  const auto live = [&](int count) {
    for (int i = 0; i < count; ++i) {
      house.step();
      house.snapshot.miners[0].hashrate.quality = Quality::missing;
      house.tell(accounts);
    }
    return miners(accounts.close());
  };
  live(1);
  EXPECT_EQ(live(10)[Amount::work_gh], 500'000) << "50 TH/s at 1200 W";
  house.site.miners[0].curve.clear();
  const Amounts m = live(10);
  EXPECT_EQ(m[Amount::work_gh], 0);
  EXPECT_EQ(m[Amount::mined_unpriced_uwh], m[Amount::mined_uwh]);
}

TEST(Accounts, TheMetersOwnCountersAreHeldAgainstItsWatts) {
  House house;
  house.set_grid(Watts(500));
  double bought = 1000.0, sold = 77.0;
  Accounts accounts;
  const auto live = [&](int count, double counter_w) {
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < count; ++i) {
      house.step();
      bought += counter_w / 3600.0;
      house.snapshot.grid.imported = Reading<WattHours>::good(WattHours(std::floor(bought)), house.snapshot.now);
      house.snapshot.grid.exported = Reading<WattHours>::good(WattHours(sold), house.snapshot.now);
      for (LedgerEntry& entry : house.tell(accounts)) entries.push_back(entry);
    }
    for (LedgerEntry& entry : accounts.close()) entries.push_back(entry);
    return site(entries);
  };
  live(1, 500);
  Amounts s = live(850, 500);
  EXPECT_NEAR(num(s[Amount::counter_bought_uwh]), num(uwh(500 * 850 / 3600.0)), num(uwh(1)));
  EXPECT_NEAR(num(s[Amount::metered_bought_uwh]), num(uwh(500 * 850 / 3600.0)), kRound);
  EXPECT_EQ(s[Amount::bought_uwh], s[Amount::metered_bought_uwh]);
  // The watts are a tenth too small.
  s = live(850, 550);
  EXPECT_NEAR(num(s[Amount::counter_bought_uwh] - s[Amount::metered_bought_uwh]), num(uwh(50 * 850 / 3600.0)),
              num(uwh(1.01)));
  // Nobody looked for an hour: the counter alone knows.
  house.step(std::chrono::hours(1));
  bought += 500.0;
  s = live(1, 500);
  EXPECT_NEAR(num(s[Amount::gap_bought_uwh]), num(uwh(500)), num(uwh(1.5)));
  EXPECT_EQ(s[Amount::counter_bought_uwh], 0);
  EXPECT_EQ(s[Amount::bought_uwh], 0);
  // Another meter.
  bought = 3.0;
  s = live(1, 500);
  EXPECT_EQ(s[Amount::counter_resets], 1);
  EXPECT_EQ(s[Amount::counter_bought_uwh], 0);
  s = live(100, 500);
  EXPECT_NEAR(num(s[Amount::counter_bought_uwh]), num(uwh(500 * 100 / 3600.0)), num(uwh(1)));
  EXPECT_EQ(s[Amount::counter_resets], 0);
}

TEST(Accounts, AThrottledHouseGivesWhatItWouldHaveThrownAway) {
  House house;
  house.site.export_limit = Watts(0);
  Accounts accounts;
  house.read();
  house.tell(accounts);
  house.live(accounts, 60);
  Amounts m = miners(accounts.close());
  EXPECT_EQ(m[EnergySource::curtailed], m[Amount::mined_uwh]);
  // No limit is declared, but the inverter says that it throttles at 2 kW of export.
  house.site.export_limit.reset();
  house.set_grid(Watts(-2000));
  const auto throttled = [&] {
    house.step();
    house.snapshot.pv.curtailed = Reading<bool>::good(true, house.snapshot.now);
    house.tell(accounts);
  };
  throttled();
  throttled();
  accounts.close();
  for (int i = 0; i < 60; ++i) throttled();
  m = miners(accounts.close());
  EXPECT_EQ(m[EnergySource::curtailed], m[Amount::mined_uwh]);
}

}  // namespace
}  // namespace sluice::ledger
