#pragma once
/// `sluice simulate`: days at a tariff, played with the production controller.

#include <optional>
#include <string>
#include <vector>

namespace sluice::cmd {

struct SimulateOptions {
  std::string plan;                                  ///< name of a plan, or a file; empty: one price, of `import_price`
  std::optional<double> import_price, export_price;  ///< currency per kWh
  std::string strategy = "economic";
  std::string miner = "s19-xp";
  std::string start = "2026-07-06";  ///< local date of the first day
  int days = 7;
  std::vector<std::string> periods;  ///< NAME=full|sleep|solar|WATTS, of `schedule` or on top of another strategy
  double sun_kwp = 0.0;
  double load_w = 300.0;  ///< without sun; with it the load is a recorded one
  bool battery = false;
  std::optional<double> hash_price;  ///< currency per TH/s and day, pool fees taken off
  std::optional<double> heat_value;  ///< currency per kWh of heat
  std::string profile = "normal";
  std::vector<std::string> plan_folders;
  unsigned long long seed = 1;
  bool as_json = false;
};

/// Returns an exit code.
int simulate(const SimulateOptions& options);

}  // namespace sluice::cmd
