#include <cmath>
#include <memory>

#include "sim/bench.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kMeet = 3600;      // the controller meets the miner and its steps
constexpr std::size_t kQuiet = 900;      // everything settles
constexpr std::size_t kWatch = 600;      // for so long an answer is waited for
constexpr std::size_t kSmallStep = 300;  // every so often while they meet
constexpr double kSunShare = 0.85;       // of the miner's range above its minimum: room for the step
constexpr double kLoadW = 300.0;
constexpr double kSmallStepW = 400.0;
constexpr double kStepW = 1000.0;
constexpr Watts kSettled{60.0};

Trace steps(const PlantSpec& plant) {
  const Watts surplus = plant.envelope.min + (plant.envelope.max - plant.envelope.min) * kSunShare;
  Trace trace;
  for (std::size_t second = 0; second < kMeet + kQuiet + kWatch; ++second) {
    const bool meeting = second < kMeet;
    const double small_w = meeting && second / kSmallStep % 2 == 1 ? kSmallStepW : 0.0;
    const double step_w = second >= kMeet + kQuiet ? kStepW : 0.0;
    trace.pv_w.push_back(static_cast<float>(surplus.value() + kLoadW));
    trace.load_w.push_back(static_cast<float>(kLoadW + small_w + step_w));
  }
  return trace;
}

}  // namespace

StepResponse step_response(const BenchCase& bench, std::string_view id) {
  BenchCase stepped = bench;
  stepped.trace = std::make_shared<const Trace>(steps(bench.plants.front()));
  stepped.pv_scale = 1.0;
  stepped.first_day = 0;
  const BenchRun run = begin(stepped, id);
  run.house->run(*run.policy, kMeet + kQuiet);
  StepResponse out;
  WattHours imported{};
  for (std::size_t second = 1; second <= kWatch; ++second) {
    run.house->tick(*run.policy);
    const Watts grid = run.house->house().state().grid;
    imported += positive(grid) * std::chrono::seconds(1);
    if (abs(grid) < kSettled) continue;
    out.settle_s = static_cast<double>(second);
    out.imported = imported;
  }
  return out;
}

}  // namespace sluice::sim
