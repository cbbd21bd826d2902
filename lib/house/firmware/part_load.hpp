#pragma once
/// The captured profile table of an S19k Pro, the one full curve of a real miner that is known: what an emulated miner
/// takes for its own where the door tells no levels, scaled to its maximum.

#include <vector>

#include "house/miner_door.hpp"

namespace sluice::house {

struct PartLoad {
  int step = 0;  ///< distance from full load in steps of the frequency; positive is overclocked
  MinerLevel level;
};

/// 25 entries, ascending; step 0 is `max_target` and `max_hashrate` of the miner.
std::vector<PartLoad> part_load_table(const MinerView& view);

/// What this miner hashes at `power` by that table; level beyond its ends.
TeraHashes part_load_hashrate(const MinerView& view, Watts power);

}  // namespace sluice::house
