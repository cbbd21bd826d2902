#pragma once
/// Keeps an eye on the peak that a demand charge bills: what the house may import until the end of the metering
/// interval so that mining never raises it. Whatever it did not see, it counts so that it allows less.

#include <optional>
#include <string>
#include <vector>

#include "model/reading.hpp"
#include "tariff/matching.hpp"
#include "tariff/plan.hpp"

namespace sluice::tariff {

/// The highest interval mean of one billing period that was seen. To be persisted: a ratchet looks a year back.
struct BilledPeak {
  std::string charge;  ///< name of the `DemandCharge`
  LocalDay billing_start{};
  Watts mean;
  bool operator==(const BilledPeak&) const = default;
};

/// Not safe for several threads; allocates at most once a day.
class DemandWatch {
 public:
  struct Settings {
    int billing_day = 1;
    Watts accepted{0.0};  ///< the owner pays for this much anyway: no peak below it matters
    struct Entered {
      LocalDay billing_start{};
      Watts mean;
    };
    /// What the owner says was billed already in one billing period, of every charge.
    std::optional<Entered> entered = std::nullopt;
  };

  /// `plan` and `local_time` must outlive it. `peaks` is what `peaks()` returned before the last end of the process.
  DemandWatch(const Plan& plan, const LocalTime& local_time, Settings settings, std::vector<BilledPeak> peaks);

  /// The grid reading of an instant, + import; it holds until the next one, at most 60 s. Call it with every new one.
  void observe(WallTime now, MonoTime at, Watts grid);

  /// What the house may import from the last observation to the interval's end; missing without a demand charge, or
  /// while none counts.
  Reading<Watts> limit() const { return limit_; }
  /// Mean import of the interval so far, as the charge that limits counts it.
  Watts interval_mean() const { return interval_mean_; }
  /// The peak that is billed whatever happens now, of the charge that limits.
  Watts billed() const { return billed_; }
  const std::vector<BilledPeak>& peaks() const { return peaks_; }

 private:
  struct Interval {
    WallTime begin{};
    WattHours seen_energy;
    Duration seen{};
    LocalDay billing{};
    bool counts = false;
  };

  void close(const DemandCharge& charge, const Interval& interval);
  Watts billed_of(const DemandCharge& charge, LocalDay billing) const;

  const Plan& plan_;
  const LocalTime& local_time_;
  Settings settings_;
  std::vector<BilledPeak> peaks_;
  LocalDay day_{};  ///< whose facts these are
  Moment moment_;
  const Version* version_ = nullptr;
  std::vector<Interval> intervals_;  ///< one a demand charge of the version
  MonoTime last_at_{};
  Watts last_import_;
  bool has_last_ = false;
  Reading<Watts> limit_;
  Watts interval_mean_, billed_;
};

}  // namespace sluice::tariff
