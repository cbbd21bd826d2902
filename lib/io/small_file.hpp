#pragma once
/// Small files that must be whole or not there.

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace sluice::io {

/// Errors: not_found; io; invalid when it is longer than `limit` bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);

/// Beside the old one, synced, then in its place; makes the folder (0750) when it is missing. A power cut leaves the
/// old file or the new one. Errors: io.
Result<void> write_small_file(const std::string& path, const std::string& text);

}  // namespace sluice::io
