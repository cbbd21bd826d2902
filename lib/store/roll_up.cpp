#include "store/roll_up.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::store {
namespace {

struct Stretch {
  std::size_t begin;
  std::size_t end;
};

std::int64_t floor_to(std::int64_t time_s, std::int64_t step_s) {
  const std::int64_t rest = time_s % step_s;
  return time_s - (rest < 0 ? rest + step_s : rest);
}

std::array<std::int32_t, kStatistics> summarize(const std::vector<std::int32_t>& values, Stretch stretch) {
  std::int64_t sum = 0;
  std::int32_t count = 0;
  std::int32_t low = std::numeric_limits<std::int32_t>::max();
  std::int32_t high = kMissing;
  for (std::size_t row = stretch.begin; row < stretch.end; ++row) {
    const std::int32_t value = values[row];
    if (value == kMissing) continue;
    sum += value;
    ++count;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (count == 0) return {kMissing, kMissing, kMissing, 0};
  const double mean = std::round(static_cast<double>(sum) / count);
  return {static_cast<std::int32_t>(mean), low, high, count};
}

}  // namespace

Block roll_up(const Block& block, std::int64_t step_s) {
  Block result;
  std::vector<Stretch> stretches;
  for (std::size_t row = 0; row < block.times_s.size(); ++row) {
    const std::int64_t start = floor_to(block.times_s[row], step_s);
    if (result.times_s.empty() || result.times_s.back() != start) {
      result.times_s.push_back(start);
      stretches.push_back({row, row});
    }
    stretches.back().end = row + 1;
  }
  for (const Column& column : block.columns) {
    const std::size_t first = result.columns.size();
    for (std::uint32_t statistic = 0; statistic < kStatistics; ++statistic) {
      result.columns.push_back({column.key * kStatistics + statistic, {}});
    }
    for (const Stretch stretch : stretches) {
      const auto summary = summarize(column.values, stretch);
      for (std::size_t i = 0; i < kStatistics; ++i) result.columns[first + i].values.push_back(summary[i]);
    }
  }
  return result;
}

}  // namespace sluice::store
