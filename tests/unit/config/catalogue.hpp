#pragma once
/// What the tests pretend is installed.

#include "config/loader.hpp"

namespace sluice::config {

inline Catalogue test_catalogue() {
  Catalogue catalogue;
  catalogue.adapters = {
      {"braiins", {}, true},
      {"luxos",
       {{"overclock", OptionType::boolean}, {"retries", OptionType::integer}, {"gain", OptionType::number}},
       false},
      {"vnish", {}, false}};
  catalogue.templates = {{"sunspec-meter", {Role::grid}},
                         {"sunspec-inverter", {Role::pv}},
                         {"sunspec-storage", {Role::battery}},
                         {"evcc", {Role::load}, Catalogue::Speaks::http, {{"loadpoint", false}}},
                         {"thermometer", {Role::room}, Catalogue::Speaks::http},
                         {"mqtt-load", {Role::load}, Catalogue::Speaks::mqtt, {{"power", true}, {"wants", true}}},
                         {"victron-gx", {Role::grid, Role::pv, Role::battery, Role::house}}};
  catalogue.templates.back().can_hold = true;
  catalogue.templates.push_back({"plug", {Role::power_switch}, Catalogue::Speaks::http});
  catalogue.templates.back().can_switch = true;
  catalogue.feeds = {
      {"octopus", "GBP", {{"product", true}, {"region", true}}},
      {"tibber", "", {{"currency", true}, {"home", false}}, true, true},
      {"awattar", "EUR", {{"country", false}}},
      {"price-topic", "", {{"topic", true}, {"currency", true}}, false, false, true, true, false, false, true},
      {"tempo-days", "", {}, false, false, false, false, true}};
  catalogue.knows_timezone = [](std::string_view zone) { return zone == "UTC" || zone == "America/Toronto"; };
  catalogue.judge_tariff = [](const Config& config) -> std::vector<Catalogue::Remark> {
    if (config.tariff.plan == "old-plan")
      return {{Severity::warning, "tariff.plan", "is old", "compare with your bill"}};
    if (config.tariff.plan != "ontario-tou")
      return {{Severity::error, "tariff.plan", "there is no plan `" + config.tariff.plan + "`", "write ontario-tou"}};
    return {};
  };
  return catalogue;
}

/// A file that loads, to which a test adds its lines from line 3 on.
inline constexpr std::string_view kBase =
    "version: 1\n"
    "devices: [{name: meter, template: sunspec-meter, role: grid, modbus: {host: 10.0.0.2}}]\n";

}  // namespace sluice::config
