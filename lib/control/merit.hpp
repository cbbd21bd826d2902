#pragma once
/// The merit order: every source of energy has a price, every watt of mining a value, and mining takes the sources that
/// cost less than it brings. What comes out is a band for each miner: up to its floor energy is bought for it, up to
/// its ceiling sun is worth more in it than fed in. Strategies and the owner's periods only narrow it, so a time table,
/// a time-of-use rule, surplus tracking and full economics are one code.
///
/// | source | price of a kWh |
/// |---|---|
/// | sun that cannot be fed in | 0 |
/// | sun that would be fed in | export price |
/// | sun that would charge the battery | η · μ |
/// | battery | μ / η + wear |
/// | grid, once the battery is empty or held | import price |
///
/// μ is the value of a kWh inside the battery: what its last kWh will save when the battery runs empty, or, if it fills
/// before, what the sun that then spills would have brought; the mean over several ways in which the weather may go on.
/// What the stored energy once cost decides nothing.

#include <optional>
#include <span>

#include "base/time.hpp"
#include "control/band.hpp"
#include "control/forecast.hpp"
#include "control/worthwhile.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

class Unit;

/// Prices of this tick in currency per kWh; what nobody knows is missing.
struct SourcePrices {
  std::optional<double> import_price;
  std::optional<double> export_price;
  std::optional<double> bought_price;  ///< of the next watt that no sun covers: of the battery, or of the grid
  std::optional<double> stored_price;  ///< μ
  double export_limit_w = std::numeric_limits<double>::infinity();  ///< sun beyond it cannot be fed in
};

class Merit {
 public:
  /// What the battery means to the merit order; none without a battery that can be read.
  struct Stored {
    std::optional<Store> store;  ///< none: its capacity or charge is not known
    bool serves = false;         ///< it can discharge now: what miners buy comes out of it first
    bool spares = false;         ///< enough of it that a start is worth it
  };

  /// Once a tick, before anything is dispatched: the band of every unit. `surplus_w` is the last one known.
  void look(std::span<Unit> units, const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast,
            const Stored& stored, double surplus_w, double dt_s);
  const SourcePrices& prices() const { return prices_; }
  /// The battery should keep what it holds: the grid is cheaper now than what it will save later.
  bool hold_battery() const { return hold_; }

 private:
  void look_at_prices(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast, const Stored& stored,
                      double dt_s);
  void look_at_stored(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast, const Stored& stored,
                      double dt_s);
  /// μ if so many watt-hours were drawn already.
  double stored_price(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast, const Stored& stored,
                      double drawn_wh) const;
  Band band(Unit& unit, const Site& site, const Snapshot& snapshot, std::size_t index, double dt_s);
  void by_price(Unit& unit, Band& band, const Site& site, const Snapshot& snapshot, const MinerMoney& own, bool may_buy,
                double dt_s) const;

  SourcePrices prices_;
  const PriceSlot* slot_ = nullptr;  ///< of this tick
  /// μ as it was last worked out, and as it slowly becomes that.
  struct Doubted {
    double goal = 0.0, now = 0.0;
  };
  Doubted kept_, drawn_;  ///< of what would be stored, and of what would be taken out
  MonoTime next_look_{};
  std::optional<double> looked_at_;  ///< import price
  double sun_w_ = 0.0;               ///< slow mean of the surplus
  bool grid_is_cheaper_ = false;     ///< than what the battery would give now
  bool may_hold_ = false;            ///< the battery can be kept from giving it
  bool spares_ = false;              ///< it has enough to give that a start is worth it
  bool hold_ = false;
};

}  // namespace sluice::control
