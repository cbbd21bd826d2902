#include "model/ledger.hpp"

namespace sluice {
namespace {

constexpr std::array<std::string_view, kEnergySources> kSources{"curtailed", "export_avoided", "battery", "grid",
                                                                "unknown"};

constexpr std::array<std::string_view, kAmounts> kNames{"curtailed_uwh",
                                                        "export_avoided_uwh",
                                                        "battery_uwh",
                                                        "grid_uwh",
                                                        "unknown_uwh",
                                                        "mined_uwh",
                                                        "standby_uwh",
                                                        "awake_ms",
                                                        "starts",
                                                        "work_gh",
                                                        "import_cost_n",
                                                        "lost_export_n",
                                                        "battery_value_n",
                                                        "revenue_n",
                                                        "revenue_msat",
                                                        "heat_n",
                                                        "grid_unpriced_uwh",
                                                        "export_unpriced_uwh",
                                                        "battery_unpriced_uwh",
                                                        "mined_unpriced_uwh",
                                                        "msat_unpriced_uwh",
                                                        "covered_ms",
                                                        "gap_ms",
                                                        "bought_uwh",
                                                        "sold_uwh",
                                                        "bought_n",
                                                        "sold_n",
                                                        "bought_unpriced_uwh",
                                                        "sold_unpriced_uwh",
                                                        "counter_bought_uwh",
                                                        "counter_sold_uwh",
                                                        "metered_bought_uwh",
                                                        "metered_sold_uwh",
                                                        "gap_bought_uwh",
                                                        "gap_sold_uwh",
                                                        "counter_resets",
                                                        "always_uwh",
                                                        "always_cost_n",
                                                        "always_lost_n",
                                                        "always_revenue_n",
                                                        "always_unknown_uwh",
                                                        "import_price_n_s",
                                                        "import_priced_ms",
                                                        "hash_price_n_s",
                                                        "hash_priced_ms"};
static_assert(!kNames.back().empty());

}  // namespace

std::string_view to_string(EnergySource source) { return kSources[static_cast<std::size_t>(source)]; }
std::string_view to_string(Amount amount) { return kNames[static_cast<std::size_t>(amount)]; }

Amounts& Amounts::operator+=(const Amounts& other) {
  for (std::size_t i = 0; i < kAmounts; ++i) values_[i] += other.values_[i];
  return *this;
}

}  // namespace sluice
