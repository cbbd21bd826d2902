#pragma once
/// Whether a rule holds at a moment of the wall clock.

#include <optional>

#include "tariff/plan.hpp"

namespace sluice::tariff {

/// A day as rules see it.
struct DayFacts {
  DayMask kind = 0;  ///< one bit
  int date = 101;    ///< 100 · month + day
};
DayFacts facts_of(const Plan& plan, LocalDay day);

/// A minute as rules see it.
struct Moment {
  int minute = 0;  ///< of the day, on the wall clock
  DayFacts today, yesterday;
  std::uint8_t colour = 0xFF;  ///< one bit; all: the plan has no colours
};

bool holds(const When& when, const Moment& moment);

/// The rule that decides; null: none holds.
const Rule* deciding(const std::vector<Rule>& rules, const Moment& moment);

/// Minutes of the day at which `when` may begin or end to hold, appended.
void collect_edges(const When& when, std::vector<int>& edges);
/// All of them of a version, ascending, each once; midnight is not among them.
std::vector<int> edges_of(const Plan& plan, const Version& version);

}  // namespace sluice::tariff
