#pragma once
/// Commands that ask the running daemon over its Unix socket. All return an exit code.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.hpp"

namespace sluice::cmd {

/// One request, and what came with `"ok": true`. Errors: as `web::ask`; `rejected` with the daemon's own words.
Result<nlohmann::json> ask_daemon(const std::string& socket, const nlohmann::json& request);

int show_status(const std::string& socket, bool as_json);
/// Shows the status anew each second until Ctrl-C; `count` > 0: that many times.
int watch_status(const std::string& socket, bool as_json, int count);
int show_why(const std::string& socket, const std::string& miner, int count, bool as_json);
/// An empty name means all miners.
int park(const std::string& socket, const std::string& miner, bool parked);

}  // namespace sluice::cmd
