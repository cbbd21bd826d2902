#include "io/clock.hpp"

#include <chrono>

namespace sluice::io {
namespace {

// 2024-01-01: no Sluice ran before it, so an earlier date is a board without an RTC that has not heard of the time yet.
constexpr WallTime kEarliestSaneDate = from_unix_ms(1704067200000);

Duration steady_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

MonoTime SystemClock::now() const { return MonoTime(steady_now()); }

WallTime SystemClock::wall_now() const { return WallTime(std::chrono::system_clock::now().time_since_epoch()); }

bool SystemClock::wall_sane() const { return wall_now() >= kEarliestSaneDate; }

void SystemClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                             MonoTime deadline) const {
  condition.wait_until(lock, std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
}

std::int64_t ScaledClock::real_monotonic_ns() { return steady_now().count(); }

MonoTime ScaledClock::now() const {
  const double elapsed = static_cast<double>(steady_now().count() - origin_.monotonic_ns) * origin_.factor;
  return MonoTime(Duration(static_cast<Duration::rep>(elapsed)));
}

WallTime ScaledClock::wall_now() const { return from_unix_ms(origin_.wall_unix_ms) + now().time_since_epoch(); }

void ScaledClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                             MonoTime deadline) const {
  const double real_ns = static_cast<double>(deadline.time_since_epoch().count()) / origin_.factor;
  const Duration real_deadline(origin_.monotonic_ns + static_cast<Duration::rep>(real_ns));
  condition.wait_until(lock, std::chrono::steady_clock::time_point(real_deadline));
}

}  // namespace sluice::io
