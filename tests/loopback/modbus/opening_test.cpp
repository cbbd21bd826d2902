// What the configuration leaves open is filled in from the template when the device is opened.

#include "common/opening.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "devices/encode.hpp"
#include "devices/library.hpp"
#include "io/clock.hpp"
#include "io/modbus_tcp.hpp"
#include "mqtt/broker.hpp"
#include "scripted_server.hpp"

namespace sluice::cmd {
namespace {

class SilentLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

/// Answers every request with a loadpoint that waits, and keeps what was asked.
class CannedNetwork final : public ports::NetworkFactory {
 public:
  std::unique_ptr<ports::Network> make() override { return std::make_unique<Door>(asked); }
  ports::HttpRequest asked;

 private:
  class Door final : public ports::Network {
   public:
    explicit Door(ports::HttpRequest& asked) : asked_(asked) {}
    void begin() override {}
    Result<std::string> exchange(const ports::TcpExchange&, MonoTime) override {
      return fail(ErrorKind::unsupported, "only HTTP here");
    }
    Result<ports::HttpReply> request(const ports::HttpRequest& request, MonoTime) override {
      asked_ = request;
      return ports::HttpReply{200, R"({"loadpoints":[{},{"mode":"pv","connected":true,"chargePower":20}]})"};
    }
    Result<void> wait_until(MonoTime) override { return {}; }
    bool cancelled() const override { return false; }
    void cancel() override {}

   private:
    ports::HttpRequest& asked_;
  };
};

class Opening : public testing::Test {
 protected:
  Opening()
      : library_(*devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"})),
        server_([this](const test::Request& request) { return test::image_answer(request, image_); }) {}

  /// Opens the device and polls it once.
  std::map<Measurement, double> poll(config::DeviceConfig device) {
    device.name = "device";
    auto opened = open_device(device, modbus_.make("127.0.0.1", server_.port()), library_,
                              {clock_, log_, network_, modbus_, brokers_, secrets_});
    EXPECT_TRUE(opened) << opened.error().text;
    if (!opened) return {};
    const auto poll = (*opened)->poll();
    EXPECT_TRUE(poll) << poll.error().text;
    std::map<Measurement, double> values;
    if (poll) {
      for (const ports::Measured& measured : poll->values)
        if (measured.value) values[measured.what] = *measured.value;
    }
    return values;
  }

  const devices::Library library_;
  devices::RegisterImage image_;  // set before the first request, then only read
  test::ScriptedServer server_;
  io::SystemClock clock_;
  SilentLog log_;
  CannedNetwork network_;
  io::ModbusTcpFactory modbus_;
  mqtt::MosquittoBrokers brokers_{clock_};
  const config::Secrets secrets_{""};
};

TEST_F(Opening, AUnitThatIsNotGivenIsTheTemplatesUsualOne) {
  image_ = devices::encode(*library_.find("sma-hybrid"), {{Measurement::grid_w, -300.0}});
  config::DeviceConfig device;
  device.template_id = "sma-hybrid";
  EXPECT_EQ(poll(device)[Measurement::grid_w], -300.0);
  EXPECT_EQ(server_.seen().front().unit, 3);
}

TEST_F(Opening, AUnitThatIsGivenCounts) {
  devices::EncodeOptions moved;
  moved.unit = 126;
  image_ = devices::encode(*library_.find("sma-hybrid"), {{Measurement::grid_w, -300.0}}, moved);
  config::DeviceConfig device;
  device.template_id = "sma-hybrid";
  device.modbus.unit = 126;
  EXPECT_EQ(poll(device)[Measurement::grid_w], -300.0);
}

TEST_F(Opening, TheRoleSaysWhereAMeterStands) {
  image_ = devices::encode(*library_.find("eastron-sdm630"), {{Measurement::grid_w, -300.0}});
  config::DeviceConfig device;
  device.template_id = "eastron-sdm630";
  EXPECT_EQ(poll(device)[Measurement::grid_w], -300.0);
  device.roles = {config::Role::pv};
  EXPECT_EQ(poll(device)[Measurement::pv_w], 300.0);
  device.roles = {config::Role::house};
  EXPECT_EQ(poll(device)[Measurement::house_w], -300.0);
}

TEST_F(Opening, AnInvertersOwnMeterStaysAtTheGrid) {
  image_ = devices::encode(*library_.find("sma-hybrid"), {{Measurement::grid_w, -300.0}, {Measurement::pv_w, 2000.0}});
  config::DeviceConfig device;
  device.template_id = "sma-hybrid";
  device.roles = {config::Role::pv};
  EXPECT_EQ(poll(device)[Measurement::pv_w], 2000.0);
}

TEST_F(Opening, ADeviceOverHttpIsAskedWhereTheOwnerSaysWithItsLogin) {
  config::DeviceConfig device;
  device.template_id = "evcc";
  device.roles = {config::Role::load};
  device.http.url = "http://127.0.0.1:7070/behind/";
  device.http.username = "user";
  device.http.password.literal = "pass";
  device.options = {{"loadpoint", "1"}};
  const auto values = poll(device);
  EXPECT_EQ(values.at(Measurement::load_wants), 1.0);
  EXPECT_EQ(values.at(Measurement::load_w), 20.0);
  EXPECT_EQ(network_.asked.peer.port, 7070);
  EXPECT_EQ(network_.asked.path, "/behind/api/state");
  ASSERT_EQ(network_.asked.headers.size(), 1U);
  EXPECT_EQ(network_.asked.headers[0].second, "Basic dXNlcjpwYXNz");
}

TEST_F(Opening, AnOptionThatIsMissingIsSaid) {
  config::DeviceConfig device;
  device.name = "rod";
  device.template_id = "mqtt-load";
  device.mqtt.host = "127.0.0.1";
  const auto opened = open_device(device, nullptr, library_, {clock_, log_, network_, modbus_, brokers_, secrets_});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().text, "device rod: option power is missing");
}

TEST(ConnectionKey, ModbusAndHttpShareAThreadAndMqttDoesNot) {
  config::DeviceConfig device;
  device.name = "a";
  device.mqtt.host = "127.0.0.5";
  EXPECT_EQ(connection_key(device), "mqtt://127.0.0.5:1883 a");
  EXPECT_EQ(host_of(device), "127.0.0.5");
  device.http.url = "http://127.0.0.6/x";
  EXPECT_EQ(connection_key(device), "http://127.0.0.6:80");
  EXPECT_EQ(host_of(device), "127.0.0.6");
  device.http.url.clear();
  device.modbus.host = "127.0.0.7";
  EXPECT_EQ(connection_key(device), "127.0.0.7:502");
  EXPECT_EQ(host_of(device), "127.0.0.7");
}

}  // namespace
}  // namespace sluice::cmd
