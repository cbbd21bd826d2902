#pragma once
/// What is known of one miner at one instant, and what was last asked of it.

#include <cstdint>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/envelope.hpp"
#include "model/reading.hpp"

namespace sluice {

enum class MinerState : std::uint8_t {
  unknown,   ///< no trustworthy answer yet
  asleep,    ///< paused or curtailed by its firmware; draws standby watts
  waking,    ///< on its way to hashing
  running,   ///< hashing (also while its tuner still works)
  stopping,  ///< on its way to sleep
  fault,     ///< reports a failure and does not hash
};

enum class LinkState : std::uint8_t { unknown, up, down };

enum class IdentityVerdict : std::uint8_t {
  unverified,  ///< not asked yet: no command may be sent
  accepted,    ///< matches the pins of the configuration, or there are none
  wrong,       ///< another machine answers at this address: never commanded
};

enum class CommandKind : std::uint8_t { none, target, sleep, wake };

enum class CommandStatus : std::uint8_t {
  none,          ///< nothing was asked yet
  queued,        ///< decided, not on the wire yet
  sent,          ///< its first byte was written, no answer yet
  acknowledged,  ///< the miner confirmed it and the read-back agrees
  refused,       ///< the miner said no
  failed,        ///< no usable answer before the deadline: it may or may not have taken effect
};

/// The last command of one miner. The controller's twin is fed from this, so times are those of the wire.
struct CommandRecord {
  std::uint64_t sequence = 0;  ///< of the decision that caused it; 0 = none yet
  CommandKind kind = CommandKind::none;
  Watts target{};  ///< of `target` and `wake`; as the firmware accepted it (levels are rounded by the miner)
  CommandStatus status = CommandStatus::none;
  MonoTime sent_at{};      ///< first byte written; valid from `sent` on
  MonoTime answered_at{};  ///< valid from `acknowledged` on
};

/// What a firmware is known to do after a command, before anything was learned: priors of the twin.
struct MinerDynamics {
  Duration dead_time{};             ///< command sent → power begins to move
  Duration ramp_up{};               ///< minimum → maximum power
  Duration ramp_down{};             ///< maximum → minimum power
  Duration stop{};                  ///< maximum power → asleep; 0 = as `ramp_down`
  Duration wake{};                  ///< wake command → minimum power
  Watts sleep_power{};              ///< drawn while asleep
  Duration retarget_up{};           ///< least time between two raised targets
  Duration retarget_down{};         ///< least time between two lowered targets
  std::int32_t writes_per_day = 0;  ///< 0 = no limit known
  bool operator==(const MinerDynamics&) const = default;
};

/// One miner as its thread last saw it. Everything that could not be read is `missing` or `unknown`.
struct MinerObservation {
  LinkState link = LinkState::unknown;
  IdentityVerdict identity = IdentityVerdict::unverified;
  MinerState state = MinerState::unknown;
  MonoTime state_at{};             ///< when `state` was read
  Reading<Watts> reported_power;   ///< what the firmware says it draws: a prior, 5–20 % off in the field
  bool power_measured = false;     ///< the firmware says a power supply measured it
  Reading<Watts> target_readback;  ///< the target the firmware says is set
  Reading<TeraHashes> hashrate;
  Reading<TeraHashes> nominal_hashrate;  ///< what the firmware expects at the present working point
  Reading<Celsius> temperature;          ///< hottest chip or board
  Reading<bool> pool_alive;
  bool tuning = false;
  bool sleep_unavailable = false;  ///< this firmware cannot sleep: `minimum` is the least
  std::uint32_t reboots = 0;       ///< times the miner was seen to have restarted by itself
  Reading<bool> switch_on;         ///< of the switch before it: whether power gets through
  Reading<Watts> switch_power;     ///< what that switch measures, if it does
  Envelope envelope;
  MinerDynamics dynamics;
  CommandRecord command;    ///< the newest one
  CommandRecord delivered;  ///< the last one before it that reached the wire: a busy miner may never show it as newest
};

}  // namespace sluice
