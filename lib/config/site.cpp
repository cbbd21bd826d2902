#include <algorithm>

#include "config/config.hpp"

namespace sluice::config {
namespace {

// A miner whose circuit is not known gets what any ordinary socket carries for hours.
constexpr Watts kUnknownCircuit120V{1200.0};
constexpr Watts kUnknownCircuit230V{2000.0};

bool has_role(const Config& config, std::initializer_list<Role> wanted) {
  return std::any_of(config.devices.begin(), config.devices.end(), [&](const DeviceConfig& device) {
    return std::find_first_of(device.roles.begin(), device.roles.end(), wanted.begin(), wanted.end()) !=
           device.roles.end();
  });
}

std::uint8_t circuit_index(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.circuits.begin(), config.circuits.end(),
                                  [&](const CircuitConfig& circuit) { return circuit.name == name; });
  if (name.empty() || found == config.circuits.end()) return kNoCircuit;
  return static_cast<std::uint8_t>(found - config.circuits.begin());
}

}  // namespace

Watts continuous_limit(const CircuitConfig& circuit) {
  const Watts carried(circuit.breaker_a * circuit.volts * circuit.continuous_factor);
  return positive(carried - circuit.other_load - circuit.margin);
}

Watts unknown_circuit_cap(const Config& config) {
  return config.main_volts < 150.0 ? kUnknownCircuit120V : kUnknownCircuit230V;
}

tariff::HeatSettings heat_settings(const HeatConfig& heat) {
  tariff::HeatSettings settings;
  switch (heat.fuel) {
    case HeatFuel::fixed:
      settings.value = heat.value;
      break;
    case HeatFuel::gas:
    case HeatFuel::oil:
      settings.efficiency = heat.efficiency;
      break;
    case HeatFuel::heat_pump:
      settings.efficiency = heat.cop;
      break;
    case HeatFuel::resistive:
      break;
  }
  if (heat.fuel != HeatFuel::fixed && heat.fuel_price)
    settings.value = tariff::heat_price(*heat.fuel_price, settings.efficiency);
  settings.useful_share = heat.useful_share;
  settings.season = heat.season;
  settings.target = heat.target;
  settings.band = heat.band;
  settings.cooling_cost = heat.cooling_cost;
  settings.max = heat.max;
  settings.any_price_below = heat.any_price_below;
  settings.stale_after = heat.stale_after;
  return settings;
}

std::vector<tariff::Period> periods(const Config& config) {
  std::vector<tariff::Period> out;
  for (const PeriodConfig& period : config.schedule) {
    tariff::Period made{period.when, period.order, period.power};
    if (!period.miners.empty()) made.miners = 0;
    for (std::size_t i = 0; i < config.miners.size(); ++i) {
      if (std::ranges::find(period.miners, config.miners[i].name) != period.miners.end()) made.miners |= 1U << i;
    }
    out.push_back(std::move(made));
  }
  return out;
}

Site to_site(const Config& config) {
  Site site;
  site.name = config.site_name;
  site.control = config.control;
  site.battery = config.battery;
  site.battery.present = has_role(config, {Role::battery, Role::hybrid});
  site.battery.may_hold = site.battery.present && !site.battery.hold.empty();
  site.import_cap =
      Watts(config.main_breaker_a * config.main_volts * config.main_phases * config.main_continuous_factor);
  site.inverter_ac_rating = config.inverter_ac_rating;
  site.export_limit = config.export_limit;
  site.has_pv_meter = has_role(config, {Role::pv, Role::hybrid});
  site.yield_to = config.yield_to;
  for (const CircuitConfig& circuit : config.circuits) {
    site.circuits.push_back({circuit.name, continuous_limit(circuit)});
  }
  for (const MinerConfig& miner : config.miners) {
    MinerSite out;
    out.name = miner.name;
    out.circuit = circuit_index(config, miner.circuit);
    out.min_power = miner.min_power;
    out.max_power = miner.max_power;
    if (out.circuit == kNoCircuit) {
      const Watts cap = unknown_circuit_cap(config);
      out.max_power = out.max_power > Watts(0.0) ? min(out.max_power, cap) : cap;
    }
    out.curve = miner.curve;
    // One point says J/TH at every power (model/worth.hpp).
    if (out.curve.empty() && miner.efficiency_j_per_th > 0.0)
      out.curve.push_back({Watts(100.0 * miner.efficiency_j_per_th), TeraHashes(100.0)});
    out.strategy = miner.strategy;
    out.priority = miner.priority;
    out.power_switch = miner.power_switch;
    site.miners.push_back(std::move(out));
  }
  return site;
}

}  // namespace sluice::config
