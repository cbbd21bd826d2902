#pragma once
/// Tariff plans: where they are found, and the one that a configuration names, ready for `tariff::Evaluation`.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/loader.hpp"
#include "feeds/definition.hpp"
#include "tariff/bill.hpp"
#include "tariff/evaluation.hpp"

namespace sluice::cmd {

/// File by plan name.
std::map<std::string, std::string> plan_files(const std::vector<std::string>& directories);

struct FoundPlan {
  tariff::Plan plan;
  std::vector<yaml::Diagnostic> warnings;
};
/// Errors: io, invalid with one line a mistake.
Result<FoundPlan> read_plan(const std::string& file);
/// By name, or by the path of a file when it holds a slash. Errors: not_found, beside those of `read_plan`.
Result<FoundPlan> find_plan(const std::string& name, const std::vector<std::string>& directories);

/// The tariff of a configuration. `evaluation` keeps references: it must not outlive this.
struct Tariff {
  tariff::Plan plan;
  tariff::LocalTime local_time;
  int billing_day = 1;
  std::vector<tariff::Event> events;
  Watts accepted_peak;
  std::optional<tariff::SoFar> so_far;

  /// What is known from the configuration alone; live prices, colours and the meter's count are the caller's to add.
  tariff::Circumstances circumstances() const;
};

struct TariffLoad {
  std::optional<Tariff> tariff;  ///< empty when there is any error
  std::vector<config::Catalogue::Remark> remarks;
};
/// Checks everything that the section `tariff` says against its plan: all errors at once. `now` empty: the clock is
/// not set, and nothing is said about the age of prices. `feeds` null: nothing is said of what they tell. Only for a
/// configuration that names a plan.
TariffLoad load_tariff(const config::Config& config, const std::vector<std::string>& directories,
                       std::optional<WallTime> now, const feeds::Library* feeds = nullptr);

}  // namespace sluice::cmd
