#pragma once
#include <condition_variable>
#include <mutex>

#include "base/time.hpp"

namespace sluice::ports {

/// The only source of time. Thread-safe. `SystemClock` and the demo's `ScaledClock` live in `lib/io`, `SimClock` in
/// `lib/sim`.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime now() const = 0;
  virtual WallTime wall_now() const = 0;
  /// False while the operating system's date cannot be trusted (no RTC at boot, not yet synchronised).
  virtual bool wall_sane() const = 0;
  /// Waits until `deadline` on this clock or until `condition` is notified, whichever is first. `lock` is held on
  /// return.
  virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                          MonoTime deadline) const = 0;
};

}  // namespace sluice::ports
