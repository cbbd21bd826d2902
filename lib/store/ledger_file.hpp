#pragma once
/// `ledger.db`: entries that are only ever added, each with a hash over itself and the hash before it.
///
///     hash(n) = SHA-256( hash(n − 1) as 64 hexadecimal digits, a line feed, canonical(entry n) )
///
/// and 64 zeros before the first. Whoever changes, removes or reorders an entry breaks the chain there; whoever cuts
/// its end off is found out by the head that `state.db` keeps. The file is synced with every append (once in a quarter
/// of an hour); SQL that would change or delete an entry is refused by the file's own triggers.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/ledger.hpp"
#include "store/sqlite.hpp"

namespace sluice::store {

/// Lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);
std::string ledger_hash(std::string_view previous, const LedgerEntry& entry);

/// Something that is not as it was written.
struct LedgerDamage {
  std::int64_t sequence = 0;   ///< of the entry, or of the one that is missing
  std::int64_t local_day = 0;  ///< as the entry, or the one before it, says; 0: not known
  std::string text;            ///< one sentence
};

/// What a walk along the chain found.
struct LedgerVerdict {
  std::int64_t entries = 0;
  LedgerHead head;
  std::int64_t begins_after = 0;      ///< entries that are in another file: this one was begun after it was set aside
  std::vector<LedgerDamage> damages;  ///< in the order of the chain
  std::vector<std::int64_t> days;     ///< local days of the damaged entries, ascending, each once
  bool ok() const { return damages.empty(); }
};

/// One thread at a time.
class LedgerFile {
 public:
  /// For writing; created when it does not exist. A damaged file is set aside, and a new one goes on after `known`.
  static Result<LedgerFile> open(const std::string& path, const LedgerHead& known, WallTime now, Log& log);
  /// Never writes and never creates the file. `not_found`, `unsupported` (newer schema), `protocol`, `io`.
  static Result<LedgerFile> open_to_read(const std::string& path);

  const LedgerHead& head() const { return head_; }
  /// Gives each entry the next sequence and its hash. All of them or none; durable when it returns.
  Result<void> append(std::vector<LedgerEntry> entries);

  /// Entries with from ≤ local day ≤ to, in their order. Undated ones (day 0) only if 0 lies between.
  Result<std::vector<LedgerEntry>> entries(std::int64_t from_day, std::int64_t to_day);
  /// The newest `count` entries, in their order.
  Result<std::vector<LedgerEntry>> newest(std::int64_t count);
  /// Walks the whole chain. `kept`: the head that was kept elsewhere; absent: there is none to compare with.
  Result<LedgerVerdict> verify(const std::optional<LedgerHead>& kept);

 private:
  explicit LedgerFile(Database database) : database_(std::move(database)) {}
  Result<void> read_head();
  Result<void> begin_after(const LedgerHead& known);
  Result<std::vector<LedgerEntry>> select(const char* tail, std::initializer_list<SqlValue> values);

  Database database_;
  LedgerHead head_;
};

}  // namespace sluice::store
