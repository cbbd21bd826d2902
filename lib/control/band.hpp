#pragma once
/// What one miner may draw at this tick, as the merit order and its owner have it (merit.hpp).

#include <limits>

#include "model/decision.hpp"

namespace sluice::control {

struct Band {
  bool must_sleep = false;  ///< whatever the sun does
  bool must_run = false;    ///< energy is bought for it: it runs whatever the sun does
  bool dropped = false;     ///< energy was bought for it until the tick before
  bool keeps = true;        ///< sun in it is worth more than fed in
  double floor_w = 0.0;     ///< of `must_run`: drawn watts that it holds without any sun
  /// Drawn watts up to which sun in it is worth more than fed in; ≥ `floor_w`.
  double ceiling_w = std::numeric_limits<double>::infinity();
  bool takes_charge = false;     ///< what the battery could charge is worth more in it
  double leak_price = 3.5;       ///< λ: what a kWh bought by mistake costs, in kWh of sun caught
  Reason reason = Reason::none;  ///< of `must_sleep`, `must_run`, and of not keeping
};

}  // namespace sluice::control
