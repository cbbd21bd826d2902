#pragma once
/// A whole house: sun, load, battery, meter and miners on one bus, in steps of 100 ms or as long as asked for.
/// Deterministic for a seed.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sim/energy_plants.hpp"
#include "sim/meter_model.hpp"
#include "sim/miner_plant.hpp"
#include "sim/score.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {

struct MinerSetup {
  PlantSpec spec;
  PlantErrors errors;
  StartState start = StartState::running;
  Watts target{};
};

struct BatterySetup {
  BatterySpec spec;
  Percent soc{50};
};

struct HousePlantSpec {
  std::size_t start_second = 0;  ///< of the trace's day
  double pv_scale = 1.0;         ///< the trace's sun is multiplied by this
  PvSpec pv;                     ///< `rating` after scaling
  std::optional<BatterySetup> battery;
  MeterSpec meter;
  Watts breaker_limit{};  ///< import at the connection; 0 = none
  std::vector<MinerSetup> miners;
  std::uint64_t seed = 1;  ///< of the meter's noise
  /// Of the physics; divides a second, or is whole seconds where nothing but miners moves (their physics is exact).
  Duration step = std::chrono::milliseconds(100);
  bool keep_history = true;  ///< false: runs of months, which nobody reads second by second
};

/// One instant. grid = load + miners − pv − battery; battery + discharge, grid + import.
struct HouseState {
  Watts potential{}, pv{}, load{}, miners{}, battery{}, grid{};
  Percent soc{};
  bool grid_lost = false;
  bool pv_throttled = false;
  Watts surplus() const { return potential - load; }
};

/// One second that is over.
struct HouseSecond {
  HouseState state;  ///< at its end
  Score score;       ///< sums until its end
};

/// Not thread-safe.
class HousePlant {
 public:
  HousePlant(HousePlantSpec spec, std::shared_ptr<const Trace> trace);
  HousePlant(HousePlantSpec spec, Trace trace)
      : HousePlant(std::move(spec), std::make_shared<const Trace>(std::move(trace))) {}
  /// Whole steps only: what is left of `dt` is added to the next call.
  void advance(Duration dt);
  /// The grid disappears, or comes back. Without grid the inverter serves sun and battery, and the meter reads 0.
  void set_grid_lost(bool lost) { state_.grid_lost = lost; }

  /// Somebody tells the battery's inverter what it may give; without a battery nothing happens.
  void limit_discharge(Watts limit) {
    if (battery_) battery_->limit_discharge(limit);
  }

  std::size_t miner_count() const { return miners_.size(); }
  MinerPlant& miner(std::size_t index) { return miners_[index]; }
  const MinerPlant& miner(std::size_t index) const { return miners_[index]; }
  const HousePlantSpec& spec() const { return spec_; }
  const HouseState& state() const { return state_; }
  const MeterModel& meter() const { return meter_; }
  const Score& score() const { return score_; }
  Duration elapsed() const { return elapsed_; }
  Duration step_length() const { return spec_.step; }
  WattHours pv_energy() const { return pv_energy_; }
  /// Entry k is second k since the start; empty unless it is kept.
  const std::vector<HouseSecond>& history() const { return history_; }

 private:
  struct MinersEnergy {
    WattHours all{}, awake{};
  };
  void step();
  MinersEnergy advance_miners();
  void advance_sources(Watts potential, Watts consumption);
  void count(const MinersEnergy& miners);

  HousePlantSpec spec_;
  std::shared_ptr<const Trace> trace_;
  std::vector<MinerPlant> miners_;
  PvPlant pv_;
  std::optional<BatteryPlant> battery_;
  MeterModel meter_;
  HouseState state_;
  Score score_;
  Watts smallest_min_{}, sum_max_{};
  Watts unserved_{};
  WattHours pv_energy_{};
  Duration elapsed_{}, remainder_{};
  std::vector<HouseSecond> history_;
};

}  // namespace sluice::sim
