// What the snapshot says of curves, heat and the calendar, through the tick loop.

#include "model/worth.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"
#include "runtime/tick_loop.hpp"

namespace sluice::runtime {
namespace {

class WorthInTheTick : public testing::Test {
 protected:
  void SetUp() override {
    crew_->site.miners.emplace_back();
    crew_->site.miners[0].name = "s19";
    crew_->local_day = [this](WallTime) { return local_day_; };
    std::vector<PolledDevice> devices;
    devices.push_back({{}, seconds(1), std::make_unique<FakeDevice>("cellar-t", [this]() -> Result<ports::DevicePoll> {
                         if (!room_c_) return fail(ErrorKind::timeout, "nothing came");
                         return ports::DevicePoll{world.clock.now(), {{Measurement::room_c, *room_c_, "", {}, ""}}};
                       })});
    crew_->pollers.push_back(std::make_shared<DevicePoller>(std::move(devices), world.clock, world.announcer, [] {}));
    MinerSettings settings;
    settings.name = "s19";
    crew_->workers.push_back(std::make_shared<MinerWorker>(settings, std::make_unique<FakeMiner>(script, world.clock),
                                                           world.clock, world.announcer));
    intents.set_miners({"s19"});
    tariff::HeatSettings cellar;
    cellar.value = PricePerKwh(0.1);
    cellar.season = tariff::Season{1001, 430};
    cellar.target = Celsius(20);
    cellar.max = Celsius(30);
    crew_->worth.heat.push_back({"cellar", "cellar-t", 1, cellar});
    maker.decide = [this](const Snapshot&, Decision& d) {
      d.miners[0] = decided(CommandKind::target, drawn_w_, 1);
      d.miners[0].expected_power = Watts(drawn_w_);
    };
  }
  /// Everybody is read, and a tick passes.
  const MinerMoney& tick(Duration after = seconds(10)) {
    if (!loop) {
      loop = std::make_unique<TickLoop>(TickLoop::Doors{maker, world.clock, world.clock, world.recorder,
                                                        world.announcer, keeper, intents, [](const TickView&) {}},
                                        crew_);
    }
    world.clock.advance(after);
    for (const auto& poller : crew_->pollers) poller->run_once();
    for (int i = 0; i < 4; ++i) crew_->workers[0]->run_once();
    loop->tick();
    return maker.seen.back().miner_money[0];
  }
  void hash(double watts, double hashrate) {
    script->state.state = MinerState::running;
    script->state.power = Watts(watts);
    script->state.hashrate = TeraHashes(hashrate);
    drawn_w_ = watts;
  }

  World world;
  std::shared_ptr<FakeMiner::Script> script = FakeMiner::script();
  StateKeeper keeper{PersistentState{}, world.store, world.clock, world.announcer};
  Intents intents;
  FakeMaker maker;
  std::shared_ptr<Crew> crew_ = std::make_shared<Crew>();
  std::unique_ptr<TickLoop> loop;
  std::optional<double> room_c_ = 15.0;
  std::int64_t local_day_ = 20468;  // 2026-01-15
  double drawn_w_ = 1500;
};

TEST_F(WorthInTheTick, heat_is_worth_its_price_while_it_is_wanted) {
  EXPECT_DOUBLE_EQ(tick().heat_value.value.value(), 0.1);
  EXPECT_FALSE(tick().room_too_warm);
  room_c_ = 20.5;
  EXPECT_DOUBLE_EQ(tick().heat_value.value.value(), 0.0);
  EXPECT_EQ(loop->view()->heat.at(0).word.need, tariff::HeatNeed::content);
  EXPECT_EQ(loop->view()->heat.at(0).heating, Watts(1500)) << "of the decision before";
  room_c_ = 31;
  EXPECT_TRUE(tick().room_too_warm);
}

TEST_F(WorthInTheTick, a_lost_thermometer_makes_heat_worth_nothing_and_is_said) {
  tick();
  room_c_.reset();
  EXPECT_DOUBLE_EQ(tick().heat_value.value.value(), 0.1) << "the last one still counts";
  EXPECT_FALSE(tick(std::chrono::hours(2)).heat_value.usable());
  EXPECT_EQ(world.recorder.count("room_guard_blind"), 0);
  tick(std::chrono::minutes(31));
  EXPECT_EQ(world.recorder.count("room_guard_blind"), 1);
  room_c_ = 15;
  tick(std::chrono::minutes(1));
  EXPECT_EQ(world.recorder.count("room_guard_blind", true), 1);
}

TEST_F(WorthInTheTick, a_season_needs_a_date_and_the_guard_needs_none) {
  world.clock.wall_step = std::chrono::hours(1);
  tick();
  local_day_ = 0;
  room_c_ = 15;
  world.clock.wall_step = std::chrono::hours(2);
  EXPECT_FALSE(tick().heat_value.usable());
  room_c_ = 31;
  EXPECT_TRUE(tick().room_too_warm);
}

TEST_F(WorthInTheTick, the_calendar_orders_by_the_clock_of_the_site) {
  tariff::Period all_day;
  all_day.order = PeriodOrder::watts;
  all_day.power = Watts(1200);
  crew_->worth.periods = {all_day};
  EXPECT_EQ(tick().order, PeriodOrder::watts);
  EXPECT_EQ(tick().order_power, Watts(1200));
  world.clock.wall_step = std::chrono::hours(5);
  EXPECT_EQ(tick().order, PeriodOrder::none) << "nobody knows the time";
}

TEST_F(WorthInTheTick, a_curve_of_the_owner_comes_first) {
  crew_->site.miners[0].curve.push_back({Watts(1000), TeraHashes(50)});
  crew_->site.miners[0].curve.push_back({Watts(3000), TeraHashes(110)});
  script->abilities.curve.push_back({Watts(1000), TeraHashes(60)});
  EXPECT_EQ(tick().curve->size(), 2u);
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::configuration);
}

TEST_F(WorthInTheTick, the_firmware_s_own_curve_in_watts_of_the_meter) {
  script->abilities.curve.push_back({Watts(1000), TeraHashes(60)});
  script->abilities.curve.push_back({Watts(3000), TeraHashes(120)});
  crew_->site.miners[0].curve.push_back({Watts(2000), TeraHashes(100)});  // J/TH alone comes after it
  EXPECT_EQ((*tick().curve)[1].power, Watts(3000));
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::firmware);
  maker.decide = [](const Snapshot&, Decision& d) {
    d.miners[0].learned.samples = 5;
    d.miners[0].learned.draw_gain = 1.1;
    d.miners[0].learned.draw_offset_w = 20;
  };
  tick(std::chrono::minutes(2));
  EXPECT_NEAR((*tick(std::chrono::minutes(2)).curve)[1].power.value(), 3320, 1e-6);
}

TEST_F(WorthInTheTick, without_any_curve_one_is_learned_and_survives_a_restart) {
  EXPECT_TRUE(tick().curve->empty());
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::none);
  hash(2000, 80);
  for (int i = 0; i < 6; ++i) tick(seconds(20));
  ASSERT_EQ((*tick().curve).size(), 1u);
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::reported);
  for (int i = 0; i < 40; ++i) tick(seconds(20));
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::learned);
  for (int i = 0; i < 6; ++i) tick(seconds(20));
  const std::string kept = keeper.state().miners.at(0).learned_curve;
  EXPECT_NE(kept, "");
  EXPECT_EQ(tariff::LearnedCurve::from_text(kept).curve().size(), 1u);
}

TEST_F(WorthInTheTick, hashes_that_are_gone_teach_nothing) {
  hash(2000, 80);
  script->state.pool_alive = false;
  for (int i = 0; i < 60; ++i) tick(seconds(20));
  EXPECT_EQ(loop->view()->curve_sources.at(0), CurveSource::reported);
}

}  // namespace
}  // namespace sluice::runtime
