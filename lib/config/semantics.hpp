#pragma once
/// What one field alone cannot tell: names that must exist or be unique, limits that belong together, and settings that
/// are legal but dangerous.

#include "config/document.hpp"
#include "config/loader.hpp"
#include "config/problems.hpp"

namespace sluice::config {

/// Fills in what follows from other fields (a miner's strategy, a circuit's margin).
void complete(const Node& root, Config& config);

/// `config` is what `decode` and `complete` left; parts that have errors already are not judged again.
void check(const Node& root, const Config& config, const Catalogue& catalogue, Problems& problems);

}  // namespace sluice::config
