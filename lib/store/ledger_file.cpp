#include "store/ledger_file.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "ledger/canonical.hpp"

namespace sluice::store {
namespace {

// Small pages: an append touches few of them. FULL: what was appended survives the power cut that follows.
constexpr const char* kPragmas =
    "PRAGMA page_size = 1024;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 256;";

constexpr int kFixedColumns = 6;  // before the amounts

// The columns are those of version 1 and stay as they are: later versions are later steps.
constexpr const char* kSchema = R"sql(
    CREATE TABLE entry (
      sequence INTEGER PRIMARY KEY,
      quarter INTEGER NOT NULL,
      local_day INTEGER NOT NULL,
      period INTEGER NOT NULL,
      subject TEXT NOT NULL,
      hash TEXT NOT NULL,
      curtailed_uwh INTEGER NOT NULL,
      export_avoided_uwh INTEGER NOT NULL,
      battery_uwh INTEGER NOT NULL,
      grid_uwh INTEGER NOT NULL,
      unknown_uwh INTEGER NOT NULL,
      mined_uwh INTEGER NOT NULL,
      standby_uwh INTEGER NOT NULL,
      awake_ms INTEGER NOT NULL,
      starts INTEGER NOT NULL,
      work_gh INTEGER NOT NULL,
      import_cost_n INTEGER NOT NULL,
      lost_export_n INTEGER NOT NULL,
      battery_value_n INTEGER NOT NULL,
      revenue_n INTEGER NOT NULL,
      revenue_msat INTEGER NOT NULL,
      heat_n INTEGER NOT NULL,
      grid_unpriced_uwh INTEGER NOT NULL,
      export_unpriced_uwh INTEGER NOT NULL,
      battery_unpriced_uwh INTEGER NOT NULL,
      mined_unpriced_uwh INTEGER NOT NULL,
      msat_unpriced_uwh INTEGER NOT NULL,
      covered_ms INTEGER NOT NULL,
      gap_ms INTEGER NOT NULL,
      bought_uwh INTEGER NOT NULL,
      sold_uwh INTEGER NOT NULL,
      bought_n INTEGER NOT NULL,
      sold_n INTEGER NOT NULL,
      bought_unpriced_uwh INTEGER NOT NULL,
      sold_unpriced_uwh INTEGER NOT NULL,
      counter_bought_uwh INTEGER NOT NULL,
      counter_sold_uwh INTEGER NOT NULL,
      metered_bought_uwh INTEGER NOT NULL,
      metered_sold_uwh INTEGER NOT NULL,
      gap_bought_uwh INTEGER NOT NULL,
      gap_sold_uwh INTEGER NOT NULL,
      counter_resets INTEGER NOT NULL,
      always_uwh INTEGER NOT NULL,
      always_cost_n INTEGER NOT NULL,
      always_lost_n INTEGER NOT NULL,
      always_revenue_n INTEGER NOT NULL,
      always_unknown_uwh INTEGER NOT NULL,
      import_price_n_s INTEGER NOT NULL,
      import_priced_ms INTEGER NOT NULL,
      hash_price_n_s INTEGER NOT NULL,
      hash_priced_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE begins_after (
      id INTEGER PRIMARY KEY CHECK (id = 0),
      sequence INTEGER NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
      BEGIN SELECT RAISE(ABORT, 'the ledger is only appended to'); END;
    CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry
      BEGIN SELECT RAISE(ABORT, 'the ledger is only appended to'); END;
    CREATE VIEW day AS
      SELECT local_day, date(local_day * 86400, 'unixepoch') AS date, subject,
             sum(mined_uwh) / 1e9 AS mined_kwh, sum(curtailed_uwh) / 1e9 AS curtailed_kwh,
             sum(export_avoided_uwh) / 1e9 AS export_avoided_kwh, sum(battery_uwh) / 1e9 AS battery_kwh,
             sum(grid_uwh) / 1e9 AS grid_kwh, sum(unknown_uwh) / 1e9 AS unknown_kwh, sum(starts) AS starts,
             sum(revenue_n) / 1e9 AS revenue, sum(heat_n) / 1e9 AS heat, sum(import_cost_n) / 1e9 AS import_cost,
             sum(lost_export_n) / 1e9 AS lost_export
      FROM entry GROUP BY local_day, subject;
    )sql";

constexpr std::array<const char*, 1> kSteps{kSchema};
constexpr FileFormat kFormat{kPragmas, kSteps, false};

/// "sequence, quarter, …": as they are read and written.
const std::string& columns() {
  static const std::string names = [] {
    std::string all = "sequence, quarter, local_day, period, subject, hash";
    for (std::size_t i = 0; i < kAmounts; ++i) all += fmt::format(", {}", to_string(static_cast<Amount>(i)));
    return all;
  }();
  return names;
}

LedgerEntry entry_of(const SqlRow& row) {
  LedgerEntry entry{row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.text(4), {}};
  for (std::size_t i = 0; i < kAmounts; ++i) {
    entry.amounts[static_cast<Amount>(i)] = row.integer(kFixedColumns + static_cast<int>(i));
  }
  return entry;
}

/// Names are text of ours or the owner's, so quotes are doubled; numbers are numbers.
std::string insert_statement(const LedgerEntry& entry, std::string_view hash) {
  std::string subject;
  for (const char c : entry.subject) subject += c == '\'' ? "''" : std::string(1, c);
  std::string sql = fmt::format("INSERT INTO entry ({}) VALUES ({}, {}, {}, {}, '{}', '{}'", columns(), entry.sequence,
                                entry.quarter, entry.local_day, entry.period, subject, hash);
  for (std::size_t i = 0; i < kAmounts; ++i) sql += fmt::format(", {}", entry.amounts[static_cast<Amount>(i)]);
  return sql + ")";
}

/// Walks the chain and gathers what is wrong with it.
class Walk {
 public:
  explicit Walk(const LedgerHead& begin, const std::optional<LedgerHead>& kept)
      : kept_(kept), previous_(begin.hash), expected_(begin.sequence + 1) {
    verdict_.begins_after = begin.sequence;
    verdict_.head = begin;
  }
  void step(const LedgerEntry& entry, const std::string& hash) {
    if (entry.sequence != expected_) {
      damage(expected_, day_,
             fmt::format("entry {} is missing, and {} more", expected_, entry.sequence - expected_ - 1));
      if (entry.local_day != day_) damage(entry.sequence, entry.local_day, "");
    }
    day_ = entry.local_day;
    // After a missing entry nobody knows what this one was chained to.
    if (entry.sequence == expected_ && ledger_hash(previous_, entry) != hash) {
      damage(entry.sequence, entry.local_day,
             fmt::format("entry {} is not what was written, or not where it was written", entry.sequence));
    }
    if (kept_ && entry.sequence == kept_->sequence && hash != kept_->hash) {
      damage(entry.sequence, entry.local_day,
             fmt::format("entry {} is not the one that state.db knows: the chain was written anew", entry.sequence));
    }
    expected_ = entry.sequence + 1;
    previous_ = hash;
    verdict_.head = {entry.sequence, hash};
    ++verdict_.entries;
  }
  LedgerVerdict end() && {
    if (kept_ && kept_->sequence > verdict_.head.sequence) {
      damage(verdict_.head.sequence + 1, day_,
             fmt::format("the end is missing: state.db knows {} entries, the last one here is {}", kept_->sequence,
                         verdict_.head.sequence));
    }
    verdict_.days.assign(days_.begin(), days_.end());
    return std::move(verdict_);
  }

 private:
  void damage(std::int64_t sequence, std::int64_t day, std::string text) {
    days_.insert(day);
    if (!text.empty()) verdict_.damages.push_back({sequence, day, std::move(text)});
  }

  const std::optional<LedgerHead>& kept_;
  std::string previous_;
  std::int64_t expected_;
  std::int64_t day_ = 0;
  std::set<std::int64_t> days_;
  LedgerVerdict verdict_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  std::string digits;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return digits;
  for (unsigned int i = 0; i < length; ++i) digits += fmt::format("{:02x}", digest[i]);
  return digits;
}

std::string ledger_hash(std::string_view previous, const LedgerEntry& entry) {
  return sha256(fmt::format("{}\n{}", previous, ledger::canonical(entry)));
}

Result<LedgerFile> LedgerFile::open(const std::string& path, const LedgerHead& known, WallTime now, Log& log) {
  auto database = open_or_begin_anew(path, kFormat, now, log);
  if (!database) return tl::unexpected(database.error());
  LedgerFile file(std::move(*database));
  if (auto read = file.read_head(); !read) return fail(read.error().kind, "{}: {}", path, read.error().text);
  if (file.head_.sequence == 0 && known.sequence > 0) {
    // The entries that state.db knows are elsewhere. Their numbers and the chain go on.
    if (auto begun = file.begin_after(known); !begun)
      return fail(begun.error().kind, "{}: {}", path, begun.error().text);
    log.warning("store", "{}: begins after entry {}, which is in another file", path, known.sequence);
  }
  return file;
}

Result<LedgerFile> LedgerFile::open_to_read(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return fail(ErrorKind::not_found, "{}: there is no such file", path);
  auto database = Database::open(path, Database::Access::read_only);
  if (!database) return fail(database.error().kind, "{}: {}", path, database.error().text);
  const auto version = database->integer("PRAGMA user_version");
  if (!version) return fail(version.error().kind, "{}: {}", path, version.error().text);
  if (*version != static_cast<std::int64_t>(kSteps.size())) {
    return fail(*version == 0 ? ErrorKind::protocol : ErrorKind::unsupported,
                "{}: not a ledger that this Sluice can read (schema {})", path, *version);
  }
  LedgerFile file(std::move(*database));
  if (auto read = file.read_head(); !read) return fail(read.error().kind, "{}: {}", path, read.error().text);
  return file;
}

Result<void> LedgerFile::read_head() {
  head_ = {0, ledger::no_hash()};
  const auto take = [this](const SqlRow& row) { head_ = {row.integer(0), row.text(1)}; };
  auto done = database_.query("SELECT sequence, hash FROM begins_after", {}, take);
  if (!done) return done;
  return database_.query("SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1", {}, take);
}

Result<void> LedgerFile::begin_after(const LedgerHead& known) {
  auto done = database_.run("INSERT INTO begins_after (id, sequence, hash) VALUES (0, ?, ?)",
                            {known.sequence, std::string_view(known.hash)});
  if (done) head_ = known;
  return done;
}

Result<void> LedgerFile::append(std::vector<LedgerEntry> entries) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  LedgerHead head = head_;
  for (LedgerEntry& entry : entries) {
    entry.sequence = head.sequence + 1;
    head = {entry.sequence, ledger_hash(head.hash, entry)};
    if (head.hash.empty()) return fail(ErrorKind::internal, "SHA-256 is not available");
    if (auto done = database_.run(insert_statement(entry, head.hash).c_str()); !done) return done;
  }
  if (auto done = transaction->commit(); !done) return done;
  head_ = head;
  return {};
}

Result<std::vector<LedgerEntry>> LedgerFile::select(const char* tail, std::initializer_list<SqlValue> values) {
  std::vector<LedgerEntry> found;
  const std::string sql = "SELECT " + columns() + " FROM entry " + tail;
  auto done = database_.query(sql.c_str(), values, [&](const SqlRow& row) { found.push_back(entry_of(row)); });
  if (!done) return tl::unexpected(done.error());
  return found;
}

Result<std::vector<LedgerEntry>> LedgerFile::entries(std::int64_t from_day, std::int64_t to_day) {
  return select("WHERE local_day BETWEEN ? AND ? ORDER BY sequence", {from_day, to_day});
}

Result<std::vector<LedgerEntry>> LedgerFile::newest(std::int64_t count) {
  auto found = select("ORDER BY sequence DESC LIMIT ?", {count});
  if (found) std::reverse(found->begin(), found->end());
  return found;
}

Result<LedgerVerdict> LedgerFile::verify(const std::optional<LedgerHead>& kept) {
  LedgerHead begin{0, ledger::no_hash()};
  auto done = database_.query("SELECT sequence, hash FROM begins_after", {},
                              [&](const SqlRow& row) { begin = {row.integer(0), row.text(1)}; });
  if (!done) return tl::unexpected(done.error());
  Walk walk(begin, kept);
  const std::string sql = "SELECT " + columns() + " FROM entry ORDER BY sequence";
  done = database_.query(sql.c_str(), {}, [&](const SqlRow& row) { walk.step(entry_of(row), row.text(5)); });
  if (!done) return tl::unexpected(done.error());
  return std::move(walk).end();
}

}  // namespace sluice::store
