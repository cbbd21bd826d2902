#pragma once
/// What may be written in sluice.yaml, for editors and for people; both made from the field table.

#include <string>

namespace sluice::config {

/// JSON Schema, draft 2020-12, indented, with a final newline.
std::string schema_json();

/// The page docs/reference/configuration.md.
std::string reference_markdown();

}  // namespace sluice::config
