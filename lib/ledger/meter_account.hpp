#pragma once
/// The grid meter's watts as energy, beside the meter's own counters.

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "model/ledger.hpp"
#include "model/snapshot.hpp"

namespace sluice::ledger {

/// Two readings further apart have a gap between them: what flowed in it only a counter can tell.
inline constexpr Duration kReadingGap = std::chrono::seconds(35);

/// Whole micro-watt-hours of a mean power; halves are rounded away from zero.
std::int64_t energy_uwh(Watts mean, Duration time);

/// One counter of the meter, against the integral of its watts in the same direction.
class CounterAccount {
 public:
  /// Energy by the watts, since the last call; `gap`: something is missing in it.
  void flow(std::int64_t uwh, bool gap);
  /// What the counter says now. A step that no house makes is a reset: nothing is counted, and the next one is taken
  /// from there.
  struct Moved {
    std::int64_t counter_uwh = 0, metered_uwh = 0, gap_uwh = 0, resets = 0;
  };
  Moved look(const Reading<WattHours>& counter);

  /// Where the counter stood last; for the time after a restart.
  std::optional<std::int64_t> anchor_uwh() const { return anchor_uwh_; }
  /// A counter that stood there when somebody last looked.
  void restore(std::optional<std::int64_t> anchor_uwh);

 private:
  std::optional<std::int64_t> anchor_uwh_;
  MonoTime anchor_at_{};
  std::int64_t since_uwh_ = 0;
  bool gap_ = false;
  bool restored_ = false;
};

class MeterAccount {
 public:
  /// Adds to the amounts of the site what the meter showed since the last call.
  void add(const GridObservation& grid, Amounts& site);

  CounterAccount bought, sold;

 private:
  std::optional<Reading<Watts>> last_;
};

}  // namespace sluice::ledger
