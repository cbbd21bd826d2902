#pragma once
/// Tells the battery behind one device not to discharge while miners buy from the grid, and lets it go again. A hold
/// that nobody could release costs the use of the battery and nothing else: it still charges, and it feeds no miner.

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/units.hpp"
#include "model/reading.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "runtime/announcer.hpp"

namespace sluice::runtime {

struct HoldPlan {
  bool allowed = false;             ///< by the owner; otherwise only what a run before left held is released
  std::optional<std::string> held;  ///< what releases the hold of a run before; missing = none
  /// Keeps over restarts what releases the hold, or that there is none. Waits for the disk, on the device's thread.
  std::function<Result<void>(const std::optional<std::string>& before)> remember;
};

/// `serve` belongs to the thread of the device, everything else may be called from any.
class BatteryHold {
 public:
  BatteryHold(std::string device, HoldPlan plan, const ports::Clock& clock, Announcer& announcer);

  /// What the last decision wants. It has to be wanted again and again: 10 s of silence release it. `battery`: what it
  /// is seen to do, by which one that ignores the order is found out. True: `serve` has something to tell.
  bool want(bool hold, const Reading<Watts>& battery);
  /// It would not be held if that were wanted: the device failed or ignored it, or has to rest between two writes.
  bool unavailable() const;
  /// Nothing is held, and nothing is just being told.
  bool free() const;
  /// From now on it is released whatever is wanted, because nobody will be there to do so later; `false` takes that
  /// back. True: there is something to release, and `free` tells when that is done.
  bool leave(bool leaving);

  /// Tells the device what there is to tell; returns when to come again.
  MonoTime serve(ports::Device& device);

 private:
  bool wanted(MonoTime now) const;               // with the lock held
  bool due(MonoTime now, MonoTime& next) const;  // with the lock held
  void hold(ports::Device& device);
  void release(ports::Device& device);
  bool seen_discharging(const Reading<Watts>& battery, MonoTime now);

  const std::string device_;
  const HoldPlan plan_;
  const ports::Clock& clock_;
  Announcer& announcer_;

  mutable std::mutex mutex_;  // guards what follows
  bool asked_ = false;        ///< by `want`, ever
  bool wanted_ = false;
  MonoTime wanted_at_{};
  bool leaving_ = false;
  bool telling_ = false;                  ///< a call of the device runs
  std::optional<std::string> held_;       ///< what releases it; from before the first try to hold
  std::optional<MonoTime> told_;          ///< when the device first took the present hold
  MonoTime repeat_at_ = MonoTime::max();  ///< of a device that forgets
  MonoTime not_before_{};                 ///< the next release, or the next hold
  MonoTime unavailable_until_{};
  Duration pause_{};  ///< grows with every failure to hold
  std::optional<MonoTime> discharging_since_;
};

}  // namespace sluice::runtime
