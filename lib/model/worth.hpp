#pragma once
/// What a kWh is worth inside a miner. A curve says how much hashrate each watt brings; the hash price makes money of
/// it. The controller asks `highest_worth` every tick; all of it is arithmetic on plain values, without allocation.
///
/// A kWh is worth 1000 · hash price · ΔTH/s ÷ ΔW ÷ 24, plus what its heat is worth: the hash price is paid for 24
/// hours.

#include "base/units.hpp"
#include "model/money.hpp"

namespace sluice {

/// Why a curve cannot be used; empty: it can. A usable curve has a point, and its watts and hashrates are finite and
/// above 0 and strictly ascending.
const char* curve_fault(const WorkingCurve& curve);

/// Accepted hashrate at `power`, linear between points. Below the first point it is proportional to the power, above
/// the last it goes on as the last step did, at most at the last point's average: nothing better than what was seen is
/// believed. One point says J/TH for every power. 0 for an empty curve and up to 0 W.
TeraHashes hashrate_at(const WorkingCurve& curve, Watts power);

/// Value of a kWh that brings `hashrate` per `power`. `power` > 0.
PricePerKwh kwh_value(PricePerThsDay hash_price, TeraHashes hashrate, Watts power);

/// Value of a kWh, heat left out, averaged over all that a miner draws at `power`; what its price may be at most.
/// 0 at 0 W.
PricePerKwh average_value(const WorkingCurve& curve, PricePerThsDay hash_price, Watts power);

/// The power at which mining earns most when each kWh costs `price`, and, where several earn the same, the highest of
/// them; 0: none of them earns anything. What may be chosen is 0 and everything from `min` to `max`.
///
/// Every step up to it is worth its price. From 0 to `min` is one step, worth the average. Where a step is worth less
/// than one above it (the curve is not concave) both are one step as well, for neither pays without the other; that is
/// the concave hull of 0, `min`, the points between, and `max`. So the result never rises with the price, and it is
/// always 0, `min`, `max` or a point of the curve.
///
/// An empty curve brings no hashrate: its heat alone decides. Anything that is not a finite number, a negative hash
/// price, or `max` below `min` gives 0: what is not known is not bought.
Watts highest_worth(const WorkingCurve& curve, PricePerThsDay hash_price, PricePerKwh heat_value, PricePerKwh price,
                    Watts min, Watts max);

}  // namespace sluice
