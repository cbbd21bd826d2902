#pragma once
/// What exists besides the configuration: adapters and device templates.

#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/loader.hpp"
#include "devices/library.hpp"
#include "plugin/catalogue.hpp"

namespace sluice::cmd {

/// Folders given on the command line, beside the installed ones.
struct SearchFolders {
  std::vector<std::string> adapters;
  std::vector<std::string> templates;
};

struct Inventory {
  plugin::Catalogue adapters;
  devices::Library templates;
};

/// Reads manifests and templates; loads no code. Errors: a template that is wrong.
Result<Inventory> take_inventory(const SearchFolders& folders);
/// The same in the words of the configuration.
config::Catalogue to_config_catalogue(const Inventory& inventory);

}  // namespace sluice::cmd
