#include "tariff/matching.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluice::tariff {
namespace {

constexpr int kMinutesADay = 24 * 60;
constexpr std::array<std::string_view, 7> kDayNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

DayFacts ordinary(std::size_t weekday, int date) { return {static_cast<DayMask>(1U << weekday), date}; }

/// Of one weekday, as text; empty: not at all.
std::string windows_of(const Plan& plan, const Version& version, std::uint8_t period, std::size_t weekday, int date) {
  std::vector<int> edges = edges_of(plan, version);
  edges.insert(edges.begin(), 0);
  edges.push_back(kMinutesADay);
  const std::size_t colours = std::max<std::size_t>(plan.colours.names.size(), 1);
  const auto holds_at = [&](int minute) {
    for (std::size_t colour = 0; colour < colours; ++colour) {
      const auto bit = static_cast<std::uint8_t>(plan.colours.names.empty() ? 0xFFU : 1U << colour);
      const Rule* rule =
          deciding(version.rules, {minute, ordinary(weekday, date), ordinary((weekday + 6) % 7, date), bit});
      if (rule != nullptr && rule->use == period) return true;
    }
    return false;
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    if (!holds_at(edges[i])) continue;
    const int from = edges[i];
    while (i + 2 < edges.size() && holds_at(edges[i + 1])) ++i;
    text += fmt::format("{}{}-{}", text.empty() ? "" : ", ", clock_text(from), clock_text(edges[i + 1]));
  }
  return text;
}

bool holds_on(const When& when, const DayFacts& day) {
  if ((when.days & day.kind) == 0) return false;
  return when.seasons.empty() || std::ranges::any_of(when.seasons, [&](const Season& season) {
           const bool after = day.date >= season.from, before = day.date <= season.to;
           return season.from <= season.to ? after && before : after || before;
         });
}

}  // namespace

DayFacts facts_of(const Plan& plan, LocalDay day) {
  const std::chrono::year_month_day date(day);
  DayFacts facts;
  facts.date = static_cast<int>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()));
  facts.kind = static_cast<DayMask>(1U << (std::chrono::weekday(day).iso_encoding() - 1));
  if (!plan.is_holiday(day)) return facts;
  switch (plan.holiday_as) {
    case HolidayAs::weekend:
      if (facts.kind != kSaturday) facts.kind = kSunday;
      break;
    case HolidayAs::saturday:
      facts.kind = kSaturday;
      break;
    case HolidayAs::sunday:
      facts.kind = kSunday;
      break;
    case HolidayAs::own:
      facts.kind = kHoliday;
      break;
  }
  return facts;
}

bool holds(const When& when, const Moment& moment) {
  if ((when.colours & moment.colour) == 0) return false;
  const bool today = holds_on(when, moment.today);
  if (when.windows.empty()) return today;
  const bool begun = when.start_day ? holds_on(when, moment.yesterday) : today;
  return std::ranges::any_of(when.windows, [&](const Window& window) {
    const bool after = moment.minute >= window.from, before = moment.minute < window.to;
    if (window.from < window.to) return today && after && before;
    return (today && after) || (begun && before);
  });
}

const Rule* deciding(const std::vector<Rule>& rules, const Moment& moment) {
  const auto last =
      std::find_if(rules.rbegin(), rules.rend(), [&](const Rule& rule) { return holds(rule.when, moment); });
  return last == rules.rend() ? nullptr : &*last;
}

void collect_edges(const When& when, std::vector<int>& edges) {
  for (const Window& window : when.windows) edges.insert(edges.end(), {window.from, window.to});
}

std::vector<int> edges_of(const Plan& plan, const Version& version) {
  std::vector<int> edges{plan.colours.day_starts};
  for (const Rule& rule : version.rules) collect_edges(rule.when, edges);
  for (const Rule& rule : version.exported.rules) collect_edges(rule.when, edges);
  for (const Adder& adder : version.adders) collect_edges(adder.when, edges);
  for (const DemandCharge& charge : version.demand) collect_edges(charge.when, edges);
  if (!version.exported.table.empty())
    for (int hour = 1; hour < 24; ++hour) edges.push_back(hour * 60);
  std::erase_if(edges, [](int edge) { return edge <= 0 || edge >= kMinutesADay; });
  std::ranges::sort(edges);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

std::string hours_of(const Plan& plan, std::uint8_t period, LocalDay day) {
  const Version* version = plan.version_on(day);
  if (version == nullptr) return "";
  const int date = facts_of(plan, day).date;
  std::array<std::string, 7> windows;
  for (std::size_t i = 0; i < windows.size(); ++i) windows[i] = windows_of(plan, *version, period, i, date);
  std::string text;
  for (std::size_t first = 0; first < windows.size();) {
    std::size_t last = first;
    while (last + 1 < windows.size() && windows[last + 1] == windows[first]) ++last;
    if (!windows[first].empty())
      text += fmt::format("{}{}{} {}", text.empty() ? "" : "; ", kDayNames[first],
                          last == first ? "" : fmt::format("-{}", kDayNames[last]), windows[first]);
    first = last + 1;
  }
  return text;
}

}  // namespace sluice::tariff
