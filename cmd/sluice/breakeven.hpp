#pragma once
/// `sluice breakeven`: up to which price a kWh pays in each miner, on average and for each step.

#include <limits>
#include <string>
#include <vector>

#include "common/catalogue.hpp"

namespace sluice::cmd {

/// NaN: not given.
struct BreakevenOptions {
  static constexpr double kNotGiven = std::numeric_limits<double>::quiet_NaN();
  std::string socket, config_file;
  SearchFolders folders;
  double hash_price = kNotGiven;  ///< currency per TH/s and day, pool fee not yet taken off
  double difficulty = kNotGiven, reward_sat = kNotGiven, fees_sat = 0.0, coin_price = kNotGiven;
  double pool_fee_pct = kNotGiven;
  std::string curve;                  ///< "2000:75,3000:100"; empty: those of the miners
  std::vector<double> joules_per_th;  ///< beside it, or instead
  double price = kNotGiven;           ///< of a kWh, in the same currency
  std::string currency;               ///< only for the heading; empty: the configuration's
  bool as_json = false;
};

int breakeven(const BreakevenOptions& options);

}  // namespace sluice::cmd
