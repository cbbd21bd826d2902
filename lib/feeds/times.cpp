#include "feeds/times.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluice::feeds {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr seconds kDay = days(1);

seconds since_epoch(WallTime time) { return std::chrono::floor<seconds>(time.time_since_epoch()); }

/// The whole of `text` as digits, within bounds.
std::optional<int> digits(std::string_view text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && text.front() != '-';
  return whole && value >= low && value <= high ? std::optional(value) : std::nullopt;
}

/// `+01:00`, `-0500`, `+01`.
std::optional<seconds> parse_offset(std::string_view text) {
  if (text.size() < 3 || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  const auto hours = digits(text.substr(1, 2), 0, 14);
  std::string_view rest = text.substr(3);
  if (rest.starts_with(':')) rest.remove_prefix(1);
  const auto minutes = rest.empty() ? std::optional(0) : rest.size() == 2 ? digits(rest, 0, 59) : std::nullopt;
  if (!hours || !minutes) return std::nullopt;
  return sign * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

/// What the local clock calls `local` seconds since 1970, as an instant.
WallTime from_local(seconds local, const Zone& zone) {
  const WallTime guess = WallTime(local) - zone(WallTime(local));
  return WallTime(local) - zone(guess);
}

}  // namespace

Zone fixed_zone(seconds ahead_of_utc) {
  return [ahead_of_utc](WallTime) { return ahead_of_utc; };
}

std::optional<seconds> fixed_offset(std::string_view name) {
  if (!name.starts_with("UTC")) return std::nullopt;
  return name.size() == 3 ? std::optional(seconds(0)) : parse_offset(name.substr(3));
}

std::int64_t local_day(WallTime time, const Zone& zone) {
  return std::chrono::floor<days>(since_epoch(time) + zone(time)).count();
}

WallTime start_of_day(std::int64_t day, const Zone& zone) { return local_time(day, seconds(0), zone); }

WallTime local_time(std::int64_t day, seconds since_midnight, const Zone& zone) {
  return from_local(day * kDay + since_midnight, zone);
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4), 1970, 2200);
  const auto month = digits(text.substr(5, 2), 1, 12);
  const auto day = digits(text.substr(8, 2), 1, 31);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<seconds> parse_clock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = digits(text.substr(0, 2), 0, 24);
  const auto minutes = digits(text.substr(3, 2), 0, 59);
  if (!hours || !minutes || (*hours == 24 && *minutes != 0)) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

std::optional<WallTime> parse_iso(std::string_view text, const Zone& zone) {
  if (text.size() < 16 || (text[10] != 'T' && text[10] != ' ')) return std::nullopt;
  const auto date = parse_date(text.substr(0, 10));
  const auto clock = parse_clock(text.substr(11, 5));
  if (!date || !clock) return std::nullopt;
  seconds second(0);
  std::string_view rest = text.substr(16);
  if (rest.starts_with(':')) {
    const auto value = rest.size() >= 3 ? digits(rest.substr(1, 2), 0, 60) : std::nullopt;
    if (!value) return std::nullopt;
    second = seconds(*value);
    rest.remove_prefix(3);
    if (rest.starts_with('.')) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  }
  const seconds local = *date * kDay + *clock + second;
  if (rest.empty()) return from_local(local, zone);
  if (rest == "Z" || rest == "z") return WallTime(local);
  const auto offset = parse_offset(rest);
  return offset ? std::optional(WallTime(local - *offset)) : std::nullopt;
}

std::optional<std::string> format_time(WallTime time, std::string_view format, const Zone& zone) {
  if (format == "unix_s") return fmt::format("{}", since_epoch(time).count());
  if (format == "unix_ms") return fmt::format("{}", unix_ms(time));
  if (format == "iso_z") return format_time(time, "%Y-%m-%dT%H:%M:%SZ", fixed_zone(seconds(0)));
  const seconds local = since_epoch(time) + zone(time);
  const auto day = std::chrono::floor<days>(local);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  const std::chrono::hh_mm_ss clock(local - day);
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    switch (++at < format.size() ? format[at] : '\0') {
      case 'Y':
        out += fmt::format("{:04}", static_cast<int>(date.year()));
        break;
      case 'm':
        out += fmt::format("{:02}", static_cast<unsigned>(date.month()));
        break;
      case 'd':
        out += fmt::format("{:02}", static_cast<unsigned>(date.day()));
        break;
      case 'H':
        out += fmt::format("{:02}", clock.hours().count());
        break;
      case 'M':
        out += fmt::format("{:02}", clock.minutes().count());
        break;
      case 'S':
        out += fmt::format("{:02}", clock.seconds().count());
        break;
      case '%':
        out += '%';
        break;
      default:
        return std::nullopt;
    }
  }
  return out;
}

std::string plain_time(WallTime time, const Zone& zone) {
  return format_time(time, "%Y-%m-%d %H:%M", zone).value_or(std::string());
}

}  // namespace sluice::feeds
