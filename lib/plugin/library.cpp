#include "plugin/library.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <utility>

#include "sluice/adapter.hpp"

namespace sluice::plugin {
namespace {

using Entry = const sluice_adapter* (*)(std::int32_t);

/// Why the table cannot be used; empty when it can. `get_extension` is the last field of ABI 1.0.
std::string misfit(const sluice_adapter& table) {
  if (table.abi_major != SLUICE_ABI_MAJOR) {
    return fmt::format("it was built for ABI {}, this is ABI {}", table.abi_major, SLUICE_ABI_MAJOR);
  }
  if (table.size < offsetof(sluice_adapter, get_extension) + sizeof table.get_extension)
    return "its table is too short";
  if (!table.open || !table.close || !table.identify || !table.abilities || !table.poll || !table.apply_target ||
      !table.sleep || !table.wake || !table.cancel || !table.get_extension) {
    return "its table has holes";
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Library>> Library::load(const CatalogueEntry& entry) {
  if (!entry.usable()) return fail(ErrorKind::invalid, "adapter {}: {}", entry.manifest.id, entry.skipped);
  void* handle = ::dlopen(entry.path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return fail(ErrorKind::io, "adapter {} cannot be loaded: {}", entry.manifest.id, ::dlerror());
  const auto function = reinterpret_cast<Entry>(::dlsym(handle, "sluice_adapter_entry"));
  const sluice_adapter* table = function == nullptr ? nullptr : function(SLUICE_ABI_MAJOR);
  ::dlclose(handle);  // gives back the handle; RTLD_NODELETE keeps the code
  if (function == nullptr) return fail(ErrorKind::invalid, "{} has no sluice_adapter_entry", entry.path);
  if (table == nullptr) {
    return fail(ErrorKind::unsupported, "adapter {} does not support ABI {}", entry.manifest.id, SLUICE_ABI_MAJOR);
  }
  if (const std::string reason = misfit(*table); !reason.empty()) {
    return fail(ErrorKind::unsupported, "adapter {}: {}", entry.manifest.id, reason);
  }
  if (adapter::as_string(table->id) != entry.manifest.id) {
    return fail(ErrorKind::invalid, "{} says it is \"{}\", its manifest says \"{}\"", entry.path,
                adapter::as_string(table->id), entry.manifest.id);
  }
  if (adapter::as_string(table->version) != entry.manifest.version) {
    return fail(ErrorKind::invalid, "{} is version {}, its manifest says {}", entry.path,
                adapter::as_string(table->version), entry.manifest.version);
  }
  return std::shared_ptr<const Library>(new Library(entry.manifest, table));
}

}  // namespace sluice::plugin
