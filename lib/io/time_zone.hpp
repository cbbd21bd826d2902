#pragma once
/// Time zones of the operating system, as tables.

#include <string>

#include "base/result.hpp"
#include "tariff/local_time.hpp"

namespace sluice::io {

/// The years that the database knows the rules of for sure; before and after, the nearest known offset holds.
inline constexpr int kFirstZoneYear = 2000, kLastZoneYear = 2037;

/// `UTC`, an offset such as `+10:00`, or an IANA name such as `America/Toronto`. Errors: not_found for a name that the
/// database does not have, io when there is no database. Never falls back to UTC.
Result<tariff::LocalTime> load_time_zone(const std::string& name);

}  // namespace sluice::io
