#include <modbus/modbus.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "test_house.hpp"

namespace sluice::house {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A client that knows SunSpec and nothing of the house.
class Client {
 public:
  explicit Client(std::uint16_t port) : context_(modbus_new_tcp("127.0.0.1", port)) {
    modbus_set_response_timeout(context_, 0, 300'000);
  }
  ~Client() {
    modbus_close(context_);
    modbus_free(context_);
  }
  bool connect() { return modbus_connect(context_) == 0; }
  std::optional<std::vector<std::uint16_t>> read(int unit, int address, int count) {
    std::vector<std::uint16_t> words(static_cast<std::size_t>(count));
    modbus_set_slave(context_, unit);
    const int got = modbus_read_registers(context_, address, count, words.data());
    error = errno;
    if (got != count) return std::nullopt;
    return words;
  }
  /// Address of a model's id, by walking the chain; 0 when it is not there.
  int find(int unit, int model) {
    const auto begin = read(unit, 40000, 2);
    if (!begin || (*begin)[0] != 0x5375 || (*begin)[1] != 0x6E53) return 0;
    for (int address = 40002; address < 41000;) {
      const auto header = read(unit, address, 2);
      if (!header || (*header)[0] == 0xFFFF) return 0;
      if ((*header)[0] == model) return address;
      address += 2 + (*header)[1];
    }
    return 0;
  }
  double scaled(int unit, int model, int offset, int scale_offset) {
    const int at = find(unit, model);
    const auto value = read(unit, at + offset, 1), scale = read(unit, at + scale_offset, 1);
    if (at == 0 || !value || !scale) return std::nan("");
    return static_cast<std::int16_t>(value->front()) * std::pow(10.0, static_cast<std::int16_t>(scale->front()));
  }
  int word(int unit, int model, int offset) {
    const int at = find(unit, model);
    const auto value = read(unit, at + offset, 1);
    return at == 0 || !value ? -1 : value->front();
  }
  int error = 0;

 private:
  modbus_t* context_;
};

struct ServedHouse : TestHouse {
  explicit ServedHouse(bool battery = false) : TestHouse(battery) {
    auto made = make_modbus_server(
        "127.0.0.1", 0, [this](int unit) { return house->modbus_unit(unit); },
        [this] { return house->modbus_faults(); });
    EXPECT_TRUE(made) << made.error().text;
    server = std::move(*made);
  }
  std::unique_ptr<ModbusServer> server;
};

constexpr int kMeter = 203, kInverter = 103, kStatus = 122, kStorage = 124, kBatteryBase = 802;

double grid_w(Client& client) { return client.scaled(kMeterUnit, kMeter, 18, 22); }
double pv_w(Client& client) { return client.scaled(kInverterUnit, kInverter, 14, 15); }

TEST(HouseModbus, MeterAndInverterShowTheTruth) {
  ServedHouse served;
  served.advance(seconds(5));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  EXPECT_NEAR(grid_w(client), 500 + 2000 - 5000, 1);
  EXPECT_NEAR(pv_w(client), 5000, 1);
  EXPECT_NEAR(client.scaled(kMeterUnit, kMeter, 16, 17), 50, 0.01);
  EXPECT_EQ(client.word(kInverterUnit, kInverter, 38), 4) << "MPPT";
  EXPECT_EQ(client.find(kInverterUnit, kStorage), 0) << "no battery, no storage model";
}

TEST(HouseModbus, FollowsTheMiner) {
  ServedHouse served;
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  served.house->door(0).set_target(Watts(3000));
  served.advance(seconds(60));
  EXPECT_NEAR(grid_w(client), 500 + 3000 - 5000, 1);
}

TEST(HouseModbus, StorageShowsPowerAndCharge) {
  ServedHouse served(true);
  served.advance(seconds(60));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  EXPECT_NEAR(client.scaled(kInverterUnit, kStorage, 8, 22), 50.3, 0.5);
  EXPECT_NEAR(client.scaled(kInverterUnit, kBatteryBase, 47, 63), -2500, 50) << "+ discharges";
  EXPECT_EQ(client.word(kInverterUnit, kStorage, 11), 4) << "charging";
}

TEST(HouseModbus, UnknownUnitsAndAddressesAreExceptions) {
  ServedHouse served;
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  EXPECT_FALSE(client.read(7, 40000, 2));
  EXPECT_EQ(client.error, EMBXGTAR);
  EXPECT_FALSE(client.read(kMeterUnit, 100, 2));
  EXPECT_EQ(client.error, EMBXILADD);
  EXPECT_TRUE(client.read(kMeterUnit, 40000, 2)) << "the connection goes on";
}

TEST(HouseModbus, AFrozenMeterStandsStillWhileTheInverterMoves) {
  ServedHouse served;
  served.advance(seconds(5));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  served.house->set_meter_fault(MeterFault::frozen);
  served.house->door(0).set_target(Watts(1000));
  served.advance(seconds(60));
  EXPECT_NEAR(grid_w(client), -2500, 1);
  served.house->clear_faults();
  EXPECT_NEAR(grid_w(client), -3500, 1);
}

TEST(HouseModbus, AStaleMeterShowsThePast) {
  ServedHouse served;
  served.advance(seconds(20));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  served.house->set_meter_fault(MeterFault::stale, seconds(30));
  served.house->door(0).set_target(Watts(1000));
  served.advance(seconds(20));
  EXPECT_NEAR(grid_w(client), -2500, 1);
  served.advance(seconds(30));
  EXPECT_NEAR(grid_w(client), -3500, 1);
}

TEST(HouseModbus, SignFlipSilenceAndGarbage) {
  ServedHouse served;
  served.advance(seconds(5));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  served.house->set_meter_fault(MeterFault::sign_flipped);
  EXPECT_NEAR(grid_w(client), 2500, 1);
  served.house->set_meter_fault(MeterFault::garbage);
  const auto first = client.read(kMeterUnit, 40072, 20), second = client.read(kMeterUnit, 40072, 20);
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_NEAR(pv_w(client), 5000, 1) << "the other unit is well";
  served.house->set_meter_fault(MeterFault::silent);
  EXPECT_FALSE(client.read(kMeterUnit, 40000, 2));
  EXPECT_EQ(client.error, ETIMEDOUT);
}

TEST(HouseModbus, AnIslandIsSeenByFrequencyAndStatus) {
  ServedHouse served(true);
  served.advance(seconds(5));
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  EXPECT_EQ(client.word(kInverterUnit, kStatus, 4), 1);
  served.house->set_grid_lost(true);
  served.advance(seconds(2));
  EXPECT_EQ(client.word(kInverterUnit, kStatus, 4), 0);
  EXPECT_GT(client.scaled(kInverterUnit, kInverter, 16, 17), 51);
  EXPECT_NEAR(grid_w(client), 0, 0.1);
  EXPECT_NEAR(client.scaled(kMeterUnit, kMeter, 16, 17), 0, 0.1) << "no voltage at the connection";
}

TEST(HouseModbus, DeadSlowGarbageAndRefused) {
  ServedHouse served;
  Client client(served.server->port());
  ASSERT_TRUE(client.connect());
  ModbusFaults faults;
  faults.silent = true;
  served.house->set_modbus_faults(faults);
  EXPECT_FALSE(client.read(kMeterUnit, 40000, 2));
  faults = {};
  faults.garbage = true;
  served.house->set_modbus_faults(faults);
  EXPECT_FALSE(client.read(kMeterUnit, 40000, 2));

  faults = {};
  faults.delay = milliseconds(100);
  served.house->set_modbus_faults(faults);
  Client slow(served.server->port());
  ASSERT_TRUE(slow.connect());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(slow.read(kMeterUnit, 40000, 2));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(95));

  faults = {};
  faults.refuse_connections = true;
  served.house->set_modbus_faults(faults);
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  bool refused = false;
  while (!refused && std::chrono::steady_clock::now() < deadline) {
    Client late(served.server->port());
    refused = !late.connect();
  }
  EXPECT_TRUE(refused);
  served.house->clear_faults();
  bool back = false;
  while (!back && std::chrono::steady_clock::now() < deadline) {
    Client again(served.server->port());
    back = again.connect() && again.read(kMeterUnit, 40000, 2);
  }
  EXPECT_TRUE(back);
}

TEST(HouseModbus, SeveralClientsDoNotDisturbEachOther) {
  ServedHouse served;
  Client one(served.server->port()), other(served.server->port());
  ASSERT_TRUE(one.connect() && other.connect());
  EXPECT_TRUE(one.read(kMeterUnit, 40000, 2));
  EXPECT_FALSE(other.read(kMeterUnit, 100, 2));
  EXPECT_TRUE(one.read(kInverterUnit, 40000, 2));
  EXPECT_TRUE(other.read(kInverterUnit, 40000, 2));
}

}  // namespace
}  // namespace sluice::house
