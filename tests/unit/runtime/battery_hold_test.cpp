#include "runtime/battery_hold.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

using std::chrono::minutes;
using Told = std::vector<std::string>;

class BatteryHoldTest : public testing::Test {
 protected:
  void open(std::optional<std::string> held = std::nullopt, bool allowed = true) {
    HoldPlan plan;
    plan.allowed = allowed;
    plan.held = kept = std::move(held);
    plan.remember = [this](const std::optional<std::string>& before) -> Result<void> {
      if (disk_full) return fail(ErrorKind::io, "the disk is full");
      kept = before;
      return {};
    };
    hold = std::make_unique<BatteryHold>("gx", std::move(plan), world.clock, world.announcer);
  }
  /// The tick says each second what it wants, and the device's thread serves.
  void run(bool wanted, Duration time, double battery_w = 0.0) {
    for (const MonoTime end = world.clock.now() + time; world.clock.now() < end; world.clock.advance(seconds(1))) {
      hold->want(wanted, Reading<Watts>::good(Watts(battery_w), world.clock.now()));
      hold->serve(device);
    }
  }
  /// No tick any more; the device's thread lives on.
  void silence(Duration time) {
    for (const MonoTime end = world.clock.now() + time; world.clock.now() < end; world.clock.advance(seconds(1)))
      hold->serve(device);
  }
  int said(const char* code) const { return world.recorder.count(code); }

  World world;
  FakeDevice device{"gx", [] { return Result<ports::DevicePoll>(ports::DevicePoll{}); }};
  std::unique_ptr<BatteryHold> hold;
  std::optional<std::string> kept;
  bool disk_full = false;
};

TEST_F(BatteryHoldTest, is_told_on_change_alone_and_remembered_over_restarts) {
  open();
  run(true, minutes(10));
  EXPECT_EQ(device.told, Told{"hold"});
  EXPECT_EQ(kept, "120");
  EXPECT_FALSE(hold->free());
  run(false, minutes(10));
  EXPECT_EQ(device.told, (Told{"hold", "release 120"}));
  EXPECT_EQ(kept, std::nullopt);
  EXPECT_TRUE(hold->free());
}

TEST_F(BatteryHoldTest, a_device_that_forgets_is_told_again) {
  device.repeat = seconds(25);
  open();
  run(true, seconds(60));
  EXPECT_EQ(device.told, (Told{"hold", "hold", "hold"}));
  run(false, seconds(60));
  EXPECT_EQ(device.told.back(), "release 120");
  EXPECT_FALSE(hold->unavailable()) << "nothing wears in it";
}

TEST_F(BatteryHoldTest, flash_is_spared_and_the_controller_knows_it) {
  open();
  for (int i = 0; i < 300; ++i) {
    run(true, seconds(1));
    run(false, seconds(1));
  }
  EXPECT_LE(device.told.size(), 6U) << "ten minutes of a price that flaps";
  EXPECT_TRUE(hold->unavailable());
  run(false, minutes(5));
  EXPECT_FALSE(hold->unavailable());
}

TEST_F(BatteryHoldTest, a_tick_that_hangs_releases_it_and_one_that_comes_back_holds_it_again) {
  device.repeat = seconds(25);
  open();
  run(true, seconds(5));
  silence(seconds(12));
  EXPECT_EQ(device.told, (Told{"hold", "release 120"}));
  run(true, seconds(5));
  EXPECT_EQ(device.told, (Told{"hold", "release 120", "hold"}));
}

TEST_F(BatteryHoldTest, what_the_run_before_left_held_is_released_even_when_it_is_not_allowed_any_more) {
  open("75", false);
  silence(minutes(1));
  EXPECT_TRUE(device.told.empty()) << "nobody has decided yet";
  run(true, seconds(5));
  EXPECT_EQ(device.told, Told{"release 75"});
  EXPECT_EQ(kept, std::nullopt);
}

TEST_F(BatteryHoldTest, what_the_run_before_left_held_and_is_still_wanted_keeps_its_way_back) {
  open("75");
  run(true, seconds(5));
  EXPECT_EQ(device.told, Told{"hold"});
  EXPECT_EQ(kept, "75");
  run(false, seconds(5));
  EXPECT_EQ(device.told.back(), "release 75");
}

TEST_F(BatteryHoldTest, a_refusal_is_said_once_and_nothing_is_counted_on_meanwhile) {
  device.refuses = true;
  open();
  run(true, seconds(3));
  EXPECT_TRUE(hold->unavailable());
  // As the controller does: what is not to be had is not wanted.
  int hours_of_trying = 0;
  for (int minute = 0; minute < 180; ++minute) {
    const bool wants = !hold->unavailable();
    hours_of_trying += wants;
    run(wants, minutes(1));
  }
  EXPECT_LE(hours_of_trying, 8);
  EXPECT_EQ(said("battery_hold_failed"), 1);
  device.refuses = false;
  run(false, minutes(70));
  EXPECT_TRUE(hold->free());
  run(true, seconds(3));
  EXPECT_EQ(world.recorder.count("battery_hold_failed", true), 1);
}

TEST_F(BatteryHoldTest, a_release_that_fails_is_said_once_and_tried_until_it_succeeds) {
  open();
  run(true, seconds(3));
  device.refuses = true;
  run(false, minutes(1));
  EXPECT_EQ(said("battery_held"), 1);
  EXPECT_EQ(kept, "120");
  EXPECT_NEAR(static_cast<double>(device.told.size()), 1 + 12, 1);
  device.refuses = false;
  run(false, seconds(6));
  EXPECT_TRUE(hold->free());
  EXPECT_EQ(world.recorder.count("battery_held", true), 1);
}

TEST_F(BatteryHoldTest, without_a_memory_nothing_is_held) {
  disk_full = true;
  open();
  run(true, seconds(3));
  EXPECT_TRUE(hold->free());
  EXPECT_TRUE(hold->unavailable());
  EXPECT_EQ(said("battery_hold_failed"), 1);
}

TEST_F(BatteryHoldTest, a_battery_that_discharges_all_the_same_is_found_out) {
  open();
  run(true, seconds(55), 1500.0);
  EXPECT_EQ(said("battery_hold_ignored"), 0) << "it has a minute to obey";
  run(true, seconds(40), 1500.0);
  EXPECT_EQ(said("battery_hold_ignored"), 1);
  EXPECT_TRUE(hold->unavailable());
  run(false, seconds(3), 1500.0);
  EXPECT_TRUE(hold->free());
  run(false, minutes(61));
  run(true, minutes(3), 20.0);
  EXPECT_EQ(world.recorder.count("battery_hold_ignored", true), 1) << "it uses some watts itself";
}

TEST_F(BatteryHoldTest, one_whose_connection_leaves_is_released_whatever_is_wanted) {
  open();
  EXPECT_FALSE(hold->leave(true)) << "nothing is held";
  run(true, seconds(3));
  EXPECT_TRUE(device.told.empty());
  hold->leave(false);
  run(true, seconds(3));
  EXPECT_EQ(device.told, Told{"hold"});
  EXPECT_TRUE(hold->leave(true));
  EXPECT_FALSE(hold->free());
  run(true, seconds(3));
  EXPECT_EQ(device.told, (Told{"hold", "release 120"}));
  EXPECT_TRUE(hold->free());
  EXPECT_FALSE(hold->unavailable()) << "who follows may hold at once";
  hold->leave(false);
  EXPECT_TRUE(hold->unavailable()) << "two writes in five minutes";
  run(true, minutes(6));
  EXPECT_EQ(device.told.back(), "hold");
}

}  // namespace
}  // namespace sluice::runtime
