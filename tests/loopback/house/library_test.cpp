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
      [&test] { return test.house->modbus_faults(); });
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

}  // namespace
}  // namespace sluice::house
