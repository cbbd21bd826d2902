#pragma once
/// What an adapter says of itself in its manifest, the YAML file beside it: read without loading its code.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::plugin {

enum class OptionType : std::uint8_t { text, boolean, integer, number };

struct Option {
  std::string name;
  OptionType type = OptionType::text;
  std::string default_value;
  std::string description;
};

struct Manifest {
  std::string id;     ///< as in `adapter: luxos`; also the name of the file
  std::string title;  ///< "LuxOS"
  std::string version;
  std::string description;
  std::vector<std::string> firmware;      ///< versions it was written for, in words
  std::vector<std::string> capabilities;  ///< `power_target`, `levels`, `sleep`, `measured_power`, …
  bool needs_password = false;
  std::string default_username;
  std::uint16_t default_port = 0;
  bool owns_io = false;  ///< does its own networking instead of borrowing the host's
  /// How long this firmware's calls need at most; the runtime gives deadlines accordingly.
  Duration command_time{std::chrono::seconds(2)};
  Duration poll_time{std::chrono::seconds(2)};
  Duration identify_time{std::chrono::seconds(10)};
  std::vector<Option> options;
};

/// `file` is for error texts: "luxos.yaml:7: unknown key \"titel\"". Unknown keys and wrong types are errors.
Result<Manifest> parse_manifest(std::string_view yaml, std::string_view file);

/// Checks the owner's options against the manifest and fills in the defaults. Errors say which option, what it is and
/// what would be right.
Result<std::map<std::string, std::string>> checked_options(const Manifest& manifest,
                                                           const std::map<std::string, std::string>& given);

}  // namespace sluice::plugin
