#include "store/state_store.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "store/sqlite.hpp"

namespace sluice::store {
namespace {

// Small pages: a save touches two of them. WAL with FULL syncs once per commit, where a rollback journal needs three.
constexpr const char* kPragmas =
    "PRAGMA page_size = 1024;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 64;";

constexpr std::array<const char*, 7> kSteps{
    R"sql(
    CREATE TABLE site (
      id INTEGER PRIMARY KEY CHECK (id = 0),
      clean_stop INTEGER NOT NULL,
      saved_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE miner (
      name TEXT PRIMARY KEY,
      position INTEGER NOT NULL,
      driven INTEGER NOT NULL,
      parked_by_owner INTEGER NOT NULL,
      starts_today INTEGER NOT NULL,
      writes_today INTEGER NOT NULL,
      day INTEGER NOT NULL,
      last_start_unix_ms INTEGER NOT NULL,
      last_stop_unix_ms INTEGER NOT NULL,
      learned_samples INTEGER NOT NULL,
      dead_time_s REAL NOT NULL,
      ramp_up_w_per_s REAL NOT NULL,
      ramp_down_w_per_s REAL NOT NULL,
      wake_s REAL NOT NULL,
      sleep_w REAL NOT NULL,
      draw_gain REAL NOT NULL,
      draw_offset_w REAL NOT NULL,
      adapter_state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    )sql",
    // A mean alone says nothing of its worth: each learned number comes with its spread and its samples.
    R"sql(
    ALTER TABLE miner ADD COLUMN dead_time_spread_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN dead_time_samples INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN ramp_up_spread REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN ramp_up_samples INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN ramp_down_spread REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN ramp_down_samples INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN wake_spread REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN wake_samples INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN report_gain REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN report_gain_spread REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN report_gain_samples INTEGER NOT NULL DEFAULT 0;
    )sql",
    // What the forecast learned of the sun: a row a slot of the day, so that an hour touches four of them.
    R"sql(
    ALTER TABLE site ADD COLUMN surplus_so_far_wh REAL NOT NULL DEFAULT 0;
    ALTER TABLE site ADD COLUMN surplus_expected_wh REAL NOT NULL DEFAULT 0;
    ALTER TABLE site ADD COLUMN surplus_local_day INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE surplus_slot (
      slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND 95),
      last_w REAL NOT NULL,
      mean_w REAL NOT NULL,
      day INTEGER NOT NULL
    ) STRICT;
    )sql",
    // The end of the ledger's chain, so that a ledger that was cut short is found out.
    R"sql(
    ALTER TABLE site ADD COLUMN ledger_sequence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE site ADD COLUMN ledger_hash TEXT NOT NULL DEFAULT '';
    )sql",
    // A curve is one small text: it is read and written as a whole.
    R"sql(
    ALTER TABLE miner ADD COLUMN learned_curve TEXT NOT NULL DEFAULT '';
    )sql",
    // What the electricity bill holds already: its peak, and what was drawn.
    R"sql(
    ALTER TABLE site ADD COLUMN bill TEXT NOT NULL DEFAULT '';
    )sql",
    // The switch before a miner, and what must be known of one that is found without power.
    R"sql(
    ALTER TABLE miner ADD COLUMN cut_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE miner ADD COLUMN cuts_today INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN boot_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN boot_spread REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN boot_samples INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN envelope_min_w REAL NOT NULL DEFAULT 0;
    ALTER TABLE miner ADD COLUMN envelope_max_w REAL NOT NULL DEFAULT 0;
    )sql",
};

// A miner as it is written and read, in this order; its place in the file comes last.
constexpr std::size_t kColumnCount = 37;
constexpr std::string_view kColumns =
    "name, driven, parked_by_owner, starts_today, writes_today, day, last_start_unix_ms, last_stop_unix_ms,"
    " learned_samples, sleep_w, draw_gain, draw_offset_w, adapter_state,"
    " dead_time_s, dead_time_spread_s, dead_time_samples, ramp_up_w_per_s, ramp_up_spread, ramp_up_samples,"
    " ramp_down_w_per_s, ramp_down_spread, ramp_down_samples, wake_s, wake_spread, wake_samples,"
    " report_gain, report_gain_spread, report_gain_samples, learned_curve,"
    " cut_by, cuts_today, boot_s, boot_spread, boot_samples, envelope_min_w, envelope_max_w, position";

constexpr FileFormat kFormat{kPragmas, kSteps, true};

bool same(const PersistentState& a, const PersistentState& b) {
  return a.clean_stop == b.clean_stop && a.surplus == b.surplus && a.ledger == b.ledger && a.bill == b.bill &&
         a.miners == b.miners;
}

/// True when `before` holds the same miner at the same place.
bool unchanged(const std::optional<PersistentState>& before, const MinerMemory& miner, std::size_t position) {
  return before && position < before->miners.size() && before->miners[position] == miner;
}

bool keeps(const PersistentState& state, const std::string& name) {
  return std::any_of(state.miners.begin(), state.miners.end(), [&](const MinerMemory& m) { return m.name == name; });
}

/// Value, spread and samples stand side by side.
LearnedValue learned_value(const SqlRow& row, int first) {
  return {row.real(first), row.real(first + 1), static_cast<std::uint32_t>(row.integer(first + 2))};
}

MinerMemory miner_of(const SqlRow& row) {
  MinerMemory miner;
  miner.name = row.text(0);
  miner.driven = row.integer(1) != 0;
  miner.parked_by_owner = row.integer(2) != 0;
  miner.starts_today = static_cast<std::int32_t>(row.integer(3));
  miner.writes_today = static_cast<std::int32_t>(row.integer(4));
  miner.day = row.integer(5);
  miner.last_start_unix_ms = row.integer(6);
  miner.last_stop_unix_ms = row.integer(7);
  miner.learned.samples = static_cast<std::uint32_t>(row.integer(8));
  miner.learned.sleep_w = row.real(9);
  miner.learned.draw_gain = row.real(10);
  miner.learned.draw_offset_w = row.real(11);
  miner.adapter_state = row.text(12);
  miner.learned.dead_time_s = learned_value(row, 13);
  miner.learned.ramp_up_w_per_s = learned_value(row, 16);
  miner.learned.ramp_down_w_per_s = learned_value(row, 19);
  miner.learned.wake_s = learned_value(row, 22);
  miner.learned.report_gain = learned_value(row, 25);
  miner.learned_curve = row.text(28);
  miner.cut_by = row.text(29);
  miner.cuts_today = static_cast<std::int32_t>(row.integer(30));
  miner.boot_s = learned_value(row, 31);
  miner.envelope_min_w = row.real(34);
  miner.envelope_max_w = row.real(35);
  return miner;
}

Result<void> write_miner(Database& database, const MinerMemory& miner, std::size_t position) {
  const LearnedMiner& learned = miner.learned;
  const auto samples = [](const LearnedValue& value) { return std::int64_t{value.samples}; };
  std::string sql = "INSERT OR REPLACE INTO miner (" + std::string(kColumns) + ") VALUES (?";
  for (std::size_t column = 1; column < kColumnCount; ++column) sql += ", ?";
  sql += ")";
  return database.run(sql.c_str(), {miner.name,
                                    std::int64_t{miner.driven},
                                    std::int64_t{miner.parked_by_owner},
                                    std::int64_t{miner.starts_today},
                                    std::int64_t{miner.writes_today},
                                    miner.day,
                                    miner.last_start_unix_ms,
                                    miner.last_stop_unix_ms,
                                    std::int64_t{learned.samples},
                                    learned.sleep_w,
                                    learned.draw_gain,
                                    learned.draw_offset_w,
                                    miner.adapter_state,
                                    learned.dead_time_s.value,
                                    learned.dead_time_s.spread,
                                    samples(learned.dead_time_s),
                                    learned.ramp_up_w_per_s.value,
                                    learned.ramp_up_w_per_s.spread,
                                    samples(learned.ramp_up_w_per_s),
                                    learned.ramp_down_w_per_s.value,
                                    learned.ramp_down_w_per_s.spread,
                                    samples(learned.ramp_down_w_per_s),
                                    learned.wake_s.value,
                                    learned.wake_s.spread,
                                    samples(learned.wake_s),
                                    learned.report_gain.value,
                                    learned.report_gain.spread,
                                    samples(learned.report_gain),
                                    miner.learned_curve,
                                    miner.cut_by,
                                    std::int64_t{miner.cuts_today},
                                    miner.boot_s.value,
                                    miner.boot_s.spread,
                                    samples(miner.boot_s),
                                    miner.envelope_min_w,
                                    miner.envelope_max_w,
                                    static_cast<std::int64_t>(position)});
}

Result<void> write_site(Database& database, const PersistentState& state) {
  return database.run(
      "INSERT OR REPLACE INTO site"
      " (id, clean_stop, saved_unix_ms, surplus_so_far_wh, surplus_expected_wh, surplus_local_day,"
      " ledger_sequence, ledger_hash, bill) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?)",
      {std::int64_t{state.clean_stop}, state.saved_unix_ms, state.surplus.so_far_wh, state.surplus.expected_so_far_wh,
       state.surplus.local_day, state.ledger.sequence, std::string_view(state.ledger.hash),
       std::string_view(state.bill)});
}

Result<void> write_slots(Database& database, const std::optional<PersistentState>& before,
                         const SurplusMemory& surplus) {
  for (std::size_t i = 0; i < surplus.slots.size(); ++i) {
    const SurplusSlot& slot = surplus.slots[i];
    if (slot == (before ? before->surplus.slots[i] : SurplusSlot{})) continue;
    auto done = database.run("INSERT OR REPLACE INTO surplus_slot (slot, last_w, mean_w, day) VALUES (?, ?, ?, ?)",
                             {static_cast<std::int64_t>(i), slot.last_w, slot.mean_w, slot.day});
    if (!done) return done;
  }
  return {};
}

Result<PersistentState> read(Database& database) {
  PersistentState state;
  auto done = database.query(
      "SELECT clean_stop, saved_unix_ms, surplus_so_far_wh, surplus_expected_wh, surplus_local_day,"
      " ledger_sequence, ledger_hash, bill FROM site",
      {}, [&](const SqlRow& row) {
        state.clean_stop = row.integer(0) != 0;
        state.saved_unix_ms = row.integer(1);
        state.surplus.so_far_wh = row.real(2);
        state.surplus.expected_so_far_wh = row.real(3);
        state.surplus.local_day = row.integer(4);
        state.ledger = {row.integer(5), row.text(6)};
        state.bill = row.text(7);
      });
  if (!done) return tl::unexpected(done.error());
  done = database.query("SELECT slot, last_w, mean_w, day FROM surplus_slot", {}, [&](const SqlRow& row) {
    state.surplus.slots[static_cast<std::size_t>(row.integer(0))] = {row.real(1), row.real(2), row.integer(3)};
  });
  if (!done) return tl::unexpected(done.error());
  const std::string sql = "SELECT " + std::string(kColumns) + " FROM miner ORDER BY position";
  done = database.query(sql.c_str(), {}, [&](const SqlRow& row) { state.miners.push_back(miner_of(row)); });
  if (!done) return tl::unexpected(done.error());
  return state;
}

}  // namespace

SqliteStateStore::SqliteStateStore(std::string path, const ports::Clock& clock, Log& log)
    : path_(std::move(path)), clock_(clock), log_(log) {}

SqliteStateStore::~SqliteStateStore() = default;

Result<PersistentState> SqliteStateStore::load() {
  auto opened = database();
  if (!opened) return tl::unexpected(opened.error());
  auto state = read(**opened);
  if (!state) return give_up(state.error());
  on_disk_ = *state;
  return state;
}

Result<void> SqliteStateStore::save(const PersistentState& state) {
  if (on_disk_ && same(*on_disk_, state)) return {};
  auto written = try_save(state);
  // Damage found on the way: the second attempt renames the file aside and writes the whole state to a fresh one.
  if (!written && written.error().kind == ErrorKind::protocol) written = try_save(state);
  return written;
}

Result<void> SqliteStateStore::try_save(const PersistentState& state) {
  auto opened = database();
  if (!opened) return tl::unexpected(opened.error());
  auto written = write(**opened, state);
  if (!written) return give_up(written.error());
  on_disk_ = state;
  return {};
}

Result<void> SqliteStateStore::write(Database& database, const PersistentState& state) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  auto done = write_site(database, state);
  if (!done) return done;
  if (!on_disk_) {
    if (done = database.run("DELETE FROM surplus_slot"); !done) return done;
    if (done = database.run("DELETE FROM miner"); !done) return done;
  } else {
    for (const MinerMemory& miner : on_disk_->miners) {
      if (keeps(state, miner.name)) continue;
      if (done = database.run("DELETE FROM miner WHERE name = ?", {miner.name}); !done) return done;
    }
  }
  for (std::size_t position = 0; position < state.miners.size(); ++position) {
    const MinerMemory& miner = state.miners[position];
    if (unchanged(on_disk_, miner, position)) continue;
    if (done = write_miner(database, miner, position); !done) return done;
  }
  if (done = write_slots(database, on_disk_, state.surplus); !done) return done;
  return transaction->commit();
}

Result<Database*> SqliteStateStore::database() {
  if (database_) return database_.get();
  auto opened = open_or_begin_anew(path_, kFormat, clock_.wall_now(), log_);
  if (!opened) return tl::unexpected(opened.error());
  database_ = std::make_unique<Database>(std::move(*opened));
  return database_.get();
}

tl::unexpected<Error> SqliteStateStore::give_up(const Error& error) {
  database_.reset();
  on_disk_.reset();
  return fail(error.kind, "{}: {}", path_, error.text);
}

Result<std::optional<LedgerHead>> read_ledger_head(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return fail(ErrorKind::not_found, "{}: there is no such file", path);
  constexpr std::int64_t kKnowsTheLedger = 4;
  std::optional<LedgerHead> head;
  auto database = Database::open(path, Database::Access::read_only);
  auto read = database.and_then([](Database& open) { return open.integer("PRAGMA user_version"); });
  if (read && *read >= kKnowsTheLedger) {
    const auto done = database->query("SELECT ledger_sequence, ledger_hash FROM site", {}, [&](const SqlRow& row) {
      if (row.integer(0) > 0) head = LedgerHead{row.integer(0), row.text(1)};
    });
    if (!done) read = tl::unexpected(done.error());
  }
  if (!read) return fail(read.error().kind, "{}: {}", path, read.error().text);
  return head;
}

}  // namespace sluice::store
