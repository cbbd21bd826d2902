#include "local_day.hpp"

#include <cstdlib>
#include <ctime>

namespace sluice::cmd {

void use_timezone(const std::string& name) {
  setenv("TZ", (":" + name).c_str(), 1);
  tzset();
}

std::int64_t local_day(WallTime time) {
  constexpr std::int64_t kSecondsADay = 86400;
  const std::time_t seconds = static_cast<std::time_t>(unix_ms(time) / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  const std::int64_t shifted = static_cast<std::int64_t>(seconds) + local.tm_gmtoff;
  return shifted >= 0 ? shifted / kSecondsADay : (shifted - kSecondsADay + 1) / kSecondsADay;
}

}  // namespace sluice::cmd
