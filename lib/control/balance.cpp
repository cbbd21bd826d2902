#include "control/balance.hpp"

#include <algorithm>
#include <span>

namespace sluice::control {
namespace {

// A battery's registers refresh slower than a meter's; older than this it is unknown, not constant.
constexpr Duration kBatteryFresh = std::chrono::seconds(15);
constexpr Duration kSocFresh = std::chrono::minutes(5);
constexpr double kFullPct = 99.5;
// Charge tapers towards full: below this SoC the inverter's limit counts, above it falls linearly to nothing.
constexpr double kTaperFromPct = 95.0;
constexpr double kBandTopPct = 95.0;
// The last percent takes long and tells little.
constexpr double kFilledPct = 99.0;
constexpr double kReserveMarginPct = 5.0;
// The battery's own inverter ends at its floor, which nobody tells us exactly.
constexpr double kServesAbovePct = 1.0;
// Discharge for mining fades out over so much above that, so that it ends smoothly and not with a last full draw.
constexpr double kDischargeFadePct = 5.0;
// Without a forecast the morning belongs to the battery and the evening to the miners: nothing at 20 %, a third at 60
// %, all from 95 %.
constexpr SharePoint kShareBySoc[] = {{Percent(20.0), 0.0}, {Percent(60.0), 0.3}, {Percent(95.0), 1.0}};

double on_curve(std::span<const SharePoint> curve, Percent soc) {
  if (soc <= curve.front().soc) return curve.front().share;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (soc > curve[i].soc) continue;
    const double span = (curve[i].soc - curve[i - 1].soc).value();
    if (span <= 0.0) return curve[i].share;
    return curve[i - 1].share + (soc - curve[i - 1].soc).value() / span * (curve[i].share - curve[i - 1].share);
  }
  return curve.back().share;
}

/// ω for want of a forecast.
double share_by_soc(const BatterySettings& settings, Percent soc) {
  if (settings.share.empty()) return on_curve(kShareBySoc, soc);
  return on_curve({settings.share.begin(), settings.share.size()}, soc);
}

/// Part of the discharge that mining may use.
double discharge_part(const BatterySettings& settings, double floor_pct, Percent soc,
                      const std::optional<Release>& release) {
  const double above = soc.value() - floor_pct;
  double part = std::min(1.0, above / kDischargeFadePct);
  if (!settings.discharge.empty()) {
    part = std::min(part, on_curve({settings.discharge.begin(), settings.discharge.size()}, soc));
  } else if (!release) {
    part = above / (100.0 - floor_pct);  // nothing at the floor, everything when full
  }
  return release ? part * release->discharge : part;
}

}  // namespace

BatteryTerms battery_terms(const BatterySettings& settings, const BatteryObservation& battery, MonoTime now,
                           double largest_charge_w, const std::optional<Release>& release) {
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
  if (soc_known) {
    const double share = release ? release->charge : share_by_soc(settings, battery.soc.value);
    terms.share = std::clamp(share, 0.0, 1.0);
  } else {
    terms.share = 0.0;
  }

  const double floor_pct = settings.reserve.value() + kReserveMarginPct;
  if (soc_known && soc_pct > floor_pct) {
    double most_w = settings.max_discharge.value();
    if (battery.discharge_limit.fresh(now, kSocFresh)) {
      const double live_w = battery.discharge_limit.value.value();
      most_w = most_w > 0.0 ? std::min(most_w, live_w) : live_w;
    }
    const double part = discharge_part(settings, floor_pct, battery.soc.value, release);
    terms.discharge_w = most_w * std::clamp(part, 0.0, 1.0);
  }
  terms.serves = soc_known && soc_pct > settings.reserve.value() + kServesAbovePct;
  terms.spares = soc_known && soc_pct > floor_pct;
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

std::optional<Store> store_of(const BatterySettings& settings, const BatteryObservation& battery, MonoTime now) {
  const bool known = settings.present && settings.capacity > WattHours(0.0) && battery.soc.fresh(now, kSocFresh);
  if (!known || !settings.share.empty()) return std::nullopt;
  const double capacity_wh = settings.capacity.value();
  return Store{capacity_wh * battery.soc.value.value() / 100.0, capacity_wh * settings.reserve.value() / 100.0,
               capacity_wh * kFilledPct / 100.0, settings.max_charge.value()};
}

double for_battery_w(double surplus_w, const BatteryTerms& battery) {
  return (1.0 - battery.share) * std::min(std::max(surplus_w, 0.0), battery.room_w);
}

double available_w(double surplus_w, double grid_target_w, const BatteryTerms& battery) {
  return surplus_w + grid_target_w - for_battery_w(surplus_w, battery);
}

}  // namespace sluice::control
