#include "runtime/decision_log.hpp"

namespace sluice::runtime {
namespace {

constexpr std::size_t kKept = 512;

bool same(const MinerDecision& a, const MinerDecision& b) {
  return a.wanted == b.wanted && a.target == b.target && a.reason == b.reason && a.cuts == b.cuts;
}

std::string reserved_for(const Snapshot& snapshot, const Site& site) {
  std::string names;
  for (std::size_t i = 0; i < snapshot.yield_to.size() && i < site.yield_to.size(); ++i) {
    if (snapshot.yield_to[i].reserved.value > Watts(0.0))
      names += (names.empty() ? "" : ", ") + site.yield_to[i].device;
  }
  return names;
}

}  // namespace

void DecisionLog::add(const Snapshot& snapshot, const Decision& decision, const Site& site) {
  if (before_.size() != decision.miners.size()) before_.assign(decision.miners.size(), MinerDecision{});
  for (std::size_t i = 0; i < decision.miners.size() && i < site.miners.size(); ++i) {
    const MinerDecision& miner = decision.miners[i];
    if (same(miner, before_[i])) continue;
    before_[i] = miner;
    const std::lock_guard lock(mutex_);
    entries_.push_back({decision.wall, site.miners[i].name, miner.wanted, miner.target, miner.reason, miner.cuts,
                        decision.estimate_valid, decision.available, snapshot.grid.power, decision.reserved,
                        reserved_for(snapshot, site)});
    if (entries_.size() > kKept) entries_.pop_front();
  }
}

std::vector<DecisionEntry> DecisionLog::last(std::string_view miner, std::size_t count) const {
  const std::lock_guard lock(mutex_);
  std::vector<DecisionEntry> found;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && found.size() < count; ++entry) {
    if (miner.empty() || entry->miner == miner) found.push_back(*entry);
  }
  return found;
}

}  // namespace sluice::runtime
