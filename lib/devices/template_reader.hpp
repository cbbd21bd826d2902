#pragma once
/// What templates have in common, whatever carries their values.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/names.hpp"
#include "yaml/reader.hpp"

namespace sluice::devices {

class TemplateReader : protected yaml::Reader {
 public:
  using Reader::Reader;

 protected:
  /// Every measurement with its ways to be read, in the order of the file: `alternative(node, path)` reads one way.
  template <class Offer, class Alternative>
  void read_offers(const yaml::Node& node, std::vector<Offer>& offers, const Alternative& alternative) {
    if (!is_mapping(node, "measurements")) return;
    std::set<std::string> seen;
    for (const auto& [key, value] : node.entries) {
      const std::string where = "measurements." + key.text;
      const auto what = measurement_from_name(key.text);
      if (!what) complain(key, where, "no such measurement; docs/glossary.md lists them");
      if (!seen.insert(key.text).second) complain(key, where, "this key stands here twice");
      if (!is_mapping(value, where)) continue;
      Offer offer;
      if (what) offer.what = *what;
      if (const auto* list = value.find("first_of")) {
        check_keys(value, where, {"first_of"});
        each(*list, where + ".first_of", [&](const yaml::Node& one, const std::string& path) {
          if (is_mapping(one, path)) offer.alternatives.push_back(alternative(one, path));
        });
      } else {
        offer.alternatives.push_back(alternative(value, where));
      }
      offers.push_back(std::move(offer));
    }
    if (node.entries.empty()) complain(node, "measurements", "a template must offer something");
  }

  static constexpr const char* kHold = "commands.battery_hold";
  static constexpr const char* kPower = "commands.power";
  /// Notes what is wrong with the list of commands, of which those are `known`.
  bool are_commands(const yaml::Node& node, const std::vector<std::string_view>& known) {
    if (!is_mapping(node, "commands")) return false;
    check_keys(node, "commands", known);
    if (node.entries.empty()) complain(node, "commands", "a list of commands must name one");
    return true;
  }
  /// Null when it is not there, or not as it should be, which is noted.
  const yaml::Node* find_command(const yaml::Node& node, std::string_view name) {
    const yaml::Node* command = node.find(std::string(name));
    return command != nullptr && is_mapping(*command, fmt::format("commands.{}", name)) ? command : nullptr;
  }
};

}  // namespace sluice::devices
