#pragma once
/// The last decisions that said something new, for `sluice why`.

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "model/decision.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::runtime {

struct DecisionEntry {
  WallTime wall{};
  std::string miner;
  CommandKind wanted = CommandKind::none;
  Watts target{};
  Reason reason = Reason::none;
  ReasonSet cuts;
  bool estimate_valid = false;
  Watts available{};
  Reading<Watts> grid;
  Watts reserved{};
  std::string reserved_for;  ///< names, "wallbox, boiler"; empty when nothing is reserved
};

/// `add` from the tick thread; `last` from any.
class DecisionLog {
 public:
  /// Keeps the decision of each miner whose reason, cuts or command differ from the one before.
  void add(const Snapshot& snapshot, const Decision& decision, const Site& site);
  /// Newest first; of one miner, or of all with an empty name.
  std::vector<DecisionEntry> last(std::string_view miner, std::size_t count) const;

 private:
  std::vector<MinerDecision> before_;
  mutable std::mutex mutex_;
  std::deque<DecisionEntry> entries_;  ///< guarded by mutex_
};

}  // namespace sluice::runtime
