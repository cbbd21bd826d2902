#include "subjects.hpp"

#include "house/firmware/luxos.hpp"

namespace sluice::conformance {
namespace {

Subject luxos(std::string name, house::LuxosOptions options) {
  return {std::move(name), "luxos", {}, "", true, [options](auto& door, auto& clock, std::uint16_t port) {
            house::LuxosOptions bound = options;
            bound.port = port;
            return house::make_luxos_server(door, clock, bound);
          }};
}

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
  return {luxos("luxos_profiles", profiles), luxos("luxos_power_target", target), luxos("luxos_atm", atm),
          luxos("luxos_lenient_atm", lenient_atm)};
}

}  // namespace sluice::conformance
