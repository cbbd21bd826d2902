#pragma once
/// The real clocks. Only `cmd` makes them.

#include <cstdint>

#include "ports/clock.hpp"

namespace sluice::io {

/// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public ports::Clock {
 public:
  MonoTime now() const override;
  WallTime wall_now() const override;
  /// False before 2024: a board without an RTC that has not heard of the time yet.
  bool wall_sane() const override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  MonoTime deadline) const override;
};

/// Demo time: runs `factor` times faster than real, and is the same in every process that is given the same origin.
struct ScaledOrigin {
  double factor = 1.0;            ///< 1…20
  std::int64_t monotonic_ns = 0;  ///< CLOCK_MONOTONIC at the origin
  std::int64_t wall_unix_ms = 0;  ///< simulated date at the origin
};

/// now = k · (CLOCK_MONOTONIC − m0), wall = t0 + k · (CLOCK_MONOTONIC − m0).
class ScaledClock final : public ports::Clock {
 public:
  explicit ScaledClock(ScaledOrigin origin) : origin_(origin) {}
  MonoTime now() const override;
  WallTime wall_now() const override;
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  MonoTime deadline) const override;
  /// The real CLOCK_MONOTONIC, in ns: what an origin is made from.
  static std::int64_t real_monotonic_ns();

 private:
  ScaledOrigin origin_;
};

}  // namespace sluice::io
