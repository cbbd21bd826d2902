#pragma once
/// A commissioning run (`sluice learn`): one miner walks through steps, sleep and wake while everything else holds
/// still, so that what the meter shows is its alone. Where it stands, and how it ended.

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"
#include "model/memory.hpp"

namespace sluice {

/// Stable names in `model/names.hpp`.
enum class CommissionStage : std::uint8_t {
  none,
  becoming_still,     ///< until nothing moves any more; wakes the miner when it sleeps
  stepping,           ///< up and down between minimum and maximum
  measuring_minimum,  ///< what the house draws before the miner sleeps
  falling_asleep,
  measuring_asleep,  ///< what it draws after
  resting,           ///< its least time off, and what the house draws at the end of it
  waking,
  measuring_awake,
  over,
  count_
};

/// Why a run is over. Stable names and sentences in `model/names.hpp`.
enum class CommissionEnd : std::uint8_t {
  none,      ///< it is not
  complete,  ///< every step was tried; what stayed unclear is not learned
  taken_back,
  parked,
  shutting_down,
  reconfigured,
  grid_lost,
  readings_lost,  ///< the grid meter, the battery or the sun cannot be read or trusted
  sun_throttled,  ///< throttled sun answers a step in the meter's place
  guard,          ///< a limit cut the miner
  miner_gone,     ///< unreachable, at fault, hot, or commanded by somebody else
  not_following,
  others_without_sun,  ///< the miners that hold still would buy for longer than is allowed
  too_long,
  // never begun
  strategy_off,
  starts_used_up,
  writes_used_up,
  no_room,  ///< the circuit or the main breaker leave no step
  count_
};

inline constexpr std::size_t kCommissionStageCount = static_cast<std::size_t>(CommissionStage::count_);
inline constexpr std::size_t kCommissionEndCount = static_cast<std::size_t>(CommissionEnd::count_);

struct CommissionReport {
  std::uint64_t run = 0;   ///< number of the request; 0: there was none yet
  std::uint8_t miner = 0;  ///< index in the site
  CommissionStage stage = CommissionStage::none;
  CommissionEnd end = CommissionEnd::none;
  MonoTime began{};
  std::uint32_t clean_up = 0, clean_down = 0;  ///< steps whose ramp stood out
  std::uint32_t blurred = 0;                   ///< steps that something else hid, or that were too slow to see whole
  LearnedValue draw_gain;                      ///< drawn / target, by the clean steps alone; spread as a share of it
  double sleep_w = -1.0;                       ///< < 0: not clear
  double sleep_spread_w = 0.0;                 ///< half the difference between falling asleep and waking
  std::uint32_t sleep_samples = 0;
  double wake_s = -1.0;  ///< the wake as the meter showed it, after the dead time; < 0: not clear
  LearnedMiner before;   ///< what was known when it began
};

}  // namespace sluice
