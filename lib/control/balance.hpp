#pragma once
/// The house's balance at one instant, and what surplus-driven mining may draw of it (ARCHITECTURE.md):
///
///     S = −grid + Σ twin + charge − discharge
///     A = S + grid_target − (1 − ω)·min(S⁺, C) + D
///
/// less what is reserved for other loads. C = what the battery could charge now, ω = the share of C that mining may
/// take, D = discharge that mining may use.

#include <optional>

#include "base/units.hpp"
#include "control/forecast.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

struct BatteryTerms {
  bool known = true;         ///< false: a battery is configured and cannot be read, so the balance cannot be closed
  double power_w = 0.0;      ///< + discharge − charge
  double room_w = 0.0;       ///< C
  double share = 1.0;        ///< ω, 0…1
  double discharge_w = 0.0;  ///< D for `solar-battery` miners
  bool serves = false;       ///< it would discharge for whatever is bought
  bool spares = false;       ///< and holds enough above the reserve for a start to be worth it
  bool buffers = false;  ///< in its band and free to move both ways: it takes the seconds, mining follows the minutes
};

/// What the battery does and may do now. `largest_charge_w` is the most it was ever seen to charge, for want of a
/// limit. `release` is what the forecast gives to mining; without one, or where the owner drew a curve, SoC decides.
BatteryTerms battery_terms(const BatterySettings& settings, const BatteryObservation& battery, MonoTime now,
                           double largest_charge_w, const std::optional<Release>& release = {});

/// What a forecast needs to know of the battery; none while its SoC or capacity is not known, or when the owner wants
/// no forecast.
std::optional<Store> store_of(const BatterySettings& settings, const BatteryObservation& battery, MonoTime now);

/// S, for one set of twins.
inline double surplus_w(double grid_w, double twins_w, const BatteryTerms& battery) {
  return -grid_w + twins_w - battery.power_w;
}
/// What the battery gets of a surplus: (1 − ω)·min(S⁺, C).
double for_battery_w(double surplus_w, const BatteryTerms& battery);
/// A without D.
double available_w(double surplus_w, double grid_target_w, const BatteryTerms& battery);

/// What is kept free for other loads that go first; comes off A. What they draw already is house load.
double reserved_w(const Snapshot& snapshot);

}  // namespace sluice::control
