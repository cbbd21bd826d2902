#pragma once
/// How a stretch of history becomes a few kilobytes: columns of integers, each value as the difference to the one
/// before it, small differences in one byte, then zstd over all columns. Lossless. "Missing" is a code of its own.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace sluice::store {

/// No value was known at that time. Never 0, and never a value: values are > kMissing.
inline constexpr std::int32_t kMissing = std::numeric_limits<std::int32_t>::min();

struct Column {
  std::uint32_t key = 0;  ///< what the column is, decided by the caller
  std::vector<std::int32_t> values;
  bool operator==(const Column&) const = default;
};

/// A table: row n was true at `times_s[n]`. Every column is as long as `times_s`.
struct Block {
  std::vector<std::int64_t> times_s;  ///< unix seconds, in the order they were recorded
  std::vector<Column> columns;
  bool operator==(const Block&) const = default;
};

/// Fails only when there is no memory for the compression.
Result<std::vector<std::byte>> encode(const Block& block);
/// Any bytes are safe to pass: whatever `encode` did not make is refused as `protocol`.
Result<Block> decode(std::span<const std::byte> bytes);

}  // namespace sluice::store
