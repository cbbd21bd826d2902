#pragma once
/// A mistake in a data file (device template, tariff plan), with its place and what would be right.

#include <string>

namespace sluice::yaml {

struct Diagnostic {
  std::string file;
  int line = 0, column = 0;  ///< from 1
  std::string text;          ///< what is wrong and what would be right
  std::string where;         ///< `measurements.grid_w.input`
  bool warning = false;      ///< legal, but probably not what is meant
};

/// `file:line:column: where: text`, with `warning:` before what is only one.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace sluice::yaml
