#include "control/hidden.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr double kProducingW = 100.0;  // below it there is no sun to release
// Where a limiter holds the grid: near what may be fed in, most of them a little towards import.
constexpr double kRestBelowW = 60.0, kRestAboveW = 120.0;
constexpr double kRestPlainW = 40.0, kRestMovedW = 100.0, kRestUnseenS = 120.0;
constexpr double kBandW = 15.0;   // of the mean of five readings around the set-point
constexpr double kSwingW = 60.0;  // of one reading around their mean
constexpr double kAboveW = 25.0;  // so far above it the grid is held: there the limiter is open and the meter is true
constexpr double kLostW = 40.0;   // import beyond the set-point that is no noise
constexpr double kRestFindS = 20.0;
constexpr double kRestMemoryS = 60.0;
// A limiter closes half of its error a second: panels that are throttled rise by more than this share of it in three
// seconds. Panels that do not rise have nothing left.
constexpr double kOpens = 0.3;
constexpr std::size_t kOpensTicks = 3;
constexpr double kFalls = 0.5;
constexpr double kLostS = 3.0;
constexpr double kLagS = 12.0;        // nor may anything else take longer than the slowest limiter
constexpr double kFollows = 0.6;      // the panels' share of the miners' rise that proves it
constexpr double kTrackingW = 150.0;  // import of a limiter that follows a ramp
constexpr double kStepShown = 0.6;
constexpr double kRiseW = 20.0;

constexpr double kLeastStepW = 50.0, kMostStepW = 250.0, kStepGrowth = 1.5;
constexpr Duration kFirstWait = seconds(20), kLongestWait = seconds(480);
constexpr Duration kFirstStartWait = seconds(120), kLongestStartWait = seconds(960);
constexpr Duration kUnansweredStartWait = std::chrono::hours(2);
constexpr double kAnsweredW = 50.0;
constexpr double kBeforeStartS = 20.0;
constexpr Duration kAfterCloud = seconds(5);
constexpr int kMostUnclear = 3;
// Imported for probing: the bucket fills over a day and holds a day's worth.
constexpr double kAllowanceWh = 300.0;
constexpr double kDayS = 86400.0;

constexpr double kHouseS = 3.0;
constexpr double kSensorS = 10.0;
constexpr double kLeastRatio = 0.2, kMostRatio = 5.0;
constexpr double kAtSensorW = 20.0;

/// The panels over the sensor, while the panels give all they can.
double ratio(const HiddenSight& sight) {
  return std::clamp(sight.pv_w / std::max(*sight.potential_w, 1.0), kLeastRatio, kMostRatio);
}

}  // namespace

void HiddenSurplus::interrupt() {
  level_.reset();
  count_ = 0;
  pinned_ = throttled_ = sensor_counts_ = false;
  sensor_w_.reset();
  house_known_ = false;
  resting_s_ = lost_s_ = settled_s_ = 0.0;
}

void HiddenSurplus::note(const HiddenSight& sight) {
  newest_ = (newest_ + 1) % kLooks;
  looks_[newest_] = {sight.short_w, sight.surplus_w, sight.pv_w};
  count_ = std::min(count_ + 1, kLooks);
}

bool HiddenSurplus::steady(double& mean_w) const {
  constexpr std::size_t kTicks = 5;
  if (count_ < kTicks) return false;
  mean_w = 0.0;
  for (std::size_t i = 0; i < kTicks; ++i) mean_w += ago(i).short_w / kTicks;
  for (std::size_t i = 0; i < kTicks; ++i) {
    if (std::fabs(ago(i).short_w - mean_w) > kSwingW) return false;
  }
  return true;
}

void HiddenSurplus::find_rest(const HiddenSight& sight) {
  double mean_w = 0.0;
  const bool steady_now = steady(mean_w);
  const double off_w = mean_w + sight.limit_w;
  pinned_ = rest_known_ && steady_now && std::fabs(mean_w - rest_w_) <= kBandW;
  if (pinned_) {
    // Miners that follow hold the grid a little above: they must not lift the set-point that they go by.
    const bool own_doing = sight.can_raise && mean_w > rest_w_;
    if (sight.settled && !own_doing) rest_w_ += (mean_w - rest_w_) * std::min(1.0, sight.dt_s / kRestMemoryS);
    resting_s_ += sight.dt_s;
    unseen_s_ = 0.0;
  } else {
    resting_s_ = 0.0;
    unseen_s_ += sight.dt_s;
  }
  // Behind a ramp the limiter lags, as steadily as the ramp.
  if (pinned_ || !steady_now || !sight.settled || off_w < -kRestBelowW || off_w > kRestAboveW) {
    found_s_ = 0.0;
    return;
  }
  const double house_w = sight.pv_w - sight.drawn_w;
  if (found_s_ == 0.0 || std::fabs(mean_w - found_w_) > kBandW) {
    found_s_ = 0.0;
    found_w_ = mean_w;
    found_least_w_ = found_most_w_ = house_w;
  }
  found_s_ += sight.dt_s;
  found_least_w_ = std::min(found_least_w_, house_w);
  found_most_w_ = std::max(found_most_w_, house_w);
  if (found_s_ < kRestFindS) return;
  // The house moved, the panels with it, and the grid did not: that is a limiter. Without it only what is near enough
  // is believed, and while miners follow only if it is lower: they hold the grid steady as well.
  const bool answered = found_most_w_ - found_least_w_ >= kRestMovedW;
  const bool lower = rest_known_ && mean_w < rest_w_;
  const bool outdated = !rest_known_ || (unseen_s_ >= kRestUnseenS && !sight.can_raise);
  if (!answered && (off_w > kRestPlainW || !(lower || outdated))) return;
  rest_w_ = mean_w;
  rest_known_ = true;
}

void HiddenSurplus::begin(const HiddenSight& sight, double level_w) {
  level_ = level_w;
  unproven_ = true;
  starts_ = false;
  probe_drawn_w_ = sight.drawn_w;
  probe_pv_w_ = sight.pv_w;
  settled_s_ = lost_s_ = 0.0;
  unclear_ = 0;
}

void HiddenSurplus::succeed(const HiddenSight& sight) {
  unproven_ = starts_ = false;
  proven_ = true;
  wait_ = start_wait_ = Duration{};
  step_w_ = std::min(kMostStepW, kStepGrowth * step_w_);
  next_probe_ = sight.now;
  if (!sight.potential_w) return;
  sensor_ratio_ = std::max(sensor_ratio_, ratio(sight));
  level_.reset();
}

void HiddenSurplus::fail(const HiddenSight& sight) {
  level_.reset();
  if (!unproven_) {  // a cloud, or the house: no probe is to blame
    next_probe_ = sight.now + kAfterCloud;
    return;
  }
  unproven_ = false;
  step_w_ = std::max(kLeastStepW, 0.5 * step_w_);
  if (starts_) {
    // Panels that gave a part will give more when the sun is higher; panels that gave nothing are held by something
    // else.
    const bool answered = sight.pv_w - probe_pv_w_ >= kAnsweredW;
    start_wait_ = std::clamp(2 * start_wait_, kFirstStartWait, answered ? kLongestStartWait : kUnansweredStartWait);
    next_start_ = sight.now + start_wait_;
    owed_ = true;
    // What was taken for a limiter's set-point may have been a quiet house.
    if (!proven_) rest_known_ = false;
  }
  starts_ = false;
  wait_ = std::clamp(2 * wait_, kFirstWait, kLongestWait);
  next_probe_ = sight.now + wait_;
}

double HiddenSurplus::step_w(const HiddenSight& sight) const { return std::max(step_w_, sight.least_step_w); }

void HiddenSurplus::look_for_end(const HiddenSight& sight) {
  const double over_w = sight.short_w - rest_w_;
  const double opened_w = count_ > kOpensTicks ? sight.pv_w - ago(kOpensTicks).pv_w : 0.0;
  const bool lost = over_w > kLostW && opened_w < kOpens * over_w;
  // Panels that fall while the house imports: a cloud, and nothing to wait for.
  const bool cloud = over_w > kTrackingW && opened_w < -kFalls * over_w;
  owed_ = owed_ && sight.drawn_w > probe_drawn_w_ + kRiseW;
  if (unproven_ || owed_) allowance_wh_ -= std::max(0.0, over_w - kLostW) * sight.dt_s / 3600.0;
  lost_s_ = lost ? lost_s_ + (cloud ? kLostS : sight.dt_s) : 0.0;
}

void HiddenSurplus::judge(const HiddenSight& sight) {
  const double over_w = sight.short_w - rest_w_;
  if (lost_s_ >= kLostS) return fail(sight);
  const bool waiting = starts_ && !sight.can_raise;  // asleep or waking: nothing is drawn that could prove it
  settled_s_ = sight.settled && !waiting ? settled_s_ + sight.dt_s : 0.0;
  if (!unproven_ || waiting) return;
  const double rise_w = sight.drawn_w - probe_drawn_w_;
  const bool follows = sight.pv_w - probe_pv_w_ >= kFollows * rise_w;
  const bool shown = rise_w >= kStepShown * step_w(sight) || sight.settled;
  if (shown && rise_w > 0.0 && follows && (pinned_ || over_w <= kTrackingW) && (!starts_ || pinned_)) {
    return succeed(sight);
  }
  if (settled_s_ < kLagS) return;
  if (!starts_ && rise_w < kRiseW) {  // not asked for yet: the firmware's own pace, and nothing is at risk
    begin(sight, std::max(*level_, sight.drawn_w + step_w(sight)));
    return;
  }
  // The grid stayed and the panels did not follow: the house moved too, or the meter stands still.
  if (!pinned_ || ++unclear_ >= kMostUnclear) return fail(sight);
  probe_drawn_w_ = std::min(probe_drawn_w_, sight.drawn_w);
  settled_s_ = 0.0;
}

void HiddenSurplus::raise(const HiddenSight& sight) {
  if (allowance_wh_ <= 0.0) return;
  if (sensor_w_ && sight.drawn_w < *sensor_w_ - kAtSensorW) return;
  if (sight.can_raise) {
    const bool ready = level_ ? !unproven_ : pinned_ && sight.settled;
    if (ready && sight.now >= next_probe_) begin(sight, std::max(level_.value_or(0.0), sight.drawn_w + step_w(sight)));
    return;
  }
  if (level_ || sight.start_w <= 0.0 || resting_s_ < kBeforeStartS || sight.now < next_start_) return;
  begin(sight, sight.start_w);
  starts_ = true;
}

void HiddenSurplus::use_sensor(const HiddenSight& sight) {
  sensor_w_.reset();
  const double house_w = sight.pv_w - sight.surplus_w;
  house_w_ = house_known_ ? house_w_ + (house_w - house_w_) * std::min(1.0, sight.dt_s / kHouseS) : house_w;
  house_known_ = true;
  if (!sight.potential_w || *sight.potential_w <= 0.0) return;
  if (pinned_) {
    sensor_counts_ = true;
    sensor_ratio_ = std::max(sensor_ratio_, ratio(sight));
  } else if (lost_s_ >= kLostS) {
    if (sensor_counts_) sensor_ratio_ = ratio(sight);
    sensor_counts_ = false;
    sensor_ratio_ += (ratio(sight) - sensor_ratio_) * std::min(1.0, sight.dt_s / kSensorS);
  }
  if (sensor_counts_) sensor_w_ = sensor_ratio_ * *sight.potential_w - house_w_;
}

double HiddenSurplus::look(const HiddenSight& sight) {
  const double filled_wh = kAllowanceWh * sight.dt_s / kDayS;
  allowance_wh_ = allowance_known_ ? std::min(kAllowanceWh, allowance_wh_ + filled_wh) : kAllowanceWh;
  allowance_known_ = true;
  const bool sun = std::max(sight.pv_w, sight.potential_w.value_or(0.0)) >= kProducingW;
  if (!sight.limited || !sight.releasable || !sun) {
    interrupt();
    return 0.0;
  }
  note(sight);
  find_rest(sight);
  if (!rest_known_) return 0.0;
  look_for_end(sight);
  use_sensor(sight);
  if (level_) judge(sight);
  raise(sight);
  // What the meters show beyond it is proven.
  if (level_ && count_ >= 3) {
    level_ = std::max(*level_, std::min({ago(0).surplus_w, ago(1).surplus_w, ago(2).surplus_w}));
  }
  throttled_ = pinned_ || level_ || sensor_w_;
  const double edge_w = std::max(0.0, rest_w_ + kAboveW - sight.grid_target_w);
  const double hidden_w = std::max(level_.value_or(0.0), sensor_w_.value_or(0.0)) - sight.surplus_w;
  return std::max(edge_w, hidden_w);
}

}  // namespace sluice::control
