#include "runtime/device_poller.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace sluice::runtime {
namespace {

class DevicePollerTest : public testing::Test {
 protected:
  PolledDevice device(const std::string& name, std::vector<DeviceRole> roles, Duration interval) {
    return {std::move(roles), interval, std::make_unique<FakeDevice>(name, [this] {
              ++polls;
              if (trouble) return Result<ports::DevicePoll>(tl::unexpected(*trouble));
              return Result<ports::DevicePoll>(ports::DevicePoll{world.clock.now(), values});
            })};
  }
  std::unique_ptr<DevicePoller> poller(Duration interval = seconds(1)) {
    std::vector<PolledDevice> devices;
    devices.push_back(device("meter", {DeviceRole::grid}, interval));
    return std::make_unique<DevicePoller>(std::move(devices), world.clock, world.announcer, [this] { ++arrivals; });
  }
  void run_for(DevicePoller& made, Duration time) {
    const MonoTime end = world.clock.now() + time;
    while (world.clock.now() < end) world.clock.advance(std::max(Duration(1), made.run_once() - world.clock.now()));
  }

  World world;
  std::vector<ports::Measured> values{{Measurement::grid_w, -1200.0, "", {}, ""},
                                      {Measurement::grid_hz, std::nullopt, "", {}, "not implemented"}};
  std::optional<Error> trouble;
  int polls = 0;
  int arrivals = 0;
};

TEST_F(DevicePollerTest, publishes_values_with_their_time_and_leaves_absent_ones_missing) {
  auto made = poller();
  EXPECT_FALSE(made->report(0)->tried);
  made->run_once();
  const auto report = made->report(0);
  EXPECT_TRUE(report->up);
  EXPECT_DOUBLE_EQ((*report)[Measurement::grid_w].value, -1200.0);
  EXPECT_EQ((*report)[Measurement::grid_w].at, world.clock.now());
  EXPECT_FALSE((*report)[Measurement::grid_hz].usable());
  EXPECT_TRUE(report->may_offer(Measurement::grid_hz));
  EXPECT_FALSE(report->may_offer(Measurement::soc_pct));
  EXPECT_EQ(arrivals, 1);
}

TEST_F(DevicePollerTest, keeps_the_interval) {
  auto made = poller(seconds(2));
  run_for(*made, seconds(20));
  EXPECT_EQ(polls, 10);
}

TEST_F(DevicePollerTest, a_value_that_stops_being_available_becomes_missing_at_once) {
  auto made = poller();
  made->run_once();
  values[0].value.reset();
  run_for(*made, seconds(2));
  EXPECT_FALSE((*made->report(0))[Measurement::grid_w].usable());
}

TEST_F(DevicePollerTest, a_failure_leaves_the_reading_to_age_and_is_said_once) {
  auto made = poller();
  made->run_once();
  const MonoTime read_at = world.clock.now();
  trouble = Error{ErrorKind::timeout, "no answer from 127.0.0.1"};
  run_for(*made, seconds(60));
  const auto report = made->report(0);
  EXPECT_FALSE(report->up);
  EXPECT_EQ((*report)[Measurement::grid_w].at, read_at);
  EXPECT_EQ(report->trouble, "no answer from 127.0.0.1");
  EXPECT_EQ(world.recorder.count("device_lost"), 1);
  EXPECT_EQ(arrivals, 1);

  trouble.reset();
  run_for(*made, seconds(10));
  EXPECT_TRUE(made->report(0)->up);
  EXPECT_EQ(world.recorder.count("device_lost", true), 1);
}

TEST_F(DevicePollerTest, backs_off_from_a_dead_device_but_finds_it_back_within_five_seconds) {
  auto made = poller();
  trouble = Error{ErrorKind::refused, "refused"};
  run_for(*made, seconds(60));
  EXPECT_LT(polls, 20);
  trouble.reset();
  run_for(*made, seconds(5));
  EXPECT_GE(arrivals, 1);
}

TEST_F(DevicePollerTest, devices_of_one_connection_take_turns) {
  std::vector<PolledDevice> devices;
  devices.push_back(device("meter", {DeviceRole::grid}, seconds(1)));
  devices.push_back(device("inverter", {DeviceRole::pv}, seconds(1)));
  DevicePoller made(std::move(devices), world.clock, world.announcer, nullptr);
  made.run_once();
  made.run_once();
  EXPECT_TRUE(made.report(0)->up);
  EXPECT_TRUE(made.report(1)->up);
}

}  // namespace
}  // namespace sluice::runtime
