#include "tariff/plan.hpp"

#include <algorithm>

#include "tariff/overrides.hpp"

namespace sluice::tariff {

const Version* Plan::version_on(LocalDay day) const {
  const auto after = std::ranges::upper_bound(versions, day, {}, &Version::valid_from);
  return after == versions.begin() ? nullptr : &*std::prev(after);
}

bool Plan::is_holiday(LocalDay day) const {
  if (std::ranges::find(removed_holidays, day) != removed_holidays.end()) return false;
  if (std::ranges::find(added_holidays, day) != added_holidays.end()) return true;
  const auto year = static_cast<int>(std::chrono::year_month_day(day).year());
  return std::ranges::binary_search(holidays(calendar, year), day);
}

bool Plan::has_live_energy() const {
  return std::ranges::any_of(versions, [](const Version& version) {
    return std::ranges::any_of(version.periods, [](const auto& period) { return period.second.tiers.empty(); });
  });
}

void apply(const Overrides& overrides, Plan& plan) {
  if (!overrides.zone.empty()) plan.zone = overrides.zone;
  for (Version& version : plan.versions) {
    if (overrides.multiplier) version.multiplier = *overrides.multiplier;
    for (const Adder& adder : overrides.adders) {
      std::erase_if(version.adders, [&](const Adder& old) { return old.name == adder.name; });
      version.adders.push_back(adder);
    }
    if (overrides.exported) version.exported = *overrides.exported;
    if (overrides.demand) version.demand = {*overrides.demand};
  }
}

}  // namespace sluice::tariff
