#pragma once
/// A gzip (or plain) text file, line by line.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice::sim {

class GzLines {
 public:
  /// `not_found` when it cannot be opened.
  static Result<GzLines> open(const std::string& path);
  GzLines(GzLines&&) noexcept;
  GzLines& operator=(GzLines&&) noexcept;
  ~GzLines();

  /// The next line, without its end; valid until the next call. False at the end, or where the file is damaged.
  bool next(std::string_view& line);
  std::size_t number() const { return number_; }  ///< of the line that was read last, from 1
  /// After the last line: `invalid` when the file was damaged.
  Result<void> end() const;

 private:
  struct File;
  GzLines(std::string path, std::unique_ptr<File> file);
  std::string path_;
  std::unique_ptr<File> file_;
  std::size_t number_ = 0;
};

/// Takes the cell before the next comma off `row`.
std::string_view take_cell(std::string_view& row);
/// The same as a number; false when it is none.
bool take_number(std::string_view& row, double& value);

}  // namespace sluice::sim
