#pragma once
/// A mistake in a data file (device template, tariff plan), with its place and what would be right.

#include <string>

namespace sluice::yaml {

struct Diagnostic {
  std::string file;
  int line = 0, column = 0;  ///< from 1
  std::string text;          ///< what is wrong and what would be right
  std::string where;         ///< `measurements.grid_w.input`
};

/// `file:line:column: where: text`.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace sluice::yaml
