#pragma once
/// The ledger on disk: `ledger.db`, and beside it one small file with the interval that is not over.

#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "ports/clock.hpp"
#include "ports/ledger.hpp"
#include "store/ledger_file.hpp"

namespace sluice::store {

/// The open interval is written anew each time, as a whole, under another name and then renamed; it is not synced. It
/// belongs on a file system in memory (the service's runtime directory): there it costs an SD card nothing and survives
/// the process. What it does not survive is a power cut, which costs the open quarter of an hour.
class SqliteLedger final : public ports::LedgerBook {
 public:
  /// `clock` and `log` must outlive the ledger.
  SqliteLedger(std::string path, std::string open_path, const ports::Clock& clock, Log& log);
  ~SqliteLedger() override;

  Result<LedgerHead> open(const LedgerHead& known) override;
  Result<LedgerHead> append(std::vector<LedgerEntry> entries) override;
  Result<std::vector<LedgerEntry>> entries_of(std::int64_t local_day) override;
  Result<void> keep(const OpenInterval& interval) override;
  std::optional<OpenInterval> kept() override;

 private:
  std::string path_, open_path_;
  const ports::Clock& clock_;
  Log& log_;
  std::unique_ptr<LedgerFile> file_;
};

/// One line with the hash of the rest, then JSON.
std::string to_text(const OpenInterval& interval);
std::optional<OpenInterval> open_interval_from(const std::string& text);

}  // namespace sluice::store
