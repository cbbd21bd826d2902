#include "firmwares.hpp"

#include "house/firmware/luxos.hpp"
#include "house/firmware/vnish.hpp"
#ifdef SLUICE_WITH_BRAIINS
#include "house/firmware/braiins/braiins.hpp"
#endif

namespace sluice::house {
namespace {

std::uint16_t moved(std::uint16_t usual, const FirmwareAddress& address) {
  return static_cast<std::uint16_t>(usual + address.port_offset);
}

}  // namespace

Result<std::unique_ptr<MinerServer>> start_firmware(const std::string& firmware, bool power_target, MinerDoor& door,
                                                    const ports::Clock& clock, const FirmwareAddress& address) {
  if (firmware == "luxos") {
    LuxosOptions options;
    options.address = address.host;
    options.port = moved(options.port, address);
    options.power_target_supported = power_target;
    return make_luxos_server(door, clock, options);
  }
  if (firmware == "vnish-1.2" || firmware == "vnish-1.3") {
    VnishOptions options;
    options.address = address.host;
    options.port = moved(options.port, address);
    options.cgminer_port = moved(options.cgminer_port, address);
    options.version = firmware == "vnish-1.2" ? "1.2.6" : "1.3.4";
    return make_vnish_server(door, clock, options);
  }
#ifdef SLUICE_WITH_BRAIINS
  if (firmware == "braiins") {
    BraiinsOptions options;
    options.address = address.host;
    options.port = moved(options.port, address);
    options.cgminer_port = moved(options.cgminer_port, address);
    return make_braiins_server(door, clock, options);
  }
#endif
  return fail(ErrorKind::unsupported, "this build has no emulated firmware \"{}\"", firmware);
}

}  // namespace sluice::house
