#include "common/ledger_view.hpp"

#include <nlohmann/json.hpp>

namespace sluice::cmd {
namespace {

using nlohmann::json;

template <class T>
json number(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

/// What a miner, or all of them, did.
json mining_json(const Amounts& amounts) {
  json sources = json::object();
  for (std::size_t i = 0; i < kEnergySources; ++i) {
    const auto source = static_cast<EnergySource>(i);
    sources[std::string(to_string(source)) + "_kwh"] = kwh(amounts[source]);
  }
  return {{"mined_kwh", kwh(amounts[Amount::mined_uwh])},
          {"sources", std::move(sources)},
          {"standby_kwh", kwh(amounts[Amount::standby_uwh])},
          {"awake_h", hours(amounts[Amount::awake_ms])},
          {"starts", amounts[Amount::starts]},
          {"revenue", money(amounts[Amount::revenue_n])},
          {"heat_value", money(amounts[Amount::heat_n])},
          {"import_cost", money(amounts[Amount::import_cost_n])},
          {"lost_export", money(amounts[Amount::lost_export_n])},
          {"battery_value", money(amounts[Amount::battery_value_n])}};
}

}  // namespace

double kwh(std::int64_t uwh) { return static_cast<double>(uwh) / 1e9; }
double hours(std::int64_t ms) { return static_cast<double>(ms) / 3.6e6; }
double money(std::int64_t n) { return static_cast<double>(n) / 1e9; }

json reconciliation_json(const ledger::Reconciliation& reconciliation) {
  return {{"reconciliation_pct", number(reconciliation.pct)},
          {"counter_wh", reconciliation.counter_wh},
          {"unexplained_wh", reconciliation.unexplained_wh},
          {"around_zero_wh", reconciliation.around_zero_wh},
          {"gap_wh", reconciliation.gap_wh},
          {"counter_resets", reconciliation.resets}};
}

json totals_json(const ledger::Totals& totals) {
  const ledger::Balance balance = ledger::balance_of(totals);
  json out = mining_json(totals.miners);
  out["energy_cost"] = balance.import_cost + balance.lost_export;
  out["net"] = balance.net;
  out["sats"] = number(balance.sats);
  out["unpriced_kwh"] = {{"grid", kwh(totals.miners[Amount::grid_unpriced_uwh])},
                         {"export", kwh(totals.miners[Amount::export_unpriced_uwh])},
                         {"battery", kwh(totals.miners[Amount::battery_unpriced_uwh])},
                         {"revenue", kwh(totals.miners[Amount::mined_unpriced_uwh])},
                         {"sats", kwh(totals.miners[Amount::msat_unpriced_uwh])}};
  out["always_on"] = {
      {"kwh", balance.always_kwh}, {"unknown_kwh", balance.always_unknown_kwh}, {"net", number(balance.always_net)}};
  out["never_on"] = {{"kwh", 0.0}, {"net", 0.0}};
  out["bill"] = number(balance.bill);
  out["bill_without_mining"] = number(balance.bill_without);
  out["bill_unpriced_kwh"] = balance.bill_unpriced_kwh;
  out["bought_kwh"] = kwh(totals.site[Amount::bought_uwh]);
  out["sold_kwh"] = kwh(totals.site[Amount::sold_uwh]);
  out["covered_h"] = hours(totals.site[Amount::covered_ms]);
  out["gap_h"] = hours(totals.site[Amount::gap_ms]);
  out["meter"] = reconciliation_json(ledger::reconcile(totals.site));
  out["miners"] = json::object();
  for (const auto& [name, amounts] : totals.by_miner) out["miners"][name] = mining_json(amounts);
  return out;
}

}  // namespace sluice::cmd
