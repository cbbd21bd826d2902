#pragma once
/// One miner inside the controller: what was decided for it, what was sent, its twins, what was learned of it, and
/// whether it does as it was told.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/time.hpp"
#include "control/band.hpp"
#include "control/learned.hpp"
#include "control/power_switch.hpp"
#include "control/step_learner.hpp"
#include "control/step_test.hpp"
#include "control/twin.hpp"
#include "control/worthwhile.hpp"
#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/miner.hpp"
#include "model/site.hpp"

namespace sluice::control {

/// The two curves that bracket what a miner may be drawing.
enum class Bound : std::uint8_t { low, high };
inline constexpr std::array<Bound, 2> kBounds{Bound::low, Bound::high};

class Unit {
 public:
  Unit() = default;
  Unit(const MinerSite& site, const MinerMemory& memory, MonoTime now, WallTime wall);

  // --- once a tick, before anything is decided -------------------------------------------------------------------
  /// Takes in what the miner's thread saw: link, identity, state, envelope, the fate of the last command; feeds and
  /// advances the twins; finds out whether somebody else commands it or it does not follow.
  /// Lost targets and wakes are sent again only while `trusted`: grid and battery can be read, and the grid is there.
  void observe(const MinerObservation& seen, MonoTime now, std::int64_t local_day, bool trusted);

  /// Before `observe`, of the switch before it.
  void power_is(const PowerSwitch& power);

  /// The instant of the grid reading that this tick's balance is written at.
  void look_at_meter(MonoTime at);

  // --- what is known ---------------------------------------------------------------------------------------------
  /// May be commanded as part of the surplus: reachable, identified, nobody else's, not at fault.
  bool controllable() const { return controllable_; }
  /// It can be told to sleep, whatever else is wrong with it.
  bool reachable() const { return reachable_; }
  Reason blocked() const { return blocked_; }
  /// It neither hears nor does anything: cut, or still booting.
  bool without_power() const { return without_power_; }
  AlarmSet alarms() const { return alarms_; }
  /// Decided to run (also while it is still waking).
  bool on() const { return wanted_ != CommandKind::sleep && wanted_ != CommandKind::none; }
  /// On, and past its waking: takes new targets.
  bool adjustable() const {
    return on() && low_.mode() == Twin::Mode::running && high_.mode() == Twin::Mode::running && envelope_.known();
  }
  bool waking() const { return on() && !adjustable(); }
  const Envelope& envelope() const { return envelope_; }
  /// The firmware's own, with what was learned in their place.
  const MinerDynamics& dynamics() const { return dynamics_; }
  const LearnedMiner& learned() const { return learned_; }
  CommandKind wanted() const { return wanted_; }
  Watts target() const { return target_; }
  /// Watts it will draw once the decided target has settled.
  double settled_w() const { return on() ? drawn_w(target_) : sleep_w(); }
  double drawn_w(Watts target) const { return learned_.draw_gain * target.value() + learned_.draw_offset_w; }
  Watts target_for(double drawn_w) const { return Watts((drawn_w - learned_.draw_offset_w) / learned_.draw_gain); }
  double min_w() const { return drawn_w(envelope_.min); }
  double max_w() const { return drawn_w(envelope_.max); }
  /// It knows nothing between asleep and its one power: a plug, stock firmware.
  bool one_power() const { return envelope_.max <= envelope_.min; }
  /// The ends of what it may draw while it runs, by its band; within [min_w, max_w].
  double lowest_w() const { return band.must_run ? std::clamp(band.floor_w, min_w(), max_w()) : min_w(); }
  double highest_w() const { return std::clamp(band.ceiling_w, lowest_w(), max_w()); }
  /// The same as targets that it can hold.
  Watts lowest_target() const { return band.must_run ? held_target(lowest_w()) : envelope_.min; }
  Watts highest_target() const {
    return band.ceiling_w < max_w() ? max(lowest_target(), held_target(highest_w())) : envelope_.max;
  }
  double sleep_w() const;
  double wake_s() const;
  /// The wake, and before it the boot of one that is without power.
  double start_s() const { return std::max(wake_s(), 1.0) + boot_s_; }
  const Twin& twin(Bound bound) const { return bound == Bound::low ? low_ : high_; }
  /// What the twin drew when the grid reading was true that `look_at_meter` was last told of.
  double metered_w(Bound bound) const { return metered_w_[static_cast<std::size_t>(bound)]; }
  bool settled() const { return low_.settled() && high_.settled(); }
  /// The most it may be drawing now, for limits: both twins, what is on the way, and a lost command.
  double worst_w() const;
  std::int32_t starts_today() const { return starts_today_; }
  std::int32_t writes_left() const;
  MonoTime changed_at() const { return changed_at_; }
  MonoTime raised_at() const { return raised_at_; }
  MonoTime lowered_at() const { return lowered_at_; }
  MonoTime started_at() const { return started_at_; }
  MonoTime stopped_at() const { return stopped_at_; }
  /// After a refusal or failure: nothing is raised or started before this time.
  MonoTime patience_until() const { return patience_until_; }
  std::uint64_t sequence() const { return sequence_; }
  /// A new command of this unit reached the wire since the last tick.
  bool just_sent() const { return just_sent_; }
  /// The newest command that reached the wire, and from where it moves the miner; in watts of the meter.
  struct Sent {
    CommandKind kind = CommandKind::none;
    MonoTime at{};
    double goal_w = 0.0;
    double from_w = 0.0;
    bool from_rest = false;  ///< it ran, and had settled before
  };
  const Sent& sent() const { return sent_; }

  // What `drawn_w` made of a target must not come back a step lower.
  Watts held_target(double drawn_w) const { return envelope_.floor(target_for(drawn_w) + Watts(1e-6)); }

  /// Its circuit leaves `cap_w` for it. Below its minimum it cannot run at all.
  void limit_to(double cap_w);
  bool too_small_a_circuit() const { return too_small_a_circuit_; }

  // --- deciding --------------------------------------------------------------------------------------------------
  void want_target(Watts target, MonoTime now);
  /// Before a change of `step_w` by the trimmer, while the sun moved by `sun_change_w` since the last one: turning
  /// round too soon without a reason makes the slow twin slower, until the loop rests.
  void chased(double step_w, double sun_change_w, MonoTime now);
  /// 0 until its dead time is learned; then how far the likeliest answer of the two twins counts, 0…1: less when acting
  /// on it was chasing.
  double trust() const;
  /// How far a fall of the surplus is the sun's and not the own echo, 0…1: 0 until the meter has shown when own steps
  /// arrive, whatever was remembered of that; less when acting was chasing.
  double knows_its_echo() const;
  void want_wake(Watts target, MonoTime now);
  void want_sleep(MonoTime now);
  /// Leave it alone: nothing new is sent.
  void want_nothing();

  // --- learning --------------------------------------------------------------------------------------------------
  /// An own step of this unit alone showed `ratio` of itself on the grid meter.
  void learn_step(double ratio, double step_w);
  /// A step test begins: what it reports and draws now is what it did before.
  void step_begins() {
    reported_before_w_ = reported_now_w_;
    before_step_w_ = metered_w(Bound::low);
  }
  /// Several moved in one test; of what all of them should have changed, the meter shows `unexplained_w` more.
  void steps_together(double unexplained_w);
  /// What the samples around a step showed of the dead time and a ramp.
  void learn_fit(const StepFit& fit);
  /// What was learned of its dynamics is believed less: something contradicts it.
  void distrust_learned();
  StepGuess guess() const { return {up_w_per_s_, down_w_per_s_}; }
  /// Drawn watts a watt of target, from a commissioning run.
  void learn_draw(double gain);
  /// What it draws asleep, and how long it takes to its minimum power, as the meter showed it (commission.cpp).
  void learn_commissioned(double sleep_w, double wake_s);
  /// The meter saw the last step, too roughly to learn from.
  void step_seen() {
    unseen_ = followed_steps_ = 0;
    doubted_since_ = MonoTime{};
  }
  /// The meter did not see the last step at all.
  void step_unseen(double step_w);
  /// Of one whose steps were missed: `house` (its own part is filled in) may show that it follows nevertheless.
  void look_for_steps(const FollowWatch::Sight& house) {
    if (unseen_ != 0 || doubted_since_ != MonoTime{}) return look_closer(house);
    follow_watch_.abandon();
  }
  /// Others are in the sums of the house than before.
  void lose_sight() { follow_watch_.abandon(); }

  void remember(MinerMemory& memory) const;
  void take_over(const Unit& before);

  // what it may draw, and the choices behind that (merit.cpp)
  Band band;
  Worthwhile buys{false}, keeps{true};
  // energies of start and stop (commitment.cpp), watt-seconds
  double start_account_ws = 0.0;
  double stop_account_ws = 0.0;
  MonoTime start_since{};  ///< classic form: condition true since
  MonoTime stop_since{};
  bool start_true = false;
  bool stop_true = false;
  // what standing still has cost the trimmer (dispatch.cpp), watt-seconds
  double raise_account_ws = 0.0;
  double lower_account_ws = 0.0;
  double mean_error_w = 0.0;  ///< of the last seconds
  const MinerSite* site = nullptr;

 private:
  void adopt(const MinerObservation& seen, MonoTime now);
  /// The target that it is found at, whoever gave it: within its firmware's envelope, not always within ours.
  Watts found(const MinerObservation& seen) const;
  /// Envelope, dynamics and what the twins go by, from the miner's word and what was learned of it.
  void refresh_model(const MinerObservation& seen);
  /// Nothing that `refresh_model` rests on has changed since it last ran.
  bool model_holds(const MinerObservation& seen) const;
  /// What was learned, to be changed: the model is made anew of it.
  LearnedMiner& relearn() {
    modelled_ = false;
    return learned_;
  }
  double calm() const;
  void learn_wake(const MinerObservation& seen);
  /// Steps that show whether it tells the truth may be hours apart: at rest, what it draws is known too.
  void acquit(MonoTime now);
  void look_closer(FollowWatch::Sight house);
  void feed(const CommandRecord& record, MonoTime now);
  /// `feed` has not taken it in yet, or not in this state.
  bool is_news(const CommandRecord& record) const {
    if (record.sequence == 0 || record.sequence < fed_sequence_) return false;
    return record.sequence != fed_sequence_ || record.status != fed_status_;
  }
  void check_followed(const MinerObservation& seen, MonoTime now, bool trusted);
  void check_health(const MinerObservation& seen, MonoTime now);
  void heard(Watts target);
  void resend(MonoTime now);
  void new_day(std::int64_t local_day, MonoTime now);
  /// It may draw more than it was told to. Asleep, where nothing is to be seen of that, as much as before: what the
  /// next wake may draw must be counted before it is given.
  bool mistrusted() const { return !reachable_ || ignores_targets_ || doubted_; }
  /// The most that it may draw at `target`. However little it obeys, beyond its firmware's maximum it does not go.
  double most_w(Watts target) const;

  bool adopted_ = false;
  bool reachable_ = false;
  bool controllable_ = false;
  bool too_small_a_circuit_ = false;
  bool cut_ = false, without_power_ = false;
  double boot_s_ = 0.0;         ///< beside its wake; 0 while it has power
  double may_come_to_w_ = 0.0;  ///< unasked, because its power has just come back
  Reason blocked_ = Reason::miner_unreachable;
  AlarmSet alarms_;
  Envelope envelope_;
  Watts firmware_max_{};  ///< the last one known
  MinerDynamics dynamics_;
  LearnedMiner learned_;  ///< changed through `relearn` only
  Dissent dead_dissent_, up_dissent_, down_dissent_, wake_dissent_, report_dissent_;
  MonoTime confirmed_at_{};                       ///< the meter showed a step in full
  int misfits_ = 0;                               ///< of such steps, in a row: no dead time and no ramp explains them
  int timed_ = 0;                                 ///< steps whose dead time was seen, since the start
  double up_w_per_s_ = 0.0, down_w_per_s_ = 0.0;  ///< the likeliest ramps
  Twin low_, high_;
  TwinDynamics low_dynamics_, high_dynamics_;
  MonoTime metered_at_{};
  std::array<double, 2> metered_w_{};  ///< by Bound
  // what the model was made of
  bool modelled_ = false;
  Envelope modelled_envelope_;
  MinerDynamics modelled_dynamics_;
  double modelled_caution_s_ = 0.0;

  CommandKind wanted_ = CommandKind::none;
  Watts target_{};
  /// Last ones that the miner was at or may have heard: as many as may be sent before it names the first of them.
  std::array<Watts, 32> heard_targets_{};
  std::size_t next_heard_ = 0;
  Watts confirmed_target_{};  ///< last one that the miner itself named
  Watts previous_target_{};   ///< before the last change: a lost command leaves the miner there
  std::uint64_t sequence_ = 0;
  std::uint64_t fed_sequence_ = 0;
  CommandStatus fed_status_ = CommandStatus::none;
  Watts fed_target_{};
  MonoTime answered_at_{};
  bool just_sent_ = false;
  Sent sent_;
  bool said_asleep_ = false;   ///< its last word
  MonoTime wake_sent_{};       ///< a wake is under way whose end teaches
  bool wake_overdue_ = false;  ///< it takes longer than was believed possible
  MonoTime seen_waking_{};     ///< newest word of the miner that it still wakes
  bool acknowledged_ = false;
  bool after_wake_ = false;  ///< the last acknowledged command was a wake: its target may have been ignored

  MonoTime changed_at_{}, raised_at_{}, lowered_at_{}, started_at_{}, stopped_at_{};
  MonoTime patience_until_{};
  MonoTime override_until_{};
  MonoTime down_since_{};
  MonoTime bad_hash_since_{}, bad_pool_since_{}, hot_until_{};
  MonoTime idle_until_{};  ///< pool dead or hashrate gone: asleep until then
  Reason idle_reason_ = Reason::none;
  Duration idle_for_{};
  bool link_down_ = false, hash_bad_ = false, pool_bad_ = false;
  int resent_ = 0;
  int strange_targets_ = 0;
  MonoTime compared_at_{}, strange_at_{};
  bool ignores_targets_ = false;
  bool doubted_ = false;  ///< own steps were not seen
  double caution_s_ = 0.0;
  // swings of the trimmer's target, from turn to turn
  Watts turned_at_target_{};
  MonoTime turned_at_{};
  double last_swing_w_ = 0.0;
  int swings_ = 0;  ///< in a row, quick and alike
  MonoTime observed_at_{};
  int unseen_ = 0;            ///< evidence of steps that were not seen, since one was
  int followed_steps_ = 0;    ///< of a fleet that moved, since one was missed
  MonoTime doubted_since_{};  ///< a large one was not
  FollowWatch follow_watch_;
  std::uint32_t reboots_ = 0;
  std::int64_t day_ = 0;
  MonoTime day_renewed_at_{};
  std::int32_t starts_today_ = 0;
  std::int32_t writes_today_ = 0;
  double reported_before_w_ = 0.0;
  double before_step_w_ = 0.0;
  bool reported_known_ = false;
  double reported_now_w_ = 0.0;
  MonoTime reported_at_{};
  int lies_ = 0;
  MonoTime honest_since_{};
};

}  // namespace sluice::control
