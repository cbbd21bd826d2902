#pragma once
/// What the tick loop needs of a controller. `cmd/sluiced` puts `control::Controller` behind it, tests a few lines.

#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::runtime {

/// Used by the tick thread only.
class DecisionMaker {
 public:
  virtual ~DecisionMaker() = default;
  /// `decision` is overwritten whole and has one entry a miner of the snapshot, in the same order.
  virtual void step(const Snapshot& snapshot, Decision& decision) = 0;
  virtual void reconfigure(Site site) = 0;
  virtual void remember(PersistentState& state) const = 0;
};

}  // namespace sluice::runtime
