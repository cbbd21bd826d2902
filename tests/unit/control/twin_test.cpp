#include "control/twin.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::control {
namespace {

using std::chrono::seconds;

MonoTime at(double s) { return MonoTime(from_seconds(1000.0 + s)); }

TwinDynamics luxos() {
  TwinDynamics dynamics;
  dynamics.dead_up_s = dynamics.dead_down_s = 1.0;
  dynamics.up_w_per_s = 40.0;
  dynamics.down_w_per_s = 400.0;
  dynamics.stop_w_per_s = 650.0;
  dynamics.wake_s = 60.0;
  dynamics.sleep_w = 25.0;
  dynamics.min_w = 900.0;
  return dynamics;
}

TEST(Twin, WaitsForTheDeadTimeThenRamps) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::running, 1000.0, luxos());
  twin.run_at(at(0), 1200.0);
  twin.advance(at(1));
  EXPECT_DOUBLE_EQ(twin.power_w(), 1000.0);
  twin.advance(at(3));
  EXPECT_DOUBLE_EQ(twin.power_w(), 1080.0);
  twin.advance(at(10));
  EXPECT_DOUBLE_EQ(twin.power_w(), 1200.0);
  EXPECT_TRUE(twin.settled());
}

TEST(Twin, RemembersThePastAndPredictsWhatWasSent) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::running, 1000.0, luxos());
  for (int s = 1; s <= 5; ++s) twin.advance(at(s));
  twin.run_at(at(5), 1400.0);
  for (int s = 6; s <= 9; ++s) twin.advance(at(s));
  EXPECT_DOUBLE_EQ(twin.at(at(6)), 1000.0);
  EXPECT_NEAR(twin.at(at(7.5)), 1060.0, 1e-6);
  EXPECT_DOUBLE_EQ(twin.at(at(9)), 1120.0);
  EXPECT_DOUBLE_EQ(twin.at(at(12)), 1240.0);
  EXPECT_DOUBLE_EQ(twin.at(at(60)), 1400.0);
  EXPECT_DOUBLE_EQ(twin.power_w(), 1120.0) << "looking ahead changes nothing";
}

TEST(Twin, ACommandHeardOfLateIsLivedAgain) {
  TwinDynamics dynamics = luxos();
  dynamics.dead_up_s = dynamics.dead_down_s = 0.0;
  Twin prompt;
  Twin late;
  prompt.reset(at(0), Twin::Mode::running, 2000.0, dynamics);
  late.reset(at(0), Twin::Mode::running, 2000.0, dynamics);
  prompt.run_at(at(0.5), 1000.0);
  prompt.advance(at(1));
  late.advance(at(1));
  late.run_at(at(0.5), 1000.0);
  EXPECT_DOUBLE_EQ(late.power_w(), prompt.power_w());
  prompt.advance(at(2));
  late.advance(at(2));
  EXPECT_DOUBLE_EQ(late.power_w(), prompt.power_w());
}

TEST(Twin, TheNewestCommandCountsEvenIfItActsEarlier) {
  TwinDynamics dynamics = luxos();
  dynamics.dead_up_s = 8.0;
  dynamics.dead_down_s = 0.0;
  Twin low;
  low.reset(at(0), Twin::Mode::running, 1500.0, dynamics);
  low.run_at(at(0), 2000.0);
  low.advance(at(2));
  low.run_at(at(2), 1200.0);
  low.advance(at(5));
  EXPECT_DOUBLE_EQ(low.power_w(), 1200.0);
  low.advance(at(60));
  EXPECT_DOUBLE_EQ(low.power_w(), 1200.0) << "the raise was overtaken";
}

TEST(Twin, WakesThroughAnIdlePhaseAndGoesOnToItsTarget) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::asleep, 25.0, luxos());
  twin.wake(at(0), 1300.0);
  twin.advance(at(30));
  EXPECT_DOUBLE_EQ(twin.power_w(), 65.0);
  EXPECT_EQ(twin.mode(), Twin::Mode::waking);
  twin.advance(at(61));
  EXPECT_NEAR(twin.power_w(), 900.0, 1.0);
  twin.advance(at(71));
  EXPECT_NEAR(twin.power_w(), 1300.0, 1.0);
  EXPECT_EQ(twin.mode(), Twin::Mode::running);
}

TEST(Twin, ATargetDuringWakingIsOnlyQueued) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::asleep, 25.0, luxos());
  twin.wake(at(0), 900.0);
  twin.advance(at(20));
  twin.run_at(at(20), 2000.0);
  twin.advance(at(30));
  EXPECT_LT(twin.power_w(), 100.0);
  twin.advance(at(120));
  EXPECT_DOUBLE_EQ(twin.power_w(), 2000.0);
}

TEST(Twin, NoRateLetsItRunAwayFromItsGoal) {
  for (const double rate : {-50.0, 0.0, std::nan("")}) {
    TwinDynamics dynamics;
    dynamics.up_w_per_s = dynamics.down_w_per_s = rate;
    Twin twin;
    twin.reset(at(0.0), Twin::Mode::running, 2000.0, dynamics);
    twin.set_dynamics(dynamics);
    twin.run_at(at(0.0), 1500.0);
    for (int second = 1; second <= 600; ++second) twin.advance(at(second));
    EXPECT_LE(twin.power_w(), 2000.0) << rate;
    EXPECT_GE(twin.power_w(), 1500.0) << rate;
  }
}

TEST(Twin, SleepFallsToStandby) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::running, 3000.0, luxos());
  twin.sleep(at(0));
  twin.advance(at(2));
  EXPECT_DOUBLE_EQ(twin.power_w(), 2350.0);
  twin.advance(at(20));
  EXPECT_DOUBLE_EQ(twin.power_w(), 25.0);
}

TEST(Twin, TheMinersOwnWordEndsWakingEarly) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::asleep, 25.0, luxos());
  twin.wake(at(0), 1500.0);
  twin.advance(at(20));
  twin.seen_running();
  EXPECT_GE(twin.power_w(), 900.0);
  twin.advance(at(60));
  EXPECT_DOUBLE_EQ(twin.power_w(), 1500.0);
}

TEST(Twin, WhoSaysThatItIsAwakeWhenItShouldSleepMayDrawItAll) {
  Twin twin;
  twin.reset(at(0), Twin::Mode::running, 3000.0, luxos());
  twin.sleep(at(0));
  twin.advance(at(4));
  twin.seen_awake(at(3), 3000.0);
  EXPECT_LT(twin.power_w(), 1500.0) << "on its way down, as known";
  for (int second = 5; second <= 20; ++second) twin.advance(at(second));
  twin.seen_awake(at(3), 3000.0);
  EXPECT_DOUBLE_EQ(twin.power_w(), 25.0) << "what it said long ago";
  twin.seen_awake(at(19), 3000.0);
  twin.advance(at(60));
  EXPECT_DOUBLE_EQ(twin.power_w(), 3000.0);
  EXPECT_FALSE(twin.settled());
  twin.seen_asleep();
  twin.advance(at(70));
  EXPECT_DOUBLE_EQ(twin.power_w(), 25.0);
  EXPECT_TRUE(twin.settled());
}

// Little ones draw less at work than large ones do while they wake.
TEST(Twin, WakingNeverDrawsMoreThanTheMinimum) {
  TwinDynamics dynamics = luxos();
  dynamics.sleep_w = 4.0;
  dynamics.min_w = 15.0;
  Twin twin;
  twin.reset(at(0), Twin::Mode::asleep, 4.0, dynamics);
  twin.wake(at(0), 15.0);
  for (int s = 1; s < 90; ++s) {
    twin.advance(at(s));
    EXPECT_LE(twin.power_w(), 15.0) << s;
  }
}

}  // namespace
}  // namespace sluice::control
