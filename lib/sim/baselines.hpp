#pragma once
/// The laws that the product is measured against: what people run today, restated from their public sources and
/// documents, and `c2`, the candidate law that the product has to beat. Each is a `Policy` and lives under the same
/// constraint profile as the product and the oracle.
///
/// A fleet is treated as its script would treat it: several copies side by side, each with an equal share of what is
/// available; evcc serves one charging point an interval, in turn; only `c2` commits and trims jointly.

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/site.hpp"
#include "sim/policy.hpp"

namespace sluice::sim {

struct BaselineInfo {
  std::string_view id;    ///< stable: `b3-evcc`
  std::string_view peer;  ///< who runs it, in words
  std::string_view rule;  ///< what it does, in a line
};

struct BaselineSetup {
  double leak_price = 3.5;                      ///< λ > 0: a kWh leaked, in captured kWh; only `c2` knows prices
  ConstraintProfile profile = {};               ///< kept by every law; the limit of starts a day by c2 only
  Watts fixed_power{2400.0};                    ///< of the fixed-power laws (b1, b2, b5b), for each miner
  Duration meter_age{std::chrono::seconds(1)};  ///< `c2`: how old a fresh value of the grid meter is
};

/// In the order of a table, worst known first.
std::vector<BaselineInfo> baselines();

/// `not_found` names every id that there is. The policy allocates in its first step at most.
Result<std::unique_ptr<Policy>> make_baseline(std::string_view id, const BaselineSetup& setup);

}  // namespace sluice::sim
