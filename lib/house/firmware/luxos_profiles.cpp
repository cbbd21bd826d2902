#include "house/firmware/luxos_profiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sluice::house {
namespace {

constexpr double kDefaultMhz = 590.0;
constexpr double kStepMhz = 25.0;

/// Captured on an S19k Pro, each second step below the default.
struct Captured {
  int step;
  double watts, terahashes;
};
constexpr std::array<Captured, 11> kS19kPro{{{-16, 784, 39.2},
                                             {-14, 978, 49.5},
                                             {-12, 1188, 59.8},
                                             {-10, 1414, 70.2},
                                             {-8, 1657, 80.5},
                                             {-6, 1916, 90.8},
                                             {-4, 2192, 101.1},
                                             {-2, 2485, 111.5},
                                             {0, 2794, 121.8},
                                             {4, 3461, 142.4},
                                             {8, 4195, 163.1}}};

LuxosProfile make_profile(int step, double frequency, Watts power, TeraHashes hashrate) {
  const std::string name = step == 0 ? "default" : fmt::format("{:.0f}MHz", frequency);
  // Voltage rises with frequency; the slope is a plausible one and carries no information.
  return {name, step, frequency, Volts(12.0 + (frequency - kDefaultMhz) * 0.004), hashrate, power};
}

std::vector<LuxosProfile> s19k_pro_profiles() {
  std::vector<LuxosProfile> profiles;
  for (std::size_t i = 0; i + 1 < kS19kPro.size(); ++i) {
    const Captured &low = kS19kPro[i], &high = kS19kPro[i + 1];
    for (int step = low.step; step < high.step; ++step) {
      const double part = static_cast<double>(step - low.step) / (high.step - low.step);
      profiles.push_back(make_profile(step, kDefaultMhz + step * kStepMhz,
                                      Watts(std::round(std::lerp(low.watts, high.watts, part))),
                                      TeraHashes(std::lerp(low.terahashes, high.terahashes, part))));
    }
  }
  const Captured& top = kS19kPro.back();
  profiles.push_back(
      make_profile(top.step, kDefaultMhz + top.step * kStepMhz, Watts(top.watts), TeraHashes(top.terahashes)));
  return profiles;
}

template <class Measure>
std::optional<LuxosProfile> highest_within(const std::vector<LuxosProfile>& profiles, double limit, Measure measure) {
  std::optional<LuxosProfile> best;
  for (const LuxosProfile& profile : profiles) {
    if (measure(profile) <= limit) best = profile;
  }
  return best;
}

/// The number before `unit`, when `text` is exactly that.
std::optional<double> number_with_unit(std::string_view text, std::string_view unit) {
  if (!text.ends_with(unit)) return std::nullopt;
  text.remove_suffix(unit.size());
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<LuxosProfile> luxos_profiles(const MinerView& view) {
  if (view.levels.empty()) return s19k_pro_profiles();
  std::size_t standard = 0;
  for (std::size_t i = 0; i < view.levels.size(); ++i) {
    if (view.levels[i].power <= view.max_target) standard = i;
  }
  std::vector<LuxosProfile> profiles;
  double last_mhz = 0.0;
  for (std::size_t i = 0; i < view.levels.size(); ++i) {
    const MinerLevel& level = view.levels[i];
    const double ratio = level.hashrate / view.levels[standard].hashrate;
    // Two levels never share a name.
    const double mhz = std::max(std::round(kDefaultMhz * ratio), last_mhz + 1.0);
    last_mhz = mhz;
    profiles.push_back(
        make_profile(static_cast<int>(i) - static_cast<int>(standard), mhz, level.power, level.hashrate));
  }
  return profiles;
}

const LuxosProfile& nearest_profile(const std::vector<LuxosProfile>& profiles, Watts power) {
  return *std::ranges::min_element(profiles, {}, [power](const LuxosProfile& p) { return abs(p.power - power); });
}

std::optional<LuxosProfile> select_profile(const std::vector<LuxosProfile>& profiles, const LuxosProfile& current,
                                           std::string_view selector) {
  for (const LuxosProfile& profile : profiles) {
    if (profile.name == selector) return profile;
  }
  const auto watts = [](const LuxosProfile& p) { return p.power.value(); };
  if (const auto kilowatts = number_with_unit(selector, "kW")) return highest_within(profiles, *kilowatts * 1e3, watts);
  if (const auto value = number_with_unit(selector, "W")) return highest_within(profiles, *value, watts);
  if (const auto value = number_with_unit(selector, "THs")) {
    return highest_within(profiles, *value, [](const LuxosProfile& p) { return p.hashrate.value(); });
  }
  if (selector.starts_with('+') || selector.starts_with('-')) {
    const std::string_view digits = selector.substr(selector.starts_with('+') ? 1 : 0);
    int steps = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), steps);
    for (const LuxosProfile& profile : profiles) {
      if (error == std::errc() && end == digits.data() + digits.size() && profile.step - current.step == steps) {
        return profile;
      }
    }
  }
  return std::nullopt;
}

}  // namespace sluice::house
