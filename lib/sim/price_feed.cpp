#include "sim/price_feed.hpp"

#include <utility>

namespace sluice::sim {
namespace {

constexpr Duration kDay = std::chrono::hours(24);

WallTime floor(WallTime time, Duration step) { return time - time.time_since_epoch() % step; }

}  // namespace

void PriceFeed::tell(Snapshot& snapshot) {
  const WallTime now = snapshot.wall;
  if (spec_.published) {
    const WallTime today = floor(now, kDay);
    learn(today, today + (now - today >= *spec_.published ? 2 * kDay : kDay), {});
  } else {
    const WallTime slot = floor(now, spec_.prices->step);
    learn(slot, slot + spec_.prices->step, spec_.late);
  }
  snapshot.money.prices = known_;
  snapshot.money.hash_price = Reading<PricePerThsDay>::good(spec_.hash_price, snapshot.now);
}

void PriceFeed::learn(WallTime from, WallTime to, Duration late) {
  if (known_ && from == known_from_ && to == known_until_) return;
  known_from_ = from;
  known_until_ = to;
  auto outlook = std::make_shared<PriceOutlook>();
  for (WallTime begin = from; begin < to; begin += spec_.prices->step) {
    PriceSlot slot;
    slot.begin = begin;
    slot.end = begin + spec_.prices->step;
    slot.import_price = import_price(begin - late);
    slot.export_price = export_price(begin - late);
    slot.kind = PriceKind::published;
    outlook->slots.push_back(slot);
  }
  known_ = std::move(outlook);
}

}  // namespace sluice::sim
