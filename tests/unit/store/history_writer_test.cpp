#include "store/history_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "history_test_support.hpp"
#include "store/history_reader.hpp"

namespace sluice::store {
namespace {

using testing::kStartUnixMs;
using testing::ManualClock;
using testing::names;
using testing::RecordingLog;
using testing::sample_at;
using testing::TemporaryFolder;

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr WallTime kStart = from_unix_ms(kStartUnixMs);
constexpr WallTime kLater = kStart + std::chrono::hours(24 * 365);

class HistoryWriterTest : public ::testing::Test {
 protected:
  void seconds(HistoryWriter& writer, int count, double grid_w = 100) {
    for (int s = 0; s < count; ++s) {
      writer.accept(sample_at(clock, grid_w + s % 60, miners));
      writer.write_due();
      clock.advance(kSecond);
    }
  }
  StoredEvent event(const std::string& code) {
    return {{clock.wall_now(), ports::EventLevel::alarm, code, "s19", "it happened", false}, true};
  }
  HistoryReader reader() {
    auto opened = HistoryReader::open(path);
    EXPECT_TRUE(opened) << opened.error().text;
    return std::move(*opened);
  }
  std::size_t stored_seconds() { return reader().seconds("grid_w", kStart, kLater).value().size(); }

  TemporaryFolder folder;
  std::string path = folder.file("history.db");
  ManualClock clock;
  RecordingLog log;
  std::shared_ptr<const MinerNames> miners = names({"s19"});
};

TEST_F(HistoryWriterTest, SecondsAndRollUpsComeBack) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 1800);
  writer.finish();
  HistoryReader history = reader();
  const auto grid = history.seconds("grid_w", kStart, kLater);
  ASSERT_TRUE(grid) << grid.error().text;
  ASSERT_EQ(grid->size(), 1800U);
  for (std::size_t s = 0; s < grid->size(); ++s) {
    ASSERT_EQ((*grid)[s].at, kStart + kSecond * s);
    ASSERT_EQ((*grid)[s].value, 100.0 + static_cast<double>(s % 60));
  }
  EXPECT_NEAR(history.seconds("soc_pct", kStart, kLater)->front().value.value_or(0), 55.7, 1e-9);
  const auto minutes = history.roll_ups(RollUpStep::minute, "grid_w", kStart, kLater);
  ASSERT_TRUE(minutes) << minutes.error().text;
  ASSERT_EQ(minutes->size(), 30U);
  EXPECT_EQ((*minutes)[7].start, kStart + std::chrono::minutes(7));
  EXPECT_EQ((*minutes)[7].min, 100);
  EXPECT_EQ((*minutes)[7].max, 159);
  EXPECT_NEAR((*minutes)[7].mean, 129.5, 0.51);
  EXPECT_EQ((*minutes)[7].valid, 60U);
  const auto quarters = history.roll_ups(RollUpStep::quarter, "grid_w", kStart, kLater);
  ASSERT_EQ(quarters->size(), 2U);
  EXPECT_EQ((*quarters)[1].valid, 900U);
  EXPECT_TRUE(log.lines().empty());
}

TEST_F(HistoryWriterTest, RangesAreHalfOpen) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 1800);
  writer.finish();
  HistoryReader history = reader();
  const WallTime from = kStart + std::chrono::seconds(890);
  const auto grid = history.seconds("grid_w", from, from + std::chrono::seconds(20));
  ASSERT_EQ(grid->size(), 20U);
  EXPECT_EQ(grid->front().at, from);
  EXPECT_EQ(history.roll_ups(RollUpStep::minute, "grid_w", from, from + std::chrono::seconds(71))->size(), 2U);
}

TEST_F(HistoryWriterTest, MissingIsMissingInSecondsAndUncountedInRollUps) {
  HistoryWriter writer(path, {}, clock, log);
  for (int s = 0; s < 60; ++s) {
    Sample sample = sample_at(clock, -50, miners);
    if (s >= 45) sample.values[index_of(SiteSeries::grid_w)] = kMissing;
    sample.values[index_of(SiteSeries::pv_w)] = kMissing;
    writer.accept(sample);
    clock.advance(kSecond);
  }
  writer.finish();
  HistoryReader history = reader();
  const auto grid = history.seconds("grid_w", kStart, kLater);
  EXPECT_TRUE((*grid)[44].value.has_value());
  EXPECT_FALSE((*grid)[45].value.has_value());
  const auto minutes = history.roll_ups(RollUpStep::minute, "grid_w", kStart, kLater);
  ASSERT_EQ(minutes->size(), 1U);
  EXPECT_EQ(minutes->front().mean, -50);
  EXPECT_EQ(minutes->front().valid, 45U);
  EXPECT_TRUE(history.roll_ups(RollUpStep::minute, "pv_w", kStart, kLater)->empty());
}

TEST_F(HistoryWriterTest, NothingIsCommittedInsideABlock) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 900);
  EXPECT_FALSE(reader().seconds("grid_w", kStart, kLater)) << "no series was stored yet";
  seconds(writer, 1);
  EXPECT_EQ(stored_seconds(), 900U);
}

TEST_F(HistoryWriterTest, EventsAreCommittedAtOnce) {
  HistoryWriter writer(path, {}, clock, log);
  writer.accept(event("grid_lost"));
  writer.write_due();
  const auto events = reader().events(kStart, kLater);
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ(events->front().code, "grid_lost");
  EXPECT_EQ(events->front().subject, "s19");
  EXPECT_EQ(events->front().text, "it happened");
  EXPECT_EQ(events->front().level, ports::EventLevel::alarm);
  EXPECT_EQ(events->front().wall, kStart);
}

TEST_F(HistoryWriterTest, DecisionsComeBackWhole) {
  HistoryWriter writer(path, {}, clock, log);
  DecisionChange change{
      kStartUnixMs + 5, "s19", 42, CommandKind::wake, Watts(1500), Reason::import_held_too_long, {}, {}};
  change.cuts.add(Reason::circuit_limit);
  change.alarms.set(Alarm::miner_lying);
  writer.accept(change);
  writer.finish();
  const auto decisions = reader().decisions(kStart, kLater);
  ASSERT_EQ(decisions->size(), 1U);
  EXPECT_TRUE(decisions->front().same_as(change));
  EXPECT_EQ(decisions->front().unix_ms, change.unix_ms);
}

TEST_F(HistoryWriterTest, EnergyOfADayGrowsOverRestarts) {
  for (int run = 0; run < 2; ++run) {
    HistoryWriter writer(path, {}, clock, log);
    seconds(writer, 1001);
    writer.finish();
  }
  const auto energy = reader().energy(20625, 20625);
  ASSERT_TRUE(energy) << energy.error().text;
  const auto pv = std::find_if(energy->begin(), energy->end(), [](const auto& e) { return e.series == "pv_wh"; });
  ASSERT_NE(pv, energy->end());
  EXPECT_NEAR(pv->amount.covered_s, 2000, 1e-6);
  EXPECT_NEAR(pv->amount.energy_wh, 3000.0 * 2000 / 3600, 1e-6);
}

TEST_F(HistoryWriterTest, AQuarterCutInTwoByARestartIsOnePointAgain) {
  for (int run = 0; run < 2; ++run) {
    HistoryWriter writer(path, {}, clock, log);
    seconds(writer, 90, run == 0 ? 0 : 1000);
    writer.finish();
  }
  const auto quarters = reader().roll_ups(RollUpStep::quarter, "grid_w", kStart, kLater);
  ASSERT_EQ(quarters->size(), 1U);
  EXPECT_EQ(quarters->front().valid, 180U);
  EXPECT_EQ(quarters->front().min, 0);
  EXPECT_EQ(quarters->front().max, 1059);
  EXPECT_NEAR(quarters->front().mean, 524.5, 1);
}

TEST_F(HistoryWriterTest, AClockThatStepsBackBeginsANewBlockAndLosesNothing) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 100);
  for (int s = 0; s < 50; ++s) {
    Sample sample = sample_at(clock, 7, miners);
    sample.unix_ms -= 80'000;
    writer.accept(sample);
    clock.advance(kSecond);
  }
  writer.finish();
  EXPECT_EQ(stored_seconds(), 150U);
}

TEST_F(HistoryWriterTest, TwoTicksInOneSecondLeaveTheLater) {
  HistoryWriter writer(path, {}, clock, log);
  writer.accept(sample_at(clock, 1, miners));
  clock.advance(std::chrono::milliseconds(500));
  writer.accept(sample_at(clock, 2, miners));
  writer.finish();
  const auto grid = reader().seconds("grid_w", kStart, kLater);
  ASSERT_EQ(grid->size(), 1U);
  EXPECT_EQ(grid->front().value, 2.0);
}

TEST_F(HistoryWriterTest, MinersMayChangeOnTheWay) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 10);
  miners = names({"new", "s19"});
  seconds(writer, 10);
  writer.finish();
  HistoryReader history = reader();
  EXPECT_EQ(history.seconds("miner.s19.target_w", kStart, kLater)->size(), 20U);
  EXPECT_EQ(history.seconds("miner.new.target_w", kStart, kLater)->size(), 10U);
}

TEST_F(HistoryWriterTest, SizeIsBoundedAndRollUpsOutliveSeconds) {
  HistoryLimits limits;
  limits.max_bytes = 150'000;
  std::minstd_rand noise(1);
  HistoryWriter writer(path, limits, clock, log);
  // Every sixth second of four days: enough data, quickly.
  for (int s = 0; s < 4 * 86'400; s += 6) {
    writer.accept(sample_at(clock, static_cast<double>(noise() % 4001), miners));
    writer.write_due();
    clock.advance(6 * kSecond);
  }
  writer.finish();
  HistoryReader history = reader();
  const auto grid = history.seconds("grid_w", kStart, kLater);
  const auto quarters = history.roll_ups(RollUpStep::quarter, "grid_w", kStart, kLater);
  ASSERT_TRUE(grid && quarters);
  EXPECT_GT(grid->front().at, kStart + std::chrono::hours(24));
  EXPECT_GE(grid->back().at - grid->front().at, std::chrono::hours(24) - std::chrono::minutes(15));
  EXPECT_LT(quarters->front().start, grid->front().at);
}

TEST_F(HistoryWriterTest, AMissingFolderDegradesOnceAndHealsWithoutLoss) {
  path = folder.file("later/history.db");
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 1000);
  EXPECT_NE(writer.degraded().find("later/history.db"), std::string::npos) << writer.degraded();
  EXPECT_NE(writer.degraded().find("No such file or directory"), std::string::npos) << writer.degraded();
  EXPECT_EQ(log.lines().size(), 1U) << "said once, not every second";
  std::filesystem::create_directory(folder.file("later"));
  seconds(writer, 600);
  EXPECT_EQ(writer.degraded(), "");
  EXPECT_EQ(log.count("history is written again"), 1);
  writer.finish();
  EXPECT_EQ(stored_seconds(), 1600U);
  EXPECT_EQ(writer.lost(), 0U);
}

TEST_F(HistoryWriterTest, TriesAgainAfterAMinuteThenTwiceAsLateEachTime) {
  path = folder.file("later/history.db");
  HistoryWriter writer(path, {}, clock, log);
  const auto healthy_after = [&](int wait_s) {
    clock.advance(kSecond * wait_s);
    writer.write_due();
    return writer.degraded().empty();
  };
  EXPECT_FALSE(healthy_after(0));
  EXPECT_FALSE(healthy_after(60)) << "second attempt";
  std::filesystem::create_directory(folder.file("later"));
  EXPECT_FALSE(healthy_after(119)) << "no attempt is due";
  EXPECT_TRUE(healthy_after(1));
}

TEST_F(HistoryWriterTest, WhatIsLostAtTheEndIsSaid) {
  path = folder.file("later/history.db");
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 10);
  writer.finish();
  EXPECT_EQ(log.count("the last minutes of history are lost: " + path), 1);
}

TEST_F(HistoryWriterTest, WhatWaitsTooLongIsDroppedOldestFirstAndCounted) {
  path = folder.file("later/history.db");
  HistoryLimits limits;
  limits.blocks_waiting = 2;
  limits.events_waiting = 3;
  HistoryWriter writer(path, limits, clock, log);
  seconds(writer, 5 * 900);
  for (const char* code : {"a", "b", "c", "d"}) writer.accept(event(code));
  writer.write_due();
  EXPECT_EQ(writer.lost(), 2 * 900 + 1U);
  std::filesystem::create_directory(folder.file("later"));
  clock.advance(std::chrono::minutes(10));
  writer.write_due();
  EXPECT_EQ(log.count("1801 records of history were lost"), 1);
  EXPECT_EQ(stored_seconds(), 1800U);
  EXPECT_EQ(reader().events(kStart, kLater)->front().code, "b");
}

TEST_F(HistoryWriterTest, ANewerFileIsLeftAloneAndSaid) {
  {
    auto database = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(database->execute("CREATE TABLE future (a); PRAGMA user_version = 9;"));
  }
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 2000);
  writer.finish();
  EXPECT_NE(writer.degraded().find("its schema is version 9"), std::string::npos) << writer.degraded();
  EXPECT_EQ(log.lines().size(), 1U);
  auto database = Database::open(path, Database::Access::read_only);
  EXPECT_EQ(database->integer("SELECT count(*) FROM sqlite_schema"), 1);
  EXPECT_FALSE(HistoryReader::open(path));
}

TEST_F(HistoryWriterTest, AFileThatIsNoDatabaseIsKeptAside) {
  {
    std::ofstream(path) << std::string(5000, 'x');
  }
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 901);
  EXPECT_EQ(writer.degraded(), "");
  EXPECT_EQ(log.count("is damaged"), 1);
  EXPECT_EQ(folder.files("history.db.corrupt-").size(), 1U);
  EXPECT_EQ(stored_seconds(), 900U);
}

TEST_F(HistoryWriterTest, DamageFoundWhileWritingBeginsAFreshFile) {
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 901);
  {
    // Brings the pages into the main file, then spoils all but the first: open still works, writing does not.
    auto other = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(other->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  testing::overwrite(path, 1024, std::string(std::filesystem::file_size(path) - 1024, '\xff'));
  HistoryWriter second(path, {}, clock, log);
  seconds(second, 901);
  EXPECT_EQ(second.degraded(), "");
  EXPECT_EQ(log.count("is damaged"), 1);
  EXPECT_EQ(stored_seconds(), 899U) << "the rest of the quarter that the first writer began";
}

}  // namespace
}  // namespace sluice::store
