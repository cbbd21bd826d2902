#pragma once
#include <condition_variable>
#include <mutex>

#include "ports/clock.hpp"

namespace sluice::sim {

/// Time that moves only when a test says so. Thread-safe; whoever waits sees it within a few real milliseconds.
class SimClock final : public ports::Clock {
 public:
  explicit SimClock(WallTime wall_start = from_unix_ms(1'400'576'400'000)) : wall_(wall_start) {}

  MonoTime now() const override;
  WallTime wall_now() const override;
  bool wall_sane() const override;
  /// Returns after a real millisecond at the latest, like a spurious wake-up: call it in a loop.
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  MonoTime deadline) const override;

  void advance(Duration dt);  ///< dt ≥ 0
  /// Moves the date alone, as a time server or an owner would.
  void step_wall(Duration dt);
  /// From now on the date can be trusted, or cannot; at first it can.
  void trust_wall(bool trusted);

 private:
  mutable std::mutex mutex_;
  MonoTime now_{};
  WallTime wall_;
  bool wall_trusted_ = true;
};

}  // namespace sluice::sim
