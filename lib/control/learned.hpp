#pragma once
/// What a number that was learned is worth: the interval that the truth may lie in. It begins as wide as the prior's,
/// closes with every sample that agrees, and opens again when samples stop agreeing.

#include <cstdint>

#include "model/memory.hpp"

namespace sluice::control {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

/// How one kind of number is learned.
struct LearningRule {
  double least = 0.0;     ///< the half width that is always kept: nothing is known better than this
  double first = 0.0;     ///< spread of the first sample, before others tell how far it may be off
  bool relative = false;  ///< the two above and the spread are shares of the value
};

/// A sample that contradicts what was learned. One alone may be a kettle; a second one that says the same is the truth.
struct Dissent {
  double value = 0.0;
  bool known = false;
};

/// Half the width of what is believed of `learned`, which has samples; in its own unit.
double half_width(const LearnedValue& learned, const LearningRule& rule);

/// Takes in `sample`. `weight` 0…1: how well it stands out of the noise.
void teach(LearnedValue& learned, Dissent& dissent, double sample, double weight, const LearningRule& rule);

/// Believed no more than after two samples; if it was not believed more, by half: the third time it is forgotten.
void distrust(LearnedValue& learned, const LearningRule& rule);

/// Where the truth may lie. The prior's part halves with every sample, so that one lucky fit alone promises nothing.
Interval believed(const LearnedValue& learned, const Interval& prior, const LearningRule& rule);

}  // namespace sluice::control
