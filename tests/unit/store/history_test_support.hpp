#pragma once
/// Snapshots and decisions of a small house, for the tests of the history.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "store/history_writer.hpp"
#include "store_test_support.hpp"

namespace sluice::store::testing {

inline std::shared_ptr<const MinerNames> names(MinerNames miners) {
  return std::make_shared<const MinerNames>(std::move(miners));
}

/// A second in which everything is known; grid follows `grid_w`.
inline Snapshot snapshot_at(const ManualClock& clock, double grid_w, std::size_t miners = 1) {
  Snapshot s;
  s.now = clock.now();
  s.wall = clock.wall_now();
  s.wall_sane = true;
  s.local_day = unix_ms(s.wall) / 86'400'000;
  s.grid.power = Reading<Watts>::good(Watts(grid_w), s.now);
  s.pv.power = Reading<Watts>::good(Watts(3000.4), s.now);
  s.battery.power = Reading<Watts>::good(Watts(-500), s.now);
  s.battery.soc = Reading<Percent>::good(Percent(55.68), s.now);
  for (std::size_t i = 0; i < miners; ++i) {
    s.miners.push_back({});
    s.miners.back().reported_power = Reading<Watts>::good(Watts(1180), s.now);
  }
  return s;
}

inline Decision decision_of(const Snapshot& snapshot) {
  Decision d;
  d.now = snapshot.now;
  d.wall = snapshot.wall;
  d.estimate_valid = true;
  d.house_load = Watts(400);
  d.surplus = Watts(2600);
  for (std::size_t i = 0; i < snapshot.miners.size(); ++i) {
    d.miners.push_back({});
    d.miners.back().wanted = CommandKind::target;
    d.miners.back().target = Watts(1250);
    d.miners.back().sequence = 1;
    d.miners.back().reason = Reason::following_surplus;
    d.miners.back().expected_power = Watts(1200);
  }
  return d;
}

inline Sample sample_at(const ManualClock& clock, double grid_w, std::shared_ptr<const MinerNames> miners) {
  const Snapshot snapshot = snapshot_at(clock, grid_w, miners->size());
  return make_sample(snapshot, decision_of(snapshot), std::move(miners));
}

}  // namespace sluice::store::testing
