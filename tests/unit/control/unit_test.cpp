#include "control/unit.hpp"

#include <gtest/gtest.h>

#include "control/commitment.hpp"

namespace sluice::control {
namespace {

using std::chrono::seconds;

// A kettle that comes and goes looks like a loop that chases its own late answer. A step whose time the meter shows
// tells that it was not.
TEST(Unit, AStepThatFitsEndsTheCautionOfChasing) {
  const MinerSite site;
  Unit unit(site, MinerMemory{}, MonoTime(seconds(3600)), WallTime{});
  MonoTime now(seconds(3700));
  unit.want_target(Watts(3000.0), now);
  for (int turn = 0; turn < 3; ++turn) {
    now += seconds(1);
    const double step_w = turn % 2 == 0 ? -500.0 : 500.0;
    unit.chased(step_w, 0.0, now);
    unit.want_target(unit.target() + Watts(step_w), now);
  }
  StepFit fit;
  fit.fits = fit.dead_known = true;
  fit.dead_s = 2.0;
  fit.weight = 1.0;
  for (int step = 0; step < 3; ++step) unit.learn_fit(fit);
  EXPECT_GT(unit.trust(), 0.3);
}

/// A miner that runs, with its unit; the clock stands at the last observation.
struct Running {
  Running() {
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.state = MinerState::running;
    seen.envelope.kind = EnvelopeKind::range;
    seen.envelope.min = Watts(900);
    seen.envelope.max = Watts(3250);
    seen.envelope.step = Watts(5);
    tells(Watts(1000));
    look();
  }
  void tells(Watts target) {
    seen.state_at = now;
    seen.target_readback = Reading<Watts>::good(target, now);
  }
  void look() {
    unit.observe(seen, now, 1, true);
    unit.look_at_meter(now);
  }
  /// The command that the unit wants reaches it now.
  void hears() {
    seen.command = {unit.sequence(), CommandKind::target, unit.target(), CommandStatus::acknowledged, now, now};
    look();
  }
  void pass(Duration time) {
    now += time;
    look();
  }
  bool alarmed(Alarm alarm) const { return unit.alarms().has(alarm); }

  MinerSite site;
  MonoTime now{seconds(3700)};
  Unit unit{site, MinerMemory{}, MonoTime(seconds(3600)), WallTime{}};
  MinerObservation seen;
};

// Firmware that is written to every few minutes only hears a target long after it was decided, and names the one before
// until it acts.
TEST(Unit, ATargetThatWaitedForItsTurnIsNotAStrangers) {
  Running miner;
  for (const double target_w : {2000.0, 2500.0}) {
    miner.unit.want_target(Watts(target_w), miner.now);
    miner.pass(seconds(120));
    miner.hears();
    for (int look = 0; look < 3 && target_w > 2000.0; ++look) {
      miner.pass(seconds(3));
      miner.tells(Watts(2000));
      miner.look();
    }
    miner.pass(seconds(30));
    miner.tells(Watts(target_w));
    miner.look();
  }
  EXPECT_FALSE(miner.alarmed(Alarm::miner_manual_override));
}

// What an oven draws is bought with the miner or without it: only its own watts are a reason to stop or to wait.
TEST(Commitment, AnOvenIsNotTheMinersImport) {
  ControlSettings control;
  const auto seconds_until = [&](double available_w, bool starts) {
    Running miner;
    int second = 0;
    if (starts) {  // sun came first, then the oven for two seconds
      miner.unit.start_account_ws = 14'000.0;
      for (; second < 2; ++second) should_start(miner.unit, control, 900.0 - available_w, 0.0, miner.now, 1.0);
      second = 0;
      while (!should_start(miner.unit, control, -100.0, 1000.0, miner.now, 1.0)) ++second;
    } else {
      while (!should_stop(miner.unit, control, available_w, miner.now + seconds(second), 1.0)) ++second;
    }
    return second;
  };
  for (const bool starts : {false, true}) {
    EXPECT_EQ(seconds_until(-5000.0, starts), seconds_until(0.0, starts));
    EXPECT_GT(seconds_until(0.0, starts), 0);
  }
  EXPECT_GT(seconds_until(500.0, false), seconds_until(0.0, false));
}

// Firmware that wakes hears a sleep only once it is awake.
TEST(Unit, AStopThatWaitsForTheEndOfAWakeIsNotIgnored) {
  for (const bool wakes : {true, false}) {
    Running miner;
    miner.seen.dynamics.wake = seconds(600);
    miner.unit.want_sleep(miner.now);
    for (int second = 0; second < 500; ++second) {
      miner.now += seconds(1);
      if (miner.seen.command.sequence != miner.unit.sequence()) {
        miner.seen.command = {miner.unit.sequence(),       CommandKind::sleep, Watts(900),
                              CommandStatus::acknowledged, miner.now,          miner.now};
      }
      miner.seen.state = wakes ? MinerState::waking : MinerState::running;
      miner.seen.state_at = miner.now;
      miner.look();
    }
    EXPECT_EQ(miner.alarmed(Alarm::miner_ignores_stop), !wakes);
  }
}

TEST(Unit, OneStepThatWasNotSeenIsAnAccidentTwoAreAnAlarm) {
  Running miner;
  miner.unit.step_unseen(700.0);
  miner.pass(seconds(1));
  EXPECT_FALSE(miner.alarmed(Alarm::miner_not_following));
  miner.unit.step_unseen(250.0);
  miner.pass(seconds(1));
  EXPECT_TRUE(miner.alarmed(Alarm::miner_not_following));
}

// At its maximum it is given no second step.
TEST(Unit, ALargeStepThatWasNotSeenIsAnAlarmOnceNothingSpokeForItForLong) {
  Running miner;
  miner.unit.step_unseen(700.0);
  miner.pass(seconds(599));
  EXPECT_FALSE(miner.alarmed(Alarm::miner_not_following));
  miner.pass(seconds(2));
  EXPECT_TRUE(miner.alarmed(Alarm::miner_not_following));
  miner.unit.learn_step(1.0, 300.0);
  miner.pass(seconds(1));
  EXPECT_FALSE(miner.alarmed(Alarm::miner_not_following));
}

TEST(Unit, AWholeMinerThatWasNotSeenIsAnAlarmAtOnce) {
  Running miner;
  miner.unit.step_unseen(3000.0);
  miner.pass(seconds(1));
  EXPECT_TRUE(miner.alarmed(Alarm::miner_not_following));
}

// In a fleet hardly ever one moves alone.
TEST(Unit, AnAlarmEndsOnceItsStepIsSeenAmongThoseOfOthers) {
  for (const double unexplained_w : {-900.0, 100.0}) {
    Running miner;
    miner.unit.step_unseen(700.0);
    miner.unit.step_unseen(700.0);
    miner.unit.step_begins();
    miner.unit.want_target(Watts(2000), miner.now);
    miner.hears();
    miner.pass(seconds(90));
    miner.unit.steps_together(unexplained_w);
    miner.pass(seconds(1));
    EXPECT_EQ(miner.alarmed(Alarm::miner_not_following), unexplained_w < -500.0) << unexplained_w;
  }
}

}  // namespace
}  // namespace sluice::control
