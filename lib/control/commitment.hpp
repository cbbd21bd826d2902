#pragma once
/// When a miner starts and when it stops: ski rental. Running on without enough surplus costs λ per imported
/// watt-second, stopping costs a wake later; neither is paid before the other has cost as much
/// (Augustine, Irani, Swamy, "Optimal Power-Down Strategies", FOCS 2004, for the factor). Or, in the classic form, by
/// watts and seconds.

#include "control/unit.hpp"
#include "model/site.hpp"

namespace sluice::control {

/// What a start costs, in watt-seconds of lost and badly placed energy.
double start_cost_ws(const Unit& unit, const ConstraintProfile& profile);

/// What the same start costs more when the miner has to boot first, for `boot_s`: hashing lost, and the wear of a
/// start.
double boot_cost_ws(const Unit& unit, const ConstraintProfile& profile, double boot_s);

/// Account of a running unit: `available_w` is what is left for it once the units before it have their minimum, and
/// `room_w` what they could take of that. True when it should stop.
bool should_stop(Unit& unit, const ControlSettings& control, double available_w, double room_w, MonoTime now,
                 double dt_s);

/// Account of a sleeping unit: `fits` when the minimum of all running units and its own fits into what is available
/// (`short_w` ≥ 0 says by how much it does not), `gain_w` what it would catch that nobody else can. True when it should
/// start.
bool should_start(Unit& unit, const ControlSettings& control, double short_w, double gain_w, MonoTime now, double dt_s);

}  // namespace sluice::control
