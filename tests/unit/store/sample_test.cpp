#include "store/sample.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "history_test_support.hpp"

namespace sluice::store {
namespace {

using testing::decision_of;
using testing::ManualClock;
using testing::names;
using testing::snapshot_at;

class SampleTest : public ::testing::Test {
 protected:
  std::int32_t value(SiteSeries series) { return make_sample(snapshot, decision, miners).values[index_of(series)]; }
  std::int32_t value(MinerSeries series) { return make_sample(snapshot, decision, miners).values[index_of(series, 0)]; }

  ManualClock clock;
  std::shared_ptr<const MinerNames> miners = names({"s19"});
  Snapshot snapshot = snapshot_at(clock, -120.6);
  Decision decision = decision_of(snapshot);
};

TEST_F(SampleTest, NamesStandInTheOrderOfTheValues) {
  const auto all = series_names({"a", "b"});
  ASSERT_EQ(all.size(), kSiteSeries + 2 * kMinerSeries);
  EXPECT_EQ(all[index_of(SiteSeries::grid_w)], "grid_w");
  EXPECT_EQ(all[index_of(SiteSeries::soc_pct)], "soc_pct");
  EXPECT_EQ(all[index_of(SiteSeries::surplus_w)], "surplus_w");
  EXPECT_EQ(all[index_of(MinerSeries::target_w, 0)], "miner.a.target_w");
  EXPECT_EQ(all[index_of(MinerSeries::reported_w, 1)], "miner.b.reported_w");
}

TEST_F(SampleTest, StoresWattsAndTenthsOfAPercent) {
  EXPECT_EQ(value(SiteSeries::grid_w), -121);
  EXPECT_EQ(value(SiteSeries::pv_w), 3000);
  EXPECT_EQ(value(SiteSeries::soc_pct), 557);
  EXPECT_EQ(value(SiteSeries::house_w), 400);
  EXPECT_EQ(value(MinerSeries::target_w), 1250);
  EXPECT_EQ(value(MinerSeries::expected_w), 1200);
  EXPECT_EQ(value(MinerSeries::reported_w), 1180);
}

TEST_F(SampleTest, WhatIsMissingDistrustedOrOldIsMissing) {
  snapshot.pv.power.quality = Quality::missing;
  EXPECT_EQ(value(SiteSeries::pv_w), kMissing);
  snapshot.grid.power.quality = Quality::distrusted;
  EXPECT_EQ(value(SiteSeries::grid_w), kMissing);
  snapshot.battery.soc.at = snapshot.now - kSampleMaxAge;
  EXPECT_EQ(value(SiteSeries::soc_pct), 557);
  snapshot.battery.soc.at -= Duration(1);
  EXPECT_EQ(value(SiteSeries::soc_pct), kMissing);
  decision.estimate_valid = false;
  EXPECT_EQ(value(SiteSeries::surplus_w), kMissing);
}

TEST_F(SampleTest, NumbersThatDoNotFitAreLimitedAndNoneIsMistakenForMissing) {
  snapshot.grid.power.value = Watts(1e300);
  EXPECT_EQ(value(SiteSeries::grid_w), std::numeric_limits<std::int32_t>::max());
  snapshot.grid.power.value = Watts(-1e300);
  EXPECT_EQ(value(SiteSeries::grid_w), kMissing + 1);
  snapshot.grid.power.value = Watts(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(value(SiteSeries::grid_w), kMissing);
}

TEST_F(SampleTest, TargetTellsSleepFromLeftAlone) {
  decision.miners[0].wanted = CommandKind::sleep;
  EXPECT_EQ(value(MinerSeries::target_w), 0);
  decision.miners[0].wanted = CommandKind::none;
  EXPECT_EQ(value(MinerSeries::target_w), kMissing);
}

TEST_F(SampleTest, FewerMinersInTheSnapshotThanNamesIsMissingNotACrash) {
  miners = names({"s19", "new"});
  const Sample sample = make_sample(snapshot, decision, miners);
  EXPECT_EQ(sample.values[index_of(MinerSeries::target_w, 0)], 1250);
  EXPECT_EQ(sample.values[index_of(MinerSeries::target_w, 1)], kMissing);
}

TEST(DecisionDiffTest, OnlyWhatChangedIsTold) {
  ManualClock clock;
  const MinerNames miners{"a", "b"};
  Decision decision = decision_of(snapshot_at(clock, 0, 2));
  DecisionDiff diff;
  EXPECT_EQ(diff.changes(decision, miners).size(), 3U);
  decision.wall += std::chrono::seconds(1);
  decision.miners[0].expected_power = Watts(77);
  EXPECT_TRUE(diff.changes(decision, miners).empty());

  decision.miners[1].cuts.add(Reason::circuit_limit);
  auto changed = diff.changes(decision, miners);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].subject, "b");
  EXPECT_EQ(changed[0].unix_ms, unix_ms(decision.wall));
  EXPECT_TRUE(changed[0].cuts.has(Reason::circuit_limit));

  decision.alarms.set(Alarm::grid_lost);
  changed = diff.changes(decision, miners);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].subject, "");
  EXPECT_TRUE(changed[0].alarms.has(Alarm::grid_lost));
  EXPECT_EQ(diff.changes(decision, {"a", "renamed"}).size(), 1U);
}

}  // namespace
}  // namespace sluice::store
