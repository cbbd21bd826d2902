#pragma once
/// What a price source is asked, and what its answers mean: from texts to slots of energy prices. Pure; every trap of
/// the sources is a test of these functions.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "feeds/definition.hpp"
#include "feeds/times.hpp"
#include "model/live_prices.hpp"

namespace sluice::feeds {

/// The requests that bring today and tomorrow, in the feed's zone. `definition` is filled with its options; the token
/// is put where the definition wants it, and nowhere else.
std::vector<Request> requests(const Definition& definition, WallTime now, const Zone& zone, const std::string& token);

/// One announced price as it was found.
struct Row {
  WallTime stamp{};
  std::optional<WallTime> end;
  double price = 0.0;  ///< currency/kWh, in the sign of `EnergySlot`
  PriceKind kind = PriceKind::published;
  bool event = false, demand_window = false;
  bool current = false;  ///< said only to be the price now: dated by when it was heard
};

/// What one or several answers said, before it is put in order.
struct Rows {
  std::array<std::vector<Row>, kUseCount> of;  ///< by `Use`
  std::size_t unknown = 0;                     ///< rows without a price: null, or not there
  bool unpublished = false;                    ///< a part is not out yet
  bool alone = false;                          ///< a signal that came by itself, which says nothing of others
  std::string next;                            ///< URL of the next page; empty: that was all
};

struct Reply {
  int status = 200;  ///< of HTTP; 200 for a message
  std::string_view body;
};

/// Adds what an answer says to `rows`. `now` dates a price that only says that it is the current one.
/// Errors: unauthorized, refused (429, 5xx), rejected (the source says why), protocol (not understood; the text says
/// what stands there and what was expected), not_found.
Result<void> read_reply(const Definition& definition, const Reply& reply, WallTime now, const Zone& zone, Rows& rows);

/// Energy prices of one source, in order. Series that it does not tell are empty.
struct Batch {
  std::array<EnergySeries, kUseCount> of;
  const EnergySeries& series(Use use) const { return of[static_cast<std::size_t>(use)]; }
  bool empty() const;
};

/// Sorts, cuts starts, finds ends, drops what was said twice. Errors, protocol: two prices for one time, overlaps, an
/// end before its start.
Result<Batch> assemble(const Definition& definition, Rows rows, WallTime now);

}  // namespace sluice::feeds
