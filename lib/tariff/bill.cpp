#include "tariff/bill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "model/energy.hpp"

namespace sluice::tariff {
namespace {

using nlohmann::json;

// A restart is shorter than this. What flowed in it is taken as what flows after it: of a month it is a thousandth.
constexpr Duration kLongestGap = std::chrono::hours(1);
// A counter that moves faster is another one, or began anew.
constexpr double kMostImport_w = 100'000.0;
constexpr double kCoarsestCount_wh = 2'000.0;
// How long an entry may be old: pages of utilities are a day or two behind. At the mean of a month until then, three
// days are a tenth of it, and what they are wrong by is less.
constexpr Duration kOldestEntry = std::chrono::hours(3 * 24);
// Above it a peak is no house's: a text that says so is garbled, and would allow everything.
constexpr double kMostPeak_w = 1e6;

double amount(const json& from, double most) {
  const double value = from.get<double>();
  if (!std::isfinite(value) || value < 0.0 || value > most) throw std::out_of_range("no amount of a house");
  return value;
}

LocalDay day_of(const json& from) { return parse_day(from.get<std::string>()).value(); }

double tenth(double value) { return std::round(value * 10.0) / 10.0; }

}  // namespace

bool has_tiers(const Plan& plan) {
  const auto tiered = [](const auto& period) { return period.second.tiers.size() > 1; };
  return std::ranges::any_of(plan.versions,
                             [&](const Version& version) { return std::ranges::any_of(version.periods, tiered); });
}

bool has_demand(const Plan& plan) {
  return std::ranges::any_of(plan.versions, [](const Version& version) { return !version.demand.empty(); });
}

void DrawnCount::observe(LocalDay billing_start, WallTime now, const Reading<Watts>& grid,
                         const Reading<WattHours>& imported) {
  if (billing_start != kept_.billing_start) begin(billing_start, now, imported);
  if (grid.usable() && !(last_.usable() && last_.at == grid.at)) add_watts(now, grid);
  // A counter that was not read anew says nothing new, however often one looks at it.
  if (imported.usable() && !(last_counter_.usable() && last_counter_.at == imported.at)) {
    look_at_counter(now, imported.value.value());
    last_counter_ = imported;
  }
}

/// Whoever looked until the last period ended knows that this one begins at nothing.
void DrawnCount::begin(LocalDay billing_start, WallTime now, const Reading<WattHours>& imported) {
  const bool looked =
      kept_.seen_until != WallTime{} && billing_start > kept_.billing_start && now - kept_.seen_until <= kLongestGap;
  Kept next;
  next.billing_start = billing_start;
  next.whole = looked;
  next.seen_until = kept_.seen_until;
  if (imported.usable()) {
    next.counter_wh = imported.value.value();
    next.counter_at = now;
  }
  kept_ = next;
}

void DrawnCount::add_watts(WallTime now, const Reading<Watts>& grid) {
  // After a restart nothing but the date tells how long nobody looked; without one the wall clock may step.
  const bool went_on = last_.usable();
  const Duration since = went_on ? grid.at - last_.at : now - kept_.seen_until;
  if (since < Duration{} || since > kLongestGap) {
    kept_.missed = true;
  } else {
    kept_.since_wh += positive_energy(went_on ? last_.value : grid.value, grid.value, since).value();
  }
  last_ = grid;
  kept_.seen_until = now;
}

void DrawnCount::look_at_counter(WallTime now, double stand_wh) {
  const double moved_wh = stand_wh - kept_.counter_wh.value_or(stand_wh);
  const double hours = std::max(0.0, to_seconds(now - kept_.counter_at)) / 3600.0;
  const bool same_counter =
      kept_.counter_wh && moved_wh >= 0.0 && moved_wh <= kMostImport_w * hours + kCoarsestCount_wh;
  if (same_counter) {
    kept_.counted_wh += moved_wh;
  } else {
    kept_.counted_wh += kept_.since_wh;
    kept_.whole = kept_.whole && !kept_.missed;
  }
  kept_.since_wh = 0.0;
  kept_.missed = false;
  kept_.counter_wh = stand_wh;
  kept_.counter_at = now;
}

bool DrawnCount::enter(const Entered& entered, Duration since_begin, WallTime now) {
  if (kept_.entered == entered) return true;
  if (kept_.entered && kept_.entered->at == entered.at) {
    kept_.counted_wh += entered.drawn_wh - kept_.entered->drawn_wh;
    kept_.entered = entered;
    return true;
  }
  const Duration gap = now - entered.at;
  if (gap > kLongestGap && gap > std::min(kOldestEntry, since_begin)) return false;
  const double mean_share = since_begin > Duration{} ? to_seconds(gap) / to_seconds(since_begin) : 0.0;
  Kept next;
  next.billing_start = kept_.billing_start;
  next.counted_wh = entered.drawn_wh * (1.0 + std::min(mean_share, 1.0));
  next.whole = true;
  next.seen_until = now;
  next.entered = entered;
  // Where a counter stood at that time nobody knows; it counts from where it is read next.
  kept_ = next;
  return true;
}

std::optional<TierState> DrawnCount::drawn() const {
  if (!kept_.whole || kept_.missed) return std::nullopt;
  return TierState{kept_.billing_start, (kept_.counted_wh + kept_.since_wh) / 1000.0};
}

namespace {

DemandWatch::Settings with_peak(DemandWatch::Settings settings, const LocalTime& local_time,
                                const std::optional<SoFar>& so_far) {
  if (so_far && so_far->peak)
    settings.entered = {billing_start(local_time.at(so_far->at).day, settings.billing_day), *so_far->peak};
  return settings;
}

}  // namespace

Bill::Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, std::string_view kept,
           const std::optional<SoFar>& so_far)
    : Bill(plan, local_time, with_peak(settings, local_time, so_far), read(plan, kept), so_far) {}

Bill::Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, Kept kept,
           const std::optional<SoFar>& so_far)
    : plan_(plan),
      local_time_(local_time),
      billing_day_(settings.billing_day),
      has_tiers_(tariff::has_tiers(plan)),
      demand_(plan, local_time, settings, std::move(kept.peaks)),
      count_(kept.drawn),
      refused_(std::move(kept.refused)) {
  if (so_far && so_far->drawn_kwh) entered_ = {so_far->at, *so_far->drawn_kwh * 1000.0};
}

/// An entry of another billing period says nothing of this one.
void Bill::count_on(LocalDay billing_start, WallTime now) {
  const LocalDay of_entry = tariff::billing_start(local_time_.at(entered_->at).day, billing_day_);
  entry_late_ = of_entry == billing_start && now >= entered_->at &&
                !count_.enter(*entered_, entered_->at - local_time_.when(billing_start), now);
}

void Bill::observe(WallTime now, const Reading<Watts>& grid, const Reading<WattHours>& imported) {
  if (has_tiers_) {
    const LocalDay start = billing_start(local_time_.at(now).day, billing_day_);
    count_.observe(start, now, grid, imported);
    if (entered_) count_on(start, now);
  }
  if (!grid.usable() || grid.at == seen_) return;
  seen_ = grid.at;
  demand_.observe(now, grid.at, grid.value);
}

Bill::Kept Bill::read(const Plan& plan, std::string_view text) {
  Kept kept;
  if (text.empty()) return kept;
  try {
    const json from = json::parse(text);
    if (const auto of = from.at("plan").get<std::string>(); of != plan.id) {
      kept.refused = fmt::format("it is of the tariff {}", of);
      return kept;
    }
    for (const json& peak : from.at("peaks"))
      kept.peaks.push_back({peak.at("charge").get<std::string>(), day_of(peak.at("billing_start")),
                            Watts(amount(peak.at("mean_w"), kMostPeak_w))});
    if (!from.contains("drawn")) return kept;
    const json& drawn = from["drawn"];
    constexpr double kMostDrawn_wh = 1e9, kMostCounter_wh = 1e15;
    kept.drawn.billing_start = day_of(drawn.at("billing_start"));
    kept.drawn.counted_wh = amount(drawn.at("counted_wh"), kMostDrawn_wh);
    kept.drawn.since_wh = amount(drawn.at("since_wh"), kMostDrawn_wh);
    kept.drawn.whole = drawn.at("whole").get<bool>();
    kept.drawn.missed = drawn.at("missed").get<bool>();
    kept.drawn.seen_until = from_unix_ms(drawn.at("seen_until_unix_ms").get<std::int64_t>());
    if (drawn.contains("counter_wh")) {
      kept.drawn.counter_wh = amount(drawn["counter_wh"], kMostCounter_wh);
      kept.drawn.counter_at = from_unix_ms(drawn.at("counter_at_unix_ms").get<std::int64_t>());
    }
    if (drawn.contains("entered_wh"))
      kept.drawn.entered = {from_unix_ms(drawn.at("entered_at_unix_ms").get<std::int64_t>()),
                            amount(drawn["entered_wh"], kMostDrawn_wh)};
    return kept;
  } catch (const std::exception&) {
    // A half of it would be a bill that nobody wrote.
    return {{}, {}, "it is garbled"};
  }
}

/// Rounded: what is the same to a tenth of a watt is not written to the disk again.
std::string Bill::text() const {
  json out{{"plan", plan_.id}, {"peaks", json::array()}};
  for (const BilledPeak& peak : demand_.peaks())
    out["peaks"].push_back({{"charge", peak.charge},
                            {"billing_start", to_string(peak.billing_start)},
                            {"mean_w", tenth(peak.mean.value())}});
  const DrawnCount::Kept& kept = count_.kept();
  if (has_tiers_ && kept.seen_until != WallTime{}) {
    out["drawn"] = {{"billing_start", to_string(kept.billing_start)},
                    {"counted_wh", tenth(kept.counted_wh)},
                    {"since_wh", tenth(kept.since_wh)},
                    {"whole", kept.whole},
                    {"missed", kept.missed},
                    {"seen_until_unix_ms", unix_ms(kept.seen_until)}};
    if (kept.counter_wh) {
      out["drawn"]["counter_wh"] = tenth(*kept.counter_wh);
      out["drawn"]["counter_at_unix_ms"] = unix_ms(kept.counter_at);
    }
    if (kept.entered) {
      out["drawn"]["entered_wh"] = kept.entered->drawn_wh;
      out["drawn"]["entered_at_unix_ms"] = unix_ms(kept.entered->at);
    }
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::tariff
