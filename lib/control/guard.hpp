#pragma once
/// The last gate, independent of everything before it. It overrides economics and timers, and it can only lower. Every
/// cut has a reason.

#include <array>
#include <cstdint>
#include <span>

#include "control/grid_watch.hpp"
#include "control/unit.hpp"
#include "model/decision.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

/// The share of the main breaker's continuous limit that may be drawn: the house's own loads start without asking.
inline constexpr double kImportShare = 0.9;

/// Grid lost, island, generator (docs/safety.md): from a device's status, frequency or voltage; without any of them
/// from a battery that carries the house while the meter shows exactly nothing.
class GridPresence {
 public:
  void observe(const Snapshot& snapshot);
  bool lost() const { return lost_; }
  bool generator() const { return generator_; }
  /// Lost now, or back for less than a minute: nothing starts.
  bool settling(MonoTime now) const;

 private:
  bool lost_ = false;
  bool generator_ = false;
  bool ever_lost_ = false;
  MonoTime back_since_{};
  MonoTime carried_since_{};
  bool carried_ = false;
};

inline constexpr double kUnlimitedW = 1e9;

/// What the house may import, and what limits it; `kUnlimitedW` without any limit.
struct ImportLimit {
  double most_w = kUnlimitedW;
  Reason reason = Reason::import_cap;
};
/// Of the main connection, and of the billed peak, which may be passed by `demand_tolerance_w`.
ImportLimit import_limit(const Site& site, const Snapshot& snapshot, double demand_tolerance_w);

struct GuardVerdicts {
  std::array<ReasonSet, kMaxMiners> cuts{};
  std::array<bool, kMaxMiners> urgent{};
};

/// Limits each unit's envelope to what its circuit leaves beside the worst that the others may draw. Before dispatch,
/// so that it plans within the limits; `guard` checks the outcome again.
void limit_to_circuits(std::span<Unit> units, const Site& site);

/// Applies every limit to what was decided. `trust` is of the grid reading; `surplus_lost` says that surplus cannot be
/// known.
void guard(std::span<Unit> units, const Site& site, const Snapshot& snapshot, const GridPresence& presence,
           Reason surplus_lost, double import_w, std::span<Reason> reasons, GuardVerdicts& verdicts);

}  // namespace sluice::control
