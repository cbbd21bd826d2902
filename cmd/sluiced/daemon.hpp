#pragma once
/// The daemon: reads the configuration, builds the object graph, serves, reloads, ends.

#include <optional>
#include <string>
#include <vector>

#include "common/catalogue.hpp"
#include "io/clock.hpp"

namespace sluice::cmd {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;     ///< something outside the configuration is in the way
inline constexpr int kExitBadConfig = 2;  ///< nothing was started

struct DaemonOptions {
  std::string config_file;
  SearchFolders folders;
  std::string state_directory;  ///< empty: where the configuration says
  std::string socket;           ///< empty: no socket
  bool dry_run = false;
  bool verbose = false;
  std::optional<io::ScaledOrigin> scaled;  ///< demo time
};

/// What the environment tells; read in `main`.
struct Environment {
  std::string credentials_directory;
  std::string journal_stream;
};

/// Runs until SIGTERM or SIGINT; the signals must be blocked already. Returns the exit code.
int run_daemon(const DaemonOptions& options, const Environment& environment);

}  // namespace sluice::cmd
