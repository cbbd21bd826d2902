#pragma once
/// `sluice bench --prices`: the product, simple rules and perfect foresight buying at the same recorded prices.

#include "bench.hpp"

namespace sluice::cmd {

/// Returns an exit code.
int bench_prices(const BenchOptions& options);

}  // namespace sluice::cmd
