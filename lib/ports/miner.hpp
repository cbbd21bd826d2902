#pragma once
/// One miner behind whatever firmware it runs. The runtime gives every miner a thread of its own that owns this object.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/envelope.hpp"
#include "model/miner.hpp"
#include "model/money.hpp"

namespace sluice::ports {

struct MinerIdentity {
  std::string firmware;  ///< "LuxOS 2025.4.8"
  std::string model;     ///< "Antminer S19k Pro"
  std::string mac;       ///< lower case, colons; empty if the firmware does not tell
  std::string serial;    ///< empty if the firmware does not tell
  std::string hostname;
};

/// What one poll brought. An absent value could not be read: it is not zero.
struct MinerPoll {
  MinerState state = MinerState::unknown;
  std::optional<Watts> power;
  bool power_measured = false;
  std::optional<Watts> target;  ///< target in force, in the adapter's own scale
  std::optional<TeraHashes> hashrate;
  std::optional<TeraHashes> nominal_hashrate;
  std::optional<Celsius> temperature;
  std::optional<bool> pool_alive;
  std::optional<Duration> uptime;  ///< of the mining process; going backwards = it restarted
  bool tuning = false;
  std::string note;  ///< firmware's own words on a fault; empty otherwise
};

struct MinerAbilities {
  Envelope envelope;
  MinerDynamics dynamics;
  bool can_sleep = true;
  WorkingCurve curve{};  ///< the firmware's own table, in the watts that it reports; empty: it does not tell
};

/// Outcome of a command that the firmware took.
struct MinerApplied {
  Watts target{};         ///< what the firmware accepted (rounded to its levels); of `apply_target` and `wake`
  bool verified = false;  ///< read back and equal
  MonoTime sent_at{};     ///< when the command's first byte was written
};

/// Called by one thread at a time; only `cancel` may come from another thread. Every call ends by `deadline` (on the
/// clock that the implementation was built with) and says why it failed.
class Miner {
 public:
  virtual ~Miner() = default;
  /// Reads who is there and what it can do. Must succeed once before anything else is called, and again after a reboot.
  virtual Result<MinerIdentity> identify(MonoTime deadline) = 0;
  /// The same for who only wants to put the miner to sleep, at once: reads who it is, perhaps nothing more. Only
  /// `sleep` may follow.
  virtual Result<MinerIdentity> identify_for_stop(MonoTime deadline) { return identify(deadline); }
  /// Envelope, dynamics and abilities as of the last `identify` or as refreshed by `poll`.
  virtual Result<MinerAbilities> abilities() = 0;
  virtual Result<MinerPoll> poll(MonoTime deadline) = 0;
  virtual Result<MinerApplied> apply_target(Watts target, MonoTime deadline) = 0;
  virtual Result<MinerApplied> sleep(MonoTime deadline) = 0;
  /// Wakes towards `target`. Firmware that cannot take a target while asleep wakes first; the caller sends the target
  /// later.
  virtual Result<MinerApplied> wake(Watts target, MonoTime deadline) = 0;
  /// When the last command's first byte went out, also of a call that failed afterwards; nothing if it never did.
  virtual std::optional<MonoTime> last_sent_at() const = 0;
  /// `listener` is called within a command, on the caller's thread, when a first byte of it goes out.
  virtual void tell_sent(std::function<void(MonoTime)> listener) = 0;
  /// Ends a running call within 100 ms; it returns `cancelled`. From any thread.
  virtual void cancel() = 0;
};

}  // namespace sluice::ports
