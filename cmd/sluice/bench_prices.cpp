#include "bench_prices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench_plan.hpp"
#include "crew.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"
#include "model/names.hpp"
#include "sim/price_bench.hpp"
#include "sim/suite.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kDay = 86'400;
constexpr double kBreakEvenMwh = 25.0;
constexpr const char* kPlants[] = {"ideal-on-off:3250", "luxos-target"};
constexpr Duration kPublished = std::chrono::hours(13);

struct Season {
  const char* name;
  std::size_t from, to;
  double kwp;
};
constexpr Season kSeasons[] = {{"winter", 0, 60, 4.0}, {"autumn", 240, 300, 4.0}, {"summer", 120, 180, 8.0}};
constexpr double kSuiteKwp = 5.0;

struct Played {
  sim::PriceCase bench;
  sim::PriceYardstick by;
  std::vector<sim::Contender> who;
  std::vector<sim::PriceOutcome> outcomes;  ///< of `who`; of the oracle it stays empty
};

Result<std::vector<sim::PriceCase>> with_sun(const sim::PriceCase& base, const BenchOptions& options) {
  const auto suite = sim::load_suite("year", data_directory(), options.seed, kSuiteKwp);
  if (!suite) return tl::unexpected(suite.error());
  std::vector<sim::PriceCase> out;
  for (const Season& season : kSeasons) {
    sim::PriceCase made = base;
    made.trace = suite->trace;
    made.battery = sim::BatterySetup{};
    made.tick = std::chrono::seconds(1);
    made.name = fmt::format("{}, {} under {:.0f} kWp with 10 kWh", base.name, season.name, season.kwp);
    made.pv_scale = season.kwp / kSuiteKwp;
    made.first_day = season.from;
    made.days = season.to - season.from;
    if (!options.days.empty()) {
      made.days = base.days;
      if (const auto fine = cut(options.days, made.name, made.first_day, made.days); !fine)
        return tl::unexpected(fine.error());
    }
    out.push_back(std::move(made));
    if (!options.days.empty()) break;
  }
  return out;
}

Result<std::vector<sim::PriceCase>> cases(const BenchOptions& options) {
  auto prices = sim::load_price_trace(options.prices, data_directory());
  if (!prices) return fail(prices.error().kind, "--prices: {}", prices.error().text);
  const auto profile = profile_from_name(options.profile);
  if (!profile) return fail(ErrorKind::invalid, "--profile {}: known are gentle, normal, bare", options.profile);
  const bool real_time = options.prices == "5min";
  if (real_time && options.battery) return fail(ErrorKind::invalid, "--battery: with day-ahead prices only");
  sim::PriceCase base;
  base.name = options.prices;
  base.days = prices->days();
  base.prices = std::make_shared<const sim::PriceTrace>(*std::move(prices));
  if (!real_time) base.published = kPublished;
  base.break_even = PricePerKwh(options.break_even.value_or(kBreakEvenMwh) / 1000.0);
  base.profile = *profile;
  base.seed = options.seed;
  base.tick = std::chrono::seconds(options.tick_s > 0 ? options.tick_s : 10);
  std::vector<sim::PriceCase> out;
  for (const std::string name : kPlants) {
    if (options.plant_named && name != kPlants[0]) break;
    if (options.battery && !options.plant_named && name != kPlants[1]) continue;
    const auto plant = sim::plant_spec(options.plant_named ? options.plant : name);
    if (!plant) return fail(ErrorKind::invalid, "--plant: {}", plant.error().text);
    sim::PriceCase made = base;
    made.plant = *plant;
    made.curve = sim::straight_curve(made.plant);
    if (options.battery) {
      auto seasons = with_sun(made, options);
      if (!seasons) return seasons;
      out.insert(out.end(), seasons->begin(), seasons->end());
      continue;
    }
    if (const auto fine = cut(options.days, made.name, made.first_day, made.days); !fine)
      return tl::unexpected(fine.error());
    out.push_back(made);
    if (!real_time) continue;
    made.late = made.prices->step;
    made.name += ", told one slot late";
    out.push_back(std::move(made));
  }
  return out;
}

Result<std::vector<sim::Contender>> contenders(const BenchOptions& options) {
  std::vector<sim::Contender> out;
  const auto known = sim::price_contenders();
  if (options.controllers.empty()) {
    for (const sim::Contender& one : known) {
      const bool follows_sun = one.id == "sluice-solar" || one.id == "sluice-evening";
      if (options.battery || !follows_sun) out.push_back(one);
    }
    return out;
  }
  for (const std::string& id : options.controllers) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.id == id; });
    if (found == known.end()) {
      std::string names;
      for (const sim::Contender& one : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", one.id);
      return fail(ErrorKind::invalid, "--controllers: no \"{}\"; known are {}", id, names);
    }
    out.push_back(*found);
  }
  return out;
}

struct Row {
  std::string_view who;
  double net = 0.0, pct = 0.0, starts_per_day = 0.0, running_h = 0.0;
  std::optional<double> changes_per_hour, mined_kwh;
};

std::vector<Row> rows(const Played& played) {
  std::vector<Row> out;
  const auto days = static_cast<double>(played.bench.days);
  for (std::size_t i = 0; i < played.who.size(); ++i) {
    const sim::PriceOutcome& outcome = played.outcomes[i];
    Row row;
    row.who = played.who[i].id;
    if (row.who == "oracle") {
      row.net = played.by.best.value();
      row.starts_per_day = played.by.starts / days;
      row.running_h = played.by.running_s / 3600.0;
    } else {
      row.net = outcome.net(played.by.idle, played.bench.start_cost).value();
      row.starts_per_day = outcome.score.starts / days;
      row.running_h = outcome.running_s / 3600.0;
      row.changes_per_hour = outcome.running_s > 0.0 ? outcome.changes * 3600.0 / outcome.running_s : 0.0;
      row.mined_kwh = outcome.score.mined.value() / 1000.0;
    }
    row.pct = 100.0 * row.net / played.by.best.value();
    out.push_back(row);
  }
  return out;
}

void print(const Played& played) {
  const sim::PriceCase& bench = played.bench;
  fmt::print("{}: {}, {} days, breaks even at {:.0f} per MWh, start {:.2f}, profile {}, a look every {:.0f} s\n",
             bench.name, bench.plant.name, bench.days, bench.break_even.value() * 1000.0, bench.start_cost.value(),
             to_string(bench.profile), to_seconds(bench.tick));
  fmt::print("{:<18}{:>12}{:>10}{:>11}{:>9}{:>11}{:>12}\n", "", played.by.bound ? "of bound %" : "of oracle %", "net",
             "starts/d", "hours", "changes/h", "mined kWh");
  for (const Row& row : rows(played)) {
    const bool unknown = played.by.bound && row.who == "oracle";
    const auto cell = [](bool shown, double value, int width, int digits) {
      return shown ? fmt::format("{:>{}.{}f}", value, width, digits) : fmt::format("{:>{}}", "-", width);
    };
    fmt::print("{:<18}{:>12.1f}{:>10.2f}{}{}{}{}\n", row.who, row.pct, row.net,
               cell(!unknown, row.starts_per_day, 11, 2), cell(!unknown, row.running_h, 9, 0),
               cell(row.changes_per_hour.has_value(), row.changes_per_hour.value_or(0), 11, 1),
               cell(row.mined_kwh.has_value(), row.mined_kwh.value_or(0), 12, 0));
  }
  if (played.by.bound) fmt::print("The oracle is a linear programme: no starts, wakes, least power, sleeping watts.\n");
}

ordered_json json_rows(const Played& played) {
  ordered_json out = ordered_json::array();
  for (const Row& row : rows(played)) {
    const auto value = [](const std::optional<double>& number) { return number ? ordered_json(*number) : nullptr; };
    out.push_back({{"case", played.bench.name},
                   {"plant", played.bench.plant.name},
                   {"break_even_per_mwh", played.bench.break_even.value() * 1000.0},
                   {"late_s", to_seconds(played.bench.late)},
                   {"tick_s", to_seconds(played.bench.tick)},
                   {"days", played.bench.days},
                   {"controller", row.who},
                   {"net_value_pct", row.pct},
                   {"net_value", row.net},
                   {"starts_per_day", row.starts_per_day},
                   {"running_hours", row.running_h},
                   {"changes_per_hour", value(row.changes_per_hour)},
                   {"mined_kwh", value(row.mined_kwh)}});
  }
  return out;
}

void play_all(std::vector<Played>& all, unsigned threads) {
  std::size_t days = 0;
  for (const Played& played : all) days += played.bench.days * (1 + played.who.size());
  const io::SystemClock clock;
  ProgressBar bar("simulated days", days, clock);
  const sim::Progress progress = [&bar](std::size_t seconds) { bar.done(seconds / kDay); };
  std::vector<std::function<void()>> jobs;
  for (Played& played : all) {
    played.outcomes.resize(played.who.size());
    jobs.emplace_back([&played, &progress] { played.by = sim::price_yardstick(played.bench, progress); });
    for (std::size_t k = 0; k < played.who.size(); ++k) {
      if (played.who[k].id == "oracle") continue;
      jobs.emplace_back(
          [&played, k, &progress] { played.outcomes[k] = sim::play(played.bench, played.who[k].id, progress); });
    }
  }
  work_off(jobs, threads, bar, clock);
}

}  // namespace

int bench_prices(const BenchOptions& options) {
  const auto complain = [](const Error& error) {
    fmt::print(stderr, "sluice bench: {}\n", error.text);
    return kExitBadInput;
  };
  const auto made = cases(options);
  if (!made) return complain(made.error());
  const auto who = contenders(options);
  if (!who) return complain(who.error());
  std::vector<Played> all;
  for (const sim::PriceCase& bench : *made) all.push_back({bench, {}, *who, {}});
  play_all(all, options.jobs);
  ordered_json out = ordered_json::array();
  for (const Played& played : all) {
    if (options.as_json) {
      for (auto& row : json_rows(played)) out.push_back(std::move(row));
    } else {
      if (&played != &all.front()) fmt::print("\n");
      print(played);
    }
  }
  if (options.as_json) fmt::print("{}\n", out.dump(2));
  return kExitOk;
}

}  // namespace sluice::cmd
