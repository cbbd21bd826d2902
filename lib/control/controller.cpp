#include "control/controller.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "control/commitment.hpp"

namespace sluice::control {
namespace {

using std::chrono::seconds;

constexpr Duration kLostAfter = seconds(27);  // as grid_watch.cpp: on the wire within 30 s
constexpr Duration kPvFresh = seconds(10);
// Older, they no longer belong to the grid reading beside them.
constexpr Duration kPvAligned = seconds(5);
constexpr Duration kBatteryAligned = seconds(2);
constexpr Duration kRecent = seconds(6);
constexpr double kImplausibleHouseW = 100.0;
constexpr double kImplausibleHouseShare = 0.03;
// A miner may draw a fifth less than its target says; one that never steps is never measured.
constexpr double kLeastDraw = 0.8;
constexpr std::uint32_t kStepsToKnowDraw = 4;
constexpr double kBufferMeanS = 150.0;    // an exponential mean as long as a 300 s window
constexpr double kBufferedGridW = 150.0;  // beyond it, for long, the battery is at its end, not buffering
constexpr double kBufferedGridS = 15.0;
constexpr double kContradictedMeanS = 4.0;  // of the same mean, while the grid tells that the battery is not buffering
constexpr double kJitterStepW = 0.2;
// A meter shows the house as it was up to so long ago, and does not say so.
constexpr Duration kMeterLate = seconds(3);
constexpr Duration kSeenEachSecond = seconds(2);  // a slower meter shows steps where the sun falls
constexpr double kHeadroomWorthW = 100.0;
constexpr Duration kFullRaiseEvery = seconds(60);
constexpr double kPvStepW = 200.0;
constexpr Duration kPvStepUnseen = seconds(15);
constexpr Duration kOwnStepFresh = seconds(60);
constexpr double kSuspiciousEvidence = 0.8;  // of a step that was clearly turned
constexpr double kStirKept = 0.7;            // a tick: some three seconds
constexpr double kClippedShare = 0.98;
constexpr double kChargesW = 100.0;
constexpr double kStartClearW = 50.0;
constexpr double kStepClearW = 30.0;                  // more than a dead band and a set-point that is missed
constexpr Duration kHeldBuyingAtMost = seconds(300);  // miners that hold still for a commissioning run

const MinerMemory* find(const PersistentState& state, const std::string& name) {
  for (const MinerMemory& miner : state.miners) {
    if (miner.name == name) return &miner;
  }
  return nullptr;
}

}  // namespace

void Controller::Recent::add(double watts, MonoTime at, MonoTime now) {
  if (at != newest_) {
    newest_ = at;
    values_[next_++ % values_.size()] = {watts, at};
    if (watts >= largest_.first) largest_ = {watts, at};
  }
  if (now - largest_.second > kRecent) {
    largest_ = {watts, at};
    for (const auto& value : values_) {
      if (value.second != MonoTime{} && now - value.second <= kRecent) largest_ = std::max(largest_, value);
    }
  }
  most_ = std::max(watts, largest_.first);
}

Controller::Controller(Site site, const PersistentState& memory, MonoTime now, WallTime wall)
    : site_(std::move(site)), started_at_(now), grid_(now), forecast_(memory.surplus), battery_known_at_(now) {
  assert(site_.miners.size() <= kMaxMiners && site_.circuits.size() <= kMaxCircuits);
  units_.reserve(site_.miners.size());
  for (const MinerSite& miner : site_.miners) {
    const MinerMemory* known = find(memory, miner.name);
    const MinerMemory& memory_of_it = known != nullptr ? *known : MinerMemory{};
    units_.emplace_back(miner, memory_of_it, now, wall);
    switches_.emplace_back(memory_of_it, now);
  }
  know_site();
}

void Controller::know_site() {
  has_switches_ = std::any_of(site_.miners.begin(), site_.miners.end(),
                              [](const MinerSite& miner) { return !miner.power_switch.empty(); });
  uses_forecast_ = site_.battery.present || has_switches_;
  order_.clear();
  for (std::size_t i = 0; i < site_.miners.size(); ++i) order_.push_back(static_cast<std::uint8_t>(i));
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::uint8_t a, std::uint8_t b) { return site_.miners[a].priority > site_.miners[b].priority; });
}

void Controller::put_modest_first() {
  const auto before = [&](std::uint8_t a, std::uint8_t b) {
    if (site_.miners[a].priority != site_.miners[b].priority)
      return site_.miners[a].priority > site_.miners[b].priority;
    return units_[a].envelope().known() && units_[b].envelope().known() &&
           units_[a].envelope().min < units_[b].envelope().min;
  };
  for (std::size_t i = 1; i < order_.size(); ++i) {
    for (std::size_t k = i; k > 0 && before(order_[k], order_[k - 1]); --k) std::swap(order_[k], order_[k - 1]);
  }
}

void Controller::reconfigure(Site site) {
  const Site before = std::move(site_);
  site_ = std::move(site);
  std::vector<Unit> units;
  std::vector<PowerSwitch> switches;
  units.reserve(site_.miners.size());
  for (const MinerSite& miner : site_.miners) {
    units.emplace_back(miner, MinerMemory{}, last_tick_, WallTime{});
    switches.emplace_back(MinerMemory{}, last_tick_);
    for (std::size_t i = 0; i < before.miners.size(); ++i) {
      if (before.miners[i].name != miner.name) continue;
      units.back().take_over(units_[i]);
      if (!miner.power_switch.empty() && miner.power_switch == before.miners[i].power_switch)
        switches.back() = switches_[i];
    }
  }
  units_ = std::move(units);
  switches_ = std::move(switches);
  dispatch_ = Dispatch{};
  hidden_ = HiddenSurplus{};
  step_test_.abandon();
  sign_watch_.abandon();
  step_learner_.abandon();
  commission_.end(CommissionEnd::reconfigured);
  know_site();
}

void Controller::remember(PersistentState& state) const {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const std::string& name = site_.miners[i].name;
    auto found = std::find_if(state.miners.begin(), state.miners.end(),
                              [&](const MinerMemory& miner) { return miner.name == name; });
    if (found == state.miners.end()) {
      state.miners.emplace_back();
      found = state.miners.end() - 1;
      found->name = name;
    }
    units_[i].remember(*found);
    if (!site_.miners[i].power_switch.empty()) switches_[i].remember(*found);
  }
  if (uses_forecast_) forecast_.remember(state.surplus);
}

void Controller::look_at_battery(const BatteryObservation& battery) {
  if (!battery.power.usable()) return;
  if (battery.power.at != battery_past_[0].at) {
    std::copy_backward(battery_past_.begin(), battery_past_.end() - 1, battery_past_.end());
    battery_past_[0] = battery.power;
  }
  largest_charge_w_ = std::max(largest_charge_w_, -battery.power.value.value());
}

double Controller::battery_at(MonoTime time) const {
  for (std::size_t i = 0; i + 1 < battery_past_.size(); ++i) {
    const Reading<Watts>& later = battery_past_[i];
    const Reading<Watts>& earlier = battery_past_[i + 1];
    if (time >= later.at || !earlier.usable()) return later.value.value();
    if (time < earlier.at) continue;
    const double share = to_seconds(time - earlier.at) / to_seconds(later.at - earlier.at);
    return earlier.value.value() + share * (later.value - earlier.value).value();
  }
  return battery_past_.back().value.value();
}

std::pair<double, double> Controller::battery_around_reading() const {
  const MonoTime last = grid_.value_time();
  const MonoTime first = last - kMeterLate;
  double least_w = std::min(battery_at(first), battery_at(last));
  double most_w = std::max(battery_at(first), battery_at(last));
  for (const Reading<Watts>& past : battery_past_) {
    if (!past.usable() || past.at <= first || past.at >= last) continue;
    least_w = std::min(least_w, past.value.value());
    most_w = std::max(most_w, past.value.value());
  }
  return {least_w, most_w};
}

double Controller::twins_w(Bound bound) const {
  double sum = 0.0;
  for (const std::uint8_t member : order_) {
    if (units_[member].controllable()) sum += units_[member].metered_w(bound);
  }
  return sum;
}

void Controller::begin_step_tests(MonoTime now) {
  for (const std::uint8_t member : order_) {
    if (!units_[member].just_sent() || !units_[member].controllable()) continue;
    if (step_test_.replaceable(member, now) && sight_known_) {
      const MinerDynamics& dynamics = units_[member].dynamics();
      step_test_.begin(member, last_sight_, dynamics.dead_time + std::max(dynamics.ramp_up, dynamics.ramp_down));
      for (Unit& unit : units_) unit.step_begins();
      // What is still on its way belongs to another step.
      const bool mixed = std::any_of(order_.begin(), order_.end(), [&](std::uint8_t other) {
        return other != member && units_[other].controllable() && !units_[other].settled();
      });
      if (mixed) step_test_.mix();
    } else if (step_test_.running() && step_test_.unit() != member) {
      step_test_.mix();
    }
  }
}

void Controller::test_steps(const Snapshot& snapshot, double battery_w, double twins_low_w, bool sent) {
  StepTest::Sight sight;
  sight.now = snapshot.now;
  sight.grid_w = grid_.power_w();
  sight.others_w = (snapshot.pv.power.usable() ? snapshot.pv.power.value.value() : 0.0) + battery_w;
  sight.buffered = site_.battery.present;
  if (sight_known_) stir_w_ = std::max(std::fabs(sight.others_w - last_sight_.others_w), kStirKept * stir_w_);
  const double refresh_s = std::max(1.0, to_seconds(grid_.refresh()));
  sight.stir_w = refresh_s * stir_w_;
  sight.unseen_w = (refresh_s - 1.0) * stir_w_;
  sight.twin_w = twins_low_w;
  sight.grid_changed_at = grid_.changed_at();
  sight.settled = true;
  std::uint32_t members = 0;
  bool awake = false;
  for (const std::uint8_t member : order_) {
    const Unit& unit = units_[member];
    for (const Bound bound : kBounds) {
      const Twin& twin = unit.twin(bound);
      sight.settled = sight.settled && twin.settled() && std::fabs(unit.metered_w(bound) - twin.power_w()) < 1.0;
    }
    if (unit.controllable()) members |= std::uint32_t{1} << member;
    awake = awake || unit.on();
  }
  if (members != step_members_) {
    step_members_ = members;
    step_test_.abandon();
    sign_watch_.abandon();
    for (Unit& unit : units_) unit.lose_sight();
    sight_known_ = false;
  }
  if (sent) begin_step_tests(snapshot.now);
  FollowWatch::Sight house;
  house.now = sight.now;
  house.fed_w = sight.grid_w + sight.others_w;
  house.stir_w = sight.stir_w;
  house.all_low_w = twins_low_w;
  house.all_high_w = twins_w(Bound::high);
  const bool readable = grid_.verdict(snapshot.now) == GridTrust::good && !throttled(snapshot);
  for (Unit& unit : units_) {
    if (readable && unit.controllable()) unit.look_for_steps(house);
    if (!readable) unit.lose_sight();
  }
  Unit* unit = step_test_.running() ? &units_[step_test_.unit()] : nullptr;
  const StepVerdict verdict = step_test_.judge(sight);
  switch (verdict) {
    case StepVerdict::none:
      if (!step_test_.running()) grid_.suspect(false);
      break;
    case StepVerdict::suspicious:
      grid_.suspect(true);
      break;
    case StepVerdict::frozen:
      grid_.declare_frozen();
      break;
    case StepVerdict::unmoved:
      if (!step_test_.mixed() && !throttled(snapshot)) unit->step_unseen(step_test_.step_w());
      break;
    case StepVerdict::confirmed:
      grid_.sign_confirmed();
      if (step_test_.mixed() || throttled(snapshot)) break;
      if (step_test_.teaches()) {
        unit->learn_step(step_test_.ratio(), step_test_.step_w());
      } else {
        unit->step_seen();
      }
      break;
    case StepVerdict::unclear:
      break;
  }
  if (step_test_.mixed() && (verdict == StepVerdict::confirmed || verdict == StepVerdict::unclear)) {
    const double unexplained_w = (step_test_.ratio() - 1.0) * step_test_.step_w();
    for (const std::uint8_t member : order_) units_[member].steps_together(unexplained_w);
  }
  if (sign_watch_.look(
          {sight.now, sight.grid_w, sight.others_w, sight.stir_w, twins_low_w, house.all_high_w, sight.settled},
          sent)) {
    grid_.declare_sign_flipped(snapshot.now);
  }
  // One clear step is only a suspicion. But when it was the last one, because all went to sleep by it, no second one
  // will follow: it is said once, and the meter gets its next trial when that has run out.
  if (awake) {
    asleep_suspected_ = false;
  } else if (!asleep_suspected_ && sign_watch_.evidence() >= kSuspiciousEvidence) {
    asleep_suspected_ = true;
    grid_.declare_sign_flipped(snapshot.now);
  }
  // Another meter is a witness too: the sun has moved, the grid meter has not moved at all.
  const bool pv_fresh = snapshot.pv.power.fresh(snapshot.now, kPvFresh);
  // Panels that are throttled move with the house, and the meter need not.
  if (!pv_fresh || site_.battery.present || throttled(snapshot) || grid_.changed_at() >= pv_watch_since_) {
    pv_watch_since_ = snapshot.now;
    pv_watch_w_ = pv_fresh ? snapshot.pv.power.value.value() : 0.0;
  } else if (snapshot.now - pv_watch_since_ >= kPvStepUnseen &&
             std::fabs(snapshot.pv.power.value.value() - pv_watch_w_) >= kPvStepW) {
    grid_.declare_frozen();
  }
  last_sight_ = sight;
  sight_known_ = true;
}

bool Controller::window_over(const Snapshot& snapshot) {
  // Readings that only contradict each other may do so because a twin is wrong: that is when learning is needed most.
  const GridTrust trust = grid_.verdict(snapshot.now);
  bool over = step_learner_.over(snapshot.now) || (trust != GridTrust::good && trust != GridTrust::implausible);
  // What moves at the same time ends a window; what it showed until then counts.
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const Unit& unit = units_[i];
    if (step_learner_.unit() != i) {
      over = over || unit.just_sent() || !unit.settled();
      continue;
    }
    const bool retargeted = unit.just_sent() && unit.sent().kind == CommandKind::target;
    if (retargeted) step_learner_.follow(unit.sent().at, unit.sent().goal_w);
    over = over || (unit.just_sent() && !retargeted) || !unit.controllable();
  }
  return over && step_learner_.running();  // too many targets end it without a result
}

void Controller::learn_from_steps(const Snapshot& snapshot, double battery_w, bool sent) {
  if (throttled(snapshot)) step_learner_.abandon();  // throttled sun answers in the meter's place
  if (step_learner_.running() && window_over(snapshot)) {
    Unit& unit = units_[step_learner_.unit()];
    const StepFit fit = step_learner_.finish(unit.guess());
    unit.learn_fit(fit);
    if (commission_.miner() == step_learner_.unit()) commission_.saw(fit);
  }
  if (sent) begin_to_learn(snapshot);
  const bool battery_known = !site_.battery.present || snapshot.battery.power.fresh(snapshot.now, kBatteryAligned);
  if (battery_known && snapshot.pv.power.fresh(snapshot.now, kPvAligned)) {
    const double others_w = snapshot.pv.power.value.value() + battery_w;
    step_learner_.look({grid_.value_time(), grid_.power_w() + others_w, others_w});
  }
}

void Controller::begin_to_learn(const Snapshot& snapshot) {
  if (step_learner_.running() || throttled(snapshot) || grid_.verdict(snapshot.now) != GridTrust::good) return;
  const Unit* moved = nullptr;
  for (const Unit& unit : units_) {
    const bool steps = unit.just_sent() && unit.sent().kind == CommandKind::target && unit.sent().from_rest;
    if (steps && moved == nullptr && unit.controllable()) {
      moved = &unit;
    } else if (unit.just_sent() || !unit.settled()) {
      return;
    }
  }
  if (moved == nullptr) return;
  const Unit::Sent& sent = moved->sent();
  step_learner_.begin(static_cast<std::uint8_t>(moved - units_.data()), sent.at, sent.from_w, sent.goal_w);
}

bool Controller::contradiction(const Snapshot& snapshot, double battery_w) const {
  if (!snapshot.pv.power.fresh(snapshot.now, kPvFresh)) return false;
  double least_mining_w = 0.0;
  for (const Unit& unit : units_) {
    const bool measured = unit.learned().samples >= kStepsToKnowDraw;
    if (unit.controllable()) least_mining_w += (measured ? 1.0 : kLeastDraw) * unit.metered_w(Bound::low);
  }
  // Meters are seconds apart, and a cloud moves kilowatts in that time: the most that was fed in lately is what counts.
  const double pv_w = recent_pv_.most();
  const double house_w = grid_.power_w() + pv_w + std::max(battery_w, recent_battery_.most()) - least_mining_w;
  return house_w < -(kImplausibleHouseW + kImplausibleHouseShare * std::fabs(pv_w));
}

Reason Controller::distrust(const Snapshot& snapshot, const BatteryTerms& battery, bool& hold, AlarmSet& alarms) {
  hold = false;
  if (battery.known) battery_known_at_ = snapshot.now;
  switch (grid_.verdict(snapshot.now)) {
    case GridTrust::good:
      break;
    case GridTrust::stale:
      hold = true;
      return Reason::grid_reading_stale;
    case GridTrust::lost:
      alarms.set(Alarm::grid_meter_lost);
      return Reason::grid_reading_lost;
    case GridTrust::slow:
      alarms.set(Alarm::meter_too_slow);
      return Reason::grid_reading_slow;
    case GridTrust::frozen:
      alarms.set(Alarm::grid_meter_frozen);
      return Reason::grid_meter_frozen;
    case GridTrust::implausible:
      alarms.set(Alarm::readings_implausible);
      hold = true;
      return Reason::readings_implausible;
  }
  if (!battery.known) {  // it may hide or feign any surplus
    hold = snapshot.now - battery_known_at_ < kLostAfter;
    return Reason::readings_implausible;
  }
  return Reason::none;
}

void Controller::look_at_jitter() {
  if (grid_.changed_at() == jitter_at_) return;
  jitter_at_ = grid_.changed_at();
  const double change_w = std::fabs(grid_.power_w() - jitter_last_w_);
  jitter_last_w_ = grid_.power_w();
  // Walks to the 30 % quantile: rare big changes are clouds and kettles, not the meter.
  jitter_w_ = std::clamp(jitter_w_ + (change_w > jitter_w_ ? 0.3 : -0.7) * kJitterStepW, 0.0, 20.0);
}

double Controller::pid_available_w(double middle_w, double grid_w, double dt_s) {
  double have_w = 0.0;
  double most_w = 0.0;
  for (const std::uint8_t member : order_) {
    if (!units_[member].controllable()) continue;
    have_w += units_[member].settled_w();
    most_w += units_[member].max_w();
  }
  if (!pid_running_) pid_output_w_ = have_w;
  pid_running_ = true;
  pid_output_w_ += pid_.change_w(site_.control.pid, middle_w - have_w, grid_w, dt_s);
  // Conditional integration: beyond what the miners can do, and far from what they do, nothing is wound up.
  pid_output_w_ =
      std::clamp(pid_output_w_, std::max(-500.0, have_w - 1000.0), std::min(most_w + 100.0, have_w + 1000.0));
  return pid_output_w_;
}

Budget Controller::budget(const Snapshot& snapshot, double grid_w, double battery_w, BatteryTerms& battery,
                          Decision& decision, double dt_s) {
  Budget out;
  const double target_w = site_.control.grid_target.value();
  const double for_others_w = reserved_w(snapshot);
  const auto [least_battery_w, most_battery_w] = site_.battery.present ? battery_around_reading() : std::pair(0.0, 0.0);
  double middle_surplus_w = 0.0;
  for (const Bound bound : kBounds) {
    battery.power_w = bound == Bound::low ? most_battery_w : least_battery_w;
    const double surplus = surplus_w(grid_w, twins_w(bound), battery);
    middle_surplus_w += 0.5 * surplus;
    out.available_w[static_cast<std::size_t>(bound)] = available_w(surplus, target_w, battery) - for_others_w;
  }
  battery.power_w = battery_w;
  if (uses_forecast_) forecast_.look(snapshot, middle_surplus_w, dt_s);
  const double margin_w = hidden_w(snapshot, grid_w, middle_surplus_w, for_others_w, battery, dt_s);
  for (double& available : out.available_w) available += margin_w;
  const double middle_w = 0.5 * (out.available_w[0] + out.available_w[1]);
  out.charge_w = for_battery_w(middle_surplus_w, battery);
  if (battery.buffers) {
    buffered_grid_w_ += (grid_w - target_w - buffered_grid_w_) * std::min(1.0, dt_s / kBufferedGridS);
    const bool carried = std::fabs(buffered_grid_w_) < kBufferedGridW;
    // A mean that the grid contradicts is soon forgotten: when the grid is quiet again it must not bring back the sun
    // of minutes ago.
    const double memory_s = carried ? kBufferMeanS : kContradictedMeanS;
    const double part = mean_known_ ? std::min(1.0, dt_s / memory_s) : 1.0;
    mean_available_w_ += (middle_w - mean_available_w_) * part;
    mean_charge_w_ += (out.charge_w - mean_charge_w_) * part;
    mean_known_ = true;
    if (carried) {
      out.available_w = {mean_available_w_, mean_available_w_};
      out.charge_w = mean_charge_w_;
      out.buffered = true;
    }
  } else {
    mean_known_ = false;
    buffered_grid_w_ = 0.0;
  }
  if (site_.control.regulation == Regulation::pid) {
    const double wanted_w = pid_available_w(middle_w, grid_w, dt_s);
    out.available_w = {wanted_w, wanted_w};
  }
  out.discharge_w = battery.discharge_w;
  out.export_limit_w = merit_.prices().export_limit_w;
  surplus_w_ = middle_surplus_w;
  out.sun_w = snapshot.pv.power.usable() ? snapshot.pv.power.value.value() : 0.0;
  out.reserved_w = for_others_w;
  out.jitter_w = jitter_w_;
  // Where the feed is limited the sun may be throttled before that can be known; where there is a battery, a fall is
  // what it charges less.
  const bool hidden = site_.export_limit.has_value() || throttled(snapshot) || site_.battery.present;
  out.as_metered = !hidden && site_.control.regulation != Regulation::pid && grid_.refresh() <= kSeenEachSecond;
  out.may_raise = true;
  decision.estimate_valid = true;
  decision.surplus = Watts(middle_surplus_w);
  decision.available = Watts(middle_w);
  decision.reserved = Watts(for_others_w);
  decision.battery_room = Watts(battery.room_w);
  decision.hidden_margin = Watts(margin_w);
  return out;
}

double Controller::hidden_w(const Snapshot& snapshot, double grid_w, double surplus_w, double for_others_w,
                            const BatteryTerms& battery, double dt_s) {
  const PvObservation& pv = snapshot.pv;
  HiddenSight sight;
  sight.now = snapshot.now;
  sight.dt_s = dt_s;
  sight.short_w = grid_w + battery.power_w;
  sight.surplus_w = surplus_w;
  sight.limited = site_.export_limit.has_value() || (pv.curtailed.fresh(snapshot.now, kPvFresh) && pv.curtailed.value);
  if (!sight.limited) return hidden_.look(sight);
  sight.limit_w = site_.export_limit.value_or(Watts(0.0)).value();
  sight.grid_target_w = site_.control.grid_target.value();
  const bool pv_known = pv.power.fresh(snapshot.now, kPvFresh);
  sight.pv_w = pv_known ? pv.power.value.value() : 0.0;
  if (pv.available.fresh(snapshot.now, kPvFresh)) sight.potential_w = pv.available.value.value();
  const double rating_w = site_.inverter_ac_rating.value();
  const bool clipped = rating_w > 0.0 && sight.pv_w >= kClippedShare * rating_w;
  // A battery that takes what is left over throttles nothing.
  sight.releasable = pv_known && !clipped && battery.power_w > -kChargesW;

  sight.settled = true;
  double asleep_w = 0.0, running_min_w = 0.0, running_max_w = 0.0;
  const Unit* next = nullptr;
  for (const std::uint8_t member : order_) {
    const Unit& unit = units_[member];
    if (!unit.controllable()) continue;
    const double low_w = unit.metered_w(Bound::low);
    const double high_w = unit.metered_w(Bound::high);
    sight.drawn_w += 0.5 * (low_w + high_w);
    sight.settled = sight.settled && unit.settled() && std::fabs(low_w - unit.twin(Bound::low).power_w()) < 1.0;
    if (unit.on()) {
      running_min_w += unit.min_w();
      running_max_w += unit.max_w();
      if (unit.adjustable() && unit.target() < unit.envelope().max) {
        sight.can_raise = true;
        const double step_w = unit.envelope().local_step(unit.target() + Watts(1.0)).value();
        sight.least_step_w = std::max(sight.least_step_w, step_w + kStepClearW);
      }
    } else {
      asleep_w += unit.sleep_w();
      const bool rested =
          unit.stopped_at() == MonoTime{} || snapshot.now - unit.stopped_at() >= site_.control.profile.min_off;
      const bool may = rested && snapshot.now >= unit.patience_until() && !snapshot.intents[member].park;
      if (next == nullptr && may && unit.envelope().known()) next = &unit;
    }
  }
  // Whoever mining makes way for finds out by itself what the sun can give.
  const bool alone = for_others_w <= 0.0;
  sight.can_raise = sight.can_raise && alone;
  if (next != nullptr && alone) {
    sight.start_w = std::max(running_min_w + next->min_w(), running_max_w) + asleep_w + kStartClearW;
  }
  return hidden_.look(sight);
}

bool Controller::throttled(const Snapshot& snapshot) const {
  return hidden_.throttled() || (snapshot.pv.curtailed.usable() && snapshot.pv.curtailed.value);
}

void Controller::run_commission(const Snapshot& snapshot, const Budget& budget, double battery_w,
                                std::span<Reason> reasons) {
  const MonoTime now = snapshot.now;
  if (!snapshot.pv.power.fresh(now, kPvFresh)) return commission_.end(CommissionEnd::readings_lost);
  if (!budget.may_raise) return;  // just started: looks first
  const std::size_t walker = commission_.miner();
  Commission::Sight sight;
  sight.settled = true;
  double others_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    sight.settled = sight.settled && units_[i].settled();
    if (reasons[i] == Reason::none) reasons[i] = i == walker ? Reason::commissioning : Reason::held_for_commissioning;
    if (i != walker && units_[i].on() && !units_[i].band.must_run) others_w += units_[i].settled_w();
  }
  sight.watched = step_test_.running() || step_learner_.running();
  sight.readable = snapshot.pv.power.fresh(now, kPvAligned) &&
                   (!site_.battery.present || snapshot.battery.power.fresh(now, kBatteryAligned));
  sight.at = grid_.value_time();
  sight.house_w = grid_.power_w() + snapshot.pv.power.value.value() + battery_w;
  Unit& unit = units_[walker];
  sight.most_w = site_.import_cap.value() > 0.0
                     ? kImportShare * site_.import_cap.value() - grid_.power_w() + unit.twin(Bound::low).power_w()
                     : unit.max_w();
  sight.others_buy = others_w > 0.0 && budget.available_w[1] < others_w;
  sight.buy_at_most = std::min<Duration>(site_.control.max_import_hold, kHeldBuyingAtMost);
  commission_.step(unit, snapshot.miners[walker], sight, site_.control.profile, now);
}

void Controller::name_probes(std::span<const std::uint8_t> members) {
  for (const std::uint8_t member : members) {
    Reason& reason = reasons_[member];
    if (reason == Reason::following_surplus || reason == Reason::settling || reason == Reason::starting) {
      reason = Reason::probing;
    }
  }
}

void Controller::look_at_money(const Snapshot& snapshot, const BatteryTerms& battery, const std::optional<Store>& store,
                               double dt_s) {
  const Merit::Stored stored{store, battery.known && battery.serves, battery.spares};
  merit_.look(units_, site_, snapshot, forecast_, stored, surplus_w_, dt_s);
  leave_headroom(snapshot);
}

void Controller::leave_headroom(const Snapshot& snapshot) {
  if (std::none_of(units_.begin(), units_.end(), [](const Unit& unit) { return unit.band.must_run; })) return;
  const auto [most_w, limit] = import_limit(site_, snapshot, 0.0);
  if (most_w >= kUnlimitedW) return;
  double headroom_w = grid_.verdict(snapshot.now) == GridTrust::good ? most_w - grid_.power_w() : 0.0;
  // What is still on its way up is spoken for.
  for (const Unit& unit : units_) {
    if (unit.on()) headroom_w -= std::max(0.0, unit.settled_w() - unit.twin(Bound::low).at(grid_.value_time()));
  }
  for (const std::uint8_t member : order_) {
    Unit& unit = units_[member];
    Band& band = unit.band;
    if (!band.must_run || !unit.controllable()) continue;
    const double have_w = unit.on() ? std::max(unit.settled_w(), unit.min_w()) : unit.sleep_w();
    if (!unit.on() && have_w + headroom_w < unit.min_w() + kHeadroomWorthW) {
      band.must_run = false;
      band.reason = limit;
      continue;
    }
    // Looked at afresh a minute after every change: until then the meter may not show all of it.
    const bool may_rise = !unit.on() || (unit.adjustable() && snapshot.now - unit.changed_at() >= kFullRaiseEvery);
    const double more_w = std::max(0.0, band.floor_w - have_w);
    const double given_w = may_rise && headroom_w >= kHeadroomWorthW ? std::min(more_w, headroom_w) : 0.0;
    if (given_w < more_w) {
      band.floor_w = have_w + given_w;
      if (may_rise) band.reason = limit;
    }
    headroom_w -= given_w;
  }
}

void Controller::obey_bands(const Snapshot& snapshot, bool trusted) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    Unit& unit = units_[i];
    if (unit.band.must_sleep) {
      reasons_[i] = unit.band.reason;
      if (unit.on()) unit.want_sleep(snapshot.now);
    } else if (!trusted && unit.band.must_run && unit.controllable()) {
      // Nobody sees the sun: what it took beyond what is bought for it goes, and nothing is raised.
      reasons_[i] = unit.on() ? unit.band.reason : Reason::grid_reading_lost;
      if (unit.adjustable() && unit.target() > unit.lowest_target()) {
        unit.want_target(unit.lowest_target(), snapshot.now);
      }
    }
  }
}

void Controller::step(const Snapshot& snapshot, Decision& decision) {
  assert(snapshot.miners.size() == units_.size());
  const MonoTime now = snapshot.now;
  const double dt_s = ticked_ ? std::clamp(to_seconds(now - last_tick_), 0.0, 10.0) : 1.0;
  ticked_ = true;
  last_tick_ = now;
  decision = Decision{};

  grid_.observe(snapshot.grid.power, now);
  presence_.observe(snapshot);
  look_at_battery(snapshot.battery);
  const double battery_w = site_.battery.present ? battery_at(grid_.value_time()) : 0.0;
  BatteryTerms battery;
  std::optional<Store> store;
  if (site_.battery.present) {
    store = store_of(site_.battery, snapshot.battery, now);
    const std::optional<Release> release = release_.step(forecast_, snapshot, store, dt_s);
    battery = battery_terms(site_.battery, snapshot.battery, now, largest_charge_w_, release);
  }
  const bool trusted = grid_.verdict(now) == GridTrust::good && battery.known && !presence_.lost();
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (!site_.miners[i].power_switch.empty()) {
      switches_[i].observe(snapshot.miners[i], now, snapshot.local_day);
      units_[i].power_is(switches_[i]);
      units_[i].observe(switches_[i].shown(snapshot.miners[i], now), now, snapshot.local_day, trusted);
    } else {
      units_[i].observe(snapshot.miners[i], now, snapshot.local_day, trusted);
    }
    reasons_[i] = units_[i].blocked();
  }
  put_modest_first();
  if (snapshot.pv.power.usable()) recent_pv_.add(snapshot.pv.power.value.value(), snapshot.pv.power.at, now);
  if (snapshot.battery.power.usable()) recent_battery_.add(battery_w, snapshot.battery.power.at, now);
  if (grid_.ever_read()) {
    bool sent = false;
    for (Unit& unit : units_) {
      unit.look_at_meter(grid_.value_time());
      sent = sent || (unit.just_sent() && unit.controllable());
    }
    test_steps(snapshot, battery_w, twins_w(Bound::low), sent);
    learn_from_steps(snapshot, battery_w, sent);
    look_at_jitter();
    grid_.contradiction(contradiction(snapshot, battery_w), now);
  }
  bool hold = false;
  const Reason distrusted = distrust(snapshot, battery, hold, decision.alarms);
  // Readings that contradict each other right after an own step: what is believed of the miner may be what is wrong.
  const bool contradicted = distrusted == Reason::readings_implausible;
  if (contradicted && !contradicted_) {
    for (const std::uint8_t member : order_) {
      if (now - units_[member].changed_at() < kOwnStepFresh) units_[member].distrust_learned();
    }
  }
  contradicted_ = contradicted;

  if (!site_.circuits.empty()) {
    limit_to_circuits(units_, site_);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (units_[i].too_small_a_circuit()) reasons_[i] = Reason::circuit_limit;
    }
  }
  look_at_money(snapshot, battery, store, dt_s);
  StaticVector<std::uint8_t, kMaxMiners> members;
  for (const std::uint8_t member : order_) {
    const Unit& unit = units_[member];
    if (!unit.controllable() || unit.too_small_a_circuit() || unit.band.must_sleep || snapshot.intents[member].park) {
      continue;
    }
    const Reason held = has_switches_ ? held_by_switch(snapshot, member) : Reason::none;
    if (held == Reason::none) {
      members.push_back(member);
    } else {
      reasons_[member] = held;
    }
  }
  const std::span<Reason> reasons(reasons_.data(), units_.size());
  commission_.heed(snapshot, units_, site_.control.profile);
  if (presence_.settling(now)) commission_.end(CommissionEnd::grid_lost);
  if (distrusted != Reason::none && !hold) commission_.end(CommissionEnd::readings_lost);
  if (distrusted == Reason::none) {
    Budget now_budget = budget(snapshot, grid_.power_w(), battery_w, battery, decision, dt_s);
    now_budget.may_raise = now - started_at_ >= site_.control.profile.start_quiet && !snapshot.shutting_down;
    const bool may_start = !presence_.settling(now) && !snapshot.park_all && !snapshot.shutting_down;
    if (commission_.running()) {
      run_commission(snapshot, now_budget, battery_w, reasons);
    } else {
      dispatch_.run(units_, {members.begin(), members.size()}, site_, now_budget, may_start, now, dt_s, reasons);
      if (hidden_.probing()) name_probes({members.begin(), members.size()});
    }
  } else {
    mean_known_ = false;
    hidden_.interrupt();
    pid_.reset();
    pid_running_ = false;
    for (const std::uint8_t member : members) reasons_[member] = distrusted;
  }
  if (!commission_.running()) obey_bands(snapshot, distrusted == Reason::none);
  guard(units_, site_, snapshot, presence_, hold ? Reason::none : distrusted,
        grid_.verdict(now) == GridTrust::good ? grid_.power_w() : 0.0, reasons, verdicts_);
  if (!verdicts_.cuts[commission_.miner()].empty()) commission_.end(CommissionEnd::guard);

  decision.alarms.set(Alarm::grid_lost, presence_.lost());
  decision.alarms.set(Alarm::generator_running, presence_.generator());
  decision.hold_battery = merit_.hold_battery();
  if (has_switches_) decide_power(snapshot, distrusted == Reason::none, dt_s);
  write(snapshot, decision);
}

Reason Controller::held_by_switch(const Snapshot& snapshot, std::size_t index) const {
  const PowerSwitch& power = switches_[index];
  const Unit& unit = units_[index];
  if (site_.miners[index].power_switch.empty() || unit.on()) return Reason::none;
  const Reason held = power.held(snapshot.now);
  if (held != Reason::none || !power.cut()) return held;
  if (unit.site->circuit != kNoCircuit) {
    double circuit_w = power.most_w();
    for (const Unit& other : units_) {
      if (&other != &unit && other.site->circuit == unit.site->circuit) circuit_w += other.worst_w();
    }
    if (circuit_w > site_.circuits[unit.site->circuit].continuous_limit.value()) return Reason::circuit_limit;
  }
  const auto [most_w, limit] = import_limit(site_, snapshot, 0.0);
  return grid_.power_w() + power.most_w() > most_w ? limit : Reason::none;
}

void Controller::decide_power(const Snapshot& snapshot, bool trusted, double dt_s) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (site_.miners[i].power_switch.empty()) continue;
    PowerSwitch& power = switches_[i];
    const Unit& unit = units_[i];
    const MinerObservation& seen = snapshot.miners[i];
    const AlarmSet alarms = unit.alarms();
    const bool learns = snapshot.intents[i].learn != 0 && snapshot.intents[i].learn != commission_.report().run;
    SwitchWish wish;
    wish.run = unit.on() || (learns && held_by_switch(snapshot, i) == Reason::none);
    wish.at_rest = unit.reachable() && !unit.on() && seen.state == MinerState::asleep &&
                   !alarms.has(Alarm::miner_over_temperature) && !alarms.has(Alarm::miner_ignores_stop);
    wish.busy = commission_.running() && commission_.miner() == i;
    wish.ignores_stop = alarms.has(Alarm::miner_ignores_stop);
    const bool unwanted = snapshot.intents[i].park || unit.band.must_sleep || !trusted || surplus_w_ < 0.0;
    wish.deaf = alarms.has(Alarm::miner_unreachable) && !unit.band.must_run && unwanted;
    wish.forbidden = !verdicts_.cuts[i].empty();
    const std::uint8_t circuit = unit.site->circuit;
    wish.room = circuit == kNoCircuit || power.most_w() <= site_.circuits[circuit].continuous_limit.value();
    wish.sleep_w = unit.sleep_w();
    // Bought energy, and what it would have brought in a miner; while there is sun to spare only the latter.
    wish.sleep_price = surplus_w_ < 0.0 ? 1.0 + std::max(0.0, unit.band.leak_price) : 1.0;
    wish.boot_cost_ws = boot_cost_ws(unit, site_.control.profile, to_seconds(power.boot()));
    wish.start_w = unit.min_w();
    const bool sun_only = unit.site->strategy == Strategy::solar && snapshot.wall_sane;
    if (sun_only && forecast_.known(snapshot.wall)) wish.forecast = &forecast_;
    wish.wall = snapshot.wall;
    power_[i] = power.decide(wish, snapshot.now, dt_s);
    Reason& reason = reasons_[i];
    if (unit.without_power() && unit.on()) {
      reason = Reason::booting;
    } else if (power.cut() && (reason == Reason::none || reason == Reason::waiting_for_surplus)) {
      reason = Reason::power_cut;
    }
  }
}

void Controller::write(const Snapshot& snapshot, Decision& decision) const {
  decision.tick = snapshot.tick;
  decision.now = snapshot.now;
  decision.wall = snapshot.wall;
  decision.commission = commission_.report();
  double mining_w = 0.0;
  decision.miners.resize(units_.size());
  for (std::size_t i = 0; i < decision.miners.size(); ++i) {
    const Unit& unit = units_[i];
    MinerDecision& miner = decision.miners[i];
    const bool commandable = unit.blocked() != Reason::wrong_identity && unit.blocked() != Reason::identity_unverified;
    // Somebody else's for the moment: only told to sleep, and only when safety wants it.
    const bool left_alone = unit.blocked() == Reason::manual_override && unit.wanted() != CommandKind::sleep;
    miner.without_power = unit.without_power();
    miner.wanted = commandable && !left_alone && !miner.without_power ? unit.wanted() : CommandKind::none;
    miner.power = power_[i];
    miner.target = unit.target();
    miner.sequence = unit.sequence();
    miner.urgent = verdicts_.urgent[i];
    miner.reason = reasons_[i];
    miner.cuts = verdicts_.cuts[i];
    miner.alarms = unit.alarms();
    miner.alarms.set(Alarm::switch_stuck, switches_[i].stuck());
    miner.learned = unit.learned();
    if (unit.envelope().known()) {
      if (unit.band.must_run) miner.worth_buying = unit.lowest_target();
      if (unit.band.keeps && !unit.band.must_sleep) miner.worth_keeping = unit.highest_target();
    }
    miner.expected_power = Watts(0.5 * (unit.twin(Bound::low).power_w() + unit.twin(Bound::high).power_w()));
    if (unit.reachable()) mining_w += miner.expected_power.value();
  }
  decision.mining = Watts(mining_w);
  if (decision.estimate_valid && snapshot.pv.power.fresh(snapshot.now, kPvFresh)) {
    const double battery_w = site_.battery.present ? battery_past_[0].value.value() : 0.0;
    decision.house_load = Watts(grid_.power_w() + snapshot.pv.power.value.value() + battery_w - mining_w);
  }
}

}  // namespace sluice::control
