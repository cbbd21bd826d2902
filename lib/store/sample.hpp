#pragma once
/// What of a tick is kept: the numbers of one second, and what changed in the decision.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/decision.hpp"
#include "model/snapshot.hpp"

namespace sluice::store {

/// Names of the miners in the order of the snapshot.
using MinerNames = std::vector<std::string>;

/// Series of the site, in the order of `Sample::values`; watts in 1 W, percent in 0.1 %.
enum class SiteSeries : std::uint8_t { grid_w, pv_w, battery_w, soc_pct, house_w, surplus_w, count_ };
/// Series of each miner, behind those of the site.
enum class MinerSeries : std::uint8_t {
  target_w,    ///< what the decision asks for; 0 = sleep, missing = left alone
  expected_w,  ///< the twin's estimate of what it draws
  reported_w,  ///< what the firmware says it draws
  count_
};
inline constexpr std::size_t kSiteSeries = static_cast<std::size_t>(SiteSeries::count_);
inline constexpr std::size_t kMinerSeries = static_cast<std::size_t>(MinerSeries::count_);
constexpr std::size_t index_of(SiteSeries series) { return static_cast<std::size_t>(series); }
constexpr std::size_t index_of(MinerSeries series, std::size_t miner) {
  return kSiteSeries + miner * kMinerSeries + static_cast<std::size_t>(series);
}

/// Stable names of all series of a site with these miners, in the order of `Sample::values`: `grid_w`,
/// `miner.s19.target_w`.
std::vector<std::string> series_names(const MinerNames& miners);
/// What one stored step of a series is worth in the unit that ends its name.
double series_scale(std::string_view name);

/// One second of history.
struct Sample {
  MonoTime at{};
  std::int64_t unix_ms = 0;
  std::int64_t local_day = 0;  ///< as in the snapshot: 0 = the date is not known
  bool clock_sane = false;
  std::shared_ptr<const MinerNames> miners;
  std::vector<std::int32_t> values;  ///< in stored steps; `kMissing` where nothing fresh was known
};

/// A device reading older than this is missing in the history, as an old reading is not a reading.
inline constexpr Duration kSampleMaxAge = std::chrono::seconds(30);

Sample make_sample(const Snapshot& snapshot, const Decision& decision, std::shared_ptr<const MinerNames> miners);

/// A decision about one miner (or, with an empty subject, the alarms of the site) that differs from the one before it.
struct DecisionChange {
  std::int64_t unix_ms = 0;
  std::string subject;  ///< miner; empty for the site
  std::uint64_t sequence = 0;
  CommandKind wanted = CommandKind::none;
  Watts target{};
  Reason reason = Reason::none;
  ReasonSet cuts;
  AlarmSet alarms;
  /// Everything but the time.
  bool same_as(const DecisionChange& other) const;
};

/// Finds what changed from one decision to the next. A new set of miners starts afresh.
class DecisionDiff {
 public:
  std::vector<DecisionChange> changes(const Decision& decision, const MinerNames& miners);

 private:
  std::vector<DecisionChange> last_;  ///< the site, then the miners
};

}  // namespace sluice::store
