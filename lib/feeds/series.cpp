#include "feeds/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

namespace sluice::feeds {
namespace {

// In multiples of the currency's level, for one kWh. The dearest market there is (Australia's) stops below 25 with tax.
constexpr double kDearest = 30.0;
constexpr double kDearestMedian = 2.0, kCheapestMedian = -0.5;
// No day is thirty times as dear, or as cheap, as the days before; cents taken for the currency are a hundred times.
constexpr double kJump = 30.0;
constexpr Duration kLong = std::chrono::hours(12);
constexpr Duration kDayOfOneSign = std::chrono::hours(20);

Duration covered(const EnergySeries& series) {
  Duration sum{};
  for (const EnergySlot& slot : series) sum += slot.end - slot.begin;
  return sum;
}

/// The value that `part` of the slots do not exceed.
double quantile(const EnergySeries& series, double part, bool absolute) {
  std::vector<double> values;
  for (const EnergySlot& slot : series) values.push_back(absolute ? std::fabs(slot.price.value()) : slot.price.value());
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + at);
  return values[static_cast<std::size_t>(at)];
}

std::string when(WallTime time) { return plain_time(time, fixed_zone(std::chrono::seconds(0))) + " UTC"; }

}  // namespace

double price_level(std::string_view currency) {
  // Where a kWh costs whole units; rough rates of 2025, good for a factor of three.
  static constexpr std::array<std::pair<std::string_view, double>, 17> kLevels{{{"NOK", 10.0},
                                                                                {"SEK", 10.0},
                                                                                {"DKK", 7.0},
                                                                                {"ISK", 140.0},
                                                                                {"CZK", 25.0},
                                                                                {"PLN", 4.0},
                                                                                {"HUF", 400.0},
                                                                                {"RON", 5.0},
                                                                                {"TRY", 45.0},
                                                                                {"JPY", 160.0},
                                                                                {"KRW", 1500.0},
                                                                                {"CNY", 8.0},
                                                                                {"INR", 90.0},
                                                                                {"ZAR", 20.0},
                                                                                {"MXN", 20.0},
                                                                                {"BRL", 6.0},
                                                                                {"UAH", 45.0}}};
  const auto* const found = std::ranges::find(kLevels, currency, &std::pair<std::string_view, double>::first);
  return found == kLevels.end() ? 1.0 : found->second;
}

Result<void> plausible(const EnergySeries& batch, const EnergySeries& known, std::string_view currency, bool sold) {
  if (batch.empty()) return {};
  const double level = price_level(currency);
  for (const EnergySlot& slot : batch) {
    const double price = slot.price.value();
    if (!std::isfinite(price) || std::fabs(price) > kDearest * level)
      return fail(ErrorKind::protocol, "{:g} {} a kWh at {}: MWh, or cents?", price, currency, when(slot.begin));
  }
  const EnergySeries all = merged(known, batch, WallTime::min());
  if (covered(all) < kLong) return {};  // too little to judge by
  const double median = quantile(all, 0.5, false);
  if (median > kDearestMedian * level || median < kCheapestMedian * level)
    return fail(ErrorKind::protocol, "half of the prices are {} {:g} {} a kWh: MWh, or cents?",
                median > 0 ? "above" : "below", median, currency);
  if (covered(batch) >= kDayOfOneSign && quantile(batch, 1.0, false) < 0.0)
    return fail(ErrorKind::protocol, "every price of the day is below zero: is the sign right for energy that is {}?",
                sold ? "sold" : "bought");
  if (covered(batch) < kLong || covered(known) < kLong) return {};
  const double now = quantile(batch, 0.9, true), before = quantile(known, 0.9, true);
  if (before > 0.0 && (now > kJump * before || now < before / kJump))
    return fail(ErrorKind::protocol, "prices are {:g} {} a kWh, and were {:g}: has the unit changed?", now, currency,
                before);
  return {};
}

EnergySeries merged(const EnergySeries& known, const EnergySeries& batch, WallTime keep_from) {
  if (batch.empty()) {
    EnergySeries kept = known;
    std::erase_if(kept, [&](const EnergySlot& slot) { return slot.end <= keep_from; });
    return kept;
  }
  const WallTime first = batch.front().begin, last = batch.back().end;
  EnergySeries all;
  for (EnergySlot slot : known) {
    if (slot.begin >= first) break;
    slot.end = std::min(slot.end, first);
    all.push_back(slot);
  }
  all.insert(all.end(), batch.begin(), batch.end());
  for (EnergySlot slot : known) {
    if (slot.end <= last) continue;
    slot.begin = std::max(slot.begin, last);
    all.push_back(slot);
  }
  std::erase_if(all, [&](const EnergySlot& slot) { return slot.end <= keep_from; });
  return all;
}

EnergySeries retold(const EnergySeries& known, const EnergySeries& answer, WallTime now, WallTime keep_from) {
  const WallTime told_from = answer.empty() ? WallTime::max() : answer.front().begin;
  EnergySeries all;
  for (EnergySlot slot : known) {
    if (slot.begin > now || slot.begin >= told_from) break;
    slot.end = std::min(slot.end, told_from);
    all.push_back(slot);
  }
  all.insert(all.end(), answer.begin(), answer.end());
  std::erase_if(all, [&](const EnergySlot& slot) { return slot.end <= keep_from; });
  return all;
}

WallTime known_until(const EnergySeries& series, WallTime now) {
  const EnergySlot* slot = slot_at(series, now);
  if (slot == nullptr) return now;
  const EnergySlot* const end = series.data() + series.size();
  while (slot + 1 != end && slot[1].begin == slot->end && slot[1].kind != PriceKind::forecast) ++slot;
  return slot->end;
}

std::vector<DayCount> count_days(const EnergySeries& series, const Zone& zone) {
  std::map<std::int64_t, DayCount> days;
  std::map<std::int64_t, Duration> shortest;
  for (const EnergySlot& slot : series) {
    const std::int64_t day = local_day(slot.begin, zone);
    ++days[day].found;
    const Duration length = slot.end - slot.begin;
    const auto known = shortest.try_emplace(day, length).first;
    known->second = std::min(known->second, length);
  }
  std::vector<DayCount> all;
  for (auto& [day, count] : days) {
    count.day = day;
    const Duration length = start_of_day(day + 1, zone) - start_of_day(day, zone);
    count.expected = static_cast<std::size_t>(length / shortest[day]);
    all.push_back(count);
  }
  return all;
}

WallTime next_poll(const PollRule& rule, WallTime now, WallTime known, int failures, const Zone& zone, double chance) {
  constexpr Duration kFirstPause = std::chrono::seconds(5);
  const auto jitter = std::chrono::duration_cast<Duration>(rule.jitter * chance);
  const WallTime usual = now - (now.time_since_epoch() % rule.every) + rule.every + rule.offset + jitter;
  if (failures > 0) {
    // 5, 10, 20 … seconds, never rarer than usual.
    const Duration pause = kFirstPause * (std::int64_t{1} << std::min(failures - 1, 9));
    return std::min(usual, now + pause + std::chrono::duration_cast<Duration>(pause * chance));
  }
  if (!rule.publish) return usual;
  const std::int64_t today = local_day(now, zone);
  const bool complete = known >= local_time(today + 1, rule.until, zone);
  const WallTime published = local_time(today, *rule.publish, zone) + jitter;
  if (complete || now >= published + rule.give_up) return usual;
  return now < published ? std::min(usual, published) : std::min(usual, now + rule.wait + jitter);
}

}  // namespace sluice::feeds
