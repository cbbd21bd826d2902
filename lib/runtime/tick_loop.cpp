#include "runtime/tick_loop.hpp"

#include <algorithm>
#include <cassert>

#include "model/names.hpp"
#include "runtime/snapshot_builder.hpp"

namespace sluice::runtime {
namespace {

constexpr Duration kRememberEach = std::chrono::minutes(1);  // in memory; the keeper writes it far less often
constexpr Duration kWallStep = std::chrono::seconds(2);
constexpr Duration kWallDoubt = std::chrono::seconds(60);
constexpr const char* kReleased = "reserve_released";

}  // namespace

TickLoop::TickLoop(Doors doors, std::shared_ptr<const Crew> crew)
    : doors_(std::move(doors)),
      crew_(std::move(crew)),
      curves_(doors_.keeper.state()),
      last_start_(doors_.clock.now()),
      next_remember_(doors_.clock.now() + kRememberEach),
      wall_offset_(doors_.clock.wall_now().time_since_epoch() - last_start_.time_since_epoch()) {
  for (const MinerMemory& miner : doors_.keeper.state().miners) {
    if (miner.driven) driven_.insert(miner.name);
    if (!miner.cut_by.empty()) cut_.insert(miner.cut_by);
  }
}

void TickLoop::grid_arrived() {
  {
    const std::lock_guard lock(mutex_);
    grid_arrived_ = true;
  }
  wake_.notify_all();
}

bool TickLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_all();
  return true;
}

void TickLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

std::shared_ptr<const TickView> TickLoop::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

/// Waits until a tick is to start, doing posted tasks meanwhile. False: stop.
bool TickLoop::wait_for_turn() {
  const Duration period = crew_->period;
  // Where readings set the beat, the clock steps in a little after them, or the two would race for every tick.
  const MonoTime by_clock = last_start_ + period + (started_by_reading_ ? period / 10 : Duration{});
  const MonoTime earliest = last_start_ + period / 2;
  std::unique_lock lock(mutex_);
  while (!stopping_ || !tasks_.empty()) {
    if (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
      continue;
    }
    const MonoTime now = doors_.clock.now();
    if (now >= by_clock || (grid_arrived_ && now >= earliest)) break;
    doors_.clock.wait_until(lock, wake_, grid_arrived_ ? earliest : by_clock);
  }
  if (stopping_) return false;
  started_by_reading_ = grid_arrived_;
  grid_arrived_ = false;
  const MonoTime now = doors_.clock.now();
  if (now - (last_start_ + period) > period / 2) ++stats_.late_ticks;
  // By the clock the beat is kept exactly, unless it was lost.
  const bool on_beat = !started_by_reading_ && now - by_clock < period / 2;
  last_start_ = on_beat ? by_clock : now;
  return true;
}

void TickLoop::run() {
  while (wait_for_turn()) tick();
}

bool TickLoop::wall_sane(MonoTime now, WallTime wall) {
  const Duration offset = wall.time_since_epoch() - now.time_since_epoch();
  const Duration moved = offset > wall_offset_ ? offset - wall_offset_ : wall_offset_ - offset;
  if (moved > kWallStep) wall_doubted_until_ = now + kWallDoubt;
  wall_offset_ = offset;
  return doors_.clock.wall_sane() && now >= wall_doubted_until_;
}

std::shared_ptr<Snapshot> TickLoop::freeze(TickView& view) {
  for (const auto& poller : crew_->pollers) {
    for (std::size_t i = 0; i < poller->size(); ++i) view.devices.push_back(poller->report(i));
  }
  auto snapshot = std::make_shared<Snapshot>();
  for (std::size_t i = 0; i < crew_->workers.size(); ++i) {
    view.miners.push_back(crew_->workers[i]->report());
    snapshot->miners.push_back(view.miners.back()->seen);
    observe_switch(view.devices, crew_->site.miners[i].power_switch, snapshot->miners.back());
    snapshot->intents[i].park = doors_.intents.parked(crew_->workers[i]->name());
    snapshot->intents[i].learn = doors_.intents.learning(crew_->workers[i]->name(), doors_.real_clock.now());
  }
  snapshot->tick = stats_.ticks;
  // Read after the reports: nothing in the picture is younger than the picture.
  snapshot->now = doors_.clock.now();
  snapshot->wall = doors_.clock.wall_now();
  snapshot->wall_sane = wall_sane(snapshot->now, snapshot->wall);
  snapshot->local_day = snapshot->wall_sane ? crew_->local_day(snapshot->wall) : 0;
  snapshot->grid = grid_observation(view.devices);
  snapshot->pv = pv_observation(view.devices);
  snapshot->battery = battery_observation(view.devices);
  snapshot->battery.hold_unavailable = std::ranges::any_of(
      crew_->pollers, [](const std::shared_ptr<DevicePoller>& poller) { return poller->hold_unavailable(); });
  snapshot->yield_to = yielding_.look(crew_->site.yield_to, view.devices, reserve_covered_, snapshot->now);
  if (crew_->money) snapshot->money = crew_->money(snapshot->now, snapshot->wall, snapshot->wall_sane);
  if (crew_->bill) {
    // While the date is not known the last limit stands.
    if (snapshot->wall_sane) demand_limit_ = crew_->bill(snapshot->wall, snapshot->grid);
    snapshot->money.demand_limit = demand_limit_;
  }
  snapshot->shutting_down = shutting_down_;
  value(view, *snapshot);
  return snapshot;
}

/// What a kWh is worth in each miner; after everything else, for it rests on prices and on what miners draw.
void TickLoop::value(TickView& view, Snapshot& snapshot) {
  curves_.look(crew_->site, view.miners, last_decision_.get(), snapshot);
  view.curve_sources = curves_.sources();
  order(crew_->worth, snapshot);
  heat_.look(crew_->worth, view.devices, last_decision_.get(), snapshot);
  view.heat = heat_.reports();
}

void TickLoop::tick() {
  ++stats_.ticks;
  auto view = std::make_shared<TickView>();
  view->crew = crew_;
  const std::shared_ptr<const Snapshot> snapshot = freeze(*view);
  auto decision = std::make_shared<Decision>();
  const MonoTime before = doors_.real_clock.now();
  doors_.maker.step(*snapshot, *decision);
  stats_.worst_step = std::max(stats_.worst_step, doors_.real_clock.now() - before);
  assert(decision->miners.size() == crew_->workers.size());

  reserve_covered_ = decision->estimate_valid && decision->available >= Watts(0.0);

  last_decision_ = decision;
  keep(*decision, snapshot->now);
  if (!crew_->site.control.dry_run) keep_switches(*snapshot, *decision);
  hand_out(*snapshot, *decision);
  announce(*snapshot, *decision);
  log_.add(*snapshot, *decision, crew_->site);
  view->snapshot = snapshot;
  view->decision = decision;
  view->stats = stats_;
  doors_.recorder.record(snapshot, decision);
  {
    const std::lock_guard lock(mutex_);
    view_ = view;
  }
  if (doors_.after_tick) doors_.after_tick(*view);
}

/// A battery is held for miners that run or start, on readings that are believed. One reading that is late does not
/// release it, for a release wears flash; ten seconds of them do (`BatteryHold::want`). Without a grid it is needed.
void TickLoop::hand_to_battery(const Snapshot& snapshot, const Decision& decision) {
  const bool run = std::ranges::any_of(decision.miners, [](const MinerDecision& miner) {
    return miner.wanted == CommandKind::wake || miner.wanted == CommandKind::target;
  });
  const bool needed =
      shutting_down_ || decision.alarms.has(Alarm::grid_lost) || decision.alarms.has(Alarm::generator_running);
  const bool hold = decision.hold_battery && run && !needed;
  if (hold && !decision.estimate_valid) return;
  for (const auto& poller : crew_->pollers) poller->want_hold(hold, snapshot.battery.power);
}

/// And those that no miner has any more are switched on: nobody else would.
void TickLoop::hand_to_switches(const Decision& decision) {
  const auto want = [this](const std::string& device, SwitchOrder order) {
    for (const auto& poller : crew_->pollers) poller->want_power(device, order);
  };
  for (std::size_t i = 0; i < decision.miners.size(); ++i) {
    const std::string& device = crew_->site.miners[i].power_switch;
    if (!device.empty()) want(device, decision.miners[i].power);
  }
  for (const auto& [device, miner] : crew_->left_switches) want(device, SwitchOrder::on);
}

/// What is off by our order has to be known to whoever starts next without that switch in its configuration.
void TickLoop::keep_switches(const Snapshot& snapshot, const Decision& decision) {
  for (std::size_t i = 0; i < decision.miners.size(); ++i) {
    const MinerSite& miner = crew_->site.miners[i];
    if (miner.power_switch.empty()) continue;
    const Reading<bool>& on = snapshot.miners[i].switch_on;
    if (decision.miners[i].power == SwitchOrder::off) {
      if (cut_.insert(miner.power_switch).second) note_cut(miner.name, miner.power_switch);
    } else if (on.usable() && on.value && decision.miners[i].power == SwitchOrder::leave) {
      switched_on(miner.power_switch, miner.name);
    }
  }
  for (const auto& [device, miner] : crew_->left_switches) {
    const bool on = std::ranges::any_of(crew_->pollers, [&](const std::shared_ptr<DevicePoller>& poller) {
      return poller->is_on(device).value_or(false);
    });
    if (on) switched_on(device, miner);
  }
}

void TickLoop::note_cut(const std::string& miner, const std::string& cut_by) {
  doors_.keeper.change(StateKeeper::When::now,
                       [&](PersistentState& kept) { StateKeeper::miner(kept, miner).cut_by = cut_by; });
}

void TickLoop::hand_out(const Snapshot& snapshot, const Decision& decision) {
  if (crew_->site.control.dry_run) return;
  hand_to_battery(snapshot, decision);
  hand_to_switches(decision);
  for (std::size_t i = 0; i < crew_->workers.size(); ++i) crew_->workers[i]->post(decision.miners[i]);
}

std::vector<std::string> TickLoop::unfinished() const {
  std::vector<std::string> names;
  const ControlSettings& control = crew_->site.control;
  if (!view_ || control.dry_run || control.on_stop == OnStop::leave) return names;
  for (std::size_t i = 0; i < crew_->workers.size(); ++i) {
    const MinerDecision& wanted = view_->decision->miners[i];
    const MinerObservation& seen = crew_->workers[i]->report()->seen;
    const bool confirmed =
        seen.command.sequence >= wanted.sequence && seen.command.status == CommandStatus::acknowledged;
    const bool asked = wanted.wanted != CommandKind::none && wanted.sequence != 0;
    // Driven by the daemon before this one, and not seen since: nobody knows.
    const bool lost = wanted.sequence == 0 && seen.link != LinkState::up && !wanted.without_power &&
                      driven_.count(crew_->workers[i]->name());
    if ((asked && !confirmed) || lost) names.push_back(crew_->workers[i]->name());
  }
  return names;
}

/// The state learns that a miner is driven before its first command is on its way.
void TickLoop::keep(const Decision& decision, MonoTime now) {
  for (std::size_t i = 0; i < crew_->workers.size() && !crew_->site.control.dry_run; ++i) {
    const MinerDecision& miner = decision.miners[i];
    const bool runs = miner.wanted == CommandKind::wake || miner.wanted == CommandKind::target;
    const std::string& name = crew_->workers[i]->name();
    if (miner.sequence == 0 || !runs || !driven_.insert(name).second) continue;
    doors_.keeper.change(StateKeeper::When::now,
                         [&](PersistentState& kept) { StateKeeper::miner(kept, name).driven = true; });
  }
  if (decision.commission.stage == CommissionStage::over && decision.commission.run != commissioned_) {
    commissioned_ = decision.commission.run;
    doors_.keeper.change(StateKeeper::When::now, [&](PersistentState& kept) { doors_.maker.remember(kept); });
  }
  if (now < next_remember_) return;
  next_remember_ = now + kRememberEach;
  doors_.keeper.change(StateKeeper::When::soon, [&](PersistentState& kept) {
    doors_.maker.remember(kept);
    curves_.remember(kept);
    if (crew_->bill_memory) crew_->bill_memory(kept, false);
  });
}

void TickLoop::announce_changes(AlarmSet before, AlarmSet now, const std::string& subject) {
  if (before == now) return;
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    const auto alarm = static_cast<Alarm>(i);
    if (now.has(alarm) == before.has(alarm)) continue;
    if (now.has(alarm)) {
      doors_.announcer.raise(ports::EventLevel::alarm, to_string(alarm), subject, sentence(alarm));
    } else {
      doors_.announcer.clear(to_string(alarm), subject, fmt::format("over: {}", sentence(alarm)));
    }
  }
}

void TickLoop::announce(const Snapshot& snapshot, const Decision& decision) {
  for (std::size_t i = 0; i < snapshot.yield_to.size(); ++i) {
    const YieldState state = snapshot.yield_to[i].state;
    const std::string& name = crew_->site.yield_to[i].device;
    if (state == YieldState::released) {
      doors_.announcer.raise(ports::EventLevel::warning, kReleased, name, sentence(state));
    } else if (state != YieldState::silent) {
      doors_.announcer.clear(kReleased, name, "answers again and has its turn");
    }
  }
  heat_.announce(doors_.announcer);
  announce_changes(site_alarms_, decision.alarms, "");
  site_alarms_ = decision.alarms;
  for (std::size_t i = 0; i < crew_->workers.size(); ++i) {
    const std::string& name = crew_->workers[i]->name();
    auto entry =
        std::find_if(miner_alarms_.begin(), miner_alarms_.end(), [&](const auto& e) { return e.first == name; });
    if (entry == miner_alarms_.end()) entry = miner_alarms_.insert(miner_alarms_.end(), {name, AlarmSet{}});
    announce_changes(entry->second, decision.miners[i].alarms, name);
    entry->second = decision.miners[i].alarms;
  }
}

}  // namespace sluice::runtime
