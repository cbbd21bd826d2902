#include "tariff/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tariff/matching.hpp"

namespace sluice::tariff {
namespace {

constexpr int kMinutesADay = 24 * 60;
constexpr std::array<const char*, 7> kDayNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

DayFacts facts_of(LocalDay day) {
  const std::chrono::year_month_day date(day);
  DayFacts facts;
  facts.date = static_cast<int>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()));
  facts.kind = static_cast<DayMask>(1U << (std::chrono::weekday(day).iso_encoding() - 1));
  return facts;
}

bool concerns(const Period& period, std::size_t miner) { return (period.miners >> miner & 1U) != 0; }

const Period* deciding(const std::vector<Period>& periods, const Moment& moment, std::size_t miner) {
  const auto last = std::find_if(periods.rbegin(), periods.rend(), [&](const Period& period) {
    return concerns(period, miner) && holds(period.when, moment);
  });
  return last == periods.rend() ? nullptr : &*last;
}

/// Minutes of the day between which nothing changes, with midnight on both sides.
std::vector<int> edges_of(const std::vector<Period>& periods) {
  std::vector<int> edges{0, kMinutesADay};
  for (const Period& period : periods) collect_edges(period.when, edges);
  std::ranges::sort(edges);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

/// The first days of the weeks to look at: one after the beginning and one after the end of each season. Between them
/// weeks are alike.
std::vector<LocalDay> weeks_of(const std::vector<Period>& periods) {
  const auto day_of = [](int date) {
    return LocalDay(std::chrono::local_days(std::chrono::year(2024) / (date / 100) / (date % 100)));
  };
  std::vector<LocalDay> days{day_of(101)};
  for (const Period& period : periods) {
    for (const Season& season : period.when.seasons) {
      days.push_back(day_of(season.from));
      days.push_back(day_of(season.to) + std::chrono::days(1));
    }
  }
  std::ranges::sort(days);
  days.erase(std::unique(days.begin(), days.end()), days.end());
  return days;
}

std::string day_text(const DayFacts& day) {
  std::size_t index = 0;
  while ((day.kind >> index & 1U) == 0) ++index;
  return kDayNames[index];
}
std::string date_text(const DayFacts& day) { return fmt::format("{:02}-{:02}", day.date / 100, day.date % 100); }

/// Calls `look(moment, end)` for each stretch of each week in which nothing changes; `begin_week` before each week.
template <class BeginWeek, class Look>
void walk(const std::vector<Period>& periods, BeginWeek&& begin_week, Look&& look) {
  const std::vector<int> edges = edges_of(periods);
  for (const LocalDay week : weeks_of(periods)) {
    begin_week();
    for (int i = 0; i < 7; ++i) {
      const LocalDay day = week + std::chrono::days(i);
      Moment moment{0, facts_of(day), facts_of(day - std::chrono::days(1)), 0xFF};
      for (std::size_t k = 0; k + 1 < edges.size(); ++k) {
        moment.minute = edges[k];
        look(moment, edges[k + 1]);
      }
    }
  }
}

bool differ(const Period& a, const Period& b) {
  return a.order != b.order || (a.order == PeriodOrder::watts && a.power != b.power);
}

bool always(const When& when) {
  constexpr DayMask kWeek = kWeekdays | kSaturday | kSunday;
  return (when.days & kWeek) == kWeek && when.seasons.empty() && when.windows.empty();
}

}  // namespace

Ordered ordered(const std::vector<Period>& periods, const LocalClock& clock, std::size_t miner) {
  const Moment moment{static_cast<int>(to_seconds(clock.of_day) / 60.0), facts_of(clock.day),
                      facts_of(clock.day - std::chrono::days(1)), 0xFF};
  const Period* period = deciding(periods, moment, miner);
  return period == nullptr ? Ordered{} : Ordered{period->order, period->power};
}

std::vector<Overlap> overlaps(const std::vector<Period>& periods) {
  std::vector<Overlap> found;
  const auto known = [&found](std::size_t earlier, std::size_t later) {
    return std::ranges::any_of(found, [&](const Overlap& one) { return one.earlier == earlier && one.later == later; });
  };
  walk(
      periods, [] {},
      [&](const Moment& moment, int) {
        for (std::size_t later = 1; later < periods.size(); ++later) {
          if (!holds(periods[later].when, moment)) continue;
          for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const Period& one = periods[earlier];
            const bool same_miner = (one.miners & periods[later].miners) != 0;
            if (!same_miner || always(one.when) || !differ(one, periods[later]) || !holds(one.when, moment)) continue;
            if (known(earlier, later)) continue;
            found.push_back({earlier, later,
                             fmt::format("{} {} on {}", day_text(moment.today), clock_text(moment.minute),
                                         date_text(moment.today))});
          }
        }
      });
  return found;
}

Gap gap(const std::vector<Period>& periods, std::size_t miner) {
  Gap most, week;
  walk(
      periods,
      [&] {
        if (week.hours_a_week > most.hours_a_week) most = week;
        week = {};
      },
      [&](const Moment& moment, int end) {
        if (deciding(periods, moment, miner) != nullptr) return;
        week.hours_a_week += (end - moment.minute) / 60.0;
        if (!week.example.empty()) return;
        week.example = fmt::format("{} {}-{} on {}", day_text(moment.today), clock_text(moment.minute), clock_text(end),
                                   date_text(moment.today));
      });
  return week.hours_a_week > most.hours_a_week ? week : most;
}

}  // namespace sluice::tariff
