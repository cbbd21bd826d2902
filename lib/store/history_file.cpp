#include "store/history_file.hpp"

#include <array>
#include <utility>

#include "store/roll_up.hpp"

namespace sluice::store {
namespace {

// A commit rewrites every page it touches, in the log and later in the file: small pages make small writes. NORMAL
// leaves the moment of the sync to the checkpoints: a power cut costs the last minutes, never the database.
constexpr const char* kPragmas =
    "PRAGMA page_size = 1024;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA cache_size = -256;"
    "PRAGMA temp_store = MEMORY;";

constexpr std::array<const char*, 1> kSteps{
    R"sql(
    CREATE TABLE series (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      scale REAL NOT NULL              -- one stored step, in the unit that ends the name
    ) STRICT;
    CREATE TABLE second_block (        -- data: see block_codec.hpp; column keys are series ids
      start_unix_ms INTEGER PRIMARY KEY,
      clock_sane INTEGER NOT NULL,
      data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE minute_block (        -- column keys: see roll_up.hpp
      start_unix_ms INTEGER PRIMARY KEY,
      clock_sane INTEGER NOT NULL,
      data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE quarter_block (
      start_unix_ms INTEGER PRIMARY KEY,
      clock_sane INTEGER NOT NULL,
      data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE decision (            -- only when it changed
      unix_ms INTEGER NOT NULL,
      subject TEXT NOT NULL,           -- miner; '' = the site
      sequence INTEGER NOT NULL,
      wanted INTEGER NOT NULL,         -- CommandKind
      target_w INTEGER NOT NULL,
      reason INTEGER NOT NULL,         -- Reason
      cuts INTEGER NOT NULL,           -- bits of Reason
      alarms INTEGER NOT NULL,         -- bits of Alarm
      PRIMARY KEY (unix_ms, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
      id INTEGER PRIMARY KEY,
      unix_ms INTEGER NOT NULL,
      clock_sane INTEGER NOT NULL,
      level INTEGER NOT NULL,          -- EventLevel
      code TEXT NOT NULL,
      subject TEXT NOT NULL,
      text TEXT NOT NULL,
      cleared INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE energy_day (
      local_day INTEGER NOT NULL,      -- days since 1970-01-01; 0 = date unknown
      series TEXT NOT NULL,
      energy_wh REAL NOT NULL,
      covered_s REAL NOT NULL,         -- seconds of the day for which it is known
      PRIMARY KEY (local_day, series)
    ) STRICT, WITHOUT ROWID;
    )sql",
};

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kQuarter = 900;
constexpr std::int64_t kDayMs = 86'400'000;

/// What is deleted first stands first.
struct Tier {
  const char* table;
  const char* time_column;
};
constexpr std::array<Tier, 5> kTiers{{{"second_block", "start_unix_ms"},
                                      {"decision", "unix_ms"},
                                      {"minute_block", "start_unix_ms"},
                                      {"quarter_block", "start_unix_ms"},
                                      {"event", "unix_ms"}}};

Result<void> insert_block(Database& database, const char* sql, const SampleBlock& from, const Block& block) {
  const auto data = encode(block);
  if (!data) return tl::unexpected(data.error());
  return database.run(sql, {from.start_unix_ms, std::int64_t{from.clock_sane}, std::span<const std::byte>(*data)});
}

}  // namespace

const FileFormat kHistoryFormat{kPragmas, kSteps, false};

Result<HistoryFile> HistoryFile::open(const std::string& path, WallTime now, Log& log) {
  auto database = open_or_begin_anew(path, kHistoryFormat, now, log);
  if (!database) return tl::unexpected(database.error());
  return HistoryFile(std::move(*database));
}

Result<void> HistoryFile::write(const HistoryBatch& batch) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const SampleBlock& block : batch.blocks) {
    if (auto done = write_block(block); !done) return done;
  }
  for (const DecisionChange& change : batch.decisions) {
    if (auto done = write_decision(change); !done) return done;
  }
  for (const StoredEvent& event : batch.events) {
    if (auto done = write_event(event); !done) return done;
  }
  for (const auto& [key, amount] : batch.energy) {
    if (auto done = write_energy(key, amount); !done) return done;
  }
  return transaction->commit();
}

Result<void> HistoryFile::write_block(const SampleBlock& block) {
  Block samples = block.samples;
  const std::vector<std::string> names = series_names(*block.miners);
  for (Column& column : samples.columns) {
    const auto id = series_id(names[column.key]);
    if (!id) return tl::unexpected(id.error());
    column.key = *id;
  }
  auto done = insert_block(database_, "INSERT OR REPLACE INTO second_block VALUES (?, ?, ?)", block, samples);
  if (!done) return done;
  done =
      insert_block(database_, "INSERT OR REPLACE INTO minute_block VALUES (?, ?, ?)", block, roll_up(samples, kMinute));
  if (!done) return done;
  return insert_block(database_, "INSERT OR REPLACE INTO quarter_block VALUES (?, ?, ?)", block,
                      roll_up(samples, kQuarter));
}

Result<void> HistoryFile::write_decision(const DecisionChange& change) {
  const auto target_w = static_cast<std::int64_t>(change.target.value());
  return database_.run("INSERT OR REPLACE INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                       {change.unix_ms, change.subject, static_cast<std::int64_t>(change.sequence),
                        static_cast<std::int64_t>(change.wanted), target_w, static_cast<std::int64_t>(change.reason),
                        static_cast<std::int64_t>(change.cuts.bits()), std::int64_t{change.alarms.bits()}});
}

Result<void> HistoryFile::write_event(const StoredEvent& stored) {
  const ports::Event& event = stored.event;
  return database_.run(
      "INSERT INTO event (unix_ms, clock_sane, level, code, subject, text, cleared) VALUES (?, ?, ?, ?, ?, ?, ?)",
      {unix_ms(event.wall), std::int64_t{stored.clock_sane}, static_cast<std::int64_t>(event.level), event.code,
       event.subject, event.text, std::int64_t{event.cleared}});
}

Result<void> HistoryFile::write_energy(const EnergyKey& key, const EnergyAmount& amount) {
  return database_.run(
      "INSERT INTO energy_day VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
      " energy_wh = energy_wh + excluded.energy_wh, covered_s = covered_s + excluded.covered_s",
      {key.first, key.second, amount.energy_wh, amount.covered_s});
}

Result<std::uint32_t> HistoryFile::series_id(const std::string& name) {
  const auto known = series_ids_.find(name);
  if (known != series_ids_.end()) return known->second;
  auto done = database_.run("INSERT INTO series (name, scale) VALUES (?, ?) ON CONFLICT DO NOTHING",
                            {name, series_scale(name)});
  if (!done) return tl::unexpected(done.error());
  const auto id = database_.integer("SELECT id FROM series WHERE name = ?", {name});
  if (!id) return tl::unexpected(id.error());
  return series_ids_[name] = static_cast<std::uint32_t>(*id);
}

Result<void> HistoryFile::trim(std::uint64_t max_bytes) {
  for (const Tier& tier : kTiers) {
    for (bool more = true; more;) {
      const auto used = bytes_used();
      if (!used) return tl::unexpected(used.error());
      if (static_cast<std::uint64_t>(*used) <= max_bytes) return {};
      const auto dropped = drop_oldest_day(tier.table, tier.time_column);
      if (!dropped) return tl::unexpected(dropped.error());
      more = *dropped;
    }
  }
  return {};
}

Result<std::int64_t> HistoryFile::bytes_used() {
  return database_.integer(
      "SELECT (page_count - freelist_count) * page_size"
      " FROM pragma_page_count, pragma_freelist_count, pragma_page_size");
}

Result<bool> HistoryFile::drop_oldest_day(const char* table, const char* time_column) {
  std::int64_t oldest = 0;
  std::int64_t newest = 0;
  const std::string range = fmt::format("SELECT min({0}), max({0}) FROM {1}", time_column, table);
  auto done = database_.query(range.c_str(), {}, [&](const SqlRow& row) {
    oldest = row.integer(0);
    newest = row.integer(1);
  });
  if (!done) return tl::unexpected(done.error());
  if (newest - oldest < kDayMs) return false;
  const std::string drop = fmt::format("DELETE FROM {} WHERE {} < ?", table, time_column);
  done = database_.run(drop.c_str(), {oldest + kDayMs});
  if (!done) return tl::unexpected(done.error());
  return true;
}

}  // namespace sluice::store
