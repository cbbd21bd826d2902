#include "bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench_plan.hpp"
#include "bench_plot.hpp"
#include "bench_prices.hpp"
#include "crew.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::ordered_json;

struct Rated {
  sim::Yardstick by;
  std::vector<sim::BenchRow> rows;
};

ordered_json value_of(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json as_json(const std::vector<Rated>& all, const BenchPlan& plan) {
  ordered_json out = ordered_json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const sim::BenchCase& bench = plan.cases[i];
    for (const sim::BenchRow& row : all[i].rows) {
      ordered_json line = {{"controller", row.controller},
                           {"plant", row.plant},
                           {"profile", row.profile},
                           {"trace", row.trace},
                           {"trained_on", row.trained_on},
                           {"csr_pct", value_of(row.csr_pct)},
                           {"leak_pct", row.leak_pct},
                           {"nsv_pct", value_of(row.nsv_pct)},
                           {"starts_per_day", row.starts_per_day},
                           {"changes_per_hour", row.changes_per_hour},
                           {"breaker_s", row.breaker_s},
                           {"days", bench.days},
                           {"seed", bench.seed},
                           {"lambda", bench.lambda},
                           {"captured_wh", row.outcome.score.captured.value()},
                           {"leaked_wh", row.outcome.score.leaked().value()},
                           {"mined_wh", row.outcome.score.mined.value()},
                           {"standby_wh", row.outcome.score.standby.value()},
                           {"imported_wh", row.outcome.score.imported.value()},
                           {"exported_wh", row.outcome.score.exported.value()},
                           {"starts", row.outcome.score.starts}};
      if (row.mined_pct) line["mined_pct"] = *row.mined_pct;
      if (row.net_value_per_day) line["net_value_per_day"] = *row.net_value_per_day;
      if (row.net_value_pct) line["net_value_pct"] = *row.net_value_pct;
      if (row.controller == "oracle" && all[i].by.of_ub1_pct) line["of_ub1_pct"] = *all[i].by.of_ub1_pct;
      if (all[i].by.foresight_pct) line["foresight_pct"] = *all[i].by.foresight_pct;
      out.push_back(std::move(line));
    }
  }
  return out;
}

std::string cell(const std::optional<double>& value, int width, int digits) {
  return value ? fmt::format("{:>{}.{}f}", *value, width, digits) : fmt::format("{:>{}}", "-", width);
}

void print_case(const sim::BenchCase& bench, const Rated& rated) {
  fmt::print("{} on {}, {} {}, profile {}, lambda {:.2f}\n", bench.plant_name(), bench.trace_name, bench.days,
             bench.days == 1 ? "day" : "days", rated.rows.front().profile, bench.lambda);
  fmt::print("{:<28}{:>8}{:>8}{:>8}{:>10}{:>11}{:>11}", "", "CSR %", "leak %", "NSV %", "starts/d", "changes/h",
             "breaker s");
  if (bench.zero_export) fmt::print("{:>9}", "mined %");
  if (bench.battery) fmt::print("{:>11}{:>11}{:>11}", "value/d", "value %", "mined kWh");
  fmt::print("\n");
  for (const sim::BenchRow& row : rated.rows) {
    // Of perfect foresight only sums are known.
    const bool sums_only = row.controller == "oracle" && rated.by.best.running_s == 0.0;
    const auto played = [&](double value) { return sums_only ? std::nullopt : std::optional(value); };
    fmt::print("{:<28}{}{:>8.2f}{}{:>10.1f}{}{}", row.controller, cell(row.csr_pct, 8, 2), row.leak_pct,
               cell(row.nsv_pct, 8, 2), row.starts_per_day, cell(played(row.changes_per_hour), 11, 1),
               cell(played(row.breaker_s), 11, 0));
    if (bench.zero_export) fmt::print("{}", cell(row.mined_pct, 9, 1));
    if (bench.battery) {
      fmt::print("{}{}{:>11.1f}", cell(row.net_value_per_day, 11, 3), cell(row.net_value_pct, 11, 1),
                 row.outcome.score.mined.value() / 1000.0 / static_cast<double>(bench.days));
    }
    fmt::print("\n");
  }
  if (rated.by.of_ub1_pct) {
    fmt::print("The oracle reaches {:.2f} % of UB1, which knows no ramps, wakes and starts.\n", *rated.by.of_ub1_pct);
  }
  if (bench.plants.size() > 1) fmt::print("100 % is UB0, the surplus up to what all miners can draw.\n");
  if (rated.by.foresight_pct) {
    fmt::print("Perfect foresight with the same miners reaches {:.1f} at most.\n", *rated.by.foresight_pct);
  }
  if (bench.zero_export) fmt::print("mined %: of what c2 mines where feeding in is allowed.\n");
  if (bench.battery) {
    const auto days = static_cast<double>(bench.days);
    fmt::print(
        "value: earned by mining, less what it changed at the meter; %: of {:.3f} a day, what mining adds to a linear\n"
        "programme that knows sun and load; no run can be above {:.3f}, which makes good the battery's own lag too.\n",
        *rated.by.net_value / days, *rated.by.net_value_limit / days);
  }
}

std::vector<Rated> play_all(const BenchPlan& plan, unsigned threads) {
  std::vector<Rated> rated(plan.cases.size());
  std::vector<std::vector<sim::Outcome>> outcomes(plan.cases.size());
  std::size_t days = 0;
  for (const sim::BenchCase& bench : plan.cases) days += bench.days * (1 + plan.contenders.size());
  const io::SystemClock clock;
  ProgressBar bar("simulated days", days, clock);
  const sim::Progress progress = [&bar](std::size_t seconds) { bar.done(seconds / 86'400); };
  std::vector<std::function<void()>> jobs;
  for (std::size_t i = 0; i < plan.cases.size(); ++i) {
    outcomes[i].resize(plan.contenders.size());
    jobs.emplace_back([&, i] { rated[i].by = sim::yardstick(plan.cases[i], progress); });
    for (std::size_t k = 0; k < plan.contenders.size(); ++k) {
      if (plan.contenders[k].id == "oracle") continue;
      jobs.emplace_back([&, i, k] { outcomes[i][k] = sim::play(plan.cases[i], plan.contenders[k].id, progress); });
    }
  }
  work_off(jobs, threads, bar, clock);
  for (std::size_t i = 0; i < plan.cases.size(); ++i) {
    for (std::size_t k = 0; k < plan.contenders.size(); ++k) {
      const sim::Contender& who = plan.contenders[k];
      const sim::Outcome& outcome = who.id == "oracle" ? rated[i].by.best : outcomes[i][k];
      rated[i].rows.push_back(sim::rate(plan.cases[i], who, outcome, rated[i].by));
    }
  }
  return rated;
}

int compare(const BenchPlan& plan, const BenchOptions& options) {
  const std::vector<Rated> rated = play_all(plan, options.jobs);
  if (options.as_json) {
    fmt::print("{}\n", as_json(rated, plan).dump(2));
    return kExitOk;
  }
  for (std::size_t i = 0; i < rated.size(); ++i) {
    if (i > 0) fmt::print("\n");
    print_case(plan.cases[i], rated[i]);
  }
  return kExitOk;
}

int answer_to_step(const BenchPlan& plan, const BenchOptions& options) {
  ordered_json out = ordered_json::array();
  for (const sim::BenchCase& bench : plan.cases) {
    if (&bench != &plan.cases.front() && bench.trace_name != plan.cases.front().trace_name) continue;
    if (!options.as_json) {
      fmt::print("+1000 W of load on {}, profile {}\n{:<28}{:>10}{:>12}\n", bench.plant_name(), options.profile, "",
                 "settle s", "import Wh");
    }
    for (const sim::Contender& who : plan.contenders) {
      if (who.id == "oracle") continue;
      const sim::StepResponse answer = sim::step_response(bench, who.id);
      out.push_back({{"controller", who.id},
                     {"plant", bench.plant_name()},
                     {"profile", options.profile},
                     {"settle_s", answer.settle_s},
                     {"import_wh", answer.imported.value()}});
      if (!options.as_json) fmt::print("{:<28}{:>10.0f}{:>12.2f}\n", who.id, answer.settle_s, answer.imported.value());
    }
  }
  if (options.as_json) fmt::print("{}\n", out.dump(2));
  return kExitOk;
}

/// Works the miners without thinking: what is left is what the house costs.
class Metronome final : public sim::Policy {
 public:
  void step(const Snapshot& snapshot, Decision& decision) override {
    if (snapshot.tick % 30 != 1) return;
    for (std::size_t i = 0; i < decision.miners.size(); ++i) {
      MinerDecision& order = decision.miners[i];
      const Envelope& envelope = snapshot.miners[i].envelope;
      order.wanted = order.sequence == 0 ? CommandKind::wake : CommandKind::target;
      order.target = snapshot.tick % 60 == 1 ? envelope.min : envelope.max;
      ++order.sequence;
    }
  }
};

/// ns of processor time per simulated second: the best of a few runs of the first day, because other programs only ever
/// add.
double measured_ns(const sim::BenchCase& bench, const std::function<void(sim::BenchRun&)>& prepare) {
  constexpr std::size_t kSeconds = 86'400;
  constexpr int kRuns = 7;
  double best_ns = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    sim::BenchRun going = sim::begin(bench, "sluice");
    prepare(going);
    const std::clock_t from = std::clock();
    going.house->run(*going.policy, kSeconds);
    const double took_s = static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC;
    best_ns = std::min(best_ns, 1e9 * took_s / static_cast<double>(kSeconds));
  }
  return best_ns;
}

int show_speed(const BenchPlan& plan, const BenchOptions& options) {
  ordered_json out = ordered_json::array();
  for (const sim::BenchCase& bench : plan.cases) {
    const double product_ns = measured_ns(bench, [](sim::BenchRun&) {});
    const double house_ns = measured_ns(bench, [](sim::BenchRun& run) { run.policy = std::make_unique<Metronome>(); });
    out.push_back({{"plant", bench.plant_name()},
                   {"trace", bench.trace_name},
                   {"ns_per_simulated_second", product_ns},
                   {"house_alone_ns_per_simulated_second", house_ns}});
    if (!options.as_json) {
      fmt::print("{} on {}: {:.0f} ns per simulated second with the product inside, {:.0f} ns the house alone\n",
                 bench.plant_name(), bench.trace_name, product_ns, house_ns);
    }
  }
  if (options.as_json) fmt::print("{}\n", out.dump(2));
  return kExitOk;
}

}  // namespace

int bench(const BenchOptions& options) {
  if (!options.prices.empty()) return bench_prices(options);
  const Result<BenchPlan> plan = bench_plan(options);
  if (!plan) {
    fmt::print(stderr, "sluice bench: {}\n", plan.error().text);
    return kExitBadInput;
  }
  if (options.step) return answer_to_step(*plan, options);
  if (options.speed) return show_speed(*plan, options);
  if (options.plot_day) return plot(*plan, options);
  return compare(*plan, options);
}

}  // namespace sluice::cmd
