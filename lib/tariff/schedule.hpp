#pragma once
/// What the owner's calendar wants of each miner: watt levels by the clock, the day of the week and the season. Pure;
/// the rules are those of tariffs, so a period that runs past midnight or through a change to summer time means the
/// same in both.

#include <cstdint>
#include <string>
#include <vector>

#include "model/money.hpp"
#include "tariff/local_time.hpp"
#include "tariff/plan.hpp"

namespace sluice::tariff {

/// One period of the calendar. Days and windows are those of `When`; holidays are days like others.
struct Period {
  When when;
  PeriodOrder order = PeriodOrder::sleep;
  Watts power{};                             ///< of `PeriodOrder::watts`
  std::uint32_t miners = ~std::uint32_t{0};  ///< bit n: miner n
};

struct Ordered {
  PeriodOrder order = PeriodOrder::none;
  Watts power{};
  bool operator==(const Ordered&) const = default;
};

/// What holds for a miner at this time of the wall clock; of all periods that hold, the last one decides. None: the
/// strategy does.
Ordered ordered(const std::vector<Period>& periods, const LocalClock& clock, std::size_t miner);

/// Two periods that want different things of the same miner at the same time.
struct Overlap {
  std::size_t earlier = 0, later = 0;  ///< indices; the later one decides
  std::string example;                 ///< "Mon 22:00 on 01-01"
};
/// Each pair once. A period that holds at all hours is a background, and no overlap with those after it.
std::vector<Overlap> overlaps(const std::vector<Period>& periods);

/// Hours of a week in which nothing is said of a miner, in the season in which they are most.
struct Gap {
  double hours_a_week = 0.0;  ///< 0: none
  std::string example;        ///< "Mon 07:00-22:00 on 01-01"
};
Gap gap(const std::vector<Period>& periods, std::size_t miner);

}  // namespace sluice::tariff
