#include "control/unit.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "control/commitment.hpp"
#include "control/dispatch.hpp"
#include "control/guard.hpp"

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

Envelope presets(double step_w) {
  Envelope envelope;
  envelope.kind = EnvelopeKind::levels;
  for (double level_w = 900.0; level_w <= 3250.0; level_w += step_w) envelope.levels.push_back(Watts(level_w));
  envelope.min = envelope.levels[0];
  envelope.max = envelope.levels.back();
  return envelope;
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
    seen.command = {unit.sequence(), unit.wanted(), unit.target(), CommandStatus::acknowledged, now, now};
    look();
  }
  void hears(CommandKind kind, Watts target) {
    if (kind == CommandKind::target) unit.want_target(target, now);
    if (kind == CommandKind::wake) unit.want_wake(target, now);
    if (kind == CommandKind::sleep) unit.want_sleep(now);
    hears();
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

// A cloud lowers a target every second; firmware that acts a quarter of a minute later names them one after the other.
TEST(Unit, TargetsThatAreNamedLateAreStillItsOwn) {
  constexpr int kLate = 14;
  Running miner;
  miner.pass(seconds(60));
  std::array<Watts, 40> told{};
  for (int second = 0; second < static_cast<int>(told.size()); ++second) {
    const auto at = static_cast<std::size_t>(second);
    told[at] = Watts(3200.0 - 50.0 * second);
    miner.hears(CommandKind::target, told[at]);
    miner.pass(seconds(1));
    if (second < kLate) continue;
    // The answer to one command is newer than the last word: it is looked at when there is a pause.
    if (second % 8 == 0) miner.pass(seconds(3));
    miner.tells(told[at - kLate]);
    miner.look();
  }
  EXPECT_FALSE(miner.alarmed(Alarm::miner_manual_override));
  EXPECT_FALSE(miner.alarmed(Alarm::miner_not_following));
}

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
      while (!should_stop(miner.unit, control, available_w, 0.0, miner.now + seconds(second), 1.0)) ++second;
    }
    return second;
  };
  for (const bool starts : {false, true}) {
    EXPECT_EQ(seconds_until(-5000.0, starts), seconds_until(0.0, starts));
    EXPECT_GT(seconds_until(0.0, starts), 0);
  }
  EXPECT_GT(seconds_until(500.0, false), seconds_until(0.0, false));
}

// 200 W short, 700 W of sun that the others can take or not: then it is worth its keep, or buys for nothing.
TEST(Commitment, WhatTheOthersWouldTakeIsNoMerit) {
  ControlSettings control;
  const auto seconds_until_stop = [&](double available_w, double room_w) {
    Running miner;
    int second = 0;
    while (second < 600 && !should_stop(miner.unit, control, available_w, room_w, miner.now + seconds(second), 1.0)) {
      ++second;
    }
    return second;
  };
  EXPECT_EQ(seconds_until_stop(700.0, 0.0), 600);
  EXPECT_LT(seconds_until_stop(700.0, 5000.0), 120);
  EXPECT_LT(seconds_until_stop(700.0, 5000.0), seconds_until_stop(700.0, 350.0));
  EXPECT_EQ(seconds_until_stop(1000.0, 5000.0), 600) << "who buys nothing does no harm";
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

// A hob that goes on and off cancels one step after the other. Its own word is a witness too, but not for ever.
TEST(Unit, StepsThatOnlyTheMinerItselfSawAreBelievedForAWhile) {
  Running miner;
  for (int step = 1; step <= 4; ++step) {
    miner.seen.reported_power = Reading<Watts>::good(Watts(1000), miner.now);
    miner.pass(seconds(1));
    miner.unit.step_begins();
    miner.pass(seconds(30));
    miner.seen.reported_power = Reading<Watts>::good(Watts(1700), miner.now);
    miner.pass(seconds(1));
    miner.unit.step_unseen(700.0);
    miner.pass(seconds(1));
    EXPECT_EQ(miner.alarmed(Alarm::miner_not_following), step == 4) << step;
  }
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

// A fleet that never rests shows it all the same: its part in what all of them changed.
TEST(Unit, AnAlarmEndsOnceItIsSeenToFollowAmongOthersThatNeverRest) {
  for (const bool follows : {true, false}) {
    Running miner;
    miner.unit.step_unseen(700.0);
    miner.unit.step_unseen(700.0);
    FollowWatch::Sight house;
    for (int second = 0; second < 400; ++second) {
      if (second % 100 == 0) {
        miner.unit.want_target(Watts(second % 200 == 0 ? 2000 : 1000), miner.now);
        miner.hears();
      }
      miner.pass(seconds(1));
      house.now = miner.now;
      const double others_w = 3000.0 + 10.0 * second;
      house.all_low_w = others_w + miner.unit.metered_w(Bound::low);
      house.all_high_w = others_w + miner.unit.metered_w(Bound::high);
      house.fed_w = others_w + (follows ? miner.unit.metered_w(Bound::low) : 1000.0);
      miner.unit.look_for_steps(house);
    }
    EXPECT_EQ(miner.alarmed(Alarm::miner_not_following), !follows);
  }
}

// One that was not seen to follow is not woken for a circuit that would put it back a second later.
TEST(Unit, WhatIsDoubtedOfASleepingMinerIsCountedBeforeItIsWoken) {
  for (const double least_w : {900.0, 3250.0}) {
    Running miner;
    miner.seen.envelope.min = Watts(least_w);
    miner.look();
    miner.unit.step_unseen(3250.0);
    miner.hears(CommandKind::sleep, Watts(0));
    miner.seen.state = MinerState::asleep;
    for (int second = 0; second < 60; ++second) {
      miner.seen.state_at = miner.now;
      miner.pass(seconds(1));
    }
    ASSERT_FALSE(miner.alarmed(Alarm::miner_not_following)) << "it sleeps as told";
    for (const double cap_w : {3000.0, 3240.0, 3260.0, 3600.0}) {
      Running woken = miner;
      woken.unit.site = &woken.site;
      woken.unit.limit_to(cap_w);
      const bool fits = least_w < 3000.0 || cap_w > 3250.0;
      ASSERT_EQ(woken.unit.too_small_a_circuit(), !fits)
          << cap_w << ": more than its firmware's maximum it never draws";
      if (!fits) continue;
      woken.hears(CommandKind::wake, woken.unit.envelope().max);
      woken.pass(seconds(1));
      EXPECT_TRUE(woken.alarmed(Alarm::miner_not_following));
      EXPECT_LE(woken.unit.worst_w(), cap_w);
    }
  }
}

// Its circuit carries what it draws, not what it was told.
TEST(Unit, WhoDoesNotSleepAsToldCountsAtItsWorst) {
  Running miner;
  miner.hears(CommandKind::target, Watts(3000));
  miner.hears(CommandKind::sleep, Watts(3000));
  for (const MinerState state : {MinerState::running, MinerState::stopping, MinerState::asleep}) {
    miner.seen.state = state;
    for (int second = 0; second < 10; ++second) {
      miner.pass(seconds(1));
      miner.seen.state_at = miner.now;
    }
    if (state == MinerState::asleep) {
      EXPECT_LT(miner.unit.worst_w(), 100.0);
    } else {
      EXPECT_GE(miner.unit.worst_w(), 3000.0);
    }
  }
}

// An hour of a network that is gone must not end in a miner that nobody stops any more.
TEST(Unit, AStopThatCannotBeToldIsToldAgainForEver) {
  Running miner;
  miner.unit.want_sleep(miner.now);
  std::uint64_t told = 0;
  for (int second = 0; second < 3600; ++second) {
    miner.now += seconds(1);
    miner.seen.state_at = miner.now;
    if (miner.seen.command.sequence != miner.unit.sequence()) {
      ++told;
      miner.seen.command = {miner.unit.sequence(), CommandKind::sleep, Watts(1000),
                            CommandStatus::failed, miner.now,          miner.now};
    }
    miner.look();
  }
  EXPECT_TRUE(miner.alarmed(Alarm::miner_ignores_stop));
  EXPECT_GT(told, 60U);
  EXPECT_LT(told, 90U) << "not every ten seconds for ever";
  const std::uint64_t last = miner.unit.sequence();
  miner.pass(seconds(70));
  EXPECT_GT(miner.unit.sequence(), last);
  miner.seen.state = MinerState::asleep;
  const std::uint64_t asleep = miner.unit.sequence();
  for (int minute = 0; minute < 5; ++minute) miner.pass(seconds(70));
  EXPECT_EQ(miner.unit.sequence(), asleep) << "it sleeps: nothing is left to be told";
  EXPECT_FALSE(miner.alarmed(Alarm::miner_ignores_stop));
}

// A command that got lost leaves a miner of presets on the level beside its own.
TEST(Unit, TheLevelBesideItsOwnIsAnotherTarget) {
  Running miner;
  miner.seen.envelope = presets(235.0);
  miner.hears(CommandKind::target, Watts(1370));
  miner.pass(seconds(60));
  miner.tells(Watts(1370));
  miner.look();
  miner.hears(CommandKind::target, Watts(1135));
  const std::uint64_t told = miner.unit.sequence();
  for (int look = 0; look < 4; ++look) {
    miner.pass(seconds(20));
    miner.tells(Watts(1370));
    miner.look();
  }
  EXPECT_GT(miner.unit.sequence(), told);
  EXPECT_EQ(miner.unit.target(), Watts(1135));
}

/// Woken, it says that it wakes for `wake_s`; then that it runs, if it is left alone for so long.
void wake(Running& miner, int wake_s, int watched_s) {
  miner.hears(CommandKind::wake, Watts(900));
  for (int second = 1; second <= watched_s; ++second) {
    miner.now += seconds(1);
    miner.seen.state = second < wake_s ? MinerState::waking : MinerState::running;
    miner.seen.state_at = miner.now;
    miner.look();
  }
}

void put_to_sleep(Running& miner) {
  miner.hears(CommandKind::sleep, Watts(900));
  miner.seen.state = MinerState::asleep;
  for (int second = 0; second < 30; ++second) {
    miner.pass(seconds(1));
    miner.seen.state_at = miner.now;
  }
}

// A wake that is sent again while the first one works ends soon after, and would teach that it takes no time.
TEST(Unit, OnlyAWakeFromSleepTeachesHowLongOneTakes) {
  for (const bool asleep : {true, false}) {
    Running miner;
    miner.seen.dynamics.wake = seconds(300);
    put_to_sleep(miner);
    if (!asleep) wake(miner, 300, 250);
    wake(miner, 50, 60);
    EXPECT_EQ(miner.unit.learned().wake_s.samples, asleep ? 1U : 0U);
  }
}

// Parked every time before it runs, it would keep its wrong number for ever.
TEST(Unit, AWakeThatTakesLongerThanWasLearnedIsForgotten) {
  Running miner;
  miner.seen.dynamics.wake = seconds(300);
  put_to_sleep(miner);
  wake(miner, 50, 60);
  ASSERT_EQ(miner.unit.learned().wake_s.samples, 1U);
  put_to_sleep(miner);
  wake(miner, 300, 280);
  EXPECT_EQ(miner.unit.learned().wake_s.samples, 0U);
}

TEST(Unit, WhoIsFoundHonestAtRestLiesNoMore) {
  for (const double reported_w : {2000.0, 3200.0}) {
    Running miner;
    const auto reports = [&](double watts) {
      miner.seen.reported_power = Reading<Watts>::good(Watts(watts), miner.now);
      miner.look();
    };
    for (int step = 0; step < 3; ++step) {
      reports(1000.0);
      miner.unit.step_begins();
      miner.pass(seconds(1));
      reports(1000.0);
      miner.unit.learn_step(1.0, 800.0);
      EXPECT_EQ(miner.alarmed(Alarm::miner_lying), step == 2);
    }
    miner.hears(CommandKind::target, Watts(2000));
    for (int second = 0; second < 1200; ++second) {
      miner.now += seconds(1);
      miner.tells(Watts(2000));
      reports(reported_w);
    }
    EXPECT_EQ(miner.alarmed(Alarm::miner_lying), reported_w > 3000.0);
  }
}

// Told by somebody else to draw more than its owner allows, it is known to: else nobody would lower it.
TEST(Unit, WhoIsFoundBeyondTheOwnersLimitIsLoweredToIt) {
  Running miner;
  miner.site.max_power = Watts(2000);
  miner.seen.dynamics.dead_time = seconds(1);
  ++miner.seen.reboots;
  miner.tells(Watts(3000));
  miner.look();
  EXPECT_EQ(miner.unit.target(), Watts(3000));
  EXPECT_GE(miner.unit.worst_w(), 3000.0);
  Site site;
  site.miners.push_back(miner.site);
  Snapshot snapshot;
  snapshot.now = miner.now;
  Reason reason = Reason::none;
  GuardVerdicts verdicts;
  guard({&miner.unit, 1}, site, snapshot, GridPresence{}, Reason::none, 0.0, {&reason, 1}, verdicts);
  EXPECT_EQ(miner.unit.target(), Watts(2000));
  EXPECT_EQ(reason, Reason::owner_limit);
}

/// Some of them, and a dispatcher that is asked once a second.
struct Fleet {
  explicit Fleet(std::vector<Running*> of) {
    for (Running* miner : of) {
      units.push_back(miner->unit);
      seen.push_back(miner->seen);
      members.push_back(static_cast<std::uint8_t>(members.size()));
    }
    now = of.front()->now;
  }
  void run(double available_w, int for_s) {
    Budget budget;
    budget.available_w = {available_w, available_w};
    for (int second = 0; second < for_s; ++second) {
      now += seconds(1);
      for (std::size_t i = 0; i < units.size(); ++i) {
        MinerObservation& miner = seen[i];
        miner.state_at = now;
        if (units[i].sequence() != miner.command.sequence) {
          miner.command = {
              units[i].sequence(), units[i].wanted(), units[i].target(), CommandStatus::acknowledged, now, now};
        }
        miner.target_readback = Reading<Watts>::good(units[i].target(), now);
        units[i].observe(miner, now, 1, true);
        units[i].look_at_meter(now);
      }
      std::array<Reason, kMaxMiners> reasons{};
      dispatch.run(units, members, site, budget, false, now, 1.0, reasons);
    }
  }

  Site site;
  Dispatch dispatch;
  MonoTime now{};
  std::vector<Unit> units;
  std::vector<MinerObservation> seen;
  std::vector<std::uint8_t> members;
};

// With λ = 3.5 the last 22 % of a step may be bought: a coarse step is taken by what it is worth, not once all of it is
// there. A level is kept a little longer than it takes to get there.
TEST(Dispatch, ACoarseStepIsRoundedByItsValue) {
  struct {
    bool levels;
    double leak_price, available_w, target_w;
  } const cases[]{
      {true, 3.5, 1135.0, 1135.0},  {true, 3.5, 1115.0, 1135.0},  {true, 3.5, 1095.0, 900.0},
      {true, 50.0, 1115.0, 900.0},  {true, 0.0, 1050.0, 1135.0},  {false, 3.5, 1300.0, 1300.0},
      {false, 3.5, 1260.0, 1300.0}, {false, 3.5, 1200.0, 1100.0}, {false, 50.0, 1260.0, 1100.0},
  };
  for (const auto& it : cases) {
    Running miner;
    miner.seen.envelope = it.levels ? presets(235.0) : miner.seen.envelope;
    miner.seen.envelope.step = Watts(it.levels ? 0.0 : 200.0);
    miner.tells(Watts(900));
    miner.hears(CommandKind::target, Watts(900));
    miner.unit.band.leak_price = it.leak_price;
    Fleet fleet({&miner});
    fleet.run(it.available_w, 60);
    EXPECT_DOUBLE_EQ(fleet.units[0].target().value(), it.target_w)
        << (it.levels ? "presets" : "a range in steps of 200 W") << ", λ " << it.leak_price << ", " << it.available_w;
  }
}

TEST(Dispatch, ALevelIsKeptLongerThanItTakesToGetThere) {
  Running miner;
  miner.seen.envelope = presets(235.0);
  miner.tells(Watts(900));
  miner.hears(CommandKind::target, Watts(900));
  Fleet fleet({&miner});
  fleet.run(1140.0, 60);
  ASSERT_DOUBLE_EQ(fleet.units[0].target().value(), 1135.0);
  fleet.run(1095.0, 60);
  EXPECT_DOUBLE_EQ(fleet.units[0].target().value(), 1135.0);
  fleet.run(1040.0, 60);
  EXPECT_DOUBLE_EQ(fleet.units[0].target().value(), 900.0);
}

// What one second lends to a miner of coarse steps the next one takes back: on its way down it is no help upwards.
TEST(Dispatch, OnItsWayDownAMinerOfCoarseStepsIsNotTurnedRoundToHelp) {
  for (const double step_w : {10.0, 235.0}) {
    Running trimmer;
    Running base;
    base.seen.envelope.step = Watts(step_w);
    for (Running* miner : {&trimmer, &base})
      miner->seen.dynamics.ramp_up = miner->seen.dynamics.ramp_down = seconds(60);
    base.hears(CommandKind::target, Watts(2780));
    base.pass(seconds(300));
    trimmer.pass(seconds(300));
    base.hears(CommandKind::target, Watts(1840));
    Fleet fleet({&trimmer, &base});
    const Watts told = fleet.units[1].target();
    fleet.run(4800.0, 3);
    EXPECT_GT(fleet.units[0].target(), Watts(2000.0)) << "it climbs itself";
    EXPECT_EQ(fleet.units[1].target() > told, step_w < 50.0) << step_w;
  }
}

// What they lend the trimmer would be told to give back a second later: near its bottom it climbs alone.
TEST(Dispatch, NobodyHelpsTheTrimmerUpOnlyToBeLoweredAgain) {
  Running trimmer;
  Running base;
  for (Running* miner : {&trimmer, &base}) {
    miner->seen.dynamics.ramp_up = miner->seen.dynamics.ramp_down = seconds(60);
    miner->pass(seconds(300));
  }
  Fleet fleet({&trimmer, &base});
  Watts told = fleet.units[1].target();
  for (int second = 0; second < 60; ++second) {
    fleet.run(2600.0, 1);
    EXPECT_GE(fleet.units[1].target(), told) << second << " s";
    told = fleet.units[1].target();
  }
}

}  // namespace
}  // namespace sluice::control
