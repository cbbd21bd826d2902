#include <thread>

#include "test_house.hpp"

namespace sluice::house {
namespace {

using std::chrono::seconds;

TEST(House, TheDoorShowsTheMinerAndObeys) {
  TestHouse test(false, "luxos-profile");
  MinerDoor& door = test.house->door(0);
  MinerView view = door.view();
  EXPECT_EQ(view.state, MinerState::running);
  EXPECT_EQ(view.levels.size(), 17U);
  EXPECT_NEAR(view.power.value(), 1916, 1);
  EXPECT_NEAR(view.reported_power.value(), 1916, 120);
  EXPECT_GT(view.hashrate.value(), 80);
  door.sleep();
  test.advance(seconds(10));
  EXPECT_EQ(door.view().state, MinerState::asleep);
  door.wake();
  test.advance(seconds(100));
  EXPECT_EQ(door.view().state, MinerState::running);
  door.reboot();
  EXPECT_FALSE(door.view().booted);
}

TEST(House, TroublesChangeWhatTheFirmwareSees) {
  TestHouse test;
  MinerDoor& door = test.house->door(0);
  const std::string mac = door.face().mac;
  MinerTrouble trouble;
  trouble.report_gain = 0.5;
  trouble.hashrate_gone = true;
  trouble.pool_dead = true;
  trouble.wrong_identity = true;
  test.house->set_trouble(0, trouble);
  EXPECT_NEAR(door.view().reported_power.value(), 1000, 70);
  EXPECT_NEAR(door.view().power.value(), 2000, 1) << "the truth stays";
  EXPECT_DOUBLE_EQ(door.view().hashrate.value(), 0);
  EXPECT_FALSE(door.view().pool_alive);
  EXPECT_NE(door.face().mac, mac);
}

TEST(House, DroppedCommandsAndIgnoredSleepLeaveThePhysicsAlone) {
  TestHouse test;
  MinerTrouble trouble;
  trouble.faults.drop_commands = true;
  test.house->set_trouble(0, trouble);
  test.house->door(0).set_target(Watts(1000));
  test.advance(seconds(30));
  EXPECT_NEAR(test.house->truth().miners[0].power.value(), 2000, 1);
  trouble.faults.drop_commands = false;
  trouble.faults.ignore_sleep = true;
  test.house->set_trouble(0, trouble);
  test.house->door(0).sleep();
  test.advance(seconds(30));
  EXPECT_EQ(test.house->truth().miners[0].state, MinerState::running);
}

TEST(House, ALateLookSeesEverySecond) {
  TestHouse test;
  test.advance(seconds(90));
  test.advance(seconds(30));
  EXPECT_EQ(test.house->history(0).size(), 120U);
  EXPECT_EQ(test.house->history(100).size(), 20U);
  EXPECT_EQ(test.house->truth().elapsed, seconds(120));
}

TEST(House, AWindowIsScoredAgainstTheOracle) {
  TestHouse test;
  test.advance(seconds(600));
  const auto window = test.house->window(120, 600);
  ASSERT_TRUE(window);
  EXPECT_NEAR(window->score.captured.value(), 2000.0 * 480 / 3600, 0.1);
  EXPECT_NEAR(window->oracle.captured.value(), 3250.0 * 480 / 3600, 15) << "it would ramp up at once";
  EXPECT_LE(window->oracle.captured.value(), 3250.0 * 480 / 3600 + 1e-6);
  EXPECT_NEAR(window->score.usable_surplus.value(), 3250.0 * 480 / 3600, 0.1);
  EXPECT_FALSE(test.house->window(700, 800));
}

TEST(House, ThePhysicsGoesOnWithoutBeingAsked) {
  TestHouse test;
  test.clock.advance(seconds(5));
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (test.house->history(0).size() < 5 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(test.house->history(0).size(), 5U);
}

}  // namespace
}  // namespace sluice::house
