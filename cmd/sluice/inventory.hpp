#pragma once
/// Commands that need neither daemon nor network. All return an exit code.

#include <string>

#include "common/catalogue.hpp"

namespace sluice::cmd {

int check(const std::string& file, const SearchFolders& folders, bool as_json);
int show_schema();
int list_devices(const SearchFolders& folders, bool as_json);
int list_adapters(const SearchFolders& folders, bool as_json);

}  // namespace sluice::cmd
