#pragma once
/// The part of a template file that is about HTTP or MQTT.

#include <string>
#include <vector>

#include "devices/template.hpp"
#include "yaml/tree.hpp"

namespace sluice::devices {

/// Whether the file says `http:` or `mqtt:`.
bool is_message_template(const yaml::Node& root);

/// Fills `parsed.messages` and its poll interval; notes every mistake. Keys of the head (`id`, `title`, …) are only
/// known here, not read.
void parse_messages(const yaml::Node& root, const std::string& file, std::vector<Diagnostic>& diagnostics,
                    Template& parsed);

}  // namespace sluice::devices
