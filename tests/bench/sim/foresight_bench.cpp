// Processor seconds that perfect foresight takes for a simulated year, by plant, and how far below the cheap bounds it
// ends on the recorded days. Arguments: plants; without any, all.

#include <ctime>
#include <string>
#include <vector>

#include "sim/foresight.hpp"
#include "sim/suite.hpp"

namespace {

using namespace sluice;

std::vector<float> surplus_of(const sim::Suite& suite) {
  std::vector<float> surplus_w;
  surplus_w.reserve(suite.seconds());
  for (std::size_t s = suite.first_second; s < suite.first_second + suite.seconds(); ++s)
    surplus_w.push_back(static_cast<float>((suite.trace->pv(s) - suite.trace->load(s)).value()));
  return surplus_w;
}

void bench(const sim::Suite& suite, const sim::PlantSpec& spec) {
  const auto surplus_w = surplus_of(suite);
  const auto days = static_cast<double>(suite.days);
  const sim::OracleMiner miner{spec};
  const std::clock_t begin = std::clock();
  const auto best = sim::foresight(surplus_w, miner, constraint_profile(ProfileName::normal), {3.5, WattHours(20.0)});
  const double took_s = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const auto bounds = sim::cheap_bounds(surplus_w, {&miner, 1});
  std::printf(
      "%-6s %-15s %6.2f s a year, %.2f kWh a day, leak %.2f %%, %.1f starts a day, objective %.2f kWh a day, UB1 %.2f, "
      "UB0 %.2f\n",
      suite.name.c_str(), spec.name.c_str(), took_s * 365.0 / days, best.captured.value() / 1000.0 / days,
      100.0 * best.leaked.value() / (best.captured + best.leaked).value(), best.starts / days,
      best.objective.value() / 1000.0 / days, bounds.ub1.value() / 1000.0 / days, bounds.ub0.value() / 1000.0 / days);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) names = sim::plant_names();
  for (const char* suite_name : {"day_a", "day_b", "year"}) {
    const auto suite = sim::load_suite(suite_name, SLUICE_SOURCE_DIR "/data", 1);
    if (!suite) return std::fprintf(stderr, "%s\n", suite.error().text.c_str()), 1;
    for (const auto& name : names) {
      const auto spec = sim::plant_spec(name);
      if (!spec) return std::fprintf(stderr, "%s\n", spec.error().text.c_str()), 1;
      bench(*suite, *spec);
    }
  }
  return 0;
}
