#include "house/firmware/rfc3339.hpp"

#include <fmt/format.h>

#include <chrono>

namespace sluice::house {

std::string rfc3339(WallTime time) {
  using namespace std::chrono;
  const sys_seconds instant(duration_cast<seconds>(time.time_since_epoch()));
  const sys_days day = floor<days>(instant);
  const year_month_day date(day);
  const hh_mm_ss clock(instant - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace sluice::house
