#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

struct FirmwareAddress {
  std::string host;
  int port_offset = 0;  ///< added to every usual port
};

/// Starts the emulated firmware of a scenario: `luxos`, `vnish-1.2`, `vnish-1.3`, `braiins`. `power_target` = the LuxOS
/// model takes watts. `unsupported` when this build lacks it, `io` when a port is taken.
Result<std::unique_ptr<MinerServer>> start_firmware(const std::string& firmware, bool power_target, MinerDoor& door,
                                                    const ports::Clock& clock, const FirmwareAddress& address);

}  // namespace sluice::house
