/// Bad days of the grid meter, under the whole daemon and judged by the truth of the emulated house.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "faulty_household.hpp"

namespace sluice::test {
namespace {

using MeterFaults = FaultyHousehold;

TEST_F(MeterFaults, a_dead_meter_parks_every_miner_within_thirty_seconds) {
  speed = 4;  // the decision falls at 27 s: of the rest a busy machine gets most of a real second
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return miner(0).value("state", "") == "running"; }));
  const double died_s = truth().at("elapsed_s");
  inject({{"device", "meter"}, {"kind", "silent"}});
  ASSERT_TRUE(eventually([&] { return all_at_rest(); }));
  const double now_s = truth().at("elapsed_s");
  for (const std::size_t i : {0U, 1U}) {
    const double sent_s_ago = miner(i).at("command").at("sent_s_ago");
    EXPECT_LE(now_s - sent_s_ago - died_s, 30.0)
        << "the park command is on the wire; then it takes its firmware's time";
  }
  EXPECT_EQ(miner(0).at("reason"), "grid_reading_lost");

  ask_house("POST", "/clear", "{}");
  EXPECT_TRUE(eventually([&] { return miner(0).value("reason", "") != "grid_reading_lost"; })) << "it finds it back";
}

TEST_F(MeterFaults, a_frozen_meter_is_found_out_by_the_first_step) {
  // Some 600 W of export, said forever: who believes it raises to its maximum and imports.
  start_house(
      "name: frozen\ntrace: constant\nconstant_pv_w: 2100\nconstant_load_w: 400\nminers:\n"
      "  - {name: s19k, plant: luxos-profile, start: running, target_w: 1100}\n");
  ASSERT_TRUE(eventually([&] { return truth().at("meter_w").get<double>() < -400.0; }));
  inject({{"device", "meter"}, {"kind", "frozen"}});
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(eventually([&] {
    const auto now = status();
    return now && has(now->at("alarms"), "grid_meter_frozen");
  }));
  EXPECT_TRUE(eventually([&] { return all_at_rest(); }));
  EXPECT_EQ(miner(0).at("reason"), "grid_meter_frozen");
  double most_w = 0.0;
  const json trace = ask_house("GET", "/trace?from_s=0");
  for (const json& second : trace.at("grid_w")) {
    most_w = std::max(most_w, second.get<double>());
  }
  EXPECT_LE(most_w, 300.0);
}

TEST_F(MeterFaults, a_meter_turned_round_is_found_by_the_own_steps_and_trusted_again_once_it_is_right) {
  speed = 20;
  // A kick now and then; between two of them the daemon runs away from it, which is the step that tells.
  const auto kettle = [](int s) { return s % 200 < 100 ? 300.0 : 500.0; };
  start_house_with_load(2300.0, 2400, kettle, "  - {name: s21, plant: luxos-target, start: running, target_w: 1900}\n");
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  const double turned_s = truth().at("elapsed_s");
  inject({{"device", "meter"}, {"kind", "sign_flipped"}});
  ASSERT_TRUE(eventually([&] { return alarmed("readings_implausible") || alarmed("grid_meter_lost"); }));
  ASSERT_TRUE(eventually([&] { return all_at_rest(); }));
  EXPECT_TRUE(alarmed("grid_meter_lost") || alarmed("readings_implausible"));
  EXPECT_LE(imported_wh(turned_s), 90.0) << "a few minutes of what the miner may draw beyond the sun";

  ask_house("POST", "/clear", "{}");
  // Nobody steps while all sleep, so the meter gets a new trial after ten minutes.
  EXPECT_TRUE(eventually([&] { return truth().at("miners")[0].at("state") == "running"; }, seconds(60)));
  EXPECT_FALSE(alarmed("grid_meter_lost"));
}

TEST_F(MeterFaults, a_slow_meter_is_still_followed_and_one_slower_than_its_deadline_is_a_dead_one) {
  start_house_with_load(
      2600.0, 900, [](int s) { return s < 60 ? 300.0 : 900.0; },
      "  - {name: s21, plant: luxos-target, start: running, target_w: 2300}\n");
  write("sluice.yaml", configuration());
  inject({{"device", "modbus"}, {"kind", "slow"}, {"delay_ms", 80}});  // nearly a second for each answer
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(reaches(60.0));
  EXPECT_TRUE(eventually([&] { return std::fabs(truth().at("grid_w").get<double>()) < 40.0; }, seconds(60))) << truth();
  EXPECT_FALSE(alarmed("grid_meter_lost"));
  inject({{"device", "modbus"}, {"kind", "slow"}, {"delay_ms", 20'000}});
  EXPECT_TRUE(eventually([&] { return all_at_rest(); }));
  EXPECT_EQ(miner(0).at("reason"), "grid_reading_lost");
}

TEST_F(MeterFaults, a_meter_that_answers_garbage_is_as_good_as_dead_and_comes_back) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return miner(0).value("state", "") == "running"; }));
  const double from_s = truth().at("elapsed_s");
  inject({{"device", "meter"}, {"kind", "garbage"}});
  ASSERT_TRUE(eventually([&] { return all_at_rest(); }));
  EXPECT_LE(imported_wh(from_s), 30.0);
  ask_house("POST", "/clear", "{}");
  EXPECT_TRUE(eventually([&] { return miner(0).value("reason", "") != "grid_reading_lost"; })) << "it finds it back";
}

}  // namespace
}  // namespace sluice::test
