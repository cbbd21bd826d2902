#include "control/outlook.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

constexpr double kSampleS = 15.0;
constexpr Duration kForgottenAfter = std::chrono::minutes(5);
constexpr std::size_t kLag = 8;  // two minutes: longer than a gust of cloud, shorter than a weather
// Of what two moments differ by: less is noise, more is what moments know nothing of each other.
constexpr double kLeastMoved = 0.02;
constexpr double kMostMoved = 0.98;

/// Part of the next `horizon_s` that is no longer as now, if it is drawn anew every `memory_s` on average.
double redrawn(double horizon_s, double memory_s) {
  const double spans = horizon_s / memory_s;
  return spans < 1e-6 ? 0.0 : 1.0 - (1.0 - std::exp(-spans)) / spans;
}

}  // namespace

void Outlook::look(double available_w, MonoTime now) {
  if (count_ > 0 && now - sampled_at_ < from_seconds(kSampleS)) return;
  if (count_ > 0 && now - sampled_at_ > kForgottenAfter) count_ = 0;
  sampled_at_ = now;
  ring_[next_] = static_cast<float>(available_w);
  next_ = (next_ + 1) % kSamples;
  count_ = std::min(count_ + 1, kSamples);
  measure_drift();
  for (std::size_t i = 0; i < count_; ++i) sorted_[i] = static_cast<float>(as_now_w(i));
  std::sort(sorted_.begin(), sorted_.begin() + static_cast<std::ptrdiff_t>(count_));
  if (known()) measure_memory();
}

double Outlook::as_now_w(std::size_t steps) const {
  const float then_w = ring_[(next_ + kSamples - 1 - steps) % kSamples];
  return static_cast<double>(then_w) + drift_w_per_s_ * kSampleS * static_cast<double>(steps);
}

// The medians of three thirds of the half hour do not see a cloud; of their two differences the smaller one counts, and
// none where they do not agree on a direction. What moves is the sun as far as it moved more than the clouds did: a
// signal beside noise counts by its part of the squares.
void Outlook::measure_drift() {
  constexpr std::size_t kThird = kSamples / 3;
  drift_w_per_s_ = 0.0;
  if (count_ < kSamples) return;
  std::array<double, 3> medians{};
  std::array<float, kThird> part{};
  double scatter_w = 0.0;
  for (std::size_t third = 0; third < medians.size(); ++third) {
    for (std::size_t i = 0; i < kThird; ++i) part[i] = ring_[(next_ + third * kThird + i) % kSamples];
    std::nth_element(part.begin(), part.begin() + kThird / 2, part.end());
    medians[third] = static_cast<double>(part[kThird / 2]);
    for (const float sample_w : part) scatter_w += std::fabs(static_cast<double>(sample_w) - medians[third]);
  }
  scatter_w /= static_cast<double>(kSamples);
  const double before_w = medians[1] - medians[0], lately_w = medians[2] - medians[1];
  if (before_w * lately_w <= 0.0) return;
  const double moved_w = std::fabs(before_w) < std::fabs(lately_w) ? before_w : lately_w;
  const double sure = moved_w * moved_w / (moved_w * moved_w + scatter_w * scatter_w);
  drift_w_per_s_ = sure * moved_w / (kSampleS * kThird);
}

double Outlook::drift_w(double horizon_s, double chance) const {
  if (!known()) return 0.0;
  // Of a straight line the quantile lies so far along it.
  return drift_w_per_s_ * horizon_s * (drift_w_per_s_ < 0.0 ? 1.0 - chance : chance);
}

void Outlook::measure_memory() {
  double moved_w = 0.0;
  for (std::size_t i = 0; i + kLag < count_; ++i) moved_w += std::fabs(as_now_w(i) - as_now_w(i + kLag));
  moved_w /= static_cast<double>(count_ - kLag);
  // Mean difference of any two moments; of sorted numbers a single sum (Gini).
  const auto n = static_cast<double>(count_);
  double apart_w = 0.0;
  for (std::size_t i = 0; i < count_; ++i) {
    apart_w += (2.0 * static_cast<double>(i) + 1.0 - n) * static_cast<double>(sorted_[i]);
  }
  apart_w *= 2.0 / (n * (n - 1.0));
  const double part = apart_w > 1.0 ? std::clamp(moved_w / apart_w, kLeastMoved, kMostMoved) : kLeastMoved;
  memory_s_ = -kSampleS * kLag / std::log(1.0 - part);
}

double Outlook::level_w(double now_w, double horizon_s, double chance) const {
  if (!known()) return now_w;
  const double anew = redrawn(horizon_s, memory_s_);
  const auto n = static_cast<double>(count_);
  const float* const first = sorted_.data();
  const auto below = static_cast<double>(std::lower_bound(first, first + count_, static_cast<float>(now_w)) - first);
  // The chance of less than now is `anew` · below / n; that of exactly now 1 − anew.
  const double less = anew * below / n;
  double rank = 0.0;
  if (chance < less) {
    rank = chance / anew * n;
  } else if (chance <= less + 1.0 - anew) {
    return now_w;
  } else {
    rank = (chance - (1.0 - anew)) / anew * n;
  }
  return static_cast<double>(sorted_[std::min(count_ - 1, static_cast<std::size_t>(rank))]);
}

Outlook::Dip Outlook::dip(double low_w, double high_w) const {
  Dip out;
  if (!known() || high_w <= low_w) return out;
  double regained = 0.0;
  std::size_t below = 0, times = 0;
  bool was_below = false;
  for (std::size_t i = 0; i < count_; ++i) {
    const double part = (as_now_w(i) - low_w) / (high_w - low_w);
    regained += std::clamp(part, 0.0, 1.0);
    const bool is_below = part < 0.5;
    if (is_below) ++below;
    if (is_below && !was_below) ++times;
    was_below = is_below;
  }
  out.regained = regained / static_cast<double>(count_);
  if (times > 0) out.usual_s = kSampleS * static_cast<double>(below) / static_cast<double>(times);
  return out;
}

}  // namespace sluice::control
