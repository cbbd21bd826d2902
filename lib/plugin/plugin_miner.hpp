#pragma once
/// A miner behind an adapter: `ports::Miner` over the C table.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "plugin/library.hpp"
#include "ports/clock.hpp"
#include "ports/miner.hpp"
#include "ports/network.hpp"

namespace sluice::plugin {

/// What the adapter of one miner is told and lent.
struct MinerSetup {
  std::string name;
  std::string host;
  std::uint16_t port = 0;  ///< 0 = the firmware's own
  std::string username;    ///< empty = the manifest's default
  std::map<std::string, std::string> options;
  /// Fetches the password when the adapter needs it; empty = the owner gave none. Its text is blotted out of every log
  /// line and error of this miner.
  std::function<Result<std::string>()> password;
  std::string adapter_state;                           ///< what was saved earlier
  std::function<void(const std::string&)> save_state;  ///< called inside a call, when the adapter's state changed
};

/// Services of the daemon. All must outlive the miner.
struct Services {
  const ports::Clock& clock;
  Log& log;
  ports::NetworkFactory& network;
};

/// Opens an instance; talks to nobody yet. Errors: `invalid` (options, settings), or as the adapter says.
/// The deadline of a call bounds everything the adapter borrows from the host. Values that are not finite, levels that
/// do not ascend, and other nonsense of an adapter become `protocol` errors here and go no further.
Result<std::unique_ptr<ports::Miner>> open_miner(std::shared_ptr<const Library> library, const MinerSetup& setup,
                                                 const Services& services);

}  // namespace sluice::plugin
