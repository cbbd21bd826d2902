#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "io/notify.hpp"

namespace sluice::io {

/// Starts `program` for each event: JSON on standard input, standard output nowhere, standard error ours (the journal),
/// an environment of PATH and LANG only, a process group of its own. Whatever of the group still runs after `limit`
/// (real time) is killed. Errors of `deliver`: `io` (cannot be started), `rejected` (exit code), `timeout`,
/// `cancelled`.
Result<std::unique_ptr<NotifyChannel>> make_exec_channel(std::string program,
                                                         std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace sluice::io
