#include "control/unit.hpp"

#include <algorithm>
#include <cmath>

#include "control/step_test.hpp"

namespace sluice::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// How far the truth may lie from the firmware's own numbers, as long as nothing was learned: the meter's own delay is
// inside the late dead time.
constexpr double kPriorLateS = 3.0;
constexpr double kQuicker = 1.5;
constexpr double kSlower = 1.6;
// What is learned is never believed to be better than this: meters are sampled, commands queue in the miner.
constexpr LearningRule kDeadRule{0.4, 0.6, false};
constexpr LearningRule kRampRule{0.08, 0.15, true};
constexpr LearningRule kWakeRule{0.05, 0.15, true};
constexpr LearningRule kReportRule{0.02, 0.1, true};
constexpr std::uint32_t kSamplesToName = 3;    // from here on the learned number stands for the firmware's
constexpr Duration kReportFresh = seconds(5);  // a poll
constexpr Duration kSameStep = seconds(40);    // as the learner's window
constexpr int kMisfits = 3;
constexpr Duration kWakeSeenWithin = seconds(15);

constexpr Duration kUnreachableAlarm = seconds(60);
constexpr Duration kOverride = minutes(30);
constexpr Duration kOwnEcho = seconds(25);
constexpr Duration kStrangeRemembered = minutes(5);
constexpr Duration kRetryFailed = seconds(10);
constexpr int kQuickRetries = 20;
constexpr Duration kRetrySlowly = seconds(60);  // also what was refused
constexpr int kStopsToName = 3;
constexpr Duration kHealthPatience = minutes(10);
constexpr Duration kIdleFirst = minutes(10);
constexpr Duration kIdleLongest = minutes(120);
constexpr double kHashrateGone = 0.30;  // of what the firmware expects
// Turning round so soon after a change, without the sun as a reason, is the loop chasing its own late answer.
constexpr Duration kChase = seconds(20);
constexpr double kChaseW = 40.0;
constexpr double kCautionStepS = 2.0;
constexpr double kCautionMostS = 16.0;
constexpr double kSwingW = 20.0;
constexpr double kAlike = 0.4;
constexpr int kSwingsOfAWrongModel = 4;
constexpr double kCautionOfAllTrustS = 6.0;
constexpr double kMostTrust = 0.4;  // beyond it a fast cut is made twice and climbed back from
constexpr double kCautionLeft = 0.5;
constexpr int kTimedToKnow = 2;
constexpr double kCautionForgottenPerSecond = 1.0 / 600.0;
constexpr double kTooHotC = 95.0;
constexpr double kCoolEnoughC = 80.0;
constexpr double kLieShare = 0.25, kLieW = 50.0;
constexpr Duration kAcquitted = minutes(5);
constexpr int kFollowedSteps = 2;
constexpr int kUnseenEnough = 8, kUnseenStep = 4, kUnseenButReported = 2, kUnseenByAnHonestOne = 1;
constexpr std::uint32_t kHonestReports = 5;  // steps of which meter and miner said the same
constexpr double kWholeMinerShare = 0.8;
constexpr double kLargeStepW = 500.0;
constexpr Duration kDoubted = minutes(10);
// A lost or mistrusted miner may draw this much more than it was told to.
constexpr double kUnreachableMargin = 1.10;
// A date that changes again so soon is a clock that jumps about, not another day.
constexpr Duration kShortestDay = std::chrono::hours(12);

double rate(Duration ramp, double span_w, double otherwise) {
  const double ramp_s = to_seconds(ramp);
  return ramp_s > 0.05 ? std::max(span_w, 1.0) / ramp_s : otherwise;
}

// Faster than any meter can see: the ramp of a firmware that declares none.
constexpr double kInstantly = 1e6;

double likeliest(const LearnedValue& learned, double declared) {
  return learned.samples >= kSamplesToName ? learned.value : declared;
}

}  // namespace

Unit::Unit(const MinerSite& miner, const MinerMemory& memory, MonoTime now, WallTime wall) : site(&miner) {
  learned_ = memory.learned;
  starts_today_ = memory.starts_today;
  writes_today_ = memory.writes_today;
  day_ = memory.day;
  // After a reboot, or with a date that makes no sense, the minimum times begin again from now.
  const auto ago = [&](std::int64_t then_ms) {
    const Duration age = wall - from_unix_ms(then_ms);
    return then_ms > 0 && age > Duration::zero() && age < std::chrono::hours(24) ? now - age : MonoTime{};
  };
  started_at_ = ago(memory.last_start_unix_ms);
  stopped_at_ = ago(memory.last_stop_unix_ms);
  TwinDynamics nothing;
  low_.reset(now, Twin::Mode::asleep, 0.0, nothing);
  high_.reset(now, Twin::Mode::asleep, 0.0, nothing);
}

void Unit::power_is(const PowerSwitch& power) {
  if (power.cut() != cut_) modelled_ = false;  // asleep it draws something else
  cut_ = power.cut();
  without_power_ = power.without_power();
  boot_s_ = cut_ ? to_seconds(power.boot()) : 0.0;
  may_come_to_w_ = power.may_come_to_w();
}

double Unit::sleep_w() const {
  if (cut_) return 0.0;
  return learned_.sleep_w >= 0.0 ? learned_.sleep_w : dynamics_.sleep_power.value();
}

double Unit::wake_s() const { return learned_.wake_s.samples > 0 ? learned_.wake_s.value : to_seconds(dynamics_.wake); }

std::int32_t Unit::writes_left() const {
  return dynamics_.writes_per_day > 0 ? std::max(0, dynamics_.writes_per_day - writes_today_) : 1 << 20;
}

double Unit::worst_w() const {
  const double gain = std::max(1.0, learned_.draw_gain);
  double worst = std::max({low_.power_w(), high_.power_w(), on() ? gain * target_.value() : 0.0});
  worst = std::max(worst, may_come_to_w_);
  if (fed_sequence_ != sequence_) worst = std::max(worst, gain * previous_target_.value());
  if (mistrusted()) {
    const bool may_run = on() || high_.mode() != Twin::Mode::asleep;
    worst = std::max(worst, may_run ? most_w(max(target_, previous_target_)) : sleep_w());
  }
  return worst;
}

double Unit::most_w(Watts target) const {
  const double margin = mistrusted() ? kUnreachableMargin : 1.0;
  return std::max(1.0, learned_.draw_gain) * clamp(firmware_max_, target, margin * target).value();
}

bool Unit::model_holds(const MinerObservation& seen) const {
  return modelled_ && seen.envelope == modelled_envelope_ && seen.dynamics == modelled_dynamics_ &&
         caution_s_ == modelled_caution_s_;
}

void Unit::refresh_model(const MinerObservation& seen) {
  modelled_ = true;
  modelled_envelope_ = seen.envelope;
  modelled_dynamics_ = seen.dynamics;
  modelled_caution_s_ = caution_s_;
  dynamics_ = seen.dynamics;
  if (seen.envelope.known()) {
    const Watts high = site->max_power.value() > 0.0 ? site->max_power : seen.envelope.max;
    envelope_ = seen.envelope.limited(site->min_power, high);
    firmware_max_ = seen.envelope.max;
  }
  const double span_w = envelope_.known() ? (envelope_.max - envelope_.min).value() : 2000.0;
  const double top_w = envelope_.known() ? envelope_.max.value() : 3000.0;
  const double declared_up = rate(dynamics_.ramp_up, span_w, kInstantly);
  const double declared_down = rate(dynamics_.ramp_down, span_w, kInstantly);
  const Interval dead = believed(learned_.dead_time_s, {0.0, to_seconds(dynamics_.dead_time) + kPriorLateS}, kDeadRule);
  const Interval up = believed(learned_.ramp_up_w_per_s, {declared_up / kSlower, declared_up * kQuicker}, kRampRule);
  const Interval down =
      believed(learned_.ramp_down_w_per_s, {declared_down / kSlower, declared_down * kQuicker}, kRampRule);
  const Interval wake = believed(learned_.wake_s, {wake_s() / kQuicker, wake_s() * kSlower}, kWakeRule);
  const double early_s = std::max(0.0, dead.low - caution_s_);
  const double late_s = std::max(0.0, dead.high) + caution_s_;
  const Duration stopping = dynamics_.stop > Duration::zero() ? dynamics_.stop : dynamics_.ramp_down;
  const double stop = rate(stopping, top_w, kInstantly);
  TwinDynamics& low = low_dynamics_;
  TwinDynamics& high = high_dynamics_;
  low.sleep_w = high.sleep_w = sleep_w();
  low.min_w = high.min_w = envelope_.known() ? min_w() : 0.0;
  low.dead_up_s = high.dead_down_s = late_s;
  low.dead_down_s = high.dead_up_s = early_s;
  low.up_w_per_s = up.low;
  high.up_w_per_s = up.high;
  low.down_w_per_s = down.high;
  high.down_w_per_s = down.low;
  low.stop_w_per_s = stop * kQuicker;
  high.stop_w_per_s = stop / kSlower;
  low.wake_s = wake.high;
  high.wake_s = wake.low;

  // For all who only want to know how slow it is.
  if (learned_.dead_time_s.samples >= kSamplesToName) dynamics_.dead_time = from_seconds(learned_.dead_time_s.value);
  up_w_per_s_ = likeliest(learned_.ramp_up_w_per_s, declared_up);
  down_w_per_s_ = likeliest(learned_.ramp_down_w_per_s, declared_down);
  if (learned_.ramp_up_w_per_s.samples >= kSamplesToName) dynamics_.ramp_up = from_seconds(span_w / up_w_per_s_);
  if (learned_.ramp_down_w_per_s.samples >= kSamplesToName) dynamics_.ramp_down = from_seconds(span_w / down_w_per_s_);
  if (learned_.wake_s.samples > 0) dynamics_.wake = from_seconds(learned_.wake_s.value);
}

void Unit::observe(const MinerObservation& seen, MonoTime now, std::int64_t local_day, bool trusted) {
  new_day(local_day, now);
  caution_s_ = std::max(0.0, caution_s_ - kCautionForgottenPerSecond * std::max(0.0, to_seconds(now - observed_at_)));
  observed_at_ = now;
  just_sent_ = false;
  too_small_a_circuit_ = false;
  if (!model_holds(seen)) refresh_model(seen);
  // Anew each tick: a miner that says it sleeps hurries its twins for one.
  low_.set_dynamics(low_dynamics_);
  high_.set_dynamics(high_dynamics_);

  const bool link_up = seen.link == LinkState::up;
  if (!link_up && !link_down_) down_since_ = now;
  link_down_ = !link_up;
  alarms_.set(Alarm::miner_unreachable, link_down_ && now - down_since_ >= kUnreachableAlarm);
  alarms_.set(Alarm::miner_wrong_identity, seen.identity == IdentityVerdict::wrong);
  alarms_.set(Alarm::miner_fault, seen.state == MinerState::fault);
  reachable_ = link_up && seen.identity == IdentityVerdict::accepted;

  if (seen.reboots != reboots_) {  // it starts over with whatever it keeps: look again, and nobody is to blame
    reboots_ = seen.reboots;
    adopted_ = false;
    resent_ = 0;
    strange_targets_ = 0;
  }
  if (!adopted_ && reachable_ && seen.state != MinerState::unknown) adopt(seen, now);

  sent_.from_rest = low_.mode() == Twin::Mode::running && settled();
  sent_.from_w = low_.power_w();
  if (is_news(seen.delivered)) feed(seen.delivered, now);
  if (is_news(seen.command)) feed(seen.command, now);
  low_.advance(now);
  high_.advance(now);
  if (reachable_ && seen.state_at > answered_at_ && fed_sequence_ == sequence_) {
    if (seen.state == MinerState::running && on()) {
      low_.seen_running();
      high_.seen_running();
    } else if (seen.state == MinerState::waking && on()) {
      low_.seen_waking(true);
      high_.seen_waking(false);
    } else if (seen.state == MinerState::asleep && !on()) {
      low_.seen_asleep();
      high_.seen_asleep();
    } else if (!on() && seen.state != MinerState::unknown && seen.state != MinerState::fault) {
      high_.seen_awake(seen.state_at, drawn_w(target_));
    }
  }

  learn_wake(seen);
  if (seen.reported_power.usable()) {
    reported_now_w_ = seen.reported_power.value.value();
    reported_at_ = seen.reported_power.at;
    reported_known_ = true;
    acquit(now);
  }
  if (adopted_ && reachable_) check_followed(seen, now, trusted);
  check_health(seen, now);

  controllable_ = adopted_ && reachable_ && envelope_.known() && now >= override_until_ &&
                  seen.state != MinerState::fault && now >= hot_until_ && now >= idle_until_;
  if (seen.identity == IdentityVerdict::wrong) {
    blocked_ = Reason::wrong_identity;
  } else if (!link_up) {
    blocked_ = Reason::miner_unreachable;
  } else if (!reachable_) {
    blocked_ = Reason::identity_unverified;
  } else if (now < override_until_) {
    blocked_ = Reason::manual_override;
  } else if (seen.state == MinerState::fault) {
    blocked_ = Reason::miner_fault;
  } else if (now < hot_until_) {
    blocked_ = Reason::over_temperature;
  } else if (now < idle_until_) {
    blocked_ = idle_reason_;
  } else if (!envelope_.known() || !adopted_) {
    blocked_ = Reason::envelope_unknown;
  } else {
    blocked_ = Reason::none;
  }
}

Watts Unit::found(const MinerObservation& seen) const {
  // Beyond the owner's limit it is seen as it is: the guard can only lower what is known to be too much.
  const Envelope& envelope = seen.envelope.known() ? seen.envelope : envelope_;
  return clamp(seen.target_readback.value, envelope.min, envelope.max);
}

void Unit::adopt(const MinerObservation& seen, MonoTime now) {
  if (!envelope_.known()) return;
  adopted_ = true;
  const bool up = seen.state == MinerState::running || seen.state == MinerState::waking;
  target_ = envelope_.min;
  if (seen.target_readback.usable()) {
    target_ = found(seen);
  } else if (seen.reported_power.usable()) {
    target_ = envelope_.floor(seen.reported_power.value);
  }
  previous_target_ = confirmed_target_ = target_;
  heard(target_);
  wanted_ = up ? CommandKind::target : CommandKind::sleep;
  const Twin::Mode mode = seen.state == MinerState::waking ? Twin::Mode::waking
                          : up                             ? Twin::Mode::running
                                                           : Twin::Mode::asleep;
  const double power_w = mode == Twin::Mode::running ? drawn_w(target_) : sleep_w();
  low_.reset(now, mode, power_w, low_dynamics_);
  high_.reset(now, mode, power_w, high_dynamics_);
  if (mode == Twin::Mode::waking) {
    low_.wake(now, drawn_w(target_));
    high_.wake(now, drawn_w(target_));
  }
  // What it was told before, if anything, no longer counts: it was seen.
  fed_sequence_ = sequence_;
  acknowledged_ = true;
  answered_at_ = now;
  after_wake_ = true;
}

void Unit::feed(const CommandRecord& record, MonoTime now) {
  const bool is_new = record.sequence != fed_sequence_;
  if (is_new && record.kind != CommandKind::sleep && record.status != CommandStatus::queued) heard(record.target);
  if (record.status == CommandStatus::sent || record.status == CommandStatus::acknowledged) {
    // Levels are rounded by the miner: what it says it took is what it will draw.
    const bool corrected = !is_new && record.target != fed_target_ && record.kind != CommandKind::sleep;
    if (is_new || corrected) {
      const double goal_w = drawn_w(record.target);
      for (Twin* twin : {&low_, &high_}) {
        if (record.kind == CommandKind::sleep) twin->sleep(record.sent_at);
        if (record.kind == CommandKind::wake) twin->wake(record.sent_at, goal_w);
        if (record.kind == CommandKind::target) twin->run_at(record.sent_at, goal_w);
      }
    }
    if (is_new) {
      ++writes_today_;
      just_sent_ = true;
      sent_.kind = record.kind;
      sent_.at = record.sent_at;
      sent_.goal_w = drawn_w(record.target);
      // One that was on its way already, or at work, tells nothing of how long it takes.
      wake_sent_ = record.kind == CommandKind::wake && said_asleep_ ? record.sent_at : MonoTime{};
      wake_overdue_ = false;
    }
    fed_target_ = record.target;
  } else if (record.status != CommandStatus::refused && record.status != CommandStatus::failed) {
    return;  // still waits for the wire
  }
  fed_sequence_ = record.sequence;
  fed_status_ = record.status;
  if (record.sequence != sequence_ || record.status == CommandStatus::sent) return;
  answered_at_ = record.answered_at;
  if (record.status == CommandStatus::acknowledged) {
    acknowledged_ = true;
    after_wake_ = record.kind == CommandKind::wake;
    if (record.kind != CommandKind::sleep && record.target.value() > 0.0) target_ = record.target;
    return;
  }
  const bool refused = record.status == CommandStatus::refused;
  // It is never given up: what could not be told for an hour may be a stop.
  patience_until_ = now + (refused || resent_ >= kQuickRetries ? kRetrySlowly : kRetryFailed);
  // A refused target leaves the miner where it was; what failed may or may not have arrived.
  if (refused && wanted_ == CommandKind::target) target_ = previous_target_;
  if (refused && wanted_ == CommandKind::wake) wanted_ = CommandKind::sleep;
}

void Unit::look_at_meter(MonoTime at) {
  metered_at_ = at;
  metered_w_ = {low_.at(at), high_.at(at)};
}

void Unit::check_followed(const MinerObservation& seen, MonoTime now, bool trusted) {
  const bool may_resend = trusted || wanted_ == CommandKind::sleep;
  const bool failed = fed_status_ == CommandStatus::failed || fed_status_ == CommandStatus::refused;
  if (failed && !acknowledged_ && fed_sequence_ == sequence_ && sequence_ != 0) {
    if (wanted_ == CommandKind::sleep && seen.state == MinerState::asleep) return;
    // Untrusted, nothing is sent again, and a twin that does what the miner never heard of may alone be what the
    // readings contradict.
    const MonoTime heard_by = answered_at_ + dynamics_.dead_time + seconds(2);
    if (!may_resend && on() && seen.state == MinerState::running && seen.target_readback.usable() &&
        seen.target_readback.at > heard_by) {
      adopted_ = false;
      return;
    }
    if (now < patience_until_ || wanted_ == CommandKind::none || !may_resend) return;
    if (wanted_ == CommandKind::sleep && resent_ >= kStopsToName) alarms_.set(Alarm::miner_ignores_stop);
    resend(now);
    return;
  }
  if (!acknowledged_ || fed_sequence_ != sequence_ || sequence_ == 0) return;
  const double dead_s = to_seconds(dynamics_.dead_time) + 3.0;

  // Told to sleep and still at work: sent again, and again, with an alarm.
  const bool at_work = seen.state == MinerState::running || seen.state == MinerState::waking;
  // While it wakes, firmware may hear it only once that is over.
  const double waking_s = seen.state == MinerState::waking ? kSlower * wake_s() : 0.0;
  const Duration stop_patience = from_seconds(2.0 * (dead_s + to_seconds(dynamics_.ramp_down)) + waking_s + 20.0);
  if (wanted_ == CommandKind::sleep && at_work && seen.state_at > answered_at_ + stop_patience) {
    if (resent_ >= 1) alarms_.set(Alarm::miner_ignores_stop);
    resend(now);
    return;
  }
  // Told to wake and still asleep.
  const Duration wake_patience = from_seconds(2.0 * (dead_s + wake_s()) + 30.0);
  if (on() && seen.state == MinerState::asleep && seen.state_at > answered_at_ + wake_patience) {
    // Untrusted, nothing is woken again, and the twin must not go on drawing what the miner does not: that alone may be
    // what the readings contradict.
    if (resent_ >= 1 || !may_resend) {
      ignores_targets_ = true;
      patience_until_ = now + minutes(10);
      wanted_ = CommandKind::sleep;
      stopped_at_ = now;
      resent_ = 0;
      return;
    }
    wanted_ = CommandKind::wake;
    resend(now);
    return;
  }
  if (wanted_ == CommandKind::sleep && seen.state == MinerState::asleep) {
    resent_ = 0;
    if (sent_.kind == CommandKind::sleep) ignores_targets_ = false;  // it does as it is told, again
  }
  // A target that is not ours: lost, if it is the one that was last confirmed; somebody else's otherwise.
  const bool comparable = on() && seen.state == MinerState::running && seen.target_readback.usable() &&
                          seen.target_readback.at > answered_at_ + seconds(2);
  if (!comparable || seen.target_readback.at == compared_at_) return;
  compared_at_ = seen.target_readback.at;
  const double difference_w = std::fabs((seen.target_readback.value - target_).value());
  // A range is rounded by the miner; the next level is another target.
  const double rounding = envelope_.kind == EnvelopeKind::levels ? 0.5 : 1.01;
  const double tolerance_w = std::max({rounding * envelope_.local_step(target_).value(), 0.02 * target_.value(), 10.0});
  if (difference_w <= tolerance_w) {
    confirmed_target_ = seen.target_readback.value;
    // Two who command in turn agree now and then, and what the other one says may stand for seconds only.
    if (now - strange_at_ > kStrangeRemembered) strange_targets_ = 0;
    resent_ = 0;
    ignores_targets_ = false;
    return;
  }
  if (after_wake_) {  // woken firmware runs at the target it kept, or gets ours late: what it says is its target now
    target_ = found(seen);
    previous_target_ = target_;
    heard(target_);
    low_.run_at(now, drawn_w(target_));
    high_.run_at(now, drawn_w(target_));
    return;
  }
  // Firmware may name a target only once it acts on it: any of our own last ones is not a stranger's.
  // A command may have waited minutes for its turn before it was heard.
  const bool just_heard = now - std::max(changed_at_, answered_at_) < kOwnEcho + dynamics_.dead_time;
  for (const Watts recent : heard_targets_) {
    if (just_heard && std::fabs((seen.target_readback.value - recent).value()) <= tolerance_w) return;
  }
  strange_at_ = now;
  if (++strange_targets_ < 2) return;
  strange_targets_ = 0;
  const bool unmoved = std::fabs((seen.target_readback.value - confirmed_target_).value()) <= tolerance_w;
  if (unmoved && resent_ < 2) {
    ignores_targets_ = resent_ >= 1;
    if (may_resend) resend(now);
    return;
  }
  override_until_ = now + kOverride;
  target_ = found(seen);
  previous_target_ = target_;
  wanted_ = CommandKind::none;
  adopted_ = false;  // looked at afresh when the half hour is over
}

void Unit::check_health(const MinerObservation& seen, MonoTime now) {
  if (wanted_ != CommandKind::sleep || seen.state == MinerState::asleep) {
    alarms_.set(Alarm::miner_ignores_stop, false);
  }
  alarms_.set(Alarm::miner_manual_override, now < override_until_);
  // One that sleeps as told has no target to follow; whether it follows the next one is as doubtful as before.
  const bool at_rest = wanted_ == CommandKind::sleep && seen.state == MinerState::asleep;
  doubted_ = unseen_ >= kUnseenEnough || (doubted_since_ != MonoTime{} && now - doubted_since_ >= kDoubted);
  alarms_.set(Alarm::miner_not_following, ignores_targets_ || (doubted_ && !at_rest));

  if (seen.temperature.fresh(now, minutes(2))) {
    const double hottest_c = seen.temperature.value.value();
    if (hottest_c >= kTooHotC) hot_until_ = now + minutes(5);
    if (now < hot_until_ && hottest_c > kCoolEnoughC) hot_until_ = std::max(hot_until_, now + seconds(30));
  }
  alarms_.set(Alarm::miner_over_temperature, now < hot_until_);

  const bool hashing_expected = on() && seen.state == MinerState::running && settled();
  const bool pool_bad = hashing_expected && seen.pool_alive.fresh(now, minutes(2)) && !seen.pool_alive.value;
  const bool hash_bad = hashing_expected && !seen.tuning && seen.hashrate.fresh(now, minutes(2)) &&
                        seen.nominal_hashrate.fresh(now, minutes(2)) && seen.nominal_hashrate.value.value() > 0.0 &&
                        seen.hashrate.value / seen.nominal_hashrate.value < kHashrateGone;
  if (pool_bad && !pool_bad_) bad_pool_since_ = now;
  if (hash_bad && !hash_bad_) bad_hash_since_ = now;
  pool_bad_ = pool_bad;
  hash_bad_ = hash_bad;
  const bool pool_dead = pool_bad && now - bad_pool_since_ >= kHealthPatience;
  const bool hashrate_gone = hash_bad && now - bad_hash_since_ >= kHealthPatience;
  if (pool_dead || hashrate_gone) {
    idle_for_ = idle_for_ == Duration::zero() ? Duration(kIdleFirst) : std::min<Duration>(2 * idle_for_, kIdleLongest);
    idle_until_ = now + idle_for_;
    idle_reason_ = pool_dead ? Reason::pool_dead : Reason::hashrate_gone;
    alarms_.set(pool_dead ? Alarm::miner_pool_dead : Alarm::miner_hashrate_gone);
  } else if (hashing_expected && !pool_bad && !hash_bad && now >= idle_until_ && now - started_at_ >= kHealthPatience) {
    alarms_.set(Alarm::miner_pool_dead, false);
    alarms_.set(Alarm::miner_hashrate_gone, false);
    idle_for_ = Duration::zero();
  }
}

void Unit::heard(Watts target) { heard_targets_[next_heard_++ % heard_targets_.size()] = target; }

void Unit::resend(MonoTime now) {
  ++sequence_;
  ++resent_;
  acknowledged_ = false;
  changed_at_ = now;
}

void Unit::limit_to(double cap_w) {
  if (!envelope_.known()) return;
  // As `worst_w` will count it: what dispatch may give is what the guard lets stand.
  if (most_w(envelope_.max) <= cap_w) return;
  const Watts cap(cap_w / std::max(1.0, learned_.draw_gain) / (mistrusted() ? kUnreachableMargin : 1.0));
  const Envelope limited = envelope_.limited(envelope_.min, cap);
  too_small_a_circuit_ = !limited.known();
  if (!limited.known()) return;
  envelope_ = limited;
  modelled_ = false;  // for this tick only
}

void Unit::chased(double step_w, double sun_change_w, MonoTime now) {
  const bool turned = step_w > 0.0 ? lowered_at_ > raised_at_ : raised_at_ > lowered_at_;
  if (!turned) return;
  // One swing of the target is over, from turn to turn.
  const double swing_w = std::fabs((target_ - turned_at_target_).value());
  const bool alike = swing_w >= kSwingW && swing_w > kAlike * last_swing_w_ && last_swing_w_ > kAlike * swing_w;
  const bool quick = now - turned_at_ <= 2 * kChase + from_seconds(caution_s_);
  swings_ = alike && quick ? swings_ + 1 : 0;
  last_swing_w_ = swing_w;
  turned_at_target_ = target_;
  turned_at_ = now;
  if (std::fabs(step_w) < kChaseW || now - changed_at_ > kChase + from_seconds(caution_s_)) {
    if (swings_ < kSwingsOfAWrongModel) return;
  }
  if (sun_change_w * step_w > 0.0 && std::fabs(sun_change_w) > 0.5 * std::fabs(step_w)) return;
  // Who has seen how late the miner is knows that loads and clouds turn round too, but not time after time alike.
  const bool known = learned_.dead_time_s.samples >= kSamplesToName;
  if (known && swings_ < kSwingsOfAWrongModel) return;
  caution_s_ = std::min(caution_s_ + kCautionStepS, kCautionMostS);
}

double Unit::calm() const { return std::max(0.0, 1.0 - caution_s_ / kCautionOfAllTrustS); }

double Unit::trust() const { return learned_.dead_time_s.samples < kSamplesToName ? 0.0 : kMostTrust * calm(); }

double Unit::knows_its_echo() const { return timed_ < kTimedToKnow ? 0.0 : calm(); }

void Unit::want_target(Watts target, MonoTime now) {
  if (target > target_) raised_at_ = now;
  if (target < target_) lowered_at_ = now;
  previous_target_ = target_;
  target_ = target;
  wanted_ = CommandKind::target;
  ++sequence_;
  changed_at_ = now;
  acknowledged_ = false;
  resent_ = 0;
}

void Unit::want_wake(Watts target, MonoTime now) {
  previous_target_ = target;
  target_ = target;
  wanted_ = CommandKind::wake;
  ++sequence_;
  changed_at_ = started_at_ = raised_at_ = now;
  acknowledged_ = false;
  resent_ = 0;
  ++starts_today_;
  start_account_ws = stop_account_ws = 0.0;
  start_true = stop_true = false;
}

void Unit::want_sleep(MonoTime now) {
  if (wanted_ == CommandKind::sleep) return;
  previous_target_ = target_;
  wanted_ = CommandKind::sleep;
  ++sequence_;
  changed_at_ = stopped_at_ = lowered_at_ = now;
  acknowledged_ = false;
  resent_ = 0;
  start_account_ws = stop_account_ws = 0.0;
  start_true = stop_true = false;
}

void Unit::want_nothing() { wanted_ = CommandKind::none; }

void Unit::learn_step(double ratio, double step_w) {
  step_seen();
  confirmed_at_ = observed_at_;
  // The step shows the slope; an offset is taken up by the balance itself. Small steps say less: loads move too.
  const double seen_gain = learned_.draw_gain * ratio;
  const double weight = std::min(learned_.samples < 4 ? 0.5 : 0.2, std::fabs(step_w) / 3000.0);
  learn_draw(learned_.draw_gain + weight * (std::clamp(seen_gain, 0.6, 1.5) - learned_.draw_gain));
  ++relearn().samples;
  // The test ends three seconds after the slower twin has settled: a much older report may be one from under way.
  // And one under way when the step began had reported more, or less, than it drew by then.
  if (reported_known_ && sent_.from_rest && observed_at_ - reported_at_ <= kReportFresh) {
    const double reported_step_w = reported_now_w_ - reported_before_w_;
    const double real_step_w = ratio * step_w;
    if (std::fabs(real_step_w) >= kLargeStepW) {
      teach(relearn().report_gain, report_dissent_, reported_step_w / real_step_w, 1.0, kReportRule);
    }
    // A load that came or went meanwhile is in the meter's step, and not in what the miner should have done.
    const double off_w = std::min(std::fabs(reported_step_w - real_step_w), std::fabs(reported_step_w - step_w));
    const bool lie = off_w > kLieShare * std::fabs(real_step_w) + kLieW;
    lies_ = lie ? std::min(lies_ + 1, 5) : std::max(lies_ - 1, 0);
    if (lies_ >= 3) alarms_.set(Alarm::miner_lying);
  }
}

void Unit::acquit(MonoTime now) {
  const bool tells = lies_ > 0 && on() && low_.mode() == Twin::Mode::running && settled();
  const double off_w = std::fabs(reported_now_w_ - settled_w());
  if (!tells || off_w > kLieShare * settled_w() + kLieW) {
    honest_since_ = now;
  } else if (now - honest_since_ >= kAcquitted) {
    honest_since_ = now;
    --lies_;
  }
  if (lies_ == 0) alarms_.set(Alarm::miner_lying, false);
}

void Unit::learn_draw(double gain) {
  const double before_w = drawn_w(target_);
  relearn().draw_gain = gain;
  if (!on()) return;
  low_.shift(drawn_w(target_) - before_w);
  high_.shift(drawn_w(target_) - before_w);
  look_at_meter(metered_at_);
}

void Unit::learn_commissioned(double sleep_w, double wake_s) {
  relearn().sleep_w = sleep_w;
  // In the place of the miner's own word, which may be early.
  const bool word_fits = learned_.wake_s.samples > 0 &&
                         std::fabs(learned_.wake_s.value - wake_s) <= half_width(learned_.wake_s, kWakeRule);
  if (!word_fits) relearn().wake_s = {wake_s, kWakeRule.first, 1};
}

void Unit::learn_fit(const StepFit& fit) {
  if (!fit.fits) {
    // The meter showed this step, and nothing that was ever learned, or may be true instead, looks like it.
    if (observed_at_ - confirmed_at_ < kSameStep && ++misfits_ >= kMisfits) {
      misfits_ = timed_ = 0;
      distrust_learned();
    }
    return;
  }
  misfits_ = 0;
  if (fit.dead_known) {
    timed_ = std::min(timed_ + 1, kTimedToKnow);
    step_seen();
    teach(relearn().dead_time_s, dead_dissent_, fit.dead_s, fit.weight, kDeadRule);
    // A load that comes and goes looks like chasing. What the meter shows of an own step says which of the two it was:
    // now that its time is known, there is less to be cautious about.
    caution_s_ *= kCautionLeft;
  }
  if (!fit.ramp_known) return;
  LearnedValue& ramp = fit.up ? relearn().ramp_up_w_per_s : relearn().ramp_down_w_per_s;
  teach(ramp, fit.up ? up_dissent_ : down_dissent_, fit.ramp_w_per_s, fit.weight, kRampRule);
}

void Unit::distrust_learned() {
  distrust(relearn().dead_time_s, kDeadRule);
  distrust(relearn().ramp_up_w_per_s, kRampRule);
  distrust(relearn().ramp_down_w_per_s, kRampRule);
}

void Unit::learn_wake(const MinerObservation& seen) {
  said_asleep_ = seen.state == MinerState::asleep;
  if (wake_sent_ == MonoTime{} || seen.state_at <= wake_sent_) return;
  if (seen.state == MinerState::waking) {
    seen_waking_ = seen.state_at;
    // One that is parked before it ever runs would never teach that it takes longer than was learned.
    const double longest_s = low_dynamics_.dead_up_s + low_dynamics_.wake_s;
    if (to_seconds(seen.state_at - wake_sent_) > longest_s && !wake_overdue_) {
      wake_overdue_ = true;
      distrust(relearn().wake_s, kWakeRule);
    }
  }
  if (seen.state != MinerState::running) return;
  // It began to run between two words of it; somewhere in between, if they are not far apart.
  if (seen_waking_ > wake_sent_ && seen.state_at - seen_waking_ <= kWakeSeenWithin) {
    const double took_s = 0.5 * (to_seconds(seen.state_at - wake_sent_) + to_seconds(seen_waking_ - wake_sent_));
    const double wake_s = took_s - to_seconds(dynamics_.dead_time);
    if (wake_s > 1.0) teach(relearn().wake_s, wake_dissent_, wake_s, 1.0, kWakeRule);
  }
  wake_sent_ = MonoTime{};
}

void Unit::step_unseen(double step_w) {
  // Steps answer kettles and clouds, and another one of these may cancel such a step; a hob that goes on and off does
  // so again and again. Then the miner's own word counts as much as the meter's, as long as there is not too much of
  // it.
  const bool fresh = reported_known_ && observed_at_ - reported_at_ <= kReportFresh;
  // It may have been under way when the step began, and have reported that; at the end it is at rest.
  const double by_step_w = std::fabs(reported_now_w_ - reported_before_w_ - step_w);
  const double at_rest_w = std::fabs(reported_now_w_ - likeliest(learned_.report_gain, 1.0) * settled_w());
  const double off_w = std::min(by_step_w, at_rest_w);
  const bool reported = fresh && off_w < kLieShare * std::fabs(step_w) + kLieW;
  // Of a miner that does nothing the balance stays wrong and asks for the next step, unless it stands at its end. A
  // whole miner is hardly ever cancelled.
  const bool whole = std::fabs(step_w) >= kWholeMinerShare * max_w();
  const bool honest = lies_ == 0 && learned_.report_gain.samples >= kHonestReports;
  unseen_ += (whole ? 2 : 1) * (!reported ? kUnseenStep : honest ? kUnseenByAnHonestOne : kUnseenButReported);
  followed_steps_ = 0;
  if (!reported && std::fabs(step_w) >= kLargeStepW && doubted_since_ == MonoTime{}) doubted_since_ = observed_at_;
}

void Unit::steps_together(double unexplained_w) {
  const double mine_w = std::fabs(metered_w(Bound::low) - before_step_w_);
  // Had it stood still, all of its own step would be missing.
  if (mine_w >= kSmallestTestW && std::fabs(unexplained_w) < kSeenWithin * mine_w) step_seen();
}

void Unit::look_closer(FollowWatch::Sight house) {
  house.mine_low_w = metered_w(Bound::low);
  house.mine_high_w = metered_w(Bound::high);
  switch (follow_watch_.look(house)) {
    case FollowWatch::Verdict::none:
      return;
    case FollowWatch::Verdict::stood_still:
      followed_steps_ = 0;
      return;
    case FollowWatch::Verdict::followed:
      break;
  }
  // A load that comes at the right moment looks like one step of it, not like two: as many as it takes to doubt it.
  const bool whole = std::fabs(follow_watch_.step_w()) >= kWholeMinerShare * max_w();
  followed_steps_ += whole ? kFollowedSteps : 1;
  if (followed_steps_ >= kFollowedSteps) step_seen();
}

void Unit::new_day(std::int64_t local_day, MonoTime now) {
  if (local_day == 0 || local_day == day_) return;
  if (day_renewed_at_ != MonoTime{} && now - day_renewed_at_ < kShortestDay) return;
  const bool first_date = day_ == 0;  // what was counted before belongs to this day
  day_ = local_day;
  day_renewed_at_ = now;
  if (first_date) return;
  starts_today_ = 0;
  writes_today_ = 0;
}

void Unit::remember(MinerMemory& memory) const {
  memory.learned = learned_;
  memory.starts_today = starts_today_;
  memory.writes_today = writes_today_;
  memory.day = day_;
}

void Unit::take_over(const Unit& before) {
  const MinerSite* mine = site;
  *this = before;
  site = mine;
  modelled_ = false;
}

}  // namespace sluice::control
