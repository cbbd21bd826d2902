#pragma once
/// Which adapters there are, and why a file that looks like one is not used.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/manifest.hpp"

namespace sluice::plugin {

struct SearchPath {
  std::string directory;
  /// Named by the user on the command line (`--adapter-path`), or of the build tree that the running program lies in:
  /// may belong to anybody. Every other directory, and what is in it, must belong to root and be writable by nobody
  /// else: its code runs in the daemon.
  bool named_by_user = false;
};

struct CatalogueEntry {
  Manifest manifest;    ///< `id` is set even when the rest could not be read
  std::string path;     ///< of the shared object
  std::string skipped;  ///< why it is not used; empty: it is
  bool usable() const { return skipped.empty(); }
};

class Catalogue {
 public:
  explicit Catalogue(std::vector<CatalogueEntry> entries) : entries_(std::move(entries)) {}
  const std::vector<CatalogueEntry>& entries() const { return entries_; }
  /// The usable adapter `id`. Errors: `not_found` names the adapters there are, or why this one was skipped.
  Result<const CatalogueEntry*> find(std::string_view id) const;

 private:
  std::vector<CatalogueEntry> entries_;
};

/// Looks for manifests (`*.yaml`) in each directory in order; loads no code. The first adapter of an id wins, later
/// ones are skipped and say so. A directory that does not exist is no error.
Catalogue discover(std::span<const SearchPath> paths);

/// Where installed adapters are: the package's directory, then /usr/local.
std::vector<SearchPath> installed_paths();

}  // namespace sluice::plugin
