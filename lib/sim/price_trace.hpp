#pragma once
/// A year of a market's prices, as recorded.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/units.hpp"

namespace sluice::sim {

/// Slots without a gap, from local midnight of the first day on. The recording's clock is taken as it is: local, with
/// 24 hours on every day.
struct PriceTrace {
  std::string name;
  Duration step{};             ///< of a slot; divides an hour
  std::int64_t first_day = 0;  ///< days since 1970-01-01
  std::vector<float> per_kwh;  ///< wholesale: no adder in it; may be negative

  std::size_t days() const { return per_kwh.size() * static_cast<std::size_t>(step.count()) / kDayNs; }
  WallTime begin() const { return WallTime(first_day * std::chrono::hours(24)); }
  /// Of the slot that holds `time`, which must lie within the trace; later times have the last price.
  PricePerKwh at(WallTime time) const;

 private:
  static constexpr std::size_t kDayNs = 86'400'000'000'000;
};

/// Reads a gzip (or plain) CSV: `t_s,price_…_per_mwh` with the seconds since midnight of the first day in equal steps,
/// or `ts_local,price_…_per_mwh[,…]` with `YYYY-MM-DDTHH:MM:SS`. A file of the first kind names no date: it gets
/// `first_day`. Only whole days count. `not_found`, or `invalid` with the line and what is wanted there.
Result<PriceTrace> read_price_trace(const std::string& path, std::int64_t first_day = 17'897);

/// - `5min`: real-time prices of a node in the United States, 2019
/// - `dayahead-de`, `dayahead-pjm`: hourly day-ahead prices of Germany and of PJM's ComEd zone, 2017
Result<PriceTrace> load_price_trace(const std::string& name, const std::string& data_directory);

}  // namespace sluice::sim
