#include "control/step_test.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr double kStirShare = 0.25;
// Of a step, that may be wrong in what is learned from it.
constexpr double kTaughtWithin = 0.05;
constexpr Duration kAfterSettling = seconds(3);
// A battery's own loop takes up to 14 s to take over a step. While it moves, its register is a second ahead of the
// meter's, and their sum shows more than the step.
constexpr Duration kAfterBuffering = seconds(10);
constexpr Duration kFrozenAfter = seconds(10);
// In that time loads come and go: what takes longer tells that a miner obeys, not what it draws. A slow one gets twice
// its ramp, as the twins settle later than the miner, unless its next step comes before; and a fleet that follows the
// sun, which is at rest now and then only, as long as a cloud.
constexpr Duration kLongest = std::chrono::minutes(3);
constexpr Duration kLongestOfMany = std::chrono::minutes(10);

}  // namespace

void StepTest::begin(std::uint8_t unit, const Sight& sight, Duration ramp) {
  running_ = true;
  settled_ = mixed_ = false;
  unit_ = unit;
  before_ = sight;
  longest_ = std::max(kLongest, 2 * ramp);
}

bool StepTest::replaceable(std::uint8_t unit, MonoTime now) const {
  return !running_ || (unit == unit_ && !mixed_ && now - before_.now > kLongest);
}

void StepTest::mix() {
  mixed_ = true;
  longest_ = std::max(longest_, kLongestOfMany);
}

StepVerdict StepTest::judge_running(const Sight& sight) {
  if (sight.now - before_.now > longest_) {
    running_ = false;
    return StepVerdict::none;
  }
  step_w_ = sight.twin_w - before_.twin_w;
  // A battery that holds the grid at zero answers in the meter's place.
  const bool answered_elsewhere = std::fabs(sight.others_w - before_.others_w) > 0.5 * std::fabs(step_w_);
  const bool moved = answered_elsewhere || sight.grid_changed_at > before_.now;
  const bool visible = std::fabs(step_w_) >= kSmallestTestW;
  if (!sight.settled) {
    settled_ = false;
    // Steps that follow each other never settle: a meter that shows nothing of the first gets no second one.
    return visible && !moved ? StepVerdict::suspicious : StepVerdict::none;
  }
  if (!settled_) {
    settled_ = true;
    settled_at_ = sight.now;
  }
  if (!visible) {  // moved back meanwhile: nothing to see
    running_ = false;
    return StepVerdict::none;
  }
  if (!moved) {
    if (sight.now - settled_at_ < kFrozenAfter) return StepVerdict::suspicious;
    running_ = false;
    return StepVerdict::frozen;
  }
  const Duration rest = sight.buffered ? kAfterBuffering : kAfterSettling;
  if (sight.now - settled_at_ < rest) return StepVerdict::none;
  running_ = false;
  ratio_ = (sight.grid_w - before_.grid_w + sight.others_w - before_.others_w) / step_w_;
  // The sum of readings that are seconds apart begins the test wrong by as much as the sun moved in between, and a step
  // that follows the sun is not wrong by chance. A meter that keeps up has shown what the step answers; but a battery
  // takes over a jump of the sun before any meter shows it.
  const bool still = sight.buffered ? std::max(before_.stir_w, sight.stir_w) <= kTaughtWithin * std::fabs(step_w_)
                                    : std::max(before_.unseen_w, sight.unseen_w) <= kStirShare * std::fabs(step_w_);
  teaches_ = still && sight.now - before_.now <= kLongest;
  // While the sun jumps, readings that are a second apart differ by as much as a step. At its begin they agree: it
  // answers what the meter has shown already.
  const bool stirred = sight.stir_w > kStirShare * std::fabs(step_w_);
  if (std::fabs(ratio_) < 0.15) return stirred ? StepVerdict::unclear : StepVerdict::unmoved;
  if (std::fabs(ratio_ - 1.0) < kSeenWithin) return StepVerdict::confirmed;
  return StepVerdict::unclear;
}

FollowWatch::Verdict FollowWatch::look(const Sight& sight) {
  const double low_w = sight.mine_low_w - before_.mine_low_w, high_w = sight.mine_high_w - before_.mine_high_w;
  step_w_ = 0.5 * (low_w + high_w);
  const bool visible = std::fabs(step_w_) >= kSmallestTestW;
  // Compared is with a moment in which the readings agreed: under a sun that moves they are seconds apart.
  if (!known_ || sight.now - before_.now > kLongest || (!visible && sight.stir_w < before_.stir_w)) {
    known_ = true;
    before_ = sight;
    verdict_ = Verdict::none;
    return Verdict::none;
  }
  const double all_low_w = sight.all_low_w - before_.all_low_w, all_high_w = sight.all_high_w - before_.all_high_w;
  const double missing_w = sight.fed_w - before_.fed_w - 0.5 * (all_low_w + all_high_w);
  // What nobody knows: where in their brackets the twins were, and sun that not all meters have seen yet.
  const double apart_w = std::fabs(high_w - low_w) + std::fabs(all_high_w - high_w - all_low_w + low_w);
  const double unknown_w = 0.5 * apart_w + std::max(before_.stir_w, sight.stir_w);
  // Had it stood still, its step would be missing. Only where that cannot look like a step that was made, it was made.
  const double within_w = kSeenWithin * std::fabs(step_w_);
  Verdict verdict = Verdict::none;
  if (visible && unknown_w < std::fabs(step_w_) - within_w) {
    if (std::fabs(missing_w) < within_w) verdict = Verdict::followed;
    if (std::fabs(missing_w + step_w_) < within_w) verdict = Verdict::stood_still;
  }
  if (verdict != verdict_) {
    verdict_ = verdict;
    since_ = sight.now;
  }
  if (verdict == Verdict::none || sight.now - since_ < kAfterSettling) return Verdict::none;
  known_ = false;
  return verdict;
}

}  // namespace sluice::control
