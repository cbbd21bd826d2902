#include "runtime/state_keeper.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

class StateKeeperTest : public testing::Test {
 protected:
  World world;
  StateKeeper keeper{PersistentState{}, world.store, world.clock, world.announcer};
};

TEST_F(StateKeeperTest, nothing_is_saved_while_nothing_changes) {
  EXPECT_EQ(keeper.run_once(), MonoTime::max());
  EXPECT_EQ(world.store.saves, 0);
}

TEST_F(StateKeeperTest, what_parking_relies_on_is_saved_at_once) {
  keeper.change(StateKeeper::When::now, [](PersistentState& s) { StateKeeper::miner(s, "s19").driven = true; });
  keeper.run_once();
  ASSERT_EQ(world.store.saved.miners.size(), 1u);
  EXPECT_TRUE(world.store.saved.miners[0].driven);
}

TEST_F(StateKeeperTest, counters_are_saved_at_most_every_five_minutes) {
  for (int second = 0; second < 3600; ++second) {
    keeper.change(StateKeeper::When::soon, [&](PersistentState& s) { StateKeeper::miner(s, "s19").writes_today++; });
    keeper.run_once();
    world.clock.advance(seconds(1));
  }
  EXPECT_LE(world.store.saves, 12);
  EXPECT_GE(world.store.saves, 11);
}

TEST_F(StateKeeperTest, a_broken_disk_is_said_once_and_tried_again) {
  world.store.broken = true;
  keeper.change(StateKeeper::When::now, [](PersistentState& s) { s.clean_stop = true; });
  for (int minute = 0; minute < 10; ++minute) {
    keeper.run_once();
    world.clock.advance(std::chrono::minutes(1));
  }
  EXPECT_GE(world.store.saves, 9);
  EXPECT_EQ(world.recorder.count("state_not_saved"), 1);
  world.store.broken = false;
  keeper.run_once();
  EXPECT_TRUE(world.store.saved.clean_stop);
  EXPECT_EQ(world.recorder.count("state_not_saved", true), 1);
}

}  // namespace
}  // namespace sluice::runtime
