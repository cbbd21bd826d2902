#include "model/envelope.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sluice {
namespace {
// Targets are whole fractions of the step only up to rounding noise.
constexpr double kStepSlack = 1e-6;
}  // namespace

Watts Envelope::floor(Watts wanted) const {
  assert(known());
  if (wanted <= min) return min;
  if (wanted >= max && kind == EnvelopeKind::range) return max;
  if (kind == EnvelopeKind::range) {
    const double steps = std::floor((wanted - min) / step + kStepSlack);
    return sluice::min(min + step * steps, max);
  }
  Watts best = levels[0];
  for (const Watts level : levels) {
    if (level > wanted) break;
    best = level;
  }
  return best;
}

Watts Envelope::ceil(Watts wanted) const {
  assert(known());
  if (wanted <= min) return min;
  if (wanted >= max) return max;
  if (kind == EnvelopeKind::range) {
    const double steps = std::ceil((wanted - min) / step - kStepSlack);
    return sluice::min(min + step * steps, max);
  }
  for (const Watts level : levels) {
    if (level >= wanted) return level;
  }
  return max;
}

Watts Envelope::local_step(Watts at) const {
  assert(known());
  if (kind == EnvelopeKind::range) return step;
  for (std::size_t i = levels.size(); i-- > 1;) {
    if (levels[i] <= at) return levels[i] - levels[i - 1];
  }
  return levels.size() > 1 ? levels[1] - levels[0] : Watts(0.0);
}

Envelope Envelope::limited(Watts low, Watts high) const {
  if (!known()) return *this;
  Envelope out = *this;
  if (kind == EnvelopeKind::range) {
    if (high < min || low > max) {
      out.kind = EnvelopeKind::unknown;
      return out;
    }
    // The ends stay on the device's own grid of steps.
    out.min = ceil(low);
    out.max = floor(high);
    if (out.max < out.min) out.kind = EnvelopeKind::unknown;
    return out;
  }
  out.levels.clear();
  for (const Watts level : levels) {
    if (level >= low && level <= high) out.levels.push_back(level);
  }
  if (out.levels.empty()) {
    out.kind = EnvelopeKind::unknown;
    return out;
  }
  out.min = out.levels[0];
  out.max = out.levels.back();
  return out;
}

bool Envelope::operator==(const Envelope& other) const {
  return kind == other.kind && min == other.min && max == other.max && step == other.step &&
         std::equal(levels.begin(), levels.end(), other.levels.begin(), other.levels.end());
}

}  // namespace sluice
