#pragma once
/// The other end of `LineServer`.

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice::web {

/// Sends one line and reads one. Errors: `not_found` (no socket there, or nobody behind it), `unauthorized` (no right
/// to it), `timeout`, `io`.
Result<std::string> ask(const std::string& path, std::string_view request, int timeout_ms = 5000);

}  // namespace sluice::web
