#pragma once
/// What VNish tells of itself. Pure: a picture of the miner in, JSON out.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "house/miner_door.hpp"

namespace sluice::house {

struct VnishPreset {
  std::string name;  ///< watts in decimal digits
  Watts power{};
  TeraHashes hashrate{};
  bool tuned = true;
  bool modded_psu_required = false;
  bool modified = false;
};

/// Ascending by power; an S19's list and the miner's maximum where it has no levels of its own. Levels above the
/// miner's maximum ask for a modified power supply.
std::vector<VnishPreset> vnish_presets(const MinerView& view, const std::vector<std::string>& untuned);

struct VnishPicture {
  MinerFace face;
  MinerView view;
  std::string version, address;
  bool throttles = false;  ///< 1.3 and later
  std::string state;       ///< `mining`, `stopped`, …
  Duration state_time{};
  int throttle_pct = 100;
  VnishPreset preset;  ///< active
  bool preset_switcher = false;
  bool restart_required = false;
  bool unlocked = false;
};

/// "1.3.4" is at least 1.3; a missing part counts as 0.
bool vnish_at_least(std::string_view version, int major, int minor);
std::string vnish_state(const MinerView& view);

nlohmann::json vnish_info(const VnishPicture& picture);
nlohmann::json vnish_summary(const VnishPicture& picture);
nlohmann::json vnish_status(const VnishPicture& picture);
nlohmann::json vnish_perf_summary(const VnishPicture& picture);
nlohmann::json vnish_model(const VnishPicture& picture);
nlohmann::json vnish_chains(const VnishPicture& picture);
nlohmann::json vnish_metrics(const VnishPicture& picture, long long unix_seconds);
nlohmann::json vnish_preset_list(const VnishPicture& picture, const std::vector<VnishPreset>& presets);

/// The data of a command on TCP 4028 by its upper-case key; none when it is not known there.
std::optional<nlohmann::json> vnish_cgminer(const std::string& command, const VnishPicture& picture);

}  // namespace sluice::house
