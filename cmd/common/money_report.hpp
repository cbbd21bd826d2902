#pragma once
/// What the daemon knows of money, as JSON. Every name ends in its unit; amounts are in `currency`.

#include <nlohmann/json_fwd.hpp>

#include "runtime/market.hpp"

namespace sluice::cmd {

/// `wall` and `wall_sane` as of the tick that is shown.
nlohmann::json money_json(const runtime::MarketView& view, WallTime wall, bool wall_sane);

}  // namespace sluice::cmd
