#pragma once
/// Commands that talk to devices and miners themselves. All return an exit code.

#include <string>

#include "common/catalogue.hpp"

namespace sluice::cmd {

struct DirectOptions {
  std::string config_file;
  SearchFolders folders;
  std::string state_directory;  ///< empty: where the configuration says
  std::string socket;
  std::string credentials_directory;
};

/// Asks the daemon; when none runs, or with `direct`, opens the device or miner itself.
int probe(const DirectOptions& options, const std::string& name, bool direct, bool as_json);
/// After a daemon that did not end in order: puts every miner to sleep that it drove and releases the battery that it
/// held, all at once, within 6 s. Does nothing after an orderly end that left nothing held.
int park_if_unclean(const DirectOptions& options);

}  // namespace sluice::cmd
