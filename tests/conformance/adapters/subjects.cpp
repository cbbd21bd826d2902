#include "subjects.hpp"

#include <algorithm>
#include <iterator>

#include "house/firmware/luxos.hpp"
#include "house/firmware/vnish.hpp"
#ifdef SLUICE_WITH_GRPC
#include "house/firmware/braiins/braiins.hpp"
#endif

namespace sluice::conformance {
namespace {

Subject luxos(std::string name, house::LuxosOptions options) {
  return {std::move(name),
          "luxos",
          {},
          "",
          std::chrono::seconds(1),
          [options](auto& door, auto& clock, std::uint16_t port) {
            house::LuxosOptions bound = options;
            bound.port = port;
            return house::make_luxos_server(door, clock, bound);
          }};
}

Subject vnish(std::string name, house::VnishOptions options, std::map<std::string, std::string> settings = {}) {
  options.password = "s3cret-of-the-owner";
  return {std::move(name),
          "vnish",
          std::move(settings),
          options.password,
          Duration{},
          [options](auto& door, auto& clock, auto port) {
            house::VnishOptions bound = options;
            bound.port = port;
            bound.cgminer_port = 0;
            return house::make_vnish_server(door, clock, bound);
          }};
}

#ifdef SLUICE_WITH_GRPC
Subject braiins(std::string name, house::BraiinsOptions options) {
  options.password = "s3cret-of-the-owner";
  return {std::move(name),
          "braiins",
          {},
          options.password,
          Duration{},
          [options](auto& door, auto& clock, auto port) {
            house::BraiinsOptions bound = options;
            bound.port = port;
            bound.cgminer_port = 0;
            return house::make_braiins_server(door, clock, bound);
          },
          true};
}

std::vector<Subject> braiins_subjects() {
  house::BraiinsOptions first;
  first.api_version = {1, 0, 0};
  house::BraiinsOptions newest;
  newest.continuous_tuner = true;
  return {braiins("braiins_first", first), braiins("braiins_newest", newest)};
}
#else
std::vector<Subject> braiins_subjects() { return {}; }
#endif

}  // namespace

std::vector<Subject> subjects() {
  house::LuxosOptions profiles;
  house::LuxosOptions target;
  target.power_target_supported = true;
  target.version = "2026.4.3.101010";
  house::LuxosOptions atm;
  atm.atm_enabled = true;
  house::LuxosOptions lenient_atm = atm;
  lenient_atm.atm_blocks_profileset = false;
  house::VnishOptions throttle;
  house::VnishOptions presets;
  presets.version = "1.2.7";
  house::VnishOptions pause;
  pause.control_body = "null";
  std::vector<Subject> all = {luxos("luxos_profiles", profiles),
                              luxos("luxos_power_target", target),
                              luxos("luxos_atm", atm),
                              luxos("luxos_lenient_atm", lenient_atm),
                              vnish("vnish_throttle", throttle),
                              vnish("vnish_presets", presets),
                              vnish("vnish_pause", pause, {{"sleep_with", "pause"}})};
  std::ranges::move(braiins_subjects(), std::back_inserter(all));
  return all;
}

}  // namespace sluice::conformance
