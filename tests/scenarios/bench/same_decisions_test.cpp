// The bench measures what the daemon does: the snapshots that the daemon's tick loop makes of its pollers and workers,
// with a simulated house behind the ports, lead to the same decisions when the bench's policy steps over them.

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <vector>

#include "fakes.hpp"
#include "runtime/device_poller.hpp"
#include "runtime/miner_worker.hpp"
#include "runtime/tick_loop.hpp"
#include "sim/house_plant.hpp"
#include "sim/policy.hpp"
#include "sluiced/control_maker.hpp"

namespace sluice::runtime {
namespace {

constexpr int kTicks = 6 * 3600;
constexpr std::uint64_t kSeed = 7;

/// FNV-1a over all that a decision says.
class Hash {
 public:
  void add(std::uint64_t word) {
    for (int byte = 0; byte < 8; ++byte) value_ = (value_ ^ (word >> (8 * byte) & 0xffU)) * 0x100000001b3U;
  }
  void add(Watts power) { add(std::bit_cast<std::uint64_t>(power.value())); }
  void add(const Decision& decision) {
    add(decision.tick);
    add(decision.surplus);
    add(decision.available);
    add(decision.house_load);
    add(decision.mining);
    add(decision.alarms.bits());
    for (const MinerDecision& miner : decision.miners) {
      add(static_cast<std::uint64_t>(miner.wanted));
      add(miner.target);
      add(miner.sequence);
      add(static_cast<std::uint64_t>(miner.urgent));
      add(static_cast<std::uint64_t>(miner.reason));
      add(miner.cuts.bits());
      add(miner.alarms.bits());
      add(miner.expected_power);
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// A miner of the simulated house behind the port that adapters fill.
class PlantMiner final : public ports::Miner {
 public:
  PlantMiner(sim::MinerPlant& plant, const ports::Clock& clock) : plant_(plant), clock_(clock) {}
  Result<ports::MinerIdentity> identify(MonoTime) override { return ports::MinerIdentity{"SimOS", "S19", "", "", ""}; }
  Result<ports::MinerAbilities> abilities() override {
    return ports::MinerAbilities{plant_.spec().envelope, plant_.spec().dynamics, true};
  }
  Result<ports::MinerPoll> poll(MonoTime) override {
    ports::MinerPoll seen;
    seen.state = plant_.state();
    seen.power = plant_.reported_power();
    if (seen.state == MinerState::running) seen.target = plant_.target();
    seen.uptime = plant_.uptime();
    return seen;
  }
  Result<ports::MinerApplied> apply_target(Watts target, MonoTime) override {
    plant_.set_target(target);
    return sent(target);
  }
  Result<ports::MinerApplied> sleep(MonoTime) override {
    plant_.sleep();
    return sent(Watts(0.0));
  }
  Result<ports::MinerApplied> wake(Watts target, MonoTime) override {
    plant_.set_target(target);
    plant_.wake();
    return sent(target);
  }
  std::optional<MonoTime> last_sent_at() const override { return sent_at_; }
  void tell_sent(std::function<void(MonoTime)> listener) override { listener_ = std::move(listener); }
  void cancel() override {}

 private:
  Result<ports::MinerApplied> sent(Watts target) {
    sent_at_ = clock_.now();
    if (listener_) listener_(*sent_at_);
    return ports::MinerApplied{plant_.spec().envelope.floor(target), true, *sent_at_};
  }
  sim::MinerPlant& plant_;
  const ports::Clock& clock_;
  std::optional<MonoTime> sent_at_;
  std::function<void(MonoTime)> listener_;
};

sim::HousePlantSpec house_spec() {
  sim::HousePlantSpec spec;
  spec.start_second = 8 * 3600;
  spec.step = seconds(1);
  spec.seed = kSeed;
  spec.keep_history = false;
  sim::MinerSetup miner;
  miner.spec = sim::plant_spec("luxos-target").value();
  miner.errors = {.setpoint_bias = 0.04, .report_bias = -0.03, .seed = kSeed};
  miner.start = sim::StartState::asleep;
  spec.miners.push_back(miner);
  return spec;
}

TEST(SameDecisions, InTheDaemonAndInTheBench) {
  World world;
  sim::HousePlant house(house_spec(), sim::generated_day(Watts(5000.0), sim::Sky::broken, kSeed));
  Site site;
  site.has_pv_meter = true;
  site.miners.emplace_back();
  site.miners[0].name = "s19";

  auto crew = std::make_shared<Crew>();
  crew->site = site;
  crew->local_day = [](WallTime) { return std::int64_t{19000}; };
  const auto device = [&](const char* name, DeviceRole role, Measurement what, auto read) {
    return PolledDevice{
        {role}, seconds(1), std::make_unique<FakeDevice>(name, [&world, what, read] {
          return Result<ports::DevicePoll>(ports::DevicePoll{world.clock.now(), {{what, read(), "", {}, ""}}});
        })};
  };
  std::vector<PolledDevice> meter, inverter;
  meter.push_back(
      device("meter", DeviceRole::grid, Measurement::grid_w, [&] { return house.meter().power().value(); }));
  inverter.push_back(device("inverter", DeviceRole::pv, Measurement::pv_w, [&] { return house.state().pv.value(); }));
  for (auto* devices : {&meter, &inverter}) {
    crew->pollers.push_back(std::make_shared<DevicePoller>(std::move(*devices), world.clock, world.announcer, [] {}));
  }
  MinerSettings settings;
  settings.name = "s19";
  crew->workers.push_back(std::make_shared<MinerWorker>(
      settings, std::make_unique<PlantMiner>(house.miner(0), world.clock), world.clock, world.announcer));
  Intents intents;
  intents.set_miners({"s19"});
  StateKeeper keeper{PersistentState{}, world.store, world.clock, world.announcer};
  cmd::ControlMaker daemon_side(site, PersistentState{}, world.clock, [](const Site&) {});
  sim::ProductPolicy bench_side(site, PersistentState{}, world.clock.now(), world.clock.wall_now());
  TickLoop loop({daemon_side, world.clock, world.clock, world.recorder, world.announcer, keeper, intents, {}}, crew);

  Hash daemon, bench;
  Decision decided_by_bench;
  decided_by_bench.miners.resize(1);
  for (int tick = 0; tick < kTicks; ++tick) {
    world.clock.advance(seconds(1));
    house.advance(seconds(1));
    for (const auto& poller : crew->pollers) poller->run_once();
    for (int turn = 0; turn < 3; ++turn) crew->workers[0]->run_once();
    loop.tick();
    const auto view = loop.view();
    daemon.add(*view->decision);
    bench_side.step(*view->snapshot, decided_by_bench);
    bench.add(decided_by_bench);
    ASSERT_EQ(daemon.value(), bench.value()) << "tick " << tick << ", seed " << kSeed;
  }
  EXPECT_GE(house.score().starts, 1u) << "a house in which nothing happens proves nothing";
  EXPECT_GE(house.score().commands, 50u);
  EXPECT_GT(house.score().captured, WattHours(1000.0));
}

}  // namespace
}  // namespace sluice::runtime
