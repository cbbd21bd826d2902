#pragma once
/// What the emulated Braiins OS remembers and decides, behind both of its APIs. Thread-safe.

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "house/firmware/braiins/braiins.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

/// How a write comes into force; the values are those of the wire.
enum class BraiinsSave { unspecified = 0, save = 1, apply = 2, force_apply = 3 };

struct BraiinsDps {
  bool enabled = false;
  bool shutdown_enabled = false;
  std::uint32_t shutdown_hours = 3;
  Watts power_step{300.0};
  Watts min_target{};
  int mode = 1;  ///< normal
  std::uint32_t on_start_target_percent = 100;
};

struct BraiinsRamping {
  std::uint32_t up_s = 60, down_s = 10;
};

class BraiinsMiner {
 public:
  BraiinsMiner(MinerDoor& door, const ports::Clock& clock, BraiinsOptions options);

  const BraiinsOptions& options() const { return options_; }
  bool at_least(int major, int minor) const;
  MinerFace face() const { return door_.face(); }
  /// As the firmware shows it: the power figure lags after a pause where the options say so.
  MinerView view() const;
  MinerFaults faults() const { return door_.faults(); }
  WallTime wall_now() const { return clock_.wall_now(); }

  /// Logging in. None: wrong user or password. Every use of a token renews it.
  std::optional<std::string> login(const std::string& username, const std::string& password);
  bool authorized(const std::string& token);

  /// The configured target; the one in force is in the view.
  Watts target() const;
  static Watts default_target(const MinerView& view) { return view.max_target; }
  /// Sets the configured target and returns it. `invalid` outside of the constraints or with an unspecified action,
  /// `rejected` when the miner is told to refuse.
  Result<Watts> set_target(Watts target, BraiinsSave save);
  /// `set_target` to the present one and `difference` more, with the fault of old firmware.
  Result<Watts> change_target(Watts difference, BraiinsSave save);

  BraiinsDps dps() const;
  Result<void> set_dps(const BraiinsDps& dps, BraiinsSave save);
  BraiinsRamping ramping() const;
  Result<void> set_ramping(BraiinsRamping ramping, BraiinsSave save);

  /// Each tells whether the miner already was there. Pause and resume are `rejected` while the process is stopped.
  Result<bool> pause();
  Result<bool> resume();
  Result<bool> start();
  Result<bool> stop();
  Result<bool> restart();
  Result<void> reboot();
  bool stopped() const;
  bool locate() const;
  Result<void> set_locate(bool on);

  /// What happens by itself: the second half of a restart, a requested reboot, what a reboot forgets.
  void tick();

  /// Waits in real time. False when the server is going away.
  bool wait(Duration time);
  /// Ends every wait, now and later, until `stay`.
  void leave();
  void stay();

 private:
  Result<void> allowed(BraiinsSave save) const;
  bool effective() const { return !door_.faults().drop_commands; }
  Result<Watts> take_target(Watts target, BraiinsSave save, bool moves);
  void restart_mining();

  MinerDoor& door_;
  const ports::Clock& clock_;
  const BraiinsOptions options_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable leaving_;
  bool left_ = false;
  std::map<std::string, MonoTime> tokens_;  // by last use
  std::uint64_t issued_ = 0;
  Watts target_{};
  BraiinsDps dps_;
  BraiinsRamping ramping_;
  bool stopped_ = false, restarting_ = false, reboot_wanted_ = false, booted_ = true, locate_ = false;
  std::optional<MonoTime> paused_at_;
  Watts power_before_pause_{};
};

}  // namespace sluice::house
