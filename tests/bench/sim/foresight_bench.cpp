// Processor seconds that perfect foresight takes for a simulated year of generated days, by plant, and how far below
// the cheap bounds it ends. Arguments: plants; without any, all.

#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "sim/foresight.hpp"
#include "sim/trace.hpp"

namespace {

using namespace sluice;

constexpr std::uint64_t kDays = 365;

std::vector<float> year_of_days() {
  std::vector<float> surplus_w;
  for (std::uint64_t day = 0; day < kDays; ++day) {
    const auto trace = sim::generated_day(Watts(5000.0), day % 3 == 0 ? sim::Sky::clear : sim::Sky::broken, day + 1);
    for (std::size_t s = 0; s < trace.size(); ++s) surplus_w.push_back(trace.pv_w[s] - trace.load_w[s]);
  }
  return surplus_w;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) names = sim::plant_names();
  const auto surplus_w = year_of_days();
  for (const auto& name : names) {
    const auto spec = sim::plant_spec(name);
    if (!spec) return std::fprintf(stderr, "%s\n", spec.error().text.c_str()), 1;
    const sim::OracleMiner miner{*spec};
    const std::clock_t begin = std::clock();
    const auto best = sim::foresight(surplus_w, miner, constraint_profile(ProfileName::normal), {3.5, WattHours(20.0)});
    const double took_s = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    const auto bounds = sim::cheap_bounds(surplus_w, {&miner, 1});
    std::printf(
        "%-15s %5.2f s a year, %.2f kWh a day, leak %.2f %%, %.1f starts a day, %.2f %% of UB1, %.2f %% of UB0\n",
        name.c_str(), took_s, best.captured.value() / 1000.0 / kDays,
        100.0 * best.leaked.value() / (best.captured + best.leaked).value(), static_cast<double>(best.starts) / kDays,
        100.0 * best.objective.value() / bounds.ub1.value(), 100.0 * best.objective.value() / bounds.ub0.value());
  }
  return 0;
}
