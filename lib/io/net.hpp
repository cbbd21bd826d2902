#pragma once
/// The LAN door of the adapters over plain sockets. Every exchange has one total deadline, whatever the peer does (a
/// server that sends a byte a second defeats a time-out per read), ends within 100 ms of `cancel`, and knows when its
/// first byte was written. That is why HTTP is spoken here and not through a client library: docs/adr/0008.

#include <memory>

#include "ports/clock.hpp"
#include "ports/network.hpp"

namespace sluice::io {

/// Thread-safe; the doors it makes share the spacing, the back-off and the resolved names. May end before they do.
class LanNetworkFactory final : public ports::NetworkFactory {
 public:
  /// `clock` must outlive the factory and every door that it made.
  explicit LanNetworkFactory(const ports::Clock& clock);
  ~LanNetworkFactory() override;
  std::unique_ptr<ports::Network> make() override;

 private:
  struct Shared;
  class Door;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sluice::io
