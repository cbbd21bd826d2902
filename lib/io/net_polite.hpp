#pragma once
/// Gentle connecting: least spacing between two connects to one host and port, and a pause after a refused one.

#include <map>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "ports/clock.hpp"
#include "ports/network.hpp"

namespace sluice::io {

/// Thread-safe. Times are on the injected clock.
class PolitePeers {
 public:
  explicit PolitePeers(const ports::Clock& clock) : clock_(clock) {}
  /// Takes the next turn to connect and returns when it is, at the earliest now. Errors: `refused` during a back-off
  /// (says how long it still lasts), `timeout` if the turn would come after `deadline`; then no turn is taken.
  Result<MonoTime> take_turn(const ports::NetworkPeer& peer, MonoTime deadline);
  /// The peer refused: back off, doubling up to eight times the first pause.
  void refused(const ports::NetworkPeer& peer);
  void accepted(const ports::NetworkPeer& peer);

 private:
  struct Record {
    bool connected_before = false;
    MonoTime last{};
    MonoTime closed_until{};
    int refusals = 0;
  };
  Record& record(const ports::NetworkPeer& peer);

  const ports::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Record> records_;  // guarded by mutex_
};

}  // namespace sluice::io
