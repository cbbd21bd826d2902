#include "tariff/heat.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::tariff {
namespace {

constexpr double kGuardReturn = 2.0;                        // kelvin below the guard until mining may go on
constexpr Duration kBlind = std::chrono::minutes(30);       // a sensor may be restarted without anybody being woken
constexpr Duration kFrozen = std::chrono::hours(6);         // hundreds of watts move any room by a digit in that time
constexpr Duration kLongestStep = std::chrono::minutes(1);  // after a pause nobody knows whether it was heated
constexpr Watts kHeats{100.0};
constexpr double kLeastC = -40.0, kMostC = 120.0;  // colder than any house, hotter than any tank

bool holds(const Season& season, int date) {
  const bool after = date >= season.from, before = date <= season.to;
  return season.from <= season.to ? after && before : after || before;
}

}  // namespace

PricePerKwh heat_price(PricePerKwh fuel_price, double efficiency) { return fuel_price / efficiency; }

std::string_view to_string(HeatNeed need) {
  switch (need) {
    case HeatNeed::unknown:
      return "not known";
    case HeatNeed::wanted:
      return "wanted";
    case HeatNeed::content:
      return "warm enough";
    case HeatNeed::cooled:
      return "cooled away";
    case HeatNeed::too_warm:
      return "too warm to mine";
  }
  return "invalid";
}

int date_of_year(std::int64_t local_day) {
  if (local_day == 0) return 0;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(local_day))};
  return static_cast<int>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()));
}

/// The temperature if it is fresh, of this world, and not one that stands still while the room is heated.
std::optional<Celsius> HeatZone::believed(const HeatScene& scene) {
  const Duration passed = last_look_ == MonoTime{} ? Duration{} : std::min(scene.now - last_look_, kLongestStep);
  last_look_ = scene.now;
  const double celsius = scene.temperature.value.value();
  const bool usable = scene.temperature.fresh(scene.now, settings_.stale_after) && scene.temperature.value.finite() &&
                      celsius >= kLeastC && celsius <= kMostC;
  if (!usable) return std::nullopt;
  if (last_c_ != celsius) {
    last_c_ = celsius;
    heated_unchanged_ = {};
  } else if (wanted_ && scene.heating > kHeats) {
    heated_unchanged_ += passed;
  }
  if (heated_unchanged_ >= kFrozen) return std::nullopt;
  return scene.temperature.value;
}

HeatNeed HeatZone::need(std::optional<Celsius> temperature, const HeatScene& scene) {
  if (temperature && settings_.max) {
    if (*temperature >= *settings_.max) too_warm_ = true;
    if (*temperature <= *settings_.max - Celsius(kGuardReturn)) too_warm_ = false;
  }
  if (too_warm_) return HeatNeed::too_warm;
  const bool date_known = scene.date != 0 || !settings_.season;
  if (!date_known) return HeatNeed::unknown;
  const bool season = !settings_.season || holds(*settings_.season, scene.date);
  if (!settings_.target) return season ? HeatNeed::wanted : HeatNeed::cooled;
  if (!temperature) return HeatNeed::unknown;
  const Celsius target = *settings_.target, band(settings_.band);
  if (*temperature <= target - band) wanted_ = true;
  if (*temperature >= target) wanted_ = false;
  if (season && wanted_) return HeatNeed::wanted;
  return *temperature >= target + band ? HeatNeed::cooled : HeatNeed::content;
}

Reading<PricePerKwh> HeatZone::value(HeatNeed need, const HeatScene& scene) const {
  const auto good = [&scene](PricePerKwh price) { return Reading<PricePerKwh>::good(price, scene.now); };
  switch (need) {
    case HeatNeed::unknown:
      return {};
    case HeatNeed::content:
      return good(PricePerKwh(0.0));
    case HeatNeed::cooled:
    case HeatNeed::too_warm:
      return good(PricePerKwh(0.0) - settings_.cooling_cost);
    case HeatNeed::wanted:
      break;
  }
  if (!settings_.value && !scene.import_price) return {};
  const PricePerKwh whole = settings_.value ? *settings_.value : heat_price(*scene.import_price, settings_.efficiency);
  const PricePerKwh used = whole * settings_.useful_share;
  const bool below =
      settings_.any_price_below && scene.import_price && *scene.import_price < *settings_.any_price_below;
  return good(below ? max(used, *settings_.any_price_below) : used);
}

HeatWord HeatZone::look(const HeatScene& scene) {
  const std::optional<Celsius> temperature = believed(scene);
  HeatWord word;
  word.frozen = heated_unchanged_ >= kFrozen;
  word.need = need(temperature, scene);
  word.value = value(word.need, scene);
  word.room_too_warm = too_warm_;
  if (temperature || !settings_.max) {
    blind_since_.reset();
  } else if (!blind_since_) {
    blind_since_ = scene.now;
  }
  word.guard_blind = blind_since_ && scene.now - *blind_since_ >= kBlind;
  return word;
}

}  // namespace sluice::tariff
