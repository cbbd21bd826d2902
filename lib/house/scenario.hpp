#pragma once
/// What house to emulate: a built-in one by name, or a YAML file (docs/guide/house.md tells its fields).

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/house_plant.hpp"

namespace sluice::house {

struct MinerScenario {
  std::string name;
  std::string firmware;  ///< `luxos`, `vnish-1.2`, `vnish-1.3`, `braiins`; `none` = physics without an API
  sim::MinerSetup setup;
};

/// A device of the library, by the template's id.
struct DeviceScenario {
  std::string device;
  std::optional<std::uint8_t> unit;  ///< the template's own unless given
};

/// A price holds from here to the next one.
struct PriceStep {
  double at_s = 0.0;  ///< since the start
  double per_kwh = 0.0;
};
/// A price that takes the place of the others for a while, and that nobody is told before it begins.
struct PriceSpike {
  double at_s = 0.0, for_s = 60.0;
  double per_kwh = 0.0;
};

struct Scenario {
  std::string name;
  std::string trace = "day_b";  ///< `day_a`, `day_b`, `clear`, `broken`, `constant`, or a CSV file's path
  Watts constant_pv{6000}, constant_load{300};  ///< of `constant`
  std::size_t seconds = 2400;                   ///< meant length of a run
  sim::HousePlantSpec house;                    ///< without its miners
  std::vector<MinerScenario> miners;
  std::vector<DeviceScenario> devices;  ///< on Modbus; none = a SunSpec inverter and meter
  std::vector<PriceStep> prices;        ///< ascending, the first at 0; none = the house tells no prices
  std::vector<PriceSpike> spikes;
};

std::vector<std::string> builtin_scenarios();
/// A built-in's name or the path of a YAML file. `seed` overrides the scenario's: biases and noise follow from it.
/// `invalid` says `file:line:column: field: what is wrong`.
Result<Scenario> load_scenario(const std::string& name_or_file, std::optional<std::uint64_t> seed);
/// Reads or makes the day. `data_dir` holds the recorded days.
Result<sim::Trace> load_day(const Scenario& scenario, const std::string& data_dir);

}  // namespace sluice::house
