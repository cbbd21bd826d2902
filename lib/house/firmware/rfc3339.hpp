#pragma once
#include <string>

#include "base/time.hpp"

namespace sluice::house {

/// `2025-06-01T11:00:00Z`.
std::string rfc3339(WallTime time);

}  // namespace sluice::house
