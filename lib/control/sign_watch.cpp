#include "control/sign_watch.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr double kSmallestStepW = 100.0;
constexpr Duration kAfterSettling = seconds(3);  // as step_test.cpp
constexpr Duration kLongest = seconds(90);
// What a step leaves unexplained: noise, and a draw that is not quite the target's.
constexpr double kNoiseW = 30.0;
constexpr double kNoiseShare = 0.1;
// Meters are up to seconds apart. While sun or battery move by so much of a step, the meter may show what the step was
// an answer to.
constexpr double kStirShare = 0.15;
// Two clear steps. By chance, a load would have to move against two steps in succession by twice their size.
constexpr double kEnough = 1.6;
// A clamp that was right a step ago is hardly turned now: one coincidence with a hob is less than a suspicion then.
constexpr double kTrusted = 0.2;

/// How far `watts` lies outside of what the twins say.
double outside(double watts, double low_w, double high_w) { return std::max({0.0, low_w - watts, watts - high_w}); }

/// 1 for a change that is explained, 0 for one that something else in the house must have made.
double fit(double rest_w, double noise_w) {
  const double ratio = rest_w / noise_w;
  return 1.0 / (1.0 + ratio * ratio * ratio * ratio);
}

}  // namespace

bool SignWatch::look(const Sight& sight, bool sent) {
  bool turned = false;
  most_stir_w_ = std::max(most_stir_w_, sight.stir_w);
  if (running_) {
    if (!sight.settled) {
      settled_ = false;
    } else if (!settled_) {
      settled_ = true;
      settled_at_ = sight.now;
    }
    if (sent) {  // what moves from here on belongs to the next step
      turned = judge(last_);
    } else if (settled_ && sight.now - settled_at_ >= kAfterSettling) {
      turned = judge(sight);
    } else if (sight.now - before_.now > kLongest) {
      running_ = false;
    }
  }
  if (sent && known_) {
    running_ = true;
    settled_ = false;
    before_ = last_;
    most_stir_w_ = sight.stir_w;
  }
  last_ = sight;
  known_ = true;
  return turned;
}

bool SignWatch::judge(const Sight& sight) {
  running_ = false;
  // Miners that were under way when the step began may have been at either of their twins.
  const double low_w = sight.low_w - before_.high_w;
  const double high_w = sight.high_w - before_.low_w;
  const double step_w = std::max(low_w, -high_w);
  if (step_w < kSmallestStepW || most_stir_w_ > kStirShare * step_w) return false;
  const double grid_w = sight.grid_w - before_.grid_w;
  const double others_w = sight.others_w - before_.others_w;
  const double noise_w = kNoiseW + kNoiseShare * std::max(std::fabs(low_w), std::fabs(high_w));
  const double turned = fit(outside(others_w - grid_w, low_w, high_w), noise_w);
  const double right = fit(outside(others_w + grid_w, low_w, high_w), noise_w);
  evidence_ = std::max(-kTrusted, evidence_ + turned - right);
  if (evidence_ < kEnough) return false;
  evidence_ = 0.5 * kEnough;  // if it is given another chance, one more step is enough
  return true;
}

}  // namespace sluice::control
