#pragma once
/// What survives a restart: durations, counters and learned models; never a decision (a restart recomputes).

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace sluice {

/// What was learned of one miner from its own steps against the grid meter. `samples` = 0: nothing learned, use priors.
struct LearnedMiner {
  std::uint32_t samples = 0;
  double dead_time_s = 0.0;
  double ramp_up_w_per_s = 0.0;
  double ramp_down_w_per_s = 0.0;
  double wake_s = 0.0;
  double sleep_w = -1.0;   ///< < 0: not learned
  double draw_gain = 1.0;  ///< drawn ≈ gain · target + offset
  double draw_offset_w = 0.0;
};

struct MinerMemory {
  std::string name;
  bool driven = false;  ///< Sluice woke it or set its target since the last orderly stop
  bool parked_by_owner = false;
  std::int32_t starts_today = 0;
  std::int32_t writes_today = 0;
  std::int64_t day = 0;  ///< days since 1970-01-01 in local time that the counters belong to; 0 = unknown
  std::int64_t last_start_unix_ms = 0;  ///< 0 = never or unknown
  std::int64_t last_stop_unix_ms = 0;
  LearnedMiner learned;
  std::string adapter_state;  ///< opaque, of the adapter: session id and the like
};

struct PersistentState {
  std::vector<MinerMemory> miners;
  bool clean_stop = false;  ///< the last stop was orderly: `park --if-unclean` has nothing to do
  std::int64_t saved_unix_ms = 0;
};

}  // namespace sluice
