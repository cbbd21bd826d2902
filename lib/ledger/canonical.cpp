#include "ledger/canonical.hpp"

#include <fmt/format.h>

namespace sluice::ledger {

std::string canonical(const LedgerEntry& entry) {
  std::string text =
      fmt::format("v{}|{}|{}|{}|{}", kLedgerVersion, entry.sequence, entry.quarter, entry.local_day, entry.period);
  for (std::size_t i = 0; i < kAmounts; ++i) {
    text += fmt::format("|{}", entry.amounts[static_cast<Amount>(i)]);
  }
  return text + "|" + entry.subject;
}

std::string no_hash() { return std::string(64, '0'); }

}  // namespace sluice::ledger
