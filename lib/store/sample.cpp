#include "store/sample.hpp"

#include <algorithm>
#include <cmath>

#include "store/block_codec.hpp"

namespace sluice::store {
namespace {

constexpr std::array<std::string_view, kSiteSeries> kSiteNames{"grid_w",  "pv_w",    "battery_w",
                                                               "soc_pct", "house_w", "surplus_w"};
constexpr std::array<std::string_view, kMinerSeries> kMinerNames{"target_w", "expected_w", "reported_w"};
constexpr double kPercentStep = 0.1;

std::int32_t stored(double value, double step = 1.0) {
  const double steps = std::round(value / step);
  if (std::isnan(steps)) return kMissing;
  constexpr double kLimit = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(steps, -kLimit, kLimit));
}

template <class Quantity>
std::int32_t stored(const Reading<Quantity>& reading, MonoTime now, double step = 1.0) {
  return reading.fresh(now, kSampleMaxAge) ? stored(reading.value.value(), step) : kMissing;
}

std::int32_t stored_target(const MinerDecision& decision) {
  switch (decision.wanted) {
    case CommandKind::none:
      return kMissing;
    case CommandKind::sleep:
      return 0;
    case CommandKind::target:
    case CommandKind::wake:
      return stored(decision.target.value());
  }
  return kMissing;
}

DecisionChange of_site(const Decision& decision) {
  DecisionChange change;
  change.unix_ms = unix_ms(decision.wall);
  change.alarms = decision.alarms;
  return change;
}

DecisionChange of_miner(const Decision& decision, std::size_t miner, const std::string& name) {
  const MinerDecision& d = decision.miners[miner];
  return {unix_ms(decision.wall), name, d.sequence, d.wanted, d.target, d.reason, d.cuts, d.alarms};
}

}  // namespace

std::vector<std::string> series_names(const MinerNames& miners) {
  std::vector<std::string> names(kSiteNames.begin(), kSiteNames.end());
  for (const std::string& miner : miners) {
    for (const std::string_view series : kMinerNames) names.push_back(fmt::format("miner.{}.{}", miner, series));
  }
  return names;
}

double series_scale(std::string_view name) { return name.ends_with("_pct") ? kPercentStep : 1.0; }

Sample make_sample(const Snapshot& snapshot, const Decision& decision, std::shared_ptr<const MinerNames> miners) {
  const MonoTime now = snapshot.now;
  Sample sample;
  sample.at = now;
  sample.unix_ms = unix_ms(snapshot.wall);
  sample.local_day = snapshot.local_day;
  sample.clock_sane = snapshot.wall_sane;
  sample.values.assign(kSiteSeries + miners->size() * kMinerSeries, kMissing);
  sample.values[index_of(SiteSeries::grid_w)] = stored(snapshot.grid.power, now);
  sample.values[index_of(SiteSeries::pv_w)] = stored(snapshot.pv.power, now);
  sample.values[index_of(SiteSeries::battery_w)] = stored(snapshot.battery.power, now);
  sample.values[index_of(SiteSeries::soc_pct)] = stored(snapshot.battery.soc, now, kPercentStep);
  if (decision.estimate_valid) {
    sample.values[index_of(SiteSeries::house_w)] = stored(decision.house_load.value());
    sample.values[index_of(SiteSeries::surplus_w)] = stored(decision.surplus.value());
  }
  const std::size_t count = std::min({miners->size(), snapshot.miners.size(), decision.miners.size()});
  for (std::size_t miner = 0; miner < count; ++miner) {
    const MinerDecision& decided = decision.miners[miner];
    sample.values[index_of(MinerSeries::target_w, miner)] = stored_target(decided);
    sample.values[index_of(MinerSeries::expected_w, miner)] = stored(decided.expected_power.value());
    sample.values[index_of(MinerSeries::reported_w, miner)] = stored(snapshot.miners[miner].reported_power, now);
  }
  sample.miners = std::move(miners);
  return sample;
}

bool DecisionChange::same_as(const DecisionChange& other) const {
  return subject == other.subject && sequence == other.sequence && wanted == other.wanted && target == other.target &&
         reason == other.reason && cuts == other.cuts && alarms == other.alarms;
}

std::vector<DecisionChange> DecisionDiff::changes(const Decision& decision, const MinerNames& miners) {
  std::vector<DecisionChange> now{of_site(decision)};
  const std::size_t count = std::min(miners.size(), decision.miners.size());
  for (std::size_t miner = 0; miner < count; ++miner) now.push_back(of_miner(decision, miner, miners[miner]));
  std::vector<DecisionChange> changed;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i >= last_.size() || !now[i].same_as(last_[i])) changed.push_back(now[i]);
  }
  last_ = std::move(now);
  return changed;
}

}  // namespace sluice::store
