#include "store/history.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "history_test_support.hpp"
#include "store/history_reader.hpp"

namespace sluice::store {
namespace {

using testing::decision_of;
using testing::kStartUnixMs;
using testing::ManualClock;
using testing::RecordingLog;
using testing::snapshot_at;
using testing::TemporaryFolder;

constexpr WallTime kStart = from_unix_ms(kStartUnixMs);
constexpr WallTime kLater = kStart + std::chrono::hours(24);

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

class HistoryTest : public ::testing::Test {
 protected:
  void ticks(History& history, int count, std::size_t miners = 1) {
    for (int s = 0; s < count; ++s) {
      const auto snapshot = std::make_shared<const Snapshot>(snapshot_at(clock, 100, miners));
      history.record(snapshot, std::make_shared<const Decision>(decision_of(*snapshot)));
      clock.advance(std::chrono::seconds(1));
    }
  }

  TemporaryFolder folder;
  std::string path = folder.file("history.db");
  ManualClock clock;
  RecordingLog log;
};

TEST_F(HistoryTest, StopWritesEverything) {
  History history(path, {}, {"s19"}, clock, log);
  ticks(history, 1000);
  history.record({clock.wall_now(), ports::EventLevel::info, "stopping", "", "", false});
  history.stop();
  auto reader = HistoryReader::open(path);
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->seconds("grid_w", kStart, kLater)->size(), 1000U);
  EXPECT_EQ(reader->events(kStart, kLater)->size(), 1U);
  EXPECT_EQ(reader->decisions(kStart, kLater)->size(), 2U) << "first decision of site and miner, then no change";
  EXPECT_EQ(history.degraded(), "");
  EXPECT_EQ(history.lost(), 0U);
}

TEST_F(HistoryTest, EventsDoNotWaitForTheirBlockToEnd) {
  History history(path, {}, {"s19"}, clock, log);
  history.record({clock.wall_now(), ports::EventLevel::alarm, "grid_lost", "", "", false});
  EXPECT_TRUE(eventually([&] {
    clock.advance(std::chrono::milliseconds(100));
    auto reader = HistoryReader::open(path);
    return reader && reader->events(kStart, kLater).value_or(std::vector<ports::Event>{}).size() == 1;
  }));
}

TEST_F(HistoryTest, ReloadNamesNewMiners) {
  History history(path, {}, {"s19"}, clock, log);
  ticks(history, 10);
  history.set_miners({"s19", "a10"});
  ticks(history, 10, 2);
  history.stop();
  auto reader = HistoryReader::open(path);
  EXPECT_EQ(reader->seconds("miner.s19.target_w", kStart, kLater)->size(), 20U);
  EXPECT_EQ(reader->seconds("miner.a10.target_w", kStart, kLater)->size(), 10U);
}

TEST_F(HistoryTest, AnUnusableDiskIsSaidAndRecordingGoesOn) {
  History history(folder.file("nowhere/history.db"), {}, {"s19"}, clock, log);
  EXPECT_TRUE(eventually([&] { return !history.degraded().empty(); }));
  ticks(history, 5000);
  history.stop();
  EXPECT_EQ(log.count("history is not written, control goes on"), 1);
}

}  // namespace
}  // namespace sluice::store
