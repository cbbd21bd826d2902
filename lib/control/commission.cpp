#include "control/commission.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// As the step learner: what it can see, and for how long it looks.
constexpr double kSmallestStepW = 200.0;
constexpr double kWindowS = 40.0;
// A ramp shorter than its window on both sides is told apart best; and the meter's noise asks for more than the least.
constexpr double kRampS = 20.0;
constexpr double kLeastStrideW = 250.0;
constexpr double kTooSlowS = 25.0;
constexpr double kTooQuickS = 8.0;
constexpr std::uint32_t kCleanSteps = 3;
constexpr Duration kPatientFirmware =
    seconds(60);                                  // whoever waits longer between two raises is asked for one step only
constexpr Duration kDwell = seconds(10);          // after settling: the meter shows it, and another word of the miner
constexpr Duration kShortPatience = seconds(45);  // for them after a step, whose fit says the rest
constexpr Duration kSteadyPatience = minutes(3);  // for ten looks of a house in which nothing moves
constexpr Duration kStillPatience = minutes(5);
constexpr double kSteadyRangeW = 60.0;
// Falling asleep and waking must tell the same, or a kettle was between them.
constexpr double kAgreeW = 20.0;
constexpr std::uint32_t kMostSleeps = 3;
constexpr double kAlmostUp = 0.9;
constexpr double kMostSleepShare = 0.4;  // of the minimum; more is no sleep
constexpr double kClearSleepW = 12.0;
constexpr double kLooksW = 6.0;         // of means of ten looks at a meter that trembles by ten watts
constexpr double kMeanDeviation = 1.2;  // of a normal scatter, in its median deviations
constexpr double kMedian = 1.6;         // standard error of a median, in mean deviations over the root of the samples
constexpr double kUnknownGain = 0.05;   // of a miner that takes no steps: set-points are missed by as much
constexpr std::uint32_t kFewestGains = 3;
constexpr double kClearGain = 0.03;
constexpr std::int32_t kWrites = 10;
constexpr Duration kLongestRun = minutes(60);
constexpr double kSlower = 1.6;  // as unit.cpp: the slow twin, which has to settle too

double stride_w(double span_w, double rate_w_per_s) {
  const double count = std::ceil(span_w / std::max(rate_w_per_s * kRampS, kLeastStrideW));
  return std::max(span_w / std::max(count, 1.0), kLeastStrideW);
}

std::uint32_t wanted_steps(const Unit& unit) {
  return unit.dynamics().retarget_up > kPatientFirmware ? 1 : kCleanSteps;
}

Duration pace(const Unit& unit, const ConstraintProfile& profile, bool up) {
  return up ? std::max(unit.dynamics().retarget_up, profile.retarget_up)
            : std::max(unit.dynamics().retarget_down, profile.retarget_down);
}

bool rested(const Unit& unit, const ConstraintProfile& profile, MonoTime now) {
  return unit.stopped_at() == MonoTime{} || now - unit.stopped_at() >= profile.min_off;
}

Walk walk_of(const Unit& unit, double most_w) {
  const Watts most = min(unit.envelope().max, unit.target_for(most_w));
  const StepGuess guess = unit.guess();
  return {unit.envelope().limited(unit.envelope().min, most), guess.up_w_per_s, guess.down_w_per_s, wanted_steps(unit)};
}

/// Of the gains, or of their distances from `from` unless that is 0. The median: a kettle inside a step spoils that
/// step and no other. A large step counts for more than a small one.
double median(const StaticVector<Commission::Gain, Commission::kMostGains>& gains, double from) {
  std::array<Commission::Gain, Commission::kMostGains> sorted;
  const std::size_t count = gains.size();
  double rest_w = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    sorted[i] = {std::fabs(gains[i].value - from), gains[i].step_w};
    rest_w += 0.5 * gains[i].step_w;
  }
  std::sort(sorted.begin(), sorted.begin() + count, [](const auto& a, const auto& b) { return a.value < b.value; });
  std::size_t i = 0;
  while (i + 1 < count && (rest_w -= sorted[i].step_w) > 0.0) ++i;
  return sorted[i].value;
}

}  // namespace

Walk::Walk(const Envelope& envelope, double up_w_per_s, double down_w_per_s, std::uint32_t wanted)
    : envelope_(envelope), span_w_(envelope.known() ? (envelope.max - envelope.min).value() : 0.0), wanted_(wanted) {
  up_.stride_w = stride_w(span_w_, up_w_per_s);
  down_.stride_w = stride_w(span_w_, down_w_per_s);
}

bool Walk::possible() const { return span_w_ >= kSmallestStepW; }

Watts Walk::above(Watts at, double stride_w) const {
  const double room_w = (envelope_.max - at).value();
  if (room_w - stride_w < kSmallestStepW) return envelope_.max;
  const Watts goal = envelope_.floor(at + Watts(stride_w));
  return (goal - at).value() >= kSmallestStepW ? goal : envelope_.ceil(at + Watts(stride_w));
}

Watts Walk::below(Watts at, double stride_w) const {
  const double room_w = (at - envelope_.min).value();
  if (room_w - stride_w < kSmallestStepW) return envelope_.min;
  const Watts goal = envelope_.ceil(at - Watts(stride_w));
  return (at - goal).value() >= kSmallestStepW ? goal : envelope_.floor(at - Watts(stride_w));
}

std::optional<Watts> Walk::next(Watts at) const {
  if (!possible() || (!open(up_) && !open(down_))) return std::nullopt;
  const double above_w = (envelope_.max - at).value();
  const double below_w = (at - envelope_.min).value();
  if (open(up_) && above_w >= kSmallestStepW) return above(at, up_.stride_w);
  if (open(down_) && below_w >= kSmallestStepW) return below(at, down_.stride_w);
  // The way to where the next one begins.
  if (open(down_) && above_w >= kSmallestStepW) return above(at, down_.stride_w);
  return below_w > 0.0 ? envelope_.min : envelope_.max;
}

void Walk::saw(bool up, double step_w, const std::optional<StepFit>& fit) {
  Way& way = up ? up_ : down_;
  ++way.tries;
  if (!fit || !fit->fits) return;
  const double took_s = step_w / std::max(fit->ramp_w_per_s, 1e-9);
  // The whole way in a moment: faster than a meter can tell, and that is all there is to know.
  const bool at_once = fit->dead_known && took_s < kTooQuickS && way.stride_w >= span_w_;
  if (fit->ramp_known || at_once) {
    ++way.clean;
  } else if (took_s > kTooSlowS) {
    way.stride_w = std::max(0.5 * way.stride_w, kLeastStrideW);
  } else if (took_s < kTooQuickS) {
    way.stride_w = std::min(2.0 * way.stride_w, std::max(span_w_, kLeastStrideW));
  }
}

void SteadyMean::add(MonoTime at, double watts) {
  if (count_ > 0 && at == last_) return;
  last_ = at;
  watts_[count_++ % kLooks] = watts;
}

bool SteadyMean::steady() const {
  if (count_ < kLooks) return false;
  const auto [least, most] = std::minmax_element(watts_.begin(), watts_.end());
  return *most - *least <= kSteadyRangeW;
}

double SteadyMean::mean_w() const {
  double sum_w = 0.0;
  for (const double watts : watts_) sum_w += watts;
  return sum_w / static_cast<double>(kLooks);
}

CommissionPlan plan_commission(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile,
                               double available_w) {
  CommissionPlan plan;
  double seconds_sum = 0.0;
  const auto spend = [&](double power_w, double for_s) {
    seconds_sum += for_s;
    plan.energy_wh += power_w * for_s / 3600.0;
    plan.beyond_sun_wh += std::max(0.0, power_w - std::max(0.0, available_w)) * for_s / 3600.0;
  };
  const StepGuess guess = unit.guess();
  const double settle_s = to_seconds(kDwell) + to_seconds(unit.dynamics().dead_time);
  const double wake_s = 1.3 * unit.wake_s() + settle_s;
  if (!unit.on()) spend(0.5 * unit.min_w(), wake_s);
  Walk walk = walk_of(unit, unit.max_w());
  Watts at = unit.on() ? unit.target() : unit.envelope().min;
  const auto move = [&](Watts to) {
    const bool up = to > at;
    const double step_w = std::fabs((to - at).value());
    const double rate = std::max(up ? guess.up_w_per_s : guess.down_w_per_s, 1.0);
    const double for_s = std::max(kWindowS, kSlower * step_w / rate + settle_s);
    spend(unit.drawn_w(max(at, to)), std::max(for_s, to_seconds(pace(unit, profile, up))));
    at = to;
    StepFit clean;
    clean.fits = clean.ramp_known = true;
    clean.ramp_w_per_s = rate;
    walk.saw(up, step_w, clean);
  };
  while (const std::optional<Watts> to = walk.next(at)) move(*to);
  if (at != unit.envelope().min) move(unit.envelope().min);
  if (!seen.sleep_unavailable) {
    const double looks_s = to_seconds(kDwell) + 15.0;
    const double off_s = std::max(to_seconds(profile.min_off), 2.0 * looks_s);
    spend(unit.min_w(), looks_s);
    spend(unit.sleep_w(), off_s);
    spend(0.5 * unit.min_w(), wake_s);
    spend(unit.min_w(), looks_s);
  }
  plan.expected = from_seconds(seconds_sum);
  plan.longest = std::min<Duration>(3 * plan.expected + kStillPatience, std::max<Duration>(kLongestRun, plan.expected));
  return plan;
}

CommissionEnd refusal(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile) {
  if (unit.site->strategy == Strategy::off) return CommissionEnd::strategy_off;
  if (!unit.controllable()) return CommissionEnd::miner_gone;
  if (unit.too_small_a_circuit()) return CommissionEnd::no_room;
  const std::int32_t starts = unit.on() ? 1 : 2;
  if (profile.max_starts_per_day > 0 && unit.starts_today() + starts > profile.max_starts_per_day) {
    return CommissionEnd::starts_used_up;
  }
  if (unit.writes_left() < kWrites) return CommissionEnd::writes_used_up;
  if (seen.sleep_unavailable && !walk_of(unit, unit.max_w()).possible()) return CommissionEnd::no_room;
  return CommissionEnd::none;
}

void Commission::heed(const Snapshot& snapshot, std::span<const Unit> units, const ConstraintProfile& profile) {
  if (running()) {
    const std::uint8_t miner = report_.miner;
    if (snapshot.intents[miner].learn != report_.run) return end(CommissionEnd::taken_back);
    if (snapshot.intents[miner].park || snapshot.park_all) return end(CommissionEnd::parked);
    if (snapshot.shutting_down) return end(CommissionEnd::shutting_down);
    if (!units[miner].controllable()) return end(CommissionEnd::miner_gone);
    if (snapshot.pv.curtailed.usable() && snapshot.pv.curtailed.value) return end(CommissionEnd::sun_throttled);
    if (snapshot.now - report_.began > longest_) end(CommissionEnd::too_long);
    return;
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::uint64_t asked = snapshot.intents[i].learn;
    if (asked == 0 || asked == report_.run) continue;
    if (units[i].without_power()) continue;  // it boots first
    report_ = {};
    report_.run = asked;
    report_.miner = static_cast<std::uint8_t>(i);
    begin(units[i], snapshot.miners[i], profile, snapshot.now);
    if (snapshot.intents[i].park || snapshot.park_all) return end(CommissionEnd::parked);
    if (snapshot.shutting_down) end(CommissionEnd::shutting_down);
    return;
  }
}

void Commission::begin(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile, MonoTime now) {
  report_.began = now;
  report_.before = unit.learned();
  can_sleep_ = !seen.sleep_unavailable;
  step_open_ = false;
  gains_.clear();
  sleeps_ = 0;
  enter(CommissionStage::becoming_still, now);
  if (const CommissionEnd why = refusal(unit, seen, profile); why != CommissionEnd::none) return end(why);
  longest_ = plan_commission(unit, seen, profile, 0.0).longest;
}

void Commission::end(CommissionEnd why) {
  if (!running()) return;
  report_.stage = CommissionStage::over;
  report_.end = why;
}

void Commission::enter(CommissionStage stage, MonoTime now) {
  report_.stage = stage;
  stage_since_ = now;
  settled_since_ = MonoTime{};
  mean_.clear();
}

void Commission::saw(const StepFit& fit) {
  if (step_open_) fit_ = fit;
}

void Commission::step(Unit& unit, const MinerObservation& seen, const Sight& sight, const ConstraintProfile& profile,
                      MonoTime now) {
  if (!sight.others_buy || others_fed_at_ < report_.began) others_fed_at_ = now;
  if (now - others_fed_at_ > sight.buy_at_most) return end(CommissionEnd::others_without_sun);
  const bool at_rest = sight.settled && unit.sent().at >= asked_at_;
  if (!at_rest) settled_since_ = MonoTime{};
  if (at_rest && settled_since_ == MonoTime{}) settled_since_ = now;
  const bool rested_a_while = at_rest && now - settled_since_ >= kDwell;
  if (rested_a_while && sight.readable) {
    mean_.add(sight.at, sight.house_w);
  } else {
    mean_.clear();
  }
  const bool settled = rested_a_while && !sight.watched;

  switch (report_.stage) {
    case CommissionStage::becoming_still:
      return become_still(unit, sight, profile, now);
    case CommissionStage::stepping:
      return walk(unit, sight, profile, now);
    case CommissionStage::measuring_minimum:
      if (measured(now, awake_w_)) fall_asleep(unit, now);
      return;
    case CommissionStage::falling_asleep:
      if (settled && seen.state == MinerState::asleep) return enter(CommissionStage::measuring_asleep, now);
      break;
    case CommissionStage::measuring_asleep:
      if (measured(now, asleep_w_)) enter(CommissionStage::resting, now);
      return;
    case CommissionStage::resting:
      if (!rested(unit, profile, now)) {
        stage_since_ = now;
        return;
      }
      // Just before the wake once more: the house has gone on living meanwhile.
      if (measured(now, asleep_again_w_)) wake_again(unit, now);
      return;
    case CommissionStage::waking:
      watch_wake(unit, sight);
      if (settled && unit.adjustable() && seen.state == MinerState::running) {
        return enter(CommissionStage::measuring_awake, now);
      }
      break;
    case CommissionStage::measuring_awake:
      watch_wake(unit, sight);
      if (measured(now, awake_again_w_)) compare(unit, now);
      return;
    case CommissionStage::none:
    case CommissionStage::over:
    case CommissionStage::count_:
      return;
  }
  if (now - stage_since_ > kStillPatience + from_seconds(2.0 * unit.wake_s())) end(CommissionEnd::not_following);
}

void Commission::become_still(Unit& unit, const Sight& sight, const ConstraintProfile& profile, MonoTime now) {
  if (now - stage_since_ > 2 * kStillPatience + from_seconds(2.0 * unit.wake_s())) {
    return end(CommissionEnd::not_following);
  }
  if (!sight.settled || sight.watched) return;
  if (!unit.on()) {
    if (rested(unit, profile, now)) unit.want_wake(unit.envelope().min, now);
    return;
  }
  if (!unit.adjustable()) return;
  walk_ = walk_of(unit, sight.most_w);
  if (!walk_.possible() && !can_sleep_) return end(CommissionEnd::no_room);
  asked_at_ = MonoTime{};
  enter(CommissionStage::stepping, now);
}

void Commission::judge_step(Watts target) {
  step_open_ = false;
  walk_.saw(step_up_, step_w_, fit_);
  report_.clean_up = walk_.clean(true);
  report_.clean_down = walk_.clean(false);
  const bool clean = fit_ && fit_->fits;
  if (!clean) ++report_.blurred;
  if (!clean || !stop_ || !mean_.steady()) return;
  const double gain = (mean_.mean_w() - stop_->house_w) / (target - stop_->target).value();
  gains_.push_back({gain, step_w_});
  LearnedValue& draw = report_.draw_gain;
  draw.value = median(gains_, 0.0);
  draw.spread = kMeanDeviation * median(gains_, draw.value) / draw.value;
  draw.samples = static_cast<std::uint32_t>(gains_.size());
}

/// These steps were large and alone: together they outweigh what was learned in passing.
void Commission::learn_draw(Unit& unit) {
  const LearnedValue& draw = report_.draw_gain;
  if (draw.samples >= kFewestGains && draw.spread <= kClearGain) unit.learn_draw(draw.value);
}

void Commission::walk(Unit& unit, const Sight& sight, const ConstraintProfile& profile, MonoTime now) {
  const bool arrived = sight.settled && !sight.watched && unit.sent().at >= asked_at_;
  const bool looked = mean_.steady() || now - settled_since_ > kShortPatience;
  if (!arrived || settled_since_ == MonoTime{} || !looked) {
    if (step_open_ && now - asked_at_ > kStillPatience) end(CommissionEnd::not_following);
    return;
  }
  if (step_open_) judge_step(unit.target());
  const Watts least = unit.envelope().min;
  const Watts to = walk_.next(unit.target()).value_or(least);
  if (to == unit.target()) {
    learn_draw(unit);
    if (!can_sleep_) return end(CommissionEnd::complete);
    return enter(CommissionStage::measuring_minimum, now);
  }
  const bool up = to > unit.target();
  const MonoTime last = up ? unit.raised_at() : unit.lowered_at();
  if (last != MonoTime{} && now - last < pace(unit, profile, up)) return;
  step_open_ = true;
  step_up_ = up;
  step_w_ = std::fabs((to - unit.target()).value());
  fit_.reset();
  stop_.reset();
  if (mean_.steady()) stop_ = Stop{unit.target(), mean_.mean_w()};
  asked_at_ = now;
  unit.want_target(to, now);
}

bool Commission::measured(MonoTime now, std::optional<double>& mean_w) const {
  if (mean_.steady()) mean_w = mean_.mean_w();
  return mean_.steady() || now - stage_since_ > kSteadyPatience;
}

void Commission::fall_asleep(Unit& unit, MonoTime now) {
  ++sleeps_;
  drawn_min_w_ = unit.min_w();
  asleep_w_ = asleep_again_w_ = awake_again_w_ = std::nullopt;
  asked_at_ = now;
  unit.want_sleep(now);
  enter(CommissionStage::falling_asleep, now);
}

void Commission::wake_again(Unit& unit, MonoTime now) {
  asked_at_ = now;
  below_at_ = now;
  unit.want_wake(unit.envelope().min, now);
  enter(CommissionStage::waking, now);
}

/// The last look that lies below nine tenths of the way: a miner may say that it runs long before it draws.
void Commission::watch_wake(const Unit& unit, const Sight& sight) {
  const Unit::Sent& sent = unit.sent();
  if (wake_sent_ < asked_at_ && sent.at >= asked_at_ && sent.kind == CommandKind::wake) wake_sent_ = sent.at;
  if (!awake_w_ || !asleep_w_ || !asleep_again_w_) return;
  if (sight.house_w < *asleep_again_w_ + kAlmostUp * (*awake_w_ - *asleep_w_)) below_at_ = sight.at;
}

void Commission::compare(Unit& unit, MonoTime now) {
  learn_draw(unit);  // sleep and wake were steps too, from sleeping watts that were not known yet
  if (awake_w_ && asleep_w_ && asleep_again_w_ && awake_again_w_) {
    const double fall_w = *awake_w_ - *asleep_w_;
    const double rise_w = *awake_again_w_ - *asleep_again_w_;
    const double sleep_w = drawn_min_w_ - 0.5 * (fall_w + rise_w);
    const double apart_w = 0.5 * std::fabs(fall_w - rise_w);
    // What the minimum itself is not known by: the mean of the steps, so less than the spread of one.
    const LearnedValue& draw = report_.draw_gain;
    const double minimum_w = drawn_min_w_ * (draw.samples > 0 ? draw.spread / std::sqrt(draw.samples) : kUnknownGain);
    const double spread_w =
        std::sqrt(apart_w * apart_w + kMedian * minimum_w * kMedian * minimum_w + kLooksW * kLooksW);
    const bool agree = apart_w <= 0.5 * kAgreeW && spread_w <= kClearSleepW;
    if (agree && sleep_w > -kAgreeW && sleep_w < kMostSleepShare * drawn_min_w_) {
      report_.sleep_w = std::max(0.0, sleep_w);
      report_.sleep_spread_w = spread_w;
      report_.sleep_samples = 2;
      const double wake_s = to_seconds(below_at_ - wake_sent_) - to_seconds(unit.dynamics().dead_time);
      report_.wake_s = std::max(0.0, wake_s);
      unit.learn_commissioned(report_.sleep_w, report_.wake_s);
      return end(CommissionEnd::complete);
    }
  }
  // One of the four was blurred: the mean that was just taken, if there is one, begins the next round.
  if (sleeps_ >= kMostSleeps) return end(CommissionEnd::complete);
  awake_w_.reset();
  enter(CommissionStage::measuring_minimum, now);
}

}  // namespace sluice::control
