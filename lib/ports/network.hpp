#pragma once
/// Short conversations over the LAN on behalf of one user (a miner's adapter): one HTTP request, or one TCP exchange.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::ports {

/// Where to connect, and how gently. Spacing and back-off are kept per host and port, for all users together.
struct NetworkPeer {
  std::string host;
  std::uint16_t port = 0;
  Duration min_spacing{};       ///< least time between two connects; a call waits for its turn
  Duration refused_backoff{};   ///< after a refused connect calls fail at once for this long, then twice as long
  bool ignore_backoff = false;  ///< of a stop that must be tried now; the spacing still holds
};

struct TcpExchange {
  NetworkPeer peer;
  std::string send;
  std::size_t reply_limit = std::size_t{1} << 20;  ///< bytes; a longer reply is a protocol error
  std::function<void()> on_first_byte;             ///< called when the first byte of `send` was written; may be empty
};

struct HttpRequest {
  NetworkPeer peer;
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t reply_limit = std::size_t{1} << 20;  ///< bytes of the body
  std::function<void()> on_first_byte;             ///< called when the first byte of the request was written
};

struct HttpReply {
  int status = 0;  ///< 100…599; a reply of any status is a success of this port
  std::string body;
  std::vector<std::string> challenges{};  ///< values of WWW-Authenticate, in their order
};

/// Used by one thread at a time; only `cancel` may come from another.
/// Deadlines are points on the injected clock. What is left of them at the start of an exchange is spent in real time,
/// because the other side of a socket knows no other: with a real clock that is the deadline itself, with the demo's
/// accelerated clock an exchange may last as many real seconds as it was given accelerated ones.
class Network {
 public:
  virtual ~Network() = default;
  /// Starts a new call: forgets a cancel that came before.
  virtual void begin() = 0;
  /// Connects, sends, reads until the peer closes. Errors: refused, timeout, unreachable, protocol, cancelled.
  virtual Result<std::string> exchange(const TcpExchange& exchange, MonoTime deadline) = 0;
  /// One HTTP/1.1 request on a connection of its own.
  virtual Result<HttpReply> request(const HttpRequest& request, MonoTime deadline) = 0;
  /// Waits on the injected clock. Errors: cancelled.
  virtual Result<void> wait_until(MonoTime time) = 0;
  virtual bool cancelled() const = 0;
  /// Ends a running call within 100 ms. From any thread.
  virtual void cancel() = 0;
};

class NetworkFactory {
 public:
  virtual ~NetworkFactory() = default;
  virtual std::unique_ptr<Network> make() = 0;
};

}  // namespace sluice::ports
