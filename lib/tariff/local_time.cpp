#include "tariff/local_time.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::tariff {
namespace {

using std::chrono::seconds;

std::int64_t unix_seconds(WallTime time) { return std::chrono::floor<seconds>(time.time_since_epoch()).count(); }
WallTime from_unix(std::int64_t unix_s) { return WallTime(seconds(unix_s)); }

/// Exactly two digits.
std::optional<int> two_digits(std::string_view text) {
  if (text.size() != 2 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

}  // namespace

LocalTime::LocalTime(std::string name, std::vector<Period> periods)
    : name_(std::move(name)), periods_(std::move(periods)) {}

std::optional<LocalTime> LocalTime::fixed(std::string_view text) {
  if (text == "UTC" || text == "Z") return LocalTime();
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = two_digits(text.substr(1, 2)), minutes = two_digits(text.substr(4, 2));
  if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > 14 * 60) return std::nullopt;
  const seconds offset = std::chrono::minutes(*hours * 60 + *minutes) * (text[0] == '-' ? -1 : 1);
  return LocalTime(std::string(text), {{0, offset}});
}

std::vector<LocalTime::Period>::const_iterator LocalTime::period_at(std::int64_t unix_s) const {
  const auto after = std::upper_bound(periods_.begin(), periods_.end(), unix_s,
                                      [](std::int64_t wanted, const Period& one) { return wanted < one.since_unix_s; });
  return after == periods_.begin() ? after : std::prev(after);
}

seconds LocalTime::offset(WallTime time) const { return period_at(unix_seconds(time))->offset; }

LocalClock LocalTime::at(WallTime time) const {
  const Duration shown = time.time_since_epoch() + offset(time);
  const auto day = std::chrono::floor<std::chrono::days>(shown);
  return {LocalDay(day), shown - day};
}

WallTime LocalTime::when(LocalDay day, Duration of_day) const {
  const Duration shown = day.time_since_epoch() + of_day;
  // No zone is more than 26 h from UTC, so what shows this time is the period of then, or one soon after.
  auto period = period_at(unix_seconds(WallTime(shown - std::chrono::hours(26))));
  for (; std::next(period) != periods_.end(); ++period) {
    const Duration end = seconds(std::next(period)->since_unix_s);
    if (shown < end + period->offset) break;
  }
  const WallTime read(shown - period->offset);
  return period == periods_.begin() ? read : std::max(read, from_unix(period->since_unix_s));
}

Duration LocalTime::length(LocalDay day) const { return when(day + std::chrono::days(1)) - when(day); }

std::optional<WallTime> LocalTime::next_change(WallTime time) const {
  const auto next = std::upper_bound(periods_.begin(), periods_.end(), unix_seconds(time),
                                     [](std::int64_t now, const Period& one) { return now < one.since_unix_s; });
  // The first row tells what held at the table's beginning; nothing changed there.
  if (next == periods_.begin())
    return periods_.size() > 1 ? std::optional(from_unix(periods_[1].since_unix_s)) : std::nullopt;
  return next == periods_.end() ? std::nullopt : std::optional(from_unix(next->since_unix_s));
}

std::optional<LocalDay> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto century = two_digits(text.substr(0, 2)), year = two_digits(text.substr(2, 2));
  const auto month = two_digits(text.substr(5, 2)), day = two_digits(text.substr(8, 2));
  if (!century || !year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*century * 100 + *year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  return date.ok() ? std::optional(LocalDay(date)) : std::nullopt;
}

std::string to_string(LocalDay day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<int> parse_clock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = two_digits(text.substr(0, 2)), minutes = two_digits(text.substr(3, 2));
  if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > 24 * 60) return std::nullopt;
  return *hours * 60 + *minutes;
}

std::string clock_text(int minutes) { return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60); }

}  // namespace sluice::tariff
