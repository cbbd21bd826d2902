#include "runtime/state_keeper.hpp"

#include <algorithm>

namespace sluice::runtime {
namespace {

constexpr Duration kSoon = std::chrono::minutes(5);
constexpr Duration kRetry = std::chrono::minutes(1);
constexpr const char* kNotSaved = "state_not_saved";

}  // namespace

StateKeeper::StateKeeper(PersistentState loaded, ports::StateStore& store, const ports::Clock& clock,
                         Announcer& announcer)
    : store_(store), clock_(clock), announcer_(announcer), state_(std::move(loaded)) {}

MinerMemory& StateKeeper::miner(PersistentState& state, const std::string& name) {
  const auto found = std::find_if(state.miners.begin(), state.miners.end(),
                                  [&](const MinerMemory& miner) { return miner.name == name; });
  if (found != state.miners.end()) return *found;
  state.miners.emplace_back();
  state.miners.back().name = name;
  return state.miners.back();
}

void StateKeeper::change(When when, const std::function<void(PersistentState&)>& edit) {
  {
    const std::lock_guard lock(mutex_);
    edit(state_);
    const Duration wait = when == When::now ? Duration{} : kSoon;
    due_ = std::min(due_, clock_.now() + wait);
  }
  wake_.notify_all();
}

PersistentState StateKeeper::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool StateKeeper::save() {
  const std::lock_guard one_at_a_time(saving_);
  PersistentState copy;
  {
    const std::lock_guard lock(mutex_);
    state_.saved_unix_ms = unix_ms(clock_.wall_now());
    due_ = MonoTime::max();
    copy = state_;
  }
  const Result<void> saved = store_.save(copy);
  if (saved) {
    announcer_.clear(kNotSaved, "", "the state is saved again");
    return true;
  }
  announcer_.raise(ports::EventLevel::alarm, kNotSaved, "",
                   "the state cannot be saved, control goes on: " + saved.error().text);
  const std::lock_guard lock(mutex_);
  due_ = std::min(due_, clock_.now() + kRetry);
  return false;
}

MonoTime StateKeeper::run_once() {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    due = due_ <= clock_.now();
  }
  if (due) save();
  const std::lock_guard lock(mutex_);
  return due_;
}

void StateKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    run_once();
    lock.lock();
    if (stopping_ || due_ <= clock_.now()) continue;
    if (due_ == MonoTime::max()) {
      wake_.wait(lock);
    } else {
      clock_.wait_until(lock, wake_, due_);
    }
  }
}

void StateKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void StateKeeper::flush() { save(); }

}  // namespace sluice::runtime
