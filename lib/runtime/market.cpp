#include "runtime/market.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::runtime {
namespace {

constexpr Duration kPast = std::chrono::hours(24);
constexpr Duration kAhead = std::chrono::hours(48);
constexpr const char* kMissing = "prices_missing";
constexpr const char* kDoubtful = "price_doubtful";
constexpr const char* kHashOld = "hash_price_old";

std::string hours(Duration time) { return fmt::format("{:.1f} h", to_seconds(time) / 3600.0); }

/// The owner's assumption wherever nothing else is known from `from` on.
void fill(PriceOutlook& outlook, const PriceSlot& assumed, WallTime from, WallTime to) {
  std::vector<PriceSlot> filled;
  WallTime reach = from;
  const auto gap = [&](WallTime end) {
    if (end <= reach) return;
    PriceSlot slot = assumed;
    slot.begin = reach;
    slot.end = end;
    filled.push_back(slot);
  };
  for (const PriceSlot& slot : outlook.slots) {
    if (slot.begin > reach) gap(std::min(slot.begin, to));
    filled.push_back(slot);
    reach = std::max(reach, slot.end);
  }
  gap(to);
  outlook.slots = std::move(filled);
}

std::string trouble_of(const LiveReports& reports) {
  std::string text;
  for (const auto& report : {reports.bought, reports.sold, reports.colours, reports.events}) {
    if (report && !report->trouble.empty() && text.find(report->trouble) == std::string::npos)
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", report->feed, report->trouble);
  }
  return text.empty() ? "the source says nothing of this time" : text;
}

}  // namespace

Market::Market(MarketSettings settings, TariffOutlook tariff, const ports::Clock& clock, Announcer& announcer)
    : settings_(std::move(settings)), tariff_(std::move(tariff)), clock_(clock), announcer_(announcer) {
  auto view = std::make_shared<MarketView>();
  view->settings = settings_;
  view_ = std::move(view);
}

std::shared_ptr<const MarketView> Market::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

/// What a source has told, if it is young enough; a hole no longer than the price before it is bridged by that price.
std::optional<PriceOutlook> Market::live(const std::shared_ptr<const FeedReport>& report, WallTime now) const {
  if (!report || !report->heard || now - *report->heard > settings_.max_age.value_or(report->max_age)) return {};
  PriceOutlook outlook;
  for (const EnergySlot& slot : report->series) {
    if (!outlook.slots.empty()) {
      PriceSlot& before = outlook.slots.back();
      const Duration hole = slot.begin - before.end;
      if (hole > Duration{} && hole <= before.end - before.begin) before.end = slot.begin;
    }
    outlook.slots.push_back(
        {slot.begin, slot.end, slot.price, slot.price, slot.kind, slot.event, slot.demand_window, 0});
  }
  return outlook;
}

PriceOutlook Market::without_tariff(const PriceOutlook* bought, const PriceOutlook* sold) const {
  PriceOutlook outlook;
  if (bought == nullptr) return outlook;
  std::set<WallTime> edges;
  for (const PriceOutlook* one : {bought, sold}) {
    if (one == nullptr) continue;
    for (const PriceSlot& slot : one->slots) edges.insert({slot.begin, slot.end});
  }
  for (const PriceSlot& slot : bought->slots) {
    const auto last = edges.find(slot.end);
    for (auto edge = edges.find(slot.begin); edge != last; ++edge) {
      PriceSlot part = slot;
      part.begin = *edge;
      part.end = *std::next(edge);
      part.import_price = slot.import_price * settings_.multiplier + settings_.adder;
      part.export_price = settings_.fallback_export;
      if (const PriceSlot* also = sold == nullptr ? nullptr : sold->at(part.begin))
        part.export_price = also->export_price;
      outlook.slots.push_back(part);
    }
  }
  return outlook;
}

std::shared_ptr<const PriceOutlook> Market::build(const LiveReports& reports, WallTime now) const {
  if (!tariff_ && !reports.bought && !settings_.fallback_import) return nullptr;
  const auto bought = live(reports.bought, now), sold = live(reports.sold, now);
  const PriceOutlook* const energy = bought ? &*bought : nullptr;
  const PriceOutlook* const exported = sold ? &*sold : nullptr;
  const Announced announced{energy, exported, reports.colours.get(), reports.events.get()};
  auto outlook = std::make_shared<PriceOutlook>(tariff_ ? tariff_(announced, now - kPast, now + kAhead)
                                                        : without_tariff(energy, exported));
  if (settings_.fallback_import) {
    // Where nobody tells a price, the owner's is not assumed but the price.
    const PriceKind kind = !tariff_ && !reports.bought ? PriceKind::fixed : PriceKind::fallback;
    const PriceSlot assumed{{}, {}, *settings_.fallback_import, settings_.fallback_export, kind, false, false, 0};
    fill(*outlook, assumed, now, now + kAhead);
  }
  return outlook;
}

PriceState Market::state_of(const MarketView& view, WallTime now) const {
  if (!view.outlook) return PriceState::none;
  const PriceSlot* slot = view.outlook->at(now);
  const bool asked = !view.reports.bought || view.reports.bought->tried;
  if (slot != nullptr && slot->kind != PriceKind::fallback) {
    const bool troubled = view.reports.bought && !view.reports.bought->trouble.empty();
    return troubled ? PriceState::remembered : PriceState::known;
  }
  if (!asked) return PriceState::waiting;
  return slot == nullptr ? PriceState::missing : PriceState::fallback;
}

void Market::take(const LiveReports& reports) {
  const WallTime now = clock_.wall_now();
  const auto before = view();
  auto next = std::make_shared<MarketView>();
  next->settings = settings_;
  next->reports = reports;
  next->since = now;
  // Without a date there is no present price, and nothing to complain of.
  if (clock_.wall_sane()) {
    next->outlook = build(reports, now);
    next->state = state_of(*next, now);
    if (next->state == before->state) next->since = before->since;
  }
  if (reports.hash_price && reports.hash_price->price) {
    next->hash_price = *reports.hash_price->price * (1.0 - settings_.pool_fee.value() / 100.0) *
                       (settings_.accepted_share.value() / 100.0);
  }
  {
    const std::lock_guard lock(mutex_);
    view_ = next;
  }
  if (!clock_.wall_sane()) return;
  announce(*next, now);
  announce_hash(*next, now);
}

void Market::announce(const MarketView& view, WallTime now) {
  switch (view.state) {
    case PriceState::fallback:
    case PriceState::missing: {
      const PriceSlot* slot = view.outlook->at(now);
      const std::string assumed =
          slot != nullptr ? fmt::format("{:.4f} {}/kWh is assumed", slot->import_price.value(), settings_.currency)
                          : "nothing is bought for its price";
      const bool told = slot == nullptr || (view.reports.bought && !view.reports.bought->trouble.empty());
      if (tariff_ && !told) {
        // The tariff itself is sure of its prices, and not of which one holds.
        announcer_.clear(kMissing, "", "the price of energy is told again");
        const auto& colours = view.reports.colours;
        const std::string why = colours && !colours->trouble.empty()
                                    ? fmt::format("{}: {}", colours->feed, colours->trouble)
                                    : "tier, colour of the day, or a live price";
        announcer_.raise(ports::EventLevel::warning, kDoubtful, "",
                         fmt::format("the tariff's price now rests on what is not known ({}): {}", why, assumed));
        return;
      }
      const auto& heard = view.reports.bought ? view.reports.bought->heard : std::nullopt;
      const std::string age = heard ? fmt::format(", last heard {} ago", hours(now - *heard)) : "";
      announcer_.raise(
          ports::EventLevel::alarm, kMissing, "",
          fmt::format("the price of energy is not known: {} ({}{})", assumed, trouble_of(view.reports), age));
      return;
    }
    case PriceState::known:
    case PriceState::remembered:
      announcer_.clear(kMissing, "", "the price of energy is known again");
      announcer_.clear(kDoubtful, "", "the tariff's price is known for sure again");
      return;
    case PriceState::none:
    case PriceState::waiting:
      return;
  }
}

void Market::announce_hash(const MarketView& view, WallTime now) {
  const auto& report = view.reports.hash_price;
  if (!report || !report->tried) return;
  const bool aged = report->heard && now - *report->heard > kOldHashPrice;
  if (report->price && !aged) return announcer_.clear(kHashOld, "", "what mining brings is known again");
  const std::string age =
      report->heard ? fmt::format("was last heard {} ago", hours(now - *report->heard)) : "is not known";
  announcer_.raise(
      ports::EventLevel::alarm, kHashOld, "",
      fmt::format("what mining brings {}: after a day no grid energy is bought for it ({})", age, report->trouble));
}

MoneyObservation Market::observe(MonoTime now, WallTime wall, bool wall_sane) const {
  const std::shared_ptr<const MarketView> known = view();
  MoneyObservation money;
  if (wall_sane) money.prices = known->outlook;
  const auto& report = known->reports.hash_price;
  if (!known->hash_price || !report || (report->heard && !wall_sane)) return money;
  const Duration age = report->heard ? std::max(Duration{}, wall - *report->heard) : Duration{};
  if (age > kOldestHashPrice) return money;
  money.hash_price = Reading<PricePerThsDay>::good(*known->hash_price, now - age);
  if (report->bitcoin_price) money.bitcoin_price = Reading<Money>::good(Money(*report->bitcoin_price), now - age);
  return money;
}

}  // namespace sluice::runtime
