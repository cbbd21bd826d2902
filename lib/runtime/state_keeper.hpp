#pragma once
/// Keeps the state that survives a restart, and saves it on a thread of its own: no tick waits for a disk.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "model/memory.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"
#include "runtime/announcer.hpp"

namespace sluice::runtime {

/// Thread-safe.
class StateKeeper {
 public:
  StateKeeper(PersistentState loaded, ports::StateStore& store, const ports::Clock& clock, Announcer& announcer);

  /// How soon a change must be on the disk.
  enum class When {
    soon,  ///< within five minutes: counters and learned models
    now,   ///< what `park --if-unclean` relies on
  };
  void change(When when, const std::function<void(PersistentState&)>& edit);
  PersistentState state() const;
  /// The entry of `name` in `state`, added if it is new.
  static MinerMemory& miner(PersistentState& state, const std::string& name);

  /// Saves if a save is due; returns when the next one is.
  MonoTime run_once();
  void run();
  void stop();
  /// Saves now, on the caller's thread, whatever is due. For the end.
  void flush();

 private:
  bool save();

  ports::StateStore& store_;
  const ports::Clock& clock_;
  Announcer& announcer_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  PersistentState state_;  ///< guarded by mutex_
  MonoTime due_ = MonoTime::max();
  bool stopping_ = false;
  std::mutex saving_;  ///< one save at a time
};

}  // namespace sluice::runtime
