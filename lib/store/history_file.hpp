#pragma once
/// `history.db`: its tables, and how a batch gets into it.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "ports/store.hpp"
#include "store/block_codec.hpp"
#include "store/energy.hpp"
#include "store/sample.hpp"
#include "store/sqlite.hpp"

namespace sluice::store {

/// Schema of `history.db`, for those who open it.
extern const FileFormat kHistoryFormat;

/// Samples in a row; the key of a column is its place in `series_names(*miners)`.
struct SampleBlock {
  std::int64_t start_unix_ms = 0;
  bool clock_sane = false;
  std::shared_ptr<const MinerNames> miners;
  Block samples;
};

struct StoredEvent {
  ports::Event event;
  bool clock_sane = false;
};

/// What goes to the disk in one transaction.
struct HistoryBatch {
  std::vector<SampleBlock> blocks;
  std::vector<DecisionChange> decisions;
  std::vector<StoredEvent> events;
  EnergyAmounts energy;
  bool empty() const { return blocks.empty() && decisions.empty() && events.empty() && energy.empty(); }
};

/// The open file. After an error it is to be closed and opened again. One thread at a time.
class HistoryFile {
 public:
  static Result<HistoryFile> open(const std::string& path, WallTime now, Log& log);

  /// All of it or nothing.
  Result<void> write(const HistoryBatch& batch);
  /// Deletes the oldest day of seconds, then of decisions, minutes, quarters of an hour and events, until the data take
  /// at most `max_bytes`. The newest day of each is kept. Freed pages are used again; the file does not shrink.
  Result<void> trim(std::uint64_t max_bytes);
  /// Bytes of the pages in use.
  Result<std::int64_t> bytes_used();

 private:
  explicit HistoryFile(Database database) : database_(std::move(database)) {}

  Result<void> write_block(const SampleBlock& block);
  Result<void> write_decision(const DecisionChange& change);
  Result<void> write_event(const StoredEvent& stored);
  Result<void> write_energy(const EnergyKey& key, const EnergyAmount& amount);
  Result<std::uint32_t> series_id(const std::string& name);
  Result<bool> drop_oldest_day(const char* table, const char* time_column);

  Database database_;
  std::map<std::string, std::uint32_t> series_ids_;
};

}  // namespace sluice::store
