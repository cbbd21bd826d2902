#pragma once
/// A loaded adapter: its shared object and the table behind its entry.

#include <memory>
#include <string>

#include "base/result.hpp"
#include "plugin/catalogue.hpp"

struct sluice_adapter;

namespace sluice::plugin {

/// Once loaded the code stays for the life of the process (it may own thread-local objects); instances come and go.
class Library {
 public:
  /// Loads the shared object and checks that its ABI, id and table fit. Errors: `io` (cannot be loaded, with the
  /// loader's words), `unsupported` (another ABI), `invalid` (not what its manifest says).
  static Result<std::shared_ptr<const Library>> load(const CatalogueEntry& entry);
  const sluice_adapter& table() const { return *table_; }
  const Manifest& manifest() const { return manifest_; }

 private:
  Library(Manifest manifest, const sluice_adapter* table) : manifest_(std::move(manifest)), table_(table) {}
  Manifest manifest_;
  const sluice_adapter* table_;
};

}  // namespace sluice::plugin
