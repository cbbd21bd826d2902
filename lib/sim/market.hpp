#pragma once
/// What a simulated daemon knows of money: put into every snapshot, as the real one does it.

#include <memory>

#include "model/snapshot.hpp"

namespace sluice::sim {

class Market {
 public:
  virtual ~Market() = default;
  /// Fills `money` and `miner_money`, by `snapshot.wall`; may set `local_day` where its calendar is not UTC. The times
  /// of successive snapshots do not fall.
  virtual void tell(Snapshot& snapshot) = 0;
};

}  // namespace sluice::sim
