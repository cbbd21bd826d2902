#include "plugin/catalogue.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;

/// Why code at `path` must not be run; empty when it may.
std::string distrust(const fs::path& path, bool named_by_user) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", path.string(), std::strerror(errno));
  if ((status.st_mode & S_IWOTH) != 0) return fmt::format("{} is writable by everybody", path.string());
  if (named_by_user) return {};
  if (status.st_uid != 0) return fmt::format("{} does not belong to root", path.string());
  if ((status.st_mode & S_IWGRP) != 0) return fmt::format("{} is writable by its group", path.string());
  return {};
}

CatalogueEntry read_entry(const fs::path& manifest_path, bool named_by_user) {
  CatalogueEntry entry;
  entry.manifest.id = manifest_path.stem().string();
  entry.path = fs::path(manifest_path).replace_extension(".so").string();
  for (const fs::path& path : {manifest_path.parent_path(), manifest_path, fs::path(entry.path)}) {
    entry.skipped = distrust(path, named_by_user);
    if (!entry.usable()) return entry;
  }
  std::ifstream file(manifest_path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto manifest = parse_manifest(text, manifest_path.string());
  if (!manifest) {
    entry.skipped = manifest.error().text;
  } else if (manifest->id != entry.manifest.id) {
    entry.skipped =
        fmt::format("its manifest says id \"{}\", its file is named \"{}\"", manifest->id, entry.manifest.id);
  } else {
    entry.manifest = std::move(*manifest);
  }
  return entry;
}

}  // namespace

Catalogue discover(std::span<const SearchPath> paths) {
  std::vector<CatalogueEntry> entries;
  for (const auto& path : paths) {
    std::vector<fs::path> manifests;
    std::error_code ignored;  // a directory that is not there holds no adapters
    for (const auto& item : fs::directory_iterator(path.directory, ignored)) {
      if (item.path().extension() == ".yaml") manifests.push_back(item.path());
    }
    std::ranges::sort(manifests);
    for (const auto& manifest : manifests) {
      CatalogueEntry entry = read_entry(manifest, path.named_by_user);
      const auto earlier = std::ranges::find_if(entries, [&](const CatalogueEntry& other) {
        return other.usable() && other.manifest.id == entry.manifest.id;
      });
      if (entry.usable() && earlier != entries.end()) entry.skipped = "already found at " + earlier->path;
      entries.push_back(std::move(entry));
    }
  }
  return Catalogue(std::move(entries));
}

Result<const CatalogueEntry*> Catalogue::find(std::string_view id) const {
  std::string known;
  std::string reason;
  for (const auto& entry : entries_) {
    if (entry.manifest.id == id && entry.usable()) return &entry;
    if (entry.manifest.id == id) reason = entry.skipped;
    if (entry.usable()) known += (known.empty() ? "" : ", ") + entry.manifest.id;
  }
  if (!reason.empty()) return fail(ErrorKind::not_found, "adapter \"{}\" is there and not used: {}", id, reason);
  return fail(ErrorKind::not_found, "there is no adapter \"{}\"; there are: {}", id, known.empty() ? "none" : known);
}

std::vector<SearchPath> installed_paths() {
  return {{SLUICE_ADAPTER_DIRECTORY, false}, {"/usr/local/lib/sluice/adapters", false}};
}

}  // namespace sluice::plugin
