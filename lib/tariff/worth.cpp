#include "tariff/worth.hpp"

#include "model/worth.hpp"

namespace sluice::tariff {
namespace {

constexpr double kHashesPerDifficulty = 4294967296.0;  // 2³²: hashes that one unit of difficulty takes on average
constexpr double kBlockSeconds = 600.0;
constexpr double kDaySeconds = 86400.0;
constexpr double kTera = 1e12;
constexpr double kSatsPerCoin = 1e8;
constexpr double kJoulesPerBtu = 1055.06;
constexpr double kAirHeat = 1.204 * 1006.0;  // J to warm a cubic metre of air by a kelvin
constexpr double kCubicFeetPerCubicMetre = 35.3147;

}  // namespace

double network_hashes_per_s(const Network& network) {
  return network.difficulty * kHashesPerDifficulty / kBlockSeconds;
}

double sats_per_ths_day(const Network& network) {
  return kDaySeconds * kTera / (network.difficulty * kHashesPerDifficulty) * network.reward_sat;
}

PricePerThsDay hash_price(const Network& network, double price_per_coin, double fee) {
  return PricePerThsDay(sats_per_ths_day(network) / kSatsPerCoin * price_per_coin * (1.0 - fee));
}

std::vector<BreakEven> break_even(const WorkingCurve& curve, PricePerThsDay hash_price, PricePerKwh heat_value) {
  std::vector<BreakEven> rows;
  WorkingPoint before;
  for (const WorkingPoint& point : curve) {
    rows.push_back({point, point.power.value() / point.hashrate.value(),
                    kwh_value(hash_price, point.hashrate, point.power) + heat_value,
                    kwh_value(hash_price, point.hashrate - before.hashrate, point.power - before.power) + heat_value});
    before = point;
  }
  return rows;
}

WorkingCurve flat_curve(double joules_per_th) {
  WorkingCurve curve;
  curve.push_back({Watts(100.0 * joules_per_th), TeraHashes(100.0)});
  return curve;
}

double btu_per_hour(Watts power) { return power.value() * 3600.0 / kJoulesPerBtu; }

double airflow_m3_per_hour(Watts power, double rise) { return power.value() / (kAirHeat * rise) * 3600.0; }

double airflow_cfm(Watts power, double rise) {
  return airflow_m3_per_hour(power, rise) * kCubicFeetPerCubicMetre / 60.0;
}

}  // namespace sluice::tariff
