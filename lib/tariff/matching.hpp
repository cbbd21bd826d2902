#pragma once
/// Whether a rule holds at a moment of the wall clock.

#include <optional>
#include <string>

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

/// When a period holds in a week without holidays, in the season and by the prices of `day`, for people:
/// `Mon-Fri 07:00-11:00, 17:00-19:00; Sat-Sun 00:00-24:00`. Of a plan with colours: on days of any colour. Empty:
/// never.
std::string hours_of(const Plan& plan, std::uint8_t period, LocalDay day);

/// Minutes of the day at which `when` may begin or end to hold, appended.
void collect_edges(const When& when, std::vector<int>& edges);
/// All of them of a version, ascending, each once; midnight is not among them.
std::vector<int> edges_of(const Plan& plan, const Version& version);

}  // namespace sluice::tariff
