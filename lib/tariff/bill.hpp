#pragma once
/// What the bill of the running period holds already: the billed peak, and what was drawn, on which tiers depend. Both
/// survive a restart as one text.

#include <optional>
#include <string>
#include <string_view>

#include "model/reading.hpp"
#include "tariff/demand_watch.hpp"
#include "tariff/evaluation.hpp"

namespace sluice::tariff {

/// What the owner read of the running billing period before Sluice could count it: on the meter, on the utility's page.
struct SoFar {
  WallTime at{};                    ///< when it was so
  std::optional<double> drawn_kwh;  ///< since the billing period began
  std::optional<Watts> peak;        ///< the highest interval mean; of several demand charges the lowest of theirs
};

/// Whether any version of a plan has prices that grow with what was drawn, or a demand charge.
bool has_tiers(const Plan& plan);
bool has_demand(const Plan& plan);

/// Counts the import of a billing period: by the meter's own counter where it has one, else as the integral of its
/// watts. A gap that no counter tells of makes the count unknown until the next period begins.
class DrawnCount {
 public:
  /// An owner's entry.
  struct Entered {
    WallTime at{};
    double drawn_wh = 0.0;
    bool operator==(const Entered&) const = default;
  };
  /// As it is remembered. Energies in Wh.
  struct Kept {
    LocalDay billing_start{};
    double counted_wh = 0.0;              ///< up to where the counter stood last; without a counter 0
    double since_wh = 0.0;                ///< by the watts, after that
    bool whole = false;                   ///< nothing is missing before the counter's last stand
    bool missed = false;                  ///< something is missing after it
    std::optional<double> counter_wh;     ///< where it stood
    WallTime counter_at{}, seen_until{};  ///< epoch: never
    std::optional<Entered> entered;       ///< the newest entry that this count rests on
  };

  DrawnCount() = default;
  explicit DrawnCount(Kept kept) : kept_(kept) {}

  /// The readings of an instant, in the billing period that began on `billing_start`.
  void observe(LocalDay billing_start, WallTime now, const Reading<Watts>& grid, const Reading<WattHours>& imported);
  /// Counts on from an entry of the present billing period, once, after `observe`. What was drawn between the entry and
  /// now is taken as its mean; the entry is late, and false returned, when that would be a guess: after three days, or
  /// after as long as the mean was taken over. Another amount with the same time is a correction.
  bool enter(const Entered& entered, Duration since_begin, WallTime now);
  /// Empty: not known.
  std::optional<TierState> drawn() const;
  const Kept& kept() const { return kept_; }

 private:
  void begin(LocalDay billing_start, WallTime now, const Reading<WattHours>& imported);
  void add_watts(WallTime now, const Reading<Watts>& grid);
  void look_at_counter(WallTime now, double stand_wh);

  Kept kept_;
  Reading<Watts> last_;
  Reading<WattHours> last_counter_;
};

/// Not safe for several threads.
class Bill {
 public:
  /// `plan` and `local_time` must outlive it. `kept` is what `text` gave before the last end of the process; empty:
  /// nothing was kept. A text that is garbled or of another plan is not used, and `refused` says so.
  Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, std::string_view kept,
       const std::optional<SoFar>& so_far = std::nullopt);

  /// Call it with every new grid reading.
  void observe(WallTime now, const Reading<Watts>& grid, const Reading<WattHours>& imported);
  /// As `DemandWatch::limit`.
  Reading<Watts> limit() const { return demand_.limit(); }
  /// Empty: not known.
  std::optional<TierState> drawn() const { return count_.drawn(); }
  bool has_tiers() const { return has_tiers_; }
  /// What was entered is too old to count on from.
  bool entry_late() const { return entry_late_; }
  const std::string& refused() const { return refused_; }
  std::string text() const;

 private:
  struct Kept {
    std::vector<BilledPeak> peaks;
    DrawnCount::Kept drawn;
    std::string refused;
  };
  static Kept read(const Plan& plan, std::string_view text);
  Bill(const Plan& plan, const LocalTime& local_time, DemandWatch::Settings settings, Kept kept,
       const std::optional<SoFar>& so_far);
  void count_on(LocalDay billing_start, WallTime now);

  const Plan& plan_;
  const LocalTime& local_time_;
  int billing_day_;
  bool has_tiers_;
  DemandWatch demand_;
  DrawnCount count_;
  std::optional<DrawnCount::Entered> entered_;
  bool entry_late_ = false;
  std::optional<MonoTime> seen_;
  std::string refused_;
};

}  // namespace sluice::tariff
