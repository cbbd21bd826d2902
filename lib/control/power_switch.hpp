#pragma once
/// The switch before a miner: a plug or a contactor. Standby costs watts all night, a cold start costs minutes of
/// hashing; the power is cut once sleeping has cost as much as booting will (ski rental, as commitment.hpp), or at once
/// where the forecast knows that no sun comes before that. It is opened at rest only: a relay that breaks the full
/// current of a power supply wears, and may weld. The exceptions are a miner that goes on although it was told to stop,
/// and one that does not answer while the switch measures that it draws what nobody wants drawn.
///
/// For everybody else in the controller a miner without power is one that sleeps at 0 W and wakes slowly: `shown` is
/// what they see in its place. Whatever is not known of the switch counts as on.

#include <cstdint>

#include "control/forecast.hpp"
#include "control/learned.hpp"
#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/miner.hpp"

namespace sluice::control {

inline constexpr Duration kPriorBoot = std::chrono::seconds(300);
inline constexpr std::int32_t kCutsPerDay = 6;                     ///< relays are built for some ten thousand
inline constexpr Duration kSwitchRest = std::chrono::minutes(10);  ///< least time on, and off

/// What a decision on the switch rests on, beside what `observe` saw.
struct SwitchWish {
  bool run = false;      ///< it is to run, or to be measured
  bool at_rest = false;  ///< told to sleep, and as far as the rest of the controller knows nothing is wrong with it
  bool busy = false;     ///< nobody may touch it: it is being measured
  bool ignores_stop = false;
  bool deaf = false;                          ///< it does not answer, and there is nothing that it should run on
  bool forbidden = false;                     ///< the guard lets it not run now
  bool room = true;                           ///< the most it can draw is allowed at its circuit and at the connection
  double sleep_w = 0.0;                       ///< drawn asleep
  double sleep_price = 1.0;                   ///< what a watt-second asleep costs, in watt-seconds of sun caught
  double boot_cost_ws = 0.0;                  ///< what a start costs more without power than asleep, in the same
  double start_w = 0.0;                       ///< surplus that is worth a start
  const SurplusForecast* forecast = nullptr;  ///< null: the sun is not all that starts it, or nobody knows
  WallTime wall{};
};

class PowerSwitch {
 public:
  PowerSwitch(const MinerMemory& memory, MonoTime now);

  /// Once a tick, first: what the switch and the miner say.
  void observe(const MinerObservation& seen, MonoTime now, std::int64_t local_day);
  /// The miner as everybody else is to see it: asleep while it is without power.
  MinerObservation shown(const MinerObservation& seen, MonoTime now) const;
  /// No power, and the switch says so.
  bool cut() const { return hidden_ && place_ == Place::cut; }
  /// Cut, or still booting: it does not answer, and need not.
  bool without_power() const { return hidden_; }
  /// It does not do what it is told.
  bool stuck() const { return stuck_ || gave_up_; }
  /// Many firmwares hash as soon as there is power, at whatever they were last told: until it is seen what this one
  /// does it may draw this much. 0: it is known.
  double may_come_to_w() const { return unproven_ ? most_w_ : 0.0; }
  double most_w() const { return most_w_; }
  Duration boot() const;
  /// Why it is not to be started now; `none` when nothing of the switch is against it.
  Reason held(MonoTime now) const;
  /// Last in a tick.
  SwitchOrder decide(const SwitchWish& wish, MonoTime now, double dt_s);
  std::int32_t cuts_today() const { return cuts_today_; }

  void remember(MinerMemory& memory) const;

 private:
  enum class Place : std::uint8_t {
    closed,
    opening,  ///< told to open, and not seen to have
    cut,
    booting,  ///< told to close, until the miner answers
  };
  void new_day(std::int64_t local_day);
  void observe_closed(const MinerObservation& seen, MonoTime now);
  void observe_cut(const MinerObservation& seen, MonoTime now);
  void observe_booting(const MinerObservation& seen, MonoTime now);
  void enter(Place place, MonoTime now);
  void open(MonoTime now);
  void close(MonoTime now);
  bool quiet(const SwitchWish& wish, MonoTime now);
  bool pays(const SwitchWish& wish, MonoTime now);
  bool due(const SwitchWish& wish, MonoTime now);

  Place place_ = Place::closed;
  MonoTime since_{};   ///< of `place_`
  MonoTime unread_{};  ///< readings up to here belong to the place before
  bool ever_read_ = false;
  bool off_known_ = false;  ///< now, and fresh
  bool on_known_ = false;
  bool hidden_ = false;
  bool stuck_ = false;
  bool gave_up_ = false;  ///< told to close it did not, and is asked again later
  bool by_hand_ = false;
  MonoTime hands_off_until_{};
  bool dark_ = false;  ///< it was seen not to answer since it was cut
  bool unproven_ = false;
  MonoTime quiet_since_{};
  MonoTime ignored_since_{}, deaf_since_{};
  MonoTime asked_forecast_{};
  bool night_ = false;          ///< the forecast's last answer
  double slept_ws_ = 0.0;       ///< what this pause has cost, in watt-seconds of sun caught
  double metered_w_ = -1.0;     ///< what its switch measures; < 0: nothing
  double drawn_w_ = -1.0;       ///< the most that the miner and its switch say it draws; < 0: neither says
  std::uint32_t restarts_ = 0;  ///< cuts, which are restarts that the miner does not count
  Envelope envelope_;           ///< its firmware's, newest known
  double most_w_ = 0.0;
  LearnedValue boot_s_;
  Dissent boot_dissent_;
  std::int64_t day_ = 0;
  std::int32_t cuts_today_ = 0;
};

}  // namespace sluice::control
