// Time of one controller step, for 1, 3 and 32 miners that follow a moving sun. Prints the ratio to a baseline of the
// same run (a pass of plain arithmetic over the same snapshot), because machines differ and are noisy.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "control/controller.hpp"

namespace {

using namespace sluice;

constexpr int kSteps = 20000;

std::unique_ptr<Snapshot> snapshot_of(std::size_t miners) {
  auto snapshot = std::make_unique<Snapshot>();
  for (std::size_t i = 0; i < miners; ++i) {
    MinerObservation seen;
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.state = MinerState::running;
    seen.envelope.kind = EnvelopeKind::range;
    seen.envelope.min = Watts(900.0);
    seen.envelope.max = Watts(3250.0);
    seen.envelope.step = Watts(i % 2 == 0 ? 5.0 : 32.5);
    seen.dynamics.dead_time = std::chrono::seconds(1 + static_cast<int>(i % 5));
    seen.dynamics.ramp_up = std::chrono::seconds(60);
    seen.dynamics.ramp_down = std::chrono::seconds(5 + 10 * static_cast<int>(i % 3));
    seen.dynamics.wake = std::chrono::seconds(60);
    snapshot->miners.push_back(seen);
  }
  return snapshot;
}

/// Median nanoseconds of one call.
template <class Step>
double median_ns(Step step) {
  std::vector<double> times;
  times.reserve(kSteps);
  for (int s = 0; s < kSteps; ++s) {
    const auto begin = std::chrono::steady_clock::now();
    step(s);
    times.push_back(static_cast<double>((std::chrono::steady_clock::now() - begin).count()));
  }
  std::nth_element(times.begin(), times.begin() + kSteps / 2, times.end());
  return times[kSteps / 2];
}

void bench(std::size_t miners) {
  Site site;
  for (std::size_t i = 0; i < miners; ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    site.miners.push_back(miner);
  }
  control::Controller controller(site, PersistentState{}, MonoTime(std::chrono::hours(1)), WallTime{});
  auto snapshot = snapshot_of(miners);
  auto decision = std::make_unique<Decision>();
  double grid_w = 0.0;
  const double step_ns = median_ns([&](int s) {
    snapshot->now = MonoTime(std::chrono::hours(1) + std::chrono::seconds(s));
    grid_w = static_cast<double>(miners) * 300.0 * std::sin(s / 40.0);
    snapshot->grid.power = Reading<Watts>::good(Watts(grid_w), snapshot->now);
    controller.step(*snapshot, *decision);
    for (std::size_t i = 0; i < miners; ++i) {
      CommandRecord& record = snapshot->miners[i].command;
      if (decision->miners[i].sequence == record.sequence) continue;
      record = {decision->miners[i].sequence,
                decision->miners[i].wanted,
                decision->miners[i].target,
                CommandStatus::acknowledged,
                snapshot->now,
                snapshot->now};
    }
  });
  volatile double sink = 0.0;
  const double baseline_ns = median_ns([&](int s) {
    double sum = s;
    for (const MinerObservation& miner : snapshot->miners) sum = std::sqrt(sum + miner.envelope.max.value());
    sink = sum;
  });
  std::printf("%2zu miners: one step %8.0f ns, %6.1f x the baseline pass (%.0f ns)\n", miners, step_ns,
              step_ns / std::max(1.0, baseline_ns), baseline_ns);
}

}  // namespace

int main() {
  for (const std::size_t miners : {std::size_t{1}, std::size_t{3}, std::size_t{32}}) bench(miners);
  return 0;
}
