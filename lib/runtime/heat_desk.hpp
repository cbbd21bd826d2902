#pragma once
/// What the rooms say of the miners in them, and what the owner's calendar orders: `Snapshot::miner_money`, but for
/// curves. Prices come from the snapshot, which must hold them already.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/decision.hpp"
#include "model/snapshot.hpp"
#include "runtime/announcer.hpp"
#include "runtime/device_poller.hpp"
#include "tariff/heat.hpp"
#include "tariff/schedule.hpp"

namespace sluice::runtime {

/// A room or tank of the configuration.
struct HeatPlace {
  std::string name;
  std::string device;        ///< its thermometer; empty = none
  std::uint32_t miners = 0;  ///< bit n: miner n of the site
  tariff::HeatSettings settings;
};

/// Part of the plan that a reload replaces.
struct WorthPlan {
  std::vector<HeatPlace> heat;
  std::vector<tariff::Period> periods;
  tariff::LocalTime local_time;  ///< of the site; periods are by its clock
};

/// One room as it was seen at a tick.
struct HeatReport {
  std::string name;
  std::uint32_t miners = 0;
  Reading<Celsius> temperature;
  tariff::HeatWord word;
  Watts heating{};  ///< what its miners draw
};

/// Remembers between ticks. Used by one thread.
class HeatDesk {
 public:
  /// Fills `snapshot.miner_money` of `miners` miners. `last` is the decision of the tick before, for what miners draw;
  /// null: nobody knows yet.
  void look(const WorthPlan& plan, std::span<const std::shared_ptr<const DeviceReport>> devices, const Decision* last,
            Snapshot& snapshot);
  /// Of the last look, in the order of the plan.
  const std::vector<HeatReport>& reports() const { return reports_; }
  /// Warns of thermometers that are not believed, and says when they are again.
  void announce(Announcer& announcer) const;

 private:
  struct Room {
    std::string name;
    tariff::HeatZone zone;
  };
  tariff::HeatZone& zone_of(const HeatPlace& place);

  std::vector<Room> rooms_;
  std::vector<HeatReport> reports_;
};

/// What the calendar orders now; nothing while the clock is not known. Fills `snapshot.miner_money`.
void order(const WorthPlan& plan, Snapshot& snapshot);

}  // namespace sluice::runtime
