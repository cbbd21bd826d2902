#include "runtime/tick_loop.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

class TickLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    auto crew = std::make_shared<Crew>();
    crew->site.miners.emplace_back();
    crew->site.miners[0].name = "s19";
    crew->local_day = [](WallTime) { return std::int64_t{19000}; };
    std::vector<PolledDevice> devices;
    devices.push_back({{DeviceRole::grid}, seconds(1), std::make_unique<FakeDevice>("meter", [this] {
                         return Result<ports::DevicePoll>(
                             ports::DevicePoll{world.clock.now(), {{Measurement::grid_w, -900.0, "", {}, ""}}});
                       })});
    crew->pollers.push_back(std::make_shared<DevicePoller>(std::move(devices), world.clock, world.announcer, [] {}));
    MinerSettings settings;
    settings.name = "s19";
    crew->workers.push_back(std::make_shared<MinerWorker>(settings, std::make_unique<FakeMiner>(script, world.clock),
                                                          world.clock, world.announcer));
    crew_ = crew;
    intents.set_miners({"s19"});
  }
  TickLoop& make() {
    loop =
        std::make_unique<TickLoop>(TickLoop::Doors{maker, world.clock, world.clock, world.recorder, world.announcer,
                                                   keeper, intents, [this](const TickView& view) { after_tick(view); }},
                                   crew_);
    return *loop;
  }
  void settle() {
    crew_->pollers[0]->run_once();
    for (int i = 0; i < 10; ++i) crew_->workers[0]->run_once();
  }

  World world;
  std::shared_ptr<FakeMiner::Script> script = FakeMiner::script();
  StateKeeper keeper{PersistentState{}, world.store, world.clock, world.announcer};
  Intents intents;
  FakeMaker maker;
  std::shared_ptr<Crew> crew_;
  std::unique_ptr<TickLoop> loop;
  std::function<void(const TickView&)> after_tick = [](const TickView&) {};
};

TEST_F(TickLoopTest, freezes_what_the_pollers_and_workers_know) {
  make();
  settle();
  ASSERT_TRUE(intents.park("s19", true));
  loop->tick();
  const Snapshot& seen = maker.seen.back();
  EXPECT_DOUBLE_EQ(seen.grid.power.value.value(), -900.0);
  EXPECT_FALSE(seen.pv.power.usable());
  ASSERT_EQ(seen.miners.size(), 1u);
  EXPECT_EQ(seen.miners[0].state, MinerState::asleep);
  EXPECT_TRUE(seen.intents[0].park);
  EXPECT_EQ(seen.local_day, 19000);
  EXPECT_EQ(world.recorder.ticks, 1);
}

TEST_F(TickLoopTest, the_billed_peak_is_watched_with_a_date_that_can_be_trusted) {
  std::vector<double> watched;
  crew_->bill = [&](WallTime, const GridObservation& grid) {
    watched.push_back(grid.power.value.value());
    return Reading<Watts>::good(Watts(2500.0), grid.power.at);
  };
  make();
  settle();
  loop->tick();
  EXPECT_EQ(watched, std::vector<double>{-900.0});
  EXPECT_DOUBLE_EQ(maker.seen.back().money.demand_limit.value.value(), 2500.0);
  world.clock.sane = false;
  loop->tick();
  EXPECT_EQ(watched.size(), 1u);
  EXPECT_DOUBLE_EQ(maker.seen.back().money.demand_limit.value.value(), 2500.0) << "the last limit stands";
}

TEST_F(TickLoopTest, hands_decisions_to_the_workers_and_sees_what_became_of_them) {
  make();
  settle();
  maker.decide = [](const Snapshot&, Decision& d) { d.miners[0] = decided(CommandKind::wake, 2000, 1); };
  loop->tick();
  settle();
  loop->tick();
  EXPECT_EQ(maker.seen.back().miners[0].command.status, CommandStatus::acknowledged);
  EXPECT_EQ(script->state.state, MinerState::waking);
}

TEST_F(TickLoopTest, a_dry_run_decides_and_commands_nothing) {
  crew_->site.control.dry_run = true;
  make();
  settle();
  maker.decide = [](const Snapshot&, Decision& d) { d.miners[0] = decided(CommandKind::wake, 2000, 1); };
  loop->tick();
  settle();
  EXPECT_EQ(script->state.state, MinerState::asleep);
  EXPECT_TRUE(keeper.state().miners.empty());
  EXPECT_EQ(loop->view()->decision->miners[0].wanted, CommandKind::wake);
}

TEST_F(TickLoopTest, a_driven_miner_is_on_the_disk_before_its_command_is_sent) {
  make();
  settle();
  maker.decide = [](const Snapshot&, Decision& d) { d.miners[0] = decided(CommandKind::wake, 2000, 1); };
  loop->tick();
  keeper.run_once();
  ASSERT_EQ(world.store.saved.miners.size(), 1u);
  EXPECT_TRUE(world.store.saved.miners[0].driven);
  EXPECT_EQ(script->state.state, MinerState::asleep) << "the worker has not had its turn yet";
  for (int i = 0; i < 100; ++i) loop->tick();
  keeper.run_once();
  EXPECT_EQ(world.store.saves, 1);
}

TEST_F(TickLoopTest, alarms_are_edges) {
  make();
  maker.decide = [](const Snapshot& s, Decision& d) {
    d.alarms.set(Alarm::grid_meter_lost, s.tick >= 5 && s.tick < 50);
    d.miners[0].alarms.set(Alarm::miner_pool_dead, s.tick >= 5);
  };
  for (int i = 0; i < 100; ++i) loop->tick();
  EXPECT_EQ(world.recorder.count("grid_meter_lost"), 1);
  EXPECT_EQ(world.recorder.count("grid_meter_lost", true), 1);
  EXPECT_EQ(world.recorder.count("miner_pool_dead"), 1);
  EXPECT_EQ(world.recorder.count("miner_pool_dead", true), 0);
}

TEST_F(TickLoopTest, what_is_reserved_for_a_load_is_seen_remembered_and_said_when_it_is_released) {
  std::vector<PolledDevice> devices;
  devices.push_back({{}, seconds(1), std::make_unique<FakeDevice>("wallbox", [this] {
                       return Result<ports::DevicePoll>(ports::DevicePoll{
                           world.clock.now(),
                           {{Measurement::load_wants, 1.0, "", {}, ""}, {Measurement::load_w, 200.0, "", {}, ""}}});
                     })});
  crew_->pollers.push_back(std::make_shared<DevicePoller>(std::move(devices), world.clock, world.announcer, [] {}));
  crew_->site.yield_to = {{"wallbox", Watts(1400.0)}};
  make();
  settle();
  crew_->pollers[1]->run_once();
  maker.decide = [](const Snapshot& seen, Decision& d) {
    d.miners[0] = decided(CommandKind::target, 1000, 1);
    d.reserved = seen.yield_to[0].reserved.value;
  };
  loop->tick();
  EXPECT_EQ(maker.seen.back().yield_to[0].state, YieldState::drawing);
  EXPECT_EQ(maker.seen.back().yield_to[0].reserved.value, Watts(1200.0));
  EXPECT_EQ(loop->decisions().last("s19", 1).at(0).reserved, Watts(1200.0));
  EXPECT_EQ(loop->decisions().last("s19", 1).at(0).reserved_for, "wallbox");

  world.clock.advance(seconds(61));
  loop->tick();
  EXPECT_EQ(maker.seen.back().yield_to[0].state, YieldState::silent);
  EXPECT_EQ(maker.seen.back().yield_to[0].reserved.value, Watts(1200.0));
  world.clock.advance(seconds(600));
  loop->tick();
  EXPECT_EQ(maker.seen.back().yield_to[0].reserved.value, Watts(0.0));
  EXPECT_EQ(world.recorder.count("reserve_released"), 1);
  crew_->pollers[1]->run_once();
  loop->tick();
  EXPECT_EQ(world.recorder.count("reserve_released", true), 1);
}

TEST_F(TickLoopTest, a_stepped_wall_clock_is_not_trusted_for_a_minute) {
  make();
  loop->tick();
  EXPECT_TRUE(maker.seen.back().wall_sane);
  world.clock.wall_step = std::chrono::hours(1);
  loop->tick();
  EXPECT_FALSE(maker.seen.back().wall_sane);
  EXPECT_EQ(maker.seen.back().local_day, 0);
  world.clock.advance(seconds(61));
  loop->tick();
  EXPECT_TRUE(maker.seen.back().wall_sane);
}

TEST_F(TickLoopTest, a_stepped_wall_clock_moves_no_tick_and_ages_no_reading) {
  make();
  crew_->pollers[0]->run_once();
  const MonoTime read_at = world.clock.now();
  const MonoTime begun = world.clock.now();
  after_tick = [&](const TickView& view) {
    const auto ticks = static_cast<int>(view.stats.ticks);
    world.clock.wall_step = std::chrono::hours(ticks % 2 == 0 ? 7 * ticks : -7 * ticks);
    if (ticks == 20) loop->stop();
  };
  loop->run();
  EXPECT_EQ(world.clock.now(), begun + seconds(20));
  EXPECT_EQ(loop->view()->stats.late_ticks, 0u);
  for (std::size_t i = 0; i < maker.seen.size(); ++i) {
    EXPECT_EQ(maker.seen[i].now, begun + seconds(static_cast<int>(i) + 1));
    EXPECT_EQ(maker.seen[i].grid.power.at, read_at);
    EXPECT_EQ(maker.seen[i].wall_sane, i == 0) << "the date alone is doubted";
  }
}

TEST_F(TickLoopTest, without_readings_it_ticks_once_a_period_and_keeps_the_beat) {
  make();
  const MonoTime begun = world.clock.now();
  after_tick = [&](const TickView& view) {
    world.clock.advance(milliseconds(30));  // a tick takes time
    if (view.stats.ticks == 20) loop->stop();
  };
  loop->run();
  EXPECT_EQ(world.clock.now(), begun + seconds(20) + milliseconds(30));
  EXPECT_EQ(loop->view()->stats.late_ticks, 0u);
}

TEST_F(TickLoopTest, a_fresh_grid_reading_starts_the_tick) {
  make();
  std::vector<MonoTime> starts;
  after_tick = [&](const TickView& view) {
    starts.push_back(world.clock.now());
    if (view.stats.ticks == 3) return loop->stop();
    world.clock.advance(milliseconds(800));
    loop->grid_arrived();
  };
  loop->run();
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_EQ(starts[2] - starts[1], milliseconds(800));
}

TEST_F(TickLoopTest, a_chattering_meter_cannot_double_the_beat) {
  make();
  const MonoTime begun = world.clock.now();
  after_tick = [&](const TickView& view) {
    loop->grid_arrived();
    if (view.stats.ticks == 20) loop->stop();
  };
  loop->run();
  EXPECT_GE(world.clock.now() - begun, seconds(9));
}

TEST_F(TickLoopTest, a_tick_more_than_half_a_period_late_is_counted) {
  make();
  after_tick = [&](const TickView& view) {
    if (view.stats.ticks == 2) world.clock.advance(milliseconds(1600));
    if (view.stats.ticks == 4) loop->stop();
  };
  loop->run();
  EXPECT_EQ(loop->view()->stats.late_ticks, 1u);
}

TEST_F(TickLoopTest, keeps_the_last_decisions_that_said_something_new) {
  make();
  maker.decide = [](const Snapshot& s, Decision& d) {
    d.miners[0] = decided(CommandKind::target, s.tick < 10 ? 1500 : 1700, 1);
    d.miners[0].reason = Reason::following_surplus;
  };
  for (int i = 0; i < 20; ++i) loop->tick();
  const auto entries = loop->decisions().last("", 10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_DOUBLE_EQ(entries[0].target.value(), 1700);
  EXPECT_TRUE(loop->decisions().last("another", 10).empty());
}

}  // namespace
}  // namespace sluice::runtime
