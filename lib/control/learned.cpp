#include "control/learned.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

// A sample further off than this many half widths is no scatter.
constexpr double kDissentWidths = 2.0;
// Old samples fade: a miner ages, gets another firmware, another summer.
constexpr double kMemory = 8.0;
constexpr double kSpreads = 2.0;
constexpr std::uint32_t kDoubtedSamples = 4;

Interval around(const LearnedValue& learned, const LearningRule& rule) {
  const double width = half_width(learned, rule);
  // By a factor, not by a difference: however far samples scatter, a rate or a time stays greater than zero.
  const double value = learned.value;
  return rule.relative && value > 0.0 ? Interval{value / (1.0 + width / value), value + width}
                                      : Interval{value - width, value + width};
}

}  // namespace

double half_width(const LearnedValue& learned, const LearningRule& rule) {
  return (rule.least + kSpreads * learned.spread) * (rule.relative ? std::fabs(learned.value) : 1.0);
}

void teach(LearnedValue& learned, Dissent& dissent, double sample, double weight, const LearningRule& rule) {
  if (learned.samples == 0) {
    learned = {sample, rule.first, 1};
    dissent = {};
    return;
  }
  const double width = half_width(learned, rule);
  const double scale = rule.relative ? std::max(std::fabs(learned.value), 1e-9) : 1.0;
  const double off = sample - learned.value;
  if (std::fabs(off) > kDissentWidths * width) {
    if (dissent.known && std::fabs(sample - dissent.value) <= std::max(width, rule.first * scale)) {
      learned = {0.5 * (sample + dissent.value), rule.first, 1};
      dissent = {};
      return;
    }
    // Not believed yet, but what was learned is believed less.
    dissent = {sample, true};
    learned.spread = std::max(learned.spread, rule.first);
    return;
  }
  dissent = {};
  const double part = weight / (std::min(static_cast<double>(learned.samples), kMemory - 1.0) + 1.0);
  learned.value += part * std::clamp(off, -width, width);
  learned.spread += part * (std::fabs(off) / scale - learned.spread);
  ++learned.samples;
}

void distrust(LearnedValue& learned, const LearningRule& rule) {
  learned.samples = std::min(learned.samples, kDoubtedSamples) / 2;
  learned.spread = std::max(learned.spread, rule.first);
}

Interval believed(const LearnedValue& learned, const Interval& prior, const LearningRule& rule) {
  if (learned.samples == 0) return prior;
  const Interval own = around(learned, rule);
  const double rest = 1.0 / static_cast<double>(1U << std::min(learned.samples, 20U));
  return {std::min(own.low, own.low + rest * (prior.low - own.low)),
          std::max(own.high, own.high + rest * (prior.high - own.high))};
}

}  // namespace sluice::control
