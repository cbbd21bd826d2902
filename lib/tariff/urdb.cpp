#include "tariff/urdb.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tariff/plan.hpp"

namespace sluice::tariff {
namespace {

using nlohmann::json;

constexpr double kKwPerHp = 0.7457;
constexpr double kDaysAMonth = 365.25 / 12;
constexpr std::array<const char*, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                              "jul", "aug", "sep", "oct", "nov", "dec"};

using Row = std::array<int, 24>;       ///< period by hour
using Schedule = std::array<Row, 12>;  ///< by month

/// YAML takes JSON's way of quoting.
std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', true, json::error_handler_t::replace); }

/// As short as it can be without losing anything a bill shows.
std::string number_text(double value) {
  std::string text = fmt::format("{:.7f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

/// Empty when there is no such text.
std::string text_at(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Months with equal rows, as ranges of months.
struct MonthGroup {
  std::vector<int> months;  ///< from 0
  std::string name;         ///< `jun-sep`; empty: all months
  std::vector<std::pair<int, int>> ranges;
};

std::string date_of(int month, bool last) {
  constexpr std::array<int, 12> kDays{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return fmt::format("{:02}-{:02}", month + 1, last ? kDays[static_cast<std::size_t>(month)] : 1);
}

void name_ranges(MonthGroup& group) {
  if (group.months.size() == kMonths.size()) return;
  const auto has = [&](int month) { return std::ranges::find(group.months, (month + 12) % 12) != group.months.end(); };
  for (const int month : group.months) {
    if (has(month - 1)) continue;
    int last = month;
    while (has(last + 1)) last = (last + 1) % 12;
    group.ranges.emplace_back(month, last);
  }
  for (const auto& [first, last] : group.ranges) {
    if (!group.name.empty()) group.name += "_";
    group.name += kMonths[static_cast<std::size_t>(first)];
    if (last != first) group.name += std::string("-") + kMonths[static_cast<std::size_t>(last)];
  }
}

template <class Key>
std::vector<MonthGroup> grouped(const std::array<Key, 12>& by_month) {
  std::vector<MonthGroup> groups;
  std::set<int> done;
  for (int month = 0; month < 12; ++month) {
    if (done.contains(month)) continue;
    MonthGroup group;
    for (int other = month; other < 12; ++other) {
      if (by_month[static_cast<std::size_t>(other)] != by_month[static_cast<std::size_t>(month)]) continue;
      group.months.push_back(other);
      done.insert(other);
    }
    name_ranges(group);
    groups.push_back(std::move(group));
  }
  return groups;
}

/// `["00:00-07:00", "21:00-24:00"]`: the hours of a row that belong to a period.
std::string windows(const Row& row, int period) {
  std::vector<std::string> list;
  for (std::size_t hour = 0; hour < row.size(); ++hour) {
    if (row[hour] != period || (hour > 0 && row[hour - 1] == period)) continue;
    std::size_t end = hour;
    while (end < row.size() && row[end] == period) ++end;
    list.push_back(fmt::format("\"{:02}:00-{:02}:00\"", hour, end));
  }
  return fmt::format("[{}]", fmt::join(list, ", "));
}

class Importer {
 public:
  Importer(const json& item, const UrdbOptions& options) : item_(item), options_(options) {}

  Result<UrdbImport> run() {
    const auto periods = energy();
    const Schedule weekday = schedule("energyweekdayschedule", periods.size());
    const Schedule weekend = schedule("energyweekendschedule", periods.size());
    const std::string rules = rule_lines(weekday, weekend);
    const std::string demand = demand_lines();
    for (const char* key : {"coincidentratestructure", "coincidentrateschedule"})
      if (item_.contains(key)) warn(fmt::format("{}: coincident peaks are not in the plan", key));
    if (item_.contains("mincharge")) warn("mincharge: a minimum bill is not in the plan");
    if (options_.holidays.empty())
      warn("the database knows no holidays: if this tariff has any, import again with --holidays");
    warn("whole hours and whole months only; taxes and riders may be missing: compare the table with a bill");

    UrdbImport done;
    const std::string prices = period_lines(periods), exported = export_lines();
    done.yaml = head() + prices + rules + exported + demand;
    if (!errors_.empty()) return fail(ErrorKind::invalid, "{}", fmt::join(errors_, "\n"));
    done.warnings = warnings_;
    return done;
  }

 private:
  struct Tier {
    double price = 0.0;
    std::optional<double> limit, sell;
  };
  struct Period {
    std::vector<Tier> tiers;
    bool per_day = false;
  };

  void complain(std::string text) { errors_.push_back(std::move(text)); }
  void warn(std::string text) {
    if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(std::move(text));
  }

  std::string word(const char* key) const { return text_at(item_, key); }
  std::optional<double> number(const json& from, const char* key, const std::string& where) {
    const auto found = from.find(key);
    if (found == from.end() || found->is_null()) return std::nullopt;
    if (found->is_number()) return found->get<double>();
    complain(fmt::format("{}.{}: expected a number", where, key));
    return std::nullopt;
  }

  // --- energy --------------------------------------------------------------------------------------------------------
  std::vector<Period> energy() {
    std::vector<Period> periods;
    const auto found = item_.find("energyratestructure");
    if (found == item_.end() || !found->is_array() || found->empty()) {
      complain("energyratestructure: is missing: this rate has no prices per kWh");
      return periods;
    }
    for (std::size_t index = 0; index < found->size(); ++index)
      periods.push_back(period((*found)[index], fmt::format("energyratestructure[{}]", index)));
    return periods;
  }

  Period period(const json& tiers, const std::string& where) {
    Period parsed;
    if (!tiers.is_array() || tiers.empty()) {
      complain(where + ": expected a list of tiers");
      return parsed;
    }
    for (std::size_t index = 0; index < tiers.size(); ++index) {
      const json& one = tiers[index];
      const std::string path = fmt::format("{}[{}]", where, index);
      const bool last = index + 1 == tiers.size();
      Tier tier;
      const auto rate = number(one, "rate", path), adj = number(one, "adj", path);
      if (!rate && !adj) complain(path + ": has neither `rate` nor `adj`");
      tier.price = rate.value_or(0.0) + adj.value_or(0.0);
      tier.sell = number(one, "sell", path);
      tier.limit = number(one, "max", path);
      const std::string unit = text_at(one, "unit");
      if (unit == "kWh daily") {
        parsed.per_day = true;
      } else if (!unit.empty() && unit != "kWh") {
        complain(fmt::format("{}.unit: unknown unit `{}`; tiers in kWh and kWh daily can be imported", path, unit));
      }
      if (!last && !tier.limit) complain(path + ": `max` is missing; only the last tier has none");
      if (last && tier.limit) {
        warn(path + ": the `max` of the last tier was left out: its price holds for everything above");
        tier.limit.reset();
      }
      parsed.tiers.push_back(tier);
    }
    return parsed;
  }

  Schedule schedule(const char* key, std::size_t periods) {
    Schedule parsed{};
    const auto found = item_.find(key);
    if (found == item_.end() || !found->is_array() || found->size() != parsed.size()) {
      complain(fmt::format("{}: expected 12 rows, January to December, found {}", key,
                           found == item_.end() ? 0 : found->size()));
      return parsed;
    }
    for (std::size_t month = 0; month < parsed.size(); ++month) {
      const json& row = (*found)[month];
      if (!row.is_array() || row.size() != parsed[month].size()) {
        complain(fmt::format("{}[{}]: expected 24 periods, one an hour, found {}", key, month, row.size()));
        continue;
      }
      for (std::size_t hour = 0; hour < parsed[month].size(); ++hour) {
        const int index = row[hour].is_number_integer() ? row[hour].get<int>() : -1;
        if (index < 0 || static_cast<std::size_t>(index) >= periods) {
          complain(fmt::format("{}[{}][{}]: there is no period {}; there are {}, from 0", key, month, hour,
                               row[hour].dump(), periods));
        } else {
          parsed[month][hour] = index;
        }
      }
    }
    return parsed;
  }

  std::string period_lines(const std::vector<Period>& periods) {
    std::string text = "    periods:\n";
    for (std::size_t index = 0; index < periods.size(); ++index) {
      const Period& period = periods[index];
      std::vector<std::string> prices, limits;
      for (const Tier& tier : period.tiers) {
        prices.push_back(number_text(tier.price));
        if (tier.limit) limits.push_back(number_text(*tier.limit));
        sells_ = sells_ || tier.sell.has_value();
        if (tier.sell != period.tiers.front().sell)
          warn(fmt::format("energyratestructure[{}]: `sell` differs between tiers; that of the first tier is taken",
                           index));
      }
      text += fmt::format("      {}: {{import: {}", period_name(static_cast<int>(index)),
                          prices.size() == 1 ? prices[0] : fmt::format("[{}]", fmt::join(prices, ", ")));
      if (!limits.empty())
        text += fmt::format(", {}: [{}]", period.per_day ? "up_to_kwh_per_day" : "up_to_kwh", fmt::join(limits, ", "));
      if (!period.tiers.empty() && period.tiers.front().sell)
        text += fmt::format(", export: {}", number_text(*period.tiers.front().sell));
      else
        unsold_.push_back(period_name(static_cast<int>(index)));
      text += "}\n";
    }
    return text;
  }

  static std::string period_name(int index) { return fmt::format("period-{}", index); }

  std::string rule_lines(const Schedule& weekday, const Schedule& weekend) {
    std::array<std::pair<Row, Row>, 12> rows;
    for (std::size_t month = 0; month < rows.size(); ++month) rows[month] = {weekday[month], weekend[month]};
    std::string text = "    rules:\n";
    for (const MonthGroup& group : grouped(rows)) {
      const auto& [work, free] = rows[static_cast<std::size_t>(group.months.front())];
      const std::string season = use_season(group);
      if (work == free) {
        row_rules(text, work, season);
      } else {
        row_rules(text, work, season + ", days: weekday");
        row_rules(text, free, season + ", days: weekend");
      }
    }
    return text;
  }

  /// The period of most hours is the rule, the others its exceptions.
  static void row_rules(std::string& text, const Row& row, const std::string& when) {
    std::map<int, int> hours;
    for (const int period : row) ++hours[period];
    const int common = std::ranges::max_element(hours, {}, [](const auto& entry) { return entry.second; })->first;
    text += fmt::format("      - {{use: {}{}}}\n", period_name(common), when);
    for (const auto& [period, count] : hours)
      if (period != common)
        text += fmt::format("      - {{use: {}{}, time: {}}}\n", period_name(period), when, windows(row, period));
  }

  std::string use_season(const MonthGroup& group) {
    if (group.name.empty()) return "";
    std::vector<std::string> ranges;
    for (const auto& [first, last] : group.ranges)
      ranges.push_back(fmt::format("{{from: {}, to: {}}}", date_of(first, false), date_of(last, true)));
    seasons_[group.name] = fmt::format("[{}]", fmt::join(ranges, ", "));
    return ", season: " + group.name;
  }

  std::string export_lines() {
    const std::string rules = word("dgrules");
    const bool metering = rules == "Net Metering" || item_.value("usenetmetering", json()) == json(true);
    if (sells_) {
      for (const std::string& name : unsold_) warn(name + ": has no `sell` price, though others have: add `export`");
      return "    export: {mode: periods}\n";
    }
    if (metering) {
      warn("net metering: what is fed in counts as much as what is drawn; credits that expire are not in the plan");
      return "    export: {mode: same}\n";
    }
    warn(rules.empty() ? "the database tells no price for export: it counts as nothing"
                       : fmt::format("export rules `{}` without a `sell` price: export counts as nothing", rules));
    return "    export: {mode: none}\n";
  }

  // --- demand --------------------------------------------------------------------------------------------------------
  /// Factor from the database's unit to kW.
  double per_kw(const char* key) {
    const std::string unit = word(key);
    if (unit.empty() || unit == "kW") return 1.0;
    if (unit == "hp") return 1.0 / kKwPerHp;
    if (unit == "kVA") {
      warn(fmt::format("{}: kVA is taken as kW", key));
    } else {
      complain(fmt::format("{}: unknown unit `{}`; kW, kVA and hp can be imported", key, unit));
    }
    return 1.0;
  }

  double demand_rate(const json& structure, std::size_t index, const std::string& key) {
    const std::string where = fmt::format("{}[{}]", key, index);
    if (!structure[index].is_array() || structure[index].empty()) {
      complain(where + ": expected a list of tiers");
      return 0.0;
    }
    if (structure[index].size() > 1) warn(where + ": tiers of a demand charge are not in the plan; the first is taken");
    const json& tier = structure[index][0];
    return number(tier, "rate", where).value_or(0.0) + number(tier, "adj", where).value_or(0.0);
  }

  std::string ratchet() {
    double share = number(item_, "lookbackpercent", "rate").value_or(0.0);
    int months = static_cast<int>(number(item_, "lookbackrange", "rate").value_or(12.0));
    if (const auto list = item_.find("demandratchetpercentage"); list != item_.end() && list->is_array()) {
      std::set<double> shares;
      for (const json& one : *list)
        if (one.is_number()) shares.insert(one.get<double>());
      if (shares.size() > 1) warn("demandratchetpercentage: differs between months; the highest is taken for all");
      if (!shares.empty() && *shares.rbegin() > share) {
        share = *shares.rbegin();
        months = 12;
      }
    }
    if (share > 1.0) share /= 100.0;
    if (share <= 0.0) return "";
    return fmt::format(", ratchet_pct: {:.0f}, ratchet_months: {}", share * 100, std::clamp(months, 1, 12));
  }

  std::string demand_lines() {
    std::string text;
    std::string rest = ratchet();
    if (const auto window = number(item_, "demandwindow", "rate"))
      rest += fmt::format(", interval_min: {}", number_text(*window));
    const auto flat = item_.find("flatdemandstructure");
    if (flat != item_.end() && flat->is_array() && !flat->empty()) {
      const double factor = per_kw("flatdemandunit");
      std::array<int, 12> by_month{};
      const auto months = item_.find("flatdemandmonths");
      if (months != item_.end() && months->is_array() && months->size() == by_month.size()) {
        for (std::size_t month = 0; month < by_month.size(); ++month) {
          by_month[month] = (*months)[month].is_number_integer() ? (*months)[month].get<int>() : -1;
          if (by_month[month] >= 0 && static_cast<std::size_t>(by_month[month]) < flat->size()) continue;
          complain(fmt::format("flatdemandmonths[{}]: there is no period {}", month, (*months)[month].dump()));
          by_month[month] = 0;
        }
      } else if (months != item_.end()) {
        complain("flatdemandmonths: expected 12 periods, one a month");
      }
      for (const MonthGroup& group : grouped(by_month)) {
        const auto index = static_cast<std::size_t>(by_month[static_cast<std::size_t>(group.months.front())]);
        const double rate = demand_rate(*flat, index, "flatdemandstructure") * factor;
        if (rate > 0.0)
          text += fmt::format("      - {{name: flat-{}, rate_per_kw: {}{}{}}}\n", index, number_text(rate),
                              use_season(group), rest);
      }
    }
    const auto timed = item_.find("demandratestructure");
    if (timed != item_.end() && timed->is_array() && !timed->empty()) {
      const double factor = per_kw(item_.contains("demandunits") ? "demandunits" : "demandrateunit");
      const Schedule weekday = schedule("demandweekdayschedule", timed->size());
      const Schedule weekend = schedule("demandweekendschedule", timed->size());
      for (std::size_t index = 0; index < timed->size(); ++index) {
        const double rate = demand_rate(*timed, index, "demandratestructure") * factor;
        if (rate <= 0.0) continue;
        for (const auto& [days, table] : {std::pair("weekday", &weekday), std::pair("weekend", &weekend)}) {
          for (const MonthGroup& group : grouped(*table)) {
            const Row& row = (*table)[static_cast<std::size_t>(group.months.front())];
            if (std::ranges::find(row, static_cast<int>(index)) == row.end()) continue;
            text +=
                fmt::format("      - {{name: demand-{}, rate_per_kw: {}, days: {}{}, time: {}{}}}\n", index,
                            number_text(rate), days, use_season(group), windows(row, static_cast<int>(index)), rest);
          }
        }
      }
    }
    return text.empty() ? "" : "    demand:\n" + text;
  }

  // --- the head ------------------------------------------------------------------------------------------------------
  std::string day_text(double unix_s, const char* key) {
    constexpr double kLastSecond = 4102444800.0;  // 2100
    if (unix_s >= 0.0 && unix_s < kLastSecond)
      return to_string(LocalDay(std::chrono::days(static_cast<int>(unix_s / 86400.0))));
    complain(fmt::format("{}: {} is no time of this century", key, number_text(unix_s)));
    return "2000-01-01";
  }

  std::string fixed_line() {
    auto fixed = number(item_, "fixedchargefirstmeter", "rate");
    const std::string unit = word("fixedchargeunits");
    if (!fixed) fixed = number(item_, "fixedmonthlycharge", "rate");
    if (!fixed) return "";
    if (unit == "$/day") return fmt::format("    fixed_per_month: {}\n", number_text(*fixed * kDaysAMonth));
    if (!unit.empty() && unit != "$/month")
      warn(fmt::format("fixedchargeunits: `{}` is taken as a month's charge, for reports only", unit));
    return fmt::format("    fixed_per_month: {}\n", number_text(*fixed));
  }

  /// Called last: by then the seasons are known.
  std::string head() {
    std::string text = fmt::format("id: {}\n", options_.id);
    text += fmt::format("title: {}\n", quoted(word("utility") + (word("utility").empty() ? "" : ", ") + word("name")));
    text += fmt::format("source: {}\n", quoted(fmt::format("OpenEI utility rate database, label {}{}", word("label"),
                                                           word("uri").empty() ? "" : ", " + word("uri"))));
    text += fmt::format("checked: {}\n", options_.checked);
    text += "notes: \"Imported. Check your bill.\"\n";
    text += fmt::format("currency: {0}\nunit: {0}/kWh\nzone: {1}\n", options_.currency, options_.zone);
    if (!options_.holidays.empty()) text += fmt::format("holidays: {{calendar: {}, as: weekend}}\n", options_.holidays);
    if (!seasons_.empty()) {
      text += "seasons:\n";
      for (const auto& [name, ranges] : seasons_) text += fmt::format("  {}: {}\n", name, ranges);
    }
    text += "versions:\n";
    const auto start = number(item_, "startdate", "rate"), end = number(item_, "enddate", "rate");
    if (!start) warn("startdate: is missing; the prices are taken to hold from 2000 on");
    text += fmt::format("  - valid_from: {}\n", start ? day_text(*start, "startdate") : "2000-01-01");
    if (end) text += fmt::format("    expect_next: {}\n", day_text(*end, "enddate"));
    return text + fixed_line();
  }

  const json& item_;
  const UrdbOptions& options_;
  std::vector<std::string> errors_, warnings_;
  std::map<std::string, std::string> seasons_;
  std::vector<std::string> unsold_;
  bool sells_ = false;
};

Result<json> chosen_item(std::string_view text, const std::string& label) {
  json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) return fail(ErrorKind::invalid, "this is not JSON");
  if (!root.is_object()) return fail(ErrorKind::invalid, "expected what the database answers: {{\"items\": […]}}");
  const auto items = root.find("items");
  if (items == root.end()) {
    if (!root.contains("energyratestructure"))
      return fail(ErrorKind::invalid, "neither `items` nor `energyratestructure` is there: is this a URDB answer?");
    return root;
  }
  if (!items->is_array() || items->empty()) return fail(ErrorKind::invalid, "`items` is empty: nothing was found");
  std::vector<std::string> labels;
  for (const json& item : *items) {
    if (!item.is_object()) continue;
    labels.push_back(text_at(item, "label"));
    if (labels.back() == label || (label.empty() && items->size() == 1)) return item;
  }
  return fail(ErrorKind::invalid, "{}: choose one with --label; there are: {}",
              label.empty() ? "several rates" : "no rate has the label " + label, fmt::join(labels, ", "));
}

}  // namespace

Result<UrdbImport> import_urdb(std::string_view text, const UrdbOptions& options) {
  const Result<json> item = chosen_item(text, options.label);
  if (!item) return tl::unexpected(item.error());
  Result<UrdbImport> done = Importer(*item, options).run();
  if (!done) return done;
  std::vector<yaml::Diagnostic> diagnostics;
  if (parse_plan(done->yaml, options.id, diagnostics)) return done;
  std::string all;
  for (const yaml::Diagnostic& one : diagnostics) all += (all.empty() ? "" : "\n") + to_string(one);
  return fail(ErrorKind::invalid, "{}", all);
}

}  // namespace sluice::tariff
