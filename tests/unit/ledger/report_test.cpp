#include "ledger/report.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ledger/canonical.hpp"

namespace sluice::ledger {
namespace {

LedgerEntry entry(const std::string& subject, CivilDate date, std::int64_t period = kNoPeriod) {
  LedgerEntry made;
  made.subject = subject;
  made.local_day = local_day_of(date);
  made.quarter = made.local_day * 96;
  made.period = period;
  return made;
}

TEST(Canonical, IsOneLineInAFixedOrder) {
  LedgerEntry one = entry("s19", {2026, 5, 31}, 2);
  one.sequence = 7;
  one.amounts[Amount::curtailed_uwh] = 1;
  one.amounts[Amount::hash_priced_ms] = -9;
  const std::string text = canonical(one);
  EXPECT_TRUE(text.starts_with("v1|7|1977984|20604|2|1|0|")) << text;
  EXPECT_TRUE(text.ends_with("|0|-9|s19")) << text;
  // A name cannot pass for an amount.
  one.subject = "1|s19";
  EXPECT_NE(canonical(one), text);
}

TEST(Civil, GoesThereAndBack) {
  EXPECT_EQ(civil(0), (CivilDate{1970, 1, 1}));
  EXPECT_EQ(local_day_of({2026, 5, 31}), 20604);
  for (std::int64_t day = -800; day < 40'000; ++day) EXPECT_EQ(local_day_of(civil(day)), day);
  EXPECT_EQ(bucket_name(local_day_of({2024, 2, 29}), Bucket::day), "2024-02-29");
  EXPECT_EQ(bucket_name(0, Bucket::month), "undated");
}

TEST(Balance, IsAgainstNeverMining) {
  Totals totals;
  LedgerEntry miner = entry("s19", {2026, 5, 31}), site = entry("", {2026, 5, 31});
  miner.amounts[Amount::mined_uwh] = 10'000'000'000;
  miner.amounts[Amount::revenue_n] = 1'500'000'000;
  miner.amounts[Amount::heat_n] = 200'000'000;
  miner.amounts[Amount::import_cost_n] = 300'000'000;
  miner.amounts[Amount::lost_export_n] = 400'000'000;
  miner.amounts[Amount::grid_unpriced_uwh] = 500'000'000;
  site.amounts[Amount::bought_uwh] = 5'000'000'000;
  site.amounts[Amount::bought_n] = 2'000'000'000;
  site.amounts[Amount::sold_n] = 100'000'000;
  totals.add(miner);
  totals.add(site);
  const Balance balance = balance_of(totals);
  EXPECT_NEAR(balance.net, 1.0, 1e-9);
  EXPECT_NEAR(balance.unpriced_kwh, 0.5, 1e-9);
  EXPECT_NEAR(*balance.bill, 1.9, 1e-9);
  EXPECT_NEAR(*balance.bill_without, 1.2, 1e-9);
  EXPECT_FALSE(balance.always_net) << "never known";
  EXPECT_FALSE(balance.sats);
}

TEST(Reconciliation, AlarmsAboveThreePerCentAndNotForACount) {
  Amounts site;
  EXPECT_FALSE(reconcile(site).pct) << "no counters";
  site[Amount::counter_bought_uwh] = 10'000'000'000;
  site[Amount::metered_bought_uwh] = 9'750'000'000;
  Reconciliation out = reconcile(site);
  EXPECT_NEAR(*out.pct, 2.5, 1e-9);
  EXPECT_FALSE(alarming(out));
  // What is missing when selling does not make up for what is too much when buying.
  site[Amount::counter_sold_uwh] = 1'000'000'000;
  site[Amount::metered_sold_uwh] = 1'250'000'000;
  out = reconcile(site);
  EXPECT_NEAR(out.unexplained_wh, 500.0, 1e-9);
  EXPECT_NEAR(out.around_zero_wh, 0.0, 1e-9);
  EXPECT_TRUE(alarming(out));
  // Half a kWh went to and fro within the seconds.
  site[Amount::counter_sold_uwh] = 1'500'000'000;
  site[Amount::metered_sold_uwh] = 1'250'000'000;
  out = reconcile(site);
  EXPECT_NEAR(out.unexplained_wh, 0.0, 1e-9);
  EXPECT_NEAR(out.around_zero_wh, 250.0, 1e-9);
  EXPECT_FALSE(alarming(out)) << "2.2 %";
  site[Amount::metered_bought_uwh] = 9'500'000'000;
  site[Amount::metered_sold_uwh] = 1'000'000'000;
  EXPECT_TRUE(alarming(reconcile(site))) << "a meter whose watts are too small by the same share both ways";
  Amounts small;
  small[Amount::counter_bought_uwh] = 1'000'000'000;
  small[Amount::metered_bought_uwh] = 900'000'000;
  EXPECT_FALSE(alarming(reconcile(small))) << "100 Wh are a count or two of a coarse counter";
}

TEST(BreakEven, SaysWhichPeriodsFlip) {
  std::vector<LedgerEntry> entries;
  const auto month = [&](int number, double hash_price) {
    LedgerEntry miner = entry("s19", {2026, number, 10});
    miner.amounts[Amount::mined_uwh] = 1'000'000'000;  // 1 kWh
    miner.amounts[Amount::work_gh] = 50'000 * 3600;    // 50 TH/s for an hour: 20 J/TH
    entries.push_back(miner);
    int period = 0;
    for (const double price : {0.06, 0.11, 0.30}) {
      LedgerEntry site = entry("", {2026, number, 10}, period++);
      site.amounts[Amount::import_priced_ms] = site.amounts[Amount::hash_priced_ms] = 900'000;
      site.amounts[Amount::import_price_n_s] = std::llround(price * 1e9 * 900);
      site.amounts[Amount::hash_price_n_s] = std::llround(hash_price * 1e9 * 900);
      entries.push_back(site);
    }
  };
  EXPECT_FALSE(break_even_move(entries));
  month(4, 0.06);
  EXPECT_FALSE(break_even_move(entries));
  month(5, 0.045);
  const auto move = break_even_move(entries);
  ASSERT_TRUE(move);
  EXPECT_EQ(move->before, "2026-04");
  EXPECT_EQ(move->after, "2026-05");
  EXPECT_NEAR(move->earlier, 0.06 * 50 / 24, 1e-9);
  EXPECT_NEAR(move->later, 0.045 * 50 / 24, 1e-9);
  ASSERT_EQ(move->flips.size(), 1U) << "0.125 and 0.094: only the period at 0.11 lies between";
  EXPECT_EQ(move->flips[0].period, 1);
  EXPECT_FALSE(move->flips[0].worth_it_now);
}

}  // namespace
}  // namespace sluice::ledger
