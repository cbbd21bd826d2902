#pragma once
/// The sun's and the battery's inverter, each with its own fast loop at the grid connection: what Sluice does not
/// control and must not be fooled by.

#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"

namespace sluice::sim {

struct BatterySpec {
  WattHours capacity{10'000};
  Watts max_power{5'000};    ///< both ways, AC
  double efficiency = 0.95;  ///< each way
  Percent floor{5};          ///< discharge ends here
  double gain_per_s = 0.4;   ///< of the zero-grid integrator; settles in 3…14 s as lab values of real systems
  Duration meter_delay = std::chrono::seconds(1);  ///< with the lag: the integrator sees the grid of two seconds ago
  Duration lag = std::chrono::seconds(1);
};

/// A battery inverter that holds the grid at zero by itself. Power: + discharge, − charge. `step` is the length that
/// every call of `advance` will have.
class BatteryPlant {
 public:
  BatteryPlant(const BatterySpec& spec, Percent soc, Duration step);
  /// One step; `grid` (+ import) is the power at the connection before it.
  void advance(Watts grid);
  /// One step on an island: delivers or takes what is asked, as far as it can.
  void advance_island(Watts wanted);

  /// What it gives at most from now on; `max_power` unless somebody says less.
  void limit_discharge(Watts limit) { discharge_limit_ = limit; }

  Watts power() const { return power_; }  ///< during the last step
  Percent soc() const { return Percent(100.0 * (stored_ / spec_.capacity)); }
  WattHours stored() const { return stored_; }
  const BatterySpec& spec() const { return spec_; }

 private:
  Watts limited(Watts wanted) const;
  void move(Watts power);

  BatterySpec spec_;
  Duration step_;
  WattHours stored_;
  Watts discharge_limit_;
  Watts wanted_{};  ///< of the integrator
  Watts power_{};
  std::vector<Watts> delayed_grid_;  ///< ring of `meter_delay`
  std::size_t oldest_ = 0;
};

struct PvSpec {
  Watts rating{8'000};
  bool zero_export = false;
};

/// The array behind its inverter. With `zero_export` a limiter keeps the grid 20 W on the import side.
class PvPlant {
 public:
  PvPlant(const PvSpec& spec, Duration step) : spec_(spec), step_(step), limit_(spec.rating) {}
  void advance(Watts potential, Watts grid);
  /// On an island the inverter takes only what is used.
  void advance_island(Watts potential, Watts wanted);
  Watts power() const { return power_; }
  Watts potential() const { return potential_; }
  bool throttled() const { return power_ < potential_; }
  const PvSpec& spec() const { return spec_; }

 private:
  PvSpec spec_;
  Duration step_;
  Watts limit_;
  Watts power_{}, potential_{};
};

}  // namespace sluice::sim
