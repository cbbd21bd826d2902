#pragma once
/// What the heat of a miner is worth: money while it replaces heat that would be bought, nothing while nobody wants it,
/// less than nothing while it has to be cooled away. Pure; the caller brings temperature, date and price.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/reading.hpp"
#include "tariff/plan.hpp"

namespace sluice::tariff {

/// What a kWh of heat costs that `fuel_price` buys at `efficiency` (0…1 of a boiler; the COP of a heat pump; 1 of a
/// resistive heater). `efficiency` > 0.
PricePerKwh heat_price(PricePerKwh fuel_price, double efficiency);

/// 100 · month + day of a day since 1970-01-01; 0 for day 0, which means that the date is not known.
int date_of_year(std::int64_t local_day);

struct HeatSettings {
  /// Of a kWh of heat that is used; none: what the grid's electricity costs now, divided by `efficiency`.
  std::optional<PricePerKwh> value;
  double efficiency = 1.0;        ///< of an electric heater whose electricity has the grid's price: 1, or its COP
  double useful_share = 1.0;      ///< 0…1: how much of the miner's heat really replaces other heat
  std::optional<Season> season;   ///< none: all year
  std::optional<Celsius> target;  ///< none: the season alone decides
  double band = 1.0;              ///< kelvin: wanted again this far below the target
  PricePerKwh cooling_cost{};     ///< of taking a kWh of heat out again; ≥ 0
  std::optional<Celsius> max;     ///< too warm for any mining from here on
  std::optional<PricePerKwh> any_price_below;   ///< while heat is wanted, mining is worth every price below this
  Duration stale_after{std::chrono::hours(1)};  ///< battery sensors speak when something changes
};

enum class HeatNeed : std::uint8_t {
  unknown,   ///< no temperature or no date: nothing is started for its heat
  wanted,    ///< a kWh of it replaces one that would be bought
  content,   ///< warm enough, or not the season
  cooled,    ///< has to be cooled away
  too_warm,  ///< above the guard
};

/// "wanted", "warm enough", …
std::string_view to_string(HeatNeed need);

/// What a zone says at one tick.
struct HeatWord {
  HeatNeed need = HeatNeed::unknown;
  Reading<PricePerKwh> value;  ///< missing: nobody knows; counts as nothing
  bool room_too_warm = false;  ///< until the room is 2 K below the guard again
  bool guard_blind = false;    ///< there is a guard, and no temperature to be believed for half an hour
  bool frozen = false;         ///< heated for six hours without any change: the temperature is not believed
};

/// Everything that one tick knows of a zone.
struct HeatScene {
  MonoTime now{};
  Reading<Celsius> temperature;             ///< missing: no sensor, or it does not answer
  int date = 0;                             ///< 100 · month + day; 0: not known
  std::optional<PricePerKwh> import_price;  ///< of the grid now
  Watts heating{};                          ///< what the zone's miners draw
};

/// One room or tank, and its memory. Used by one thread.
class HeatZone {
 public:
  explicit HeatZone(const HeatSettings& settings) : settings_(settings) {}
  const HeatSettings& settings() const { return settings_; }
  /// New settings for the same zone: what it remembers of its temperature stays.
  void reconfigure(const HeatSettings& settings) { settings_ = settings; }

  HeatWord look(const HeatScene& scene);

 private:
  std::optional<Celsius> believed(const HeatScene& scene);
  HeatNeed need(std::optional<Celsius> temperature, const HeatScene& scene);
  Reading<PricePerKwh> value(HeatNeed need, const HeatScene& scene) const;

  HeatSettings settings_;
  bool wanted_ = false;    ///< below the band, and not at the target again
  bool too_warm_ = false;  ///< above the guard, and not well below it again
  std::optional<double> last_c_;
  Duration heated_unchanged_{};  ///< heated for so long since the temperature last changed
  MonoTime last_look_{};
  std::optional<MonoTime> blind_since_;
};

}  // namespace sluice::tariff
