#pragma once
/// Points in time as price sources write them. Zones come in as a function, because nobody reads the machine's zone
/// files in a folder that only computes.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace sluice::feeds {

/// Seconds that the local clock is ahead of UTC at an instant.
using Zone = std::function<std::chrono::seconds(WallTime)>;

/// A zone that never changes.
Zone fixed_zone(std::chrono::seconds ahead_of_utc);
/// The offset in "UTC", "UTC-05:00", "UTC+10:00"; nothing for a name that has to be looked up.
std::optional<std::chrono::seconds> fixed_offset(std::string_view name);

/// Days since 1970-01-01 in the zone.
std::int64_t local_day(WallTime time, const Zone& zone);
/// When that day begins there. 23 and 25 hours lie between some days and the next.
WallTime start_of_day(std::int64_t day, const Zone& zone);
/// `seconds` after midnight by the clock on the wall of that day.
WallTime local_time(std::int64_t day, std::chrono::seconds since_midnight, const Zone& zone);

/// ISO 8601 with date and time to the minute or finer: `2026-01-10T16:30:00Z`, `2026-01-10 16:30+01:00`,
/// `2026-01-10T16:30:00.000`. Without an offset it is taken as local to `zone`. Nothing for anything else.
std::optional<WallTime> parse_iso(std::string_view text, const Zone& zone);
/// `2026-01-10` as days since 1970-01-01.
std::optional<std::int64_t> parse_date(std::string_view text);
/// `13:05`, also `24:00`.
std::optional<std::chrono::seconds> parse_clock(std::string_view text);

/// `unix_s`, `unix_ms`, `iso_z`, or %Y %m %d %H %M %S %% by the zone's clock; nothing for another format.
std::optional<std::string> format_time(WallTime time, std::string_view format, const Zone& zone);
/// `2026-01-10 16:30` by the zone's clock, for messages.
std::string plain_time(WallTime time, const Zone& zone);

}  // namespace sluice::feeds
