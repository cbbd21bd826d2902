#pragma once
/// The profile table of an emulated LuxOS miner and the selectors that `profileset` takes.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "house/miner_door.hpp"

namespace sluice::house {

struct LuxosProfile {
  std::string name;        ///< `290MHz`, or `default` for step 0
  int step = 0;            ///< distance from the default; negative is under-clocked
  double frequency = 0.0;  ///< MHz
  Volts voltage{};
  TeraHashes hashrate{};
  Watts power{};
};

/// Ascending by power. From the miner's own levels; the highest level within `max_target` is the default, and what is
/// above it is overclock. A miner without levels shows the 25 profiles of an S19k Pro, scaled to its
/// maximum.
std::vector<LuxosProfile> luxos_profiles(const MinerView& view);

/// The entry nearest to `power`; `profiles` is not empty.
const LuxosProfile& nearest_profile(const std::vector<LuxosProfile>& profiles, Watts power);

/// The profile that a selector means: an exact name, `1200W`, `1.20kW`, `60.5THs` (the highest that does not exceed
/// it), `+1`, `-2` (from `current`). None when nothing fits.
std::optional<LuxosProfile> select_profile(const std::vector<LuxosProfile>& profiles, const LuxosProfile& current,
                                           std::string_view selector);

}  // namespace sluice::house
