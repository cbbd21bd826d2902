#include "runtime/yielding.hpp"

#include <algorithm>

namespace sluice::runtime {
namespace {

// Electronics on standby; a wallbox begins at more than a kilowatt, a heating rod at hundreds of watts.
constexpr Watts kDraws{50.0};
// A car that was full in the afternoon is asked again, but not every half hour.
constexpr int kPassedFor = 4;  // times its patience

void enter(YieldObservation& seen, YieldState state, MonoTime now) {
  if (seen.state == state && seen.since != MonoTime{}) return;
  seen.state = state;
  seen.since = now;
}

/// Its word on whether it wants energy, as a number of watts; missing when it says neither.
Reading<Watts> wanted(const DeviceReport& report, Watts reserve) {
  const Reading<double>& wants = report[Measurement::load_wants];
  const Reading<double>& watts = report[Measurement::load_wanted_w];
  // Of two words that a template offers, the missing one may be the one that matters.
  if (report.offered[static_cast<std::size_t>(Measurement::load_wants)] && !wants.usable()) return {};
  if (wants.usable() && wants.value == 0.0) return Reading<Watts>::good(Watts(0.0), wants.at);
  if (watts.usable()) return Reading<Watts>::good(min(reserve, positive(Watts(watts.value))), watts.at);
  if (wants.usable()) return Reading<Watts>::good(reserve, wants.at);
  return {};
}

}  // namespace

Yielding::Load& Yielding::remembered(const YieldSite& site, MonoTime now) {
  const auto found =
      std::find_if(loads_.begin(), loads_.end(), [&](const Load& load) { return load.device == site.device; });
  if (found != loads_.end()) return *found;
  Load load;
  load.device = site.device;
  load.heard_at = now;
  // Nobody knows yet whether it waits, so it may.
  load.seen.reserved = Reading<Watts>::good(site.reserve, now);
  load.seen.since = now;
  loads_.push_back(std::move(load));
  return loads_.back();
}

void Yielding::hear(Load& load, const YieldSite& site, const DeviceReport& report, bool offered, Duration passed,
                    MonoTime now) {
  YieldObservation& seen = load.seen;
  const Reading<Watts> wants = wanted(report, site.reserve);
  const Reading<double>& draws = report[Measurement::load_w];
  load.heard_at = wants.at;
  seen.power =
      draws.fresh(now, site.stale_after) ? Reading<Watts>::good(Watts(draws.value), draws.at) : Reading<Watts>{};
  const Watts drawn = seen.power.usable() ? positive(seen.power.value) : Watts(0.0);
  const Watts reserved = positive(wants.value - drawn);
  if (wants.value <= Watts(0.0) || drawn > kDraws) {
    load.in_vain = {};
    enter(seen, drawn > kDraws && wants.value > Watts(0.0) ? YieldState::drawing : YieldState::content, now);
  } else if (seen.state == YieldState::passed) {
    if (now - seen.since >= kPassedFor * site.patience) {
      load.in_vain = {};
      enter(seen, YieldState::waiting, now);
    }
  } else {
    if (offered && seen.state == YieldState::waiting) load.in_vain += passed;
    enter(seen, load.in_vain >= site.patience ? YieldState::passed : YieldState::waiting, now);
  }
  seen.reserved = Reading<Watts>::good(seen.state == YieldState::passed ? Watts(0.0) : reserved, wants.at);
}

StaticVector<YieldObservation, kMaxYields> Yielding::look(std::span<const YieldSite> loads,
                                                          std::span<const std::shared_ptr<const DeviceReport>> devices,
                                                          bool offered, MonoTime now) {
  const Duration passed = last_ == MonoTime{} ? Duration{} : now - last_;
  last_ = now;
  StaticVector<YieldObservation, kMaxYields> out;
  for (const YieldSite& site : loads) {
    Load& load = remembered(site, now);
    const auto report =
        std::find_if(devices.begin(), devices.end(), [&](const auto& each) { return each->name == site.device; });
    if (report != devices.end() && wanted(**report, site.reserve).fresh(now, site.stale_after)) {
      hear(load, site, **report, offered, passed, now);
    } else if (now - load.heard_at > site.stale_after + site.keep) {
      enter(load.seen, YieldState::released, now);
      load.seen.reserved = Reading<Watts>::good(Watts(0.0), now);
      load.seen.power = {};
    } else if (now - load.heard_at > site.stale_after) {
      enter(load.seen, YieldState::silent, now);
      load.seen.power = {};
    }
    out.push_back(load.seen);
  }
  // Loads that a reload took away are forgotten.
  std::erase_if(loads_, [&](const Load& load) {
    return std::none_of(loads.begin(), loads.end(), [&](const YieldSite& site) { return site.device == load.device; });
  });
  return out;
}

}  // namespace sluice::runtime
