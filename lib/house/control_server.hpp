#pragma once
/// The house's own HTTP door, for those who rehearse: the truth, the score, and faults on demand. docs/guide/house.md.
///
///   GET  /truth                      now: sun, load, grid, battery, each miner; the score since the start
///   GET  /score?from_s=120[&to_s=N]  of a window, with the oracle's figures
///   GET  /trace[?from_s=N]           arrays, one entry a second
///   GET  /prices                     what a kWh costs, as far as it is told: [{"start", "end", "value"}, …]
///   POST /fault {…}                  one fault begins; the answer to a wrong one says what would be right
///   POST /clear                      every fault ends

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "house/house.hpp"

namespace sluice::house {

class ControlServer {
 public:
  virtual ~ControlServer() = default;  ///< stops
  virtual std::uint16_t port() const = 0;
};

/// Fails with `io` when the port is taken. Port 0: any free one. `house` must outlive the server.
Result<std::unique_ptr<ControlServer>> make_control_server(House& house, const std::string& address,
                                                           std::uint16_t port);

/// Begins the fault that a JSON object describes, as POST /fault does. `invalid` and `not_found` say what is wrong.
Result<void> inject_fault(House& house, const std::string& json);

/// Sends `json` to a running house and returns its answer: `path` is `/fault` or `/clear`.
Result<std::string> post_to_house(const std::string& address, std::uint16_t port, const std::string& path,
                                  const std::string& json);

}  // namespace sluice::house
