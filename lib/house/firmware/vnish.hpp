#pragma once
/// An emulated VNish (AnthillOS) miner: the REST API under /api/v1 with its tokens, presets and throttle, and the
/// CGMiner-style API on TCP 4028 for reading. Facts: the OpenAPI documents of 1.2.6 and 1.3.4, clients, users' reports.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

/// Times run on the house's clock.
struct VnishOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 80;            ///< 0: any free one
  std::uint16_t cgminer_port = 4028;  ///< 0: any free one
  std::string version = "1.3.4";      ///< from 1.3 on: throttle, /boards; before: /chains
  std::string password = "admin";
  std::vector<std::string> untuned_presets;  ///< names; setting one is acknowledged and silently ignored
  bool preset_needs_restart = true;          ///< a new preset waits for /mining/restart while the miner runs
  bool preset_switcher = false;              ///< the miner's own temperature control is on
  std::string control_body;                  ///< of a successful control call: empty, `null` or `{}`
  int unlock_tries = 5;                      ///< wrong passwords before the lock-out
  Duration lockout = std::chrono::seconds(60);
  Duration token_lifetime = std::chrono::hours(1);       ///< after its last use
  Duration blind_after_boot = std::chrono::seconds(20);  ///< /summary says `"miner": null` for so long
  Duration reboot_delay = std::chrono::seconds(3);       ///< between /system/reboot and the restart
};

/// Serves until stopped or destroyed. Fails with `io` when a port is taken. `door` and `clock` must outlive the server.
Result<std::unique_ptr<MinerServer>> make_vnish_server(MinerDoor& door, const ports::Clock& clock,
                                                       const VnishOptions& options);

}  // namespace sluice::house
