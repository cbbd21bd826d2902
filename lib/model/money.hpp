#pragma once
/// What energy costs and what mining brings, as plain values. Every amount is in the site's currency: whoever reads a
/// source converts, or refuses it. None of it is needed for safety: limits never depend on a price.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/reading.hpp"

namespace sluice {

/// How sure a price is.
enum class PriceKind : std::uint8_t {
  fixed,      ///< of a tariff: certain
  published,  ///< of a market or supplier, for this time: certain
  forecast,   ///< somebody's guess: nothing is started for it alone
  fallback,   ///< what the owner wants to be assumed while nothing better is known
};

/// The prices of one stretch of time, half open.
struct PriceSlot {
  WallTime begin{}, end{};
  PricePerKwh import_price;  ///< one more kWh bought costs this, all adders and taxes included; may be negative
  PricePerKwh export_price;  ///< one more kWh sold brings this; negative: feeding in costs
  PriceKind kind = PriceKind::fixed;
  bool event = false;          ///< a critical-peak event or spike: dear, and said so by the source
  bool demand_window = false;  ///< import now counts towards the billed peak
  std::uint8_t period_id = 0;  ///< of the tariff, for display
  bool operator==(const PriceSlot&) const = default;
};

/// Prices of the past hours and the coming ones: sorted, without overlaps; a gap means that nothing is known.
struct PriceOutlook {
  std::vector<PriceSlot> slots;

  /// The slot that holds `time`; null in a gap. A binary search; allocates nothing.
  const PriceSlot* at(WallTime time) const;
};

/// A point of a miner's efficiency curve.
struct WorkingPoint {
  Watts power;          ///< at the wall
  TeraHashes hashrate;  ///< accepted by the pool in the long run
  bool operator==(const WorkingPoint&) const = default;
};
inline constexpr std::size_t kMaxWorkingPoints = 24;
using WorkingCurve = StaticVector<WorkingPoint, kMaxWorkingPoints>;  ///< power strictly ascending

/// What a calendar of the owner wants of one miner now.
enum class PeriodOrder : std::uint8_t {
  none,   ///< nothing: the strategy decides
  sleep,  ///< asleep
  watts,  ///< holds the watts that are named with it
  full,   ///< at its maximum
  solar,  ///< follows the surplus, buys nothing
};

/// Money, as far as it is known, at one tick.
struct MoneyObservation {
  std::shared_ptr<const PriceOutlook> prices;  ///< null: no prices at all
  /// Currency per TH/s and day, pool fees taken off. Missing: what mining brings is not known, and every source that
  /// the strategy allows counts as worth it; buying from the grid does not.
  Reading<PricePerThsDay> hash_price;
  /// What the house may import at most until the end of the metering interval without raising the billed peak;
  /// missing: no demand charge, or not now.
  Reading<Watts> demand_limit;
  Reading<Money> bitcoin_price;  ///< of one bitcoin; only to show revenue in satoshis
};

/// What belongs to one miner alone.
struct MinerMoney {
  PeriodOrder order = PeriodOrder::none;
  Watts order_power{};              ///< of `PeriodOrder::watts`
  Reading<PricePerKwh> heat_value;  ///< of a kWh of its heat; negative while it has to be cooled away; missing: 0
  /// Hashrate by watts at the wall, as far as it is known now; null: `MinerSite::curve` is all there is.
  std::shared_ptr<const WorkingCurve> curve;
  /// The room is above its guard temperature: asleep until it has cooled down.
  bool room_too_warm = false;
};

}  // namespace sluice
