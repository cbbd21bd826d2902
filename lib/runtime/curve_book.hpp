#pragma once
/// Which curve each miner has: what the owner wrote, what its firmware tells, what was learned of it, or what can be
/// said of it otherwise (docs/guide/money.md).

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/snapshot.hpp"
#include "runtime/miner_worker.hpp"
#include "tariff/learned_curve.hpp"

namespace sluice::runtime {

enum class CurveSource : std::uint8_t { none, configuration, firmware, learned, efficiency, reported };
/// "of the configuration", …
std::string_view to_string(CurveSource source);

/// Used by one thread.
class CurveBook {
 public:
  /// Takes up what was learned before the last restart.
  explicit CurveBook(const PersistentState& state);

  /// Learns from what is seen and fills `snapshot.miner_money[…].curve`. `last` is the decision of the tick before;
  /// null: nobody knows yet what miners draw.
  void look(const Site& site, std::span<const std::shared_ptr<const MinerReport>> miners, const Decision* last,
            Snapshot& snapshot);
  /// Of the last look, in the order of the site.
  const std::vector<CurveSource>& sources() const { return sources_; }
  void remember(PersistentState& state) const;

 private:
  struct Page {
    std::string name;
    tariff::LearnedCurve learned;
    std::shared_ptr<const WorkingCurve> curve;
    CurveSource source = CurveSource::none;
    MonoTime next{};  ///< when the curve is made anew: no need for it each tick
  };
  Page& page_of(const std::string& name);
  static void learn(Page& page, const MinerReport& miner, const MinerDecision& last, MonoTime now);
  static void choose(Page& page, const MinerSite& site, const MinerReport& miner, const MinerDecision* last);

  std::vector<Page> pages_;
  std::vector<CurveSource> sources_;
};

}  // namespace sluice::runtime
