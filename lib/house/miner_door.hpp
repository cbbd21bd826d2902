#pragma once
/// What an emulated firmware sees and may do with its miner. The firmware servers (LuxOS, VNish, Braiins) know only
/// this door; `House` implements it over `lib/sim`, tests implement it with a few lines.

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/miner.hpp"

namespace sluice::house {

struct MinerLevel {
  Watts power{};          ///< nominal draw at this level
  TeraHashes hashrate{};  ///< at this level
};

struct MinerFace {
  std::string model = "Antminer S19";
  std::string mac, serial, hostname;
};

/// The miner at one instant, from the physics.
struct MinerView {
  MinerState state = MinerState::running;
  Watts power{};           ///< what it draws: the truth, never shown by a firmware
  Watts reported_power{};  ///< what its firmware believes
  Watts target{};          ///< target in force
  Watts min_target{}, max_target{}, target_step{};
  std::vector<MinerLevel> levels;  ///< profiles or presets, ascending; empty for a pure range
  TeraHashes hashrate{}, nominal_hashrate{}, max_hashrate{};
  Celsius temperature{45.0};
  Duration uptime{};   ///< of the mining process, on the house's clock
  bool booted = true;  ///< false: the control board is restarting, nothing answers
  bool pool_alive = true;
  bool tuning = false;
  bool psu_measured = false;
};

/// Faults that a test, the demo or a rehearsal injects. All off by default.
struct MinerFaults {
  Duration delay{};  ///< real time before every answer
  bool refuse_connections = false;
  bool silent = false;           ///< accepts, never answers
  bool garbage = false;          ///< answers bytes that are no reply
  bool drop_commands = false;    ///< acknowledges writes and does not do them
  bool reject_commands = false;  ///< answers writes with the firmware's own error
  bool reject_password = false;
  bool ignore_sleep = false;  ///< acknowledges sleep and goes on
};

/// Thread-safe.
class MinerDoor {
 public:
  virtual ~MinerDoor() = default;
  virtual MinerFace face() const = 0;
  virtual MinerView view() const = 0;
  virtual MinerFaults faults() const = 0;
  virtual void set_target(Watts target) = 0;  ///< the physics adds dead time and ramps
  virtual void sleep() = 0;
  virtual void wake() = 0;
  virtual void reboot() = 0;  ///< control board: `booted` is false for a while
};

/// One emulated firmware on one address. Its factory function binds and serves; the destructor stops.
class MinerServer {
 public:
  virtual ~MinerServer() = default;
  /// Returns within a second, with no thread and no socket left. Idempotent.
  virtual void stop() = 0;
  /// Bound port of the API that commands: LuxOS TCP, VNish HTTP, Braiins gRPC. Tells which one where 0 was asked for.
  virtual std::uint16_t port() const = 0;
  /// Bound port of the CGMiner-style API (4028 by default); the same as `port` for LuxOS.
  virtual std::uint16_t cgminer_port() const = 0;
};

}  // namespace sluice::house
