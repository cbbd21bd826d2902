#include "control/forecast.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

constexpr std::int64_t kSlots = kSlotsPerDay;
constexpr Duration kSlot = std::chrono::minutes(15);
constexpr double kSlotHours = 0.25;
// Less of a slot than this says little about all of it.
constexpr double kSeenEnoughS = 300.0;
// The mean of the last days moves by this part a day.
constexpr double kMeanRate = 0.25;
// A slot older than this is of another season, or of another house.
constexpr std::int64_t kOldestDays = 5;
constexpr std::size_t kMostUnknown = kSlotsPerDay / 8;
// Before this part of a day's surplus was due, what was seen of it says little of the rest.
constexpr double kRatioPrior = 0.1;
constexpr double kRatioLeast = 0.2;
constexpr double kRatioMost = 2.0;
// A cloudy morning says something of the afternoon and nothing of tomorrow.
constexpr double kReachHours = 12.0;

constexpr double kEfficiency = 0.95;  // each way, of the batteries on the market
constexpr double kTolerance = 0.02;   // of what it holds when full: nobody knows the state of charge better

// Surplus of a day like yesterday comes at half or twice with the weather. Energy that lacks in the evening costs three
// times what mining pays, so a battery is left to mining only if half of the sun would fill it.
constexpr Caution kRelease{0.5, 0.1, 1.4};
constexpr Caution kWithdraw{0.6, 0.2, 1.15};
// Nine ways in which the next days may go, each as likely as the others: exp(σz) times what is expected, where z are
// the middles of nine equal parts of a normal distribution; σ is 0.9 for the next minutes, 3 for tomorrow, of which
// today says next to nothing, and −0.4 for the house, which draws more when the sun stays away. No day brings more than
// twice. The third is about as cautious as `kRelease`.
constexpr Caution kScenarios[] = {{0.24, 0.01, 1.89}, {0.42, 0.05, 1.47}, {0.59, 0.17, 1.27},
                                  {0.78, 0.43, 1.12}, {1.0, 1.0, 1.0},    {1.29, 2.0, 0.89},
                                  {1.70, 2.0, 0.79},  {2.0, 2.0, 0.68},   {2.0, 2.0, 0.53}};
// A full battery gives nothing to miners in the evening only because it is full: it has to fill again tomorrow.
constexpr double kDischargeMargin = 0.1;
constexpr Duration kLookEvery = std::chrono::minutes(1);
constexpr double kSlewS = 600.0;

std::int64_t slot_of(WallTime time) { return time.time_since_epoch() / kSlot; }
std::size_t place(std::int64_t slot) { return static_cast<std::size_t>(slot % kSlots); }

bool recent(const SurplusSlot& slot, std::int64_t today) {
  return slot.day > 0 && slot.day <= today && today - slot.day <= kOldestDays;
}

/// How much the weather of now says of that hour: 1 now, 0 tomorrow.
double reach(std::size_t ahead) { return std::max(0.0, 1.0 - static_cast<double>(ahead) * kSlotHours / kReachHours); }

double usual_w(const SurplusSlot& slot) { return 0.5 * (slot.last_w + slot.mean_w); }

}  // namespace

void SurplusForecast::look(const Snapshot& snapshot, double surplus_w, double dt_s) {
  if (!snapshot.wall_sane || snapshot.local_day == 0 || !std::isfinite(surplus_w)) return;
  // Throttled sun is not what there was.
  if (snapshot.pv.curtailed.usable() && snapshot.pv.curtailed.value) return;
  const std::int64_t slot = slot_of(snapshot.wall);
  if (slot != slot_) {
    finish_slot();
    slot_ = slot;
    sum_ws_ = seen_s_ = 0.0;
  }
  if (snapshot.local_day != memory_.local_day) {
    memory_.local_day = snapshot.local_day;
    memory_.so_far_wh = memory_.expected_so_far_wh = 0.0;
    compare_with_today();
  }
  sum_ws_ += surplus_w * dt_s;
  seen_s_ += dt_s;
}

void SurplusForecast::finish_slot() {
  if (slot_ <= 0 || seen_s_ < kSeenEnoughS) return;
  SurplusSlot& slot = memory_.slots[place(slot_)];
  const std::int64_t day = slot_ / kSlots;
  const double seen_w = sum_ws_ / seen_s_;
  if (recent(slot, day)) {
    memory_.so_far_wh += std::max(0.0, seen_w) * kSlotHours;
    memory_.expected_so_far_wh += std::max(0.0, usual_w(slot)) * kSlotHours;
    slot.mean_w += kMeanRate * (seen_w - slot.mean_w);
  } else {
    slot.mean_w = seen_w;
  }
  slot.last_w = seen_w;
  slot.day = day;
  compare_with_today();
}

bool SurplusForecast::known(WallTime now) const {
  const std::int64_t today = slot_of(now) / kSlots;
  const auto unknown = std::count_if(memory_.slots.begin(), memory_.slots.end(),
                                     [&](const SurplusSlot& slot) { return !recent(slot, today); });
  return static_cast<std::size_t>(unknown) <= kMostUnknown;
}

double SurplusForecast::expected_w(WallTime now, std::size_t ahead) const {
  const std::int64_t slot = slot_of(now) + static_cast<std::int64_t>(ahead);
  const std::int64_t today = slot_of(now) / kSlots;
  std::int64_t seen = slot;
  while (slot - seen < kSlots && !recent(memory_.slots[place(seen)], today)) --seen;
  const double usual = usual_w(memory_.slots[place(seen)]);
  if (usual <= 0.0) return usual;
  return usual * (1.0 + (ratio_ - 1.0) * reach(ahead));
}

void SurplusForecast::compare_with_today() {
  double day_wh = 0.0;
  for (const SurplusSlot& slot : memory_.slots) day_wh += std::max(0.0, usual_w(slot)) * kSlotHours;
  const double prior_wh = kRatioPrior * day_wh;
  ratio_ = prior_wh <= 0.0 ? 1.0
                           : std::clamp((memory_.so_far_wh + prior_wh) / (memory_.expected_so_far_wh + prior_wh),
                                        kRatioLeast, kRatioMost);
}

void SurplusForecast::remember(SurplusMemory& memory) const {
  constexpr std::int64_t kSlotsPerHour = 4;
  if (slot_ % kSlotsPerHour == 0) memory = memory_;
}

std::span<const Caution> scenarios() { return kScenarios; }

StoreFuture store_future(const SurplusForecast& forecast, WallTime now, const Store& store, const Caution& caution) {
  const double tolerance_wh = kTolerance * store.full_wh;
  // A battery that is below already is not emptied by the future.
  const double low_wh = std::min(store.low_wh, store.now_wh) - tolerance_wh;
  const Duration into_slot = now.time_since_epoch() % kSlot;
  double held_wh = store.now_wh;
  double hours_from_now = 0.0;
  for (std::size_t ahead = 0; hours_from_now < kFutureHours; ++ahead) {
    if (held_wh >= store.full_wh) return {StoreEnd::full, hours_from_now};
    if (held_wh < low_wh) return {StoreEnd::empty, hours_from_now};
    const double hours = ahead == 0 ? to_seconds(kSlot - into_slot) / 3600.0 : kSlotHours;
    const double expected_w = forecast.expected_w(now, ahead);
    if (expected_w > 0.0) {
      const double trusted = caution.surplus_tomorrow + reach(ahead) * (caution.surplus_now - caution.surplus_tomorrow);
      const double most_w = store.charge_w > 0.0 ? store.charge_w : expected_w;
      held_wh += std::min(trusted * expected_w, most_w) * kEfficiency * hours;
    } else {
      held_wh += caution.deficit * expected_w / kEfficiency * hours;
    }
    hours_from_now += hours;
  }
  return {};
}

std::optional<Release> BatteryRelease::step(const SurplusForecast& forecast, const Snapshot& snapshot,
                                            const std::optional<Store>& store, double dt_s) {
  if (snapshot.now >= next_look_) {
    next_look_ = snapshot.now + kLookEvery;
    const bool can_tell = store && snapshot.wall_sane && forecast.known(snapshot.wall);
    if (can_tell) {
      const auto fills = [&](const Store& from, bool released) {
        return first_end(forecast, snapshot.wall, from, released ? kWithdraw : kRelease) == StoreEnd::full;
      };
      Store less = *store;
      less.now_wh -= kDischargeMargin * store->full_wh;
      charge_ = fills(*store, charge_);
      discharge_ = fills(less, discharge_);
      if (!running_) now_ = {charge_ ? 1.0 : 0.0, discharge_ ? 1.0 : 0.0};
    }
    running_ = can_tell;
  }
  if (!running_) return std::nullopt;
  const double step = dt_s / kSlewS;
  now_.charge += std::clamp((charge_ ? 1.0 : 0.0) - now_.charge, -step, step);
  now_.discharge += std::clamp((discharge_ ? 1.0 : 0.0) - now_.discharge, -step, step);
  return now_;
}

}  // namespace sluice::control
