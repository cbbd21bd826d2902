#pragma once
/// The controller: estimate → price → regulate → dispatch → guard, once a tick, over a frozen snapshot. Pure: the same
/// snapshots in the same order give the same decisions, in the daemon, the simulator and the backtest. It sees no
/// clock, no port, and allocates nothing in `step`.

#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "control/balance.hpp"
#include "control/commission.hpp"
#include "control/dispatch.hpp"
#include "control/forecast.hpp"
#include "control/grid_watch.hpp"
#include "control/guard.hpp"
#include "control/hidden.hpp"
#include "control/merit.hpp"
#include "control/pid.hpp"
#include "control/power_switch.hpp"
#include "control/sign_watch.hpp"
#include "control/step_learner.hpp"
#include "control/step_test.hpp"
#include "control/unit.hpp"
#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

class Controller {
 public:
  /// `memory` may be empty or name other miners; what it does not know begins with the firmware's priors.
  Controller(Site site, const PersistentState& memory, MonoTime now, WallTime wall);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// One tick. `snapshot.miners` has the order and length of the site's miners; `decision` is overwritten whole.
  void step(const Snapshot& snapshot, Decision& decision);
  /// Takes over a reloaded site; miners matched by name keep their twins, counters and models.
  void reconfigure(Site site);
  /// Learned models and daily counters, by name, and the forecast, into `state`; other fields of known miners stay as
  /// they are.
  void remember(PersistentState& state) const;

 private:
  /// The largest value of the last seconds.
  class Recent {
   public:
    void add(double watts, MonoTime at, MonoTime now);
    double most() const { return most_; }

   private:
    std::array<std::pair<double, MonoTime>, 8> values_{};
    std::size_t next_ = 0;
    MonoTime newest_{};
    std::pair<double, MonoTime> largest_{std::numeric_limits<double>::lowest(), MonoTime{}};  ///< of `values_`
    double most_ = 0.0;
  };

  void know_site();
  /// Of equal priority, who needs the least to run goes first: it can run more often, and for longer.
  void put_modest_first();
  double battery_at(MonoTime time) const;
  /// The least and the most that it may have given when the grid reading was true: a battery that answers each step of
  /// the miners must not be taken for sun, or for a cloud.
  std::pair<double, double> battery_around_reading() const;
  void look_at_battery(const BatteryObservation& battery);
  double twins_w(Bound bound) const;  ///< of the controllable, when the grid reading was true
  void begin_step_tests(MonoTime now);
  /// `sent`: a command of a controllable miner reached the wire since the last tick.
  void test_steps(const Snapshot& snapshot, double battery_w, double twins_low_w, bool sent);
  void learn_from_steps(const Snapshot& snapshot, double battery_w, bool sent);
  /// The window of the step learner, which runs, has shown what it can.
  bool window_over(const Snapshot& snapshot);
  void begin_to_learn(const Snapshot& snapshot);
  void look_at_jitter();
  bool contradiction(const Snapshot& snapshot, double battery_w) const;
  Reason distrust(const Snapshot& snapshot, const BatteryTerms& battery, bool& hold, AlarmSet& alarms);
  double pid_available_w(double middle_w, double grid_w, double dt_s);
  Budget budget(const Snapshot& snapshot, double grid_w, double battery_w, BatteryTerms& battery, Decision& decision,
                double dt_s);
  double hidden_w(const Snapshot& snapshot, double grid_w, double surplus_w, double for_others_w,
                  const BatteryTerms& battery, double dt_s);
  bool throttled(const Snapshot& snapshot) const;
  void name_probes(std::span<const std::uint8_t> members);
  void run_commission(const Snapshot& snapshot, const Budget& budget, double battery_w, std::span<Reason> reasons);
  void look_at_money(const Snapshot& snapshot, const BatteryTerms& battery, const std::optional<Store>& store,
                     double dt_s);
  void leave_headroom(const Snapshot& snapshot);
  void obey_bands(const Snapshot& snapshot, bool trusted);
  /// Nothing of its switch is against a start of it, and all that it may come to draw unasked is allowed.
  Reason held_by_switch(const Snapshot& snapshot, std::size_t index) const;
  void decide_power(const Snapshot& snapshot, bool trusted, double dt_s);
  void write(const Snapshot& snapshot, Decision& decision) const;

  Site site_;
  MonoTime started_at_;
  std::vector<Unit> units_;
  std::vector<PowerSwitch> switches_;  ///< of all units; those without one are always closed
  std::array<SwitchOrder, kMaxMiners> power_{};
  StaticVector<std::uint8_t, kMaxMiners> order_;  ///< all miners by priority, see `put_modest_first`
  GridWatch grid_;
  GridPresence presence_;
  Merit merit_;
  Dispatch dispatch_;
  HiddenSurplus hidden_;
  Commission commission_;
  StepTest step_test_;
  SignWatch sign_watch_;
  StepLearner step_learner_;
  StepTest::Sight last_sight_;
  double stir_w_ = 0.0;             ///< of what else feeds the house, from tick to tick
  std::uint32_t step_members_ = 0;  ///< who was in the sum: when that changes, a test proves nothing
  bool sight_known_ = false;
  Pid pid_;
  double pid_output_w_ = 0.0;
  bool pid_running_ = false;
  double jitter_w_ = 5.0;  ///< lower third of the reading's changes from tick to tick
  double jitter_last_w_ = 0.0;
  MonoTime jitter_at_{};
  double buffered_grid_w_ = 0.0;  ///< slow mean of what a buffering battery leaves on the grid
  bool contradicted_ = false;
  bool asleep_suspected_ = false;
  bool ticked_ = false;
  MonoTime last_tick_{};
  double mean_available_w_ = 0.0, mean_charge_w_ = 0.0;
  bool mean_known_ = false;
  double largest_charge_w_ = 0.0;
  double surplus_w_ = 0.0;  ///< the last one known
  bool has_switches_ = false, uses_forecast_ = false;
  SurplusForecast forecast_;
  BatteryRelease release_;
  std::array<Reading<Watts>, 8> battery_past_{};  ///< newest first
  MonoTime battery_known_at_{};
  MonoTime pv_watch_since_{};
  double pv_watch_w_ = 0.0;
  Recent recent_pv_, recent_battery_;
  std::array<Reason, kMaxMiners> reasons_{};
  GuardVerdicts verdicts_;
};

}  // namespace sluice::control
