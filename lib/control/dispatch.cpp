#include "control/dispatch.hpp"

#include <algorithm>
#include <cmath>

#include "control/commitment.hpp"
#include "control/guard.hpp"

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr double kTrimmerEndW = 50.0;      // so near to its top the others are moved …
constexpr double kTrimmerInsideW = 300.0;  // … by enough to put it this far inside
constexpr double kSpentCost = 1e6;         // who may not be raised again today trims only if all others may not either
// Of its range. A cloud takes kilowatts in seconds, and the trimmer sheds them fastest: so it keeps room below.
constexpr double kTrimmerLowShare = 0.25, kTrimmerReserveShare = 0.4;
constexpr Duration kBaseRaiseEvery = seconds(20);
constexpr double kSmallestHelpW = 30.0, kCoarseStepW = 50.0;
constexpr int kHalvings = 16;  // of a minute: a millisecond
constexpr double kFallAheadS = 2.0;
constexpr double kSlopeMemoryS = 3.0;
constexpr Duration kBaseLowerEvery = seconds(2);
// Newsvendor: with λ = 3.5 a level is worth taking while less than 1/(1+λ) of its step is missing.
double round_up_share(double leak_price) { return 1.0 / (1.0 + std::max(0.0, leak_price)); }
// Of a step, either way: it draws up to a quarter more for a step than is believed, and must not toggle between two.
constexpr double kStepHysteresis = 0.12;

// An error this large is acted on as it is read; a smaller one is averaged over a few seconds first, because a meter
// trembles and the target would tremble with it.
constexpr double kClearErrorW = 100.0;
constexpr double kErrorMemoryS = 3.0;
// Newsvendor again: with λ = 3.5 the best place under a reading that trembles is 0.77 σ below it; the lower third of
// its changes from tick to tick is about 0.55 σ. A sky full of small clouds is not noise.
constexpr double kMarginOfJitter = 1.4;
constexpr double kMarginMostW = 10.0;
constexpr double kSmallestRaiseW = 5.0;

// Who waits so long between two changes cannot follow; every change is a bet on the minutes after it.
constexpr Duration kCannotFollow = seconds(60);
// Ski rental between a dip that is sat out and a level that is lost for minutes: half of what the loss may be is paid.
constexpr double kSitOutShare = 0.5;
// But only for dips that usually end long before: their lengths scatter, and who waits in vain pays for both.
constexpr double kUsualDipShare = 0.25;

constexpr double kMeterAgeS = 1.0;     // the usual one of a meter that is read each second
constexpr double kUsualFallW = 300.0;  // that a command answers under a broken sky
constexpr double kLeastTrimW = 1.0;    // a band narrower than this trims nothing

// A battery takes the seconds: changes are this much dearer, and cost something even where they are free.
constexpr double kBufferedCalm = 6.0, kBufferedChangeWs = 1500.0;

/// 1 while there are writes enough, up to 5 as the day's last ones are used.
double write_scarcity(const Unit& unit) {
  if (unit.dynamics().writes_per_day <= 0) return 1.0;
  const double used = 1.0 - static_cast<double>(unit.writes_left()) / unit.dynamics().writes_per_day;
  return 1.0 + 4.0 * used * used;
}

double lead_s(const Unit& unit) { return to_seconds(unit.dynamics().dead_time) + 1.0; }

bool is_levels(const Unit& unit) { return unit.envelope().kind == EnvelopeKind::levels; }

/// The target for a wish in drawn watts, rounded by value; with hysteresis.
Watts target_for(const Unit& unit, double wish_w, double leak_price) {
  const Watts wanted = unit.target_for(wish_w);
  const Envelope& envelope = unit.envelope();
  const double share = round_up_share(leak_price);
  const Watts now = envelope.floor(unit.target());
  if (!is_levels(unit)) {
    const auto rounded = [&](double part) { return envelope.floor(wanted + envelope.step * part); };
    const bool stays = rounded(share - kStepHysteresis) <= now && now <= rounded(share + kStepHysteresis);
    return stays ? now : rounded(share);
  }
  Watts best = envelope.min;
  for (std::size_t i = 1; i < envelope.levels.size(); ++i) {
    const Watts level = envelope.levels[i];
    const double step_w = (level - envelope.levels[i - 1]).value();
    const double hold = level <= now ? kStepHysteresis : -kStepHysteresis;
    if (wanted.value() < level.value() - (share + hold) * step_w) break;
    best = level;
  }
  return best;
}

/// W/s upwards; a firmware that declares no ramp rises at once.
double rise_rate(const Unit& unit) {
  return (unit.max_w() - unit.min_w()) / std::max(1.0, to_seconds(unit.dynamics().ramp_up));
}

double fall_rate(const Unit& unit) {
  return (unit.max_w() - unit.min_w()) / std::max(1.0, to_seconds(unit.dynamics().ramp_down));
}

Reason holding(const Unit& unit) {
  if (unit.band.must_run && unit.target() <= unit.lowest_target()) return unit.band.reason;
  if (unit.target() >= unit.envelope().max) return Reason::at_maximum;
  return unit.target() >= unit.highest_target() ? Reason::not_worth_it : Reason::base_load;
}

/// What this unit may use beside what all may.
double extra_w(const Unit& unit, const Budget& budget) {
  if (unit.site->strategy == Strategy::solar_battery) return budget.discharge_w;
  return unit.band.takes_charge ? budget.charge_w : 0.0;
}

/// What is left for it once the grid has got what pays better there.
double worth_its_while_w(const Unit& unit, double left_w, const Budget& budget) {
  return unit.band.keeps ? left_w : left_w - budget.export_limit_w;
}

Duration raise_pace(const Unit& unit, const ConstraintProfile& profile) {
  return std::max(profile.retarget_up, unit.dynamics().retarget_up);
}

Duration lower_pace(const Unit& unit, const ConstraintProfile& profile) {
  return std::max(profile.retarget_down, unit.dynamics().retarget_down);
}

/// What it can take above its smallest power within seconds.
double follows_w(const Unit& unit, const ConstraintProfile& profile) {
  return raise_pace(unit, profile) < kCannotFollow ? unit.highest_w() - unit.lowest_w() : 0.0;
}

double left_s(Duration pace, MonoTime since, MonoTime now) { return std::max(0.0, to_seconds(pace - (now - since))); }

bool may_raise_now(const Unit& unit, const ConstraintProfile& profile, MonoTime now) {
  return now - unit.raised_at() >= raise_pace(unit, profile) && now >= unit.patience_until() && unit.writes_left() > 0;
}

bool may_lower_now(const Unit& unit, const ConstraintProfile& profile, MonoTime now) {
  return now - unit.lowered_at() >= lower_pace(unit, profile) && now >= unit.patience_until();
}

/// Above what is worth keeping only what cannot be fed in counts.
double within_band_w(const Unit& unit, double wanted_w, const Budget& budget) {
  const double kept_w = std::clamp(wanted_w, unit.lowest_w(), unit.highest_w());
  return std::max(kept_w, std::min(wanted_w - budget.export_limit_w, unit.max_w()));
}

Watts ramp_limited(const Unit& unit, Watts target, const ConstraintProfile& profile, MonoTime now) {
  if (profile.ramp_up_per_minute.value() <= 0.0 || target <= unit.target()) return target;
  const double minutes = std::min(1.0, to_seconds(now - unit.raised_at()) / 60.0);
  return min(target, unit.envelope().floor(unit.target() + profile.ramp_up_per_minute * minutes));
}

}  // namespace

void Dispatch::run(std::span<Unit> units, std::span<const std::uint8_t> members, const Site& site, const Budget& budget,
                   bool may_start, MonoTime now, double dt_s, std::span<Reason> reasons) {
  const ControlSettings& control = site.control;
  const double high_w = std::max(budget.available_w[0], budget.available_w[1]);
  if (slope_known_ && dt_s > 0.0) {
    const double slope = (high_w - last_high_w_) / dt_s;
    slope_w_per_s_ += (slope - slope_w_per_s_) * std::min(1.0, dt_s / kSlopeMemoryS);
  }
  slope_known_ = true;
  last_high_w_ = high_w;
  for (const std::uint8_t member : members) {
    const ConstraintProfile& profile = control.profile;
    if (std::max(raise_pace(units[member], profile), lower_pace(units[member], profile)) < kCannotFollow) continue;
    outlook_.look(0.5 * (budget.available_w[0] + budget.available_w[1]), now);
    break;
  }
  commit(units, members, site, budget, may_start, now, dt_s, reasons);
  keep_to_bands(units, members, control, budget, now, reasons);
  choose_trimmer(units, members, budget);
  if (trimmer_ == kNobody) return nowcast_.pause();
  look_ahead(units, members, control.profile, budget, now);
  if (members.size() > 1) {
    move_bases(units, members, control, wish(units, members, budget, trimmer_, true, now), budget.may_raise, now,
               reasons);
  }
  double others_w = 0.0;
  for (const std::uint8_t member : members) {
    const Unit& unit = units[member];
    if (member != trimmer_) others_w += unit.adjustable() ? unit.settled_w() : unit.twin(Bound::low).power_w();
  }
  trim(units[trimmer_], control, wish(units, members, budget, trimmer_, false, now), budget, budget.sun_w - others_w,
       now, dt_s, reasons[trimmer_]);
}

Dispatch::Wish Dispatch::wish(std::span<const Unit> units, std::span<const std::uint8_t> members, const Budget& budget,
                              std::uint8_t trimmer, bool once_settled, MonoTime now) const {
  const Unit& mine = units[trimmer];
  const double more_w = extra_w(mine, budget);
  const MonoTime soon = now + from_seconds(lead_s(mine));
  Wish out;
  for (const Bound bound : kBounds) {
    // What the others will draw once its own ramp is over is what counts; what wakes is not awake yet.
    const double to_go_w = mine.settled_w() - mine.twin(bound).power_w();
    const MonoTime arrived = soon + from_seconds(std::max(to_go_w / rise_rate(mine), -to_go_w / fall_rate(mine)));
    double left_w = budget.available_w[static_cast<std::size_t>(bound)] + more_w;
    for (const std::uint8_t member : members) {
      if (member == trimmer) continue;
      const Unit& other = units[member];
      left_w -= once_settled ? other.settled_w() : other.twin(bound).at(other.adjustable() ? arrived : soon);
    }
    if (bound == Bound::low) {
      out.low_w = out.high_w = left_w;
    } else {
      out.low_w = std::min(out.low_w, left_w);
      out.high_w = std::max(out.high_w, left_w);
    }
  }
  return out;
}

void Dispatch::look_ahead(std::span<const Unit> units, std::span<const std::uint8_t> members,
                          const ConstraintProfile& profile, const Budget& budget, MonoTime now) {
  const Unit& unit = units[trimmer_];
  if (!budget.as_metered || lower_pace(unit, profile) >= kCannotFollow) return nowcast_.pause();
  nowcast_.look(budget.available_w[0] + budget.reserved_w, budget.available_w[1] + budget.reserved_w, now);
  const double seen_s = kMeterAgeS + lead_s(unit);
  const std::size_t ahead_s = std::min(static_cast<std::size_t>(std::lround(seen_s)), Nowcast::kMostAheadS);
  if (!nowcast_.teaches(ahead_s)) return;
  double others_w = budget.reserved_w;
  for (const std::uint8_t member : members) {
    if (member != trimmer_) others_w += units[member].twin(Bound::low).power_w();
  }
  // Newsvendor, but the two mistakes last differently: a cut too deep until a raise may be told and has worked, one too
  // small until the next cut has.
  const double missed_s = seen_s + to_seconds(raise_pace(unit, profile)) + 0.5 * kUsualFallW / rise_rate(unit);
  const double bought_s = seen_s + to_seconds(lower_pace(unit, profile)) + 0.5 * kUsualFallW / fall_rate(unit);
  const double chance = missed_s / (missed_s + std::max(0.0, unit.band.leak_price) * bought_s);
  nowcast_.learn(ahead_s, others_w + unit.min_w(), others_w + unit.max_w(), chance);
}

void Dispatch::choose_trimmer(std::span<const Unit> units, std::span<const std::uint8_t> members,
                              const Budget& budget) {
  double best = 0.0;
  std::uint8_t chosen = kNobody;
  for (const std::uint8_t member : members) {
    const Unit& unit = units[member];
    const double top_w = std::isfinite(budget.export_limit_w) ? unit.max_w() : unit.highest_w();
    if (!unit.adjustable() || top_w - unit.lowest_w() < kLeastTrimW) continue;
    // Seconds to follow plus watts that cannot be followed, in one number; the present one keeps its office at a tie.
    const double step_w =
        is_levels(unit) ? unit.envelope().local_step(unit.envelope().max).value() : unit.envelope().step.value();
    const double slowness_s = to_seconds(unit.dynamics().dead_time) + 0.3 * to_seconds(unit.dynamics().ramp_down) +
                              0.1 * to_seconds(unit.dynamics().ramp_up) + 0.2 * to_seconds(unit.dynamics().retarget_up);
    const double cost =
        step_w + 10.0 * slowness_s + (unit.writes_left() > 0 ? 0.0 : kSpentCost) - (member == trimmer_ ? 10.0 : 0.0);
    if (chosen == kNobody || cost < best) {
      best = cost;
      chosen = member;
    }
  }
  trimmer_ = chosen;
}

void Dispatch::commit(std::span<Unit> units, std::span<const std::uint8_t> members, const Site& site,
                      const Budget& budget, bool may_start, MonoTime now, double dt_s, std::span<Reason> reasons) {
  const ControlSettings& control = site.control;
  const ConstraintProfile& profile = control.profile;
  const double low_w = std::min(budget.available_w[0], budget.available_w[1]);
  const double high_w = std::max(budget.available_w[0], budget.available_w[1]);
  double asleep_w = 0.0;
  for (const std::uint8_t member : members) {
    if (!units[member].on()) asleep_w += units[member].sleep_w();
  }

  double before_w = asleep_w;
  double running_max_w = 0.0;
  double room_w = 0.0;  // of the running ones, for what the next one might leave
  for (const std::uint8_t member : members) {
    const Unit& unit = units[member];
    if (!unit.on() || !unit.band.must_run) continue;
    before_w += unit.lowest_w();
    running_max_w += unit.highest_w();
    room_w += follows_w(unit, profile);
    reasons[member] = unit.waking() ? unit.band.reason : holding(unit);
  }

  // Stops: every running unit sees what the ones before it leave, so the last is the first to go.
  for (const std::uint8_t member : members) {
    Unit& unit = units[member];
    if (!unit.on() || unit.band.must_run) continue;
    const double available_w = worth_its_while_w(unit, high_w + extra_w(unit, budget) - before_w, budget);
    const bool rested = now - unit.started_at() >= profile.min_on;
    // What is not worth its price any more has waited in money already (worthwhile.hpp).
    const bool waited = !unit.band.keeps || unit.band.dropped;
    // And a ramp that is under way is no reason to hope for sun: the price ends what it had bought at once.
    const double certain_w = waited ? available_w - (high_w - low_w) : available_w;
    const bool stop =
        (waited && certain_w < unit.min_w()) || should_stop(unit, control, available_w, room_w, now, dt_s);
    if (stop && rested && now >= unit.patience_until()) {
      unit.want_sleep(now);
      reasons[member] = waited ? Reason::not_worth_it : Reason::stopping_low_surplus;
      continue;
    }
    reasons[member] =
        stop ? Reason::waiting_min_on
             : (unit.waking() ? Reason::starting : (available_w < unit.min_w() ? Reason::at_minimum : holding(unit)));
    before_w += unit.min_w();
    running_max_w += unit.highest_w();
    room_w += follows_w(unit, profile);
  }

  // Starts: one at a time, in order; each would take what the running ones cannot. Whom energy is bought for asks
  // nobody.
  bool candidate_seen = false;
  for (const std::uint8_t member : members) {
    Unit& unit = units[member];
    if (unit.on()) continue;
    if (unit.too_small_a_circuit()) {  // by a start a moment ago
      reasons[member] = Reason::circuit_limit;
      continue;
    }
    if (reasons[member] != Reason::stopping_low_surplus && reasons[member] != Reason::not_worth_it) {
      reasons[member] = unit.band.reason != Reason::none ? unit.band.reason : Reason::waiting_for_surplus;
    }
    const bool waits = candidate_seen || (!unit.band.keeps && !std::isfinite(budget.export_limit_w));
    if (!unit.band.must_run && waits) continue;
    candidate_seen = true;
    const double for_all_w = worth_its_while_w(unit, low_w + extra_w(unit, budget) + unit.sleep_w(), budget);
    // Those that come after it make room: once it is on, there is less left for them.
    double giving_way_w = 0.0, giving_way_max_w = 0.0;
    for (const std::uint8_t other : members) {
      const Unit& after = units[other];
      if (!after.on() || after.band.must_run || after.site->priority >= unit.site->priority) continue;
      giving_way_w += after.min_w() - after.sleep_w();
      giving_way_max_w += after.highest_w();
    }
    const double short_w = before_w - giving_way_w + unit.min_w() - for_all_w;
    const double gain_w = std::min(for_all_w - asleep_w - running_max_w + giving_way_max_w, unit.highest_w());
    const bool start = unit.band.must_run || should_start(unit, control, short_w, gain_w, now, dt_s);
    if (!start || !budget.may_raise) continue;
    if (now - unit.stopped_at() < profile.min_off && unit.stopped_at() != MonoTime{}) {
      reasons[member] = Reason::waiting_min_off;
      candidate_seen = false;  // it rests; the next one may go
    } else if (profile.max_starts_per_day > 0 && unit.starts_today() >= profile.max_starts_per_day) {
      reasons[member] = Reason::starts_used_up;
      candidate_seen = false;
    } else if (now < unit.patience_until()) {
      reasons[member] = Reason::not_following;
      candidate_seen = false;
    } else if (!may_start) {
      reasons[member] = Reason::grid_settling;
    } else if (now - last_start_ < profile.stagger_up && last_start_ != MonoTime{}) {
      reasons[member] = Reason::waiting_stagger;
    } else {
      unit.want_wake(first_target(unit, control, for_all_w - before_w + giving_way_w), now);
      reasons[member] = unit.band.must_run ? unit.band.reason : Reason::starting;
      last_start_ = now;
      limit_to_circuits(units, site);  // what it was promised nobody else is given in this tick
    }
  }
}

Watts Dispatch::first_target(const Unit& unit, const ControlSettings& control, double available_w) const {
  const ConstraintProfile& profile = control.profile;
  const Watts least = unit.lowest_target();
  const Duration pace = raise_pace(unit, profile);
  // Who may be raised soon begins at the bottom: what will be there after the wake is seen then.
  if (pace < kCannotFollow || profile.ramp_up_per_minute.value() > 0.0) return least;
  const double horizon_s = unit.wake_s() + to_seconds(pace);
  const double level_w = outlook_.level_w(available_w, horizon_s, round_up_share(unit.band.leak_price));
  return clamp(target_for(unit, level_w, unit.band.leak_price), least, unit.highest_target());
}

void Dispatch::keep_to_bands(std::span<Unit> units, std::span<const std::uint8_t> members,
                             const ControlSettings& control, const Budget& budget, MonoTime now,
                             std::span<Reason> reasons) const {
  for (const std::uint8_t member : members) {
    Unit& unit = units[member];
    if (!unit.adjustable()) continue;
    if (unit.target() < unit.lowest_target()) {
      if (!budget.may_raise) continue;
      if (may_raise_now(unit, control.profile, now)) {
        unit.want_target(ramp_limited(unit, unit.lowest_target(), control.profile, now), now);
        reasons[member] = unit.band.reason;
      } else {
        reasons[member] = Reason::retarget_wait;
      }
    } else if (unit.target() > unit.highest_target() && !std::isfinite(budget.export_limit_w)) {
      reasons[member] = unit.band.must_run ? unit.band.reason : Reason::not_worth_it;
      if (may_lower_now(unit, control.profile, now)) {
        unit.want_target(unit.highest_target(), now);
      } else {
        reasons[member] = Reason::retarget_wait;
      }
    }
  }
}

void Dispatch::move_bases(std::span<Unit> units, std::span<const std::uint8_t> members, const ControlSettings& control,
                          const Wish& settled, bool may_raise, MonoTime now, std::span<Reason> reasons) {
  const Unit& trimmer = units[trimmer_];
  const double bottom_w = trimmer.lowest_w();
  const double top_w = trimmer.highest_w();
  const double inside_w = std::min(kTrimmerInsideW, 0.3 * (top_w - bottom_w));
  const double end_w = std::min(kTrimmerEndW, 0.1 * (top_w - bottom_w));

  const double climb_w = settled.low_w - trimmer.twin(Bound::low).power_w();
  const double shed_w = trimmer.twin(Bound::high).power_w() - settled.high_w;
  // What they take the trimmer loses, and what they give up it gets: never so much that they would be told to take it
  // back a second later.
  const double least_w = bottom_w + kTrimmerLowShare * (top_w - bottom_w);
  const double give_w = settled.low_w - least_w;
  const double leave_w = top_w - end_w - settled.high_w;
  if (may_raise && help(units, members, control.profile, Way::up, climb_w, give_w, now, reasons)) return;
  if (help(units, members, control.profile, Way::down, shed_w, leave_w, now, reasons)) return;

  // What the trimmer cannot take at all.
  if (settled.low_w > top_w - end_w) {
    if (!may_raise || now - bases_raised_ < kBaseRaiseEvery) return;
    double more_w = settled.low_w - (top_w - inside_w);
    for (const std::uint8_t member : members) {
      Unit& unit = units[member];
      if (member == trimmer_ || !unit.adjustable() || more_w < control.profile.deadband_up.value()) continue;
      if (!may_raise_now(unit, control.profile, now)) {
        reasons[member] = Reason::retarget_wait;
        continue;
      }
      Watts target = unit.envelope().floor(unit.target_for(unit.settled_w() + more_w));
      target = min(ramp_limited(unit, target, control.profile, now), unit.highest_target());
      if (target <= unit.target()) continue;
      more_w -= unit.drawn_w(target) - unit.settled_w();
      unit.want_target(target, now);
      reasons[member] = Reason::following_surplus;
      bases_raised_ = now;
    }
  } else {
    // Slow miners are told early: while what is available falls fast, where it will be is what counts.
    const double soon_w = settled.high_w + kFallAheadS * std::min(0.0, slope_w_per_s_);
    if (soon_w >= least_w) return;
    lower_bases(units, members, control, bottom_w + kTrimmerReserveShare * (top_w - bottom_w) - soon_w, now, reasons);
  }
}

bool Dispatch::help(std::span<Unit> units, std::span<const std::uint8_t> members, const ConstraintProfile& profile,
                    Way way, double distance_w, double most_w, MonoTime now, std::span<Reason> reasons) {
  const bool up = way == Way::up;
  const Bound bound = up ? Bound::low : Bound::high;
  const Unit& trimmer = units[trimmer_];
  const double own_rate = up ? rise_rate(trimmer) : fall_rate(trimmer);
  const double alone_s = distance_w / own_rate;
  // Half of the distance is missed, or bought, for as long as it takes.
  const double worth_w = 0.5 * (up ? 1.0 : trimmer.band.leak_price) * distance_w;
  // A change now, and another one to take it back some time.
  const double change_ws = 2.0 * 3600.0 * profile.change_cost.value();
  if (distance_w <= 0.0 || most_w < kSmallestHelpW || worth_w * alone_s < change_ws) return false;

  struct Part {
    double rate_w_per_s, busy_s, room_w;  ///< busy with what it was told before
  };
  std::array<Part, kMaxMiners> parts;
  StaticVector<std::uint8_t, kMaxMiners> able;
  double price_ws = 0.0;
  for (const std::uint8_t member : members) {
    const Unit& unit = units[member];
    if (member == trimmer_ || !unit.adjustable()) continue;
    const double step_w = unit.envelope().local_step(unit.target()).value();
    // A part in coarse steps is never exact, and what one second lends the next one takes back: down is gone to its
    // end.
    const bool on_its_way_down = unit.lowered_at() > unit.raised_at() && !unit.settled();
    if (up && ((on_its_way_down && step_w > kCoarseStepW) || !may_raise_now(unit, profile, now))) continue;
    if (!up && (now - unit.lowered_at() < kBaseLowerEvery || !may_lower_now(unit, profile, now))) continue;
    const double rate = up ? rise_rate(unit) : fall_rate(unit);
    const double to_go_w = unit.settled_w() - unit.twin(bound).power_w();
    const double room_w = up ? unit.highest_w() - unit.settled_w() : unit.settled_w() - unit.lowest_w();
    if (room_w < std::max(kSmallestHelpW, step_w)) continue;
    parts[member] = {rate, std::max(0.0, up ? to_go_w : -to_go_w) / rate, room_w};
    able.push_back(member);
    price_ws += change_ws * write_scarcity(unit);
  }
  if (able.empty()) return false;

  // All arrive at the same time: the quickest way there.
  const double power_w = trimmer.twin(bound).power_w();
  const double own_room_w = std::max(0.0, up ? trimmer.highest_w() - power_w : power_w - trimmer.lowest_w());
  const auto part_w = [&](std::uint8_t member, double seconds) {
    const Part& part = parts[member];
    return std::clamp(part.rate_w_per_s * (seconds - part.busy_s), 0.0, part.room_w);
  };
  double least_s = 0.0, most_s = alone_s;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle_s = 0.5 * (least_s + most_s);
    double moved_w = std::min(own_rate * middle_s, own_room_w);
    for (const std::uint8_t member : able) moved_w += part_w(member, middle_s);
    (moved_w < distance_w ? least_s : most_s) = middle_s;
  }
  if (worth_w * (alone_s - most_s) < price_ws) return false;

  double all_w = 0.0;
  for (const std::uint8_t member : able) all_w += part_w(member, most_s);
  const double share = std::min(1.0, most_w / std::max(all_w, 1.0));
  bool helped = false;
  for (const std::uint8_t member : able) {
    Unit& unit = units[member];
    const double mine_w = share * part_w(member, most_s);
    if (mine_w < kSmallestHelpW) continue;
    // Never more than its part: a level too much would be taken back a second later, and lent again.
    const Watts part = unit.target_for(unit.settled_w() + (up ? mine_w : -mine_w));
    const Watts target = up ? min(ramp_limited(unit, unit.envelope().floor(part), profile, now), unit.highest_target())
                            : max(unit.envelope().ceil(part), unit.lowest_target());
    if (up ? target <= unit.target() : target >= unit.target()) continue;
    unit.want_target(target, now);
    reasons[member] = Reason::following_surplus;
    helped = true;
  }
  return helped;
}

void Dispatch::lower_bases(std::span<Unit> units, std::span<const std::uint8_t> members, const ControlSettings& control,
                           double less_w, MonoTime now, std::span<Reason> reasons) {
  // All of them at once, each by as much as it can shed in the same time: the quickest way down.
  StaticVector<std::uint8_t, kMaxMiners> able;
  for (const std::uint8_t member : members) {
    const Unit& unit = units[member];
    if (member == trimmer_ || !unit.adjustable() || unit.target() <= unit.lowest_target()) continue;
    if (now - unit.lowered_at() >= kBaseLowerEvery && may_lower_now(unit, control.profile, now)) able.push_back(member);
  }
  // Those with little room give it all; what they cannot give is shared by the rest.
  std::array<double, kMaxMiners> share_w{};
  for (std::size_t round = 0; round < able.size() && less_w > 1.0; ++round) {
    double rates = 0.0;
    for (const std::uint8_t member : able) {
      if (share_w[member] < units[member].settled_w() - units[member].lowest_w()) rates += fall_rate(units[member]);
    }
    if (rates <= 0.0) break;
    double given_w = 0.0;
    for (const std::uint8_t member : able) {
      const double room_w = units[member].settled_w() - units[member].lowest_w() - share_w[member];
      const double part_w = std::min(std::max(room_w, 0.0), less_w * fall_rate(units[member]) / rates);
      share_w[member] += part_w;
      given_w += part_w;
    }
    less_w -= given_w;
  }
  for (const std::uint8_t member : able) {
    Unit& unit = units[member];
    const Watts target = unit.envelope().floor(unit.target_for(unit.settled_w() - share_w[member]));
    if (share_w[member] < 1.0 || target >= unit.target()) continue;
    unit.want_target(target, now);
    reasons[member] = Reason::following_surplus;
  }
}

Dispatch::Wish Dispatch::level_to_keep(const Unit& unit, const ControlSettings& control, const Wish& wish,
                                       double others_w, MonoTime now) const {
  const Duration pace = lower_pace(unit, control.profile);
  if (pace < kCannotFollow) return wish;
  const MinerDynamics& dynamics = unit.dynamics();
  const double dead_s = to_seconds(dynamics.dead_time);
  // A raise is kept until the next cut may come and has worked, a cut until a raise has.
  const double raised_s = dead_s + left_s(pace, unit.lowered_at(), now) + to_seconds(dynamics.ramp_down);
  const double lowered_s = dead_s + to_seconds(dynamics.ramp_up);
  const double chance = round_up_share(unit.band.leak_price);
  // A falling sun asks for the next cut, and that has to wait; a rising one for the next raise.
  const double falling_s = dead_s + to_seconds(pace) + to_seconds(dynamics.ramp_down);
  const double raise_drift_w = outlook_.drift_w(raised_s, chance);
  const double cut_drift_w = outlook_.drift_w(outlook_.falls() ? falling_s : lowered_s, chance);
  return {outlook_.level_w(wish.low_w + others_w, raised_s, chance) - others_w + raise_drift_w,
          outlook_.level_w(wish.high_w + others_w, lowered_s, chance) - others_w + cut_drift_w};
}

double Dispatch::lost_by_raise_ws(const Unit& unit, const ConstraintProfile& profile, double to_w,
                                  double others_w) const {
  const Duration pace = raise_pace(unit, profile);
  if (pace < kCannotFollow || !outlook_.known()) return 0.0;
  const double hoped_w = std::clamp(outlook_.median_w() - others_w, unit.lowest_w(), unit.highest_w());
  return kSitOutShare * std::max(0.0, hoped_w - to_w) * to_seconds(pace);
}

double Dispatch::lost_by_cut_ws(const Unit& unit, const ConstraintProfile& profile, double to_w, double others_w,
                                MonoTime now) const {
  const Duration pace = raise_pace(unit, profile);
  const double less_w = unit.settled_w() - to_w;
  const double locked_s = left_s(pace, unit.raised_at(), now);
  if (pace < kCannotFollow || !outlook_.known() || less_w < 1.0 || locked_s <= 0.0) return 0.0;
  const Outlook::Dip dip = outlook_.dip(to_w + others_w, unit.settled_w() + others_w);
  const double lost_ws = dip.regained * less_w * locked_s;
  const double usual_ws = unit.band.leak_price * less_w * dip.usual_s;
  return usual_ws < kUsualDipShare * lost_ws ? kSitOutShare * lost_ws : 0.0;
}

void Dispatch::trim(Unit& unit, const ControlSettings& control, const Wish& wish, const Budget& budget, double left_w,
                    MonoTime now, double dt_s, Reason& reason) {
  const ConstraintProfile& profile = control.profile;
  const double have_w = unit.settled_w();
  const double middle_w = 0.5 * (wish.low_w + wish.high_w);
  // Both twins agree on what to do once the miner has settled. Until then the likeliest answer counts, unless acting on
  // it was chasing the own echo: the more of that, the more both have to consent.
  const double trust = unit.trust();
  const double below_w =
      std::min(kMarginOfJitter * budget.jitter_w, kMarginMostW) + unit.knows_its_echo() * nowcast_.fall_w();
  // What the others draw lies between what all may and what this one may.
  const double others_w = 0.5 * (budget.available_w[0] + budget.available_w[1]) - middle_w;
  const Wish level = level_to_keep(unit, control, wish, others_w, now);
  const auto error_w = [&](double wanted_w) { return within_band_w(unit, wanted_w - below_w, budget) - have_w; };
  const double raise_w = error_w(level.low_w + trust * (middle_w - wish.low_w));
  const double lower_w = error_w(level.high_w + trust * (middle_w - wish.high_w));
  const double level_w = middle_w + 0.5 * (level.low_w - wish.low_w + level.high_w - wish.high_w);
  unit.mean_error_w += (error_w(level_w) - unit.mean_error_w) * std::min(1.0, dt_s / kErrorMemoryS);

  // A change has a price (flash that wears, a tuner that starts over): it is made once standing still has cost as much.
  // Writes that run out, and a battery that takes the seconds, make it dearer.
  const double change_ws = 3600.0 * profile.change_cost.value();
  const double price_ws =
      write_scarcity(unit) * (budget.buffered ? std::max(kBufferedCalm * change_ws, kBufferedChangeWs) : change_ws);
  const double raise_price_ws = price_ws + lost_by_raise_ws(unit, profile, have_w + raise_w, others_w);
  const double lower_price_ws = price_ws + lost_by_cut_ws(unit, profile, have_w + lower_w, others_w, now);
  unit.raise_account_ws = std::clamp(unit.raise_account_ws + raise_w * dt_s, 0.0, raise_price_ws);
  unit.lower_account_ws =
      std::clamp(unit.lower_account_ws - unit.band.leak_price * lower_w * dt_s, 0.0, lower_price_ws);
  const double less_w = lower_w < -kClearErrorW ? lower_w : std::max(lower_w, unit.mean_error_w);
  const double more_w = raise_w > kClearErrorW ? raise_w : std::min(raise_w, unit.mean_error_w);
  Watts target = unit.target();
  if (unit.lower_account_ws >= lower_price_ws && less_w < -profile.deadband_down.value()) {
    target = min(target, target_for(unit, have_w + less_w, unit.band.leak_price));
  } else if (unit.raise_account_ws >= raise_price_ws &&
             more_w >= std::max(profile.deadband_up.value(), kSmallestRaiseW)) {
    target = max(target, ramp_limited(unit, target_for(unit, have_w + more_w, unit.band.leak_price), profile, now));
  }
  if (target > unit.target()) {
    if (!budget.may_raise) return;
    if (!may_raise_now(unit, profile, now)) {
      reason = Reason::retarget_wait;
      return;
    }
  } else if (target < unit.target()) {
    if (!may_lower_now(unit, profile, now)) {
      reason = Reason::retarget_wait;
      return;
    }
  } else {
    if (reason == Reason::at_minimum) return;
    reason = unit.target() >= unit.highest_target() || unit.band.must_run ? holding(unit)
             : !unit.settled()                                            ? Reason::settling
                                                                          : Reason::following_surplus;
    if (reason == Reason::base_load) reason = Reason::following_surplus;
    return;
  }
  unit.raise_account_ws = unit.lower_account_ws = 0.0;
  unit.chased((target - unit.target()).value(), left_w - left_at_change_w_, now);
  left_at_change_w_ = left_w;
  unit.want_target(target, now);
  reason = Reason::following_surplus;
}

}  // namespace sluice::control
