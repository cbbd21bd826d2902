#include "store/state_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/sqlite.hpp"
#include "store_test_support.hpp"

namespace sluice::store {
namespace {

using testing::ManualClock;
using testing::RecordingLog;
using testing::TemporaryFolder;

MinerMemory full_memory(const std::string& name) {
  MinerMemory miner;
  miner.name = name;
  miner.driven = true;
  miner.parked_by_owner = true;
  miner.starts_today = 7;
  miner.writes_today = 123;
  miner.day = 20625;
  miner.last_start_unix_ms = 1782036000123;
  miner.last_stop_unix_ms = 1782035000456;
  miner.learned = {.samples = 11,
                   .draw_gain = 1.07,
                   .draw_offset_w = -12.5,
                   .dead_time_s = {1.5, 0.25, 10},
                   .ramp_up_w_per_s = {42.25, 0.03, 9},
                   .ramp_down_w_per_s = {650.0, 0.125, 8},
                   .wake_s = {61.0, 0.0625, 7},
                   .report_gain = {0.93, 0.02, 6},
                   .sleep_w = 24.5};
  miner.adapter_state = std::string("session\0id'\"", 12);
  miner.learned_curve = "3250.0 12:2000:75.1:60";
  miner.cut_by = "plug";
  miner.cuts_today = 2;
  miner.boot_s = {92.5, 0.1, 4};
  miner.envelope_min_w = 900.0;
  miner.envelope_max_w = 3250.0;
  return miner;
}

void expect_full_memory(const MinerMemory& miner, const std::string& name) {
  EXPECT_EQ(miner.name, name);
  EXPECT_TRUE(miner.driven);
  EXPECT_TRUE(miner.parked_by_owner);
  EXPECT_EQ(miner.starts_today, 7);
  EXPECT_EQ(miner.writes_today, 123);
  EXPECT_EQ(miner.day, 20625);
  EXPECT_EQ(miner.last_start_unix_ms, 1782036000123);
  EXPECT_EQ(miner.last_stop_unix_ms, 1782035000456);
  EXPECT_EQ(miner.learned, full_memory(name).learned);
  EXPECT_EQ(miner.adapter_state, std::string("session\0id'\"", 12));
  EXPECT_EQ(miner.learned_curve, "3250.0 12:2000:75.1:60");
  EXPECT_EQ(miner.cut_by, "plug");
  EXPECT_EQ(miner.cuts_today, 2);
  EXPECT_EQ(miner.boot_s, (LearnedValue{92.5, 0.1, 4}));
  EXPECT_EQ(miner.envelope_min_w, 900.0);
  EXPECT_EQ(miner.envelope_max_w, 3250.0);
}

class StateStoreTest : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string path = folder.file("state.db");
  ManualClock clock;
  RecordingLog log;
};

TEST_F(StateStoreTest, NothingSavedYetIsAnEmptyState) {
  SqliteStateStore fresh(path, clock, log);
  const auto state = fresh.load();
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_TRUE(state->miners.empty());
  EXPECT_FALSE(state->clean_stop);
  EXPECT_EQ(state->saved_unix_ms, 0);
}

TEST_F(StateStoreTest, EveryFieldComesBackInOrder) {
  {
    SqliteStateStore first(path, clock, log);
    ASSERT_TRUE(first.save({{full_memory("s19"), full_memory("a10")}, true, 99}));
  }
  SqliteStateStore second(path, clock, log);
  const auto state = second.load();
  ASSERT_TRUE(state) << state.error().text;
  ASSERT_EQ(state->miners.size(), 2U);
  expect_full_memory(state->miners[0], "s19");
  expect_full_memory(state->miners[1], "a10");
  EXPECT_TRUE(state->clean_stop);
  EXPECT_EQ(state->saved_unix_ms, 99);
}

TEST_F(StateStoreTest, WhatTheSunLeftComesBackAndOnlyNewSlotsAreWritten) {
  PersistentState state;
  for (std::size_t i = 0; i < kSlotsPerDay; ++i) {
    state.surplus.slots[i] = {static_cast<double>(i) * 10.5, -7.25, 20625};
  }
  state.surplus.so_far_wh = 1234.5;
  state.surplus.expected_so_far_wh = 2345.5;
  state.surplus.local_day = 20626;
  SqliteStateStore first(path, clock, log);
  ASSERT_TRUE(first.save(state));
  auto spy = Database::open(path, Database::Access::read_write);
  ASSERT_TRUE(
      spy->execute("CREATE TABLE touched (slot INTEGER);"
                   "CREATE TRIGGER spy AFTER INSERT ON surplus_slot BEGIN"
                   " INSERT INTO touched VALUES (new.slot); END;"));
  state.surplus.slots[40] = {999.0, 888.0, 20626};
  ASSERT_TRUE(first.save(state));
  EXPECT_EQ(spy->integer("SELECT count(*) FROM touched"), 1);
  SqliteStateStore second(path, clock, log);
  const auto back = second.load();
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->surplus, state.surplus);
}

TEST_F(StateStoreTest, LaterSavesUpdateReorderAndRemove) {
  SqliteStateStore first(path, clock, log);
  ASSERT_TRUE(first.save({{full_memory("a"), full_memory("b"), full_memory("c")}, false, 1}));
  MinerMemory changed = full_memory("c");
  changed.driven = false;
  ASSERT_TRUE(first.save({{changed, full_memory("a")}, false, 2}));
  SqliteStateStore second(path, clock, log);
  const auto state = second.load();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->miners.size(), 2U);
  EXPECT_EQ(state->miners[0].name, "c");
  EXPECT_FALSE(state->miners[0].driven);
  EXPECT_EQ(state->miners[1].name, "a");
}

TEST_F(StateStoreTest, WritesOnlyTheRowsThatChanged) {
  SqliteStateStore store(path, clock, log);
  PersistentState state{{full_memory("a"), full_memory("b")}, false, 1};
  ASSERT_TRUE(store.save(state));
  auto spy = Database::open(path, Database::Access::read_write);
  ASSERT_TRUE(
      spy->execute("CREATE TABLE touched (name TEXT);"
                   "CREATE TRIGGER spy AFTER INSERT ON miner BEGIN"
                   " INSERT INTO touched VALUES (new.name); END;"));
  state.saved_unix_ms = 2;
  const auto before = spy->integer("PRAGMA data_version").value_or(-1);
  ASSERT_TRUE(store.save(state));
  EXPECT_EQ(spy->integer("PRAGMA data_version"), before) << "a new time alone must not be written";
  state.miners[1].starts_today = 8;
  ASSERT_TRUE(store.save(state));
  EXPECT_EQ(spy->integer("SELECT count(*) FROM touched"), 1);
  EXPECT_EQ(spy->integer("SELECT count(*) FROM touched WHERE name = 'b'"), 1);
  EXPECT_EQ(spy->integer("SELECT saved_unix_ms FROM site"), 2);
}

TEST_F(StateStoreTest, SavedStateNeedsNoOrderlyEnd) {
  SqliteStateStore store(path, clock, log);
  ASSERT_TRUE(store.save({{full_memory("a")}, false, 1}));
  // The files as they are while the store is still open: nothing of the state may wait in the process's memory.
  std::filesystem::copy(path, folder.file("after.db"));
  std::filesystem::copy(path + "-wal", folder.file("after.db-wal"));
  SqliteStateStore survivor(folder.file("after.db"), clock, log);
  const auto state = survivor.load();
  ASSERT_TRUE(state) << state.error().text;
  ASSERT_EQ(state->miners.size(), 1U);
}

TEST_F(StateStoreTest, FileThatIsNoDatabaseIsKeptAsideAndSaid) {
  {
    std::ofstream(path) << std::string(5000, 'x');
  }
  SqliteStateStore store(path, clock, log);
  const auto state = store.load();
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_TRUE(state->miners.empty());
  EXPECT_EQ(folder.files("state.db.corrupt-1782036000").size(), 1U);
  EXPECT_EQ(log.count("is damaged"), 1);
  EXPECT_TRUE(store.save({{full_memory("a")}, false, 1}));
}

TEST_F(StateStoreTest, DamagedPagesAreFoundAtOpen) {
  {
    SqliteStateStore store(path, clock, log);
    ASSERT_TRUE(store.save({{full_memory("a"), full_memory("b")}, false, 1}));
  }
  testing::overwrite(path, 1024, std::string(2048, '\xff'));
  SqliteStateStore store(path, clock, log);
  const auto state = store.load();
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_TRUE(state->miners.empty());
  EXPECT_EQ(log.count("is damaged"), 1);
}

TEST_F(StateStoreTest, NewerSchemaIsAnErrorAndTheFileStaysAsItIs) {
  {
    auto database = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(database->execute("CREATE TABLE future (a); PRAGMA user_version = 9;"));
  }
  SqliteStateStore store(path, clock, log);
  const auto state = store.load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().kind, ErrorKind::unsupported);
  EXPECT_NE(state.error().text.find("state.db: its schema is version 9"), std::string::npos) << state.error().text;
  EXPECT_FALSE(store.save({}));
  auto database = Database::open(path, Database::Access::read_only);
  EXPECT_EQ(database->integer("SELECT count(*) FROM sqlite_schema"), 1);
}

// A file as the first release wrote it: what it holds is kept, what it could not know begins unlearned.
TEST_F(StateStoreTest, AFileOfTheFirstSchemaIsTakenOver) {
  {
    auto database = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(database->execute(
        "CREATE TABLE site (id INTEGER PRIMARY KEY CHECK (id = 0), clean_stop INTEGER NOT NULL,"
        " saved_unix_ms INTEGER NOT NULL) STRICT;"
        "CREATE TABLE miner (name TEXT PRIMARY KEY, position INTEGER NOT NULL, driven INTEGER NOT NULL,"
        " parked_by_owner INTEGER NOT NULL, starts_today INTEGER NOT NULL, writes_today INTEGER NOT NULL,"
        " day INTEGER NOT NULL, last_start_unix_ms INTEGER NOT NULL, last_stop_unix_ms INTEGER NOT NULL,"
        " learned_samples INTEGER NOT NULL, dead_time_s REAL NOT NULL, ramp_up_w_per_s REAL NOT NULL,"
        " ramp_down_w_per_s REAL NOT NULL, wake_s REAL NOT NULL, sleep_w REAL NOT NULL, draw_gain REAL NOT NULL,"
        " draw_offset_w REAL NOT NULL, adapter_state TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "INSERT INTO site VALUES (0, 1, 77);"
        "INSERT INTO miner VALUES ('s19', 0, 1, 0, 3, 12, 20625, 5, 6, 14, 0.0, 0.0, 0.0, 0.0, -1.0, 1.05, 2.0,"
        " 'session');"
        "PRAGMA user_version = 1;"));
  }
  SqliteStateStore store(path, clock, log);
  auto state = store.load();
  ASSERT_TRUE(state) << state.error().text;
  ASSERT_EQ(state->miners.size(), 1U);
  const MinerMemory& miner = state->miners[0];
  EXPECT_EQ(miner.name, "s19");
  EXPECT_EQ(miner.writes_today, 12);
  EXPECT_EQ(miner.adapter_state, "session");
  LearnedMiner draw_only;
  draw_only.samples = 14;
  draw_only.draw_gain = 1.05;
  draw_only.draw_offset_w = 2.0;
  EXPECT_EQ(miner.learned, draw_only);
  EXPECT_EQ(state->surplus, SurplusMemory{});
  EXPECT_TRUE(store.save({{full_memory("s19")}, false, 78}));
  SqliteStateStore again(path, clock, log);
  state = again.load();
  ASSERT_TRUE(state) << state.error().text;
  expect_full_memory(state->miners.at(0), "s19");
}

TEST_F(StateStoreTest, TheBillIsKeptAsItWasGiven) {
  SqliteStateStore store(path, clock, log);
  PersistentState state{{full_memory("a")}, false, 1};
  ASSERT_TRUE(store.save(state));
  state.bill = R"({"plan":"x"})";
  ASSERT_TRUE(store.save(state)) << "a change of the bill alone is a change";
  SqliteStateStore again(path, clock, log);
  const auto read = again.load();
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->bill, state.bill);
}

TEST_F(StateStoreTest, MissingFolderIsAnErrorUntilItAppears) {
  SqliteStateStore store(folder.file("later/state.db"), clock, log);
  const auto failed = store.save({{full_memory("a")}, false, 1});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::io);
  EXPECT_NE(failed.error().text.find("No such file or directory"), std::string::npos) << failed.error().text;
  std::filesystem::create_directory(folder.file("later"));
  EXPECT_TRUE(store.save({{full_memory("a")}, false, 1}));
}

}  // namespace
}  // namespace sluice::store
