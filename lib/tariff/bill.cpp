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
// Above it a peak is no house's: a text that says so is garbled, and would allow everything.
constexpr double kMostPeak_w = 1e6;

bool has_demand(const Version& version) { return !version.demand.empty(); }

bool has_tiers(const Version& version) {
  return std::ranges::any_of(version.periods, [](const auto& period) { return period.second.tiers.size() > 1; });
}

double amount(const json& from, double most) {
  const double value = from.get<double>();
  if (!std::isfinite(value) || value < 0.0 || value > most) throw std::out_of_range("no amount of a house");
  return value;
}

LocalDay day_of(const json& from) { return parse_day(from.get<std::string>()).value(); }

double tenth(double value) { return std::round(value * 10.0) / 10.0; }

}  // namespace

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

std::optional<TierState> DrawnCount::drawn() const {
  if (!kept_.whole || kept_.missed) return std::nullopt;
  return TierState{kept_.billing_start, (kept_.counted_wh + kept_.since_wh) / 1000.0};
}

bool Bill::needed_for(const Plan& plan) {
  return std::ranges::any_of(plan.versions, has_demand) ||
         std::ranges::any_of(plan.versions, [](const Version& version) { return tariff::has_tiers(version); });
}

Bill::Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, std::string_view kept)
    : Bill(plan, local_time, settings, read(plan, kept)) {}

Bill::Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, Kept kept)
    : plan_(plan),
      local_time_(local_time),
      billing_day_(settings.billing_day),
      has_tiers_(std::ranges::any_of(plan.versions, [](const Version& version) { return tariff::has_tiers(version); })),
      demand_(plan, local_time, settings, std::move(kept.peaks)),
      count_(kept.drawn),
      refused_(std::move(kept.refused)) {}

void Bill::observe(WallTime now, const Reading<Watts>& grid, const Reading<WattHours>& imported) {
  if (has_tiers_) count_.observe(billing_start(local_time_.at(now).day, billing_day_), now, grid, imported);
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
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::tariff
