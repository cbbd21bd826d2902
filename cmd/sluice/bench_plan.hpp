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

/// `days` as of --days, "A:B": from day A up to, not including, day B of the `count` days of `name`; empty: all of
/// them.
Result<void> cut(const std::string& days, const std::string& name, std::size_t& first_day, std::size_t& count);

/// `invalid`: an option, by name, and what would be right.
Result<BenchPlan> bench_plan(const BenchOptions& options);

}  // namespace sluice::cmd
