#pragma once
/// `sluice prices`: which price feeds there are, and what one of them says.

#include <string>
#include <vector>

#include "common/catalogue.hpp"

namespace sluice::cmd {

struct PricesOptions {
  std::string feed;                  ///< an id; `hashprice`: what mining brings; empty: a list of all
  std::vector<std::string> options;  ///< `name=value`, before those of the configuration
  std::string config_file;
  std::string credentials_directory;
  SearchFolders folders;
  std::string version;
  bool as_json = false;
};

/// Returns an exit code.
int prices(const PricesOptions& options);

}  // namespace sluice::cmd
