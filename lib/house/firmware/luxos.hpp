#pragma once
/// An emulated LuxOS miner: the JSON API of LUXminer on TCP 4028, with its session lock, profiles, ATM, curtailment,
/// and its dislike of hurried clients. Facts: Luxor's API documentation and captured replies of LUXminer 2025.4.8 and
/// later.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

/// Times run on the house's clock.
struct LuxosOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 4028;  ///< 0: any free one
  std::string version = "2025.4.8.171546";
  bool power_target_supported = false;        ///< `powertargetset` and its configuration fields
  bool atm_enabled = false;                   ///< advanced thermal management is on at first
  bool atm_blocks_profileset = true;          ///< false: as 2026.8.11, applied at once and re-adjusted by ATM later
  bool refuses_profile_while_asleep = false;  ///< undocumented on real miners: rehearse both
  bool trailing_nul = false;                  ///< a NUL byte after each reply
  int connect_burst = 5;                      ///< connections taken in a hurry
  Duration connect_interval = std::chrono::seconds(1);  ///< a connection is forgiven after this long
  Duration refusal = std::chrono::seconds(30);          ///< the port stays closed after one connection too many
  Duration session_idle = std::chrono::minutes(1);      ///< a session unused for this long is over
};

/// Serves until stopped or destroyed. Fails with `io` when the port is taken. `door` and `clock` must outlive the
/// server. `reject_password` has no password to reject here: `logon` then finds the session held by somebody else.
Result<std::unique_ptr<MinerServer>> make_luxos_server(MinerDoor& door, const ports::Clock& clock,
                                                       const LuxosOptions& options);

}  // namespace sluice::house
