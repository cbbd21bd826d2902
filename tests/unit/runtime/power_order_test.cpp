#include "runtime/power_order.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

using std::chrono::minutes;
using Told = std::vector<std::string>;

class PowerOrderTest : public testing::Test {
 protected:
  PowerOrderTest() { device.is_switch = true; }
  /// The tick says each second what it wants; the device's thread polls, and serves.
  void run(SwitchOrder order, Duration time) {
    for (const MonoTime end = world.clock.now() + time; world.clock.now() < end; world.clock.advance(seconds(1))) {
      power.want(order);
      serve();
    }
  }
  void silence(Duration time) {
    for (const MonoTime end = world.clock.now() + time; world.clock.now() < end; world.clock.advance(seconds(1)))
      serve();
  }
  void serve() {
    if (answers) seen = Reading<double>::good(device.switched_on ? 1.0 : 0.0, world.clock.now());
    bool told = false;
    power.serve(device, seen, told);
  }

  World world;
  FakeDevice device{"plug", [] { return Result<ports::DevicePoll>(ports::DevicePoll{}); }};
  PowerOrder power{"plug", world.clock, world.announcer};
  Reading<double> seen;
  bool answers = true;
};

TEST_F(PowerOrderTest, is_told_once_and_said_once) {
  run(SwitchOrder::leave, minutes(5));
  EXPECT_TRUE(device.told.empty());
  run(SwitchOrder::off, minutes(10));
  EXPECT_EQ(device.told, Told{"off"});
  EXPECT_EQ(world.recorder.count("power_switch"), 1);
  run(SwitchOrder::on, minutes(10));
  EXPECT_EQ(device.told, (Told{"off", "on"}));
  run(SwitchOrder::leave, minutes(10));
  EXPECT_EQ(device.told.size(), 2U);
}

TEST_F(PowerOrderTest, what_is_so_already_is_not_told) {
  run(SwitchOrder::on, minutes(1));
  EXPECT_TRUE(device.told.empty());
}

TEST_F(PowerOrderTest, one_that_does_not_obey_is_told_again_ever_more_seldom) {
  device.stuck = true;
  run(SwitchOrder::off, minutes(1));
  EXPECT_GE(device.told.size(), 3U);
  EXPECT_LE(device.told.size(), 5U);
  run(SwitchOrder::off, minutes(10));
  EXPECT_LE(device.told.size(), 16U) << "once a minute";
  device.stuck = false;
  run(SwitchOrder::off, minutes(2));
  EXPECT_FALSE(device.switched_on);
}

TEST_F(PowerOrderTest, a_failure_is_announced_until_it_is_over) {
  device.refuses = true;
  run(SwitchOrder::off, seconds(30));
  EXPECT_EQ(world.recorder.count("power_switch_failed"), 1);
  EXPECT_TRUE(device.switched_on);
  device.refuses = false;
  run(SwitchOrder::off, minutes(2));
  EXPECT_FALSE(device.switched_on);
}

TEST_F(PowerOrderTest, a_switch_that_says_nothing_is_told_all_the_same) {
  answers = false;
  run(SwitchOrder::on, seconds(3));
  EXPECT_EQ(device.told, Told{"on"});
}

TEST_F(PowerOrderTest, stays_as_it_is_when_nobody_wants_anything_more) {
  run(SwitchOrder::off, minutes(1));
  silence(minutes(5));
  device.switched_on = true;  // somebody else
  silence(minutes(5));
  EXPECT_EQ(device.told, Told{"off"});
}

TEST_F(PowerOrderTest, what_leaves_the_configuration_is_switched_on_whatever_is_wanted) {
  EXPECT_FALSE(power.leave_on(true)) << "it was never cut";
  power.leave_on(false);
  run(SwitchOrder::off, minutes(1));
  EXPECT_TRUE(power.leave_on(true));
  run(SwitchOrder::off, seconds(5));
  EXPECT_TRUE(power.on());
  EXPECT_EQ(device.told, (Told{"off", "on"}));
}

}  // namespace
}  // namespace sluice::runtime
