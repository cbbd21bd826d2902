#pragma once
/// HTTP/1.1 messages as text: building a request, understanding a reply. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ports/network.hpp"

namespace sluice::io {

/// The bytes of `request`, which asks the peer to close afterwards. Errors: `invalid` when a header or the path holds a
/// line break (it could smuggle another header).
Result<std::string> http_request_text(const ports::HttpRequest& request);

/// Understands what has been read so far. Nothing: read on. `closed`: the peer will send no more.
/// Takes Content-Length, chunked and until-close bodies and skips 1xx replies. Errors: `protocol`.
Result<std::optional<ports::HttpReply>> parse_http_reply(std::string_view bytes, bool closed, std::string_view method,
                                                         std::size_t body_limit);

}  // namespace sluice::io
