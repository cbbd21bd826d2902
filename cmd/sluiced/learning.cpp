#include "learning.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/commission.hpp"
#include "model/names.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

// As the twins take it (control/learned.cpp): the truth lies within two mean deviations.
constexpr double kDeviations = 2.0;
constexpr std::uint32_t kClearSamples = 2;

json failed(std::string text) { return {{"ok", false}, {"error", std::move(text)}}; }

std::optional<std::size_t> index_of(const runtime::TickView& view, const std::string& miner) {
  for (std::size_t i = 0; i < view.crew->site.miners.size(); ++i) {
    if (view.crew->site.miners[i].name == miner) return i;
  }
  return std::nullopt;
}

/// The miner as the controller sees it, rebuilt from what is published.
control::Unit unit_of(const runtime::TickView& view, const PersistentState& state, std::size_t index) {
  const Snapshot& snapshot = *view.snapshot;
  MinerMemory memory;
  for (const MinerMemory& known : state.miners) {
    if (known.name == view.crew->site.miners[index].name) memory = known;
  }
  memory.learned = view.decision->miners[index].learned;
  control::Unit unit(view.crew->site.miners[index], memory, snapshot.now, snapshot.wall);
  unit.observe(snapshot.miners[index], snapshot.now, snapshot.local_day, true);
  return unit;
}

/// What the sun leaves for this miner while the others keep what they have.
double available_w(const Decision& decision, std::size_t index) {
  double rest_w = decision.available.value();
  for (std::size_t i = 0; i < decision.miners.size(); ++i) {
    if (i != index) rest_w -= decision.miners[i].expected_power.value();
  }
  return rest_w;
}

struct Row {
  const char* name;
  const char* unit;
  LearnedValue learned;  ///< spread in the unit of the value; without samples: not clear
  std::optional<double> declared;
  double tolerance;  ///< disagreement with `declared` that is nothing to speak of
};

/// What this run has added to; one step alone may be chance.
LearnedValue clear(const LearnedValue& before, const LearnedValue& now, std::uint32_t least, bool relative) {
  const bool taught = now.samples != before.samples || now.value != before.value;
  if (!taught || now.samples < least) return {};
  return {now.value, now.spread * (relative ? std::fabs(now.value) : 1.0), now.samples};
}

std::optional<double> rate(Duration ramp, double span_w) {
  if (ramp <= Duration::zero() || span_w <= 0.0) return std::nullopt;
  return span_w / to_seconds(ramp);
}

std::vector<Row> rows(const CommissionReport& report, const LearnedMiner& now, const MinerObservation& seen) {
  const LearnedMiner& before = report.before;
  const MinerDynamics& declared = seen.dynamics;
  const double min_w = seen.envelope.known() ? seen.envelope.min.value() : 0.0;
  const double span_w = seen.envelope.known() ? seen.envelope.max.value() - min_w : 0.0;
  const std::optional<double> up = rate(declared.ramp_up, span_w);
  const std::optional<double> down = rate(declared.ramp_down, span_w);
  const double wake_s = to_seconds(declared.wake);
  const bool drawn = report.draw_gain.samples > 0 && now.draw_gain == report.draw_gain.value;
  const LearnedValue draw =
      drawn ? LearnedValue{now.draw_gain, report.draw_gain.spread * now.draw_gain, report.draw_gain.samples}
            : LearnedValue{};
  return {
      // It holds the age of the meter's values too, up to two seconds of it.
      {"dead_time_s", "s", clear(before.dead_time_s, now.dead_time_s, kClearSamples, false),
       to_seconds(declared.dead_time), 2.0},
      {"ramp_up_w_per_s", "W/s", clear(before.ramp_up_w_per_s, now.ramp_up_w_per_s, kClearSamples, true), up,
       0.25 * up.value_or(0.0)},
      {"ramp_down_w_per_s", "W/s", clear(before.ramp_down_w_per_s, now.ramp_down_w_per_s, kClearSamples, true), down,
       0.25 * down.value_or(0.0)},
      {"minimum_w", "W", {draw.value * min_w, draw.spread * min_w, draw.samples}, min_w, 0.05 * min_w},
      {"draw_gain", "", draw, 1.0, 0.05},
      {"report_gain", "", clear(before.report_gain, now.report_gain, kClearSamples, true), 1.0, 0.05},
      {"sleep_w",
       "W",
       {report.sleep_w, 0.5 * report.sleep_spread_w, report.sleep_samples},
       declared.sleep_power.value(),
       15.0},
      {"wake_s", "s",
       report.wake_s >= 0.0 ? LearnedValue{report.wake_s, now.wake_s.spread * now.wake_s.value, now.wake_s.samples}
                            : LearnedValue{},
       wake_s, 0.25 * wake_s},
  };
}

json row_json(const Row& row) {
  json out{{"name", row.name},
           {"unit", row.unit},
           {"learned", nullptr},
           {"plus_minus", nullptr},
           {"samples", row.learned.samples},
           {"declared", row.declared ? json(*row.declared) : json()},
           {"warning", ""}};
  if (row.learned.samples == 0) return out;
  const double plus_minus = kDeviations * row.learned.spread;
  out["learned"] = row.learned.value;
  out["plus_minus"] = plus_minus;
  if (row.declared && std::fabs(row.learned.value - *row.declared) > std::max(row.tolerance, plus_minus)) {
    out["warning"] = fmt::format("far from the {:.4g} {}that its firmware declares", *row.declared,
                                 *row.unit == '\0' ? "" : std::string(row.unit) + " ");
  }
  return out;
}

}  // namespace

json learn_plan(const runtime::TickView& view, const PersistentState& state, const std::string& miner) {
  const std::optional<std::size_t> index = index_of(view, miner);
  if (!index) return failed("no miner is called " + miner);
  if (view.crew->site.control.dry_run) return failed("the daemon runs dry: it commands nothing");
  if (!view.decision->estimate_valid) return failed("the surplus is not known now; sluice status tells why");
  const control::Unit unit = unit_of(view, state, *index);
  const MinerObservation& seen = view.snapshot->miners[*index];
  const ConstraintProfile& profile = view.crew->site.control.profile;
  if (const CommissionEnd why = control::refusal(unit, seen, profile); why != CommissionEnd::none) {
    return failed(fmt::format("{} cannot be measured now: {}", miner, sentence(why)));
  }
  const control::CommissionPlan plan =
      control::plan_commission(unit, seen, profile, available_w(*view.decision, *index));
  return {{"ok", true},
          {"plan",
           {{"miner", miner},
            {"expected_s", to_seconds(plan.expected)},
            {"longest_s", to_seconds(plan.longest)},
            {"energy_wh", plan.energy_wh},
            {"beyond_sun_wh", plan.beyond_sun_wh}}}};
}

json learn(const runtime::TickView& view, runtime::Engine& engine, const std::string& miner) {
  if (view.crew->site.control.dry_run) return failed("the daemon runs dry: it commands nothing");
  const Result<std::uint64_t> run = engine.learn(miner);
  if (!run) return failed(run.error().text);
  return {{"ok", true}, {"run", *run}};
}

json learn_progress(const runtime::TickView& view, runtime::Engine& engine, std::uint64_t run) {
  const Result<void> kept = engine.keep_learning(run);
  const CommissionReport& report = view.decision->commission;
  const bool known = report.run == run && report.miner < view.snapshot->miners.size();
  const bool over = known && report.stage == CommissionStage::over;
  if (!kept && !over) return failed(kept.error().text);
  const CommissionStage stage = known ? report.stage : CommissionStage::none;
  json progress{{"run", run}, {"stage", to_string(stage)}, {"sentence", sentence(stage)}, {"over", over}};
  if (known) {
    progress["miner"] = view.crew->site.miners[report.miner].name;
    progress["elapsed_s"] = to_seconds(view.snapshot->now - report.began);
    progress["clean_steps_up"] = report.clean_up;
    progress["clean_steps_down"] = report.clean_down;
    progress["blurred_steps"] = report.blurred;
    progress["expected_w"] = view.decision->miners[report.miner].expected_power.value();
  }
  if (over) {
    progress["end"] = to_string(report.end);
    progress["end_sentence"] = sentence(report.end);
    progress["result"] = json::array();
    const LearnedMiner& learned = view.decision->miners[report.miner].learned;
    for (const Row& row : rows(report, learned, view.snapshot->miners[report.miner])) {
      progress["result"].push_back(row_json(row));
    }
  }
  return {{"ok", true}, {"progress", std::move(progress)}};
}

}  // namespace sluice::cmd
