#pragma once
/// A tariff plan: what a supplier's price sheet says, as data. Pure values, read from one YAML file a plan
/// (`parse_plan`); docs/guide/tariffs.md explains the file. Prices are converted to currency per kWh while reading.

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "tariff/holidays.hpp"
#include "tariff/local_time.hpp"
#include "yaml/diagnostic.hpp"

namespace sluice::tariff {

/// Kinds of days as bits: Monday 1, Tuesday 2, … Sunday 64, and holidays where a plan treats them as a kind of their
/// own.
using DayMask = std::uint8_t;
inline constexpr DayMask kWeekdays = 0x1F, kSaturday = 0x20, kSunday = 0x40, kHoliday = 0x80, kEveryDay = 0xFF;

/// On the wall clock, in minutes of the day, half open; `to` at or before `from` runs past midnight.
struct Window {
  int from = 0, to = 24 * 60;
  bool operator==(const Window&) const = default;
};

/// From one date to another of every year, both included, as 100 · month + day; may run past New Year.
struct Season {
  int from = 101, to = 1231;
  bool operator==(const Season&) const = default;
};

/// When something holds: on one of the days, in one of the seasons and in one of the windows. Empty lists restrict
/// nothing.
struct When {
  DayMask days = kEveryDay;
  std::vector<Season> seasons;
  std::vector<Window> windows;
  std::uint8_t colours = 0xFF;  ///< bit n: days of colour n
  /// What runs past midnight belongs to the day it began on. Without it every minute belongs to its own calendar day.
  bool start_day = false;
};

/// A rule gives a period to the time it holds for; of all rules that hold, the last one of the plan decides.
struct Rule {
  When when;
  std::uint8_t use = 0;  ///< index into `Plan::period_names`
  int line = 0, column = 0;
};

/// The price of a period. It may grow with what was drawn since the billing period began.
struct TierPrice {
  double limit_kwh = std::numeric_limits<double>::infinity();  ///< this price holds below it
  PricePerKwh price;
};
struct PeriodPrice {
  std::vector<TierPrice> tiers;  ///< ascending, the last without a limit; empty: the price is live
  bool limits_per_day = false;   ///< limits count once for every day of the billing period
  std::optional<PricePerKwh> export_price;
};

/// A fee, tax or levy per kWh on top of the energy. Of entries with the same name the last one that holds counts.
struct Adder {
  std::string name;
  PricePerKwh price;
  When when;
};

enum class ExportMode : std::uint8_t {
  none,     ///< feeding in pays nothing
  same,     ///< as much as the energy part of import
  fixed,    ///< one price
  periods,  ///< each period tells its own
  rules,    ///< periods and rules of its own
  table,    ///< 12 months × 24 hours, for weekdays and for the rest
  live,     ///< a series that somebody else supplies
};

/// What feeding in pays: base × factor + adder.
struct Export {
  ExportMode mode = ExportMode::none;
  PricePerKwh price;  ///< `fixed`; `live`: while the series has nothing, if `has_fallback`
  bool has_fallback = false;
  std::vector<Rule> rules;  ///< `rules`; `use` is an index into `prices`
  std::vector<PricePerKwh> prices;
  /// [weekend or holiday][month − 1][hour]
  std::vector<std::array<std::array<PricePerKwh, 24>, 12>> table;
  double factor = 1.0;
  PricePerKwh adder;
};

/// The highest mean power of a metering interval in a billing period is billed. Entries of one name are one charge with
/// one peak.
struct DemandCharge {
  std::string name;
  double rate_per_kw = 0.0;  ///< currency per kW and billing period
  When when;                 ///< only intervals in it count
  std::chrono::minutes interval{15};
  /// At least this share of the highest peak of the last `ratchet_months` is billed; 0: no ratchet.
  double ratchet_share = 0.0;
  int ratchet_months = 12;
};

/// Prices from one date on.
struct Version {
  LocalDay valid_from{};
  std::optional<LocalDay> expect_next;  ///< when the supplier usually changes them
  std::map<std::uint8_t, PeriodPrice> periods;
  std::vector<Rule> rules;
  std::vector<Adder> adders;
  double multiplier = 1.0;  ///< import = (energy + adders) × multiplier + post_tax_adder
  PricePerKwh post_tax_adder;
  std::optional<std::uint8_t> event_period;  ///< what a critical-peak event costs
  Export exported;
  std::vector<DemandCharge> demand;
  double fixed_per_month = 0.0;  ///< for reports only: a fixed charge never decides anything
  int line = 0, column = 0;
};

/// How a holiday is priced.
enum class HolidayAs : std::uint8_t {
  weekend,   ///< as a Sunday, unless it is a Saturday
  saturday,  ///< always as a Saturday
  sunday,    ///< always as a Sunday
  own,       ///< as a kind of its own: only rules that name `holiday` or no days at all
};

/// Days that the supplier colours one by one; the colour of a day is told from outside.
struct Colours {
  std::vector<std::string> names;  ///< at most 8; empty: the plan has no colours
  int day_starts = 0;              ///< minute at which a colour begins to hold, until the same minute of the next day
  std::optional<std::uint8_t> assumed;  ///< taken while the colour is not known; empty: no price then
};

struct Plan {
  std::string id, title;
  std::string source;   ///< public document or page
  std::string checked;  ///< date of the last comparison with the source
  std::string notes;
  std::string file;
  std::string currency;  ///< ISO 4217
  std::string zone;      ///< of the meter's clock: IANA name, `UTC` or an offset
  Calendar calendar = Calendar::none;
  HolidayAs holiday_as = HolidayAs::weekend;
  std::vector<LocalDay> added_holidays, removed_holidays;
  Colours colours;
  std::vector<std::string> period_names;  ///< of all versions; a `PriceSlot::period_id` is an index into it
  std::vector<Version> versions;          ///< ascending by `valid_from`, not empty

  /// Null before the first version.
  const Version* version_on(LocalDay day) const;
  bool is_holiday(LocalDay day) const;
  /// Whether the energy part of a price comes from a live series.
  bool has_live_energy() const;
};

/// Reads a plan and says everything that is wrong with it: unknown keys, wrong units, periods without a price, unknown
/// calendars and zones, and hours for which no rule holds. `file` is for the messages; without `knows_zone` every zone
/// passes. Empty when there is any error; warnings
/// (`Diagnostic::warning`) do not withhold the plan.
std::optional<Plan> parse_plan(std::string_view text, const std::string& file,
                               std::vector<yaml::Diagnostic>& diagnostics,
                               const std::function<bool(const std::string&)>& knows_zone = {});

/// What a plan that can be read should still be looked at for: hours that no rule covers (an error), rules that overlap
/// partly with others of the same kind, and rules that never decide.
std::vector<yaml::Diagnostic> lint(const Plan& plan);

/// A warning when the prices of `plan` are probably out of date on `today`: 30 days after `expect_next` without a new
/// version, or before its first version.
std::vector<yaml::Diagnostic> lint_age(const Plan& plan, LocalDay today);

}  // namespace sluice::tariff
