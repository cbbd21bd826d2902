#pragma once
/// Puts the tariff, the live prices and the value of mining together into what a tick may know of money. Live prices
/// count while they are young enough, then what the owner wants to be assumed, then nothing; which of these, and since
/// when, is said.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "model/live_prices.hpp"
#include "model/money.hpp"
#include "ports/clock.hpp"
#include "runtime/announcer.hpp"

namespace sluice::runtime {

struct MarketSettings {
  std::string currency;
  std::optional<PricePerKwh> fallback_import;  ///< nothing: without a price nothing is assumed
  PricePerKwh fallback_export{0.0};            ///< also where nobody is asked what feeding in pays
  std::optional<Duration> max_age;             ///< instead of the feed's own
  double multiplier = 1.0;                     ///< without a tariff: import = energy × multiplier + adder
  PricePerKwh adder{0.0};
  Percent pool_fee{0.0};
  Percent accepted_share{100.0};  ///< of the hashes that are worked, how many the pool pays
};

/// What a tariff may need to be told of the time it is asked about; null: nobody tells.
struct Announced {
  const PriceOutlook* energy = nullptr;    ///< its import prices are the energy's
  const PriceOutlook* exported = nullptr;  ///< its export prices are what feeding in brings
  const FeedReport* colours = nullptr;     ///< of days
  const FeedReport* events = nullptr;
};
/// Prices of a tariff in [from, to). What is not known is a gap.
using TariffOutlook = std::function<PriceOutlook(const Announced& announced, WallTime from, WallTime to)>;

/// Where the present price comes from.
enum class PriceState : std::uint8_t {
  none,        ///< nothing is configured
  waiting,     ///< nobody has answered yet since the start
  known,       ///< of the tariff or a source
  remembered,  ///< the same, while the source does not answer
  fallback,    ///< what the owner wants to be assumed
  missing,     ///< nothing is known
};

/// What is known at one time, for people and for the tick. Immutable.
struct MarketView {
  std::shared_ptr<const PriceOutlook> outlook;  ///< null: no prices at all
  PriceState state = PriceState::none;
  WallTime since{};  ///< when `state` began
  LiveReports reports;
  std::optional<PricePerThsDay> hash_price;  ///< pool fees taken off; too old ones too
  MarketSettings settings;
};

class Market {
 public:
  /// `tariff` may be empty. `clock` and `announcer` must outlive the market.
  Market(MarketSettings settings, TariffOutlook tariff, const ports::Clock& clock, Announcer& announcer);

  /// New reports, or a minute has passed. On one thread, which is not the tick's.
  void take(const LiveReports& reports);
  /// For the tick: only copies what `take` has made ready. From any thread.
  MoneyObservation observe(MonoTime now, WallTime wall, bool wall_sane) const;
  std::shared_ptr<const MarketView> view() const;

  /// Mined coins may be bought with grid energy only on a value younger than this.
  static constexpr Duration kOldestHashPrice = std::chrono::hours(24);
  static constexpr Duration kOldHashPrice = std::chrono::hours(6);

 private:
  std::shared_ptr<const PriceOutlook> build(const LiveReports& reports, WallTime now) const;
  std::optional<PriceOutlook> live(const std::shared_ptr<const FeedReport>& report, WallTime now) const;
  PriceOutlook without_tariff(const PriceOutlook* bought, const PriceOutlook* sold) const;
  PriceState state_of(const MarketView& view, WallTime now) const;
  void announce(const MarketView& view, WallTime now);
  void announce_hash(const MarketView& view, WallTime now);

  const MarketSettings settings_;
  const TariffOutlook tariff_;
  const ports::Clock& clock_;
  Announcer& announcer_;

  mutable std::mutex mutex_;
  std::shared_ptr<const MarketView> view_;  ///< guarded by mutex_; never null
};

}  // namespace sluice::runtime
