#pragma once
/// What is wrong, or merely unwise, in a configuration file: where, what, and what would be right.

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::config {

enum class Severity : std::uint8_t { error, warning };

/// Line and column count from 1, the column in characters, not bytes. Line 0: no place in the file (it cannot be read).
struct Place {
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  Place place;
  std::string path;     ///< such as `miners[0].power.max_w`; empty: the file as a whole
  std::string message;  ///< what is wrong
  std::string hint;     ///< what would be right; may be empty
};

/// `sluice.yaml:14:5: miners[0].power.max_w: "3k" is not a number; write …`, then the source line, then a caret.
/// Warnings say `warning:` after the place. Control characters and
/// plaintext passwords of the source are not shown. Ends with a
/// newline.
std::string format(const Diagnostic& diagnostic, std::string_view source_text);

}  // namespace sluice::config
