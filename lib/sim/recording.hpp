#pragma once
/// Recorded sun and load as they lie in files: gzip CSV, one header line, a row a second or a minute.

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sluice::sim {

/// Every value is ≥ 0 and plausible for its unit, which ends the column's name.
struct Recording {
  std::string header;                       ///< one of those asked for
  std::size_t step_s = 1;                   ///< 1 or 60
  std::vector<std::vector<float>> columns;  ///< without `t_s`, in the header's order, equally long, not empty

  std::size_t rows() const { return columns.front().size(); }
  /// The column of this name, or none.
  const std::vector<float>* column(std::string_view name) const;
};

/// Reads a gzip (or plain) CSV whose first line is one of `headers`, each beginning with `t_s`, the seconds since the
/// start of the file: 0, 1, 2 … or 0, 60, 120 …. `not_found` when it cannot be opened; else `invalid`, with the line
/// and what is wanted there.
Result<Recording> read_recording(const std::string& path, std::initializer_list<std::string_view> headers);

}  // namespace sluice::sim
