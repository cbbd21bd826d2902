/// `sluice learn` with the real daemon and the emulated house: to its end, and stopped on the way.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "household.hpp"

namespace sluice::test {
namespace {

class Learn : public Household {
 protected:
  void at_home() {
    speed = 20;
    start_house(
        "name: learn\ntrace: constant\nconstant_pv_w: 9000\nconstant_load_w: 400\nstart: \"11:00\"\nseconds: 6000\n"
        "miners:\n"
        "  - {name: s21, plant: luxos-target, start: running, target_w: 1400, setpoint_bias: 0.04, report_bias: "
        "-0.06}\n"
        "  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3100}\n");
    if (HasFatalFailure()) return;
    write("sluice.yaml", configuration());
    start_daemon();
    ASSERT_TRUE(driving());
  }
  std::vector<std::string> learn() const {
    return {program("sluice"), "learn", "s21", "--yes", "--json", "--socket", file("sock")};
  }
  bool told(std::size_t index, const std::string& reason) {
    return eventually([&] { return miner(index).value("reason", "") == reason; });
  }
  /// Begins a run and waits until the miner walks.
  cmd::Child under_way() {
    auto child = cmd::Child::start(learn(), file("learn.out"), false);
    EXPECT_TRUE(child);
    EXPECT_TRUE(told(0, "commissioning")) << read(file("learn.out"));
    return std::move(*child);
  }
  bool normal_again() {
    return eventually(
        [&] {
          const std::string walker = miner(0).value("reason", "");
          const std::string other = miner(1).value("reason", "");
          return !walker.empty() && walker != "commissioning" && other != "held_for_commissioning";
        },
        seconds(8));
  }
  static json row(const json& outcome, const std::string& name) {
    for (const json& one : outcome.at("result")) {
      if (one.at("name") == name) return one;
    }
    return json::object();
  }
};

TEST_F(Learn, walks_the_miner_to_the_end_and_keeps_what_it_found) {
  at_home();
  auto child = cmd::Child::start(learn(), file("learn.out"), false);
  ASSERT_TRUE(child);
  ASSERT_TRUE(told(1, "held_for_commissioning"));
  const auto code = child->wait(120'000);
  const std::string printed = read(file("learn.out"));
  ASSERT_EQ(code.value_or(-1), 0) << printed;
  EXPECT_NE(printed.find("kWh"), std::string::npos) << "it is told before what it may cost";
  const json outcome = json::parse(printed.substr(printed.find("\n{") + 1));
  std::printf("%s\n", outcome.dump().c_str());
  EXPECT_EQ(outcome.at("end"), "complete");
  EXPECT_NEAR(row(outcome, "ramp_up_w_per_s").at("learned").get<double>(), 1.04 * 2350.0 / 60.0, 6.0);
  const json& reported = row(outcome, "report_gain");
  const double plus_minus = reported.at("plus_minus");
  EXPECT_LT(plus_minus, 0.15);
  EXPECT_NEAR(reported.at("learned").get<double>(), 0.94, std::max(0.03, plus_minus));
  EXPECT_NEAR(row(outcome, "draw_gain").at("learned").get<double>(), 1.04, 0.02);
  EXPECT_NEAR(row(outcome, "sleep_w").at("learned").get<double>(), 25.0, 12.0);
  EXPECT_NEAR(row(outcome, "wake_s").at("learned").get<double>(), 60.0, 9.0)
      << "by the meter: LuxOS says that it runs when its boards are up";
  EXPECT_GT(row(outcome, "dead_time_s").at("learned").get<double>(), 0.5);
  EXPECT_LT(row(outcome, "dead_time_s").at("learned").get<double>(), 4.0);
  EXPECT_TRUE(normal_again());

  // Over a restart.
  const json learned = miner(0).at("learned");
  daemon->stop(15'000);
  start_daemon();
  ASSERT_TRUE(driving());
  EXPECT_EQ(miner(0).at("learned").at("ramp_down_w_per_s"), learned.at("ramp_down_w_per_s"));
  EXPECT_EQ(miner(0).at("learned").at("sleep_w"), learned.at("sleep_w"));
  EXPECT_FALSE(learned.at("sleep_w").is_null());
}

TEST_F(Learn, ends_with_its_command_however_that_ends) {
  at_home();
  cmd::Child asked = under_way();
  EXPECT_EQ(run({program("sluice"), "learn", "s19j", "--yes", "--socket", file("sock")}), 1);
  EXPECT_NE(said.find("a commissioning run of s21 is under way"), std::string::npos) << said;
  asked.send_signal(SIGINT);
  EXPECT_EQ(asked.wait(10'000).value_or(-1), 1);
  EXPECT_NE(read(file("learn.out")).find("under normal control"), std::string::npos);
  EXPECT_NE(read(file("learn.out")).find("taken_back"), std::string::npos);
  EXPECT_TRUE(normal_again());

  cmd::Child killed = under_way();
  killed.send_signal(SIGKILL);
  EXPECT_EQ(killed.wait(10'000).value_or(-1), 128 + SIGKILL);
  EXPECT_TRUE(normal_again()) << "nobody says any more that it is wanted";

  cmd::Child parked = under_way();
  EXPECT_EQ(run({program("sluice"), "park", "s21", "--socket", file("sock")}), 0);
  EXPECT_EQ(parked.wait(10'000).value_or(-1), 1);
  EXPECT_NE(read(file("learn.out")).find("the miner was parked"), std::string::npos) << read(file("learn.out"));
  EXPECT_TRUE(told(0, "parked_by_owner"));

  EXPECT_EQ(run({program("sluice"), "learn", "nobody", "--yes", "--socket", file("sock")}), 1);
  EXPECT_EQ(run({program("sluice"), "learn", "s19j", "--socket", file("sock")}), 2) << "nobody to ask";
  EXPECT_NE(said.find("--yes"), std::string::npos) << said;
}

TEST_F(Learn, needs_a_daemon) {
  EXPECT_EQ(run(learn()), 1);
  EXPECT_NE(said.find("needs the running daemon"), std::string::npos) << said;
}

}  // namespace
}  // namespace sluice::test
