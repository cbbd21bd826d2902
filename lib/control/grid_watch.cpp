#include "control/grid_watch.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

// How old a reading may get, beside multiples of the learned refresh time. The park command must be on the wire within
// 30 s of the last good reading, and the politest firmware takes a session before it takes a command: so the decision
// falls three seconds earlier.
constexpr Duration kLostAtLeast = seconds(27);
constexpr Duration kSlowestRefresh = seconds(30);
constexpr Duration kContradictionHold = seconds(10);
constexpr Duration kFlippedFor = std::chrono::minutes(10);
constexpr Duration kContradictionLost = seconds(27);
// Meters count in whole watts at best; a smaller difference is the same value.
constexpr double kSameValueW = 0.05;
// No home connection carries this; a reading beyond it is garbage, not power.
constexpr double kImpossibleW = 200000.0;

}  // namespace

void GridWatch::observe(const Reading<Watts>& grid, MonoTime now) {
  if (!grid.usable() || !grid.value.finite() || std::fabs(grid.value.value()) > kImpossibleW) return;
  if (flipped_ && now - flipped_at_ > kFlippedFor) flipped_ = false;
  if (grid.at > now || (ever_read_ && grid.at <= read_at_)) return;
  const double value_w = grid.value.value();
  if (!ever_read_) {
    changed_at_ = grid.at;
  } else if (std::fabs(value_w - value_w_) > kSameValueW) {
    learn_refresh(grid.at - changed_at_);
    changed_at_ = grid.at;
    suspicious_ = false;
    if (frozen_ && ++moves_since_frozen_ >= 3) frozen_ = false;
  }
  ever_read_ = true;
  value_w_ = value_w;
  read_at_ = grid.at;
}

void GridWatch::learn_refresh(Duration interval) {
  Duration& place = intervals_[interval_count_ % intervals_.size()];
  const bool same = interval_count_ >= intervals_.size() && place == interval;
  place = interval;
  ++interval_count_;
  const std::size_t known = std::min(interval_count_, intervals_.size());
  if (known < 4 || same) return;  // an even meter teaches nothing new
  // A value that happens to repeat makes an interval longer, never shorter: the lower quartile is the meter's own pace.
  std::array<Duration, 16> sorted = intervals_;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(known));
  refresh_ = std::max<Duration>(sorted[known / 4], std::chrono::milliseconds(100));
  good_for_ = refresh_ > kSlowestRefresh ? Duration{} : std::max<Duration>(kStaleAtLeast, 3 * refresh_);
}

void GridWatch::declare_frozen() {
  frozen_ = true;
  moves_since_frozen_ = 0;
}

void GridWatch::declare_sign_flipped(MonoTime now) {
  if (!flipped_) contradicted_since_ = now;
  flipped_at_ = now;
  flipped_ = true;
}

void GridWatch::contradiction(bool contradicts, MonoTime now) {
  if (contradicts != contradicts_) {
    contradicts_ = contradicts;
    (contradicts ? contradicted_since_ : agreed_since_) = now;
  }
  if (contradicts && now - contradicted_since_ >= kContradictionHold) distrusted_ = true;
  if (!contradicts && now - agreed_since_ >= kContradictionHold) distrusted_ = false;
}

GridTrust GridWatch::verdict_in_doubt(Duration age, MonoTime now) const {
  if (age >= std::max<Duration>(kLostAtLeast, 6 * refresh_)) return GridTrust::lost;
  if (frozen_) return GridTrust::frozen;
  if (refresh_ > kSlowestRefresh) return GridTrust::slow;
  if (flipped_ || distrusted_) {
    return now - contradicted_since_ >= kContradictionLost ? GridTrust::lost : GridTrust::implausible;
  }
  return GridTrust::stale;
}

}  // namespace sluice::control
