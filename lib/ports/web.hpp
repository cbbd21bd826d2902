#pragma once
/// The internet as a reader of a few pages sees it: one request, one answer, TLS where the URL says so.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::ports {

struct WebRequest {
  std::string url;  ///< http:// or https://
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration timeout = std::chrono::seconds(20);     ///< of the whole exchange, name and redirects included; real time
  std::size_t reply_limit = std::size_t{4} << 20;  ///< bytes of the answer
  bool follow_redirects = true;                    ///< false: a redirect is an answer like any other
};

struct WebReply {
  int status = 0;  ///< 200…599; an answer of any status is a success of this port
  std::string body;
  std::optional<Duration> retry_after;  ///< what the server asks for, where it does
};

/// Used by one thread at a time; only `cancel` may come from another.
class Web {
 public:
  virtual ~Web() = default;
  /// Certificates are verified. Up to three redirects are followed if wanted, on the same host and never away from TLS.
  /// Errors, which name the host and nothing of the path, because a URL may hold a secret: invalid, unreachable,
  /// timeout, protocol (too long), unauthorized (certificate), cancelled.
  virtual Result<WebReply> fetch(const WebRequest& request) = 0;
  /// Ends a running `fetch` within 100 ms, and every later one at once.
  virtual void cancel() = 0;
};

}  // namespace sluice::ports
