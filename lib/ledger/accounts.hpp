#pragma once
/// From ticks to entries: attributes what was mined since the last tick, prices it at its second, and gathers it by
/// quarters of an hour.
///
/// *Mined* is what the controller's twin says a miner draws (`MinerDecision::expected_power`): learned against the grid
/// meter, so true to the meter and not to the firmware's report. Time is that of the monotonic clock: each second is
/// counted once, whatever happens to the date. The date only names the quarter; a quarter that comes twice because the
/// clock was set back gets a second entry, and nothing is counted twice.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/attribution.hpp"
#include "ledger/meter_account.hpp"
#include "model/decision.hpp"
#include "model/ledger.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::ledger {

/// Ticks further apart than this have a gap between them.
inline constexpr Duration kTickGap = std::chrono::seconds(10);
/// What a miner is thought to have drawn on in a gap, at most: longer than a daemon takes to come back, or a service
/// manager to put the miners to sleep. Nothing is claimed of the time after it.
inline constexpr Duration kGapClaim = std::chrono::minutes(2);

/// What an interval is gathered under. Any change begins another one.
struct IntervalKey {
  std::int64_t quarter = 0;
  std::int64_t local_day = 0;
  std::int64_t period = kNoPeriod;
  bool operator==(const IntervalKey&) const = default;
};

/// One thread at a time.
class Accounts {
 public:
  /// Adds the time since the last tick. Returns the entries of an interval that is over, without sequence, the site's
  /// last; usually none. `decision.miners` and `snapshot.miners` are in the order of `site.miners`.
  std::vector<LedgerEntry> add(const Site& site, const Snapshot& snapshot, const Decision& decision);
  /// Ends the open interval.
  std::vector<LedgerEntry> close();

  /// As it stands; `after` and `waiting` are the business of whoever keeps it.
  OpenInterval open() const;
  /// Goes on where another process was killed. The time since then becomes a gap at the first tick. Before any `add`.
  void restore(const OpenInterval& interval);

 private:
  struct Miner {
    Watts power;                ///< ≥ 0
    std::optional<double> ths;  ///< while it runs; absent: not known
    std::optional<double> most_w, most_ths;
    std::optional<double> heat_price;
    bool running = false, asleep = false;
    bool doubtful = false;  ///< it draws, and nobody knows whether it hashes
  };
  struct Moment {
    MonoTime now{};
    WallTime wall{};
    bool wall_sane = false;
    IntervalKey key;
    bool known = false;  ///< the balance: the watts below mean something
    Watts grid{}, battery{}, battery_room{};
    std::optional<Watts> export_limit;
    std::optional<PriceSlot> price;
    std::optional<double> hash_price, bitcoin_price;
    std::map<std::string, Miner> miners;
  };
  /// From one moment to the next.
  struct Step {
    const Moment* from = nullptr;
    const Moment* to = nullptr;
    Duration time{};
    std::int64_t ms = 0;
    std::map<std::string, Watts> drawn;
    std::optional<Flows> flows;  ///< absent: the balance is not known
    SourceWatts sources{};       ///< nothing: all of it is `unknown`
  };
  /// What lasts longer than a moment.
  struct Memory {
    std::optional<double> ths_per_w;
    bool slept = false;
  };

  Moment look(const Site& site, const Snapshot& snapshot, const Decision& decision);
  Miner look_at(const MinerSite& site, const MinerObservation& seen, const MinerDecision& decided,
                const MinerMoney& money, MonoTime now);
  void count(const Moment& from, const Moment& to, const GridObservation& grid);
  static Step step_between(const Moment& from, const Moment& to);
  void count_miner(const std::string& name, const Step& step);
  static void count_revenue(const Miner& miner, std::int64_t mined, const Step& step, Amounts& amounts);
  void count_always(const Step& step);
  void count_gap(const std::map<std::string, double>& draw, Duration time);
  void count_prices(const Moment& from, Duration time);

  std::optional<Moment> last_;
  IntervalKey key_;
  Amounts site_;
  std::map<std::string, Amounts> miners_;
  std::map<std::string, Memory> memory_;
  MeterAccount meter_;
  std::optional<OpenInterval> restored_;
};

}  // namespace sluice::ledger
