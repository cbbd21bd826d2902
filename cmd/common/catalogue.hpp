#pragma once
/// What exists besides the configuration: adapters, device templates and price feeds.

#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/loader.hpp"
#include "devices/library.hpp"
#include "feeds/definition.hpp"
#include "plugin/catalogue.hpp"

namespace sluice::cmd {

/// Folders given on the command line, beside the installed ones.
struct SearchFolders {
  std::vector<std::string> adapters;             ///< may belong to anybody: the user named them just now
  std::vector<std::string> configured_adapters;  ///< must be as safe as the installed ones
  std::vector<std::string> templates;
  std::vector<std::string> tariffs;
  std::vector<std::string> prices;
};

struct Inventory {
  plugin::Catalogue adapters;
  devices::Library templates;
  feeds::Library prices;
};

/// Reads manifests and templates; loads no code. Errors: a template that is wrong.
Result<Inventory> take_inventory(const SearchFolders& folders);
/// The same in the words of the configuration.
config::Catalogue to_config_catalogue(const Inventory& inventory);

/// A configuration file, and what it was checked against.
struct LoadedConfig {
  config::LoadResult result;
  Inventory inventory;
};
/// Folders that the file names are searched after those of `folders`. Errors only for what is outside the file: a wrong
/// template.
Result<LoadedConfig> load_config(const std::string& file, const SearchFolders& folders);

}  // namespace sluice::cmd
