#pragma once
/// What the read commands of LuxOS answer. Pure: a picture of the miner in, JSON out.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "house/firmware/luxos_profiles.hpp"
#include "house/miner_door.hpp"

namespace sluice::house {

/// Advanced thermal management. Profile names may be empty (no bound) or relative (`+1`).
struct LuxosAtm {
  bool enabled = false;
  int startup_minutes = 15;
  int post_ramp_minutes = 5;
  double temp_window = 5.0;  ///< °C below hot
  std::string min_profile, max_profile;
  bool prevent_oc = false;
};

struct LuxosPicture {
  MinerFace face;
  MinerView view;
  std::vector<LuxosProfile> profiles;
  LuxosAtm atm;
  std::string version, session_id, address;
  bool power_target_supported = false;
  bool led_on = false;
  std::string created_at;  ///< RFC 3339, for events
};

struct LuxosRead {
  int code = 0;
  const char* message = "";
};

/// Adds the data of `command` to `reply` and tells its code and message; none when LuxOS does not know the command.
std::optional<LuxosRead> luxos_read(const std::string& command, const LuxosPicture& picture, nlohmann::json& reply);

}  // namespace sluice::house
