#pragma once
/// A plan meets a clock: what a kWh costs at an instant, and the coming prices as slots.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/money.hpp"
#include "tariff/plan.hpp"

namespace sluice::tariff {

struct Moment;

/// What the house has drawn since its billing period began. Fed by whoever reads the meter, and persisted.
struct TierState {
  LocalDay billing_start{};
  double drawn_kwh = 0.0;
  bool operator==(const TierState&) const = default;
};

/// A critical-peak event or a price that the supplier announces for a few hours.
struct Event {
  WallTime begin{}, end{};
  std::optional<PricePerKwh> import_price;  ///< all-in; empty: as the plan's event period says
  std::optional<PricePerKwh> export_price;
};

/// What a plan alone does not know. Everything pointed to must outlive the evaluation.
struct Circumstances {
  int billing_day = 1;  ///< day of the month on which the billing period begins, 1–28
  /// Empty: not known. A period with tiers then costs what its dearest tier costs, as a `PriceKind::fallback`.
  std::optional<TierState> drawn;
  std::vector<Event> events;
  std::map<LocalDay, std::uint8_t> colours;   ///< index into `Colours::names`
  const PriceOutlook* live_energy = nullptr;  ///< its import prices are the energy part; adders and taxes come on top
  const PriceOutlook* live_export = nullptr;  ///< its export prices are the base of what feeding in pays
};

/// One instant's prices and where they come from.
struct PricePoint {
  std::optional<PricePerKwh> import_price, export_price;  ///< empty: not known
  PricePerKwh energy, adders;                             ///< the parts of the import price, before the multiplier
  PriceKind kind = PriceKind::fixed;
  bool event = false, demand_window = false;
  std::uint8_t period_id = 0;
  std::size_t tier = 0;  ///< from 0

  bool known() const { return import_price && export_price; }
};

/// Values only; the plan and the clock must outlive it.
class Evaluation {
 public:
  Evaluation(const Plan& plan, const LocalTime& local_time, Circumstances circumstances);

  PricePoint at(WallTime time) const;
  /// [from, to) as slots: sorted, without overlaps, neighbours with equal prices merged. What is not known is a gap.
  PriceOutlook outlook(WallTime from, WallTime to) const;
  /// Of a `PriceSlot::period_id`; "event" prices keep the name of the period they replace.
  std::string_view period_name(std::uint8_t id) const;

 private:
  struct Day;

  Day look_at(LocalDay day) const;
  PricePoint price(WallTime time, const Day& day, int minute) const;
  bool price_energy(WallTime time, const Day& day, const Version& version, PricePoint& point) const;
  void price_export(WallTime time, const Day& day, const Version& version, const Moment& moment,
                    PricePoint& point) const;
  const Event* event_at(WallTime time) const;
  WallTime next_outside_edge(WallTime time, WallTime limit) const;

  const Plan& plan_;
  const LocalTime& local_time_;
  Circumstances given_;
  std::vector<std::vector<int>> edges_;  ///< by version
};

/// The first day of the billing period that `day` belongs to.
LocalDay billing_start(LocalDay day, int billing_day);

/// Counts what a house draws. `now_day` begins a new billing period: the count begins anew.
void count_drawn(TierState& state, LocalDay now_day, int billing_day, double more_kwh);

}  // namespace sluice::tariff
