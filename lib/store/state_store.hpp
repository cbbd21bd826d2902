#pragma once
/// `state.db`: the little that must survive a power cut.

#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"

namespace sluice::store {

class Database;

/// The file is opened with the first call, and again after a failure, so a disk that comes back is used. A damaged file
/// is renamed aside and begun anew; one of a newer Sluice is an error and is left untouched. One thread at a time.
class SqliteStateStore final : public ports::StateStore {
 public:
  /// `clock` and `log` must outlive the store.
  SqliteStateStore(std::string path, const ports::Clock& clock, Log& log);
  ~SqliteStateStore() override;

  /// An empty state when nothing was ever saved.
  Result<PersistentState> load() override;
  /// Durable (synced to the disk) when it returns. Writes only the rows that changed since the last load or save; a
  /// new `saved_unix_ms` alone is not a change, so that saving an unchanged state costs the SD card nothing.
  Result<void> save(const PersistentState& state) override;

 private:
  Result<Database*> database();
  Result<void> try_save(const PersistentState& state);
  Result<void> write(Database& database, const PersistentState& state);
  /// Passes `error` on; after it the file is opened anew, and a damaged one is then replaced.
  tl::unexpected<Error> give_up(const Error& error);

  std::string path_;
  const ports::Clock& clock_;
  Log& log_;
  std::unique_ptr<Database> database_;
  std::optional<PersistentState> on_disk_;  ///< absent: not known, everything is written
};

/// The end of the ledger's chain as `state.db` knows it, without writing anything; nothing when it knows none.
/// `not_found`, `protocol`, `io`.
Result<std::optional<LedgerHead>> read_ledger_head(const std::string& path);

}  // namespace sluice::store
