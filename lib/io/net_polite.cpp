#include "io/net_polite.hpp"

#include <algorithm>

namespace sluice::io {

PolitePeers::Record& PolitePeers::record(const ports::NetworkPeer& peer) {
  return records_[fmt::format("{}:{}", peer.host, peer.port)];
}

Result<MonoTime> PolitePeers::take_turn(const ports::NetworkPeer& peer, MonoTime deadline) {
  const std::lock_guard lock(mutex_);
  Record& record = this->record(peer);
  const MonoTime now = clock_.now();
  if (!peer.ignore_backoff && now < record.closed_until) {
    return fail(ErrorKind::refused, "{} refused the last connection; it is left alone for another {:.0f} s", peer.host,
                to_seconds(record.closed_until - now));
  }
  const MonoTime turn = record.connected_before ? std::max(now, record.last + peer.min_spacing) : now;
  if (turn > deadline) {
    return fail(ErrorKind::timeout, "{} wants {:.1f} s between two connections, and the deadline is earlier", peer.host,
                to_seconds(peer.min_spacing));
  }
  record.connected_before = true;
  record.last = turn;
  return turn;
}

void PolitePeers::refused(const ports::NetworkPeer& peer) {
  const std::lock_guard lock(mutex_);
  Record& record = this->record(peer);
  constexpr int kMostDoublings = 3;
  record.closed_until = clock_.now() + peer.refused_backoff * (1 << std::min(record.refusals, kMostDoublings));
  ++record.refusals;
}

void PolitePeers::accepted(const ports::NetworkPeer& peer) {
  const std::lock_guard lock(mutex_);
  Record& record = this->record(peer);
  record.refusals = 0;
  record.closed_until = MonoTime{};
}

}  // namespace sluice::io
