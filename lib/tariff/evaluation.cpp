#include "tariff/evaluation.hpp"

#include <algorithm>

#include "tariff/matching.hpp"

namespace sluice::tariff {
namespace {

using std::chrono::days;

constexpr Duration kDay = days(1);
constexpr Duration kMinute = std::chrono::minutes(1);

/// The surest kind that both are.
PriceKind weaker(PriceKind a, PriceKind b) { return std::max(a, b); }

bool alike(const PriceSlot& a, const PriceSlot& b) {
  PriceSlot moved = b;
  moved.begin = a.begin;
  moved.end = a.end;
  return a == moved;
}

}  // namespace

/// What holds for a whole calendar day.
struct Evaluation::Day {
  LocalDay day{};
  const Version* version = nullptr;
  DayFacts today, yesterday;
  bool weekend_or_holiday = false;
  /// Colour that holds before and after `Colours::day_starts`; empty: not known.
  std::optional<std::uint8_t> colour_before, colour_after;
};

Evaluation::Evaluation(const Plan& plan, const LocalTime& local_time, Circumstances circumstances)
    : plan_(plan), local_time_(local_time), given_(std::move(circumstances)) {
  for (const Version& version : plan_.versions) edges_.push_back(edges_of(plan_, version));
}

Evaluation::Day Evaluation::look_at(LocalDay day) const {
  Day seen;
  seen.day = day;
  seen.version = plan_.version_on(day);
  seen.today = facts_of(plan_, day);
  seen.yesterday = facts_of(plan_, day - days(1));
  seen.weekend_or_holiday = std::chrono::weekday(day).iso_encoding() >= 6 || plan_.is_holiday(day);
  const auto colour = [&](LocalDay of) {
    const auto found = given_.colours.find(of);
    return found == given_.colours.end() ? std::nullopt : std::optional(found->second);
  };
  seen.colour_before = colour(day - days(1));
  seen.colour_after = colour(day);
  return seen;
}

PricePoint Evaluation::at(WallTime time) const {
  const LocalClock clock = local_time_.at(time);
  return price(time, look_at(clock.day), static_cast<int>(clock.of_day / kMinute));
}

PricePoint Evaluation::price(WallTime time, const Day& day, int minute) const {
  PricePoint point;
  if (day.version == nullptr) return point;
  const Version& version = *day.version;
  Moment moment{minute, day.today, day.yesterday};
  if (!plan_.colours.names.empty()) {
    auto colour = minute < plan_.colours.day_starts ? day.colour_before : day.colour_after;
    if (!colour) {
      colour = plan_.colours.assumed;
      point.kind = PriceKind::fallback;
    }
    if (!colour) return point;
    moment.colour = static_cast<std::uint8_t>(1U << *colour);
  }
  const Rule* rule = deciding(version.rules, moment);
  if (rule == nullptr) return point;
  point.period_id = rule->use;
  point.demand_window =
      std::ranges::any_of(version.demand, [&](const DemandCharge& charge) { return holds(charge.when, moment); });
  const Event* event = event_at(time);
  point.event = event != nullptr;
  if (event != nullptr && version.event_period) point.period_id = *version.event_period;

  if (price_energy(time, day, version, point)) {
    std::map<std::string_view, PricePerKwh> adders;
    for (const Adder& adder : version.adders)
      if (holds(adder.when, moment)) adders[adder.name] = adder.price;
    for (const auto& [name, adder] : adders) point.adders += adder;
    point.import_price = (point.energy + point.adders) * version.multiplier + version.post_tax_adder;
  }
  price_export(time, day, version, moment, point);
  if (event != nullptr && event->import_price) point.import_price = event->import_price;
  if (event != nullptr && event->export_price) point.export_price = event->export_price;
  return point;
}

/// Sets `energy`; false: it is not known.
bool Evaluation::price_energy(WallTime time, const Day& day, const Version& version, PricePoint& point) const {
  const PeriodPrice& period = version.periods.at(point.period_id);
  if (period.tiers.empty()) {
    const PriceSlot* live = given_.live_energy != nullptr ? given_.live_energy->at(time) : nullptr;
    if (live == nullptr) return false;
    point.energy = live->import_price;
    point.kind = weaker(point.kind, live->kind);
    point.event = point.event || live->event;
    point.demand_window = point.demand_window || live->demand_window;
  } else if (period.tiers.size() == 1) {
    point.energy = period.tiers.front().price;
  } else if (!given_.drawn) {
    const auto dearest = std::ranges::max_element(period.tiers, {}, &TierPrice::price);
    point.energy = dearest->price;
    point.tier = static_cast<std::size_t>(dearest - period.tiers.begin());
    point.kind = weaker(point.kind, PriceKind::fallback);
  } else {
    const LocalDay start = billing_start(day.day, given_.billing_day);
    const LocalDay next = billing_start(start + days(31), given_.billing_day);
    const double share = period.limits_per_day ? static_cast<double>((next - start).count()) : 1.0;
    // A billing period that has not begun yet has drawn nothing.
    const double drawn = start > given_.drawn->billing_start ? 0.0 : given_.drawn->drawn_kwh;
    while (point.tier + 1 < period.tiers.size() && drawn >= period.tiers[point.tier].limit_kwh * share) ++point.tier;
    point.energy = period.tiers[point.tier].price;
  }
  return true;
}

void Evaluation::price_export(WallTime time, const Day& day, const Version& version, const Moment& moment,
                              PricePoint& point) const {
  const Export& exported = version.exported;
  std::optional<PricePerKwh> base;
  switch (exported.mode) {
    case ExportMode::none:
      base = PricePerKwh(0.0);
      break;
    case ExportMode::same:
      if (point.import_price) base = point.energy;
      break;
    case ExportMode::fixed:
      base = exported.price;
      break;
    case ExportMode::periods:
      base = version.periods.at(point.period_id).export_price;
      break;
    case ExportMode::rules:
      if (const Rule* rule = deciding(exported.rules, moment)) base = exported.prices[rule->use];
      break;
    case ExportMode::table:
      base = exported.table[day.weekend_or_holiday ? 1 : 0][static_cast<std::size_t>(moment.today.date / 100 - 1)]
                           [static_cast<std::size_t>(moment.minute / 60)];
      break;
    case ExportMode::live:
      if (const PriceSlot* live = given_.live_export != nullptr ? given_.live_export->at(time) : nullptr) {
        base = live->export_price;
        point.kind = weaker(point.kind, live->kind);
      } else if (exported.has_fallback) {
        base = exported.price;
        point.kind = PriceKind::fallback;
      }
      break;
  }
  if (base) point.export_price = *base * exported.factor + exported.adder;
}

const Event* Evaluation::event_at(WallTime time) const {
  const auto found =
      std::ranges::find_if(given_.events, [&](const Event& event) { return event.begin <= time && time < event.end; });
  return found == given_.events.end() ? nullptr : &*found;
}

/// The next instant in (time, limit] at which an event or a live slot begins or ends.
WallTime Evaluation::next_outside_edge(WallTime time, WallTime limit) const {
  const auto consider = [&](WallTime edge) {
    if (edge > time) limit = std::min(limit, edge);
  };
  for (const Event& event : given_.events) {
    consider(event.begin);
    consider(event.end);
  }
  for (const PriceOutlook* live : {given_.live_energy, given_.live_export}) {
    if (live == nullptr) continue;
    const auto next = std::ranges::upper_bound(live->slots, time, {}, &PriceSlot::end);
    if (next == live->slots.end()) continue;
    consider(next->begin);
    consider(next->end);
  }
  return limit;
}

PriceOutlook Evaluation::outlook(WallTime from, WallTime to) const {
  PriceOutlook outlook;
  std::optional<Day> day;
  for (WallTime time = from; time < to;) {
    const LocalClock clock = local_time_.at(time);
    if (!day || day->day != clock.day) day = look_at(clock.day);
    const int minute = static_cast<int>(clock.of_day / kMinute);

    // Between two edges of the wall clock nothing changes, unless the clock itself is changed.
    Duration edge = kDay;
    if (day->version != nullptr) {
      const auto& edges = edges_[static_cast<std::size_t>(day->version - plan_.versions.data())];
      const auto next = std::ranges::upper_bound(edges, minute);
      if (next != edges.end()) edge = *next * kMinute;
    }
    WallTime end = std::min(to, time + (edge - clock.of_day));
    if (const auto change = local_time_.next_change(time)) end = std::min(end, *change);
    end = next_outside_edge(time, end);

    const PricePoint point = price(time, *day, minute);
    if (point.known()) {
      const PriceSlot slot{time,       end,         *point.import_price, *point.export_price,
                           point.kind, point.event, point.demand_window, point.period_id};
      if (!outlook.slots.empty() && outlook.slots.back().end == time && alike(outlook.slots.back(), slot)) {
        outlook.slots.back().end = end;
      } else {
        outlook.slots.push_back(slot);
      }
    }
    time = end;
  }
  return outlook;
}

std::string_view Evaluation::period_name(std::uint8_t id) const {
  return id < plan_.period_names.size() ? std::string_view(plan_.period_names[id]) : std::string_view();
}

LocalDay billing_start(LocalDay day, int billing_day) {
  const std::chrono::year_month_day date(day);
  const auto first = std::chrono::year_month(date.year(), date.month());
  const auto month =
      static_cast<int>(static_cast<unsigned>(date.day())) >= billing_day ? first : first - std::chrono::months(1);
  return LocalDay(month / std::chrono::day(static_cast<unsigned>(billing_day)));
}

void count_drawn(TierState& state, LocalDay now_day, int billing_day, double more_kwh) {
  const LocalDay start = billing_start(now_day, billing_day);
  if (start > state.billing_start) state = {start, 0.0};
  state.drawn_kwh += more_kwh;
}

}  // namespace sluice::tariff
