#pragma once
/// One day of one controller as a picture (SVG): sun, load, surplus, target, miners, grid.

#include "bench_plan.hpp"

namespace sluice::cmd {

/// Plays the first case of the plan with its first controller that is not the oracle, or with `sluice` when all are
/// asked for, up to the end of the chosen day, and writes that day. Returns an exit code.
int plot(const BenchPlan& plan, const BenchOptions& options);

}  // namespace sluice::cmd
