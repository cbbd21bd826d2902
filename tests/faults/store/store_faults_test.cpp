/// What a disk, a power cut and other processes can do to the store. The saboteur is real wherever possible: kill -9 of
/// a child in the middle of its work, a file size limit as a full disk, a lock held by another process.

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <random>
#include <thread>

#include "history_test_support.hpp"
#include "store/history_reader.hpp"
#include "store/ledger.hpp"
#include "store/sqlite.hpp"
#include "store/state_store.hpp"

namespace sluice::store {
namespace {

using testing::in_child;
using testing::kStartUnixMs;
using testing::ManualClock;
using testing::names;
using testing::RecordingLog;
using testing::sample_at;
using testing::TemporaryFolder;

constexpr WallTime kStart = from_unix_ms(kStartUnixMs);
constexpr WallTime kLater = kStart + std::chrono::hours(24 * 365);
constexpr Duration kSecond = std::chrono::seconds(1);

class StoreFaultsTest : public ::testing::Test {
 protected:
  void seconds(HistoryWriter& writer, int count) {
    for (int s = 0; s < count; ++s) {
      writer.accept(sample_at(clock, s % 100, miners));
      writer.write_due();
      clock.advance(kSecond);
    }
  }
  /// Forks a child that works until this process kills it, and kills it in the midst of it.
  void kill_at_work(const std::function<void()>& work, std::chrono::microseconds after) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) work();
    }
    std::this_thread::sleep_for(after);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }

  TemporaryFolder folder;
  std::string path = folder.file("history.db");
  ManualClock clock;
  RecordingLog log;
  std::shared_ptr<const MinerNames> miners = names({"s19"});
};

TEST_F(StoreFaultsTest, KilledWhileWritingHistoryLosesAtMostTheOpenBlock) {
  std::random_device random;
  for (int round = 0; round < 8; ++round) {
    const std::chrono::microseconds after(random() % 60'000);
    SCOPED_TRACE(::testing::Message() << "killed after " << after.count() << " us");
    kill_at_work(
        [&] {
          HistoryWriter writer(path, {}, clock, log);
          seconds(writer, 100 * 900);
        },
        after);
  }
  // A writer of after the crash appends to what is there.
  clock.advance(std::chrono::hours(1000));
  HistoryWriter writer(path, {}, clock, log);
  seconds(writer, 10);
  writer.finish();
  EXPECT_EQ(writer.degraded(), "");
  EXPECT_TRUE(folder.files("history.db.corrupt").empty());
  auto reader = HistoryReader::open(path);
  ASSERT_TRUE(reader) << reader.error().text;
  const auto grid = reader->seconds("grid_w", kStart, kLater);
  ASSERT_TRUE(grid) << grid.error().text;
  // Every block that is there is whole: each but the last ten seconds belongs to a full quarter of an hour.
  EXPECT_EQ(grid->size() % 900, 10U);
  auto database = Database::open(path, Database::Access::read_only);
  std::string verdict;
  ASSERT_TRUE(database->query("PRAGMA integrity_check", {}, [&](const SqlRow& row) { verdict = row.text(0); }));
  EXPECT_EQ(verdict, "ok");
}

TEST_F(StoreFaultsTest, KilledRightAfterACommitKeepsIt) {
  const int status = in_child([&] {
    HistoryWriter writer(path, {}, clock, log);
    seconds(writer, 901);
    ::raise(SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  auto reader = HistoryReader::open(path);
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->seconds("grid_w", kStart, kLater)->size(), 900U);
}

TEST_F(StoreFaultsTest, KilledWhileSavingStateLeavesOneWholeState) {
  const std::string state_path = folder.file("state.db");
  std::random_device random;
  for (int round = 0; round < 8; ++round) {
    const std::chrono::microseconds after(random() % 30'000);
    SCOPED_TRACE(::testing::Message() << "killed after " << after.count() << " us");
    kill_at_work(
        [&] {
          SqliteStateStore store(state_path, clock, log);
          for (int n = 1; n < 1000; ++n) {
            MinerMemory miner;
            miner.starts_today = miner.writes_today = n;
            PersistentState state{{miner, miner}, false, n};
            state.miners[0].name = "a";
            state.miners[1].name = "b";
            static_cast<void>(store.save(state));
          }
        },
        after);
    SqliteStateStore store(state_path, clock, log);
    const auto state = store.load();
    ASSERT_TRUE(state) << state.error().text;
    if (state->miners.empty()) continue;
    ASSERT_EQ(state->miners.size(), 2U);
    EXPECT_EQ(state->miners[0].starts_today, state->miners[1].starts_today);
    EXPECT_EQ(state->miners[0].starts_today, state->saved_unix_ms);
  }
  EXPECT_EQ(log.count("damaged"), 0);
}

TEST_F(StoreFaultsTest, SavedStateSurvivesTheKillThatFollows) {
  const std::string state_path = folder.file("state.db");
  in_child([&] {
    SqliteStateStore store(state_path, clock, log);
    MinerMemory miner;
    miner.name = "s19";
    miner.driven = true;
    if (store.save({{miner}, false, 1})) ::raise(SIGKILL);
  });
  SqliteStateStore store(state_path, clock, log);
  const auto state = store.load();
  ASSERT_TRUE(state) << state.error().text;
  ASSERT_EQ(state->miners.size(), 1U);
  EXPECT_TRUE(state->miners[0].driven);
}

LedgerEntry ledger_entry(const std::string& subject, std::int64_t quarter) {
  LedgerEntry entry;
  entry.subject = subject;
  entry.quarter = quarter;
  entry.local_day = quarter / 96;
  entry.amounts[Amount::mined_uwh] = entry.amounts[Amount::grid_uwh] = 7 * quarter;
  return entry;
}

TEST_F(StoreFaultsTest, KilledWhileAppendingToTheLedgerLeavesWholeQuartersInOneChain) {
  const std::string ledger_path = folder.file("ledger.db");
  std::random_device random;
  for (int round = 0; round < 8; ++round) {
    const std::chrono::microseconds after(random() % 60'000);
    SCOPED_TRACE(::testing::Message() << "killed after " << after.count() << " us");
    kill_at_work(
        [&] {
          auto file = LedgerFile::open(ledger_path, {}, kStart, log);
          for (std::int64_t quarter = 1; file && quarter < 1000; ++quarter) {
            static_cast<void>(file->append({ledger_entry("s19", quarter), ledger_entry("", quarter)}));
          }
        },
        after);
    auto file = LedgerFile::open(ledger_path, {}, kStart, log);
    ASSERT_TRUE(file) << file.error().text;
    const auto verdict = file->verify({});
    ASSERT_TRUE(verdict) << verdict.error().text;
    EXPECT_TRUE(verdict->ok());
    EXPECT_EQ(verdict->entries % 2, 0) << "a quarter is there as a whole";
  }
  EXPECT_EQ(log.count("damaged"), 0);
}

TEST_F(StoreFaultsTest, AFullDiskIsAnErrorOfAppendAndTheChainStays) {
  const std::string ledger_path = folder.file("ledger.db");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    SqliteLedger book(ledger_path, folder.file("ledger.open"), clock, log);
    if (!book.open({}) || !book.append({ledger_entry("s19", 1)})) ::_exit(1);
    rlimit full = limit;
    full.rlim_cur = 8 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &full);
    bool refused = false;
    for (int i = 0; i < 200 && !refused; ++i) {
      const auto appended = book.append(std::vector<LedgerEntry>(20, ledger_entry("s19", 2)));
      refused = !appended;
      if (refused && appended.error().text.find(ledger_path) == std::string::npos) ::_exit(2);
    }
    if (!refused) ::_exit(3);
    OpenInterval large;
    large.entries = std::vector<LedgerEntry>(400, ledger_entry("s19", 3));
    if (book.keep(large)) ::_exit(4);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!book.open({}) || !book.append({ledger_entry("s19", 4)}) || !book.keep(large)) ::_exit(5);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto file = LedgerFile::open_to_read(ledger_path);
  ASSERT_TRUE(file) << file.error().text;
  const auto verdict = file->verify({});
  EXPECT_TRUE(verdict->ok());
  EXPECT_EQ(verdict->entries % 20, 2) << "what did not fit is not there at all";
}

TEST_F(StoreFaultsTest, AFullDiskDegradesHistoryAndHealsWhenThereIsRoom) {
  // A limit on the size of files is a full disk as far as write(2) goes. In a child, because it cannot be raised again
  // without privileges; the soft limit can.
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    HistoryWriter writer(path, {}, clock, log);
    seconds(writer, 901);
    if (!writer.degraded().empty()) ::_exit(1);
    rlimit full = limit;
    full.rlim_cur = 16 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &full);
    seconds(writer, 4 * 900);
    if (writer.degraded().empty()) ::_exit(2);
    if (log.count("history is not written, control goes on") != 1) ::_exit(3);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    seconds(writer, 900);
    if (!writer.degraded().empty()) ::_exit(4);
    if (writer.lost() != 0) ::_exit(5);
    writer.finish();
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto reader = HistoryReader::open(path);
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->seconds("grid_w", kStart, kLater)->size(), 901U + 5 * 900);
}

TEST_F(StoreFaultsTest, AFullDiskIsAnErrorOfSaveAndTheOldStateStays) {
  const std::string state_path = folder.file("state.db");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    SqliteStateStore store(state_path, clock, log);
    MinerMemory miner;
    miner.name = "s19";
    if (!store.save({{miner}, false, 1})) ::_exit(1);
    rlimit full{};
    ::getrlimit(RLIMIT_FSIZE, &full);
    full.rlim_cur = 4 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &full);
    miner.adapter_state = std::string(60'000, 'x');
    if (store.save({{miner}, false, 2})) ::_exit(2);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  SqliteStateStore store(state_path, clock, log);
  const auto state = store.load();
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_EQ(state->saved_unix_ms, 1);
}

TEST_F(StoreFaultsTest, ADirectoryInItsPlaceIsSaidPlainly) {
  std::filesystem::create_directory(path);
  HistoryWriter writer(path, {}, clock, log);
  writer.write_due();
  EXPECT_NE(writer.degraded().find(path), std::string::npos) << writer.degraded();
  SqliteStateStore store(path, clock, log);
  const auto state = store.load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().kind, ErrorKind::io);
}

TEST_F(StoreFaultsTest, AFileSystemThatTakesNoFilesIsSaidPlainly) {
  HistoryWriter writer("/proc/history.db", {}, clock, log);
  writer.write_due();
  EXPECT_NE(writer.degraded().find("/proc/history.db: unable to open database file: "), std::string::npos)
      << writer.degraded();
}

TEST_F(StoreFaultsTest, LockedByAnotherProcessWaitsAndLosesNothing) {
  HistoryWriter writer(path, {}, clock, log);
  writer.write_due();
  int to_child[2];
  int to_parent[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(to_parent), 0);
  const pid_t child = ::fork();
  char byte = 'x';
  if (child == 0) {
    auto other = Database::open(path, Database::Access::read_write);
    const bool locked = other && other->run("BEGIN IMMEDIATE");
    if (::write(to_parent[1], locked ? "y" : "n", 1) != 1 || ::read(to_child[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  ASSERT_EQ(::read(to_parent[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  seconds(writer, 902);
  EXPECT_EQ(writer.degraded(), path + ": database is locked");
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  seconds(writer, 900);
  EXPECT_EQ(writer.degraded(), "");
  writer.finish();
  EXPECT_EQ(HistoryReader::open(path)->seconds("grid_w", kStart, kLater)->size(), 1802U);
  for (const int end : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(end);
}

/// Gives SQL a function `die()` that ends the process as a power cut would.
void offer_death(Database& database) {
  sqlite3_create_function(
      database.handle(), "die", 0, SQLITE_UTF8, nullptr,
      [](sqlite3_context*, int, sqlite3_value**) { ::raise(SIGKILL); }, nullptr, nullptr);
}

TEST_F(StoreFaultsTest, KilledBetweenTwoStepsOfAMigrationGoesOnWhereItWas) {
  const char* const first = "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);";
  const char* const second = "ALTER TABLE a ADD COLUMN m INTEGER; UPDATE a SET m = n + 1;";
  const char* const third = "CREATE TABLE b AS SELECT m FROM a; DROP TABLE a;";
  const char* const third_dying = "CREATE TABLE b AS SELECT m FROM a; DROP TABLE a; SELECT die();";
  {
    auto released = Database::open(path, Database::Access::read_write);
    const std::array<const char*, 1> steps{first};
    ASSERT_TRUE(migrate(*released, steps));
  }
  const int status = in_child([&] {
    auto database = Database::open(path, Database::Access::read_write);
    offer_death(*database);
    const std::array<const char*, 3> steps{first, second, third_dying};
    static_cast<void>(migrate(*database, steps));
  });
  ASSERT_TRUE(WIFSIGNALED(status));

  auto database = Database::open(path, Database::Access::read_write);
  EXPECT_EQ(database->integer("PRAGMA user_version"), 2) << "the finished step stays, the unfinished one never was";
  const std::array<const char*, 3> steps{first, second, third};
  const auto migrated = migrate(*database, steps);
  ASSERT_TRUE(migrated) << migrated.error().text;
  EXPECT_EQ(database->integer("PRAGMA user_version"), 3);
  EXPECT_EQ(database->integer("SELECT m FROM b"), 2);
  EXPECT_TRUE(migrate(*database, steps)) << "nothing left to do";
}

TEST_F(StoreFaultsTest, AStepThatFailsLeavesTheOldSchema) {
  auto database = Database::open(path, Database::Access::read_write);
  const std::array<const char*, 2> steps{"CREATE TABLE a (n INTEGER);", "DROP TABLE a; SELECT no_such_function();"};
  EXPECT_FALSE(migrate(*database, steps));
  EXPECT_EQ(database->integer("PRAGMA user_version"), 1);
  EXPECT_EQ(database->integer("SELECT count(*) FROM sqlite_schema WHERE name = 'a'"), 1);
}

}  // namespace
}  // namespace sluice::store
