#include "control/merit.hpp"

#include <algorithm>
#include <cmath>

#include "control/commitment.hpp"
#include "control/unit.hpp"
#include "model/worth.hpp"

namespace sluice::control {
namespace {

constexpr Duration kLookEvery = std::chrono::minutes(1);
constexpr double kSunMeanS = 120.0;
// Without a forecast a stored kWh is thought to save the dearest hour of a day.
constexpr Duration kSavesWithin = std::chrono::hours(24);
// What comes of the battery moves with every cloud; miners must not follow each doubt.
constexpr double kDoubtS = 600.0;
// What is drawn for mining cannot be put back, what is left in it can be drawn later: who draws wants to see the
// battery fill even from so much less, a part of what it holds.
constexpr double kDrawMargin = 0.15;
// λ beyond these bounds would turn a wrong price into a miner that flaps, or that stands on the grid.
constexpr double kLeastLeakPrice = 0.3;
constexpr double kMostLeakPrice = 100.0;
// A source whose price is within this of what mining brings decides nothing.
constexpr double kNoMarginPerKwh = 1e-4;

struct Value {
  const WorkingCurve& curve;
  PricePerThsDay hash_price;
  double heat_per_kwh;

  /// Currency per hour at so many watts.
  double rate(double power_w) const {
    return hash_price.value() * hashrate_at(curve, Watts(power_w)).value() / 24.0 + heat_per_kwh * power_w / 1000.0;
  }
  double highest_worth_w(double price, double min_w, double max_w) const {
    return highest_worth(curve, hash_price, PricePerKwh(heat_per_kwh), PricePerKwh(price), Watts(min_w), Watts(max_w))
        .value();
  }
};

/// What running at its best brings an hour beyond sleeping, when each kWh costs `price`; negative: the loss at its
/// minimum, for that is where it would be held.
double gain_per_h(const Unit& unit, const Value& value, double price) {
  const double worth_w = value.highest_worth_w(price, unit.min_w(), unit.max_w());
  const double power_w = worth_w > 0.0 ? worth_w : unit.min_w();
  return value.rate(power_w) - price * (power_w - unit.sleep_w()) / 1000.0;
}

enum class Side : std::uint8_t { import_side, export_side };

/// What `gain_per_h` adds up to from now until its sign changes, as far as prices are certain.
double known_ahead(const Unit& unit, const Value& value, const PriceOutlook& outlook, const PriceSlot& now_in,
                   WallTime now, Side side) {
  double sum = 0.0;
  double sign = 0.0;
  WallTime from = now;
  for (const PriceSlot* slot = &now_in; slot < outlook.slots.data() + outlook.slots.size(); ++slot) {
    if (slot != &now_in && (slot->begin != from || slot->kind == PriceKind::forecast)) break;
    const double price = (side == Side::import_side ? slot->import_price : slot->export_price).value();
    const double gain = gain_per_h(unit, value, price);
    if (sign == 0.0) sign = gain;
    if (gain * sign <= 0.0) break;
    sum += gain * to_seconds(slot->end - from) / 3600.0;
    from = slot->end;
  }
  return sum;
}

/// Of a time that nobody has told yet: as a day before, or as now.
const PriceSlot& price_at(const PriceOutlook& outlook, WallTime time, const PriceSlot& now) {
  const PriceSlot* then = outlook.at(time);
  if (then == nullptr) then = outlook.at(time - std::chrono::hours(24));
  return then != nullptr ? *then : now;
}

/// What a start costs in currency: its energy at what mining brings, and what the owner puts on top.
double start_price(const Unit& unit, const Value& value, const ControlSettings& control) {
  const double per_ws = unit.min_w() > 0.0 ? value.rate(unit.min_w()) / (3600.0 * unit.min_w()) : 0.0;
  return std::max(0.0, per_ws) * start_cost_ws(unit, control.profile) + control.start_price.value();
}

}  // namespace

double Merit::stored_price(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast,
                           const Stored& stored, double drawn_wh) const {
  const PriceOutlook& outlook = *snapshot.money.prices;
  const double efficiency = site.battery.efficiency;
  if (stored.store && forecast.known(snapshot.wall)) {
    Store store = *stored.store;
    store.now_wh -= drawn_wh;
    double sum = 0.0;
    for (const Caution& scenario : scenarios()) {
      const StoreFuture future = store_future(forecast, snapshot.wall, store, scenario);
      const PriceSlot& then = price_at(outlook, snapshot.wall + from_seconds(3600.0 * future.hours), *slot_);
      const double saved = efficiency * then.import_price.value();
      const double spilt = std::max(0.0, then.export_price.value()) / efficiency;
      switch (future.end) {
        case StoreEnd::empty:
          sum += saved;
          break;
        case StoreEnd::full:
          sum += spilt;
          break;
        case StoreEnd::neither:
          sum += 0.5 * (saved + spilt);
          break;
      }
    }
    return sum / static_cast<double>(scenarios().size());
  }
  double dearest = slot_->import_price.value();
  for (const PriceSlot* slot = slot_; slot < outlook.slots.data() + outlook.slots.size(); ++slot) {
    if (slot->begin >= snapshot.wall + kSavesWithin) break;
    dearest = std::max(dearest, slot->import_price.value());
  }
  return efficiency * dearest;
}

void Merit::look_at_stored(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast,
                           const Stored& stored, double dt_s) {
  const double import_price = slot_->import_price.value();
  const bool new_price = looked_at_ != import_price;
  if (new_price || snapshot.now >= next_look_) {
    const double margin_wh = stored.store ? kDrawMargin * stored.store->full_wh : 0.0;
    kept_.goal = stored_price(site, snapshot, forecast, stored, 0.0);
    drawn_.goal = stored_price(site, snapshot, forecast, stored, margin_wh);
    looked_at_ = import_price;
    next_look_ = snapshot.now + kLookEvery;
  }
  for (Doubted* price : {&kept_, &drawn_}) {
    price->now += (price->goal - price->now) * (new_price ? 1.0 : std::min(1.0, dt_s / kDoubtS));
  }
}

void Merit::look_at_prices(const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast,
                           const Stored& stored, double dt_s) {
  prices_ = SourcePrices{};
  grid_is_cheaper_ = may_hold_ = false;
  spares_ = stored.spares;
  if (site.export_limit) prices_.export_limit_w = site.export_limit->value();
  const bool known = snapshot.wall_sane && snapshot.money.prices != nullptr;
  slot_ = known ? snapshot.money.prices->at(snapshot.wall) : nullptr;
  if (slot_ == nullptr) return;
  prices_.export_price = slot_->export_price.value();
  prices_.import_price = slot_->import_price.value();
  prices_.bought_price = prices_.import_price;
  if (!site.battery.present) return;
  look_at_stored(site, snapshot, forecast, stored, dt_s);
  prices_.stored_price = kept_.now;
  if (!stored.serves) return;
  const double from_battery = drawn_.now / site.battery.efficiency + site.battery.wear.value();
  grid_is_cheaper_ = *prices_.import_price < from_battery;
  may_hold_ = site.battery.may_hold && !snapshot.battery.hold_unavailable;
  if (!may_hold_ || !grid_is_cheaper_) prices_.bought_price = from_battery;
}

void Merit::by_price(Unit& unit, Band& band, const Site& site, const Snapshot& snapshot, const MinerMoney& own,
                     bool may_buy, double dt_s) const {
  const double heat_value = own.heat_value.usable() ? own.heat_value.value.value() : 0.0;
  const Reading<PricePerThsDay>& hash_price = snapshot.money.hash_price;
  const WorkingCurve& curve = own.curve != nullptr ? *own.curve : unit.site->curve;
  const bool value_known = (hash_price.usable() && !curve.empty()) || heat_value > 0.0;
  if (slot_ == nullptr || !value_known || !unit.envelope().known()) {
    if (may_buy) band.reason = slot_ == nullptr ? Reason::price_unknown : Reason::none;
    unit.buys.set(false);
    unit.keeps.set(true);
    return;
  }
  const Value value{curve, hash_price.usable() ? hash_price.value : PricePerThsDay(0.0), heat_value};
  const double min_w = unit.min_w(), max_w = unit.max_w();
  const double price_of_start = start_price(unit, value, site.control);
  const auto judge = [&](Worthwhile& choice, Side side, double price, bool certain) {
    const bool looks = snapshot.now >= choice.next_look || choice.ahead_for_price != price;
    if (looks) {
      choice.ahead = certain ? known_ahead(unit, value, *snapshot.money.prices, *slot_, snapshot.wall, side) : 0.0;
      choice.ahead_for_price = price;
      choice.next_look = snapshot.now + kLookEvery;
    }
    const double gain = gain_per_h(unit, value, price);
    // What is known ahead was told by the prices of the grid; when another source serves, only the present counts.
    choice.step(gain, choice.ahead * gain > 0.0 ? choice.ahead : 0.0, price_of_start, dt_s);
    return choice.yes();
  };

  const double kept_price = *prices_.export_price;
  band.keeps = judge(unit.keeps, Side::export_side, kept_price, true);
  const double keep_w = value.highest_worth_w(kept_price, min_w, max_w);
  band.ceiling_w = band.keeps ? std::max(keep_w, min_w) : 0.0;
  if (!band.keeps) band.reason = Reason::not_worth_it;

  if (may_buy) {
    double bought_price = *prices_.bought_price;
    // The last percents above the reserve are gone in minutes, and come back with the first sun: who runs may have
    // them, but each start for them would be one of a series.
    if (!unit.on() && !spares_) bought_price = std::max(bought_price, *prices_.import_price);
    const double wanted_w = value.highest_worth_w(bought_price, min_w, max_w);
    // Where feeding in brings more than the grid costs, the sun in it is the dearer part: all of it together decides.
    if (kept_price > bought_price && wanted_w > 0.0) {
      const double sun_w = std::clamp(sun_w_, 0.0, wanted_w);
      bought_price += (kept_price - bought_price) * sun_w / wanted_w;
    }
    const bool certain = bought_price == *prices_.import_price;
    const bool bought = unit.buys.yes();
    if (slot_->kind != PriceKind::forecast && judge(unit.buys, Side::import_side, bought_price, certain)) {
      band.must_run = true;
      band.floor_w = std::max(wanted_w, min_w);
      band.ceiling_w = std::max(band.ceiling_w, band.floor_w);
      // Above its price it is only held, because a stop would cost more.
      band.reason = wanted_w > 0.0 ? Reason::worth_buying : Reason::at_minimum;
    } else {
      band.dropped = bought;
      if (!band.keeps || sun_w_ < min_w) band.reason = Reason::not_worth_it;
    }
  }
  if (prices_.stored_price) {
    const double charge_price = *prices_.stored_price * site.battery.efficiency;
    band.takes_charge = may_buy && band.keeps && value.highest_worth_w(charge_price, min_w, max_w) > 0.0;
  }
  // λ at the margin between minimum and what is worth keeping; where that is nothing, of the minimum itself.
  const double top_w = std::clamp(band.ceiling_w, min_w, max_w);
  const double margin = top_w > min_w + 1.0 ? 1000.0 * (value.rate(top_w) - value.rate(min_w)) / (top_w - min_w)
                                            : 1000.0 * value.rate(min_w) / std::max(1.0, min_w);
  const double earns = margin - kept_price;
  band.leak_price = earns < kNoMarginPerKwh
                        ? kMostLeakPrice
                        : std::clamp((*prices_.bought_price - margin) / earns, kLeastLeakPrice, kMostLeakPrice);
}

Band Merit::band(Unit& unit, const Site& site, const Snapshot& snapshot, std::size_t index, double dt_s) {
  const MinerMoney& own = snapshot.miner_money[index];
  const Strategy strategy = unit.site->strategy;
  Band band;
  band.leak_price = site.control.leak_price;
  const auto hold_at = [&](double power_w, Reason reason) {
    band.must_run = true;
    band.floor_w = band.ceiling_w = unit.envelope().known() ? std::clamp(power_w, unit.min_w(), unit.max_w()) : 0.0;
    band.reason = reason;
  };
  const auto sleep = [&](Reason reason) {
    band.must_sleep = true;
    band.reason = reason;
  };
  if (strategy == Strategy::off) {
    sleep(Reason::strategy_off);
    return band;
  }
  switch (own.order) {
    case PeriodOrder::sleep:
      sleep(Reason::strategy_schedule);
      return band;
    case PeriodOrder::watts:
      hold_at(unit.drawn_w(unit.envelope().known() ? unit.envelope().floor(own.order_power) : own.order_power),
              Reason::strategy_schedule);
      return band;
    case PeriodOrder::full:
      hold_at(unit.max_w(), Reason::strategy_schedule);
      return band;
    case PeriodOrder::solar:
      by_price(unit, band, site, snapshot, own, false, dt_s);
      return band;
    case PeriodOrder::none:
      break;
  }
  if (strategy == Strategy::schedule) {
    sleep(Reason::strategy_schedule);
  } else if (strategy == Strategy::full) {
    hold_at(unit.max_w(), Reason::strategy_full);
  } else {
    by_price(unit, band, site, snapshot, own, strategy == Strategy::economic, dt_s);
  }
  return band;
}

void Merit::look(std::span<Unit> units, const Site& site, const Snapshot& snapshot, const SurplusForecast& forecast,
                 const Stored& stored, double surplus_w, double dt_s) {
  look_at_prices(site, snapshot, forecast, stored, dt_s);
  sun_w_ += (surplus_w - sun_w_) * std::min(1.0, dt_s / kSunMeanS);
  bool buys = false;
  for (std::size_t i = 0; i < units.size(); ++i) {
    units[i].band = band(units[i], site, snapshot, i, dt_s);
    buys = buys || units[i].band.must_run;
  }
  hold_ = buys && may_hold_ && grid_is_cheaper_;
}

}  // namespace sluice::control
