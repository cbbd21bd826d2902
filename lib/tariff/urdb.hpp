#pragma once
/// Import of a rate from the OpenEI utility rate database (URDB, version 8 of its JSON) as the text of a plan.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sluice::tariff {

struct UrdbOptions {
  std::string id;    ///< of the plan to be made
  std::string zone;  ///< the database tells none
  std::string currency = "USD";
  std::string holidays;  ///< name of a calendar; empty: none
  std::string label;     ///< which of several items; empty: the only one
  std::string checked;   ///< date of the import
};

struct UrdbImport {
  std::string yaml;
  std::vector<std::string> warnings;  ///< what the plan cannot say, or what was guessed
};

/// `json` is what the database answered, `{"items": […]}`, or one item. Errors: invalid, with one line for everything
/// that is wrong: no JSON, a schedule that is not 12 × 24, an index without a period, an unknown unit, a tier without a
/// rate.
Result<UrdbImport> import_urdb(std::string_view json, const UrdbOptions& options);

}  // namespace sluice::tariff
