#pragma once
/// What the sun will leave over, learned from the days before, and what that means for a kWh in the battery.
///
/// The forecast is persistence: each quarter of an hour of a day is expected to be as it was yesterday and, to the same
/// part, on the last days, scaled by how today went until now. It needs no service and no data but the site's own
/// (the idea of adaptive day persistence: HTW Berlin, "PVprog").

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "model/memory.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

/// Learns the surplus before battery and miners in slots of 15 minutes, by time of day. The slots are those of UTC: the
/// sun does not know summer time, so a change of the clocks moves nothing.
class SurplusForecast {
 public:
  explicit SurplusForecast(const SurplusMemory& memory) : memory_(memory) { compare_with_today(); }

  /// Once for every tick in which the surplus was known; what is not told stays unknown. `dt_s`: since the last tick.
  /// Without a sane date nothing is learned, because nobody knows which slot it is.
  void look(const Snapshot& snapshot, double surplus_w, double dt_s);
  /// True when most of the day was seen on one of the last days.
  bool known(WallTime now) const;
  /// Mean surplus expected in the slot that lies `ahead` slots after the one of `now`, 0 … kSlotsPerDay − 1, in W. A
  /// slot that was never seen is expected to be as the last one before it.
  double expected_w(WallTime now, std::size_t ahead) const;
  /// How today went, as a part of what was expected: 1 before sunrise.
  double ratio_so_far() const { return ratio_; }
  /// Into `memory`, once an hour, to spare the disk.
  void remember(SurplusMemory& memory) const;

 private:
  void finish_slot();
  void compare_with_today();

  SurplusMemory memory_;
  double ratio_ = 1.0;
  std::int64_t slot_ = 0;  ///< since 1970; 0 = none yet
  double sum_ws_ = 0.0;
  double seen_s_ = 0.0;
};

/// A battery as its future is worked out.
struct Store {
  double now_wh = 0.0;
  double low_wh = 0.0;    ///< kept: below it the grid serves the house
  double full_wh = 0.0;   ///< from here on it takes little more
  double charge_w = 0.0;  ///< the most it can take; 0 = unknown
};

enum class StoreEnd : std::uint8_t { full, empty, neither };

/// As far ahead as the future of a battery is worked out.
inline constexpr double kFutureHours = 48.0;

/// What a battery meets first if miners take nothing, and after how many hours.
struct StoreFuture {
  StoreEnd end = StoreEnd::neither;
  double hours = kFutureHours;
};

/// How much of the forecast counts: of the surplus of the next minutes, of that of tomorrow (in between a straight
/// line), and of what the house will draw.
struct Caution {
  double surplus_now = 1.0;
  double surplus_tomorrow = 1.0;
  double deficit = 1.0;
};

/// One of several ways in which sun and house may go on, each as likely as the others.
std::span<const Caution> scenarios();

/// What the battery meets first if miners take nothing. If it fills first, another kWh in it is only sun
/// that spills later, worth what mining pays; if it empties first, a kWh is worth the import that it saves.
StoreFuture store_future(const SurplusForecast& forecast, WallTime now, const Store& store, const Caution& caution);
inline StoreEnd first_end(const SurplusForecast& forecast, WallTime now, const Store& store, const Caution& caution) {
  return store_future(forecast, now, store, caution).end;
}

/// What of the battery's part mining may have, 0…1 each.
struct Release {
  double charge = 0.0;     ///< ω: the share of what it could charge
  double discharge = 0.0;  ///< the share of what it could discharge
};

/// The release by forecast: the battery first, unless it will fill anyway; and from the battery, only what it could
/// lose and still fill. It is looked at once a minute, with hysteresis in the caution, and moves over ten minutes, so
/// that miners do not follow its doubts.
class BatteryRelease {
 public:
  /// For this tick; none while there is no forecast, SoC or capacity to tell it by.
  std::optional<Release> step(const SurplusForecast& forecast, const Snapshot& snapshot,
                              const std::optional<Store>& store, double dt_s);

 private:
  bool charge_ = false, discharge_ = false;
  bool running_ = false;
  Release now_;
  MonoTime next_look_{};
};

}  // namespace sluice::control
