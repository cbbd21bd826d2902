#include "house/firmware/part_load.hpp"

#include <array>
#include <cmath>

namespace sluice::house {
namespace {

struct Captured {
  int step;
  double watts, terahashes;
};
constexpr Captured kFull{0, 2794, 121.8};
constexpr std::array<Captured, 11> kS19kPro{{{-16, 784, 39.2},
                                             {-14, 978, 49.5},
                                             {-12, 1188, 59.8},
                                             {-10, 1414, 70.2},
                                             {-8, 1657, 80.5},
                                             {-6, 1916, 90.8},
                                             {-4, 2192, 101.1},
                                             {-2, 2485, 111.5},
                                             kFull,
                                             {4, 3461, 142.4},
                                             {8, 4195, 163.1}}};

}  // namespace

std::vector<PartLoad> part_load_table(const MinerView& view) {
  const double power_scale = view.max_target.value() / kFull.watts;
  const double rate_scale = view.max_hashrate.value() / kFull.terahashes;
  std::vector<PartLoad> table;
  const auto add = [&](int step, double watts, double terahashes) {
    table.push_back({step, {Watts(std::round(watts * power_scale)), TeraHashes(terahashes * rate_scale)}});
  };
  for (std::size_t i = 0; i + 1 < kS19kPro.size(); ++i) {
    const Captured &low = kS19kPro[i], &high = kS19kPro[i + 1];
    for (int step = low.step; step < high.step; ++step) {
      const double part = static_cast<double>(step - low.step) / (high.step - low.step);
      add(step, std::lerp(low.watts, high.watts, part), std::lerp(low.terahashes, high.terahashes, part));
    }
  }
  add(kS19kPro.back().step, kS19kPro.back().watts, kS19kPro.back().terahashes);
  return table;
}

TeraHashes part_load_hashrate(const MinerView& view, Watts power) {
  const auto table = part_load_table(view);
  if (power <= table.front().level.power) return table.front().level.hashrate;
  for (std::size_t i = 1; i < table.size(); ++i) {
    const MinerLevel &low = table[i - 1].level, &high = table[i].level;
    if (power > high.power) continue;
    return low.hashrate + (high.hashrate - low.hashrate) * ((power - low.power) / (high.power - low.power));
  }
  return table.back().level.hashrate;
}

}  // namespace sluice::house
