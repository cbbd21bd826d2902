#pragma once
/// HTTP/1.1 on a `TcpFront`: as much of it as miners speak, with bodies of known length. It stands on the same front as
/// the other ports so that an emulated web server can refuse, fall silent and send garbage like them.

#include <map>
#include <string>
#include <string_view>

#include "house/firmware/tcp_front.hpp"

namespace sluice::house {

struct HttpRequest {
  std::string method, path;                    ///< path without the query
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool keep_alive = true;

  /// Empty when there is none.
  std::string header(const std::string& name) const;
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
};

class HttpProtocol : public TcpProtocol {
 public:
  std::size_t request_size(std::string_view received, bool at_end) const final;
  TcpAnswer answer(std::string_view request) final;

 protected:
  virtual HttpAnswer handle(const HttpRequest& request) = 0;
};

}  // namespace sluice::house
