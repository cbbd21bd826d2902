#pragma once
#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "sim/random.hpp"

namespace sluice::sim {

struct MeterSpec {
  Duration sample = std::chrono::seconds(1);      ///< its registers change this often
  Duration age = std::chrono::milliseconds(500);  ///< of a value when its register changes
  Watts noise{5.0};
  double relative_noise = 0.003;
  Watts quantum{1.0};
  double dropouts_per_hour = 0.0;  ///< spells in which the registers stand still
  Duration mean_dropout = std::chrono::seconds(8);
};

/// The grid meter as its registers show it. `step` is the length that every call of `advance` will have.
class MeterModel {
 public:
  MeterModel(const MeterSpec& spec, std::uint64_t seed, Duration step);
  /// One step; `grid` is the true power during it, + import.
  void advance(Watts grid);

  Watts power() const { return power_; }
  WattHours imported() const { return shown_imported_; }
  WattHours exported() const { return shown_exported_; }

 private:
  void sample();
  bool dropped();

  MeterSpec spec_;
  Duration step_;
  Random random_;
  std::vector<Watts> delayed_;  ///< ring of `age`
  std::size_t oldest_ = 0;
  Duration now_{}, next_sample_{}, dropped_until_{};
  Watts power_{};
  WattHours imported_{}, exported_{}, shown_imported_{}, shown_exported_{};
};

}  // namespace sluice::sim
