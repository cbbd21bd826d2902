#include "runtime/engine.hpp"

#include <algorithm>
#include <cassert>
#include <future>
#include <limits>
#include <utility>

namespace sluice::runtime {
namespace {

constexpr Duration kDrainLook = std::chrono::milliseconds(100);

/// Moves the element with this name and fingerprint out of `from`; nothing when there is none.
template <class Staffed>
bool take_unchanged(std::vector<Staffed>& from, const std::string& name, const std::string& fingerprint, Staffed& out) {
  const auto found = std::find_if(
      from.begin(), from.end(), [&](const Staffed& one) { return one.name == name && one.fingerprint == fingerprint; });
  if (found == from.end()) return false;
  out = std::move(*found);
  from.erase(found);
  return true;
}

template <class Staffed>
bool has_unchanged(const std::vector<Staffed>& in, const std::string& name, const std::string& fingerprint) {
  return std::any_of(in.begin(), in.end(),
                     [&](const Staffed& one) { return one.name == name && one.fingerprint == fingerprint; });
}

std::vector<std::string> names_of(const std::vector<MinerPlan>& plans) {
  std::vector<std::string> names;
  for (const MinerPlan& plan : plans) names.push_back(plan.settings.name);
  return names;
}

}  // namespace

Engine::Engine(Doors doors, PersistentState state, DecisionMaker& maker)
    : doors_(std::move(doors)),
      maker_(maker),
      keeper_(std::move(state), doors_.store, doors_.clock, doors_.announcer) {}

Engine::~Engine() {
  dismiss(miners_);
  dismiss(connections_);
  keeper_.stop();
  if (keeper_thread_.joinable()) keeper_thread_.join();
}

/// Waits on the real clock.
void Engine::pause(Duration real_time) const {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  doors_.real_clock.wait_until(lock, never, doors_.real_clock.now() + real_time);
}

Result<void> Engine::open_new(const Plan& plan, Miners& miners, Connections& connections) {
  for (const ConnectionPlan& wanted : plan.connections) {
    if (has_unchanged(connections_, wanted.key, wanted.fingerprint)) continue;
    Result<std::vector<PolledDevice>> devices = wanted.open();
    if (!devices) return tl::unexpected(devices.error());
    Staffed<DevicePoller> staffed{wanted.key, wanted.fingerprint, nullptr, {}};
    staffed.job = std::make_shared<DevicePoller>(std::move(*devices), doors_.clock, doors_.announcer,
                                                 [this] { loop_->grid_arrived(); });
    connections.push_back(std::move(staffed));
  }
  for (const MinerPlan& wanted : plan.miners) {
    if (has_unchanged(miners_, wanted.settings.name, wanted.fingerprint)) continue;
    Result<std::unique_ptr<ports::Miner>> miner = wanted.open();
    if (!miner) return fail(miner.error().kind, "miner {}: {}", wanted.settings.name, miner.error().text);
    Staffed<MinerWorker> staffed{wanted.settings.name, wanted.fingerprint, nullptr, {}};
    staffed.job = std::make_shared<MinerWorker>(wanted.settings, std::move(*miner), doors_.clock, doors_.announcer);
    miners.push_back(std::move(staffed));
  }
  return {};
}

Engine::LeftSwitches Engine::left_switches(const Site& site) const {
  LeftSwitches left;
  for (const MinerMemory& memory : keeper_.state().miners) {
    if (!memory.cut_by.empty() &&
        std::ranges::find(site.miners, memory.cut_by, &MinerSite::power_switch) == site.miners.end()) {
      left.emplace_back(memory.cut_by, memory.name);
    }
  }
  return left;
}

std::shared_ptr<const Crew> Engine::crew_of(Plan& plan) const {
  auto crew = std::make_shared<Crew>();
  crew->site = std::move(plan.site);
  crew->period = plan.period;
  crew->local_day = std::move(plan.local_day);
  crew->worth = std::move(plan.worth);
  crew->money = std::move(plan.money);
  crew->bill = std::move(plan.bill);
  crew->bill_memory = std::move(plan.bill_memory);
  for (const auto& connection : connections_) crew->pollers.push_back(connection.job);
  for (const auto& miner : miners_) crew->workers.push_back(miner.job);
  crew->left_switches = left_switches(crew->site);
  for (const auto& [device, miner] : crew->left_switches) {
    const bool here = std::ranges::any_of(
        connections_, [&, name = device](const auto& connection) { return connection.job->is_on(name).has_value(); });
    if (here) continue;
    doors_.announcer.raise(ports::EventLevel::warning, "power_switch_left", miner,
                           fmt::format("its power was cut by {}, which is not in the configuration any more: switch it "
                                       "on by hand, if it is not",
                                       device));
  }
  return crew;
}

Result<void> Engine::open(Plan plan) {
  assert(plan.miners.size() == plan.site.miners.size());
  if (const Result<void> opened = open_new(plan, miners_, connections_); !opened) return opened;
  intents_.set_miners(names_of(plan.miners));
  for (const MinerMemory& miner : keeper_.state().miners) {
    // A miner that left the file has nothing to be parked.
    if (miner.parked_by_owner) static_cast<void>(intents_.park(miner.name, true));
  }
  loop_ = std::make_unique<TickLoop>(TickLoop::Doors{maker_, doors_.clock, doors_.real_clock, doors_.recorder,
                                                     doors_.announcer, keeper_, intents_, doors_.after_tick},
                                     crew_of(plan));
  return {};
}

template <class Job>
void Engine::start(Staffed<Job>& staffed) {
  staffed.thread = std::thread([job = staffed.job, done = staffed.done] {
    job->run();
    done->store(true);
  });
}

template <class Job>
void Engine::dismiss(std::vector<Staffed<Job>>& leaving) {
  for (auto& one : leaving) one.job->stop();
  for (auto& one : leaving) {
    // A cancel that met the gap before a call began would be lost: it is repeated until it was heard.
    while (one.thread.joinable() && !one.done->load()) {
      pause(std::chrono::milliseconds(20));
      one.job->stop();
    }
    if (one.thread.joinable()) one.thread.join();
  }
  leaving.clear();
}

void Engine::run() {
  keeper_.change(StateKeeper::When::now, [](PersistentState& state) { state.clean_stop = false; });
  keeper_thread_ = std::thread([this] { keeper_.run(); });
  for (auto& connection : connections_) start(connection);
  for (auto& miner : miners_) start(miner);
  loop_->run();
  shut_down();
}

void Engine::request_stop() { loop_->stop(); }

Result<void> Engine::reload(Plan plan) {
  std::promise<void> promise;
  const auto outcome = promise.get_future();
  Miners new_miners;
  Connections new_connections;
  release_batteries(plan);
  const LeftSwitches left = left_switches(plan.site);
  LeftSwitches came_on;
  if (!plan.site.control.dry_run) came_on = switch_on(left);
  if (const Result<void> opened = open_new(plan, new_miners, new_connections); !opened) {
    for (const auto& one : connections_) {
      one.job->leave_batteries(false);
      for (const auto& [device, miner] : left) one.job->leave_on(device, false);
    }
    return opened;
  }

  const std::vector<std::string> names = names_of(plan.miners);
  Miners old_miners;
  Connections old_connections;
  const bool posted = loop_->post([&] {
    old_miners = std::exchange(miners_, {});
    old_connections = std::exchange(connections_, {});
    for (const ConnectionPlan& wanted : plan.connections) {
      Staffed<DevicePoller> staffed;
      if (!take_unchanged(old_connections, wanted.key, wanted.fingerprint, staffed)) {
        take_unchanged(new_connections, wanted.key, wanted.fingerprint, staffed);
        start(staffed);
      }
      connections_.push_back(std::move(staffed));
    }
    for (const MinerPlan& wanted : plan.miners) {
      Staffed<MinerWorker> staffed;
      if (!take_unchanged(old_miners, wanted.settings.name, wanted.fingerprint, staffed)) {
        take_unchanged(new_miners, wanted.settings.name, wanted.fingerprint, staffed);
        start(staffed);
      }
      miners_.push_back(std::move(staffed));
    }
    intents_.set_miners(names);
    for (const auto& [device, miner] : came_on) loop_->switched_on(device, miner);
    for (const auto& one : connections_) {  // what had been left on is a miner's again
      for (const MinerSite& miner : plan.site.miners) one.job->leave_on(miner.power_switch, false);
    }
    maker_.reconfigure(plan.site);
    loop_->replace_crew(crew_of(plan));
    promise.set_value();
  });
  if (!posted) return fail(ErrorKind::cancelled, "the daemon is stopping");
  outcome.wait();
  dismiss(old_connections);
  park_and_dismiss(std::move(old_miners), names);
  return {};
}

/// A battery is let go by the connection that held it, before another one opens: a device that left could not be
/// released later, and two that are open at once could take what the other wrote for how it was before. One that is
/// released no more is taken over by a new connection of the same device, or said.
void Engine::release_batteries(const Plan& plan) {
  std::vector<std::shared_ptr<DevicePoller>> held;
  for (const auto& one : connections_) {
    const bool stays = std::ranges::any_of(plan.connections, [&](const ConnectionPlan& wanted) {
      return wanted.key == one.name && wanted.fingerprint == one.fingerprint;
    });
    if (!stays && one.job->leave_batteries(true)) held.push_back(one.job);
  }
  const MonoTime until = doors_.real_clock.now() + doors_.drain;
  const auto still = [](const auto& poller) { return !poller->all_free(); };
  while (std::ranges::any_of(held, still) && doors_.real_clock.now() < until) pause(kDrainLook);
}

/// A switch that is no miner's any more is switched on by the connection that cut it: with its device it may leave too.
/// Returns those that say that they are on.
Engine::LeftSwitches Engine::switch_on(const LeftSwitches& left) {
  const auto is_on = [&](const std::string& device) {
    return std::ranges::any_of(connections_, [&](const auto& one) { return one.job->is_on(device).value_or(false); });
  };
  std::vector<std::string> waits;
  for (const auto& [device, miner] : left) {
    for (const auto& one : connections_) {
      if (one.job->leave_on(device, true)) waits.push_back(device);
    }
  }
  const MonoTime until = doors_.real_clock.now() + doors_.drain;
  while (!std::ranges::all_of(waits, is_on) && doors_.real_clock.now() < until) pause(kDrainLook);
  LeftSwitches came_on;
  std::ranges::copy_if(left, std::back_inserter(came_on), [&](const auto& one) { return is_on(one.first); });
  return came_on;
}

/// Miners that left the configuration are not left running; one whose address changed is only let go.
void Engine::park_and_dismiss(Miners leaving, const std::vector<std::string>& staying) {
  const auto stays = [&](const std::string& name) {
    return std::find(staying.begin(), staying.end(), name) != staying.end();
  };
  MinerDecision sleep;
  sleep.wanted = CommandKind::sleep;
  sleep.sequence = std::numeric_limits<std::uint64_t>::max();
  sleep.urgent = true;
  for (auto& miner : leaving) {
    const MinerState state = miner.job->report()->seen.state;
    if (!stays(miner.name) && (state == MinerState::running || state == MinerState::waking)) miner.job->post(sleep);
  }
  const MonoTime until = doors_.real_clock.now() + doors_.drain;
  const auto idle = [&] {
    return std::all_of(leaving.begin(), leaving.end(), [](const auto& miner) { return miner.job->idle(); });
  };
  while (!idle() && doors_.real_clock.now() < until) pause(kDrainLook);
  dismiss(leaving);
}

bool Engine::all_idle() const {
  return std::ranges::all_of(miners_, [](const auto& miner) { return miner.job->idle(); }) &&
         std::ranges::all_of(connections_, [](const auto& connection) { return connection.job->all_free(); });
}

void Engine::shut_down() {
  intents_.close();
  loop_->begin_shutdown();
  const MonoTime until = doors_.real_clock.now() + doors_.drain;
  // The first tick decides the end; later ones send again what a miner did not take.
  do {
    loop_->tick();
    pause(kDrainLook);
  } while (doors_.real_clock.now() < until && !(all_idle() && loop_->unfinished().empty()));
  dismiss(miners_);
  dismiss(connections_);
  remember_the_end();
  keeper_.stop();
  keeper_thread_.join();
  keeper_.flush();
}

void Engine::remember_the_end() {
  const std::vector<std::string> unfinished = loop_->unfinished();
  keeper_.change(StateKeeper::When::now, [&](PersistentState& state) {
    maker_.remember(state);
    if (loop_->crew()->bill_memory) loop_->crew()->bill_memory(state, true);
    state.clean_stop = unfinished.empty();
    for (MinerMemory& miner : state.miners) {
      miner.driven = std::find(unfinished.begin(), unfinished.end(), miner.name) != unfinished.end();
    }
  });
}

Result<void> Engine::park(std::string_view name, bool parked) {
  if (const Result<void> done = intents_.park(name, parked); !done) return done;
  const auto crew = view()->crew;
  keeper_.change(StateKeeper::When::now, [&](PersistentState& state) {
    for (const MinerSite& miner : crew->site.miners) {
      if (name.empty() || name == miner.name) StateKeeper::miner(state, miner.name).parked_by_owner = parked;
    }
  });
  return {};
}

void Engine::keep_adapter_state(const std::string& miner, const std::string& adapter_state) {
  // An open session locks everybody else out, also the one who parks the miner after a crash. One that is over can
  // wait.
  const auto when = adapter_state.empty() ? StateKeeper::When::soon : StateKeeper::When::now;
  keeper_.change(when, [&](PersistentState& state) { StateKeeper::miner(state, miner).adapter_state = adapter_state; });
}

void Engine::keep_ledger_head(const LedgerHead& head) {
  keeper_.change(StateKeeper::When::now, [&](PersistentState& state) { state.ledger = head; });
}

std::shared_ptr<const TickView> Engine::view() const { return loop_->view(); }

std::vector<DecisionEntry> Engine::decisions(std::string_view miner, std::size_t count) const {
  return loop_->decisions().last(miner, count);
}

}  // namespace sluice::runtime
