#include "bench_plan.hpp"

#include <charconv>
#include <filesystem>
#include <string>
#include <utility>

#include "model/names.hpp"
#include "sim/suite.hpp"

namespace sluice::cmd {
namespace {

constexpr std::size_t kDay = 86'400;
constexpr double kUsualKwp = 5.0;
constexpr double kFleetKwp = 9.0;
constexpr double kLambdaWithoutExport = 7.0 / 3.0;
const char* const kFleet[] = {"luxos-target", "vnish-throttle"};

/// Days of a year, with an array, that show what a battery law is worth.
struct Season {
  const char* name;
  std::size_t from, to;
  double kwp;
};
constexpr Season kSeasons[] = {{"winter", 0, 60, 4.0}, {"autumn", 240, 300, 4.0}, {"summer", 120, 180, 8.0}};

Result<std::vector<std::vector<sim::PlantSpec>>> plants(const BenchOptions& options) {
  std::vector<std::vector<sim::PlantSpec>> out;
  if (options.fleet) {
    out.emplace_back();
    for (const char* name : kFleet) out.back().push_back(sim::plant_spec(name).value());
    return out;
  }
  for (const std::string& known : options.plant == "all" ? sim::plant_names() : std::vector{options.plant}) {
    const Result<sim::PlantSpec> plant = sim::plant_spec(known);
    if (!plant) return fail(ErrorKind::invalid, "--plant: {}, all", plant.error().text);
    out.push_back({*plant});
  }
  return out;
}

bool shown(sim::Setting setting, const BenchOptions& options) {
  switch (setting) {
    case sim::Setting::any:
      return true;
    case sim::Setting::no_battery:
      return !options.battery;
    case sim::Setting::battery:
      return options.battery;
    case sim::Setting::zero_export:
      return options.zero_export;
  }
  return true;
}

Result<std::vector<sim::Contender>> contenders(const BenchOptions& options) {
  std::vector<sim::Contender> out;
  if (options.controllers.empty()) {
    for (const sim::Contender& one : sim::contenders()) {
      if (shown(one.setting, options)) out.push_back(one);
    }
    return out;
  }
  for (const std::string& id : options.controllers) {
    const Result<sim::Contender> one = sim::contender(id);
    if (!one) return fail(ErrorKind::invalid, "--controllers: {}", one.error().text);
    out.push_back(*one);
  }
  return out;
}

Result<sim::Stress> stress(const std::vector<std::string>& names) {
  sim::Stress out;
  for (const std::string& name : names) {
    if (name == "bias") {
      out.bias_span = 0.15;
    } else if (name == "dead-time") {
      out.hidden_dead_time = std::chrono::seconds(5);
    } else if (name == "ramp-up") {
      out.ramp_up_factor = 2.0;
    } else if (name == "loss") {
      out.command_loss = 0.01;
    } else if (name == "reboots") {
      out.mean_reboot_gap = std::chrono::hours(12);
    } else {
      return fail(ErrorKind::invalid, "--stress {}: known are bias, dead-time, ramp-up, loss, reboots", name);
    }
  }
  return out;
}

/// Sun and load in full length, as of `kUsualKwp`; more or less of an array is a factor.
Result<std::vector<sim::BenchCase>> traces(const BenchOptions& options, double kwp) {
  std::vector<Result<sim::Suite>> suites;
  if (!options.pv_file.empty()) {
    suites.push_back(
        sim::suite_from_files(options.pv_file, options.load_file, data_directory(), options.seed, kUsualKwp));
  } else {
    for (const char* name : {"year", "day_a", "day_b"}) {
      if (options.suite != name && options.suite != "all") continue;
      suites.push_back(sim::load_suite(name, data_directory(), options.seed, kUsualKwp));
    }
  }
  if (suites.empty()) return fail(ErrorKind::invalid, "--suite {}: known are year, day_a, day_b, all", options.suite);
  std::vector<sim::BenchCase> out;
  for (Result<sim::Suite>& suite : suites) {
    if (!suite) return tl::unexpected(suite.error());
    sim::BenchCase made;
    made.trace_name = suite->name;
    made.trace = std::move(suite->trace);
    made.days = suite->days;
    made.pv_scale = kwp / kUsualKwp;
    out.push_back(std::move(made));
  }
  return out;
}

/// The seasons of a trace of a year; a shorter one as it is, under the array of summer.
std::vector<sim::BenchCase> with_battery(const sim::BenchCase& base, double kwp) {
  sim::BenchCase made = base;
  made.battery = sim::BatterySetup{};
  std::vector<sim::BenchCase> out;
  for (const Season& season : kSeasons) {
    if (base.days < season.to) continue;
    made.trace_name = base.trace_name + "/" + season.name;
    made.first_day = season.from;
    made.days = season.to - season.from;
    made.pv_scale = base.pv_scale * season.kwp / kwp;
    out.push_back(made);
  }
  if (!out.empty()) return out;
  made.pv_scale = base.pv_scale * kSeasons[2].kwp / kwp;
  return {made};
}

}  // namespace

std::string data_directory() {
  return std::filesystem::exists(SLUICE_DATA_DIR) ? SLUICE_DATA_DIR : SLUICE_SOURCE_DATA_DIR;
}

Result<void> cut(const std::string& days, const std::string& name, std::size_t& first_day, std::size_t& count) {
  const std::size_t there = count;
  if (days.empty()) return {};
  std::size_t from = 0, to = 0;
  const char* const end = days.data() + days.size();
  const auto first = std::from_chars(days.data(), end, from);
  const bool colon = first.ec == std::errc{} && first.ptr != end && *first.ptr == ':';
  const auto second = colon ? std::from_chars(first.ptr + 1, end, to) : first;
  if (!colon || second.ec != std::errc{} || second.ptr != end || from >= to || to > there) {
    return fail(ErrorKind::invalid, "--days {}: write A:B with 0 <= A < B <= {}, the days of {}", days, there, name);
  }
  first_day = from;
  count = to - from;
  return {};
}

Result<BenchPlan> bench_plan(const BenchOptions& options) {
  if (options.battery + options.zero_export + options.fleet > 1) {
    return fail(ErrorKind::invalid, "--battery, --zero-export and --fleet: one at a time");
  }
  const auto profile = profile_from_name(options.profile);
  if (!profile) return fail(ErrorKind::invalid, "--profile {}: known are gentle, normal, bare", options.profile);
  const auto kinds = plants(options);
  if (!kinds) return tl::unexpected(kinds.error());
  const auto who = contenders(options);
  if (!who) return tl::unexpected(who.error());
  const auto harder = stress(options.stress);
  if (!harder) return tl::unexpected(harder.error());
  const double kwp = options.fleet ? kFleetKwp : kUsualKwp;
  const auto bases = traces(options, kwp);
  if (!bases) return tl::unexpected(bases.error());

  BenchPlan plan{{}, *who};
  for (const sim::BenchCase& base : *bases) {
    std::vector<sim::BenchCase> windows{base};
    if (options.battery && options.days.empty()) windows = with_battery(base, kwp);
    if (options.battery && !options.days.empty()) windows.front().battery = sim::BatterySetup{};
    for (sim::BenchCase& window : windows) {
      if (const Result<void> fits = cut(options.days, window.trace_name, window.first_day, window.days); !fits)
        return tl::unexpected(fits.error());
      window.profile = *profile;
      window.seed = options.seed;
      window.stress = *harder;
      window.zero_export = options.zero_export;
      if (options.zero_export) window.inverter = Watts(1000.0 * kwp);
      window.lambda = options.lambda.value_or(options.zero_export ? kLambdaWithoutExport : window.lambda);
      for (const auto& miners : *kinds) {
        plan.cases.push_back(window);
        plan.cases.back().plants = miners;
        if (!options.asleep_w) continue;
        for (sim::PlantSpec& miner : plan.cases.back().plants) {
          miner.dynamics.sleep_power = min(Watts(*options.asleep_w), miner.envelope.min);
        }
      }
    }
  }
  return plan;
}

}  // namespace sluice::cmd
