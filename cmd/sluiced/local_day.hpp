#pragma once
#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace sluice::cmd {

/// The process lives in the site's time zone. Once, before any other thread; another zone needs a restart.
void use_timezone(const std::string& name);
/// Days since 1970-01-01 of the local calendar date.
std::int64_t local_day(WallTime time);

}  // namespace sluice::cmd
