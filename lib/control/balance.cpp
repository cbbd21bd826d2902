#include "control/balance.hpp"

#include <algorithm>

namespace sluice::control {
namespace {

// A battery's registers refresh slower than a meter's; older than this it is unknown, not constant.
constexpr Duration kBatteryFresh = std::chrono::seconds(15);
constexpr Duration kSocFresh = std::chrono::minutes(5);
constexpr double kFullPct = 99.5;
// Charge tapers towards full: below this SoC the inverter's limit counts, above it falls linearly to nothing.
constexpr double kTaperFromPct = 95.0;
constexpr double kBandTopPct = 95.0;
constexpr double kReserveMarginPct = 5.0;

}  // namespace

double share_at(const StaticVector<SharePoint, 16>& curve, Percent soc, double otherwise) {
  if (curve.empty()) return otherwise;
  if (soc <= curve[0].soc) return curve[0].share;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (soc > curve[i].soc) continue;
    const double span = curve[i].soc.value() - curve[i - 1].soc.value();
    if (span <= 0.0) return curve[i].share;
    const double part = (soc.value() - curve[i - 1].soc.value()) / span;
    return curve[i - 1].share + part * (curve[i].share - curve[i - 1].share);
  }
  return curve.back().share;
}

BatteryTerms battery_terms(const BatterySettings& settings, const BatteryObservation& battery, MonoTime now,
                           double largest_charge_w) {
  BatteryTerms terms;
  if (!settings.present) return terms;
  terms.known = battery.power.fresh(now, kBatteryFresh);
  if (!terms.known) return terms;
  terms.power_w = battery.power.value.value();

  double limit_w = settings.max_charge.value() > 0.0 ? settings.max_charge.value() : largest_charge_w;
  if (battery.charge_limit.fresh(now, kSocFresh)) {
    const double live_w = battery.charge_limit.value.value();
    limit_w = settings.max_charge.value() > 0.0 ? std::min(live_w, limit_w) : live_w;
  }
  const bool soc_known = battery.soc.fresh(now, kSocFresh);
  const double soc_pct = soc_known ? battery.soc.value.value() : 0.0;
  if (soc_known) {
    if (soc_pct >= kFullPct) limit_w = 0.0;
    if (soc_pct > kTaperFromPct) limit_w *= std::max(0.0, (100.0 - soc_pct) / (100.0 - kTaperFromPct));
  }
  // What it charges at this moment it certainly can.
  terms.room_w = std::max({0.0, limit_w, -terms.power_w});
  // Without a state of charge the battery comes first: it may be the empty one that the evening needs.
  terms.share = soc_known ? std::clamp(share_at(settings.share, battery.soc.value, 0.0), 0.0, 1.0) : 0.0;

  const double floor_pct = settings.reserve.value() + kReserveMarginPct;
  if (soc_known && soc_pct > floor_pct) {
    double most_w = settings.max_discharge.value();
    if (battery.discharge_limit.fresh(now, kSocFresh)) {
      const double live_w = battery.discharge_limit.value.value();
      most_w = most_w > 0.0 ? std::min(most_w, live_w) : live_w;
    }
    terms.discharge_w = most_w * std::clamp(share_at(settings.discharge, battery.soc.value, 0.0), 0.0, 1.0);
  }
  terms.buffers = soc_known && soc_pct > floor_pct && soc_pct < kBandTopPct && terms.room_w > 0.0;
  return terms;
}

double reserved_w(const Snapshot& snapshot) {
  double sum = 0.0;
  for (const YieldObservation& load : snapshot.yield_to) {
    if (load.reserved.usable()) sum += std::max(0.0, load.reserved.value.value());
  }
  return sum;
}

double available_w(double surplus_w, double grid_target_w, const BatteryTerms& battery) {
  const double for_battery_w = (1.0 - battery.share) * std::min(std::max(surplus_w, 0.0), battery.room_w);
  return surplus_w + grid_target_w - for_battery_w;
}

}  // namespace sluice::control
