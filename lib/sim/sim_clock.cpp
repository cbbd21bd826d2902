#include "sim/sim_clock.hpp"

namespace sluice::sim {
namespace {

// A waiter sleeps on its owner's condition variable, which `advance` does not know: it looks at the time again this
// often (real time).
constexpr auto kLook = std::chrono::milliseconds(1);

}  // namespace

MonoTime SimClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

WallTime SimClock::wall_now() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}

bool SimClock::wall_sane() const {
  const std::lock_guard lock(mutex_);
  return wall_trusted_;
}

void SimClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                          MonoTime deadline) const {
  // One look only: a notification that meets the end of the look would be lost if this went on by itself, so the
  // caller asks its own condition again, as after any wait.
  if (now() < deadline) condition.wait_for(lock, kLook);
}

void SimClock::advance(Duration dt) {
  const std::lock_guard lock(mutex_);
  now_ += dt;
  wall_ += dt;
}

void SimClock::step_wall(Duration dt) {
  const std::lock_guard lock(mutex_);
  wall_ += dt;
}

void SimClock::trust_wall(bool trusted) {
  const std::lock_guard lock(mutex_);
  wall_trusted_ = trusted;
}

}  // namespace sluice::sim
