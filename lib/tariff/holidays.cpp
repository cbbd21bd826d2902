#include "tariff/holidays.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::tariff {
namespace {

using std::chrono::days;
using std::chrono::weekday;

constexpr weekday kMonday = std::chrono::Monday;

LocalDay date(int year, unsigned month, unsigned day) {
  return LocalDay(
      std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)));
}
LocalDay nth(int year, unsigned month, weekday wanted, unsigned count) {
  return LocalDay(std::chrono::year_month_weekday(std::chrono::year(year), std::chrono::month(month), wanted[count]));
}
LocalDay last_monday(int year, unsigned month) {
  return LocalDay(std::chrono::year_month_weekday_last(std::chrono::year(year), std::chrono::month(month),
                                                       kMonday[std::chrono::last]));
}
/// The Monday before May 25: Victoria Day.
LocalDay victoria_day(int year) {
  const LocalDay day = date(year, 5, 24);
  return day - (weekday(day) - kMonday);
}

bool is_saturday(LocalDay day) { return weekday(day) == std::chrono::Saturday; }
bool is_sunday(LocalDay day) { return weekday(day) == std::chrono::Sunday; }
bool is_weekend(LocalDay day) { return is_saturday(day) || is_sunday(day); }
bool contains(const std::vector<LocalDay>& list, LocalDay day) { return std::ranges::find(list, day) != list.end(); }

/// For every day of `list` on a weekend, the next weekday that is not one of them; the others unchanged.
std::vector<LocalDay> moved(std::vector<LocalDay> list) {
  for (LocalDay& day : list) {
    if (!is_weekend(day)) continue;
    LocalDay next = day;
    while (is_weekend(next) || contains(list, next)) next += days(1);
    day = next;
  }
  return list;
}
/// `list` and what is moved from it.
std::vector<LocalDay> with_moved(std::vector<LocalDay> list) {
  for (const LocalDay day : moved(list))
    if (!contains(list, day)) list.push_back(day);
  return list;
}
std::vector<LocalDay> with_monday_after_sunday(std::vector<LocalDay> list) {
  for (std::size_t index = 0, count = list.size(); index < count; ++index)
    if (is_sunday(list[index])) list.push_back(list[index] + days(1));
  return list;
}
std::vector<LocalDay> observed(std::vector<LocalDay> list) {
  for (LocalDay& day : list) day += days(is_sunday(day) ? 1 : is_saturday(day) ? -1 : 0);
  return list;
}

void append(std::vector<LocalDay>& list, std::vector<LocalDay> more) {
  list.insert(list.end(), more.begin(), more.end());
}

std::vector<LocalDay> ontario(int year) {
  return moved({date(year, 1, 1), nth(year, 2, kMonday, 3), easter(year) - days(2), victoria_day(year),
                date(year, 7, 1), nth(year, 8, kMonday, 1), nth(year, 9, kMonday, 1), nth(year, 10, kMonday, 2),
                date(year, 12, 25), date(year, 12, 26)});
}

std::vector<LocalDay> hydro_quebec(int year) {
  return {date(year, 1, 1),   date(year, 1, 2),   easter(year) - days(2), easter(year) + days(1),
          date(year, 12, 24), date(year, 12, 25), date(year, 12, 26),     date(year, 12, 31)};
}

std::vector<LocalDay> us_federal(int year) {
  std::vector<LocalDay> list{
      date(year, 1, 1),          nth(year, 1, kMonday, 3), nth(year, 2, kMonday, 3),
      last_monday(year, 5),      date(year, 7, 4),         nth(year, 9, kMonday, 1),
      nth(year, 10, kMonday, 2), date(year, 11, 11),       nth(year, 11, std::chrono::Thursday, 4),
      date(year, 12, 25)};
  if (year >= 2021) list.push_back(date(year, 6, 19));
  return observed(std::move(list));
}

std::vector<LocalDay> california(int year) {
  return with_monday_after_sunday({date(year, 1, 1), nth(year, 2, kMonday, 3), last_monday(year, 5), date(year, 7, 4),
                                   nth(year, 9, kMonday, 1), date(year, 11, 11),
                                   nth(year, 11, std::chrono::Thursday, 4), date(year, 12, 25)});
}

std::vector<LocalDay> nerc(int year) {
  return with_monday_after_sunday({date(year, 1, 1), last_monday(year, 5), date(year, 7, 4), nth(year, 9, kMonday, 1),
                                   nth(year, 11, std::chrono::Thursday, 4), date(year, 12, 25)});
}

std::vector<LocalDay> england_and_wales(int year) {
  return with_moved({date(year, 1, 1), easter(year) - days(2), easter(year) + days(1), nth(year, 5, kMonday, 1),
                     last_monday(year, 5), last_monday(year, 8), date(year, 12, 25), date(year, 12, 26)});
}

std::vector<LocalDay> france(int year) {
  return {date(year, 1, 1),        easter(year) + days(1),  date(year, 5, 1),  date(year, 5, 8),
          easter(year) + days(39), easter(year) + days(50), date(year, 7, 14), date(year, 8, 15),
          date(year, 11, 1),       date(year, 11, 11),      date(year, 12, 25)};
}

/// What the Australian states have in common.
std::vector<LocalDay> australia(int year) {
  const LocalDay australia_day = date(year, 1, 26);
  std::vector<LocalDay> list = with_moved({date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)});
  append(list, moved({australia_day}));
  append(list, {easter(year) - days(2), easter(year) - days(1), easter(year), easter(year) + days(1), date(year, 4, 25),
                nth(year, 6, kMonday, 2)});
  return list;
}

std::vector<LocalDay> of_year(Calendar calendar, int year) {
  std::vector<LocalDay> list;
  switch (calendar) {
    case Calendar::none:
      return {};
    case Calendar::ca_on:
      return ontario(year);
    case Calendar::ca_qc:
      return hydro_quebec(year);
    case Calendar::us:
      return us_federal(year);
    case Calendar::us_ca:
      return california(year);
    case Calendar::us_nerc:
      return nerc(year);
    case Calendar::gb:
      return england_and_wales(year);
    case Calendar::fr:
      return france(year);
    case Calendar::au_nsw:
      list = australia(year);
      append(list, {nth(year, 10, kMonday, 1)});
      return list;
    case Calendar::au_sa:
      list = australia(year);
      append(list, {nth(year, 3, kMonday, 2), nth(year, 10, kMonday, 1)});
      if (is_sunday(date(year, 4, 25))) append(list, {date(year, 4, 26)});
      return list;
    case Calendar::au_vic:
      list = australia(year);
      append(list, {nth(year, 3, kMonday, 2), nth(year, 11, std::chrono::Tuesday, 1)});
      return list;
  }
  return {};
}

constexpr std::array<std::pair<std::string_view, Calendar>, 11> kCalendars{{
    {"none", Calendar::none},
    {"ca-on", Calendar::ca_on},
    {"ca-qc", Calendar::ca_qc},
    {"us", Calendar::us},
    {"us-ca", Calendar::us_ca},
    {"us-nerc", Calendar::us_nerc},
    {"gb", Calendar::gb},
    {"fr", Calendar::fr},
    {"au-nsw", Calendar::au_nsw},
    {"au-sa", Calendar::au_sa},
    {"au-vic", Calendar::au_vic},
}};

}  // namespace

LocalDay easter(int year) {
  // The anonymous Gregorian computus (Nature, 1876).
  const int a = year % 19, b = year / 100, c = year % 100;
  const int d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
  const int h = (19 * a + b - d - g + 15) % 30;
  const int i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7, m = (a + 11 * h + 22 * l) / 451;
  const int month = (h + l - 7 * m + 114) / 31, day = (h + l - 7 * m + 114) % 31 + 1;
  return date(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
}

std::optional<Calendar> calendar_from_name(std::string_view name) {
  for (const auto& [known, calendar] : kCalendars)
    if (known == name) return calendar;
  return std::nullopt;
}

std::vector<std::string_view> calendar_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, calendar] : kCalendars) names.push_back(name);
  return names;
}

std::vector<LocalDay> holidays(Calendar calendar, int year) {
  // New Year's Day on a Saturday is observed in the year before.
  std::vector<LocalDay> list = of_year(calendar, year);
  append(list, of_year(calendar, year + 1));
  std::erase_if(list, [&](LocalDay day) { return static_cast<int>(std::chrono::year_month_day(day).year()) != year; });
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace sluice::tariff
