#pragma once
/// One TCP port of an emulated miner, and everything that can go wrong with it: a protocol says what a request is and
/// what it answers, the front accepts, waits, garbles, keeps silent or refuses as the miner's faults demand.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "house/miner_door.hpp"

namespace sluice::house {

struct TcpAnswer {
  std::string bytes;       ///< empty: the connection is closed without a word
  bool keep_open = false;  ///< false: one request a connection
};

/// A protocol on top of the front. Every call comes from the front's own thread, so it needs no lock of its own.
class TcpProtocol {
 public:
  virtual ~TcpProtocol() = default;
  /// Bytes of the first whole request in `received`, 0 while it is incomplete. `at_end`: nothing more will come.
  virtual std::size_t request_size(std::string_view received, bool at_end) const = 0;
  virtual TcpAnswer answer(std::string_view request) = 0;
  /// A new connection came. False: it is reset at once.
  virtual bool admit() { return true; }
  /// False: the port is closed for now.
  virtual bool open() { return true; }
  /// False: requests wait, all of them.
  virtual bool ready() { return true; }
  /// Called at least every 50 ms of real time.
  virtual void tick() {}
};

/// Keeps a TCP port ours while nothing listens on it: a listener of this process may bind it, nobody gets it by chance.
class ReservedPort {
 public:
  /// `port` 0: any free one. Fails with `io` when it is taken, with `invalid` when `address` is no IPv4 address.
  static Result<ReservedPort> take(const std::string& address, std::uint16_t port);
  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&& other) noexcept;
  ~ReservedPort();
  std::uint16_t port() const { return port_; }

 private:
  ReservedPort(int fd, std::uint16_t port) : fd_(fd), port_(port) {}
  int fd_;
  std::uint16_t port_;
};

/// Serves until destroyed, on one thread. The port stays reserved while it is closed to clients, so that nobody else
/// gets it between a refusal and the next connection.
class TcpFront {
 public:
  /// Binds `address`:`port` (0: any free one) and serves. Fails with `io` when the address or port is not to be had.
  /// `door` and `protocol` must outlive the front.
  static Result<std::unique_ptr<TcpFront>> start(MinerDoor& door, TcpProtocol& protocol, const std::string& address,
                                                 std::uint16_t port);
  ~TcpFront();
  TcpFront(const TcpFront&) = delete;
  TcpFront& operator=(const TcpFront&) = delete;
  std::uint16_t port() const;

 private:
  class Loop;
  explicit TcpFront(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace sluice::house
