#pragma once
/// Two clocks, two types that never mix: `MonoTime` for ages, durations and control; `WallTime` for tariffs and logs.
/// Neither type can be read from here: the clock itself is a port (`ports/clock.hpp`) handed in through constructors.

#include <chrono>
#include <cstdint>

namespace sluice {

using Duration = std::chrono::nanoseconds;

struct MonoClockTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = true;
};
struct WallClockTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = false;
};

/// A point on the monotonic clock. Its zero is arbitrary and changes with every start of the process.
using MonoTime = std::chrono::time_point<MonoClockTag, Duration>;
/// Nanoseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::time_point<WallClockTag, Duration>;

constexpr double to_seconds(Duration duration) { return static_cast<double>(duration.count()) * 1e-9; }
constexpr Duration from_seconds(double seconds) { return Duration(static_cast<Duration::rep>(seconds * 1e9)); }

constexpr std::int64_t unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
constexpr WallTime from_unix_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

}  // namespace sluice
