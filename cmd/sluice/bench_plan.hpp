#pragma once
/// What `sluice bench` is going to play, made of its options. Everything that can be wrong with them is found here.

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench.hpp"
#include "sim/bench.hpp"

namespace sluice::cmd {

/// Every case with every contender.
struct BenchPlan {
  std::vector<sim::BenchCase> cases;
  std::vector<sim::Contender> contenders;
};

/// Where the recordings are: installed, or those of the source tree.
std::string data_directory();

/// `invalid`: an option, by name, and what would be right.
Result<BenchPlan> bench_plan(const BenchOptions& options);

}  // namespace sluice::cmd
