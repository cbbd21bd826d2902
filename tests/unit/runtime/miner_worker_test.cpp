#include "runtime/miner_worker.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

using Calls = std::vector<std::string>;

class MinerWorkerTest : public testing::Test {
 protected:
  MinerWorker& make(MinerSettings settings = {}) {
    settings.name = "s19";
    worker = std::make_unique<MinerWorker>(settings, std::make_unique<FakeMiner>(script, world.clock), world.clock,
                                           world.announcer);
    return *worker;
  }
  const MinerObservation& seen() {
    report = worker->report();
    return report->seen;
  }
  /// Turns until the worker has nothing to do at this instant.
  void settle() {
    for (int i = 0; i < 10; ++i) worker->run_once();
  }
  void run_for(Duration time) {
    const MonoTime end = world.clock.now() + time;
    while (world.clock.now() < end) world.clock.advance(std::max(Duration(1), worker->run_once() - world.clock.now()));
  }
  void forget_calls() { script->calls.clear(); }

  World world;
  std::shared_ptr<FakeMiner::Script> script = FakeMiner::script();
  std::unique_ptr<MinerWorker> worker;
  std::shared_ptr<const MinerReport> report;
};

TEST_F(MinerWorkerTest, identifies_before_anything_else_then_polls) {
  make();
  EXPECT_EQ(seen().identity, IdentityVerdict::unverified);
  settle();
  EXPECT_EQ(script->calls, (Calls{"identify", "poll"}));
  EXPECT_EQ(seen().identity, IdentityVerdict::accepted);
  EXPECT_EQ(seen().link, LinkState::up);
  EXPECT_EQ(seen().state, MinerState::asleep);
  EXPECT_TRUE(seen().envelope.known());
}

TEST_F(MinerWorkerTest, polls_at_its_interval) {
  make();
  run_for(seconds(50));
  EXPECT_EQ(std::count(script->calls.begin(), script->calls.end(), "poll"), 10);
}

TEST_F(MinerWorkerTest, a_wrong_mac_is_never_commanded) {
  MinerSettings pinned;
  pinned.mac = "de:ad:be:ef:00:01";
  make(pinned);
  settle();
  EXPECT_EQ(seen().identity, IdentityVerdict::wrong);
  worker->post(decided(CommandKind::wake, 2000, 1));
  worker->post(decided(CommandKind::sleep, 0, 2, true));
  run_for(seconds(300));
  for (const std::string& call : script->calls) EXPECT_EQ(call, "identify");
  EXPECT_EQ(seen().command.status, CommandStatus::failed);
  EXPECT_EQ(world.recorder.count("miner_wrong_machine"), 1);
}

TEST_F(MinerWorkerTest, a_pinned_serial_that_the_firmware_does_not_tell_is_not_met) {
  MinerSettings pinned;
  pinned.serial = "SN1";
  script->identity.serial.clear();
  make(pinned);
  settle();
  EXPECT_EQ(seen().identity, IdentityVerdict::wrong);
}

TEST_F(MinerWorkerTest, pins_ignore_case) {
  MinerSettings pinned;
  pinned.mac = "AA:BB:CC:00:11:22";
  make(pinned);
  settle();
  EXPECT_EQ(seen().identity, IdentityVerdict::accepted);
}

TEST_F(MinerWorkerTest, a_command_goes_before_a_poll_that_is_due) {
  make();
  settle();
  forget_calls();
  world.clock.advance(seconds(60));
  worker->post(decided(CommandKind::wake, 2000, 1));
  settle();
  EXPECT_EQ(script->calls, (Calls{"wake 2000", "poll"}));
  EXPECT_EQ(seen().command.status, CommandStatus::acknowledged);
  EXPECT_EQ(seen().command.sequence, 1u);
}

TEST_F(MinerWorkerTest, the_newest_decision_replaces_one_that_waits) {
  make();
  settle();
  forget_calls();
  for (int i = 1; i <= 5; ++i) worker->post(decided(CommandKind::target, 1000 + i, static_cast<std::uint64_t>(i)));
  settle();
  EXPECT_EQ(script->calls, Calls{"target 1005"});
  EXPECT_EQ(seen().command.sequence, 5u);
}

TEST_F(MinerWorkerTest, the_same_decision_every_second_is_sent_once) {
  make();
  settle();
  forget_calls();
  for (int i = 0; i < 4; ++i) {
    worker->post(decided(CommandKind::target, 1500, 7));
    settle();
  }
  EXPECT_EQ(script->calls, Calls{"target 1500"});
}

TEST_F(MinerWorkerTest, a_decision_to_leave_it_alone_withdraws_what_waits) {
  make();
  settle();
  forget_calls();
  worker->post(decided(CommandKind::wake, 2000, 1));
  worker->post(MinerDecision{});
  settle();
  EXPECT_TRUE(script->calls.empty());
  EXPECT_TRUE(worker->idle());
}

TEST_F(MinerWorkerTest, an_urgent_command_ends_a_running_poll) {
  make();
  settle();
  forget_calls();
  world.clock.advance(seconds(60));
  script->during = [&](const std::string& call) {
    if (call == "poll" && script->cancels == 0) worker->post(decided(CommandKind::sleep, 0, 1, true));
  };
  settle();
  EXPECT_EQ(script->cancels, 1);
  EXPECT_EQ(script->calls, (Calls{"poll", "sleep", "poll"}));
  EXPECT_EQ(seen().link, LinkState::up);
}

TEST_F(MinerWorkerTest, a_command_that_is_not_urgent_lets_the_poll_end) {
  make();
  settle();
  world.clock.advance(seconds(60));
  script->during = [&](const std::string& call) {
    if (call == "poll") worker->post(decided(CommandKind::target, 1200, 1));
  };
  settle();
  EXPECT_EQ(script->cancels, 0);
  EXPECT_EQ(seen().command.status, CommandStatus::acknowledged);
}

TEST_F(MinerWorkerTest, calls_have_two_seconds_unless_the_firmware_needs_more) {
  MinerSettings slow;
  slow.command_time = seconds(4);
  make(slow);
  settle();
  EXPECT_EQ(script->last_deadline, world.clock.now() + seconds(2));
  worker->post(decided(CommandKind::target, 1200, 1));
  worker->run_once();
  EXPECT_EQ(script->last_deadline, world.clock.now() + seconds(4));
}

TEST_F(MinerWorkerTest, tells_a_refusal_from_a_failure_and_says_it_once) {
  make();
  settle();
  script->error = Error{ErrorKind::rejected, "power target 1200 W is below 1500 W"};
  for (std::uint64_t i = 1; i <= 3; ++i) {
    worker->post(decided(CommandKind::target, 1200, i));
    worker->run_once();
    EXPECT_EQ(seen().command.status, CommandStatus::refused);
  }
  EXPECT_EQ(worker->report()->command_trouble, "power target 1200 W is below 1500 W");
  EXPECT_EQ(world.recorder.count("command_refused"), 1);
  script->error = Error{ErrorKind::timeout, "no answer"};
  worker->post(decided(CommandKind::target, 1300, 4));
  worker->run_once();
  EXPECT_EQ(seen().command.status, CommandStatus::failed);
  EXPECT_EQ(seen().command.sent_at, world.clock.now());
}

TEST_F(MinerWorkerTest, one_lost_answer_is_not_a_lost_miner_two_are) {
  make();
  settle();
  script->error = Error{ErrorKind::timeout, "no answer"};
  run_for(seconds(5));
  worker->run_once();
  EXPECT_EQ(seen().link, LinkState::up);
  run_for(seconds(120));
  EXPECT_EQ(seen().link, LinkState::down);
  EXPECT_EQ(seen().identity, IdentityVerdict::unverified);
  EXPECT_EQ(world.recorder.count("miner_lost"), 1);
}

TEST_F(MinerWorkerTest, after_a_loss_it_looks_who_is_there_before_it_commands) {
  MinerSettings pinned;
  pinned.mac = "aa:bb:cc:00:11:22";
  make(pinned);
  settle();
  script->error = Error{ErrorKind::refused, "refused"};
  run_for(seconds(120));
  script->error.reset();
  script->identity.mac = "aa:bb:cc:99:99:99";  // the router gave the address to another miner
  forget_calls();
  worker->post(decided(CommandKind::wake, 2000, 1));
  settle();
  EXPECT_EQ(script->calls, Calls{"identify"});
  EXPECT_EQ(seen().identity, IdentityVerdict::wrong);
}

TEST_F(MinerWorkerTest, a_command_for_a_miner_that_is_away_fails_and_is_not_kept_for_later) {
  make();
  script->error = Error{ErrorKind::refused, "refused"};
  settle();
  worker->post(decided(CommandKind::wake, 2000, 1));
  worker->run_once();
  EXPECT_EQ(seen().command.status, CommandStatus::failed);
  EXPECT_EQ(seen().command.sent_at, MonoTime{});
  script->error.reset();
  forget_calls();
  run_for(seconds(60));
  EXPECT_EQ(std::count(script->calls.begin(), script->calls.end(), "wake 2000"), 0);
}

TEST_F(MinerWorkerTest, an_uptime_that_goes_back_is_a_reboot_and_is_looked_at_anew) {
  make();
  settle();
  forget_calls();
  script->state.uptime = seconds(3);
  run_for(seconds(6));
  EXPECT_EQ(seen().reboots, 1u);
  EXPECT_EQ(script->calls, (Calls{"poll", "identify", "poll"}));
  EXPECT_EQ(seen().identity, IdentityVerdict::accepted);
  EXPECT_EQ(world.recorder.count("miner_restarted"), 1);
}

TEST_F(MinerWorkerTest, a_process_restarted_by_our_own_wake_is_no_reboot) {
  make();
  settle();
  worker->post(decided(CommandKind::wake, 2000, 1));
  settle();
  run_for(seconds(10));
  script->state.uptime = seconds(3);
  run_for(seconds(10));
  EXPECT_EQ(seen().reboots, 0u);
}

TEST_F(MinerWorkerTest, a_refused_password_is_not_an_absent_miner) {
  make();
  script->error = Error{ErrorKind::unauthorized, "wrong password"};
  run_for(seconds(120));
  EXPECT_EQ(seen().link, LinkState::up);
  EXPECT_EQ(seen().identity, IdentityVerdict::unverified);
  EXPECT_EQ(world.recorder.count("miner_password_refused"), 1);
  EXPECT_EQ(world.recorder.count("miner_lost"), 0);
}

TEST_F(MinerWorkerTest, a_reading_is_as_old_as_its_question) {
  make();
  script->state.power = Watts(1800);
  const MonoTime asked = world.clock.now();
  script->during = [&](const std::string& call) {
    if (call == "poll") world.clock.advance(milliseconds(1500));
  };
  settle();
  EXPECT_EQ(seen().reported_power.at, asked);
  EXPECT_EQ(seen().state_at, asked);
}

TEST_F(MinerWorkerTest, is_not_idle_while_a_command_waits) {
  make();
  settle();
  EXPECT_TRUE(worker->idle());
  worker->post(decided(CommandKind::sleep, 0, 1));
  EXPECT_FALSE(worker->idle());
  script->during = [&](const std::string&) { EXPECT_FALSE(worker->idle()); };
  worker->run_once();
  EXPECT_TRUE(worker->idle());
}

}  // namespace
}  // namespace sluice::runtime
