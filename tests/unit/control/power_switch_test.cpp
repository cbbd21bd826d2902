#include "control/power_switch.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kBootCostWs = 360'000.0;  // an hour asleep at 25 W, where a watt costs four

/// A miner that sleeps at 25 W, boots in 90 s, and then sleeps; a plug that obeys within a second.
class PowerSwitchTest : public testing::Test {
 protected:
  PowerSwitchTest() {
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.state = MinerState::asleep;
    seen.envelope.kind = EnvelopeKind::range;
    seen.envelope.min = Watts(900.0);
    seen.envelope.max = Watts(3250.0);
    wish.at_rest = true;
    wish.sleep_w = 25.0;
    wish.sleep_price = 4.0;
    wish.boot_cost_ws = kBootCostWs;
    wish.start_w = 900.0;
  }
  void second() {
    now += seconds(1);
    if (obeys && order != SwitchOrder::leave) on = order == SwitchOrder::on;
    if (!on) booted_at = now + seconds(90);
    const bool up = welded || now >= booted_at;
    seen.link = up ? LinkState::up : LinkState::down;
    seen.identity = up ? IdentityVerdict::accepted : IdentityVerdict::unverified;
    seen.state = up ? MinerState::asleep : MinerState::unknown;
    if (up) {
      seen.state_at = now;
      seen.reported_power = Reading<Watts>::good(Watts(drawn_w), now);
    }
    if (plug_answers) {
      seen.switch_on = Reading<bool>::good(on, now);
      seen.switch_power = Reading<Watts>::good(Watts(up || on ? drawn_w : 0.0), now);
    }
    power.observe(seen, now, day);
    wish.at_rest = up && !wish.run && !wish.ignores_stop;
    order = power.decide(wish, now, 1.0);
    if (order == SwitchOrder::off && on_before != SwitchOrder::off) ++cuts;
    on_before = order;
  }
  void run(Duration time) {
    for (const MonoTime end = now + time; now < end;) second();
  }
  bool run_until_cut(Duration within) {
    for (const MonoTime end = now + within; now < end && !power.cut();) second();
    return power.cut();
  }

  MonoTime now{hours(10)};
  MonoTime booted_at{};
  MinerObservation seen;
  SwitchWish wish;
  SwitchOrder order = SwitchOrder::leave, on_before = SwitchOrder::leave;
  PowerSwitch power{MinerMemory{}, now};
  std::int64_t day = 20'000;
  double drawn_w = 25.0;
  int cuts = 0;
  bool on = true, obeys = true, welded = false, plug_answers = true;
};

TEST_F(PowerSwitchTest, cuts_once_sleeping_has_cost_as_much_as_a_boot_will) {
  run(minutes(58));
  EXPECT_EQ(order, SwitchOrder::leave);
  run(minutes(4));
  EXPECT_EQ(order, SwitchOrder::off);
  EXPECT_TRUE(power.cut());
  const MinerObservation shown = power.shown(seen, now);
  EXPECT_EQ(shown.link, LinkState::up);
  EXPECT_EQ(shown.state, MinerState::asleep);
  EXPECT_TRUE(shown.envelope.known());
}

TEST_F(PowerSwitchTest, a_known_night_is_not_slept_through_first) {
  SurplusMemory dark;
  for (SurplusSlot& slot : dark.slots) slot = {-300.0, -300.0, 20'000};
  const SurplusForecast forecast(dark);
  wish.forecast = &forecast;
  wish.wall = WallTime(hours(24) * 20'000 + hours(20));
  EXPECT_TRUE(run_until_cut(minutes(12)));
  EXPECT_GE(now - MonoTime(hours(10)), minutes(10)) << "ten minutes on";
}

TEST_F(PowerSwitchTest, sun_that_comes_before_it_pays_is_waited_for) {
  SurplusMemory sunny;
  for (SurplusSlot& slot : sunny.slots) slot = {-300.0, -300.0, 20'000};
  sunny.slots[83] = {2000.0, 2000.0, 20'000};  // 20:45
  const SurplusForecast forecast(sunny);
  wish.forecast = &forecast;
  wish.wall = WallTime(hours(24) * 20'000 + hours(20));
  EXPECT_FALSE(run_until_cut(minutes(50)));
}

TEST_F(PowerSwitchTest, never_under_load_and_never_on_a_guess) {
  drawn_w = 80.0;  // above sleep + 50
  EXPECT_FALSE(run_until_cut(hours(3)));
  drawn_w = 25.0;
  EXPECT_FALSE(run_until_cut(seconds(55))) << "at rest for two minutes first";
  plug_answers = false;
  EXPECT_FALSE(run_until_cut(hours(1))) << "nobody knows whether it is on";
  plug_answers = true;
  wish.busy = true;
  EXPECT_FALSE(run_until_cut(hours(1))) << "it is being measured";
  wish.busy = false;
  wish.room = false;
  EXPECT_FALSE(run_until_cut(hours(1))) << "it could never be switched on again";
  wish.room = true;
  EXPECT_TRUE(run_until_cut(minutes(3)));
}

TEST_F(PowerSwitchTest, a_miner_that_reports_no_watts_is_cut_by_those_of_its_plug_or_not_at_all) {
  seen.reported_power = {};
  for (int i = 0; i < 7200; ++i) {
    second();
    seen.reported_power = seen.switch_power = {};
    power.observe(seen, now, day);
  }
  EXPECT_TRUE(run_until_cut(minutes(3)));
}

TEST_F(PowerSwitchTest, starts_by_power_first_and_learns_how_long_it_boots) {
  ASSERT_TRUE(run_until_cut(hours(2)));
  run(minutes(11));
  EXPECT_EQ(power.held(now), Reason::none);
  EXPECT_EQ(power.boot(), kPriorBoot);
  wish.run = true;
  second();
  EXPECT_EQ(order, SwitchOrder::on);
  EXPECT_TRUE(power.without_power());
  EXPECT_FALSE(power.cut());
  EXPECT_EQ(power.may_come_to_w(), 3250.0) << "it may hash by itself, at whatever it was told last";
  run(seconds(80));
  EXPECT_EQ(power.shown(seen, now).link, LinkState::up) << "that it boots is no news";
  run(seconds(20));
  EXPECT_FALSE(power.without_power());
  EXPECT_EQ(power.may_come_to_w(), 0.0);
  EXPECT_NEAR(to_seconds(power.boot()), 90.0, 3.0);
  EXPECT_EQ(order, SwitchOrder::leave);
}

TEST_F(PowerSwitchTest, rests_ten_minutes_off_and_is_cut_six_times_a_day) {
  wish.boot_cost_ws = 1.0;
  ASSERT_TRUE(run_until_cut(hours(1)));
  run(minutes(9));
  EXPECT_EQ(power.held(now), Reason::waiting_min_off);
  for (int i = 0; i < 20; ++i) {
    run(minutes(2));
    wish.run = power.held(now) == Reason::none;
    run(minutes(3));
    wish.run = false;
    run(minutes(20));
  }
  EXPECT_EQ(power.cuts_today(), kCutsPerDay);
  EXPECT_EQ(cuts, kCutsPerDay);
  MinerMemory memory;
  power.remember(memory);
  memory.day = day;
  PowerSwitch restarted(memory, now);
  EXPECT_EQ(restarted.cuts_today(), kCutsPerDay);
  restarted.observe(seen, now, day + 1);
  EXPECT_EQ(restarted.cuts_today(), 0);
}

TEST_F(PowerSwitchTest, one_that_does_not_open_is_said_and_the_miner_only_sleeps) {
  obeys = false;
  run(hours(1) + minutes(1));
  ASSERT_EQ(order, SwitchOrder::off);
  run(seconds(16));
  EXPECT_TRUE(power.stuck());
  EXPECT_FALSE(power.without_power());
  EXPECT_EQ(power.held(now), Reason::none);
  wish.run = true;
  run(seconds(3));
  EXPECT_FALSE(power.without_power()) << "it answers, so it has power";
}

TEST_F(PowerSwitchTest, a_contact_that_says_open_and_lets_power_through_is_stuck) {
  welded = true;
  run(hours(1) + minutes(2));
  EXPECT_TRUE(power.stuck());
  EXPECT_FALSE(power.without_power());
}

TEST_F(PowerSwitchTest, one_that_does_not_close_is_said_and_left_in_peace_for_a_while) {
  ASSERT_TRUE(run_until_cut(hours(2)));
  run(minutes(11));
  obeys = false;
  wish.run = true;
  run(seconds(20));
  EXPECT_TRUE(power.stuck());
  run(seconds(60));
  wish.run = false;  // whoever sees it cut again does not wait for it
  second();
  EXPECT_TRUE(power.cut());
  EXPECT_TRUE(power.stuck());
  EXPECT_EQ(power.held(now), Reason::waiting_min_off);
}

TEST_F(PowerSwitchTest, a_hand_at_the_switch_is_not_fought) {
  run(minutes(5));
  on = false;
  second();
  EXPECT_EQ(order, SwitchOrder::leave);
  EXPECT_EQ(power.held(now), Reason::switched_off);
  EXPECT_EQ(power.shown(seen, now).link, LinkState::up) << "not unreachable";
  wish.run = true;
  run(minutes(29));
  EXPECT_EQ(order, SwitchOrder::leave);
  run(minutes(2));
  EXPECT_EQ(order, SwitchOrder::on);
  EXPECT_TRUE(on);
}

TEST_F(PowerSwitchTest, a_hand_that_switches_on_is_let_be) {
  wish.boot_cost_ws = 1.0;
  ASSERT_TRUE(run_until_cut(hours(1)));
  order = SwitchOrder::leave;
  on = true;
  power.observe(seen, now, day);
  seen.switch_on = Reading<bool>::good(true, now + seconds(1));
  power.observe(seen, now + seconds(1), day);
  EXPECT_EQ(power.decide(wish, now + seconds(1), 1.0), SwitchOrder::leave);
}

TEST_F(PowerSwitchTest, what_is_found_without_power_at_the_start_was_us) {
  on = false;
  MinerMemory memory;
  memory.envelope_min_w = 900.0;
  memory.envelope_max_w = 3250.0;
  power = PowerSwitch(memory, now);
  seen.envelope = Envelope{};
  second();
  EXPECT_EQ(order, SwitchOrder::off);
  EXPECT_EQ(power.shown(seen, now).envelope.min, Watts(900.0)) << "known from before";
  run(minutes(11));
  wish.run = true;
  second();
  EXPECT_EQ(order, SwitchOrder::on);
}

TEST_F(PowerSwitchTest, without_a_word_of_the_switch_nothing_is_hidden) {
  ASSERT_TRUE(run_until_cut(hours(2)));
  plug_answers = false;
  run(seconds(70));
  EXPECT_FALSE(power.without_power());
  EXPECT_EQ(power.shown(seen, now).link, LinkState::down);
  plug_answers = true;
  second();
  EXPECT_TRUE(power.cut());
}

TEST_F(PowerSwitchTest, a_miner_that_does_not_stop_is_cut_under_load) {
  drawn_w = 3200.0;
  wish.ignores_stop = true;
  run(seconds(25));
  EXPECT_EQ(order, SwitchOrder::leave) << "it is told once more first";
  run(seconds(10));
  EXPECT_EQ(order, SwitchOrder::off);
  EXPECT_TRUE(power.cut());
}

TEST_F(PowerSwitchTest, a_miner_that_does_not_answer_is_cut_only_for_watts_that_its_switch_measures) {
  wish.deaf = true;
  wish.at_rest = false;
  wish.boot_cost_ws = 1e9;
  run(minutes(20));
  EXPECT_EQ(order, SwitchOrder::leave) << "it draws as if it slept";
  drawn_w = 3200.0;
  run(minutes(4));
  wish.deaf = false;
  second();
  wish.deaf = true;
  run(minutes(4));
  EXPECT_EQ(order, SwitchOrder::leave) << "it answered in between";
  run(minutes(2));
  EXPECT_EQ(order, SwitchOrder::off);
}

TEST_F(PowerSwitchTest, a_boot_that_may_not_run_any_more_ends_at_the_switch) {
  ASSERT_TRUE(run_until_cut(hours(2)));
  run(minutes(11));
  wish.run = true;
  run(seconds(20));
  wish.run = false;
  second();
  EXPECT_EQ(order, SwitchOrder::on) << "that the sun has gone is no danger: it is put to sleep as any other";
  wish.forbidden = true;
  second();
  EXPECT_EQ(order, SwitchOrder::off);
}

TEST_F(PowerSwitchTest, a_boot_that_never_ends_is_a_miner_that_does_not_answer) {
  ASSERT_TRUE(run_until_cut(hours(2)));
  run(minutes(11));
  wish.run = true;
  for (int i = 0; i < 601; ++i) {
    booted_at = now + hours(1);
    second();
  }
  EXPECT_FALSE(power.without_power());
  EXPECT_EQ(power.shown(seen, now).link, LinkState::down);
}

}  // namespace
}  // namespace sluice::control
