#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "tariff/plan.hpp"
#include "yaml/reader.hpp"

namespace sluice::tariff {
namespace {

constexpr std::size_t kMostPeriods = 200;
constexpr std::size_t kMostColours = 8;
constexpr std::array<std::string_view, 7> kDayNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(by, at), text.size());
    parts.push_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

/// 0 for Monday; -1 for no day. Full names and their first three letters.
int day_index(std::string_view text) {
  constexpr std::array<std::string_view, 7> kFull{"monday", "tuesday",  "wednesday", "thursday",
                                                  "friday", "saturday", "sunday"};
  const std::string name = lower(text);
  for (std::size_t index = 0; index < kFull.size(); ++index)
    if (name == kFull[index] || name == kFull[index].substr(0, 3)) return static_cast<int>(index);
  return -1;
}

/// What a price per kWh cannot be. Catches cents taken for a currency unit and MWh taken for kWh; wide for currencies
/// whose unit is small.
double most_per_kwh(std::string_view currency) {
  for (const std::string_view strong : {"EUR", "USD", "CAD", "GBP", "AUD", "NZD", "CHF"})
    if (currency == strong) return 20.0;
  return 20000.0;
}

class PlanParser : private yaml::Reader {
 public:
  PlanParser(const std::string& file, std::vector<yaml::Diagnostic>& diagnostics,
             const std::function<bool(const std::string&)>& knows_zone)
      : Reader(file, diagnostics), knows_zone_(knows_zone) {}

  void top(const yaml::Node& root, Plan& plan) {
    plan_ = &plan;
    if (!is_mapping(root, "")) return;
    check_keys(root, "",
               {"id", "title", "source", "checked", "notes", "currency", "unit", "zone", "holidays", "seasons",
                "colours", "versions"});
    if (const auto* node = required(root, "", "id")) plan.id = text(*node, "id");
    if (const auto* node = required(root, "", "title")) plan.title = text(*node, "title");
    if (const auto* node = required(root, "", "source")) plan.source = text(*node, "source");
    if (const auto* node = required(root, "", "checked")) {
      if (day(*node, "checked")) plan.checked = node->text;
    }
    if (const auto* node = root.find("notes")) plan.notes = text(*node, "notes");
    if (const auto* node = required(root, "", "currency")) currency(*node);
    if (const auto* node = required(root, "", "unit")) scale_ = unit(*node, "unit");
    if (const auto* node = required(root, "", "zone")) {
      plan.zone = text(*node, "zone");
      if (knows_zone_ && !knows_zone_(plan.zone))
        complain(*node, "zone",
                 fmt::format("no time zone is called `{}`; expected an IANA name such as America/Toronto, `UTC`, or an "
                             "offset such as +10:00",
                             plan.zone));
    }
    if (const auto* node = root.find("holidays")) holidays(*node);
    if (const auto* node = root.find("seasons")) seasons(*node);
    if (const auto* node = root.find("colours")) colours(*node);
    if (const auto* node = required(root, "", "versions")) {
      each(*node, "versions",
           [&](const yaml::Node& one, const std::string& where) { version(one, where, plan.versions); });
    }
  }

 private:
  // --- small values --------------------------------------------------------------------------------------------------
  std::optional<LocalDay> day(const yaml::Node& node, const std::string& where) {
    const auto parsed = parse_day(node.text);
    if (!parsed) complain(node, where, fmt::format("expected a date such as 2026-11-01, found `{}`", node.text));
    return parsed;
  }

  void currency(const yaml::Node& node) {
    const bool good =
        node.text.size() == 3 && std::ranges::all_of(node.text, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!good) complain(node, "currency", fmt::format("expected an ISO 4217 code such as CAD, found `{}`", node.text));
    plan_->currency = node.text;
  }

  /// Factor to currency per kWh.
  double unit(const yaml::Node& node, const std::string& where) {
    const auto parts = split(node.text, '/');
    const std::string_view money = parts[0];
    const bool minor = money == "c" || money == "ct" || money == "p" || money == "¢";
    if (parts.size() == 2 && (minor || money == plan_->currency)) {
      if (parts[1] == "kWh") return minor ? 0.01 : 1.0;
      if (parts[1] == "MWh") return minor ? 0.00001 : 0.001;
    }
    complain(node, where,
             fmt::format("unknown unit `{}`; expected c/kWh, p/kWh, {}/kWh or {}/MWh", node.text, plan_->currency,
                         plan_->currency));
    return 1.0;
  }

  PricePerKwh price(const yaml::Node& node, const std::string& where) { return price(node, where, scale_); }
  PricePerKwh price(const yaml::Node& node, const std::string& where, double scale) {
    const auto number = real(node, where);
    const double value = number.value_or(0.0) * scale;
    const double most = most_per_kwh(plan_->currency);
    if (std::fabs(value) >= most)
      complain(node, where,
               fmt::format("this is {:g} {} per kWh, which no tariff asks: check `unit`", value, plan_->currency));
    return PricePerKwh(value);
  }

  // --- when something holds ------------------------------------------------------------------------------------------
  When when(const yaml::Node& node, const std::string& where) {
    When parsed;
    if (const auto* value = node.find("days")) {
      parsed.days = 0;
      each(*value, where + ".days", [&](const yaml::Node& one, const std::string& path) {
        for (const std::string_view word : split(one.text, ','))
          parsed.days = static_cast<DayMask>(parsed.days | days(one, path, word));
      });
    }
    if (const auto* value = node.find("time")) {
      each(*value, where + ".time", [&](const yaml::Node& one, const std::string& path) {
        for (const std::string_view word : split(one.text, ',')) window(one, path, word, parsed.windows);
      });
    }
    if (const auto* value = node.find("season")) {
      each(*value, where + ".season", [&](const yaml::Node& one, const std::string& path) {
        const auto found = seasons_.find(one.text);
        if (found == seasons_.end()) {
          complain(one, path,
                   fmt::format("no season is called `{}`; `seasons:` of the plan names: {}", one.text,
                               yaml::join(names_of(seasons_))));
        } else {
          parsed.seasons.insert(parsed.seasons.end(), found->second.begin(), found->second.end());
        }
      });
    }
    if (const auto* value = node.find("colour")) {
      parsed.colours = 0;
      each(*value, where + ".colour", [&](const yaml::Node& one, const std::string& path) {
        if (const auto index = colour(one, path))
          parsed.colours = static_cast<std::uint8_t>(parsed.colours | (1U << *index));
      });
    }
    if (const auto* value = node.find("anchor")) {
      if (value->text != "start_day" && value->text != "calendar_day")
        complain(*value, where + ".anchor", "expected `calendar_day` or `start_day`");
      parsed.start_day = value->text == "start_day";
    }
    return parsed;
  }
  static std::vector<std::string_view> when_keys(std::vector<std::string_view> more) {
    more.insert(more.end(), {"days", "time", "season", "colour", "anchor"});
    return more;
  }

  DayMask days(const yaml::Node& node, const std::string& where, std::string_view word) {
    const std::string name = lower(word);
    if (name == "all") return kEveryDay;
    if (name == "weekday" || name == "weekdays") return kWeekdays;
    if (name == "weekend") return kSaturday | kSunday;
    if (name == "holiday") {
      if (plan_->calendar == Calendar::none && plan_->added_holidays.empty()) {
        complain(node, where, "the plan has no `holidays:`");
      } else if (plan_->holiday_as != HolidayAs::own) {
        complain(node, where, "holidays are not days of their own here; write `weekend`, or `holidays: {as: own}`");
      }
      return kHoliday;
    }
    const auto ends = split(word, '-');
    const int first = day_index(ends[0]), last = day_index(ends.back());
    if (ends.size() > 2 || first < 0 || last < 0) {
      complain(node, where,
               fmt::format("expected days such as Mon-Fri, Sat, weekday, weekend, all or holiday, found `{}`", word));
      return kEveryDay;
    }
    DayMask mask = 0;
    for (int index = first;; index = (index + 1) % 7) {
      mask = static_cast<DayMask>(mask | (1U << index));
      if (index == last) return mask;
    }
  }

  void window(const yaml::Node& node, const std::string& where, std::string_view word, std::vector<Window>& windows) {
    const auto ends = split(word, '-');
    const auto from = parse_clock(ends[0]), to = parse_clock(ends.back());
    if (ends.size() != 2 || !from || !to || *from == 24 * 60) {
      complain(node, where, fmt::format("expected a time of day such as 07:00-11:00, found `{}`", word));
    } else if (*from == *to) {
      complain(node, where, fmt::format("`{}` is empty; for the whole day leave `time` out", word));
    } else {
      windows.push_back({*from, *to});
    }
  }

  std::optional<std::uint8_t> colour(const yaml::Node& node, const std::string& where) {
    const auto& names = plan_->colours.names;
    const auto found = std::ranges::find(names, node.text);
    if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
    complain(node, where, fmt::format("no colour is called `{}`; `colours:` names: {}", node.text, yaml::join(names)));
    return std::nullopt;
  }

  // --- the calendar --------------------------------------------------------------------------------------------------
  void holidays(const yaml::Node& node) {
    if (!is_mapping(node, "holidays")) return;
    check_keys(node, "holidays", {"calendar", "as", "add", "remove"});
    if (const auto* value = node.find("calendar")) {
      const auto found = calendar_from_name(value->text);
      if (!found)
        complain(*value, "holidays.calendar",
                 fmt::format("no calendar is called `{}`; known: {}", value->text, yaml::join(calendar_names())));
      plan_->calendar = found.value_or(Calendar::none);
    }
    if (const auto* value = required(node, "holidays", "as")) {
      constexpr std::array<std::string_view, 4> kNames{"weekend", "saturday", "sunday", "own"};
      const auto found = std::ranges::find(kNames, value->text);
      if (found == kNames.end()) {
        complain(*value, "holidays.as", "expected one of " + yaml::join(kNames));
      } else {
        plan_->holiday_as = static_cast<HolidayAs>(found - kNames.begin());
      }
    }
    const auto dates = [&](std::string_view key, std::vector<LocalDay>& into) {
      const auto* value = node.find(key);
      if (value == nullptr) return;
      each(*value, fmt::format("holidays.{}", key), [&](const yaml::Node& one, const std::string& path) {
        if (const auto parsed = day(one, path)) into.push_back(*parsed);
      });
    };
    dates("add", plan_->added_holidays);
    dates("remove", plan_->removed_holidays);
  }

  void seasons(const yaml::Node& node) {
    if (!is_mapping(node, "seasons")) return;
    for (const auto& [key, value] : node.entries) {
      const std::string where = "seasons." + key.text;
      if (seasons_.contains(key.text)) complain(key, where, "this key stands here twice");
      each(value, where, [&](const yaml::Node& one, const std::string& path) {
        if (!is_mapping(one, path)) return;
        check_keys(one, path, {"from", "to"});
        Season season;
        if (const auto* from = required(one, path, "from")) season.from = date_of_year(*from, path + ".from");
        if (const auto* to = required(one, path, "to")) season.to = date_of_year(*to, path + ".to");
        seasons_[key.text].push_back(season);
      });
    }
  }

  int date_of_year(const yaml::Node& node, const std::string& where) {
    const auto parsed = parse_day("2024-" + node.text);  // a leap year: February 29 is a date
    if (!parsed) {
      complain(node, where, fmt::format("expected month-day such as 05-01, found `{}`", node.text));
      return 101;
    }
    const std::chrono::year_month_day date(*parsed);
    return static_cast<int>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()));
  }

  void colours(const yaml::Node& node) {
    if (!is_mapping(node, "colours")) return;
    check_keys(node, "colours", {"names", "day_starts", "assume"});
    Colours& to = plan_->colours;
    if (const auto* value = required(node, "colours", "names")) {
      each(*value, "colours.names",
           [&](const yaml::Node& one, const std::string& path) { to.names.push_back(text(one, path)); });
      if (to.names.size() > kMostColours) complain(*value, "colours.names", "at most 8 colours");
    }
    if (const auto* value = node.find("day_starts")) {
      const auto parsed = parse_clock(value->text);
      if (!parsed || *parsed == 24 * 60) complain(*value, "colours.day_starts", "expected a time of day such as 06:00");
      to.day_starts = parsed.value_or(0);
    }
    if (const auto* value = node.find("assume")) to.assumed = colour(*value, "colours.assume");
  }

  // --- a version -----------------------------------------------------------------------------------------------------
  /// What a version does not say holds on from the one before.
  void version(const yaml::Node& node, const std::string& where, std::vector<Version>& versions) {
    if (!is_mapping(node, where)) return;
    check_keys(node, where,
               {"valid_from", "expect_next", "periods", "rules", "adders", "multiplier", "post_tax_adder", "event",
                "export", "demand", "fixed_per_month"});
    const bool first = versions.empty();
    Version parsed = first ? Version{} : versions.back();
    parsed.expect_next.reset();
    parsed.line = node.line;
    parsed.column = node.column;
    if (const auto* value = required(node, where, "valid_from")) {
      const std::string path = where + ".valid_from";
      const auto from = day(*value, path);
      if (from && !first && *from <= versions.back().valid_from)
        complain(*value, path, "versions stand in the order of time: this one begins before the one above it");
      if (from) parsed.valid_from = *from;
    }
    if (const auto* value = node.find("expect_next")) parsed.expect_next = day(*value, where + ".expect_next");
    if (const auto* value = node.find("periods")) {
      periods(*value, where + ".periods", parsed);
    } else if (first) {
      complain(node, where, "`periods` is missing");
    }
    if (const auto* value = node.find("rules")) {
      parsed.rules.clear();
      each(*value, where + ".rules", [&](const yaml::Node& one, const std::string& path) {
        rule(one, path, parsed.rules, [&](const yaml::Node& use, const std::string& at) { return period_of(use, at); });
      });
    } else if (first) {
      complain(node, where, "`rules` is missing");
    }
    if (const auto* value = node.find("event")) parsed.event_period = period_of(*value, where + ".event");
    if (const auto* value = node.find("adders")) adders(*value, where + ".adders", parsed);
    if (const auto* value = node.find("multiplier")) {
      const auto number = real(*value, where + ".multiplier");
      if (number && (*number <= 0.0 || *number > 5.0))
        complain(*value, where + ".multiplier", "expected a factor such as 1.19 for 19 % of tax");
      parsed.multiplier = number.value_or(1.0);
    }
    if (const auto* value = node.find("post_tax_adder"))
      parsed.post_tax_adder = price(*value, where + ".post_tax_adder");
    if (const auto* value = node.find("fixed_per_month"))
      parsed.fixed_per_month = real(*value, where + ".fixed_per_month").value_or(0.0);
    if (const auto* value = node.find("export")) exported(*value, where + ".export", parsed);
    if (const auto* value = node.find("demand")) {
      parsed.demand.clear();
      each(*value, where + ".demand",
           [&](const yaml::Node& one, const std::string& path) { demand(one, path, parsed); });
    }
    prices_of_rules(node, where, parsed);
    versions.push_back(std::move(parsed));
  }

  std::uint8_t period_of(const yaml::Node& node, const std::string& where) {
    const std::string& name = text(node, where);
    auto& names = plan_->period_names;
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
    if (names.size() >= kMostPeriods) {
      complain(node, where, fmt::format("more than {} periods", kMostPeriods));
      return 0;
    }
    names.push_back(name);
    return static_cast<std::uint8_t>(names.size() - 1);
  }

  void periods(const yaml::Node& node, const std::string& where, Version& version) {
    if (!is_mapping(node, where)) return;
    version.periods.clear();
    for (const auto& [key, value] : node.entries) {
      const std::string path = where + "." + key.text;
      if (!version.periods.emplace(period_of(key, path), period(value, path)).second)
        complain(key, path, "this key stands here twice");
    }
    if (node.entries.empty()) complain(node, where, "a plan needs at least one period");
  }

  PeriodPrice period(const yaml::Node& node, const std::string& where) {
    PeriodPrice parsed;
    if (node.kind != yaml::Node::Kind::mapping) {
      import_price(node, where, parsed);
      if (parsed.tiers.size() > 1) complain(node, where, "several prices need `{import: […], up_to_kwh: […]}`");
      return parsed;
    }
    check_keys(node, where, {"import", "up_to_kwh", "up_to_kwh_per_day", "export"});
    if (const auto* value = required(node, where, "import")) import_price(*value, where + ".import", parsed);
    if (const auto* value = node.find("export")) parsed.export_price = price(*value, where + ".export");
    const auto* per_day = node.find("up_to_kwh_per_day");
    const auto* limits = per_day != nullptr ? per_day : node.find("up_to_kwh");
    const std::string key = where + (per_day != nullptr ? ".up_to_kwh_per_day" : ".up_to_kwh");
    parsed.limits_per_day = per_day != nullptr;
    if (per_day != nullptr && node.find("up_to_kwh") != nullptr)
      complain(*per_day, key, "either `up_to_kwh` or `up_to_kwh_per_day`");
    std::size_t count = 0;
    if (limits != nullptr) {
      each(*limits, key, [&](const yaml::Node& one, const std::string& path) {
        const double limit = real(one, path).value_or(0.0);
        const double before = count == 0 ? 0.0 : parsed.tiers[std::min(count, parsed.tiers.size()) - 1].limit_kwh;
        if (limit <= before) complain(one, path, "limits are above 0 and ascend");
        if (count < parsed.tiers.size()) parsed.tiers[count].limit_kwh = limit;
        ++count;
      });
    }
    if (parsed.tiers.size() > 1 && limits == nullptr) {
      complain(node, where, "several prices need `up_to_kwh`, one limit less than there are prices");
    } else if (limits != nullptr && count + 1 != parsed.tiers.size()) {
      complain(*limits, key,
               fmt::format("{} prices need {} limits, found {}: the last price has none", parsed.tiers.size(),
                           std::max<std::size_t>(parsed.tiers.size(), 1) - 1, count));
    }
    return parsed;
  }

  void import_price(const yaml::Node& node, const std::string& where, PeriodPrice& into) {
    if (node.kind == yaml::Node::Kind::null) return complain(node, where, "the price is missing");
    if (node.kind == yaml::Node::Kind::scalar && node.text == "live") return;
    each(node, where, [&](const yaml::Node& one, const std::string& path) {
      into.tiers.push_back({std::numeric_limits<double>::infinity(), price(one, path)});
    });
  }

  template <class PeriodOf>
  void rule(const yaml::Node& node, const std::string& where, std::vector<Rule>& into, PeriodOf&& period_of_use) {
    if (!is_mapping(node, where)) return;
    check_keys(node, where, when_keys({"use"}));
    Rule parsed;
    parsed.when = when(node, where);
    parsed.line = node.line;
    parsed.column = node.column;
    if (const auto* use = required(node, where, "use")) parsed.use = period_of_use(*use, where + ".use");
    into.push_back(std::move(parsed));
  }

  void prices_of_rules(const yaml::Node& node, const std::string& where, const Version& version) {
    const auto check = [&](std::uint8_t use, const yaml::Node& at, const std::string& path) {
      if (use < plan_->period_names.size() && !version.periods.contains(use))
        complain(at, path, fmt::format("the period `{}` has no price here", plan_->period_names[use]));
    };
    const auto* rules = node.find("rules");
    for (std::size_t index = 0; index < version.rules.size(); ++index) {
      const bool here = rules != nullptr && index < rules->items.size();
      check(version.rules[index].use, here ? rules->items[index] : node, fmt::format("{}.rules[{}]", where, index));
    }
    if (version.event_period) check(*version.event_period, node, where + ".event");
    if (version.exported.mode != ExportMode::periods) return;
    for (const auto& [id, price] : version.periods)
      if (!price.export_price)
        complain(node, where + ".export",
                 fmt::format("`mode: periods` needs an `export` price of `{}`", plan_->period_names[id]));
  }

  void adders(const yaml::Node& node, const std::string& where, Version& version) {
    version.adders.clear();
    each(node, where, [&](const yaml::Node& one, const std::string& path) {
      if (!is_mapping(one, path)) return;
      check_keys(one, path, when_keys({"name", "price"}));
      Adder adder;
      adder.when = when(one, path);
      if (const auto* name = required(one, path, "name")) adder.name = text(*name, path + ".name");
      if (const auto* value = required(one, path, "price")) adder.price = price(*value, path + ".price");
      version.adders.push_back(std::move(adder));
    });
  }

  void demand(const yaml::Node& node, const std::string& where, Version& version) {
    if (!is_mapping(node, where)) return;
    check_keys(node, where, when_keys({"name", "rate_per_kw", "interval_min", "ratchet_pct", "ratchet_months"}));
    DemandCharge charge;
    charge.when = when(node, where);
    if (const auto* value = required(node, where, "name")) charge.name = text(*value, where + ".name");
    if (const auto* value = required(node, where, "rate_per_kw")) {
      charge.rate_per_kw = real(*value, where + ".rate_per_kw").value_or(0.0);
      if (charge.rate_per_kw < 0.0) complain(*value, where + ".rate_per_kw", "a demand charge is not negative");
    }
    if (const auto* value = node.find("interval_min")) {
      const auto minutes = integer(*value, where + ".interval_min", 1, 60).value_or(15);
      if (60 % minutes != 0) complain(*value, where + ".interval_min", "expected a divisor of 60: 5, 10, 15, 30 or 60");
      charge.interval = std::chrono::minutes(minutes);
    }
    if (const auto* value = node.find("ratchet_pct"))
      charge.ratchet_share = static_cast<double>(integer(*value, where + ".ratchet_pct", 0, 100).value_or(0)) / 100.0;
    if (const auto* value = node.find("ratchet_months"))
      charge.ratchet_months = static_cast<int>(integer(*value, where + ".ratchet_months", 1, 12).value_or(12));
    version.demand.push_back(std::move(charge));
  }

  void exported(const yaml::Node& node, const std::string& where, Version& version) {
    if (!is_mapping(node, where)) return;
    Export parsed;
    constexpr std::array<std::string_view, 7> kModes{"none", "same", "fixed", "periods", "rules", "table", "live"};
    const auto* mode = required(node, where, "mode");
    const auto found = mode != nullptr ? std::ranges::find(kModes, mode->text) : kModes.end();
    if (mode != nullptr && found == kModes.end())
      complain(*mode, where + ".mode", "expected one of " + yaml::join(kModes));
    if (found == kModes.end()) return;
    parsed.mode = static_cast<ExportMode>(found - kModes.begin());
    std::vector<std::string_view> known{"mode", "unit", "factor", "adder"};
    double scale = scale_;
    if (const auto* value = node.find("unit")) scale = unit(*value, where + ".unit");
    if (parsed.mode == ExportMode::fixed) {
      known.emplace_back("price");
      if (const auto* value = required(node, where, "price")) parsed.price = price(*value, where + ".price", scale);
    } else if (parsed.mode == ExportMode::live) {
      known.emplace_back("fallback");
      if (const auto* value = node.find("fallback")) {
        parsed.price = price(*value, where + ".fallback", scale);
        parsed.has_fallback = true;
      }
    } else if (parsed.mode == ExportMode::rules) {
      known.insert(known.end(), {"periods", "rules"});
      export_rules(node, where, scale, parsed);
    } else if (parsed.mode == ExportMode::table) {
      known.insert(known.end(), {"weekday", "weekend"});
      parsed.table.resize(2);
      if (const auto* value = required(node, where, "weekday"))
        table(*value, where + ".weekday", scale, parsed.table[0]);
      if (const auto* value = required(node, where, "weekend"))
        table(*value, where + ".weekend", scale, parsed.table[1]);
    }
    if (const auto* value = node.find("factor")) parsed.factor = real(*value, where + ".factor").value_or(1.0);
    if (const auto* value = node.find("adder")) parsed.adder = price(*value, where + ".adder", scale);
    check_keys(node, where, known);
    version.exported = std::move(parsed);
  }

  void export_rules(const yaml::Node& node, const std::string& where, double scale, Export& into) {
    std::vector<std::string> names;
    if (const auto* periods = required(node, where, "periods"); periods != nullptr && is_mapping(*periods, where)) {
      for (const auto& [key, value] : periods->entries) {
        const std::string path = where + ".periods." + key.text;
        if (std::ranges::find(names, key.text) != names.end()) complain(key, path, "this key stands here twice");
        names.push_back(key.text);
        into.prices.push_back(price(value, path, scale));
      }
      if (names.size() > kMostPeriods) complain(*periods, where, fmt::format("more than {} periods", kMostPeriods));
    }
    const auto* rules = required(node, where, "rules");
    if (rules == nullptr) return;
    each(*rules, where + ".rules", [&](const yaml::Node& one, const std::string& path) {
      rule(one, path, into.rules, [&](const yaml::Node& use, const std::string& at) -> std::uint8_t {
        const auto found = std::ranges::find(names, use.text);
        if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
        complain(use, at, fmt::format("no export period is called `{}`; known: {}", use.text, yaml::join(names)));
        return 0;
      });
    });
  }

  /// 12 rows of 24 prices.
  void table(const yaml::Node& node, const std::string& where, double scale,
             std::array<std::array<PricePerKwh, 24>, 12>& into) {
    if (node.kind != yaml::Node::Kind::sequence || node.items.size() != into.size())
      return complain(node, where, fmt::format("expected 12 rows, January to December, found {}", node.items.size()));
    for (std::size_t month = 0; month < into.size(); ++month) {
      const yaml::Node& row = node.items[month];
      const std::string path = fmt::format("{}[{}]", where, month);
      if (row.items.size() != into[month].size()) {
        complain(row, path, fmt::format("expected 24 prices, one an hour, found {}", row.items.size()));
        continue;
      }
      for (std::size_t hour = 0; hour < into[month].size(); ++hour)
        into[month][hour] = price(row.items[hour], fmt::format("{}[{}]", path, hour), scale);
    }
  }

  static std::vector<std::string> names_of(const auto& map) {
    std::vector<std::string> names;
    for (const auto& [name, value] : map) names.push_back(name);
    return names;
  }

  const std::function<bool(const std::string&)>& knows_zone_;
  Plan* plan_ = nullptr;
  double scale_ = 1.0;
  std::map<std::string, std::vector<Season>, std::less<>> seasons_;
};

}  // namespace

std::optional<Plan> parse_plan(std::string_view text, const std::string& file,
                               std::vector<yaml::Diagnostic>& diagnostics,
                               const std::function<bool(const std::string&)>& knows_zone) {
  std::vector<yaml::Diagnostic> found;
  std::vector<yaml::Mistake> mistakes;
  const yaml::Node root = yaml::parse(text, mistakes);
  for (yaml::Mistake& mistake : mistakes)
    found.push_back({file, mistake.line, mistake.column, std::move(mistake.text), ""});
  Plan plan;
  plan.file = file;
  if (mistakes.empty()) PlanParser(file, found, knows_zone).top(root, plan);
  if (found.empty()) found = lint(plan);
  std::ranges::stable_sort(found, {}, [](const yaml::Diagnostic& one) { return std::pair(one.line, one.column); });
  const bool good = std::ranges::all_of(found, &yaml::Diagnostic::warning);
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  return good ? std::optional(std::move(plan)) : std::nullopt;
}

}  // namespace sluice::tariff
