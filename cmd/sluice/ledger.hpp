#pragma once
/// `sluice ledger` and what `sluice report` shares with it. All commands return an exit code.

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "common/catalogue.hpp"
#include "config/config.hpp"

namespace sluice::cmd {

struct LedgerOptions {
  std::string config_file;
  SearchFolders folders;
  std::string state_directory;  ///< empty: where the configuration says
  bool as_json = false;
  int count = 20;
};

/// Where the ledger of a configuration is, or of a state directory.
struct LedgerPlace {
  std::string ledger, state;
  std::string currency;                  ///< empty: not known
  std::optional<config::Config> config;  ///< empty: only a state directory was named
};
Result<LedgerPlace> ledger_place(const LedgerOptions& options);

/// Walks the chain; 0: every entry is as it was written.
int verify_ledger(const LedgerOptions& options);
/// The newest entries.
int show_ledger(const LedgerOptions& options);

}  // namespace sluice::cmd
