#pragma once
/// The clock on the wall, as a table: from which second on which offset from UTC holds. A value like any other, so that
/// a tariff reads no zone database; `io/time_zone.hpp` fills one from the operating system's.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::tariff {

using LocalDay = std::chrono::local_days;  ///< a date on the wall, without a zone

/// What a clock on the wall shows.
struct LocalClock {
  LocalDay day{};
  Duration of_day{};  ///< as shown: 02:30 is 2.5 h on every day, however long that day has been so far
  bool operator==(const LocalClock&) const = default;
};

class LocalTime {
 public:
  /// From `since` on, local time is UTC + `offset`.
  struct Period {
    std::int64_t since_unix_s = 0;
    std::chrono::seconds offset{};
  };

  /// UTC.
  LocalTime() = default;
  /// `periods` ascending and not empty; the first also holds before it begins, the last for ever.
  LocalTime(std::string name, std::vector<Period> periods);
  /// `UTC`, or a fixed offset such as `+10:00` and `-03:30` (at most 14 h); empty for any other text, which may be the
  /// name of a zone. A fixed offset has no summer time.
  static std::optional<LocalTime> fixed(std::string_view text);

  const std::string& name() const { return name_; }
  std::chrono::seconds offset(WallTime time) const;
  LocalClock at(WallTime time) const;
  /// The first instant at which the clock shows this. A time that was skipped in spring: the instant of the skip.
  WallTime when(LocalDay day, Duration of_day = {}) const;
  /// Local midnight to local midnight: 23, 24 or 25 h, 23.5 or 24.5 h on Lord Howe Island.
  Duration length(LocalDay day) const;
  /// When the offset changes next after `time`; empty: never again, as far as is known.
  std::optional<WallTime> next_change(WallTime time) const;

 private:
  std::vector<Period>::const_iterator period_at(std::int64_t unix_s) const;

  std::string name_ = "UTC";
  std::vector<Period> periods_{{}};
};

/// `2026-11-01`; empty when it is not written like this or does not exist.
std::optional<LocalDay> parse_day(std::string_view text);
std::string to_string(LocalDay day);
/// `HH:MM` from 00:00 to 24:00, in minutes.
std::optional<int> parse_clock(std::string_view text);
/// `07:30` for minutes of the day.
std::string clock_text(int minutes);

}  // namespace sluice::tariff
