#include "common/paths.hpp"

#include <filesystem>

namespace sluice::cmd {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> data_directories(std::string Layout::* of_build_tree, const char* installed, const char* own,
                                          const std::vector<std::string>& named_by_user) {
  const Layout layout = own_layout();
  std::vector<std::string> all{layout.build_tree ? layout.*of_build_tree : installed, own};
  all.insert(all.end(), named_by_user.begin(), named_by_user.end());
  return all;
}

}  // namespace

std::vector<std::string> template_directories(const std::vector<std::string>& named_by_user) {
  return data_directories(&Layout::template_directory, SLUICE_TEMPLATE_DIRECTORY, "/etc/sluice/devices", named_by_user);
}

std::vector<std::string> price_directories(const std::vector<std::string>& named_by_user) {
  return data_directories(&Layout::price_directory, SLUICE_PRICE_DIRECTORY, "/etc/sluice/prices", named_by_user);
}

std::vector<std::string> tariff_directories(const std::vector<std::string>& named_by_user) {
  return data_directories(&Layout::tariff_directory, SLUICE_TARIFF_DIRECTORY, "/etc/sluice/tariffs", named_by_user);
}

Layout own_layout() {
  std::error_code ignored;
  const fs::path directory = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  Layout layout;
  layout.program_directory = directory.string();
  const fs::path tree = directory.parent_path().parent_path();  // <build>/cmd/<program>/<program>
  layout.build_tree = fs::exists(tree / "CMakeCache.txt", ignored);
  if (layout.build_tree) {
    layout.adapter_directory = (tree / "lib/sluice/adapters").string();
    layout.template_directory = (tree / "share/sluice/devices").string();
    layout.tariff_directory = (tree / "share/sluice/tariffs").string();
    layout.price_directory = (tree / "share/sluice/prices").string();
  }
  return layout;
}

std::string Layout::program(const std::string& name) const {
  const fs::path directory(program_directory);
  return (build_tree ? directory.parent_path() / name / name : directory / name).string();
}

std::string file_beside(const std::string& path, const std::string& name) {
  return (fs::path(path).parent_path() / name).string();
}

std::string ledger_file(const std::string& history_file) { return file_beside(history_file, "ledger.db"); }

std::string hold_file(const std::string& state_file) { return file_beside(state_file, "battery-hold"); }

}  // namespace sluice::cmd
