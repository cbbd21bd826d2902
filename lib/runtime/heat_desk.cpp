#include "runtime/heat_desk.hpp"

#include <algorithm>
#include <optional>

namespace sluice::runtime {
namespace {

constexpr const char* kBlind = "room_guard_blind";
constexpr const char* kFrozen = "room_temperature_frozen";

/// What a kWh of the grid costs now, if that is known for sure.
std::optional<PricePerKwh> import_price(const Snapshot& snapshot) {
  if (!snapshot.money.prices || !snapshot.wall_sane) return std::nullopt;
  const PriceSlot* slot = snapshot.money.prices->at(snapshot.wall);
  if (slot == nullptr || !slot->import_price.finite()) return std::nullopt;
  return slot->import_price;
}

Reading<Celsius> temperature(const HeatPlace& place, std::span<const std::shared_ptr<const DeviceReport>> devices) {
  const auto found = std::ranges::find_if(
      devices, [&](const auto& device) { return !place.device.empty() && device->name == place.device; });
  if (found == devices.end()) return {};
  const Reading<double>& told = (**found)[Measurement::room_c];
  return {Celsius(told.value), told.at, told.quality};
}

Watts drawn(std::uint32_t miners, const Decision* last) {
  Watts sum{};
  for (std::size_t i = 0; last != nullptr && i < last->miners.size(); ++i)
    if ((miners >> i & 1U) != 0) sum += last->miners[i].expected_power;
  return sum;
}

}  // namespace

tariff::HeatZone& HeatDesk::zone_of(const HeatPlace& place) {
  const auto found = std::ranges::find(rooms_, place.name, &Room::name);
  if (found != rooms_.end()) {
    found->zone.reconfigure(place.settings);
    return found->zone;
  }
  return rooms_.emplace_back(Room{place.name, tariff::HeatZone(place.settings)}).zone;
}

void HeatDesk::look(const WorthPlan& plan, std::span<const std::shared_ptr<const DeviceReport>> devices,
                    const Decision* last, Snapshot& snapshot) {
  reports_.clear();
  for (const HeatPlace& place : plan.heat) {
    HeatReport report{place.name, place.miners, temperature(place, devices), {}, drawn(place.miners, last)};
    const int date = snapshot.wall_sane ? tariff::date_of_year(snapshot.local_day) : 0;
    report.word = zone_of(place).look({snapshot.now, report.temperature, date, import_price(snapshot), report.heating});
    for (std::size_t i = 0; i < snapshot.miners.size(); ++i) {
      if ((place.miners >> i & 1U) == 0) continue;
      snapshot.miner_money[i].heat_value = report.word.value;
      snapshot.miner_money[i].room_too_warm = report.word.room_too_warm;
    }
    reports_.push_back(std::move(report));
  }
  // Rooms that a reload took away are forgotten.
  std::erase_if(rooms_, [&](const Room& room) {
    return std::ranges::find(plan.heat, room.name, &HeatPlace::name) == plan.heat.end();
  });
}

void HeatDesk::announce(Announcer& announcer) const {
  const auto say = [&](bool trouble, const char* code, const std::string& name, const char* text, const char* over) {
    if (trouble) {
      announcer.raise(ports::EventLevel::warning, code, name, text);
    } else {
      announcer.clear(code, name, over);
    }
  };
  for (const HeatReport& report : reports_) {
    say(report.word.guard_blind, kBlind, report.name,
        "no temperature is known, so its guard (max_c) sees nothing; nothing runs for its heat",
        "the temperature is known again");
    say(report.word.frozen, kFrozen, report.name,
        "the temperature has not changed through six hours of heating and is not believed; nothing runs for its heat",
        "the temperature changes again");
  }
}

void order(const WorthPlan& plan, Snapshot& snapshot) {
  if (plan.periods.empty() || !snapshot.wall_sane) return;
  const tariff::LocalClock clock = plan.local_time.at(snapshot.wall);
  for (std::size_t i = 0; i < snapshot.miners.size(); ++i) {
    const tariff::Ordered wanted = tariff::ordered(plan.periods, clock, i);
    snapshot.miner_money[i].order = wanted.order;
    snapshot.miner_money[i].order_power = wanted.power;
  }
}

}  // namespace sluice::runtime
