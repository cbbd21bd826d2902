#pragma once
/// `sluice learn MINER`: asks the running daemon for a commissioning run, shows how it goes, and prints what it found.

#include <string>

namespace sluice::cmd {

struct LearnOptions {
  std::string socket;
  std::string miner;
  bool yes = false;  ///< do not ask
  bool as_json = false;
};

/// Returns an exit code. Ctrl-C, or the end of this process, ends the run; the miner is under normal control then.
int learn(const LearnOptions& options);

}  // namespace sluice::cmd
