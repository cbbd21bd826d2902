#include "io/time_zone.hpp"

#include <date/tz.h>

#include <stdexcept>
#include <vector>

namespace sluice::io {

Result<tariff::LocalTime> load_time_zone(const std::string& name) {
  if (auto fixed = tariff::LocalTime::fixed(name)) return *std::move(fixed);
  try {
    const date::time_zone* zone = date::locate_zone(name);
    std::vector<tariff::LocalTime::Period> periods;
    date::sys_seconds time = date::sys_days(date::year(kFirstZoneYear) / 1 / 1);
    const date::sys_seconds end = date::sys_days(date::year(kLastZoneYear + 1) / 1 / 1);
    while (time < end) {
      const date::sys_info info = zone->get_info(time);
      if (periods.empty() || periods.back().offset != info.offset)
        periods.push_back({time.time_since_epoch().count(), info.offset});
      time = info.end;
    }
    return tariff::LocalTime(name, std::move(periods));
  } catch (const std::runtime_error& error) {
    // The database throws the same type for a name that it lacks and for a file that it cannot read.
    return fail(
        ErrorKind::not_found,
        "no time zone `{}` ({}): write an IANA name such as America/Toronto, `UTC`, or an offset such as +10:00", name,
        error.what());
  }
}

}  // namespace sluice::io
