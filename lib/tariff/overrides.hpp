#pragma once
/// What the owner's bill says otherwise than the plan.

#include <optional>
#include <string>
#include <vector>

#include "tariff/plan.hpp"

namespace sluice::tariff {

struct Overrides {
  std::string zone;                  ///< empty: the plan's
  std::optional<double> multiplier;  ///< of import, for taxes and rebates
  std::vector<Adder> adders;         ///< take the place of the plan's of the same name, or come on top
  std::optional<Export> exported;
  std::optional<DemandCharge> demand;  ///< takes the place of all of the plan's
};

/// Changes every version of `plan`.
void apply(const Overrides& overrides, Plan& plan);

}  // namespace sluice::tariff
