#include "sim/trace.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include "sim/random.hpp"
#include "sim/recording.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kDay = 86'400;
constexpr std::size_t kDawn = 6 * 3600;
constexpr std::size_t kDusk = 18 * 3600;

}  // namespace

Result<Trace> read_trace(const std::string& path) {
  auto recording = read_recording(path, {"t_s,pv_w,load_w"});
  if (!recording) return tl::unexpected(std::move(recording.error()));
  if (recording->step_s != 1) return fail(ErrorKind::invalid, "{}:3: t_s is 60, wanted 1: a row a second", path);
  return Trace{std::move(recording->columns[0]), std::move(recording->columns[1])};
}

Trace constant_trace(Watts pv, Watts load) {
  return {std::vector<float>(kDay, static_cast<float>(pv.value())),
          std::vector<float>(kDay, static_cast<float>(load.value()))};
}

Trace generated_day(Watts peak, Sky sky, std::uint64_t seed) {
  Random random(seed);
  Trace trace = constant_trace(Watts(0.0), Watts(150.0));
  // Clouds are spells of shade with soft edges of a few seconds; appliances are spells of load with hard edges.
  double shade = 1.0, shade_goal = 1.0, appliance_w = 0.0;
  std::size_t shade_until = kDawn, appliance_until = 0;
  for (std::size_t second = 0; second < kDay; ++second) {
    if (sky == Sky::broken && second >= shade_until) {
      shade_goal = shade_goal < 1.0 ? 1.0 : random.uniform(0.15, 0.6);
      shade_until = second + static_cast<std::size_t>(random.uniform(20.0, 400.0));
    }
    shade += (shade_goal - shade) * 0.15;
    if (second >= appliance_until) {
      appliance_w = appliance_w > 0.0 ? 0.0 : random.uniform(100.0, 2800.0);
      appliance_until = second + static_cast<std::size_t>(random.uniform(60.0, appliance_w > 0.0 ? 400.0 : 1500.0));
    }
    trace.load_w[second] += static_cast<float>(appliance_w + 4.0 * std::fabs(random.normal()));
    if (second < kDawn || second >= kDusk) continue;
    const double day = static_cast<double>(second - kDawn) / static_cast<double>(kDusk - kDawn);
    const double clear_w = peak.value() * std::pow(std::sin(std::numbers::pi * day), 1.2);
    trace.pv_w[second] = static_cast<float>(clear_w * shade);
  }
  return trace;
}

}  // namespace sluice::sim
