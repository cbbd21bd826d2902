#include "io/modbus_device.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "devices/encode.hpp"
#include "devices/library.hpp"
#include "io/clock.hpp"
#include "io/modbus_tcp.hpp"
#include "scripted_server.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;
using devices::RegisterImage;
using test::Answer;
using test::Request;
using test::ScriptedServer;

const devices::Template& sunspec(const std::string& id) {
  static const devices::Library library = *devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"});
  return *library.find(id);
}

/// Time moves only when somebody waits for it or the test says so.
class ManualClock final : public ports::Clock {
 public:
  MonoTime now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  WallTime wall_now() const override { return {}; }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime deadline) const override {
    const std::lock_guard lock(mutex_);
    waited_ += deadline - now_;
    now_ = deadline;
  }
  void advance(Duration by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  Duration waited() const {
    const std::lock_guard lock(mutex_);
    return waited_;
  }

 private:
  mutable std::mutex mutex_;
  mutable MonoTime now_{1000s};
  mutable Duration waited_{};
};

std::optional<double> value_of(const ports::DevicePoll& poll, Measurement what) {
  for (const ports::Measured& measured : poll.values)
    if (measured.what == what) return measured.value;
  return std::nullopt;
}

class ModbusDevice : public testing::Test {
 protected:
  ModbusDevice() : server_([this](const Request& request) { return test::image_answer(request, image()); }) {}

  RegisterImage image() {
    const std::lock_guard lock(mutex_);
    return image_;
  }
  void show(RegisterImage image) {
    const std::lock_guard lock(mutex_);
    image_ = std::move(image);
  }
  std::unique_ptr<ports::Device> make(const devices::Template& device_template, std::uint8_t unit,
                                      DeviceOptions options = {}) {
    return make_modbus_device("device", connection(), "127.0.0.1", unit, device_template, options, clock_);
  }
  std::shared_ptr<ports::ModbusConnection> connection() {
    if (!connection_) connection_ = factory_.make("127.0.0.1", server_.port());
    return connection_;
  }

  std::mutex mutex_;
  RegisterImage image_;
  ManualClock clock_;
  ModbusTcpFactory factory_;
  ScriptedServer server_;
  std::shared_ptr<ports::ModbusConnection> connection_;
};

TEST_F(ModbusDevice, FindsAndReadsASunSpecMeter) {
  show(devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, -1234.0}, {Measurement::grid_hz, 50.02}}));
  const auto meter = make(sunspec("sunspec-meter"), 240);
  EXPECT_TRUE(meter->identity().manufacturer.empty());
  const auto poll = meter->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_NEAR(value_of(*poll, Measurement::grid_w).value_or(0), -1234.0, 0.5);
  EXPECT_FALSE(value_of(*poll, Measurement::grid_l1_w)) << "not implemented must be absent";
  EXPECT_EQ(meter->identity().manufacturer, "Sluice");
  const int after_discovery = server_.requests();
  ASSERT_TRUE(meter->poll());
  EXPECT_LE(server_.requests() - after_discovery, 1) << "a known layout is not walked again, one meter is one read";
}

TEST_F(ModbusDevice, SeveralUnitsShareOneConnection) {
  RegisterImage both = devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, 500.0}});
  both.merge(devices::encode(sunspec("sunspec"), {{Measurement::pv_w, 4000.0},
                                                  {Measurement::battery_w, -1500.0},
                                                  {Measurement::soc_pct, 55.5},
                                                  {Measurement::pv_curtailed, 0.0}}));
  show(both);
  const auto meter = make(sunspec("sunspec-meter"), 240);
  const auto inverter = make(sunspec("sunspec-inverter"), 1);
  const auto battery = make(sunspec("sunspec-storage"), 1);
  const auto grid = meter->poll();
  const auto pv = inverter->poll();
  const auto storage = battery->poll();
  ASSERT_TRUE(grid && pv && storage);
  EXPECT_NEAR(*value_of(*grid, Measurement::grid_w), 500.0, 0.5);
  EXPECT_NEAR(*value_of(*pv, Measurement::pv_w), 4000.0, 1.0);
  EXPECT_EQ(value_of(*pv, Measurement::pv_curtailed), 0.0);
  EXPECT_NEAR(*value_of(*storage, Measurement::battery_w), -1500.0, 1.0);
  EXPECT_NEAR(*value_of(*storage, Measurement::soc_pct), 55.5, 0.01);
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(ModbusDevice, WalksAgainAfterAReconnectBecauseModelsMove) {
  const auto& meter_template = sunspec("sunspec-meter");
  show(devices::encode(meter_template, {{Measurement::grid_w, 100.0}}));
  const auto meter = make(meter_template, 240);
  ASSERT_TRUE(meter->poll());
  // The owner switches the inverter from integers to floats: everything moves.
  devices::EncodeOptions floats;
  floats.models = {213};
  show(devices::encode(meter_template, {{Measurement::grid_w, 200.0}}, floats));
  connection_->close();
  const auto poll = meter->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_NEAR(value_of(*poll, Measurement::grid_w).value_or(0), 200.0, 0.5);
}

TEST_F(ModbusDevice, AnotherDevicesReconnectIsNoticed) {
  const auto& meter_template = sunspec("sunspec-meter");
  show(devices::encode(meter_template, {{Measurement::grid_w, 100.0}}));
  const auto one = make(meter_template, 240);
  const auto two = make(meter_template, 240);
  ASSERT_TRUE(one->poll() && two->poll());
  devices::EncodeOptions floats;
  floats.models = {213};
  show(devices::encode(meter_template, {{Measurement::grid_w, 200.0}}, floats));
  connection_->close();
  ASSERT_TRUE(one->poll());
  const auto poll = two->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_NEAR(value_of(*poll, Measurement::grid_w).value_or(0), 200.0, 0.5);
}

TEST_F(ModbusDevice, KeepsQuietLongerAfterEveryFailure) {
  server_.set_script([](const Request& request) { return test::exception_answer(request, 4); });
  const auto meter = make(sunspec("sunspec-meter"), 240);
  for (const Duration pause : std::initializer_list<Duration>{1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    const int before = server_.requests();
    EXPECT_FALSE(meter->poll());
    const int asked = server_.requests();
    EXPECT_GT(asked, before) << "the pause before was too long";
    for (Duration passed{}; passed < pause; passed += 500ms, clock_.advance(500ms)) {
      EXPECT_FALSE(meter->poll()) << "the last error stands";
      ASSERT_EQ(server_.requests(), asked) << "asked " << to_seconds(passed) << " s after a failure";
    }
  }
  show(devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, 1.0}}));
  server_.set_script([this](const Request& request) { return test::image_answer(request, image()); });
  clock_.advance(30s);
  EXPECT_TRUE(meter->poll());
}

TEST_F(ModbusDevice, ARefusedRegisterDoesNotHideItsNeighbours) {
  const auto device = devices::load_template(
      "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\n"
      "measurements:\n  grid_w: {holding: 10, type: i16}\n  grid_v: {holding: 11, type: u16}\n  grid_hz: {holding: 12, "
      "type: u16}\n",
      "x.yaml");
  ASSERT_TRUE(device) << device.error().text;
  RegisterImage image;
  image[1][devices::Table::holding] = {{10, 77}, {12, 50}};
  show(image);
  const auto meter = make(*device, 1);
  for (int round = 0; round < 2; ++round) {
    const auto poll = meter->poll();
    ASSERT_TRUE(poll) << poll.error().text;
    EXPECT_EQ(value_of(*poll, Measurement::grid_w), 77.0);
    EXPECT_EQ(value_of(*poll, Measurement::grid_hz), 50.0);
    EXPECT_FALSE(value_of(*poll, Measurement::grid_v));
  }
  const int asked = server_.requests();
  ASSERT_TRUE(meter->poll());
  EXPECT_EQ(server_.requests() - asked, 2) << "what was refused is left alone for a while";
  // The register appears later: it is tried again after a while.
  image[1][devices::Table::holding][11] = 230;
  show(image);
  clock_.advance(61s);
  const auto later = meter->poll();
  ASSERT_TRUE(later);
  EXPECT_EQ(value_of(*later, Measurement::grid_v), 230.0);
}

TEST_F(ModbusDevice, WaitsAfterConnectingAndBetweenRequests) {
  const auto device = devices::load_template(
      "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\n"
      "transport: {connect_delay_ms: 1000, request_spacing_ms: 50}\n"
      "measurements:\n  grid_w: {holding: 10, type: i16}\n  grid_v: {holding: 500, type: u16}\n",
      "x.yaml");
  ASSERT_TRUE(device) << device.error().text;
  RegisterImage image;
  image[1][devices::Table::holding] = {{10, 77}, {500, 230}};
  show(image);
  ASSERT_TRUE(make(*device, 1)->poll());
  EXPECT_EQ(clock_.waited(), 1050ms);
}

TEST_F(ModbusDevice, InvertFlipsPowerAndSwapsTheCounters) {
  show(devices::encode(
      sunspec("sunspec-meter"),
      {{Measurement::grid_w, 700.0}, {Measurement::grid_import_wh, 5000.0}, {Measurement::grid_export_wh, 90.0}}));
  const auto poll = make(sunspec("sunspec-meter"), 240, {true, 1500ms})->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_NEAR(*value_of(*poll, Measurement::grid_w), -700.0, 0.5);
  EXPECT_NEAR(*value_of(*poll, Measurement::grid_import_wh), 90.0, 0.5);
  EXPECT_NEAR(*value_of(*poll, Measurement::grid_export_wh), 5000.0, 0.5);
}

RegisterImage dead_meter() {
  RegisterImage image =
      devices::encode(sunspec("sunspec-meter"),
                      {{Measurement::grid_w, 0.0}, {Measurement::grid_v, 230.0}, {Measurement::grid_hz, 50.0}});
  constexpr std::uint16_t kModel203 = 40070;
  for (const int offset : {8, 16})
    image[240][devices::Table::holding][static_cast<std::uint16_t>(kModel203 + offset)] = 0;  // PhVphA, Hz
  return image;
}

TEST_F(ModbusDevice, ZeroVoltsAfterRealOnesAreALostGrid) {
  show(devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, 0.0}, {Measurement::grid_v, 230.0}}));
  const auto meter = make(sunspec("sunspec-meter"), 240);
  const auto before = meter->poll();
  ASSERT_TRUE(before) << before.error().text;
  EXPECT_NEAR(value_of(*before, Measurement::grid_v).value_or(0), 230.0, 0.1);
  show(dead_meter());
  connection_->close();  // as a gateway that restarts with the grid
  for (int poll = 0; poll < 2; ++poll) EXPECT_EQ(value_of(*meter->poll(), Measurement::grid_v), 0.0);
}

TEST_F(ModbusDevice, ZeroVoltsFromTheStartAreNoLostGrid) {
  show(dead_meter());
  const auto meter = make(sunspec("sunspec-meter"), 240);
  for (int poll = 0; poll < 2; ++poll) EXPECT_EQ(value_of(*meter->poll(), Measurement::grid_v), std::nullopt);
}

TEST_F(ModbusDevice, AMeterOfThePanelsCountsItsExportAsYield) {
  const auto& meter_template = sunspec("eastron-sdm630");
  const auto show_meter = [&](double watts) {
    show(devices::encode(
        meter_template,
        {{Measurement::grid_w, watts}, {Measurement::grid_import_wh, 7000.0}, {Measurement::grid_export_wh, 90000.0}}));
  };
  const auto straight = make(meter_template, 1, {.place = MeterPlace::pv});
  const auto turned = make(meter_template, 1, {.invert = true, .place = MeterPlace::pv});
  show_meter(-4200);
  const auto poll = straight->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_EQ(value_of(*poll, Measurement::pv_w), 4200.0);
  EXPECT_EQ(value_of(*poll, Measurement::pv_wh), 90000.0);
  EXPECT_EQ(value_of(*poll, Measurement::grid_w), std::nullopt) << "it is no grid meter";
  EXPECT_EQ(value_of(*turned->poll(), Measurement::pv_w), std::nullopt) << "panels never consume 4200 W";
  show_meter(4200);
  EXPECT_EQ(value_of(*straight->poll(), Measurement::pv_w), std::nullopt);
  EXPECT_EQ(value_of(*turned->poll(), Measurement::pv_w), 4200.0);
  EXPECT_EQ(value_of(*turned->poll(), Measurement::pv_wh), 7000.0);
  show_meter(8);
  EXPECT_EQ(value_of(*straight->poll(), Measurement::pv_w), 0.0) << "the inverter's standby is no negative yield";
}

TEST_F(ModbusDevice, AMeterOfTheHouseTellsItsConsumption) {
  const auto& meter_template = sunspec("eastron-sdm120");
  show(devices::encode(meter_template, {{Measurement::grid_w, 650.0}}));
  const auto poll = make(meter_template, 1, {.place = MeterPlace::house})->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_EQ(value_of(*poll, Measurement::house_w), 650.0);
  EXPECT_EQ(value_of(*poll, Measurement::grid_w), std::nullopt);
}

TEST_F(ModbusDevice, SilenceBehindTheLastModelIsTheEndOfTheChain) {
  RegisterImage image = devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, 42.0}});
  auto& words = image.at(240).at(devices::Table::holding);
  const std::uint16_t end = static_cast<std::uint16_t>(words.rbegin()->first - 1);
  words.erase(end);
  show(image);
  server_.set_script([this, end](const Request& request) {
    return request.address == end ? Answer{} : test::image_answer(request, this->image());
  });
  const auto poll = make(sunspec("sunspec-meter"), 240, {false, 150ms})->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_NEAR(value_of(*poll, Measurement::grid_w).value_or(0), 42.0, 0.01);
}

TEST_F(ModbusDevice, ABusyDeviceIsNotTakenForOneWithoutModels) {
  show(devices::encode(sunspec("sunspec-meter"), {{Measurement::grid_w, 42.0}}));
  server_.set_script([this](const Request& request) {
    constexpr std::uint8_t kBusy = 6;
    return request.address == 40070 ? test::exception_answer(request, kBusy) : test::image_answer(request, image());
  });
  const auto meter = make(sunspec("sunspec-meter"), 240);
  const auto busy = meter->poll();
  ASSERT_FALSE(busy);
  EXPECT_NE(busy.error().text.find("device busy"), std::string::npos) << busy.error().text;
  server_.set_script([this](const Request& request) { return test::image_answer(request, image()); });
  clock_.advance(1s);
  const auto poll = meter->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_TRUE(value_of(*poll, Measurement::grid_w));
}

TEST_F(ModbusDevice, NoSunSpecIsSaidPlainly) {
  RegisterImage image;
  for (const auto address : std::initializer_list<std::uint16_t>{40000, 40001, 50000, 50001, 0, 1})
    image[1][devices::Table::holding][address] = 0;
  show(image);
  const auto poll = make(sunspec("sunspec"), 1)->poll();
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::not_found);
  EXPECT_NE(poll.error().text.find("no SunSpec marker"), std::string::npos) << poll.error().text;
}

TEST_F(ModbusDevice, CancelEndsAPoll) {
  server_.set_script([](const Request&) { return Answer{}; });
  const SystemClock clock;
  const auto meter = make_modbus_device("meter", connection(), "k", 240, sunspec("sunspec-meter"), {false, 30s}, clock);
  auto running = std::async(std::launch::async, [&] { return meter->poll(); });
  while (server_.requests() == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  meter->cancel();
  const auto poll = running.get();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s) << "its own deadline is 30 s";
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::cancelled);
}

TEST_F(ModbusDevice, CancelEndsAWaitToo) {
  const auto device = devices::load_template(
      "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\ntransport: {connect_delay_ms: 30000}\n"
      "measurements:\n  grid_w: {holding: 10, type: i16}\n",
      "x.yaml");
  ASSERT_TRUE(device);
  const SystemClock clock;
  const auto meter = make_modbus_device("meter", connection(), "k", 1, *device, {}, clock);
  auto running = std::async(std::launch::async, [&] { return meter->poll(); });
  while (server_.connections() == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  // The poll may still be connecting when the first cancel comes.
  while (running.wait_for(10ms) != std::future_status::ready) meter->cancel();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s) << "its wait is 30 s";
  EXPECT_EQ(running.get().error().kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace sluice::io
