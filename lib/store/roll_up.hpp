#pragma once
/// Seconds to minutes to quarters of an hour.

#include <cstdint>

#include "store/block_codec.hpp"

namespace sluice::store {

/// What a roll-up tells of one series and one stretch of time; all but `valid` in the stored steps of the series.
enum class Statistic : std::uint8_t { mean, min, max, valid, count_ };
inline constexpr std::uint32_t kStatistics = static_cast<std::uint32_t>(Statistic::count_);

/// Key of a roll-up's column, from the key of the series it was made of.
constexpr std::uint32_t roll_up_key(std::uint32_t series, Statistic statistic) {
  return series * kStatistics + static_cast<std::uint32_t>(statistic);
}

/// One row for each stretch of `step_s` unix seconds that `block` has samples in, at the beginning of the stretch.
/// `valid` counts the samples that were not missing; mean, min and max are missing where it is 0.
Block roll_up(const Block& block, std::int64_t step_s);

}  // namespace sluice::store
