#pragma once
/// A recorded market, and how much of it a household would know at any time.

#include <memory>
#include <optional>

#include "sim/market.hpp"
#include "sim/price_trace.hpp"

namespace sluice::sim {

struct PriceFeedSpec {
  std::shared_ptr<const PriceTrace> prices;
  /// Day-ahead: tomorrow is known from this time of day on, today at all times. None: a real-time price, of which only
  /// the present slot is known.
  std::optional<Duration> published;
  /// Real time: what is shown as the present price was true so long ago. A market that settles an interval when it is
  /// over is one slot late.
  Duration late{};
  PricePerKwh delivery{0.05};      ///< added to what is bought
  PricePerKwh export_price{0.03};  ///< of what is sold, except while buying costs less: then as much as that
  PricePerThsDay hash_price{};
};

class PriceFeed final : public Market {
 public:
  explicit PriceFeed(PriceFeedSpec spec) : spec_(std::move(spec)) {}
  void tell(Snapshot& snapshot) override;

  /// The truth, whether it is known already or not.
  PricePerKwh import_price(WallTime time) const { return spec_.prices->at(time) + spec_.delivery; }
  PricePerKwh export_price(WallTime time) const { return min(spec_.export_price, import_price(time)); }
  const PriceFeedSpec& spec() const { return spec_; }

 private:
  void learn(WallTime from, WallTime to, Duration late);

  PriceFeedSpec spec_;
  std::shared_ptr<const PriceOutlook> known_;
  WallTime known_from_{}, known_until_{};
};

}  // namespace sluice::sim
