#pragma once
/// Reads `history.db` while the daemon writes it, or afterwards. What is younger than a block is not in the file yet.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/store.hpp"
#include "store/block_codec.hpp"
#include "store/energy.hpp"
#include "store/sample.hpp"
#include "store/sqlite.hpp"

namespace sluice::store {

/// A value of a series in the unit that ends its name; absent = it was not known then.
struct HistoryPoint {
  WallTime at{};
  std::optional<double> value;
};

enum class RollUpStep : std::uint8_t { minute, quarter };

/// A stretch of time in which at least one sample was valid.
struct RollUpPoint {
  WallTime start{};
  double mean = 0.0;
  double min = 0.0;
  double max = 0.0;
  std::uint32_t valid = 0;  ///< samples that had a value; with a tick of a second: seconds
};

struct EnergyOfDay {
  std::int64_t local_day = 0;  ///< days since 1970-01-01; 0 = date unknown
  std::string series;          ///< `grid_import_wh`, `miner.s19.energy_wh`, …
  EnergyAmount amount;
};

/// One thread at a time. Ranges are half open: from ≤ t < to.
class HistoryReader {
 public:
  /// Never writes and never creates the file. `not_found`, `unsupported` (newer schema), `protocol`, `io`.
  static Result<HistoryReader> open(const std::string& path);

  /// Names of all series that were ever stored.
  Result<std::vector<std::string>> series();
  /// One point for each second that was recorded, in the order they were recorded.
  Result<std::vector<HistoryPoint>> seconds(std::string_view series, WallTime from, WallTime to);
  /// Ascending; a stretch that a restart had cut in two is one point again.
  Result<std::vector<RollUpPoint>> roll_ups(RollUpStep step, std::string_view series, WallTime from, WallTime to);
  Result<std::vector<DecisionChange>> decisions(WallTime from, WallTime to);
  Result<std::vector<ports::Event>> events(WallTime from, WallTime to);
  /// Days from ≤ day ≤ to.
  Result<std::vector<EnergyOfDay>> energy(std::int64_t from_day, std::int64_t to_day);

 private:
  explicit HistoryReader(Database database) : database_(std::move(database)) {}

  struct Series {
    std::uint32_t id;
    double scale;
  };
  Result<Series> find(std::string_view series);
  Result<std::vector<Block>> blocks(const char* table, WallTime from, WallTime to);

  Database database_;
};

}  // namespace sluice::store
