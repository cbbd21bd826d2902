#include "runtime/snapshot_builder.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluice::runtime {
namespace {

using std::chrono::seconds;

std::shared_ptr<const DeviceReport> device(std::vector<DeviceRole> roles, const std::map<Measurement, double>& values,
                                           int at_s = 100, const std::vector<Measurement>& missing = {}) {
  auto report = std::make_shared<DeviceReport>();
  report->roles = std::move(roles);
  report->known = report->tried = report->up = true;
  for (const auto& [what, value] : values) {
    report->values[static_cast<std::size_t>(what)] = Reading<double>::good(value, MonoTime(seconds(at_s)));
    report->offered[static_cast<std::size_t>(what)] = true;
  }
  for (const Measurement what : missing) report->offered[static_cast<std::size_t>(what)] = true;
  return report;
}

using Reports = std::vector<std::shared_ptr<const DeviceReport>>;

TEST(SnapshotBuilder, sums_pv_and_takes_the_age_of_the_oldest_part) {
  const Reports reports{device({DeviceRole::pv}, {{Measurement::pv_w, 1500}}, 100),
                        device({DeviceRole::pv}, {{Measurement::pv_w, 700}}, 93)};
  const PvObservation pv = pv_observation(reports);
  EXPECT_DOUBLE_EQ(pv.power.value.value(), 2200);
  EXPECT_EQ(pv.power.at, MonoTime(seconds(93)));
}

TEST(SnapshotBuilder, a_missing_pv_part_makes_the_sum_missing_not_smaller) {
  const Reports reports{device({DeviceRole::pv}, {{Measurement::pv_w, 1500}}),
                        device({DeviceRole::pv}, {}, 100, {Measurement::pv_w})};
  EXPECT_FALSE(pv_observation(reports).power.usable());
}

TEST(SnapshotBuilder, nothing_measures_pv) {
  EXPECT_FALSE(pv_observation(Reports{device({DeviceRole::grid}, {{Measurement::grid_w, 10}})}).power.usable());
}

TEST(SnapshotBuilder, a_hybrid_fills_every_role_it_has_measurements_for) {
  const Reports reports{device({DeviceRole::hybrid}, {{Measurement::pv_w, 3000},
                                                      {Measurement::battery_w, -800},
                                                      {Measurement::soc_pct, 55},
                                                      {Measurement::grid_w, -120}})};
  EXPECT_DOUBLE_EQ(grid_observation(reports).power.value.value(), -120);
  EXPECT_DOUBLE_EQ(pv_observation(reports).power.value.value(), 3000);
  EXPECT_DOUBLE_EQ(battery_observation(reports).power.value.value(), -800);
  EXPECT_DOUBLE_EQ(battery_observation(reports).soc.value.value(), 55);
}

TEST(SnapshotBuilder, a_hybrid_without_battery_does_not_hide_the_real_one) {
  const Reports reports{device({DeviceRole::hybrid}, {{Measurement::pv_w, 3000}}),
                        device({DeviceRole::battery}, {{Measurement::battery_w, 400}, {Measurement::soc_pct, 40}})};
  EXPECT_DOUBLE_EQ(battery_observation(reports).power.value.value(), 400);
}

TEST(SnapshotBuilder, a_hybrid_that_never_answered_is_waited_for) {
  auto silent = std::make_shared<DeviceReport>();
  silent->roles = {DeviceRole::hybrid};
  const Reports reports{silent, device({DeviceRole::pv}, {{Measurement::pv_w, 700}})};
  EXPECT_FALSE(pv_observation(reports).power.usable());
}

TEST(SnapshotBuilder, the_grid_role_wins_over_a_hybrids_meter) {
  const Reports reports{device({DeviceRole::hybrid}, {{Measurement::grid_w, 999}}),
                        device({DeviceRole::grid}, {{Measurement::grid_w, -50}})};
  EXPECT_DOUBLE_EQ(grid_observation(reports).power.value.value(), -50);
}

TEST(SnapshotBuilder, one_device_that_sees_the_grid_lost_is_believed) {
  const Reports reports{device({DeviceRole::grid}, {{Measurement::grid_w, 0}, {Measurement::grid_connection, 0}}, 101),
                        device({DeviceRole::battery}, {{Measurement::grid_connection, 1}}, 100)};
  EXPECT_EQ(grid_observation(reports).connection.value, GridConnection::islanded);
}

TEST(SnapshotBuilder, frequency_and_voltage_come_from_the_grid_device) {
  const Reports reports{
      device({DeviceRole::grid}, {{Measurement::grid_w, 5}, {Measurement::grid_hz, 50.02}, {Measurement::grid_v, 231}}),
      device({DeviceRole::pv}, {{Measurement::grid_hz, 0}, {Measurement::grid_v, 0}})};
  EXPECT_DOUBLE_EQ(grid_observation(reports).frequency.value.value(), 50.02);
  EXPECT_DOUBLE_EQ(grid_observation(reports).voltage.value.value(), 231);
}

TEST(SnapshotBuilder, an_inverter_asleep_is_no_lost_grid) {
  const Reports reports{
      device({DeviceRole::grid}, {{Measurement::grid_w, 5}}),
      device({DeviceRole::pv}, {{Measurement::pv_w, 0}, {Measurement::grid_hz, 0}, {Measurement::grid_v, 0}})};
  EXPECT_FALSE(grid_observation(reports).frequency.usable());
  EXPECT_FALSE(grid_observation(reports).voltage.usable());
}

TEST(SnapshotBuilder, two_batteries_are_weighed_by_capacity) {
  const Reports reports{
      device({DeviceRole::battery},
             {{Measurement::battery_w, -100}, {Measurement::soc_pct, 90}, {Measurement::battery_capacity_wh, 15000}}),
      device({DeviceRole::battery},
             {{Measurement::battery_w, -200}, {Measurement::soc_pct, 10}, {Measurement::battery_capacity_wh, 5000}})};
  const BatteryObservation battery = battery_observation(reports);
  EXPECT_DOUBLE_EQ(battery.power.value.value(), -300);
  EXPECT_DOUBLE_EQ(battery.soc.value.value(), 70);
}

TEST(SnapshotBuilder, any_curtailed_device_means_curtailed) {
  const Reports reports{device({DeviceRole::pv}, {{Measurement::pv_curtailed, 1}}),
                        device({DeviceRole::pv}, {{Measurement::pv_curtailed, 0}})};
  EXPECT_TRUE(pv_observation(reports).curtailed.value);
}

}  // namespace
}  // namespace sluice::runtime
