#pragma once
/// From the tree to the structs, along the field table.

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/problems.hpp"

namespace sluice::config {

/// Fills `config` with what the tree says, and reports every key that is unknown, missing or has a wrong value. The
/// error path of a field names it: `miners[0].power.max_w`.
void decode(const Node& root, Config& config, Problems& problems);

/// `"text"`, shortened, for messages.
std::string quoted(std::string_view text);

}  // namespace sluice::config
