#include "inventory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "config/reference.hpp"
#include "exit_codes.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

int complain(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.text);
  return kExitFailed;
}

json diagnostics_json(const config::LoadResult& result) {
  json list = json::array();
  for (const config::Diagnostic& one : result.diagnostics) {
    list.push_back({{"severity", one.severity == config::Severity::error ? "error" : "warning"},
                    {"file", one.file},
                    {"line", one.place.line},
                    {"column", one.place.column},
                    {"path", one.path},
                    {"message", one.message},
                    {"hint", one.hint}});
  }
  return list;
}

}  // namespace

int check(const std::string& file, const SearchFolders& folders, bool as_json) {
  const Result<LoadedConfig> loaded = load_config(file, folders);
  if (!loaded) return complain(loaded.error());
  const config::LoadResult& result = loaded->result;
  if (as_json) {
    fmt::print("{}\n", json{{"ok", result.ok()}, {"diagnostics", diagnostics_json(result)}}.dump(2));
  } else {
    fmt::print(stderr, "{}", config::format_all(result));
    if (result.ok()) fmt::print("{}: good\n", file);
  }
  return result.ok() ? kExitOk : kExitBadInput;
}

int show_schema() {
  fmt::print("{}\n", config::schema_json());
  return kExitOk;
}

/// What the owner has to or may fill in, with the default; null = must.
json options_json(const devices::Template& one) {
  json options = json::object();
  if (!one.messages) return options;
  for (const auto& [name, fallback] : one.messages->options) options[name] = fallback ? json(*fallback) : json(nullptr);
  return options;
}

int list_devices(const SearchFolders& folders, bool as_json) {
  const Result<Inventory> inventory = take_inventory(folders);
  if (!inventory) return complain(inventory.error());
  json list = json::array();
  for (const std::string& id : inventory->templates.ids()) {
    const devices::Template& one = *inventory->templates.find(id);
    if (!as_json) {
      fmt::print("{:<22} {:<46} {}", id, one.title, fmt::join(one.roles, ", "));
      const json options = options_json(one);
      for (const auto& [name, fallback] : options.items())
        fmt::print("  {}{}", name, fallback.is_null() ? " (must be given)" : "=" + fallback.get<std::string>());
      fmt::print("\n");
    }
    list.push_back({{"id", id},
                    {"title", one.title},
                    {"roles", one.roles},
                    {"unit", one.unit},
                    {"options", options_json(one)},
                    {"checked", one.checked},
                    {"notes", one.notes},
                    {"file", one.file}});
  }
  if (as_json) fmt::print("{}\n", list.dump(2));
  return kExitOk;
}

int list_adapters(const SearchFolders& folders, bool as_json) {
  const Result<Inventory> inventory = take_inventory(folders);
  if (!inventory) return complain(inventory.error());
  json list = json::array();
  for (const plugin::CatalogueEntry& entry : inventory->adapters.entries()) {
    const plugin::Manifest& manifest = entry.manifest;
    if (!as_json) {
      fmt::print("{:<10} {:<8} {:<20} {}\n", manifest.id, manifest.version, manifest.title, entry.path);
      if (!entry.usable()) fmt::print("           skipped: {}\n", entry.skipped);
      for (const plugin::Option& option : manifest.options) {
        fmt::print("           options.{} (default {}): {}\n", option.name,
                   option.default_value.empty() ? "none" : option.default_value, option.description);
      }
    }
    json options = json::array();
    for (const plugin::Option& option : manifest.options) {
      options.push_back(
          {{"name", option.name}, {"default", option.default_value}, {"description", option.description}});
    }
    list.push_back({{"id", manifest.id},
                    {"title", manifest.title},
                    {"version", manifest.version},
                    {"firmware", manifest.firmware},
                    {"capabilities", manifest.capabilities},
                    {"needs_password", manifest.needs_password},
                    {"options", options},
                    {"path", entry.path},
                    {"skipped", entry.skipped}});
  }
  if (as_json) fmt::print("{}\n", list.dump(2));
  return kExitOk;
}

}  // namespace sluice::cmd
