/// Bad days of the whole daemon, judged by the truth of the emulated house.

#include <gtest/gtest.h>
#include <signal.h>

#include "household.hpp"

namespace sluice::test {
namespace {

using DaemonFaults = Household;

TEST_F(DaemonFaults, a_dead_meter_parks_every_miner_within_thirty_seconds) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] { return miner(0).value("state", "") == "running"; }));
  const double died_s = truth().at("elapsed_s");
  inject({{"device", "meter"}, {"kind", "silent"}});
  ASSERT_TRUE(eventually([&] { return all_at_rest(); }));
  EXPECT_LE(truth().at("elapsed_s").get<double>() - died_s, 30.0 + 2.0) << "2 s: time of the look itself";
  EXPECT_EQ(miner(0).at("reason"), "grid_reading_lost");

  ask_house("POST", "/clear", "{}");
  EXPECT_TRUE(eventually([&] { return miner(0).value("reason", "") != "grid_reading_lost"; })) << "it finds it back";
}

TEST_F(DaemonFaults, a_killed_daemon_leaves_nothing_running) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  ASSERT_TRUE(eventually([&] {
    const json now = truth();
    return now.at("miners")[0].at("commands").get<int>() > 0 && now.at("miners")[1].at("commands").get<int>() > 0;
  }));
  daemon->send_signal(SIGKILL);
  ASSERT_TRUE(daemon->wait(5'000));
  const std::vector<std::string> park =
      with_paths({program("sluice"), "park", "--if-unclean", "--config", file("sluice.yaml"), "--state-dir", file("")});
  const MonoTime begun = clock.now();
  EXPECT_EQ(run(park), 0) << said;
  EXPECT_LE(clock.now() - begun, seconds(12)) << said;
  EXPECT_TRUE(all_at_rest()) << said;
  EXPECT_EQ(run(park), 0);
  EXPECT_NE(said.find("nothing to do"), std::string::npos) << said;
}

TEST_F(DaemonFaults, another_machine_at_the_address_is_never_commanded) {
  start_house();
  write("sluice.yaml", configuration("02:00:00:00:00:99"));
  start_daemon();
  ASSERT_TRUE(eventually([&] { return miner(0).value("identity", "") == "wrong"; }));
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > 100; }));
  EXPECT_EQ(truth().at("miners")[0].at("commands"), 0);
  EXPECT_EQ(miner(0).at("reason"), "wrong_identity");
  EXPECT_NE(log().find("it is never commanded"), std::string::npos);
}

TEST_F(DaemonFaults, a_lost_grid_puts_everything_to_sleep) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"device", "grid"}, {"kind", "lost"}});
  EXPECT_TRUE(eventually([&] { return miner(0).value("reason", "") == "grid_lost" && all_at_rest(); }));
}

TEST_F(DaemonFaults, a_silent_miner_is_said_once_and_the_rest_goes_on) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"miner", "s19j"}, {"kind", "refused"}});
  ASSERT_TRUE(eventually([&] { return miner(1).value("link", "") == "down"; }));
  const int ticks = status()->at("ticks");
  ASSERT_TRUE(eventually([&] { return status()->at("ticks").get<int>() > ticks + 100; }));
  EXPECT_EQ(miner(0).at("link"), "up");
  const std::string text = log();
  const auto first = text.find("s19j: does not answer");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("s19j: does not answer", first + 1), std::string::npos);
  ask_house("POST", "/clear", "{}");
  EXPECT_TRUE(eventually([&] { return miner(1).value("identity", "") == "accepted"; }));
}

TEST_F(DaemonFaults, a_rebooted_miner_comes_back_under_control) {
  start_house();
  write("sluice.yaml", configuration());
  start_daemon();
  ASSERT_TRUE(driving());
  inject({{"miner", "s19k"}, {"kind", "reboot"}});
  ASSERT_TRUE(eventually([&] { return miner(0).value("identity", "") != "accepted"; }));
  EXPECT_TRUE(eventually([&] { return miner(0).value("identity", "") == "accepted"; }));
}

}  // namespace
}  // namespace sluice::test
