#include "control/commitment.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

// Energy of a wake in which nothing is mined, for a trapezoid from standby to full power: share of time × (min + max).
constexpr double kWakeShare = 0.24;
constexpr double kScarcestStart = 8.0;
// Old bursts are forgotten: ten watts now and then for hours are no reason to start.
constexpr double kForgottenAfterS = 600.0;
// Below it the start would catch less than its own bookkeeping is worth; a small miner draws no more in all.
double worthwhile_w(const Unit& unit) { return std::min(20.0, 0.5 * unit.min_w()); }

/// What it buys at its smallest power when `short_w` are missing for that. The rest is bought for the house, with or
/// without it.
double bought_w(const Unit& unit, double short_w) { return std::clamp(short_w, 0.0, unit.min_w()); }

/// What running at its smallest power is worth then.
double worth_w(const Unit& unit, double short_w) {
  const double own_w = bought_w(unit, short_w);
  return unit.min_w() - own_w - unit.band.leak_price * own_w;
}

/// What a start would catch beside all others, less what it would buy at the price of a leak.
double brings_w(const Unit& unit, double short_w, double gain_w) {
  const double own_w = bought_w(unit, short_w);
  return std::min(std::max(gain_w, 0.0), unit.min_w() - own_w) - unit.band.leak_price * own_w;
}

}  // namespace

double start_cost_ws(const Unit& unit, const ConstraintProfile& profile) {
  const double wake_ws = kWakeShare * unit.start_s() * (unit.min_w() + unit.max_w());
  const double cost = wake_ws + 3600.0 * profile.start_cost.value();
  if (profile.max_starts_per_day <= 0) return cost;
  // The scarcer the starts of the day become, the more each is worth.
  const double left = 1.0 - static_cast<double>(unit.starts_today()) / profile.max_starts_per_day;
  return cost * std::min(kScarcestStart, 1.0 / (left * left));
}

double boot_cost_ws(const Unit& unit, const ConstraintProfile& profile, double boot_s) {
  return kWakeShare * boot_s * (unit.min_w() + unit.max_w()) + 3600.0 * profile.start_cost.value();
}

bool should_stop(Unit& unit, const ControlSettings& control, double available_w, double room_w, MonoTime now,
                 double dt_s) {
  const Hysteresis& hysteresis = control.hysteresis;
  const double short_w = unit.min_w() - available_w;

  if (bought_w(unit, short_w) > 50.0) {
    if (!unit.stop_true) unit.stop_since = now;
    unit.stop_true = true;
  } else if (short_w < 0.0) {
    unit.stop_true = false;
  }
  if (unit.stop_true && now - unit.stop_since >= control.max_import_hold) return true;

  if (hysteresis.form == HysteresisForm::classic) {
    if (short_w <= hysteresis.stop_below_min.value()) {
      unit.stop_account_ws = 0.0;  // seconds below, in this form
      return false;
    }
    unit.stop_account_ws += dt_s;
    return unit.stop_account_ws >= to_seconds(hysteresis.stop_after);
  }
  // What the ones before it would take in its place is not its merit.
  const double others_w = std::clamp(room_w - std::max(0.0, -short_w), 0.0, unit.min_w() - bought_w(unit, short_w));
  unit.stop_account_ws = std::max(0.0, unit.stop_account_ws - (worth_w(unit, short_w) - others_w) * dt_s);
  return unit.stop_account_ws >= hysteresis.stop_factor * start_cost_ws(unit, control.profile);
}

bool should_start(Unit& unit, const ControlSettings& control, double short_w, double gain_w, MonoTime now,
                  double dt_s) {
  const Hysteresis& hysteresis = control.hysteresis;
  const bool fits = short_w <= 0.0 && gain_w > worthwhile_w(unit);
  if (hysteresis.form == HysteresisForm::classic) {
    const bool enough = gain_w > worthwhile_w(unit) && -short_w >= hysteresis.start_above_min.value();
    if (enough && !unit.start_true) unit.start_since = now;
    unit.start_true = enough;
    return enough && now - unit.start_since >= hysteresis.start_after;
  }
  // A small miner waits longer, and must not forget faster than it can save.
  const double enough_ws = hysteresis.start_factor * start_cost_ws(unit, control.profile);
  const double memory_s = std::max(kForgottenAfterS, 2.0 * enough_ws / std::max(unit.max_w(), 1.0));
  unit.start_account_ws *= std::max(0.0, 1.0 - dt_s / memory_s);
  // Just short of enough it would already bring more than it buys; what others can take is no gain.
  const double change_w = fits ? gain_w : std::min(worth_w(unit, short_w), std::max(gain_w, 0.0));
  unit.start_account_ws = std::max(0.0, unit.start_account_ws + change_w * dt_s);
  // Whoever can be set follows the sun from its minimum on, and waits for that. All or nothing is a step that is taken
  // like one of a ladder: while little enough of it is missing. The sun of a whole day may never reach it.
  const bool may = unit.one_power() ? brings_w(unit, short_w, gain_w) > worthwhile_w(unit) : fits;
  return may && unit.start_account_ws >= enough_ws;
}

}  // namespace sluice::control
