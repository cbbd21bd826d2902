#include "ledger/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace sluice::ledger {
namespace {

constexpr double kNano = 1e9, kMicro = 1e6, kUwhPerKwh = 1e9;

double money(std::int64_t n) { return static_cast<double>(n) / kNano; }
double kwh(std::int64_t uwh) { return static_cast<double>(uwh) / kUwhPerKwh; }

}  // namespace

void Totals::add(const LedgerEntry& entry) {
  if (entry.subject.empty()) {
    site += entry.amounts;
    return;
  }
  miners += entry.amounts;
  by_miner[entry.subject] += entry.amounts;
}

Balance balance_of(const Totals& totals) {
  const Amounts& m = totals.miners;
  const Amounts& s = totals.site;
  Balance balance;
  balance.revenue = money(m[Amount::revenue_n]);
  balance.heat = money(m[Amount::heat_n]);
  balance.import_cost = money(m[Amount::import_cost_n]);
  balance.lost_export = money(m[Amount::lost_export_n]);
  balance.battery_value = money(m[Amount::battery_value_n]);
  balance.net = balance.revenue + balance.heat - balance.import_cost - balance.lost_export;
  balance.unpriced_kwh = kwh(m[Amount::grid_unpriced_uwh] + m[Amount::export_unpriced_uwh] +
                             m[Amount::mined_unpriced_uwh] + m[EnergySource::unknown]);
  if (m[Amount::revenue_msat] != 0) balance.sats = static_cast<double>(m[Amount::revenue_msat]) / 1000.0;
  balance.always_kwh = kwh(s[Amount::always_uwh]);
  balance.always_unknown_kwh = kwh(s[Amount::always_unknown_uwh]);
  if (s[Amount::always_uwh] > s[Amount::always_unknown_uwh]) {
    balance.always_net = money(s[Amount::always_revenue_n] - s[Amount::always_cost_n] - s[Amount::always_lost_n]);
  }
  const std::int64_t unpriced = s[Amount::bought_unpriced_uwh] + s[Amount::sold_unpriced_uwh];
  balance.bill_unpriced_kwh = kwh(unpriced);
  if (s[Amount::bought_uwh] + s[Amount::sold_uwh] > unpriced) {
    balance.bill = money(s[Amount::bought_n] - s[Amount::sold_n]);
    balance.bill_without = *balance.bill - balance.import_cost - balance.lost_export;
  }
  return balance;
}

Reconciliation reconcile(const Amounts& site) {
  Reconciliation out;
  const std::int64_t bought = site[Amount::counter_bought_uwh] - site[Amount::metered_bought_uwh];
  const std::int64_t sold = site[Amount::counter_sold_uwh] - site[Amount::metered_sold_uwh];
  out.counter_wh = static_cast<double>(site[Amount::counter_bought_uwh] + site[Amount::counter_sold_uwh]) / kMicro;
  out.unexplained_wh = static_cast<double>(std::llabs(bought - sold)) / kMicro;
  out.around_zero_wh = (static_cast<double>(std::llabs(bought) + std::llabs(sold)) / kMicro - out.unexplained_wh) / 2.0;
  out.gap_wh = static_cast<double>(site[Amount::gap_bought_uwh] + site[Amount::gap_sold_uwh]) / kMicro;
  out.resets = site[Amount::counter_resets];
  if (out.counter_wh > 0.0) out.pct = 100.0 * out.unexplained_wh / out.counter_wh;
  return out;
}

bool alarming(const Reconciliation& reconciliation) {
  const double worse_wh = std::max(reconciliation.unexplained_wh, reconciliation.around_zero_wh);
  return worse_wh > kReconciliationAlarmWh && worse_wh > reconciliation.counter_wh * kReconciliationAlarmPct / 100.0;
}

// Howard Hinnant's algorithms (chrono-compatible low-level date algorithms), exact for the whole proleptic calendar.
CivilDate civil(std::int64_t local_day) {
  const std::int64_t z = local_day + 719468;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<int>(z - era * 146097);
  const int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int mp = (5 * doy + 2) / 153;
  const int month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<int>(yoe + era * 400) + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1};
}

std::int64_t local_day_of(CivilDate date) {
  const std::int64_t y = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

std::string bucket_name(std::int64_t local_day, Bucket bucket) {
  if (local_day == 0) return "undated";
  const CivilDate date = civil(local_day);
  switch (bucket) {
    case Bucket::day:
      return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    case Bucket::month:
      return fmt::format("{:04}-{:02}", date.year, date.month);
    case Bucket::year:
      return fmt::format("{:04}", date.year);
  }
  return "";
}

std::map<std::string, Totals> totals_by(const std::vector<LedgerEntry>& entries, Bucket bucket) {
  std::map<std::string, Totals> totals;
  for (const LedgerEntry& entry : entries) totals[bucket_name(entry.local_day, bucket)].add(entry);
  return totals;
}

std::optional<BreakEvenMove> break_even_move(const std::vector<LedgerEntry>& entries) {
  struct Month {
    Totals all;
    std::map<std::int64_t, Amounts> periods;
    double hash_price() const {
      return money(all.site[Amount::hash_price_n_s]) * 1000.0 / static_cast<double>(all.site[Amount::hash_priced_ms]);
    }
  };
  std::map<std::string, Month> months;
  for (const LedgerEntry& entry : entries) {
    if (entry.local_day == 0) continue;
    Month& month = months[bucket_name(entry.local_day, Bucket::month)];
    month.all.add(entry);
    if (entry.subject.empty() && entry.period != kNoPeriod) month.periods[entry.period] += entry.amounts;
  }
  std::erase_if(months, [](const auto& entry) { return entry.second.all.site[Amount::hash_priced_ms] == 0; });
  if (months.size() < 2) return std::nullopt;
  const auto& [after_name, after] = *months.rbegin();
  const auto& [before_name, before] = *std::next(months.rbegin());
  const Amounts& a = after.all.miners;
  const Amounts& b = before.all.miners;
  const std::int64_t work = a[Amount::work_gh] + b[Amount::work_gh];
  const std::int64_t energy =
      a[Amount::mined_uwh] - a[Amount::standby_uwh] + b[Amount::mined_uwh] - b[Amount::standby_uwh];
  if (work <= 0 || energy <= 0) return std::nullopt;
  // TH per kWh, times the price of a TH/s for a day over the TH in it.
  const double th_per_kwh = static_cast<double>(work) / 1000.0 / kwh(energy);
  BreakEvenMove move{before_name, after_name, 0.0, 0.0, before.hash_price(), after.hash_price(), {}};
  move.earlier = move.earlier_hash_price * th_per_kwh / 86400.0;
  move.later = move.later_hash_price * th_per_kwh / 86400.0;
  for (const auto& [period, amounts] : after.periods) {
    if (amounts[Amount::import_priced_ms] == 0) continue;
    const double price =
        money(amounts[Amount::import_price_n_s]) * 1000.0 / static_cast<double>(amounts[Amount::import_priced_ms]);
    if ((move.earlier > price) != (move.later > price)) move.flips.push_back({period, price, move.later > price});
  }
  return move;
}

}  // namespace sluice::ledger
