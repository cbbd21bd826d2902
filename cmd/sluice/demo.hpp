#pragma once
/// `sluice demo`: an emulated house and the real daemon on loopback, on one accelerated clock, shown live.

#include <string>

namespace sluice::cmd {

struct DemoOptions {
  double for_s = 0.0;  ///< wall seconds; 0 = until Ctrl-C
  bool as_json = false;
  double speed = 20.0;
  std::string scenario = "demo";
  std::string base_address = "127.0.10.0";
  std::string keep;  ///< keep configuration, logs and history in this directory; empty: leave nothing behind
};

/// Must be called before this process has threads. Returns an exit code.
int demo(const DemoOptions& options);

/// "120s", "2min", "90" → seconds; nothing for anything else.
bool parse_seconds(const std::string& text, double& seconds);

}  // namespace sluice::cmd
