#pragma once
/// What becomes of a batch of prices: whether it can be true, what of the known prices it replaces, when to look for
/// the next. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "feeds/definition.hpp"
#include "feeds/times.hpp"
#include "model/live_prices.hpp"

namespace sluice::feeds {

/// Whether prices of a new batch can be prices of electricity in this currency, beside those that were known before.
/// What it catches: another unit (MWh, cents: a factor of 100 or 1000), a flipped sign (a whole day below zero), a
/// price that nobody pays. `sold`: prices of energy that is sold. Errors, protocol: which of these, with numbers.
Result<void> plausible(const EnergySeries& batch, const EnergySeries& known, std::string_view currency, bool sold);

/// What a kWh costs about in this currency, to the order of magnitude: 1 where a kWh costs tenths of it. The bounds of
/// `plausible` are multiples of it.
double price_level(std::string_view currency);

/// `known` with everything between the first and the last price of `batch` replaced by it, so that no day is ever a mix
/// of two versions; what ended before `keep_from` is dropped.
EnergySeries merged(const EnergySeries& known, const EnergySeries& batch, WallTime keep_from);

/// Events after a whole answer of their source: what is in it, and of `known` what had begun before its first one. So
/// an event that is still to come and is not told any more was taken back. One that runs stays, as dear as it was
/// announced, unless the answer also names an event that began no later: many sources list only what is to come, and
/// one of those says nothing of the present.
EnergySeries retold(const EnergySeries& known, const EnergySeries& answer, WallTime now, WallTime keep_from);

/// Until when prices are announced without a hole from `now` on; `now` when the present one is missing.
WallTime known_until(const EnergySeries& series, WallTime now);

/// Announced slots of one local day, against what the day should have: 92, 96 or 100 quarters of an hour.
struct DayCount {
  std::int64_t day = 0;  ///< since 1970-01-01
  std::size_t found = 0, expected = 0;
};
std::vector<DayCount> count_days(const EnergySeries& series, const Zone& zone);

/// When to ask next. `failures` in a row: 0 after success. `known`: until when prices are known. `chance` in [0, 1)
/// spreads the houses that ask.
WallTime next_poll(const PollRule& rule, WallTime now, WallTime known, int failures, const Zone& zone, double chance);

}  // namespace sluice::feeds
