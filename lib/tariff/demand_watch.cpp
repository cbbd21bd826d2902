#include "tariff/demand_watch.hpp"

#include <algorithm>

#include "tariff/evaluation.hpp"

namespace sluice::tariff {
namespace {

constexpr Duration kLongestHold = std::chrono::seconds(60);
// What is left of an allowance is not spent in the last seconds: a miner could not leave so high a level in time.
constexpr Duration kShortestRest = std::chrono::seconds(60);
constexpr int kKeptMonths = 13;

Watts mean_of(WattHours energy, Duration time) { return Watts(energy.value() * 3600.0 / to_seconds(time)); }

}  // namespace

DemandWatch::DemandWatch(const Plan& plan, const LocalTime& local_time, Settings settings,
                         std::vector<BilledPeak> peaks)
    : plan_(plan), local_time_(local_time), settings_(settings), peaks_(std::move(peaks)) {}

void DemandWatch::observe(WallTime now, MonoTime at, Watts grid) {
  const LocalClock clock = local_time_.at(now);
  if (clock.day != day_) {
    day_ = clock.day;
    moment_.today = facts_of(plan_, clock.day);
    moment_.yesterday = facts_of(plan_, clock.day - std::chrono::days(1));
  }
  moment_.minute = static_cast<int>(clock.of_day / std::chrono::minutes(1));
  const Version* version = plan_.version_on(clock.day);
  if (version != version_) {
    version_ = version;
    intervals_.assign(version != nullptr ? version->demand.size() : 0, {});
  }
  const Watts import = positive(grid);
  const Duration since = at - last_at_;
  const bool held = has_last_ && since > Duration{} && since <= kLongestHold;
  limit_ = {};

  for (std::size_t index = 0; index < intervals_.size(); ++index) {
    const DemandCharge& charge = version->demand[index];
    Interval& interval = intervals_[index];
    const Duration length = charge.interval;
    const Duration elapsed = clock.of_day % length;
    const WallTime begin = now - elapsed;
    if (begin != interval.begin) {
      const Duration before = held ? std::clamp(since - elapsed, Duration{}, length - interval.seen) : Duration{};
      interval.seen_energy += last_import_ * before;
      interval.seen += before;
      close(charge, interval);
      interval = {begin, WattHours(), Duration{}, billing_start(clock.day, settings_.billing_day),
                  holds(charge.when, moment_)};
      if (held) {
        interval.seen = std::min(since, elapsed);
        interval.seen_energy = last_import_ * interval.seen;
      }
    } else if (held) {
      interval.seen_energy += last_import_ * since;
      interval.seen += since;
    }
    if (!interval.counts) continue;

    const Watts billed = billed_of(charge, interval.billing);
    const Duration unseen = std::max(elapsed - interval.seen, Duration{});
    const WattHours used = interval.seen_energy + max(billed, import) * unseen;
    const Duration rest = std::max(length - elapsed, kShortestRest);
    const Watts allowed = positive(mean_of(billed * length - used, rest));
    if (limit_.usable() && limit_.value <= allowed) continue;
    limit_ = Reading<Watts>::good(allowed, at);
    interval_mean_ = elapsed > Duration{} ? mean_of(used, elapsed) : import;
    billed_ = billed;
  }
  last_at_ = at;
  last_import_ = import;
  has_last_ = true;
}

/// Time that was not seen counts as nothing here: a peak believed too high would allow too much later.
void DemandWatch::close(const DemandCharge& charge, const Interval& interval) {
  if (!interval.counts || interval.seen == Duration{}) return;
  const Watts mean = mean_of(interval.seen_energy, charge.interval);
  const auto known = std::ranges::find_if(peaks_, [&](const BilledPeak& peak) {
    return peak.charge == charge.name && peak.billing_start == interval.billing;
  });
  if (known != peaks_.end()) {
    known->mean = max(known->mean, mean);
    return;
  }
  peaks_.push_back({charge.name, interval.billing, mean});
  const LocalDay oldest = interval.billing - std::chrono::days(31) * kKeptMonths;
  std::erase_if(peaks_, [&](const BilledPeak& peak) { return peak.billing_start < oldest; });
}

Watts DemandWatch::billed_of(const DemandCharge& charge, LocalDay billing) const {
  const std::chrono::year_month_day date(billing);
  const LocalDay first = LocalDay(std::chrono::year_month_day(date - std::chrono::months(charge.ratchet_months)));
  Watts billed = settings_.accepted;
  const auto count = [&](LocalDay begun, Watts mean) {
    if (begun == billing) {
      billed = max(billed, mean);
    } else if (begun >= first && begun < billing) {
      billed = max(billed, mean * charge.ratchet_share);
    }
  };
  for (const BilledPeak& peak : peaks_)
    if (peak.charge == charge.name) count(peak.billing_start, peak.mean);
  if (settings_.entered) count(settings_.entered->billing_start, settings_.entered->mean);
  return billed;
}

}  // namespace sluice::tariff
