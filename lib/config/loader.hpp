#pragma once
/// From the text of `sluice.yaml` to a checked `Config`, or to everything that is wrong with it, all at once.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/diagnostic.hpp"

namespace sluice::config {

enum class OptionType : std::uint8_t { text, boolean, integer, number };

/// What exists besides the file: it is checked against this, so that checking needs no disk, network or plugin.
struct Catalogue {
  struct Option {
    std::string name;
    OptionType type = OptionType::text;
  };
  struct Adapter {
    std::string id;
    std::vector<Option> options;
    bool needs_password = false;
  };
  enum class Speaks : std::uint8_t { modbus, http, mqtt };
  struct Template {
    std::string id;
    std::vector<Role> roles;  ///< what a device of this kind can be
    Speaks speaks = Speaks::modbus;
    struct Word {
      std::string name;
      bool required = false;
    };
    std::vector<Word> options = {};
    bool can_hold = false;    ///< its battery can be told not to discharge
    bool can_switch = false;  ///< it lets power through or not, as it is told, and says which
  };
  struct Feed {
    std::string id, currency;  ///< `currency` empty: by an option
    std::vector<Template::Word> options;
    bool needs_token = false, may_have_token = false;
    bool bought = true, sold = true;  ///< which prices it tells
    bool colours = false, events = false;
    bool over_mqtt = false;
  };
  std::vector<Adapter> adapters;
  std::vector<Template> templates;
  std::vector<Feed> feeds;
  std::vector<std::string> feed_mistakes;                ///< files that hold no sound feed, with why
  std::function<bool(std::string_view)> knows_timezone;  ///< empty: every name passes
  /// Something about the section `tariff`, said by whoever can read plans.
  struct Remark {
    Severity severity = Severity::error;
    std::string path;  ///< `tariff.plan`
    std::string message, hint;
  };
  /// Asked when the file has that section; empty: everything passes.
  std::function<std::vector<Remark>(const Config&)> judge_tariff;
};

struct LoadResult {
  std::optional<Config> config;         ///< empty when there is any error
  std::vector<Diagnostic> diagnostics;  ///< in the order of the file; warnings alone do not withhold the config
  std::string source;                   ///< the text, for `format`
  bool ok() const { return config.has_value(); }
};

/// The largest file that is read, in bytes.
inline constexpr std::size_t kMaxFileBytes = 256 * 1024;

/// Never throws, whatever the text. `file_name` is only for the diagnostics.
LoadResult load_text(std::string_view text, const std::string& file_name, const Catalogue& catalogue);

/// Reads `path` (a regular file or a pipe of at most `kMaxFileBytes`) and loads it.
LoadResult load_file(const std::string& path, const Catalogue& catalogue);

/// The catalogue for a file that names folders of adapters and templates itself. Called at most once, with what was
/// decoded before anything was checked against the catalogue.
using CatalogueFor = std::function<Catalogue(const Config& decoded)>;
LoadResult load_file(const std::string& path, const CatalogueFor& catalogue_for);

/// Every diagnostic formatted, one after the other.
std::string format_all(const LoadResult& result);

}  // namespace sluice::config
