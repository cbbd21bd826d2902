#include "control/guard.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr Duration kStatusFresh = seconds(15);
constexpr Duration kStableBeforeStart = seconds(60);
constexpr Duration kCarriedFor = seconds(10);
constexpr double kCarryingW = 500.0;
constexpr double kNothingW = 0.5;
constexpr double kNoFrequencyHz = 40.0;
constexpr double kNoVoltageV = 70.0;
// A mean over a quarter of an hour is billed, not the seconds in which a miner follows a kettle.
constexpr double kDemandToleranceW = 100.0;

struct Cutter {
  std::span<Unit> units;
  std::span<Reason> reasons;
  GuardVerdicts& verdicts;
  MonoTime now;

  void sleep(std::size_t index, Reason reason, bool urgent) {
    Unit& unit = units[index];
    if (unit.wanted() == CommandKind::none && !unit.reachable()) return;
    verdicts.cuts[index].add(reason);
    reasons[index] = reason;
    if (unit.wanted() != CommandKind::sleep) {
      unit.want_sleep(now);
      verdicts.urgent[index] = urgent;
    }
  }

  void lower(std::size_t index, Watts target, Reason reason) {
    Unit& unit = units[index];
    verdicts.cuts[index].add(reason);
    reasons[index] = reason;
    if (target < unit.target()) {
      unit.want_target(target, now);
      verdicts.urgent[index] = true;
    }
  }
};

}  // namespace

void GridPresence::observe(const Snapshot& snapshot) {
  const MonoTime now = snapshot.now;
  const GridObservation& grid = snapshot.grid;
  bool lost = false;
  bool generator = false;
  bool told = false;
  if (grid.connection.fresh(now, kStatusFresh)) {
    told = true;
    lost = grid.connection.value == GridConnection::islanded;
    generator = grid.connection.value == GridConnection::generator;
  }
  if (grid.frequency.fresh(now, kStatusFresh)) {
    told = true;
    lost = lost || grid.frequency.value.value() < kNoFrequencyHz;
  }
  if (grid.voltage.fresh(now, kStatusFresh)) {
    told = true;
    lost = lost || grid.voltage.value.value() < kNoVoltageV;
  }
  const bool carried = snapshot.battery.power.fresh(now, kStatusFresh) &&
                       snapshot.battery.power.value.value() > kCarryingW && grid.power.fresh(now, kStatusFresh) &&
                       std::fabs(grid.power.value.value()) < kNothingW;
  if (carried && !carried_) carried_since_ = now;
  carried_ = carried;
  if (!told) lost = carried && now - carried_since_ >= kCarriedFor;

  if ((lost_ || generator_) && !lost && !generator) back_since_ = now;
  lost_ = lost;
  generator_ = generator;
  ever_lost_ = ever_lost_ || lost || generator;
}

bool GridPresence::settling(MonoTime now) const {
  return lost_ || generator_ || (ever_lost_ && now - back_since_ < kStableBeforeStart);
}

ImportLimit import_limit(const Site& site, const Snapshot& snapshot, double demand_tolerance_w) {
  ImportLimit limit;
  if (site.import_cap.value() > 0.0) limit.most_w = kImportShare * site.import_cap.value();
  const Reading<Watts>& demand = snapshot.money.demand_limit;
  const double demand_w = demand.value.value() + demand_tolerance_w;
  if (demand.usable() && demand_w < limit.most_w) limit = {demand_w, Reason::demand_limit};
  return limit;
}

void limit_to_circuits(std::span<Unit> units, const Site& site) {
  for (Unit& unit : units) {
    if (unit.site->circuit == kNoCircuit) continue;
    double others_w = 0.0;
    for (const Unit& other : units) {
      if (&other != &unit && other.site->circuit == unit.site->circuit) others_w += other.worst_w();
    }
    unit.limit_to(site.circuits[unit.site->circuit].continuous_limit.value() - others_w);
  }
}

void guard(std::span<Unit> units, const Site& site, const Snapshot& snapshot, const GridPresence& presence,
           Reason surplus_lost, double import_w, std::span<Reason> reasons, GuardVerdicts& verdicts) {
  std::fill_n(verdicts.cuts.begin(), units.size(), ReasonSet{});
  std::fill_n(verdicts.urgent.begin(), units.size(), false);
  Cutter cut{units, reasons, verdicts, snapshot.now};

  for (std::size_t i = 0; i < units.size(); ++i) {
    Unit& unit = units[i];
    if (presence.lost() && !site.control.allow_off_grid) {
      cut.sleep(i, Reason::grid_lost, true);
    } else if (presence.generator()) {
      cut.sleep(i, Reason::generator_running, true);
    } else if (snapshot.park_all || snapshot.intents[i].park) {
      cut.sleep(i, Reason::parked_by_owner, true);
    } else if (surplus_lost != Reason::none && !unit.band.must_run && unit.blocked() != Reason::manual_override) {
      cut.sleep(i, surplus_lost, true);
    } else if (unit.blocked() == Reason::over_temperature || unit.blocked() == Reason::pool_dead ||
               unit.blocked() == Reason::hashrate_gone) {
      cut.sleep(i, unit.blocked(), true);
    } else if (snapshot.miner_money[i].room_too_warm) {
      cut.sleep(i, Reason::room_too_warm, true);
    } else if (unit.on() && unit.too_small_a_circuit()) {
      cut.sleep(i, Reason::circuit_limit, true);
    } else if (unit.on() && unit.controllable() && unit.target() > unit.envelope().max) {
      const bool owner = unit.site->max_power.value() > 0.0 && unit.envelope().max >= unit.site->max_power;
      cut.lower(i, unit.envelope().max, owner ? Reason::owner_limit : Reason::circuit_limit);
    }
  }

  // Two raised in one tick may be too much together: the last in the file gives way first.
  for (std::size_t c = 0; c < site.circuits.size(); ++c) {
    double excess_w = -site.circuits[c].continuous_limit.value();
    for (const Unit& unit : units) {
      if (unit.site->circuit == c) excess_w += unit.worst_w();
    }
    for (std::size_t i = units.size(); i-- > 0 && excess_w > 0.0;) {
      Unit& unit = units[i];
      if (unit.site->circuit != c || !unit.on() || !unit.controllable()) continue;
      const Watts lowered = unit.envelope().floor(unit.target() - Watts(excess_w));
      const double freed_w = (unit.target() - lowered).value();
      if (unit.target().value() - excess_w < unit.envelope().min.value()) {
        excess_w -= unit.worst_w() - unit.sleep_w();
        cut.sleep(i, Reason::circuit_limit, true);
      } else {
        excess_w -= freed_w;
        cut.lower(i, lowered, Reason::circuit_limit);
      }
    }
  }

  const auto [most_w, limit] = import_limit(site, snapshot, kDemandToleranceW);
  double over_w = import_w - most_w;
  for (std::size_t i = units.size(); i-- > 0 && over_w > 0.0;) {
    Unit& unit = units[i];
    if (!unit.on() || !unit.controllable()) continue;
    // What is on its way down already counts as done.
    over_w -= std::max(0.0, unit.twin(Bound::high).power_w() - unit.settled_w());
    if (over_w <= 0.0) break;
    if (unit.settled_w() - over_w < unit.min_w()) {
      over_w -= unit.settled_w() - unit.sleep_w();
      cut.sleep(i, limit, true);
    } else {
      const Watts lowered = unit.envelope().floor(unit.target_for(unit.settled_w() - over_w));
      over_w -= unit.settled_w() - unit.drawn_w(lowered);
      cut.lower(i, lowered, limit);
    }
  }

  if (!snapshot.shutting_down) return;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (!units[i].on()) continue;
    if (site.control.on_stop == OnStop::park) cut.sleep(i, Reason::shutting_down, true);
    if (site.control.on_stop == OnStop::minimum && units[i].controllable()) {
      cut.lower(i, units[i].envelope().min, Reason::shutting_down);
    }
  }
}

}  // namespace sluice::control
