#include "common/catalogue.hpp"

#include <filesystem>
#include <optional>

#include "common/paths.hpp"
#include "common/tariffs.hpp"
#include "io/clock.hpp"

namespace sluice::cmd {
namespace {

config::OptionType type_of(plugin::OptionType type) {
  switch (type) {
    case plugin::OptionType::text:
      return config::OptionType::text;
    case plugin::OptionType::boolean:
      return config::OptionType::boolean;
    case plugin::OptionType::integer:
      return config::OptionType::integer;
    case plugin::OptionType::number:
      return config::OptionType::number;
  }
  return config::OptionType::text;
}

std::optional<config::Role> role_from(const std::string& name) {
  if (name == "grid") return config::Role::grid;
  if (name == "pv") return config::Role::pv;
  if (name == "battery") return config::Role::battery;
  if (name == "hybrid") return config::Role::hybrid;
  if (name == "house") return config::Role::house;
  if (name == "load") return config::Role::load;
  if (name == "room") return config::Role::room;
  if (name == "switch") return config::Role::power_switch;
  return std::nullopt;
}

bool knows_timezone(std::string_view name) {
  std::error_code ignored;
  const bool plain = !name.empty() && name.front() != '/' && name.find("..") == std::string_view::npos;
  return plain && std::filesystem::is_regular_file("/usr/share/zoneinfo/" + std::string(name), ignored);
}

std::vector<config::Catalogue::Remark> judge_tariff(const config::Config& config, const SearchFolders& folders,
                                                    const feeds::Library& feeds) {
  const io::SystemClock clock;
  const auto now = clock.wall_sane() ? std::optional(clock.wall_now()) : std::nullopt;
  return load_tariff(config, tariff_directories(folders.tariffs), now, &feeds).remarks;
}

}  // namespace

Result<Inventory> take_inventory(const SearchFolders& folders) {
  const Layout layout = own_layout();
  // Whoever runs a program of a build tree trusts what was built beside it, whoever it belongs to.
  std::vector<plugin::SearchPath> paths =
      layout.build_tree ? std::vector<plugin::SearchPath>{{layout.adapter_directory, true}} : plugin::installed_paths();
  for (const std::string& folder : folders.configured_adapters) paths.push_back({folder, false});
  for (const std::string& folder : folders.adapters) paths.push_back({folder, true});
  Result<devices::Library> templates = devices::Library::load(template_directories(folders.templates));
  if (!templates) return tl::unexpected(templates.error());
  return Inventory{plugin::discover(paths), std::move(*templates),
                   feeds::Library::load(price_directories(folders.prices))};
}

Result<LoadedConfig> load_config(const std::string& file, const SearchFolders& folders) {
  Result<Inventory> inventory = take_inventory(folders);
  if (!inventory) return tl::unexpected(inventory.error());
  config::LoadResult result = config::load_file(file, [&](const config::Config& decoded) {
    if (!decoded.adapter_paths.empty() || !decoded.template_paths.empty() || !decoded.prices.paths.empty()) {
      SearchFolders all = folders;
      all.configured_adapters = decoded.adapter_paths;
      all.templates.insert(all.templates.begin(), decoded.template_paths.begin(), decoded.template_paths.end());
      all.prices.insert(all.prices.begin(), decoded.prices.paths.begin(), decoded.prices.paths.end());
      inventory = take_inventory(all);
    }
    config::Catalogue catalogue = inventory ? to_config_catalogue(*inventory) : config::Catalogue{};
    catalogue.judge_tariff = [&](const config::Config& one) {
      return judge_tariff(one, folders, inventory ? inventory->prices : feeds::Library());
    };
    return catalogue;
  });
  if (!inventory) return tl::unexpected(inventory.error());
  return LoadedConfig{std::move(result), std::move(*inventory)};
}

config::Catalogue to_config_catalogue(const Inventory& inventory) {
  config::Catalogue catalogue;
  for (const plugin::CatalogueEntry& entry : inventory.adapters.entries()) {
    if (!entry.usable()) continue;
    config::Catalogue::Adapter adapter;
    adapter.id = entry.manifest.id;
    adapter.needs_password = entry.manifest.needs_password;
    for (const plugin::Option& option : entry.manifest.options) {
      adapter.options.push_back({option.name, type_of(option.type)});
    }
    catalogue.adapters.push_back(std::move(adapter));
  }
  for (const std::string& id : inventory.templates.ids()) {
    config::Catalogue::Template one;
    one.id = id;
    const devices::Template& found = *inventory.templates.find(id);
    one.can_hold = found.can_hold();
    one.can_switch = found.can_switch();
    for (const std::string& role : found.roles) {
      if (const auto known = role_from(role)) one.roles.push_back(*known);
    }
    if (found.messages) {
      one.speaks = found.messages->carrier == devices::Carrier::http ? config::Catalogue::Speaks::http
                                                                     : config::Catalogue::Speaks::mqtt;
      for (const auto& [name, fallback] : found.messages->options) one.options.push_back({name, !fallback});
    }
    catalogue.templates.push_back(std::move(one));
  }
  for (const std::string& id : inventory.prices.ids()) {
    const feeds::Definition& found = *inventory.prices.find(id);
    config::Catalogue::Feed one;
    one.id = id;
    one.currency = found.currency.starts_with('{') ? "" : found.currency;
    for (const auto& [name, fallback] : found.options) {
      one.options.push_back({name, !fallback});
      if (name == "currency" && fallback) one.currency = *fallback;
    }
    one.needs_token = found.needs_token;
    one.may_have_token = found.may_have_token;
    one.bought = found.series_for(feeds::Use::import) != nullptr;
    one.sold = found.series_for(feeds::Use::export_) != nullptr;
    one.colours = found.series_for(feeds::Use::colour) != nullptr;
    one.events = found.series_for(feeds::Use::event) != nullptr;
    one.over_mqtt = found.carrier == feeds::Carrier::mqtt;
    catalogue.feeds.push_back(std::move(one));
  }
  catalogue.feed_mistakes = inventory.prices.mistakes();
  catalogue.knows_timezone = knows_timezone;
  return catalogue;
}

}  // namespace sluice::cmd
