#include "control/power_switch.hpp"

#include <algorithm>

namespace sluice::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kReadingFresh = seconds(60);
constexpr Duration kObeysWithin = seconds(15);
constexpr Duration kGivenUp = seconds(60);
constexpr Duration kQuiet = minutes(2);
constexpr double kRestMarginW = 50.0;
constexpr double kPowerlessW = 10.0;  // what the meter of a plug may show of nothing
constexpr Duration kHandsOff = minutes(30);
constexpr Duration kIgnored = seconds(30);  // an order beside the one that raised the alarm
constexpr Duration kDeaf = minutes(5);      // a network that comes back is cheaper than a cut under load
constexpr Duration kShortestBootPatience = minutes(10);
constexpr Duration kProvenAfter = minutes(10);
constexpr Duration kForecastEvery = minutes(1);
constexpr double kSlotS = 900.0;
constexpr LearningRule kBootRule{0.05, 0.15, true};

/// It says something, and since `since`.
bool answers(const MinerObservation& seen, MonoTime since) {
  const bool wrong = seen.identity == IdentityVerdict::wrong;
  const bool told = seen.identity == IdentityVerdict::accepted && seen.state != MinerState::unknown;
  return seen.link == LinkState::up && (wrong || (told && seen.state_at > since));
}

}  // namespace

PowerSwitch::PowerSwitch(const MinerMemory& memory, MonoTime now)
    : since_(now),
      quiet_since_(now),
      ignored_since_(now),
      deaf_since_(now),
      boot_s_(memory.boot_s),
      day_(memory.day),
      cuts_today_(memory.cuts_today) {
  if (memory.envelope_max_w <= 0.0) return;
  envelope_.kind = EnvelopeKind::range;
  envelope_.min = Watts(memory.envelope_min_w);
  envelope_.max = Watts(memory.envelope_max_w);
  most_w_ = memory.envelope_max_w;
}

void PowerSwitch::remember(MinerMemory& memory) const {
  memory.cuts_today = cuts_today_;
  memory.boot_s = boot_s_;
  if (!envelope_.known()) return;
  memory.envelope_min_w = envelope_.min.value();
  memory.envelope_max_w = envelope_.max.value();
}

Duration PowerSwitch::boot() const { return boot_s_.samples > 0 ? from_seconds(boot_s_.value) : kPriorBoot; }

void PowerSwitch::new_day(std::int64_t local_day) {
  if (local_day == 0 || local_day == day_) return;
  if (day_ != 0) cuts_today_ = 0;
  day_ = local_day;
}

void PowerSwitch::enter(Place place, MonoTime now) {
  if (place == Place::cut) {
    ++restarts_;
    dark_ = false;
  }
  place_ = place;
  since_ = now;
  stuck_ = false;
}

void PowerSwitch::open(MonoTime now) {
  enter(Place::opening, now);
  unread_ = now;
  by_hand_ = false;
  ++cuts_today_;
}

void PowerSwitch::close(MonoTime now) {
  enter(Place::booting, now);
  unread_ = now;
  by_hand_ = false;
  unproven_ = true;
}

void PowerSwitch::observe(const MinerObservation& seen, MonoTime now, std::int64_t local_day) {
  new_day(local_day);
  if (seen.envelope.known()) {
    envelope_ = seen.envelope;
    most_w_ = seen.envelope.max.value();
  }
  const bool known = seen.switch_on.fresh(now, kReadingFresh) && seen.switch_on.at > unread_;
  on_known_ = known && seen.switch_on.value;
  off_known_ = known && !seen.switch_on.value;
  drawn_w_ = -1.0;
  if (seen.reported_power.fresh(now, kReadingFresh)) drawn_w_ = seen.reported_power.value.value();
  metered_w_ = seen.switch_power.fresh(now, kReadingFresh) ? seen.switch_power.value.value() : -1.0;
  drawn_w_ = std::max(drawn_w_, metered_w_);
  if (now >= hands_off_until_) by_hand_ = false;
  if (seen.link != LinkState::up) dark_ = true;
  switch (place_) {
    case Place::closed:
      observe_closed(seen, now);
      break;
    case Place::opening:
      if (off_known_) {
        enter(Place::cut, now);
      } else {
        stuck_ = on_known_ && now - since_ >= kObeysWithin;
      }
      break;
    case Place::cut:
      observe_cut(seen, now);
      break;
    case Place::booting:
      observe_booting(seen, now);
      break;
  }
  ever_read_ = ever_read_ || known;
  hidden_ = place_ == Place::booting || (place_ == Place::cut && off_known_ && !stuck_);
}

void PowerSwitch::observe_closed(const MinerObservation& seen, MonoTime now) {
  // What this power brought is seen: it sleeps, or says what it runs at.
  const bool told = answers(seen, since_) && (seen.state == MinerState::asleep || seen.target_readback.usable());
  if (told || now - since_ >= kProvenAfter) unproven_ = false;
  if (!off_known_) return;
  // Found without power, it was us before a restart. Later, somebody else.
  if (ever_read_) {
    by_hand_ = true;
    hands_off_until_ = now + kHandsOff;
  }
  unproven_ = false;
  enter(Place::cut, now);
}

void PowerSwitch::observe_cut(const MinerObservation& seen, MonoTime now) {
  if (on_known_) {  // somebody wants it on
    close(now);
    by_hand_ = true;
    hands_off_until_ = now + kHandsOff;
    return;
  }
  if (!off_known_ || now - since_ < kObeysWithin) return;
  // The contact says that it is open, and power comes through.
  const bool watts = seen.switch_power.fresh(now, kReadingFresh) && seen.switch_power.at > since_ + kObeysWithin &&
                     seen.switch_power.value.value() > kPowerlessW;
  stuck_ = watts || answers(seen, since_ + kObeysWithin);
}

void PowerSwitch::observe_booting(const MinerObservation& seen, MonoTime now) {
  if (on_known_) gave_up_ = false;
  if (answers(seen, since_)) {
    const double took_s = to_seconds(now - since_);
    if (dark_ && took_s > 1.0) teach(boot_s_, boot_dissent_, took_s, 1.0, kBootRule);
    enter(Place::closed, now);
    unread_ = now;
    gave_up_ = false;
    return;
  }
  stuck_ = off_known_ && now - since_ >= kObeysWithin;
  if (off_known_ && now - since_ >= kGivenUp) {
    enter(Place::cut, now);
    unproven_ = false;
    gave_up_ = true;
    return;
  }
  // It never came: from now on it is a miner that does not answer, like any other.
  if (now - since_ >= std::max<Duration>(2 * boot(), kShortestBootPatience)) enter(Place::closed, now);
}

MinerObservation PowerSwitch::shown(const MinerObservation& seen, MonoTime now) const {
  MinerObservation out = seen;
  out.reboots += restarts_;
  if (!hidden_) return out;
  out.link = LinkState::up;
  out.identity = IdentityVerdict::accepted;
  out.state = MinerState::asleep;
  out.state_at = now;
  out.reported_power = out.target_readback = {};
  out.hashrate = out.nominal_hashrate = {};
  out.temperature = {};
  out.pool_alive = {};
  out.tuning = false;
  if (!out.envelope.known()) out.envelope = envelope_;
  return out;
}

Reason PowerSwitch::held(MonoTime now) const {
  if (by_hand_ && place_ == Place::cut) return Reason::switched_off;
  const bool opens = place_ == Place::opening && !stuck_;
  const bool rests = place_ == Place::cut && now - since_ < kSwitchRest;
  return opens || rests ? Reason::waiting_min_off : Reason::none;
}

bool PowerSwitch::quiet(const SwitchWish& wish, MonoTime now) {
  const bool still = wish.at_rest && drawn_w_ >= 0.0 && drawn_w_ < wish.sleep_w + kRestMarginW;
  if (!still) quiet_since_ = now;
  return still && now - quiet_since_ >= kQuiet;
}

bool PowerSwitch::pays(const SwitchWish& wish, MonoTime now) {
  if (slept_ws_ >= wish.boot_cost_ws) return true;
  const double cost_w = wish.sleep_price * wish.sleep_w;
  if (wish.forecast == nullptr || cost_w <= 0.0) return false;
  if (asked_forecast_ != MonoTime{} && now - asked_forecast_ < kForecastEvery) return night_;
  asked_forecast_ = now;
  const double even_s = wish.boot_cost_ws / cost_w;
  std::size_t slot = 0;
  while (slot < kSlotsPerDay && wish.forecast->expected_w(wish.wall, slot) < wish.start_w) ++slot;
  // The slot of now is under way: what is left of it is not counted.
  night_ = static_cast<double>(slot) * kSlotS >= even_s + kSlotS;
  return night_;
}

bool PowerSwitch::due(const SwitchWish& wish, MonoTime now) {
  const bool may = !wish.run && !wish.busy && wish.room && on_known_ && now >= hands_off_until_ &&
                   now - since_ >= kSwitchRest && cuts_today_ < kCutsPerDay;
  return may && pays(wish, now);
}

SwitchOrder PowerSwitch::decide(const SwitchWish& wish, MonoTime now, double dt_s) {
  if (wish.run || place_ != Place::closed) slept_ws_ = 0.0;
  if (wish.at_rest && place_ == Place::closed) slept_ws_ += wish.sleep_price * wish.sleep_w * dt_s;
  if (!wish.ignores_stop) ignored_since_ = now;
  if (!wish.deaf || metered_w_ < wish.sleep_w + kRestMarginW) deaf_since_ = now;
  const bool rests = quiet(wish, now);
  switch (place_) {
    case Place::closed:
      if ((wish.ignores_stop && now - ignored_since_ >= kIgnored) || now - deaf_since_ >= kDeaf ||
          (rests && due(wish, now))) {
        open(now);
      }
      break;
    case Place::opening:
      if (wish.run && stuck_) close(now);
      break;
    case Place::cut:
      if (wish.run && held(now) == Reason::none) close(now);
      break;
    case Place::booting:
      // Nobody can tell it to stop before it answers, and it may begin to hash by itself.
      if (wish.forbidden && !wish.run && !by_hand_ && drawn_w_ < wish.sleep_w + kRestMarginW) open(now);
      break;
  }
  if (by_hand_) return SwitchOrder::leave;
  switch (place_) {
    case Place::opening:
    case Place::cut:
      return SwitchOrder::off;
    case Place::booting:
      return SwitchOrder::on;
    case Place::closed:
      break;
  }
  return SwitchOrder::leave;
}

}  // namespace sluice::control
