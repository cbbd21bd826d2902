/// sluiced: the daemon. Exit codes: 0 orderly end, 1 something is in the way (said in one line), 2 bad configuration or
/// arguments and nothing was started.

#include <malloc.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "common/paths.hpp"
#include "daemon.hpp"

namespace {

using namespace sluice;

/// Blocked before any thread exists, so that only the thread that waits for them sees them.
void block_signals() {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&blocked, signal);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

std::string environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// "M0:T0", CLOCK_MONOTONIC in ns and the simulated date in unix ms.
bool parse_origin(const std::string& text, io::ScaledOrigin& origin) {
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, origin.monotonic_ns);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return false;
  const auto second = std::from_chars(first.ptr + 1, end, origin.wall_unix_ms);
  return second.ec == std::errc{} && second.ptr == end;
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 2);
  block_signals();

  cmd::DaemonOptions options;
  options.config_file = cmd::kConfigFile;
  options.socket = cmd::kSocket;
  io::ScaledOrigin scaled;
  std::string origin;
  CLI::App app{"Runs bitcoin miners on solar surplus.\nExample: sluiced --config /etc/sluice/sluice.yaml"};
  app.set_version_flag("--version", SLUICE_VERSION);
  app.add_option("--config", options.config_file, "The configuration file")->capture_default_str();
  app.add_option("--adapter-path", options.folders.adapters, "Also look here for adapters; may be repeated");
  app.add_option("--template-path", options.folders.templates, "Also look here for device templates; may be repeated");
  app.add_option("--state-dir", options.state_directory, "Keep state.db and history.db here");
  app.add_option("--socket", options.socket, "Unix socket for sluice status, why, park; empty: none")
      ->capture_default_str();
  app.add_flag("--dry-run", options.dry_run, "Decide and log, command nothing");
  app.add_flag("--verbose", options.verbose, "Log every detail");
  auto* scale = app.add_option("--clock-scale", scaled.factor, "Demo only: time runs this many times faster, 1 to 20")
                    ->check(CLI::Range(1.0, 20.0));
  app.add_option("--clock-origin", origin, "Demo only: M0:T0, CLOCK_MONOTONIC in ns and the date in unix ms")
      ->needs(scale);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cmd::kExitOk : cmd::kExitBadConfig;
  }
  if (*scale) {
    if (!parse_origin(origin, scaled)) {
      std::fprintf(stderr, "sluiced: --clock-scale needs --clock-origin M0:T0, two whole numbers\n");
      return cmd::kExitBadConfig;
    }
    options.scaled = scaled;
  }
  return cmd::run_daemon(options, {environment_value("CREDENTIALS_DIRECTORY"), environment_value("JOURNAL_STREAM")});
}
