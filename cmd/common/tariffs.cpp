#include "common/tariffs.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/paths.hpp"
#include "config/scalars.hpp"
#include "io/time_zone.hpp"
#include "tariff/overrides.hpp"

namespace sluice::cmd {
namespace {

namespace fs = std::filesystem;
using config::Severity;

constexpr std::size_t kMostPlanBytes = 256 * 1024;

/// `2026-12-10 06:00`.
std::optional<WallTime> local_instant(const tariff::LocalTime& clock, std::string_view text) {
  if (text.size() != 16 || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  const auto day = tariff::parse_day(text.substr(0, 10));
  const auto minutes = tariff::parse_clock(text.substr(11));
  if (!day || !minutes) return std::nullopt;
  return clock.when(*day, std::chrono::minutes(*minutes));
}

/// The same, or `2026-12-10` for its first minute.
std::optional<WallTime> local_reading(const tariff::LocalTime& clock, const std::string& text) {
  return local_instant(clock, text.size() == 10 ? text + " 00:00" : text);
}

tariff::Overrides overrides_of(const config::TariffConfig& from) {
  tariff::Overrides overrides;
  overrides.zone = from.zone;
  if (from.multiplier > 0.0) overrides.multiplier = from.multiplier;
  for (const auto& adder : from.adders) overrides.adders.push_back({adder.name, adder.price, {}});
  if (from.exported != config::TariffExport::plan) {
    tariff::Export exported;
    exported.mode = from.exported == config::TariffExport::none   ? tariff::ExportMode::none
                    : from.exported == config::TariffExport::same ? tariff::ExportMode::same
                                                                  : tariff::ExportMode::fixed;
    exported.price = from.export_price.value_or(PricePerKwh());
    overrides.exported = std::move(exported);
  }
  if (from.demand_rate_per_kw > 0.0) {
    tariff::DemandCharge charge;
    charge.name = "demand";
    charge.rate_per_kw = from.demand_rate_per_kw;
    charge.interval = std::chrono::duration_cast<std::chrono::minutes>(from.demand_interval);
    charge.ratchet_share = from.demand_ratchet_pct / 100.0;
    overrides.demand = std::move(charge);
  }
  return overrides;
}

/// The feed and the plan call colours by names of their own choice; where those differ, days stay without one.
void judge_colours(const tariff::Plan& plan, const feeds::Definition& feed,
                   std::vector<config::Catalogue::Remark>& remarks) {
  const std::vector<std::string>& names = plan.colours.names;
  std::vector<std::string> told;
  for (const auto& [colour, words] : feed.colours) told.push_back(colour);
  for (const std::string& colour : told) {
    if (std::ranges::find(names, colour) != names.end()) continue;
    const auto meant = config::nearest(colour, names);
    remarks.push_back({Severity::error, "tariff.colours",
                       fmt::format("{} tells days of the colour `{}`, which the plan {} does not have: {}", feed.id,
                                   colour, plan.id, fmt::join(names, ", ")),
                       fmt::format("under `colours:` in {} write {} instead", feed.file,
                                   meant ? *meant : "one of the plan's colours")});
  }
  for (const std::string& colour : names) {
    if (std::ranges::find(told, colour) != told.end()) continue;
    remarks.push_back({Severity::warning, "tariff.colours",
                       fmt::format("{} never tells a day of the plan's colour `{}`", feed.id, colour),
                       fmt::format("under `colours:` in {} write `{}` and the source's words for it; it tells: {}",
                                   feed.file, colour, fmt::join(told, ", "))});
  }
}

void judge_so_far(const config::TariffConfig& section, Tariff& tariff, std::optional<WallTime> now,
                  std::vector<config::Catalogue::Remark>& remarks) {
  const auto say = [&](Severity severity, std::string key, std::string message, std::string hint) {
    remarks.push_back({severity, "tariff.so_far" + std::move(key), std::move(message), std::move(hint)});
  };
  const config::TariffConfig::SoFar& entered = section.so_far;
  if (!entered.drawn_kwh && !entered.peak_kw)
    say(Severity::error, "", "says nothing", "write drawn_kwh, or peak_kw, as the meter or the utility tells it");
  if (entered.drawn_kwh && !has_tiers(tariff.plan))
    say(Severity::error, ".drawn_kwh", "has no effect: the plan has no tiers", "remove it");
  if (entered.peak_kw && !has_demand(tariff.plan))
    say(Severity::error, ".peak_kw", "has no effect: the plan has no demand charge", "remove it");
  const auto at = local_reading(tariff.local_time, entered.at);
  if (!at)
    return say(Severity::error, ".at", fmt::format("\"{}\" is no time", entered.at),
               "write it as 2026-12-10 06:00, or as a date alone");
  tariff.so_far = {*at, entered.drawn_kwh, {}};
  if (entered.peak_kw) tariff.so_far->peak = Watts(*entered.peak_kw * 1000.0);
  if (!now) return;
  const auto period_of = [&](WallTime time) {
    return tariff::billing_start(tariff.local_time.at(time).day, section.billing_day);
  };
  if (*at > *now) say(Severity::warning, ".at", "lies ahead: it counts from then on", "write when it was read");
  if (period_of(*at) < period_of(*now))
    say(Severity::warning, "", "is of a billing period that is over: its kWh count no more",
        "remove it once no ratchet needs its peak");
}

}  // namespace

std::map<std::string, std::string> plan_files(const std::vector<std::string>& directories) {
  std::map<std::string, std::string> files;
  for (const std::string& directory : directories) {
    std::error_code trouble;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, trouble))
      if (entry.path().extension() == ".yaml") files[entry.path().stem().string()] = entry.path().string();
  }
  return files;
}

Result<FoundPlan> read_plan(const std::string& file) {
  std::error_code trouble;
  const auto size = fs::file_size(file, trouble);
  std::ifstream stream(file, std::ios::binary);
  if (trouble || !stream) return fail(ErrorKind::io, "{}: cannot be read", file);
  if (size > kMostPlanBytes)
    return fail(ErrorKind::invalid, "{}: is larger than {} KiB: is this the right file?", file, kMostPlanBytes / 1024);
  std::stringstream text;
  text << stream.rdbuf();
  std::vector<yaml::Diagnostic> diagnostics;
  const auto knows_zone = [](const std::string& name) { return io::load_time_zone(name).has_value(); };
  std::optional<tariff::Plan> plan = tariff::parse_plan(text.str(), file, diagnostics, knows_zone);
  if (plan) return FoundPlan{std::move(*plan), std::move(diagnostics)};
  std::string all;
  for (const yaml::Diagnostic& one : diagnostics) all += (all.empty() ? "" : "\n") + to_string(one);
  return fail(ErrorKind::invalid, "{}", all);
}

Result<FoundPlan> find_plan(const std::string& name, const std::vector<std::string>& directories) {
  if (name.find('/') != std::string::npos) return read_plan(name);
  const auto files = plan_files(directories);
  const auto found = files.find(name);
  if (found == files.end()) {
    std::vector<std::string> names;
    for (const auto& [id, path] : files) names.push_back(id);
    const auto meant = config::nearest(name, names);
    if (meant) return fail(ErrorKind::not_found, "there is no plan `{}`; did you mean {}?", name, *meant);
    return fail(ErrorKind::not_found, "there is no plan `{}`; there are: {}", name,
                names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
  }
  Result<FoundPlan> read = read_plan(found->second);
  if (read && read->plan.id != name)
    return fail(ErrorKind::invalid, "{}: the id `{}` must be the file's name", found->second, read->plan.id);
  return read;
}

tariff::Circumstances Tariff::circumstances() const {
  tariff::Circumstances given;
  given.billing_day = billing_day;
  given.events = events;
  return given;
}

TariffLoad load_tariff(const config::Config& config, const std::vector<std::string>& directories,
                       std::optional<WallTime> now, const feeds::Library* feeds) {
  const config::TariffConfig& section = config.tariff;
  TariffLoad load;
  const auto say = [&](Severity severity, std::string path, std::string message, std::string hint = {}) {
    load.remarks.push_back({severity, std::move(path), std::move(message), std::move(hint)});
  };
  Result<FoundPlan> found = find_plan(section.plan, directories);
  if (!found) {
    std::stringstream lines(found.error().text);
    for (std::string line; std::getline(lines, line);) say(Severity::error, "tariff.plan", line);
    return load;
  }
  for (const yaml::Diagnostic& one : found->warnings) say(Severity::warning, "tariff.plan", to_string(one));

  Tariff ready;
  ready.plan = std::move(found->plan);
  if (ready.plan.currency != config.currency)
    say(Severity::error, "tariff.plan",
        fmt::format("the plan is in {}, site.currency is {}", ready.plan.currency, config.currency),
        fmt::format("write currency: {} under site, or choose another plan", ready.plan.currency));
  apply(overrides_of(section), ready.plan);
  ready.billing_day = section.billing_day;
  ready.accepted_peak = section.accepted_peak;
  if (section.demand_interval % std::chrono::minutes(1) != Duration{} ||
      std::chrono::hours(1) % section.demand_interval != Duration{})
    say(Severity::error, "tariff.demand.interval_s", "does not divide an hour", "write 300, 900, 1800 or 3600");

  Result<tariff::LocalTime> zone = io::load_time_zone(ready.plan.zone);
  if (!zone) {
    say(Severity::error, "tariff.zone", zone.error().text);
    return load;
  }
  ready.local_time = std::move(*zone);
  for (std::size_t index = 0; index < section.events.size(); ++index) {
    const auto& event = section.events[index];
    const std::string path = fmt::format("tariff.events[{}]", index);
    const auto from = local_instant(ready.local_time, event.from), to = local_instant(ready.local_time, event.to);
    const char* hint = "write it as 2026-12-10 06:00";
    if (!from) say(Severity::error, path + ".from", fmt::format("\"{}\" is no time", event.from), hint);
    if (!to) say(Severity::error, path + ".to", fmt::format("\"{}\" is no time", event.to), hint);
    if (!from || !to) continue;
    if (*to <= *from) say(Severity::error, path + ".to", "lies not after `from`", "write the later time here");
    const tariff::Version* version = ready.plan.version_on(ready.local_time.at(*from).day);
    if (!event.import_price && (version == nullptr || !version->event_period))
      say(Severity::error, path + ".import_per_kwh", "is missing: the plan has no price for events",
          "write what a kWh costs then");
    ready.events.push_back({*from, *to, event.import_price, event.export_price});
  }
  if (!section.so_far.at.empty()) judge_so_far(section, ready, now, load.remarks);
  if (!section.colours.feed.empty() && ready.plan.colours.names.empty())
    say(Severity::error, "tariff.colours", "the plan knows no colours of days", "remove it, or choose another plan");
  const feeds::Definition* teller = feeds != nullptr ? feeds->find(section.colours.feed) : nullptr;
  if (teller != nullptr && teller->series_for(feeds::Use::colour) != nullptr && !ready.plan.colours.names.empty())
    judge_colours(ready.plan, *teller, load.remarks);
  const auto has_event_price = [](const tariff::Version& version) { return version.event_period.has_value(); };
  if (!section.event_feed.feed.empty() && std::ranges::none_of(ready.plan.versions, has_event_price))
    say(Severity::error, "tariff.event_feed", "the plan has no price for events", "remove it, or choose another plan");
  if (now)
    for (const yaml::Diagnostic& one : lint_age(ready.plan, ready.local_time.at(*now).day))
      say(Severity::warning, "tariff.plan", to_string(one));
  const auto is_error = [](const auto& remark) { return remark.severity == Severity::error; };
  if (std::none_of(load.remarks.begin(), load.remarks.end(), is_error)) load.tariff = std::move(ready);
  return load;
}

}  // namespace sluice::cmd
