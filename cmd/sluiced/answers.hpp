#pragma once
/// The requests of the Unix socket: one JSON object a line, `{"do":"status"}`, answered by one, `{"ok":true,…}` or
/// `{"ok":false,"error":"…"}`. docs/reference/socket.md lists them.

#include <functional>
#include <string>
#include <string_view>

#include "runtime/engine.hpp"

namespace sluice::cmd {

/// Never throws. `history_degraded` tells why history is not written, or nothing.
std::string answer(std::string_view request, runtime::Engine& engine,
                   const std::function<std::string()>& history_degraded);

}  // namespace sluice::cmd
