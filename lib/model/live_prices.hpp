#pragma once
/// Prices as a market, a supplier or a broker announces them: the energy alone, before the owner's adders and taxes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/money.hpp"

namespace sluice {

/// One announced price, half open.
struct EnergySlot {
  WallTime begin{}, end{};
  PricePerKwh price;  ///< bought: what it costs; sold: what it brings. May be negative
  PriceKind kind = PriceKind::published;
  bool event = false;          ///< the source calls it a spike
  bool demand_window = false;  ///< the source says that import now counts towards the billed peak
  bool operator==(const EnergySlot&) const = default;
};

/// Sorted by time, without overlaps; a gap means that nothing was announced.
using EnergySeries = std::vector<EnergySlot>;

/// The slot of a sorted series that holds `time`; null in a gap.
const EnergySlot* slot_at(const EnergySeries& series, WallTime time);

/// What one source has told, as far as it is still of use. Immutable once published.
struct FeedReport {
  std::string feed;
  EnergySeries series;
  std::vector<std::string> colours;  ///< of a report of days: the price of a slot is an index into it
  std::optional<WallTime> heard;     ///< when it last gave an answer that was believed; nothing: never
  Duration max_age{};                ///< older answers are not used
  bool tried = false;                ///< asked at least once since the start
  std::string trouble;               ///< why the newest answer did not help; empty: it did
};

/// What mining is worth before pool fees. Immutable once published.
struct HashPriceReport {
  std::optional<PricePerThsDay> price;  ///< in the site's currency
  std::optional<WallTime> heard;        ///< when it was true; nothing with a price: it does not age
  std::string source;                   ///< "mempool", "bitcoind", …
  std::optional<double> sat_per_ths_day;
  std::optional<double> bitcoin_price;  ///< in the site's currency
  bool tried = false;
  std::string trouble;  ///< of the sources that did not help; empty: the first one did
};

/// The newest of everything that is asked beyond the house. Null: nobody is asked for it.
struct LiveReports {
  std::shared_ptr<const FeedReport> bought, sold;
  std::shared_ptr<const HashPriceReport> hash_price;
  std::shared_ptr<const FeedReport> colours{}, events{};  ///< of days, and of hours; what was announced does not age
};

}  // namespace sluice
