#pragma once
/// Sums of the ledger, as JSON. Energy in kWh, time in hours, money in the site's currency; what is not known is null.

#include <nlohmann/json_fwd.hpp>

#include "ledger/report.hpp"

namespace sluice::cmd {

nlohmann::json totals_json(const ledger::Totals& totals);
nlohmann::json reconciliation_json(const ledger::Reconciliation& reconciliation);

double kwh(std::int64_t uwh);
double hours(std::int64_t ms);
double money(std::int64_t n);

}  // namespace sluice::cmd
