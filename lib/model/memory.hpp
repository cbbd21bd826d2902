#pragma once
/// What survives a restart: durations, counters and learned models; never a decision (a restart recomputes).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/ledger.hpp"

namespace sluice {

/// One number learned from samples: their slow mean, and how far they lie from it on average. No samples: not learned.
struct LearnedValue {
  double value = 0.0;
  double spread = 0.0;  ///< ≥ 0; in the unit of `value`, or a share of it where control/learned.hpp says so
  std::uint32_t samples = 0;
  bool operator==(const LearnedValue&) const = default;
};

/// What was learned of one miner from its own steps against the grid meter. Without samples the firmware's priors
/// count.
struct LearnedMiner {
  std::uint32_t samples = 0;  ///< steps that taught `draw_gain`
  double draw_gain = 1.0;     ///< drawn ≈ gain · target + offset
  double draw_offset_w = 0.0;
  /// First byte of a command written → the change shows in a reading, by the reading's own time (`value_time`). So it
  /// holds the miner's dead time and the age of the meter's values: what a twin that is compared with them needs.
  LearnedValue dead_time_s;
  LearnedValue ramp_up_w_per_s;    ///< drawn watts, while running
  LearnedValue ramp_down_w_per_s;  ///< > 0
  LearnedValue wake_s;             ///< after the dead time: a wake acts → the miner says that it runs
  LearnedValue report_gain;        ///< a step as reported / as the meter shows it
  double sleep_w = -1.0;           ///< < 0: not learned
  bool operator==(const LearnedMiner&) const = default;
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
  // Of the switch before it, and what must be known of a miner that is found without power.
  std::string cut_by;           ///< the device that has taken its power by our order; empty: none has
  std::int32_t cuts_today = 0;  ///< of `day`
  LearnedValue boot_s;          ///< power is back → it answers
  double envelope_min_w = 0.0;  ///< smallest and largest target of its firmware; 0 = never read
  double envelope_max_w = 0.0;
  std::string adapter_state;  ///< opaque, of the adapter: session id and the like
  std::string learned_curve;  ///< of `tariff::LearnedCurve`; empty: nothing learned
  bool operator==(const MinerMemory&) const = default;
};

inline constexpr std::size_t kSlotsPerDay = 96;  ///< a quarter of an hour each

/// Surplus before battery and miners in one slot of the day.
struct SurplusSlot {
  double last_w = 0.0;   ///< its mean on the last day on which it was seen
  double mean_w = 0.0;   ///< slow mean over days
  std::int64_t day = 0;  ///< of `last_w`: UTC days since 1970-01-01; 0 = never seen
  bool operator==(const SurplusSlot&) const = default;
};

/// What is remembered of the sun that the house left over (control/forecast.hpp). Slot k begins k quarters of an hour
/// after midnight, UTC.
struct SurplusMemory {
  std::array<SurplusSlot, kSlotsPerDay> slots{};
  // Of the slots of `local_day` that are over and were expected.
  double so_far_wh = 0.0;
  double expected_so_far_wh = 0.0;
  std::int64_t local_day = 0;  ///< days since 1970-01-01 in local time; 0 = unknown
  bool operator==(const SurplusMemory&) const = default;
};

struct PersistentState {
  std::vector<MinerMemory> miners;
  bool clean_stop = false;  ///< the last stop was orderly: `park --if-unclean` has nothing to do
  std::int64_t saved_unix_ms = 0;
  SurplusMemory surplus{};
  LedgerHead ledger{};
  std::string bill{};  ///< of `tariff::Bill`; empty: nothing is kept
};

}  // namespace sluice
