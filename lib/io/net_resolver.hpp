#pragma once
/// Names to addresses, away from the caller's thread and remembered.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "io/net_socket.hpp"

namespace sluice::io {

/// Thread-safe. A numeric address is answered at once. A name is looked up on a thread of its own, because getaddrinfo
/// can neither be cancelled nor given a deadline; such a thread may outlive the resolver by the system's own time-out.
class Resolver {
 public:
  Resolver();
  /// The address of `host` with `port` set. An answer is kept for 5 minutes; an older one is still used, while a new
  /// lookup runs, so that a dead name server does not stop a house that already works.
  /// Errors: unreachable (no such name), timeout, cancelled.
  Result<SocketAddress> resolve(const std::string& host, std::uint16_t port, RealTime deadline, const Waker& waker);

 private:
  struct Entry {
    std::optional<Result<SocketAddress>> answer;
    RealTime answered{};
    bool running = false;
  };
  struct Table {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Entry> entries;  // guarded by mutex
  };
  static void look_up(const std::shared_ptr<Table>& table, const std::string& host);

  std::shared_ptr<Table> table_;
};

}  // namespace sluice::io
