#include "control/nowcast.hpp"

#include <algorithm>

namespace sluice::control {
namespace {

using std::chrono::milliseconds;

// Ticks come a second apart, or when the meter was read, half a second at least after one another.
constexpr Duration kSampleEvery = milliseconds(750);
constexpr Duration kMissed = milliseconds(1600);
constexpr std::size_t kFallS = 3;
// A meter trembles, and a fall that small needs no haste.
constexpr float kTrembleW = 30.0F;
// A fall of this much teaches in full: what is left of a smaller one, as a part, is mostly noise.
constexpr double kClearFallW = 100.0;
constexpr double kStep = 0.1;
constexpr double kMostPart = 3.0;

}  // namespace

void Nowcast::look(double low_w, double high_w, MonoTime now) {
  fresh_ = count_ == 0 || now - sampled_at_ >= kSampleEvery;
  if (!fresh_) return;
  if (now - sampled_at_ > kMissed) count_ = 0;
  sampled_at_ = now;
  Sample next{static_cast<float>(low_w), static_cast<float>(high_w), 0.0F};
  if (count_ >= kFallS) {
    // What both twins agree on is the sun; the rest may be an own step that comes sooner or later than believed.
    const Sample& before = sample(kFallS - 1);
    const float agreed_w = std::min(before.low_w - next.low_w, before.high_w - next.high_w);
    next.fall_w = std::max(0.0F, agreed_w - kTrembleW);
  }
  ring_[count_ % kSamples] = next;
  ++count_;
}

void Nowcast::learn(std::size_t ahead_s, double least_w, double most_w, double chance) {
  const Sample& then = sample(ahead_s);
  const double then_w = then.middle_w();
  if (then_w < least_w || then_w > most_w) return;
  const double fall_w = static_cast<double>(then.fall_w);
  const double went_on_w = then_w - std::clamp(sample(0).middle_w(), least_w, most_w);
  const double step = kStep * std::min(1.0, fall_w / kClearFallW);
  // Steps up and down in the ratio of the chances lead to the quantile.
  part_ += went_on_w > part_ * fall_w ? step * (1.0 - chance) : -step * chance;
  part_ = std::clamp(part_, 0.0, kMostPart);
}

}  // namespace sluice::control
