#include "house/firmware/luxos_profiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "house/firmware/part_load.hpp"

namespace sluice::house {
namespace {

constexpr double kDefaultMhz = 590.0;
constexpr double kStepMhz = 25.0;

LuxosProfile make_profile(int step, double frequency, Watts power, TeraHashes hashrate) {
  const std::string name = step == 0 ? "default" : fmt::format("{:.0f}MHz", frequency);
  // Voltage rises with frequency; the slope is a plausible one and carries no information.
  return {name, step, frequency, Volts(12.0 + (frequency - kDefaultMhz) * 0.004), hashrate, power};
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
  std::vector<LuxosProfile> profiles;
  if (view.levels.empty()) {
    for (const auto& [step, level] : part_load_table(view)) {
      profiles.push_back(make_profile(step, kDefaultMhz + step * kStepMhz, level.power, level.hashrate));
    }
    return profiles;
  }
  std::size_t standard = 0;
  for (std::size_t i = 0; i < view.levels.size(); ++i) {
    if (view.levels[i].power <= view.max_target) standard = i;
  }
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
