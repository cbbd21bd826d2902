// Several miners of different kinds under one budget and their circuits.

#include <gtest/gtest.h>

#include <cmath>

#include "loop.hpp"

namespace sluice::control {
namespace {

TEST(Fleet, OneTrimsTheOthersHold) {
  Loop loop({luxos_target(), vnish_throttle(), braiins()});
  loop.sun = [](double t) { return 6500.0 + 300.0 * std::sin(t / 20.0); };
  loop.run(900);
  int before[3];
  for (int i = 0; i < 3; ++i) before[i] = loop.miners[static_cast<std::size_t>(i)].commands;
  loop.run(600);
  EXPECT_GT(loop.miners[0].commands - before[0], 10);
  EXPECT_LE(loop.miners[1].commands - before[1], 3);
  EXPECT_LE(loop.miners[2].commands - before[2], 3);
}

TEST(Fleet, ComesToRestOnConstantSun) {
  Loop loop({luxos_target(), vnish_throttle(), braiins()});
  for (TestMiner& miner : loop.miners) miner.gain = 1.08;
  loop.sun = [](double) { return 7000.0; };
  loop.run(900);
  const int commands = loop.commands();
  loop.run(900);
  EXPECT_EQ(loop.commands(), commands);
  EXPECT_LE(std::abs(loop.grid_w()), 20.0);
}

TEST(Fleet, ASecondMinerStartsWhenTheFirstCanTakeNoMoreAndStopsFirst) {
  TestMiner second = vnish_throttle();
  second.be_asleep();
  Loop loop({luxos_target(), second});
  loop.site.miners[0].priority = 1;
  loop.sun = [](double t) { return t < 700.0 ? 2500.0 : t < 2000.0 ? 6000.0 : 1600.0; };
  loop.run(590);
  EXPECT_EQ(loop.miners[1].starts, 0);
  loop.run(800);
  EXPECT_EQ(loop.miners[1].starts, 1);
  EXPECT_NEAR(loop.mining_w(), 5500.0, 60.0);
  loop.run(800);
  EXPECT_EQ(loop.miners[1].state, MinerState::asleep);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  EXPECT_NEAR(loop.mining_w(), 1140.0, 60.0);
}

// What is left beside the second one is never enough for the first: it makes room.
TEST(Fleet, WhoRunsFirstIsGivenRoomByTheOthers) {
  TestMiner first = luxos_target();
  first.envelope.min = Watts(3000.0);
  first.be_asleep();
  Loop loop({first, vnish_throttle()});
  loop.site.miners[0].priority = 1;
  loop.sun = [](double) { return 3900.0; };
  loop.run(900);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  EXPECT_EQ(loop.miners[1].state, MinerState::asleep);
  EXPECT_EQ(loop.miners[0].starts, 1);
  EXPECT_EQ(loop.miners[1].starts, 0);
  EXPECT_LT(loop.imported_wh, 50.0);
}

// Both together need 1550 W and buy 200 of them; one alone takes all of the sun and buys nothing.
TEST(Fleet, WhereOneCanTakeAllASecondDoesNotBuy) {
  Loop loop({luxos_target(), vnish_throttle()});
  loop.sun = [](double t) { return t < 700.0 ? 4500.0 : 1850.0; };
  loop.run(595);
  EXPECT_EQ(loop.miners[0].state, MinerState::running);
  loop.run(300);
  EXPECT_EQ(loop.miners[0].state, MinerState::asleep);
  EXPECT_NEAR(loop.mining_w(), 1350.0, 60.0);
}

TEST(Fleet, OfEqualsTheOneThatNeedsTheLeastRuns) {
  TestMiner first = luxos_target();
  TestMiner second = vnish_throttle();
  first.be_asleep();
  second.be_asleep();
  Loop loop({first, second});
  loop.sun = [](double) { return 2500.0; };
  loop.run(900);
  EXPECT_EQ(loop.miners[0].starts, 0);
  EXPECT_EQ(loop.miners[1].starts, 1);
}

// Nine seconds for the trimmer alone; the other one climbs twice as fast and helps.
TEST(Fleet, AClimbIsShared) {
  Loop loop({luxos_target(), vnish_throttle()});
  loop.sun = [](double t) { return t < 1000.0 ? 2600.0 : 2980.0; };
  loop.run(895);
  const int before = loop.miners[1].commands;
  loop.run(10);
  EXPECT_GT(loop.miners[1].commands, before);
}

TEST(Fleet, ACircuitIsNeverLoadedBeyondItsLimit) {
  Loop loop({luxos_target(), luxos_target()});
  loop.site.circuits.push_back({"garage", Watts(3840.0)});
  for (MinerSite& miner : loop.site.miners) miner.circuit = 0;
  loop.sun = [](double) { return 9000.0; };
  double most_w = 0.0;
  loop.run(900, [&] { most_w = std::max(most_w, loop.mining_w()); });
  EXPECT_LE(most_w, 3840.0);
  EXPECT_GT(loop.mining_w(), 3700.0);
  const int commands = loop.commands();
  loop.run(300);
  EXPECT_EQ(loop.commands(), commands) << "a limit is not fought every second";
}

// Two that may start in the same second: the second one waits for what the first one leaves.
TEST(Fleet, WhatACircuitCannotCarryIsNotStarted) {
  Loop loop({luxos_target(), luxos_target()});
  loop.site.circuits.push_back({"garage", Watts(1700.0)});
  for (TestMiner& miner : loop.miners) miner.be_asleep();
  for (MinerSite& miner : loop.site.miners) {
    miner.circuit = 0;
    miner.strategy = Strategy::full;
  }
  loop.site.control.profile.stagger_up = Duration::zero();
  loop.run(600, [&] {
    for (const MinerDecision& miner : loop.decision().miners) EXPECT_TRUE(miner.cuts.empty()) << loop.now_s();
  });
  EXPECT_EQ(loop.miners[0].starts + loop.miners[1].starts, 1);
}

TEST(Fleet, ACircuitTooSmallForTheMinimumKeepsTheMinerAsleep) {
  TestMiner miner = luxos_target();
  miner.be_asleep();
  Loop loop({miner});
  loop.site.circuits.push_back({"kitchen", Watts(700.0)});
  loop.site.miners[0].circuit = 0;
  loop.run(600);
  EXPECT_EQ(loop.miners[0].starts, 0);
  EXPECT_EQ(loop.decision().miners[0].reason, Reason::circuit_limit);
}

TEST(Fleet, AnUnreachableMinerKeepsItsPlaceInTheCircuit) {
  Loop loop({luxos_target(), luxos_target()});
  loop.site.circuits.push_back({"garage", Watts(4200.0)});
  for (MinerSite& miner : loop.site.miners) miner.circuit = 0;
  loop.sun = [](double t) { return t < 300.0 ? 3500.0 : 9000.0; };
  loop.run(150);
  loop.miners[1].link_up = false;
  double most_w = 0.0;
  loop.run(600, [&] { most_w = std::max(most_w, loop.mining_w()); });
  EXPECT_LE(most_w, 4200.0);
}

TEST(Fleet, TheMainBreakerShedsInTheSameSecond) {
  TestMiner full = luxos_target();
  Loop loop({full});
  loop.site.miners[0].strategy = Strategy::full;
  loop.site.import_cap = Watts(5750.0);
  loop.sun = [](double) { return 0.0; };
  loop.load = [](double t) { return t < 400.0 ? 1000.0 : 4000.0; };
  loop.run(290);
  EXPECT_NEAR(loop.mining_w(), 3250.0, 10.0);
  loop.run(20);
  EXPECT_LT(loop.grid_w(), 5750.0);
}

TEST(Fleet, FullAndOffAreWhatTheySay) {
  TestMiner asleep = luxos_target();
  asleep.be_asleep();
  Loop loop({asleep, luxos_target()});
  loop.site.miners[0].strategy = Strategy::full;
  loop.site.miners[1].strategy = Strategy::off;
  loop.sun = [](double) { return 0.0; };
  loop.run(300);
  EXPECT_NEAR(loop.miners[0].power_w, 3250.0, 10.0);
  EXPECT_EQ(loop.miners[1].state, MinerState::asleep);
}

TEST(Fleet, StartsAreStaggeredAndCounted) {
  std::vector<TestMiner> miners;
  for (int i = 0; i < 4; ++i) {
    miners.push_back(luxos_target());
    miners.back().be_asleep();
  }
  Loop loop(miners);
  loop.sun = [](double) { return 12000.0; };
  int most_in_one_tick = 0;
  int before = 0;
  loop.run(300, [&] {
    int now = 0;
    for (const TestMiner& miner : loop.miners) now += miner.starts;
    most_in_one_tick = std::max(most_in_one_tick, now - before);
    before = now;
  });
  EXPECT_EQ(most_in_one_tick, 1);
  EXPECT_EQ(before, 4);
}

TEST(Fleet, TheStartBudgetOfTheDayIsKept) {
  Loop loop({luxos_target()});
  loop.site.control.profile = constraint_profile(ProfileName::normal);
  loop.site.control.profile.max_starts_per_day = 3;
  loop.sun = [](double t) { return std::fmod(t, 600.0) < 300.0 ? 0.0 : 3000.0; };
  loop.run(6000);
  EXPECT_EQ(loop.miners[0].starts, 3);
}

TEST(Fleet, ThirtyTwoMixedMinersAreControlled) {
  std::vector<TestMiner> miners;
  for (int i = 0; i < 32; ++i) {
    miners.push_back(i % 4 == 0   ? luxos_target()
                     : i % 4 == 1 ? vnish_throttle()
                     : i % 4 == 2 ? braiins()
                                  : luxos_profile());
  }
  Loop loop(miners);
  loop.sun = [](double) { return 60000.0; };
  loop.run(1800);
  EXPECT_LE(std::abs(loop.grid_w()), 60.0);
}

}  // namespace
}  // namespace sluice::control
