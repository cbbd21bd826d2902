// Meters and miners that lie, stall, vanish or are somebody else's.

#include <gtest/gtest.h>

#include <cmath>

#include "loop.hpp"

namespace sluice::control {
namespace {

TEST(Faults, ADeadMeterParksWithinThirtySeconds) {
  Loop loop({luxos_target(), braiins()});
  loop.sun = [](double) { return 5000.0; };
  loop.run(300);
  loop.meter_dead = true;
  const int commands = loop.commands();
  loop.run(4);
  loop.run(20);
  EXPECT_EQ(loop.commands(), commands) << "stale: held, nothing raised";
  loop.run(6);
  for (const MinerDecision& miner : loop.decision().miners) {
    EXPECT_EQ(miner.wanted, CommandKind::sleep);
    EXPECT_EQ(miner.reason, Reason::grid_reading_lost);
  }
  EXPECT_TRUE(loop.decision().alarms.has(Alarm::grid_meter_lost));
  loop.meter_dead = false;
  loop.run(900);
  EXPECT_FALSE(loop.decision().alarms.has(Alarm::grid_meter_lost));
  EXPECT_EQ(loop.miners[0].state, MinerState::running) << "back to work when the meter is";
}

TEST(Faults, AFrozenMeterIsFoundAtTheNextOwnStep) {
  Loop loop({luxos_target()});
  loop.sun = [](double) { return 2000.0; };
  loop.run(300);
  // It freezes while it shows 400 W of export.
  loop.load = [](double t) { return t < 420.0 ? 100.0 : 1500.0; };
  loop.run(2);
  loop.meter_frozen = true;
  double imported_before = loop.imported_wh;
  loop.run(100);
  EXPECT_TRUE(loop.decision().alarms.has(Alarm::grid_meter_frozen));
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  EXPECT_LT(loop.imported_wh - imported_before, 20.0);
}

TEST(Faults, AFlippedSignIsFoundByTheOwnSteps) {
  Loop loop({luxos_target()});
  loop.sun = [](double) { return 1800.0; };
  loop.load = [](double t) { return 300.0 + (t > 350.0 && t < 360.0 ? 300.0 : 0.0); };
  loop.run(240);
  loop.meter_flipped = true;
  loop.run(180);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  EXPECT_TRUE(loop.decision().alarms.has(Alarm::readings_implausible) ||
              loop.decision().alarms.has(Alarm::grid_meter_lost));
}

TEST(Faults, AContradictionBetweenTheMetersParks) {
  Loop loop({luxos_target()});
  loop.run(300);
  // The grid meter shows 3 kW more export than there is sun.
  loop.load = [](double) { return -3000.0; };
  loop.run(40);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
}

TEST(Faults, ASteepCloudIsNoContradictionHoweverLateTheMeterIs) {
  Loop loop({luxos_target(), vnish_throttle()});
  loop.meter_age_s = 2.0;
  loop.sun = [](double t) { return t < 400.0 ? 9000.0 : std::max(500.0, 9000.0 - 350.0 * (t - 400.0)); };
  loop.run(290);
  loop.run(60, [&] {
    EXPECT_FALSE(loop.decision().alarms.has(Alarm::readings_implausible));
    EXPECT_FALSE(loop.decision().alarms.has(Alarm::grid_meter_lost));
  });
}

TEST(Faults, GridLostPutsAllToSleepWithinTwoSecondsAndAMinuteOfGridIsWaitedFor) {
  TestMiner full = braiins();
  Loop loop({luxos_target(), full});
  loop.site.miners[1].strategy = Strategy::full;
  loop.run(300);
  loop.connection = GridConnection::islanded;
  loop.run(2);
  for (const MinerDecision& miner : loop.decision().miners) {
    EXPECT_EQ(miner.wanted, CommandKind::sleep);
    EXPECT_EQ(miner.reason, Reason::grid_lost);
    EXPECT_TRUE(miner.sequence > 0);
  }
  loop.run(200);
  loop.connection = GridConnection::connected;
  loop.run(58);
  EXPECT_EQ(loop.miners[0].starts + loop.miners[1].starts, 0);
  loop.run(120);
  EXPECT_GE(loop.miners[0].starts + loop.miners[1].starts, 1);
}

TEST(Faults, WithoutAnyStatusABatteryThatCarriesTheHouseAloneIsAnIsland) {
  GridPresence presence;
  Snapshot snapshot;
  for (int s = 0; s < 12; ++s) {
    snapshot.now = MonoTime(std::chrono::seconds(100 + s));
    snapshot.grid.power = Reading<Watts>::good(Watts(0.0), snapshot.now);
    snapshot.battery.power = Reading<Watts>::good(Watts(1800.0), snapshot.now);
    presence.observe(snapshot);
    if (s < 9) {
      EXPECT_FALSE(presence.lost());
    }
  }
  EXPECT_TRUE(presence.lost());
}

TEST(Faults, AWrongMachineIsNeverCommanded) {
  TestMiner stranger = luxos_target();
  stranger.identity = IdentityVerdict::wrong;
  Loop loop({stranger});
  loop.run(60);
  loop.meter_dead = true;
  loop.run(60);
  loop.connection = GridConnection::islanded;
  loop.run(10);
  loop.shutting_down = true;
  loop.run(5);
  EXPECT_EQ(loop.commands(), 0);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_wrong_identity));
}

TEST(Faults, AClockThatIsSetHoursForwardsOrBackChangesNoDecision) {
  const auto day = [](double step_s) {
    auto loop = std::make_unique<Loop>(std::vector<TestMiner>{luxos_target(), braiins()});
    loop->miners[1].be_asleep();
    loop->noise_w = 3.0;
    loop->sun = [](double t) { return 3000.0 + 2500.0 * std::sin(t / 150.0); };  // steps, stops and starts
    loop->run(600);
    // As the runtime shows it: the date is doubted for a minute.
    loop->wall_step_s = step_s;
    loop->wall_sane = step_s == 0.0;
    loop->run(60);
    loop->wall_sane = true;
    loop->run(1200);
    return loop;
  };
  const auto right = day(0.0);
  ASSERT_GT(right->miners[0].starts + right->miners[1].starts, 0) << "a start and a stop are among the decisions";
  for (const double hours : {1.0, 11.0}) {
    SCOPED_TRACE(hours);
    EXPECT_EQ(day(3600.0 * hours)->decision_hash, right->decision_hash);
  }
  // Another date begins the day's counts of starts anew, and with them the price of a start; nothing else.
  for (const double hours : {-30.0, -5.0, 30.0}) {
    SCOPED_TRACE(hours);
    const auto stepped = day(3600.0 * hours);
    EXPECT_NEAR(stepped->mined_wh, right->mined_wh, 0.01 * right->mined_wh);
    EXPECT_FALSE(stepped->decision().alarms.has(Alarm::grid_meter_lost));
  }
}

TEST(Faults, ALostCommandIsSentAgain) {
  Loop loop({luxos_target()});
  loop.run(200);
  loop.miners[0].lose_commands = true;
  loop.sun = [](double) { return 2000.0; };
  loop.run(15);
  loop.miners[0].lose_commands = false;
  loop.run(400);
  EXPECT_NEAR(loop.mining_w(), 1500.0, 40.0);
  EXPECT_FALSE(loop.decision().miners[0].alarms.has(Alarm::miner_manual_override));
}

TEST(Faults, AnotherCommanderIsNamedAndLeftAloneForHalfAnHour) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.run(60, [&] {
    if (std::fmod(loop.now_s(), 3.0) < 1.0) loop.miners[0].target_w = 1234.0;
  });
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::manual_override);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_manual_override));
  const int commands = loop.commands();
  loop.run(1600);
  EXPECT_EQ(loop.commands(), commands);
  loop.run(400);
  EXPECT_GT(loop.commands(), commands) << "after 30 minutes it is followed again";
  EXPECT_NEAR(loop.mining_w(), 2500.0, 40.0);
}

// A command that waited a minute for its turn is acted on seconds after its answer. Until then the miner names the
// target before it, which was never seen confirmed: the wish had moved on by then.
TEST(Faults, ACommandThatWaitedForItsTurnIsNotAStrangers) {
  TestMiner paced = luxos_target();
  paced.dead_s = 12.0;
  paced.write_every_s = 60.0;
  Loop loop({paced});
  loop.sun = [](double t) { return std::fmod(t, 120.0) < 8.0 ? 1500.0 : 2800.0; };
  bool alarmed = false;
  loop.run(3600, [&] { alarmed = alarmed || loop.decision().miners[0].alarms.has(Alarm::miner_manual_override); });
  EXPECT_FALSE(alarmed);
  EXPECT_GT(loop.commands(), 20);
}

TEST(Faults, AnIgnoredStopIsRepeatedAndAlarmed) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].ignore_sleep = true;
  loop.sun = [](double) { return 0.0; };
  loop.run(200);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_ignores_stop));
  loop.miners[0].ignore_sleep = false;
  loop.run(60);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_FALSE(loop.decision().miners[0].alarms.has(Alarm::miner_ignores_stop));
}

TEST(Faults, AMinerThatAgreesAndDoesNothingIsAlarmed) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].does_nothing = true;
  loop.sun = [](double t) { return t < 500.0 ? 2500.0 : 3200.0; };
  loop.noise_w = 3.0;
  bool alarmed = false;
  loop.run(1500, [&] { alarmed = alarmed || loop.decision().miners[0].alarms.has(Alarm::miner_not_following); });
  EXPECT_TRUE(alarmed);
}

TEST(Faults, ALyingMinerIsRegulatedByTheMeterAndAlarmed) {
  TestMiner liar = luxos_target();
  liar.report_gain = 0.4;
  Loop loop({liar});
  loop.sun = [](double t) { return std::fmod(t, 240.0) < 120.0 ? 2000.0 : 3000.0; };
  loop.run(1500);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_lying));
  loop.sun = [](double) { return 2500.0; };
  loop.run(200);
  EXPECT_LE(std::abs(loop.grid_w()), 20.0);
}

TEST(Faults, ARebootedMinerComesBackUnderControl) {
  Loop loop({luxos_target()});
  loop.run(300);
  TestMiner& miner = loop.miners[0];
  miner.link_up = false;
  miner.state = MinerState::unknown;
  miner.power_w = 10.0;
  loop.run(90);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_unreachable));
  miner.link_up = true;
  ++miner.reboots;
  miner.be_running(3250.0);  // its own default
  loop.run(180);
  EXPECT_NEAR(loop.mining_w(), 2500.0, 40.0);
  EXPECT_FALSE(loop.decision().miners[0].alarms.has(Alarm::miner_unreachable));
  EXPECT_FALSE(loop.decision().miners[0].alarms.has(Alarm::miner_manual_override));
}

TEST(Faults, ARefusalIsNotRepeatedEverySecond) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].refuse_commands = true;
  loop.sun = [](double) { return 2300.0; };
  const int commands = loop.commands();
  loop.run(300);
  EXPECT_LE(loop.commands() - commands, 12);
  loop.miners[0].refuse_commands = false;
  loop.run(200);
  EXPECT_NEAR(loop.mining_w(), 1800.0, 40.0);
}

TEST(Faults, NoPoolMeansAsleepAndARetryLater) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].pool_alive = false;
  loop.run(700);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_pool_dead));
  loop.miners[0].pool_alive = true;
  loop.run(1000);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
}

TEST(Faults, FullWattsWithoutHashrateMeansAsleep) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].hash_share = 0.1;
  loop.run(700);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  EXPECT_TRUE(loop.decision().miners[0].alarms.has(Alarm::miner_hashrate_gone));
}

TEST(Faults, TooHotMeansAsleepUntilCool) {
  Loop loop({luxos_target()});
  loop.run(300);
  loop.miners[0].temperature_c = 97.0;
  loop.run(15);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::over_temperature);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
  loop.miners[0].temperature_c = 50.0;
  loop.run(600);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
}

TEST(Faults, StoppingParksWhatItDrives) {
  Loop loop({luxos_target(), braiins()});
  loop.sun = [](double) { return 5000.0; };
  loop.run(300);
  loop.shutting_down = true;
  loop.run(1);
  for (const MinerDecision& miner : loop.decision().miners) {
    EXPECT_EQ(miner.wanted, CommandKind::sleep);
    EXPECT_EQ(miner.reason, Reason::shutting_down);
  }
}

TEST(Faults, ABatteryThatFallsSilentHidesAnySurplus) {
  Loop loop({luxos_target()});
  loop.battery_capacity_wh = 10000.0;
  loop.soc_pct = 97.0;
  loop.site.battery.present = true;
  loop.site.battery.max_charge = Watts(5000.0);
  loop.site.battery.share.push_back({Percent(90.0), 1.0});
  loop.run(300);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  loop.battery_silent = true;
  loop.run(60);
  EXPECT_EQ(loop.decision().miners[0].wanted, CommandKind::sleep);
}

}  // namespace
}  // namespace sluice::control
