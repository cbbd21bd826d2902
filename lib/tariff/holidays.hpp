#pragma once
/// Public holidays as electricity tariffs know them, computed from their rules. A calendar knows nothing of days that a
/// government declares once (a coronation, a grand final): a plan adds those by date.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tariff/local_time.hpp"

namespace sluice::tariff {

enum class Calendar : std::uint8_t {
  none,     ///< no holidays
  ca_on,    ///< Ontario Energy Board: the ten of the regulated price plan; on a weekend, the next free weekday instead
  ca_qc,    ///< Hydro-Québec: the days on which no winter event is called
  us,       ///< federal holidays as observed: Saturday's on Friday, Sunday's on Monday
  us_ca,    ///< the eight of the Californian utilities; Sunday's also on Monday
  us_nerc,  ///< the six of NERC; Sunday's also on Monday
  gb,       ///< England and Wales, with substitute days
  fr,       ///< France
  au_nsw,   ///< New South Wales, with additional days
  au_sa,    ///< South Australia, with additional days
  au_vic,   ///< Victoria, with additional days; the Friday of the grand final is not computable
};

/// `ca-on`, …; empty for an unknown name.
std::optional<Calendar> calendar_from_name(std::string_view name);
std::vector<std::string_view> calendar_names();

/// Ascending.
std::vector<LocalDay> holidays(Calendar calendar, int year);

/// Easter Sunday of the Gregorian calendar.
LocalDay easter(int year);

}  // namespace sluice::tariff
