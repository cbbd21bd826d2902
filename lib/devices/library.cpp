#include "devices/library.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::devices {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> template_files(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code trouble;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, trouble)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".yaml") && !name.ends_with(".test.yaml")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<Library> Library::load(const std::vector<std::string>& directories) {
  Library library;
  std::string mistakes;
  const auto complain = [&](const std::string& text) { mistakes += (mistakes.empty() ? "" : "\n") + text; };
  for (const std::string& directory : directories) {
    for (const fs::path& path : template_files(directory)) {
      std::ifstream stream(path);
      std::stringstream text;
      if (!stream || !(text << stream.rdbuf())) {
        complain(path.string() + ": cannot be read");
        continue;
      }
      auto parsed = load_template(text.str(), path.string());
      if (!parsed) {
        complain(parsed.error().text);
      } else if (path.stem() != parsed->id) {
        complain(fmt::format("{}: the id `{}` must be the file's name", path.string(), parsed->id));
      } else {
        library.templates_.insert_or_assign(parsed->id, std::move(*parsed));
      }
    }
  }
  if (!mistakes.empty()) return fail(ErrorKind::invalid, "{}", mistakes);
  return library;
}

const Template* Library::find(std::string_view id) const {
  const auto found = templates_.find(id);
  return found == templates_.end() ? nullptr : &found->second;
}

std::vector<std::string> Library::ids() const {
  std::vector<std::string> all;
  for (const auto& [id, device_template] : templates_) all.push_back(id);
  return all;
}

std::vector<std::string> Library::ids_for_role(std::string_view role) const {
  std::vector<std::string> all;
  for (const auto& [id, device_template] : templates_)
    if (std::ranges::find(device_template.roles, role) != device_template.roles.end()) all.push_back(id);
  return all;
}

}  // namespace sluice::devices
