#pragma once
/// `sluice bench`: the product, the peers' laws and perfect foresight in the same simulated house, as a table.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cmd {

struct BenchOptions {
  std::string suite = "all";
  std::string pv_file, load_file;  ///< instead of a suite
  std::string plant = "luxos-target";
  bool plant_named = false;  ///< by the user
  std::string profile = "normal";
  std::vector<std::string> controllers;  ///< empty: all
  std::string days;                      ///< "A:B"; empty: the whole trace
  std::vector<std::string> stress;
  std::optional<double> lambda;
  std::optional<double> asleep_w;  ///< of every miner; empty: the plant's own
  std::uint64_t seed = 1;
  unsigned jobs = 0;  ///< 0: one a core
  bool battery = false, zero_export = false, fleet = false, step = false, speed = false;
  std::optional<std::size_t> plot_day;
  std::string svg_file;
  std::string prices;                ///< instead: a recorded market
  std::optional<double> break_even;  ///< its price, per MWh, at which mining breaks even
  int tick_s = 0;                    ///< of a year of prices; 0: as fits the case
  bool as_json = false;
};

/// Returns an exit code.
int bench(const BenchOptions& options);

}  // namespace sluice::cmd
