#include "devices/library.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "io/modbus_device.hpp"
#include "io/modbus_tcp.hpp"
#include "test_house.hpp"

namespace sluice::house {
namespace {

using std::chrono::seconds;

const devices::Library& library() {
  static const auto loaded = devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"});
  EXPECT_TRUE(loaded) << loaded.error().text;
  return *loaded;
}

/// Waiting costs nothing: connect delays and spacings of the templates are not what is tested here.
class EagerClock final : public ports::Clock {
 public:
  MonoTime now() const override { return now_; }
  WallTime wall_now() const override { return {}; }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime deadline) const override {
    now_ = std::max(now_, deadline);
  }

 private:
  mutable MonoTime now_{};
};

/// Polls the house as the daemon would.
class Poller {
 public:
  Poller(std::uint16_t port, const std::string& id, std::uint8_t unit)
      : connection_(connector_.make("127.0.0.1", port)),
        device_(io::make_modbus_device("it", connection_, "key", unit, *library().find(id), {}, clock_)) {
    const auto poll = device_->poll();
    EXPECT_TRUE(poll) << id << ": " << poll.error().text;
    if (poll) poll_ = *poll;
  }
  double value(Measurement what) const {
    for (const auto& measured : poll_.values) {
      if (measured.what == what && measured.value) return *measured.value;
    }
    return std::nan("");
  }

 private:
  EagerClock clock_;
  io::ModbusTcpFactory connector_;
  std::shared_ptr<ports::ModbusConnection> connection_;
  std::unique_ptr<ports::Device> device_;
  ports::DevicePoll poll_;
};

std::unique_ptr<ModbusServer> serve(TestHouse& test) {
  auto made = make_modbus_server(
      "127.0.0.1", 0, [&test](int unit) { return test.house->modbus_unit(unit); },
      [&test] { return test.house->modbus_faults(); },
      [&test](int unit, std::uint16_t address, std::span<const std::uint16_t> words) {
        return test.house->modbus_write(unit, address, words);
      });
  EXPECT_TRUE(made) << made.error().text;
  return std::move(*made);
}

TEST(HouseLibrary, TheDaemonsTemplatesReadTheHousesOwnDevices) {
  TestHouse test(true);
  test.advance(seconds(60));
  const auto truth = test.house->truth();
  const auto server = serve(test);
  const Poller meter(server->port(), "sunspec-meter", kMeterUnit);
  EXPECT_NEAR(meter.value(Measurement::grid_w), truth.meter.value(), 2);
  EXPECT_NEAR(meter.value(Measurement::grid_hz), 50, 0.05);
  const Poller inverter(server->port(), "sunspec-inverter", kInverterUnit);
  EXPECT_NEAR(inverter.value(Measurement::pv_w), 5000, 2);
  const Poller storage(server->port(), "sunspec-storage", kInverterUnit);
  EXPECT_NEAR(storage.value(Measurement::battery_w), truth.state.battery.value(), 2);
  EXPECT_NEAR(storage.value(Measurement::soc_pct), truth.state.soc.value(), 0.2);
}

TEST(HouseLibrary, TheHouseCanBeAnyMeterOfTheLibrary) {
  for (const auto& id : library().ids_for_role("grid")) {
    if (library().find(id)->messages) continue;  // the house serves Modbus
    TestHouse test(false, "luxos-target", {{*library().find(id), std::nullopt}});
    test.advance(seconds(60));
    const auto server = serve(test);
    const Poller meter(server->port(), id, library().find(id)->unit);
    EXPECT_NEAR(meter.value(Measurement::grid_w), test.house->truth().meter.value(), 10) << id;
  }
}

/// A GX whose miner draws more than the sun gives, so that its battery gives the rest.
struct HeldGx : testing::Test {
  HeldGx() {
    connection = connector.make("127.0.0.1", server->port());
    device = io::make_modbus_device("gx", connection, "key", 100, *library().find("victron-gx"), {}, clock);
    test.advance(seconds(60));
  }
  double battery_w() { return test.house->truth().state.battery.value(); }
  /// Through the number that Victron's list gives, not through the template.
  std::uint16_t limit() {
    std::uint16_t word = 1;
    EXPECT_TRUE(connection->connect(seconds(1)));
    EXPECT_TRUE(connection->read(100, ports::RegisterTable::holding, 2704, {&word, 1}, seconds(1)));
    return word;
  }
  void set_limit(std::uint16_t word) {
    EXPECT_TRUE(connection->connect(seconds(1)));
    EXPECT_TRUE(connection->write(100, 2704, {&word, 1}, seconds(1)));
  }
  Result<void> hold() {
    return device->hold_battery([this](const std::string& text) -> Result<void> {
      EXPECT_GT(battery_w(), 1000.0) << "kept before anything is changed";
      before = text;
      return {};
    });
  }

  TestHouse test{true, "luxos-target", {{*library().find("victron-gx"), std::nullopt}}, [](Scenario& scenario) {
                   scenario.house.pv_scale = 0.1;
                 }};
  std::unique_ptr<ModbusServer> server = serve(test);
  EagerClock clock;
  io::ModbusTcpFactory connector;
  std::shared_ptr<ports::ModbusConnection> connection;
  std::unique_ptr<ports::Device> device;
  std::string before;
};

TEST_F(HeldGx, DoesNotDischargeUntilItIsReleased) {
  ASSERT_GT(battery_w(), 1000.0);
  ASSERT_TRUE(hold());
  test.advance(seconds(30));
  EXPECT_EQ(limit(), 0);
  EXPECT_NEAR(battery_w(), 0.0, 1.0);
  ASSERT_TRUE(device->release_battery(before));
  test.advance(seconds(30));
  EXPECT_EQ(limit(), 0xFFFF) << "no limit, as before";
  EXPECT_GT(battery_w(), 1000.0);
  EXPECT_EQ(test.house->truth().limit_writes, 2U);
}

TEST_F(HeldGx, GetsBackTheLimitThatItsOwnerSet) {
  set_limit(120);
  ASSERT_TRUE(hold());
  EXPECT_EQ(limit(), 0);
  ASSERT_TRUE(device->release_battery(before));
  EXPECT_EQ(limit(), 120);
}

TEST_F(HeldGx, WhatSomebodyElseHoldsOrChangesIsTheirs) {
  ASSERT_TRUE(hold());
  set_limit(250);
  ASSERT_TRUE(device->release_battery(before));
  EXPECT_EQ(limit(), 250);
  set_limit(0);
  const auto writes = test.house->truth().limit_writes;
  before = "not asked";
  ASSERT_TRUE(device->hold_battery([this](const std::string& text) -> Result<void> {
    before = text;
    return {};
  }));
  ASSERT_TRUE(device->release_battery(before));
  EXPECT_EQ(limit(), 0);
  EXPECT_EQ(test.house->truth().limit_writes, writes);
}

TEST_F(HeldGx, NothingIsWrittenThatCouldNotBeUndoneAfterARestart) {
  const auto held =
      device->hold_battery([](const std::string&) -> Result<void> { return fail(ErrorKind::io, "the disk is full"); });
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().text, "the disk is full");
  EXPECT_EQ(limit(), 0xFFFF);
  EXPECT_EQ(test.house->truth().limit_writes, 0U);
}

TEST_F(HeldGx, EverythingElseIsReadOnly) {
  const std::uint16_t word = 1;
  ASSERT_TRUE(connection->connect(seconds(1)));
  EXPECT_FALSE(connection->write(100, 843, {&word, 1}, seconds(1)));
  EXPECT_EQ(connection->last_exception(), 2);
}

}  // namespace
}  // namespace sluice::house
