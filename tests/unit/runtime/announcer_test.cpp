#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

TEST(Announcer, says_a_lasting_condition_once_and_its_end_once) {
  World world;
  for (int i = 0; i < 100; ++i) world.announcer.raise(ports::EventLevel::alarm, "pool_dead", "s19", "the pool is dead");
  EXPECT_EQ(world.recorder.count("pool_dead"), 1);
  EXPECT_EQ(world.notifier.told, std::vector<std::string>{"pool_dead"});
  world.announcer.clear("pool_dead", "s19", "the pool is back");
  world.announcer.clear("pool_dead", "s19", "the pool is back");
  EXPECT_EQ(world.recorder.count("pool_dead", true), 1);
  world.announcer.raise(ports::EventLevel::alarm, "pool_dead", "s19", "the pool is dead");
  EXPECT_EQ(world.recorder.count("pool_dead"), 2);
}

TEST(Announcer, keeps_subjects_apart) {
  World world;
  world.announcer.raise(ports::EventLevel::alarm, "pool_dead", "s19", "");
  world.announcer.raise(ports::EventLevel::alarm, "pool_dead", "s21", "");
  EXPECT_EQ(world.recorder.count("pool_dead"), 2);
}

TEST(Announcer, bothers_the_owner_with_alarms_only) {
  World world;
  world.announcer.raise(ports::EventLevel::warning, "device_lost", "meter", "");
  EXPECT_TRUE(world.notifier.told.empty());
}

}  // namespace
}  // namespace sluice::runtime
