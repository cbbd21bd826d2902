#pragma once
/// What one controller step decided, with the reasons as codes. Text is made at the edge (`model/names.hpp`).

#include <array>
#include <cstdint>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/commission.hpp"
#include "model/memory.hpp"
#include "model/miner.hpp"
#include "model/site.hpp"

namespace sluice {

/// Why a miner is asked for what it is asked for. Stable names in `model/names.hpp`; numbers are stored, so only
/// append.
enum class Reason : std::uint8_t {
  none = 0,
  // following
  following_surplus,  ///< target follows what is available
  base_load,          ///< holds still while another miner trims
  at_maximum,
  at_minimum,  ///< rides out a lull at its minimum
  settling,    ///< waits for its last command to take effect
  within_deadband,
  retarget_wait,  ///< a change is wanted, the firmware or profile wants more time between changes
  // starting and stopping
  starting,
  waiting_for_surplus,  ///< asleep: not enough, or not for long enough
  stopping_low_surplus,
  waiting_min_off,
  waiting_min_on,
  waiting_stagger,
  starts_used_up,  ///< start budget of the day
  // strategy
  strategy_full,
  strategy_off,
  // estimate
  grid_reading_stale,    ///< old: hold, no increase
  grid_reading_lost,     ///< too old: parked
  grid_reading_slow,     ///< refresh slower than 30 s: surplus mode refused
  grid_meter_frozen,     ///< did not answer a known change
  readings_implausible,  ///< derived house load below zero, jump beyond physics, sign flip
  pv_reading_missing,
  // guard
  circuit_limit,
  import_cap,
  grid_lost,
  grid_settling,  ///< grid is back; 60 s of stable grid before a start
  generator_running,
  battery_floor,
  over_temperature,
  owner_limit,  ///< `power.max_w`
  import_held_too_long,
  identity_unverified,
  wrong_identity,
  miner_unreachable,
  manual_override,  ///< another commander: left alone for 30 min
  miner_fault,
  pool_dead,
  hashrate_gone,
  not_following,  ///< does not do what it acknowledged
  envelope_unknown,
  write_budget,
  // intents
  parked_by_owner,
  shutting_down,
  start_quiet,  ///< just started: looks first
  probing,      ///< draws a little more than is proven, to find out whether throttled sun answers
  // commissioning (sluice learn)
  commissioning,           ///< this miner walks
  held_for_commissioning,  ///< holds still while another one walks
  // money
  strategy_schedule,  ///< what the owner's period says
  worth_buying,       ///< runs on bought energy: it costs less than mining brings
  not_worth_it,       ///< the energy is worth more than what mining brings
  price_unknown,      ///< nothing is bought at a price that nobody knows
  demand_limit,       ///< more import would raise the billed peak
  room_too_warm,
  // a switch before the miner
  power_cut,     ///< without power, because standby costs more than a cold start
  booting,       ///< power is back, the miner does not answer yet
  switched_off,  ///< somebody took its power: left alone for 30 min
  count_         ///< not a reason
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::count_);

/// A small set of reasons: the guard may cut for several at once.
class ReasonSet {
 public:
  constexpr void add(Reason reason) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(reason); }
  constexpr bool has(Reason reason) const { return (bits_ >> static_cast<unsigned>(reason)) & 1U; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool operator==(const ReasonSet&) const = default;

 private:
  std::uint64_t bits_ = 0;
};
static_assert(kReasonCount <= 64);

/// Operating conditions that are raised and cleared, and that the owner is told of. Stable names; only append.
enum class Alarm : std::uint8_t {
  grid_meter_lost,
  grid_meter_frozen,
  readings_implausible,
  grid_lost,
  generator_running,
  miner_unreachable,
  miner_not_following,
  miner_ignores_stop,
  miner_wrong_identity,
  miner_manual_override,
  miner_pool_dead,
  miner_hashrate_gone,
  miner_over_temperature,
  miner_fault,
  miner_lying,  ///< reports watts that the meter contradicts
  meter_too_slow,
  switch_stuck,  ///< the switch before the miner does not do what it is told
  count_
};
inline constexpr std::size_t kAlarmCount = static_cast<std::size_t>(Alarm::count_);

class AlarmSet {
 public:
  constexpr void set(Alarm alarm, bool on = true) {
    const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(alarm);
    bits_ = on ? (bits_ | bit) : (bits_ & ~bit);
  }
  constexpr bool has(Alarm alarm) const { return (bits_ >> static_cast<unsigned>(alarm)) & 1U; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint32_t bits() const { return bits_; }
  constexpr bool operator==(const AlarmSet&) const = default;

 private:
  std::uint32_t bits_ = 0;
};

/// What the switch before a miner should be: a state that is wanted, not an event.
enum class SwitchOrder : std::uint8_t { leave, on, off };

/// What one miner is asked to do. A *state that is wanted*, not an event: a sender transmits it when `sequence` is new,
/// and the newest replaces one that still waits.
struct MinerDecision {
  CommandKind wanted = CommandKind::none;  ///< none = leave it alone (never commanded, override, unknown)
  Watts target{};                          ///< of `target` and `wake`
  std::uint64_t sequence = 0;              ///< grows with every new or repeated command; 0 = none yet
  bool urgent = false;                     ///< safety: sent before anything else, over any pacing
  Reason reason = Reason::none;
  ReasonSet cuts;          ///< what the guard cut for
  AlarmSet alarms;         ///< of this miner
  Watts expected_power{};  ///< the twin's estimate of what it draws now
  /// Up to these targets a watt is worth what the grid asks for it, and what feeding it in would bring; 0: none is.
  Watts worth_buying{}, worth_keeping{};
  LearnedMiner learned;                    ///< what the twin goes by
  SwitchOrder power = SwitchOrder::leave;  ///< what the switch before it should be; repeated each tick
  bool without_power = false;              ///< cut or booting: that it does not answer is no news
};

struct Decision {
  std::uint64_t tick = 0;
  MonoTime now{};
  WallTime wall{};
  bool estimate_valid = false;  ///< false: the four watts below mean nothing
  Watts house_load{};           ///< everything that is not a miner, at the grid reading's time
  Watts surplus{};              ///< S: before miners and battery
  Watts available{};            ///< A: what surplus-driven mining may draw now, `reserved` taken off
  Watts reserved{};             ///< kept free for the loads of `Site::yield_to`
  Watts mining{};               ///< Σ twin now
  Watts battery_room{};         ///< C: what the battery could charge now
  Watts hidden_margin{};        ///< part of `available` that no meter shows (curtailed PV)
  bool hold_battery = false;    ///< the battery should not discharge: what it holds is worth more later
  AlarmSet alarms;              ///< of the site
  StaticVector<MinerDecision, kMaxMiners> miners;
  CommissionReport commission;  ///< of the newest commissioning run
};

}  // namespace sluice
