#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/ledger.hpp"

namespace sluice::ports {

/// Where the ledger is kept. One thread at a time; calls wait for the disk.
class LedgerBook {
 public:
  virtual ~LedgerBook() = default;
  /// Opens it, or opens it again after a failure. `known`: the newest entry that somebody remembers.
  virtual Result<LedgerHead> open(const LedgerHead& known) = 0;
  /// All of them or none; durable when it returns. The new head.
  virtual Result<LedgerHead> append(std::vector<LedgerEntry> entries) = 0;
  /// The entries of one local day, in their order.
  virtual Result<std::vector<LedgerEntry>> entries_of(std::int64_t local_day) = 0;
  /// Keeps the open interval so that it survives the process, in the place of the one before.
  virtual Result<void> keep(const OpenInterval& interval) = 0;
  /// What another process kept; nothing when it kept nothing, or nothing that can be read.
  virtual std::optional<OpenInterval> kept() = 0;
};

}  // namespace sluice::ports
