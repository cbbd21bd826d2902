#include "store/ledger.hpp"

#include <gtest/gtest.h>

#include "ledger/canonical.hpp"
#include "store_test_support.hpp"

namespace sluice::store {
namespace {

using testing::ManualClock;
using testing::RecordingLog;
using testing::TemporaryFolder;

constexpr std::int64_t kDay = 20'625;

LedgerEntry entry(std::int64_t number, const std::string& subject = "s19") {
  LedgerEntry made;
  made.quarter = kDay * 96 + number;
  made.local_day = kDay + number / 4;
  made.subject = subject;
  made.amounts[Amount::mined_uwh] = 1'000'000 + number;
  made.amounts[Amount::grid_uwh] = 1'000'000 + number;
  return made;
}

class LedgerTest : public ::testing::Test {
 protected:
  Result<LedgerFile> open(const LedgerHead& known = {}) { return LedgerFile::open(path, known, clock.wall_now(), log); }
  /// Sixteen entries over four days; the head.
  LedgerHead fill() {
    auto file = open();
    EXPECT_TRUE(file) << file.error().text;
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(file->append({entry(2 * i), entry(2 * i + 1, "")}));
    return file->head();
  }
  LedgerVerdict verify(const std::optional<LedgerHead>& kept) {
    auto file = LedgerFile::open_to_read(path);
    EXPECT_TRUE(file) << file.error().text;
    auto verdict = file->verify(kept);
    EXPECT_TRUE(verdict) << verdict.error().text;
    return *verdict;
  }
  /// As somebody with the file and an SQLite shell.
  void tamper(const std::string& sql) {
    auto database = Database::open(path, Database::Access::read_write);
    const std::string all = "DROP TRIGGER entry_is_not_changed; DROP TRIGGER entry_is_not_removed; " + sql;
    const auto done = database->execute(all.c_str());
    ASSERT_TRUE(done) << done.error().text;
  }

  TemporaryFolder folder;
  std::string path = folder.file("ledger.db");
  ManualClock clock;
  RecordingLog log;
};

TEST(Sha256, IsThatOfTheStandard) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(LedgerTest, KeepsWhatItWasGivenAndAWalkFindsNothing) {
  const LedgerHead head = fill();
  EXPECT_EQ(head.sequence, 16);
  const LedgerVerdict verdict = verify(head);
  EXPECT_TRUE(verdict.ok());
  EXPECT_EQ(verdict.entries, 16);
  EXPECT_EQ(verdict.head, head);
  auto file = LedgerFile::open_to_read(path);
  const auto day = file->entries(kDay + 1, kDay + 1);
  ASSERT_EQ(day->size(), 4U);
  LedgerEntry fifth = entry(4);
  fifth.sequence = 5;
  EXPECT_EQ(day->front(), fifth);
  EXPECT_EQ(file->newest(3)->front().sequence, 14);
  // The hash is what the page says it is.
  EXPECT_EQ(ledger_hash(ledger::no_hash(), fifth), sha256(ledger::no_hash() + "\n" + ledger::canonical(fifth)));
}

TEST_F(LedgerTest, GoesOnAfterARestart) {
  const LedgerHead head = fill();
  auto file = open(head);
  EXPECT_EQ(file->head(), head);
  ASSERT_TRUE(file->append({entry(16, "o'neill's \"miner\"")}));
  EXPECT_EQ(file->head().sequence, 17);
  EXPECT_TRUE(verify(file->head()).ok());
  EXPECT_EQ(file->newest(1)->front().subject, "o'neill's \"miner\"");
}

TEST_F(LedgerTest, SqlThatWouldChangeItIsRefused) {
  fill();
  auto database = Database::open(path, Database::Access::read_write);
  EXPECT_FALSE(database->run("UPDATE entry SET grid_uwh = 0 WHERE sequence = 3"));
  EXPECT_FALSE(database->run("DELETE FROM entry WHERE sequence = 16"));
  EXPECT_TRUE(verify({}).ok());
}

TEST_F(LedgerTest, AChangedEntryIsFoundWithItsDay) {
  const LedgerHead head = fill();
  tamper("UPDATE entry SET grid_uwh = grid_uwh - 1 WHERE sequence = 6");
  const LedgerVerdict verdict = verify(head);
  ASSERT_EQ(verdict.damages.size(), 1U);
  EXPECT_EQ(verdict.damages[0].sequence, 6);
  EXPECT_EQ(verdict.days, std::vector<std::int64_t>{kDay + 1});
}

TEST_F(LedgerTest, EveryColumnIsUnderTheHash) {
  const LedgerHead head = fill();
  std::vector<std::string> columns{"quarter", "local_day", "period"};
  for (std::size_t i = 0; i < kAmounts; ++i) columns.emplace_back(to_string(static_cast<Amount>(i)));
  tamper("");
  auto database = Database::open(path, Database::Access::read_write);
  for (const std::string& column : columns) {
    ASSERT_TRUE(database->run(("UPDATE entry SET " + column + " = " + column + " + 1 WHERE sequence = 9").c_str()));
    EXPECT_FALSE(verify(head).ok()) << column;
    ASSERT_TRUE(database->run(("UPDATE entry SET " + column + " = " + column + " - 1 WHERE sequence = 9").c_str()));
  }
  ASSERT_TRUE(database->run("UPDATE entry SET subject = 's21' WHERE sequence = 9"));
  EXPECT_FALSE(verify(head).ok());
}

TEST_F(LedgerTest, ARemovedEntryIsMissed) {
  const LedgerHead head = fill();
  tamper("DELETE FROM entry WHERE sequence IN (7, 8)");
  const LedgerVerdict verdict = verify(head);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.damages[0].sequence, 7);
  EXPECT_EQ(verdict.damages[0].text, "entry 7 is missing, and 1 more");
  EXPECT_EQ(verdict.days, (std::vector<std::int64_t>{kDay + 1, kDay + 2}));
}

TEST_F(LedgerTest, TheBeginningIsMissed) {
  const LedgerHead head = fill();
  tamper("DELETE FROM entry WHERE sequence <= 4");
  ASSERT_FALSE(verify(head).ok());
  EXPECT_EQ(verify(head).damages[0].sequence, 1);
}

TEST_F(LedgerTest, SwappedEntriesAreFound) {
  const LedgerHead head = fill();
  tamper(
      "UPDATE entry SET sequence = 100 WHERE sequence = 4; UPDATE entry SET sequence = 4 WHERE sequence = 11;"
      "UPDATE entry SET sequence = 11 WHERE sequence = 100;");
  const LedgerVerdict verdict = verify(head);
  ASSERT_GE(verdict.damages.size(), 2U);
  EXPECT_EQ(verdict.damages[0].sequence, 4);
}

TEST_F(LedgerTest, AnEndThatWasCutOffIsFoundByTheHeadInTheState) {
  const LedgerHead head = fill();
  tamper("DELETE FROM entry WHERE sequence > 12");
  EXPECT_TRUE(verify({}).ok()) << "the file alone cannot know";
  const LedgerVerdict verdict = verify(head);
  ASSERT_EQ(verdict.damages.size(), 1U);
  EXPECT_NE(verdict.damages[0].text.find("the end is missing: state.db knows 16 entries"), std::string::npos);
}

TEST_F(LedgerTest, AChainThatWasWrittenAnewIsFoundByTheHeadInTheState) {
  const LedgerHead head = fill();
  std::filesystem::remove(path);
  auto forged = open();
  for (int i = 0; i < 16; ++i) {
    LedgerEntry one = entry(i, i % 2 == 0 ? "s19" : "");
    if (i == 3) one.amounts[Amount::grid_uwh] = 0;
    ASSERT_TRUE(forged->append({one}));
  }
  EXPECT_TRUE(verify({}).ok());
  EXPECT_EQ(verify(head).damages[0].sequence, 16);
}

TEST_F(LedgerTest, EntriesThatTheStateDoesNotKnowYetAreFine) {
  const LedgerHead head = fill();
  auto file = open(head);
  ASSERT_TRUE(file->append({entry(20)}));
  EXPECT_TRUE(verify(head).ok()) << "killed between the ledger and the state";
}

TEST_F(LedgerTest, ADamagedFileIsSetAsideAndTheChainGoesOn) {
  const LedgerHead head = fill();
  std::filesystem::resize_file(path, 900);
  testing::overwrite(path, 0, "this is no database any more");
  auto file = open(head);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(log.count("is damaged"), 1);
  EXPECT_EQ(file->head(), head);
  ASSERT_TRUE(file->append({entry(20)}));
  EXPECT_EQ(file->head().sequence, 17);
  const LedgerVerdict verdict = verify(file->head());
  EXPECT_TRUE(verdict.ok());
  EXPECT_EQ(verdict.begins_after, 16);
}

TEST_F(LedgerTest, AReaderNeitherCreatesNorTakesWhatIsNoLedger) {
  EXPECT_EQ(LedgerFile::open_to_read(path).error().kind, ErrorKind::not_found);
  EXPECT_FALSE(std::filesystem::exists(path));
  auto other = Database::open(path, Database::Access::read_write);
  ASSERT_TRUE(other->execute("CREATE TABLE t (n)"));
  EXPECT_FALSE(LedgerFile::open_to_read(path));
}

TEST(OpenIntervalText, ComesBackAsItWasAndNotWhenAByteIsOther) {
  OpenInterval interval;
  interval.after = 12;
  interval.at_unix_ms = 1782036000123;
  interval.entries = {entry(3), entry(3, "")};
  interval.waiting = {entry(2)};
  interval.draw = {{"s19", 1234.5}};
  interval.bought_anchor_uwh = 77;
  const std::string text = to_text(interval);
  EXPECT_EQ(open_interval_from(text), interval);
  for (const std::size_t at : {std::size_t{3}, text.size() / 2, text.size() - 2}) {
    std::string other = text;
    other[at] = other[at] == '7' ? '8' : '7';
    EXPECT_FALSE(open_interval_from(other));
  }
  EXPECT_FALSE(open_interval_from(text.substr(0, text.size() - 20)));
  EXPECT_FALSE(open_interval_from(""));
}

TEST_F(LedgerTest, TheOpenIntervalSurvivesTheProcess) {
  const std::string open_path = folder.file("ledger.open");
  OpenInterval interval;
  interval.entries = {entry(1)};
  {
    SqliteLedger book(path, open_path, clock, log);
    EXPECT_FALSE(book.kept());
    ASSERT_TRUE(book.keep(interval));
  }
  SqliteLedger book(path, open_path, clock, log);
  EXPECT_EQ(book.kept(), interval);
  std::filesystem::remove(open_path);
  std::filesystem::create_directory(open_path);
  EXPECT_FALSE(book.kept()) << "a folder in its place";
  EXPECT_FALSE(book.keep(interval));
  EXPECT_FALSE(SqliteLedger(path, folder.file("no/such/place"), clock, log).keep(interval));
}

}  // namespace
}  // namespace sluice::store
