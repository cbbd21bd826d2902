// Random houses, random weather, random faults: what must hold in every second of all of them. A failing seed is
// replayed with SLUICE_SEED=<seed>.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "loop.hpp"

namespace sluice::control {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2862933555777941757ULL + 3037000493ULL) {}
  double roll() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  double between(double low, double high) { return low + (high - low) * roll(); }
  bool chance(double share) { return roll() < share; }
  int pick(int count) { return static_cast<int>(roll() * count); }

 private:
  std::uint64_t state_;
};

Loop random_house(Dice& dice) {
  std::vector<TestMiner> miners;
  const int count = 1 + dice.pick(4);
  for (int i = 0; i < count; ++i) {
    TestMiner (*const kinds[])() = {luxos_target, luxos_profile, vnish_throttle, braiins};
    TestMiner miner = kinds[dice.pick(4)]();
    miner.gain = dice.between(0.85, 1.15);
    miner.report_gain = dice.between(0.8, 1.2);
    miner.dead_s = miner.dead_s * dice.between(0.3, 2.0);
    if (dice.chance(0.5)) {
      miner.be_asleep();
    } else {
      miner.be_running(miner.envelope.min.value());
    }
    miners.push_back(miner);
  }
  Loop loop(miners);
  if (dice.chance(0.5)) {
    loop.site.circuits.push_back({"shed", Watts(dice.between(2000.0, 6000.0))});
    for (MinerSite& miner : loop.site.miners) {
      if (dice.chance(0.7)) miner.circuit = 0;
    }
  }
  const double peak_w = dice.between(1500.0, 12000.0);
  const double period_s = dice.between(20.0, 900.0);
  const double depth = dice.roll();
  loop.sun = [=](double t) { return peak_w * (1.0 - depth * 0.5 * (1.0 + std::sin(t / period_s))); };
  const double base_w = dice.between(100.0, 800.0);
  loop.load = [=](double t) { return base_w + (std::fmod(t, 700.0) < 60.0 ? 1800.0 : 0.0); };
  loop.noise_w = dice.between(0.0, 15.0);
  loop.meter_age_s = dice.between(0.1, 2.0);
  return loop;
}

void random_fault(Loop& loop, Dice& dice) {
  TestMiner& miner = loop.miners[static_cast<std::size_t>(dice.pick(static_cast<int>(loop.miners.size())))];
  switch (dice.pick(8)) {
    case 0:
      loop.meter_dead = !loop.meter_dead;
      break;
    case 1:
      loop.meter_frozen = !loop.meter_frozen;
      break;
    case 2:
      miner.link_up = !miner.link_up;
      break;
    case 3:
      miner.lose_commands = !miner.lose_commands;
      break;
    case 4:
      miner.refuse_commands = !miner.refuse_commands;
      break;
    case 5:
      loop.connection =
          loop.connection == GridConnection::connected ? GridConnection::islanded : GridConnection::connected;
      break;
    case 6:
      ++miner.reboots;
      miner.be_running(miner.envelope.min.value());
      break;
    default:
      miner.ignore_sleep = !miner.ignore_sleep;
      break;
  }
}

void check(const Loop& loop, std::vector<std::uint64_t>& sequences, int& silent_s, int& island_s) {
  silent_s = loop.meter_dead ? silent_s + 1 : 0;
  island_s = loop.connection != GridConnection::connected ? island_s + 1 : 0;
  for (std::size_t i = 0; i < loop.miners.size(); ++i) {
    const MinerDecision& miner = loop.decision().miners[i];
    const Envelope& envelope = loop.miners[i].envelope;
    ASSERT_GE(miner.sequence, sequences[i]) << "sequences only grow";
    const bool fresh = miner.sequence != sequences[i];
    sequences[i] = miner.sequence;
    if (fresh && (miner.wanted == CommandKind::target || miner.wanted == CommandKind::wake)) {
      ASSERT_GE(miner.target, envelope.min);
      ASSERT_LE(miner.target, envelope.max);
      ASSERT_EQ(envelope.floor(miner.target), miner.target) << "only targets that the firmware has";
      // Five seconds, or three of the refresh times that it learned of a meter with long equal values.
      ASSERT_LT(silent_s, 12) << "nothing is raised or started on a silent meter";
      ASSERT_EQ(island_s, 0) << "nothing starts without grid";
    }
    if (silent_s > 30) {
      ASSERT_TRUE(miner.wanted == CommandKind::sleep || miner.wanted == CommandKind::none);
    }
    if (island_s > 2) {
      ASSERT_NE(miner.wanted, CommandKind::target);
    }
    ASSERT_NE(miner.reason, Reason::count_);
    ASSERT_TRUE(std::isfinite(miner.expected_power.value()));
    ASSERT_TRUE(std::isfinite(miner.target.value()));
  }
}

TEST(Invariants, HoldInRandomHousesUnderRandomFaults) {
  const char* replay = std::getenv("SLUICE_SEED");
  const std::uint64_t first = replay != nullptr ? std::strtoull(replay, nullptr, 10) : 1;
  const std::uint64_t last = replay != nullptr ? first : 120;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    Dice dice(seed);
    Loop loop = random_house(dice);
    std::vector<std::uint64_t> sequences(loop.miners.size(), 0);
    int silent_s = 0;
    int island_s = 0;
    for (int minute = 0; minute < 60; ++minute) {
      if (minute > 3 && dice.chance(0.3)) random_fault(loop, dice);
      loop.run(60, [&] { check(loop, sequences, silent_s, island_s); });
      if (HasFatalFailure()) return;
    }
    EXPECT_LT(loop.commands(), 3600) << "not a command a second, whatever happens";
  }
}

TEST(Invariants, CircuitsHoldWhateverTheSkyDoes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed + 1000);
    Loop loop = random_house(dice);
    for (TestMiner& miner : loop.miners) miner.gain = std::min(miner.gain, 1.0);
    loop.site.circuits.assign(1, {"shed", Watts(dice.between(2500.0, 6000.0))});
    for (MinerSite& miner : loop.site.miners) miner.circuit = 0;
    const double limit_w = loop.site.circuits[0].continuous_limit.value();
    if (loop.mining_w() > limit_w) continue;  // begins above it: nothing to hold yet
    double most_w = 0.0;
    loop.run(1800, [&] { most_w = std::max(most_w, loop.mining_w()); });
    EXPECT_LE(most_w, limit_w + 1.0);
  }
}

}  // namespace
}  // namespace sluice::control
