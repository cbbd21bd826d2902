#pragma once
/// Perfect foresight for one miner, over as much as a year of seconds: what the same actuator could have made of the
/// same sun. Every result of the bench is divided by it.

#include <cstdint>
#include <span>
#include <vector>

#include "model/site.hpp"
#include "sim/oracle.hpp"

namespace sluice::sim {

struct ForesightDay {
  WattHours captured{};
  WattHours leaked{};
  std::uint32_t starts = 0;
};

struct ForesightResult {
  WattHours captured{};
  WattHours leaked{};
  WattHours objective{};  ///< captured − λ · leaked − start cost · starts
  std::uint32_t starts = 0;
  std::vector<ForesightDay> days;  ///< of 86 400 s each, from the first second
};

/// Maximises captured − λ · leaked − start cost · starts by dynamic programming over (running at a power, asleep, a
/// second of waking, a power of stopping). Entry k of `surplus_w` is S = sun − load during second k, before miners.
/// Without midnight: time runs through. About a microsecond for a second with sun; tens of megabytes.
///
/// No policy that keeps the profile's minimum off time beats it, with `Score` counted in steps of a second or less.
/// Where it is not exact it errs upwards:
/// - The average power of a second moves as the ramps allow, on a grid of at most 10 W whose cells count at their best
///   point. Between the levels of a plant it may rest: a policy that commands every second does the same by going to
///   and fro. One that settles falls short by up to λ/(1 + λ) of half a level (0.1 % for steps of 5 W, 0.7 % for
///   32.5 W, about 3 % for profiles of 130 W and 5 % for presets of 235 W, of what runs inside the range).
/// - Ignored: a firmware's pace of targets (`retarget_*`), the profile's minimum on time, dead bands and starts per
/// day. A miner that reboots by itself is outside of it.
ForesightResult foresight(std::span<const float> surplus_w, const OracleMiner& miner, const ConstraintProfile& profile,
                          const OracleOptions& options = {});

/// Bounds that need no search. Only UB0 is one for certain: a plant may also win a little where S is below its smallest
/// power, in a wake or through a short dip, and does where S seldom reaches it (a plug under clouds).
struct CheapBounds {
  WattHours ub0{};  ///< ∫ min(S⁺, Σ Pmax)
  WattHours ub1{};  ///< the same where S ≥ the smallest Pmin
};
CheapBounds cheap_bounds(std::span<const float> surplus_w, std::span<const OracleMiner> miners);

}  // namespace sluice::sim
