#pragma once
/// An emulated Braiins OS miner: the public gRPC API with reflection on port 50051, and the CGMiner-style API on TCP
/// 4028 for reading, pausing and resuming. Facts: the published API up to 1.11.0, clients, captured replies.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

struct BraiinsApiVersion {
  int major = 1, minor = 11, patch = 0;
};

/// Times run on the house's clock.
struct BraiinsOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 50051;         ///< 0: any free one
  std::uint16_t cgminer_port = 4028;  ///< 0: any free one
  BraiinsApiVersion api_version;      ///< calls that are younger answer UNIMPLEMENTED
  std::string bos_version = "2026-05-12-0-912d084c-26.05-plus";
  std::string username = "root", password = "root";
  Duration token_lifetime = std::chrono::hours(1);  ///< of inactivity
  bool continuous_tuner = false;                    ///< the tuner never says STABLE, as on newer models
  bool apply_needs_force = false;  ///< as 24.02: raised targets are reported and do not move the miner unless forced
  Duration stale_after_pause{};    ///< the power figure stays what it was for so long
};

/// Serves until stopped or destroyed. Fails with `io` when a port is taken. `door` and `clock` must outlive the server.
Result<std::unique_ptr<MinerServer>> make_braiins_server(MinerDoor& door, const ports::Clock& clock,
                                                         const BraiinsOptions& options);

}  // namespace sluice::house
