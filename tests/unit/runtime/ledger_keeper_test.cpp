#include "runtime/ledger_keeper.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

/// A ledger in memory, with a disk that can be full.
class FakeBook final : public ports::LedgerBook {
 public:
  Result<LedgerHead> open(const LedgerHead& known) override {
    if (broken) return fail(ErrorKind::io, "ledger.db: no space left on device");
    if (head.sequence == 0) head = known;
    return head;
  }
  Result<LedgerHead> append(std::vector<LedgerEntry> added) override {
    if (broken) return fail(ErrorKind::io, "ledger.db: no space left on device");
    for (LedgerEntry& entry : added) {
      entry.sequence = ++head.sequence;
      entries.push_back(entry);
    }
    head.hash = std::to_string(head.sequence);
    return head;
  }
  Result<std::vector<LedgerEntry>> entries_of(std::int64_t local_day) override {
    std::vector<LedgerEntry> found;
    for (const LedgerEntry& entry : entries) {
      if (entry.local_day == local_day) found.push_back(entry);
    }
    return found;
  }
  Result<void> keep(const OpenInterval& interval) override {
    if (journal_broken) return fail(ErrorKind::io, "ledger.open: read-only file system");
    left = interval;
    return {};
  }
  std::optional<OpenInterval> kept() override { return left; }

  LedgerHead head;
  std::vector<LedgerEntry> entries;
  std::optional<OpenInterval> left;
  bool broken = false, journal_broken = false;
};

class LedgerKeeperTest : public ::testing::Test {
 protected:
  LedgerKeeperTest() {
    auto made = std::make_shared<Crew>();
    made->site.miners.resize(1);
    made->site.miners[0].name = "s19";
    crew = made;
    keeper = make();
  }
  std::unique_ptr<LedgerKeeper> make(const LedgerHead& known = {}) {
    return std::make_unique<LedgerKeeper>(
        LedgerKeeper::Doors{book, clock, announcer, [this](const LedgerHead& head) { remembered.push_back(head); }},
        known);
  }
  /// `count` seconds of 3600 W from a sun that would have been sold; the counters move by `counter_wh` a second.
  void live(int count, double counter_wh = 0.0) {
    for (int i = 0; i < count; ++i) {
      clock.advance(seconds(1));
      counter += counter_wh;
      auto snapshot = std::make_shared<Snapshot>();
      snapshot->now = clock.now();
      snapshot->wall = clock.wall_now();
      snapshot->wall_sane = true;
      snapshot->local_day = unix_ms(snapshot->wall) / 86'400'000;
      snapshot->grid.power = Reading<Watts>::good(Watts(0.0), clock.now());
      snapshot->grid.imported = Reading<WattHours>::good(WattHours(counter), clock.now());
      snapshot->miners.push_back({});
      snapshot->miners.back().state = MinerState::running;
      auto decision = std::make_shared<Decision>();
      decision->estimate_valid = true;
      decision->miners.push_back({});
      decision->miners.back().expected_power = Watts(3600.0);
      TickView view;
      view.crew = crew;
      view.snapshot = snapshot;
      view.decision = decision;
      keeper->take(view);
      if (i % 20 == 19) keeper->run_once();
    }
    keeper->run_once();
  }
  std::int64_t written(Amount amount, bool site = false) const {
    std::int64_t sum = 0;
    for (const LedgerEntry& entry : book.entries) {
      if (entry.subject.empty() == site) sum += entry.amounts[amount];
    }
    return sum;
  }
  static std::int64_t wh(std::int64_t amount) { return amount * 1'000'000; }

  FakeClock clock;
  FakeRecorder recorder;
  FakeNotifier notifier;
  NullLog log;
  FakeBook book;
  Announcer announcer{clock, log, recorder, notifier};
  std::shared_ptr<const Crew> crew;
  std::vector<LedgerHead> remembered;
  double counter = 1000.0;
  std::unique_ptr<LedgerKeeper> keeper;
};

TEST_F(LedgerKeeperTest, WritesEachQuarterOnceAndTellsItsHead) {
  live(2001);
  EXPECT_EQ(remembered.size(), 2U) << "two quarters are over";
  EXPECT_EQ(keeper->head(), remembered.back());
  EXPECT_EQ(keeper->today().totals.miners[Amount::mined_uwh], wh(2000)) << "with the open one";
  keeper->stop();
  EXPECT_EQ(written(Amount::mined_uwh), wh(2000));
  EXPECT_EQ(written(Amount::export_avoided_uwh), wh(2000));
  EXPECT_EQ(written(Amount::covered_ms, true), 2'000'000);
  EXPECT_EQ(keeper->head().sequence, static_cast<std::int64_t>(book.entries.size()));
}

TEST_F(LedgerKeeperTest, AKilledOneIsGoneOnWith) {
  live(500);
  const OpenInterval left = *book.left;
  const std::size_t entries = book.entries.size();
  keeper->stop();  // what a killed process does not do: taken back
  book.left = left;
  book.entries.resize(entries);
  book.head = {left.after, std::to_string(left.after)};
  keeper = make(book.head);
  clock.advance(seconds(29));
  live(101);
  EXPECT_EQ(keeper->today().totals.miners[Amount::mined_uwh], wh(629));
  keeper->stop();
  EXPECT_EQ(written(Amount::mined_uwh), wh(629));
  EXPECT_EQ(written(Amount::unknown_uwh), wh(30)) << "between the last look and the first";
  EXPECT_EQ(written(Amount::gap_ms, true), 30'000);
}

TEST_F(LedgerKeeperTest, WhatWasWrittenAlreadyIsNotTakenTwice) {
  live(501);
  const OpenInterval left = *book.left;
  keeper->stop();  // written, and the process died before it kept the new interval
  book.left = left;
  keeper = make(book.head);
  live(11);
  keeper->stop();
  EXPECT_EQ(written(Amount::mined_uwh), wh(510));
}

TEST_F(LedgerKeeperTest, AFullDiskIsSaidOnceAndNothingIsLost) {
  book.broken = true;
  live(2001);
  EXPECT_EQ(recorder.count("ledger_not_written"), 1);
  EXPECT_NE(keeper->today().degraded.find("no space left"), std::string::npos);
  EXPECT_EQ(keeper->today().totals.miners[Amount::mined_uwh], wh(2000));
  EXPECT_FALSE(book.left->waiting.empty()) << "what waits survives the process, too";
  book.broken = false;
  live(900);
  EXPECT_EQ(recorder.count("ledger_not_written", true), 1);
  EXPECT_EQ(keeper->today().degraded, "");
  keeper->stop();
  EXPECT_EQ(written(Amount::mined_uwh), wh(2900));
}

TEST_F(LedgerKeeperTest, WhatWaitedForAFullDiskIsWrittenByTheNext) {
  book.broken = true;
  live(2001);
  const OpenInterval left = *book.left;
  keeper->stop();
  book.left = left;
  book.broken = false;
  keeper = make();
  live(1);
  keeper->stop();
  EXPECT_EQ(written(Amount::mined_uwh), wh(2001)) << "the second between them is a gap";
}

TEST_F(LedgerKeeperTest, AnOpenIntervalThatCannotBeKeptIsSaid) {
  book.journal_broken = true;
  live(61);
  EXPECT_EQ(recorder.count("ledger_not_kept"), 1);
  book.journal_broken = false;
  live(20);
  EXPECT_EQ(recorder.count("ledger_not_kept", true), 1);
}

TEST_F(LedgerKeeperTest, CountersThatTheWattsDoNotExplainAreAnAlarm) {
  live(2000, 0.05);
  EXPECT_EQ(recorder.count("ledger_unreconciled"), 0) << "100 Wh: a coarse counter";
  live(2000, 0.2);
  EXPECT_EQ(recorder.count("ledger_unreconciled"), 1);
  EXPECT_EQ(notifier.told.front(), "ledger_unreconciled");
}

TEST_F(LedgerKeeperTest, EachDayIsToldHowItsMeterAgreed) {
  live(2000);
  EXPECT_EQ(recorder.count("ledger_day"), 0);
  clock.advance(std::chrono::hours(24));
  live(2000);
  EXPECT_EQ(recorder.count("ledger_day"), 1);
}

TEST_F(LedgerKeeperTest, WithoutATickThereIsNoLedger) {
  keeper->stop();
  EXPECT_FALSE(book.left);
  EXPECT_TRUE(book.entries.empty());
}

}  // namespace
}  // namespace sluice::runtime
