#pragma once
/// Who decides in a simulated house: the product's controller, or a law it is measured against. All of them see the
/// same snapshots and are obeyed in the same way.

#include "control/controller.hpp"
#include "model/decision.hpp"
#include "model/snapshot.hpp"

namespace sluice::sim {

class Policy {
 public:
  virtual ~Policy() = default;
  /// One tick. Of `decision` the house obeys each miner's `wanted`, `target` and `sequence` (obeyed when it is new); it
  /// still holds what was decided in the last tick.
  virtual void step(const Snapshot& snapshot, Decision& decision) = 0;
};

/// The product itself, not a copy of it.
class ProductPolicy final : public Policy {
 public:
  ProductPolicy(Site site, const PersistentState& memory, MonoTime now, WallTime wall)
      : controller_(std::move(site), memory, now, wall) {}
  void step(const Snapshot& snapshot, Decision& decision) override { controller_.step(snapshot, decision); }
  control::Controller& controller() { return controller_; }
  const control::Controller& controller() const { return controller_; }

 private:
  control::Controller controller_;
};

}  // namespace sluice::sim
