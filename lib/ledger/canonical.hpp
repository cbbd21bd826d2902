#pragma once
/// The bytes of an entry that its hash covers. One line of text: `v1`, sequence, quarter, local day, period, then every
/// amount in the order of `Amount`, in decimal, then the subject, joined by '|' and without a line end. The subject
/// comes last, so that no name can pass for a number. docs/guide/ledger.md shows one.

#include <string>

#include "model/ledger.hpp"

namespace sluice::ledger {

std::string canonical(const LedgerEntry& entry);

/// What stands before the first entry of a chain, in the place of a hash.
std::string no_hash();

}  // namespace sluice::ledger
