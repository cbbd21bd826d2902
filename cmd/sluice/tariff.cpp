#include "tariff.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/paths.hpp"
#include "common/tariffs.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"
#include "io/time_zone.hpp"
#include "tariff/urdb.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;
using tariff::LocalDay;
using tariff::LocalTime;

constexpr Duration kCell = std::chrono::minutes(30);  // of the strip

int complain(const Error& error) {
  fmt::print(stderr, "sluice tariff: {}\n", error.text);
  return error.kind == ErrorKind::io ? kExitFailed : kExitBadInput;
}

std::string day_text(LocalDay day) {
  constexpr std::array<const char*, 7> kNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  return fmt::format("{} {}", kNames[std::chrono::weekday(day).iso_encoding() - 1], tariff::to_string(day));
}

std::string clock_text(const tariff::LocalClock& clock) {
  return tariff::clock_text(static_cast<int>(clock.of_day / std::chrono::minutes(1)));
}

/// `2026-11-28T06:00:00-05:00`.
std::string iso_text(const LocalTime& local, WallTime time) {
  const tariff::LocalClock clock = local.at(time);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock.of_day).count() % 60;
  const auto offset = local.offset(time).count() / 60;
  return fmt::format("{}T{}:{:02}{}{:02}:{:02}", tariff::to_string(clock.day), clock_text(clock), seconds,
                     offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

std::string_view kind_text(PriceKind kind) {
  switch (kind) {
    case PriceKind::fixed:
      return "fixed";
    case PriceKind::published:
      return "published";
    case PriceKind::forecast:
      return "forecast";
    case PriceKind::fallback:
      return "fallback";
  }
  return "fallback";
}

std::string flags_of(const PriceSlot& slot) {
  std::string flags;
  const auto add = [&](bool holds, std::string_view word) {
    if (holds) flags += (flags.empty() ? "" : ", ") + std::string(word);
  };
  add(slot.event, "event");
  add(slot.demand_window, "demand");
  add(slot.kind != PriceKind::fixed, kind_text(slot.kind));
  return flags;
}

/// Days as rows of half-hour cells, the dearer the higher; green to red where colours are wanted, blue below zero.
class Strip {
 public:
  Strip(const PriceOutlook& outlook, const LocalTime& local, bool colours)
      : outlook_(outlook), local_(local), colours_(colours) {
    for (const PriceSlot& slot : outlook.slots) {
      low_ = std::min(low_, slot.import_price.value());
      high_ = std::max(high_, slot.import_price.value());
    }
  }

  static std::string hours() {
    std::string line(16, ' ');
    for (int hour = 0; hour < 24; hour += 3) line += fmt::format("{:<6}", hour);
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }

  std::string row(LocalDay day) const {
    std::string line = day_text(day) + "  ";
    const WallTime end = local_.when(day + std::chrono::days(1));
    for (WallTime time = local_.when(day); time < end; time += kCell) {
      const PriceSlot* slot = outlook_.at(time);
      line += slot != nullptr ? cell(slot->import_price.value()) : "·";
    }
    const Duration length = local_.length(day);
    if (length != std::chrono::hours(24)) line += fmt::format("  {:g} h", to_seconds(length) / 3600);
    return line;
  }

  std::string legend(std::string_view currency) const {
    if (low_ > high_) return "no price is known";
    return fmt::format("{} {:.4f} … {} {:.4f} {}/kWh{}", cell(low_), low_, cell(high_), high_, currency,
                       high_ - low_ < 1e-12 ? " at all hours" : "");
  }

 private:
  std::string cell(double price) const {
    constexpr std::array<const char*, 8> kHeights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::array<int, 5> kColours{34, 112, 220, 208, 196};
    const double share = high_ > low_ ? (price - low_) / (high_ - low_) : 0.0;
    const auto step = [&](std::size_t count) {
      return std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)));
    };
    const char* height = kHeights[step(kHeights.size())];
    if (!colours_) return height;
    return fmt::format("\x1b[38;5;{}m{}\x1b[0m", price < 0.0 ? 39 : kColours[step(kColours.size())], height);
  }

  const PriceOutlook& outlook_;
  const LocalTime& local_;
  bool colours_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

void print_table(const PriceOutlook& outlook, const tariff::Evaluation& evaluation, const LocalTime& local) {
  fmt::print("{:<20} {:<20} {:>6}  {:<22} {:>9} {:>9}\n", "from", "to", "h", "period", "import", "export");
  WallTime known = outlook.slots.empty() ? WallTime() : outlook.slots.front().begin;
  for (const PriceSlot& slot : outlook.slots) {
    if (slot.begin != known) fmt::print("… not known …\n");
    const auto at = [&](WallTime time) {
      const tariff::LocalClock clock = local.at(time);
      return day_text(clock.day) + " " + clock_text(clock);
    };
    const std::string flags = flags_of(slot);
    fmt::print("{:<20} {:<20} {:>6.2f}  {:<22} {:>9.4f} {:>9.4f}{}{}\n", at(slot.begin), at(slot.end),
               to_seconds(slot.end - slot.begin) / 3600, evaluation.period_name(slot.period_id),
               slot.import_price.value(), slot.export_price.value(), flags.empty() ? "" : "  ", flags);
    known = slot.end;
  }
}

json slots_json(const PriceOutlook& outlook, const tariff::Evaluation& evaluation, const LocalTime& local) {
  json list = json::array();
  for (const PriceSlot& slot : outlook.slots) {
    list.push_back({{"begin", iso_text(local, slot.begin)},
                    {"end", iso_text(local, slot.end)},
                    {"duration_s", std::chrono::duration_cast<std::chrono::seconds>(slot.end - slot.begin).count()},
                    {"period", evaluation.period_name(slot.period_id)},
                    {"import_per_kwh", slot.import_price.value()},
                    {"export_per_kwh", slot.export_price.value()},
                    {"kind", kind_text(slot.kind)},
                    {"event", slot.event},
                    {"demand_window", slot.demand_window}});
  }
  return list;
}

void warn(const std::vector<yaml::Diagnostic>& warnings) {
  for (const yaml::Diagnostic& one : warnings) fmt::print(stderr, "{}\n", to_string(one));
}

std::optional<WallTime> wall_now() {
  const io::SystemClock clock;
  return clock.wall_sane() ? std::optional(clock.wall_now()) : std::nullopt;
}

/// A plan by name, as its file says; or the tariff of the configuration.
Result<Tariff> named_or_configured(const TariffOptions& options) {
  Tariff chosen;
  if (!options.name.empty()) {
    Result<FoundPlan> found = find_plan(options.name, tariff_directories(options.folders.tariffs));
    if (!found) return tl::unexpected(found.error());
    warn(found->warnings);
    chosen.plan = std::move(found->plan);
    chosen.local_time = *io::load_time_zone(chosen.plan.zone);  // read_plan has looked at it
    return chosen;
  }
  const Result<LoadedConfig> loaded = load_config(options.config_file, options.folders);
  if (!loaded) return tl::unexpected(loaded.error());
  if (!loaded->result.ok()) return fail(ErrorKind::invalid, "{}", config::format_all(loaded->result));
  if (loaded->result.config->tariff.plan.empty())
    return fail(ErrorKind::invalid, "{} names no tariff: name a plan here, or write tariff: {{plan: NAME}} there",
                options.config_file);
  TariffLoad load = load_tariff(*loaded->result.config, tariff_directories(options.folders.tariffs), std::nullopt);
  if (!load.tariff) return fail(ErrorKind::internal, "the tariff was good a moment ago");
  return std::move(*load.tariff);
}

Result<std::string> file_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  if (!stream || !(text << stream.rdbuf())) return fail(ErrorKind::io, "{}: cannot be read", file);
  return text.str();
}

}  // namespace

int list_tariffs(const TariffOptions& options) {
  json list = json::array();
  int code = kExitOk;
  for (const auto& [name, file] : plan_files(tariff_directories(options.folders.tariffs))) {
    const Result<FoundPlan> found = read_plan(file);
    if (!found) {
      code = complain(found.error());
      continue;
    }
    const tariff::Plan& plan = found->plan;
    const std::string prices = tariff::to_string(plan.versions.back().valid_from);
    if (!options.as_json) {
      fmt::print("{:<20} {}  {}\n", name, plan.currency, plan.title);
      fmt::print("{:<20} prices of {}, looked at on {}\n{:<20} {}\n", "", prices, plan.checked, "", plan.source);
    }
    list.push_back({{"id", name},
                    {"title", plan.title},
                    {"currency", plan.currency},
                    {"zone", plan.zone},
                    {"source", plan.source},
                    {"checked", plan.checked},
                    {"prices_from", prices},
                    {"needs_live_prices", plan.has_live_energy()},
                    {"periods", plan.period_names},
                    {"notes", plan.notes},
                    {"file", file}});
  }
  if (options.as_json) fmt::print("{}\n", list.dump(2));
  if (list.empty() && code == kExitOk && !options.as_json) fmt::print("no plan is installed\n");
  return code;
}

int show_tariff(const TariffOptions& options) {
  const Result<Tariff> chosen = named_or_configured(options);
  if (!chosen) return complain(chosen.error());
  const tariff::Plan& plan = chosen->plan;
  const LocalTime& local = chosen->local_time;
  const auto now = wall_now();
  if (now) warn(lint_age(plan, local.at(*now).day));

  std::optional<LocalDay> first = options.from.empty() ? std::nullopt : tariff::parse_day(options.from);
  if (!options.from.empty() && !first)
    return complain({ErrorKind::invalid, fmt::format("--from {}: write a date such as 2026-11-28", options.from)});
  if (!first && !now) return complain({ErrorKind::invalid, "the clock is not set: name a day with --from"});
  if (!first) first = local.at(*now).day;

  tariff::Circumstances given = chosen->circumstances();
  if (options.drawn_kwh >= 0.0)
    given.drawn = tariff::TierState{tariff::billing_start(*first, given.billing_day), options.drawn_kwh};
  const tariff::Evaluation evaluation(plan, local, given);
  const LocalDay last = *first + std::chrono::days(options.days);
  const PriceOutlook outlook = evaluation.outlook(local.when(*first), local.when(last));

  if (options.as_json) {
    fmt::print("{}\n", json{{"plan", plan.id},
                            {"title", plan.title},
                            {"currency", plan.currency},
                            {"zone", plan.zone},
                            {"source", plan.source},
                            {"checked", plan.checked},
                            {"from", iso_text(local, local.when(*first))},
                            {"to", iso_text(local, local.when(last))},
                            {"slots", slots_json(outlook, evaluation, local)}}
                           .dump(2));
    return kExitOk;
  }
  fmt::print("{}: {}\n{}; clock of {}; looked at on {}\n{}\n\n", plan.id, plan.title, plan.currency, plan.zone,
             plan.checked, plan.source);
  const Strip strip(outlook, local, options.colours);
  fmt::print("{}\n", Strip::hours());
  for (LocalDay day = *first; day < last; day += std::chrono::days(1)) fmt::print("{}\n", strip.row(day));
  fmt::print("{:<16}{}\n\n", "", strip.legend(plan.currency));
  print_table(outlook, evaluation, local);
  if (plan.has_live_energy()) fmt::print("\nThe energy part comes from a price source, which is not asked here.\n");
  if (!plan.notes.empty()) fmt::print("\n{}\n", plan.notes);
  return kExitOk;
}

int check_tariff(const TariffOptions& options) {
  const Result<FoundPlan> found = read_plan(options.name);
  std::vector<std::string> lines;
  if (found) {
    for (const yaml::Diagnostic& one : found->warnings) lines.push_back(to_string(one));
    const auto now = wall_now();
    const auto local = io::load_time_zone(found->plan.zone);
    if (now && local)
      for (const yaml::Diagnostic& one : lint_age(found->plan, local->at(*now).day)) lines.push_back(to_string(one));
  } else {
    std::stringstream text(found.error().text);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
  }
  if (options.as_json) {
    fmt::print("{}\n", json{{"ok", found.has_value()}, {"diagnostics", lines}}.dump(2));
  } else {
    for (const std::string& line : lines) fmt::print(stderr, "{}\n", line);
    if (found) fmt::print("{}: good\n", options.name);
  }
  return found ? kExitOk : kExitBadInput;
}

int import_tariff(const TariffOptions& options) {
  const Result<std::string> text = file_text(options.name);
  if (!text) return complain(text.error());
  if (auto zone = io::load_time_zone(options.zone); !zone) return complain(zone.error());
  if (!options.holidays.empty() && !tariff::calendar_from_name(options.holidays))
    return complain({ErrorKind::invalid, fmt::format("no calendar is called `{}`; known: {}", options.holidays,
                                                     fmt::join(tariff::calendar_names(), ", "))});
  const auto now = wall_now();
  tariff::UrdbOptions chosen;
  chosen.id = options.id;
  chosen.zone = options.zone;
  chosen.currency = options.currency;
  chosen.holidays = options.holidays;
  chosen.label = options.label;
  chosen.checked = now ? tariff::to_string(LocalTime().at(*now).day) : "1970-01-01";
  const Result<tariff::UrdbImport> done = tariff::import_urdb(*text, chosen);
  if (!done) return complain(done.error());
  for (const std::string& warning : done->warnings) fmt::print(stderr, "warning: {}\n", warning);
  fmt::print("{}", done->yaml);
  return kExitOk;
}

}  // namespace sluice::cmd
