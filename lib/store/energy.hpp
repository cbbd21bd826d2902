#pragma once
/// Energy from power: integrated between neighbouring samples, never across a gap.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "store/sample.hpp"

namespace sluice::store {

/// Energy of one day and direction, and for how many seconds of that day it is known.
struct EnergyAmount {
  double energy_wh = 0.0;
  double covered_s = 0.0;
};

/// Local day (days since 1970-01-01; 0 = date unknown) and name (`grid_import_wh`, `miner.s19.energy_wh`, …).
using EnergyKey = std::pair<std::int64_t, std::string>;
using EnergyAmounts = std::map<EnergyKey, EnergyAmount>;

/// Two samples further apart than this have a gap between them: nothing is known of it and nothing is added.
inline constexpr Duration kEnergyGap = std::chrono::seconds(10);

/// Trapezoids between samples, split exactly where a power changes its sign, so that import and export of one second
/// do not cancel. A value that is missing at either end adds nothing.
class EnergyIntegrator {
 public:
  void add(const Sample& sample);
  /// What was added since the last call.
  EnergyAmounts take() { return std::exchange(amounts_, {}); }

 private:
  void add_interval(const Sample& from, const Sample& to);

  std::optional<Sample> last_;
  EnergyAmounts amounts_;
};

/// ∫ max(p, 0) dt in Wh, of a power that goes in a straight line from `from_w` to `to_w`.
double positive_energy_wh(double from_w, double to_w, Duration time);

}  // namespace sluice::store
