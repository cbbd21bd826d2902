#include <httplib.h>

#include <nlohmann/json.hpp>

#include "house/control_server.hpp"
#include "test_house.hpp"

namespace sluice::house {
namespace {

using nlohmann::json;
using std::chrono::seconds;

struct Controlled : TestHouse {
  explicit Controlled(const std::function<void(Scenario&)>& change = {})
      : TestHouse(false, "luxos-target", {}, change) {
    auto made = make_control_server(*house, "127.0.0.1", 0);
    EXPECT_TRUE(made) << made.error().text;
    server = std::move(*made);
  }
  json get(const std::string& path) {
    httplib::Client client("127.0.0.1", server->port());
    const auto reply = client.Get(path.c_str());
    status = reply ? reply->status : 0;
    return reply ? json::parse(reply->body) : json();
  }
  /// Empty: taken. Otherwise the complaint.
  std::string fault(const json& object) {
    const auto reply = post_to_house("127.0.0.1", server->port(), "/fault", object.dump());
    return reply ? "" : reply.error().text;
  }
  std::unique_ptr<ControlServer> server;
  int status = 0;
};

TEST(HouseControl, TruthNamesEverythingWithItsUnit) {
  Controlled test;
  test.advance(seconds(10));
  const json truth = test.get("/truth");
  EXPECT_NEAR(truth["grid_w"], -2500, 1);
  EXPECT_NEAR(truth["surplus_w"], 4500, 1);
  EXPECT_NEAR(truth["elapsed_s"], 10, 0.01);
  ASSERT_EQ(truth["miners"].size(), 1U);
  EXPECT_EQ(truth["miners"][0]["name"], "m1");
  EXPECT_EQ(truth["miners"][0]["state"], "running");
  EXPECT_NEAR(truth["miners"][0]["power_w"], 2000, 1);
  EXPECT_NEAR(truth["score"]["mined_wh"], 2000.0 * 10 / 3600, 0.01);
}

TEST(HouseControl, ScoreOfAWindow) {
  Controlled test;
  test.advance(seconds(300));
  const json score = test.get("/score?from_s=120");
  EXPECT_NEAR(score["captured_wh"], 2000.0 * 180 / 3600, 0.1);
  for (const char* key : {"mined_wh", "usable_surplus_wh", "oracle_captured_wh", "imported_wh", "exported_wh",
                          "import_while_mining_wh", "oracle_import_wh", "commands", "starts"}) {
    EXPECT_TRUE(score.contains(key)) << key;
  }
  EXPECT_NE(test.get("/score?from_s=900")["error"].get<std::string>().find("not over yet"), std::string::npos);
  EXPECT_EQ(test.status, 400);
  test.get("/score?from_s=soon");
  EXPECT_EQ(test.status, 400);
}

TEST(HouseControl, TraceHasOneEntryASecond) {
  Controlled test;
  test.advance(seconds(30));
  const json trace = test.get("/trace?from_s=10");
  EXPECT_EQ(trace["grid_w"].size(), 20U);
  EXPECT_EQ(trace["miners"][0]["power_w"].size(), 20U);
}

TEST(HouseControl, FaultsBeginAndEnd) {
  Controlled test;
  EXPECT_EQ(test.fault({{"device", "modbus"}, {"kind", "dead"}}), "");
  EXPECT_TRUE(test.house->modbus_faults().silent);
  EXPECT_EQ(test.fault({{"miner", "m1"}, {"kind", "lying"}, {"gain", 0.25}}), "");
  EXPECT_EQ(test.fault({{"miner", "m1"}, {"kind", "slow"}, {"delay_ms", 250}}), "");
  EXPECT_DOUBLE_EQ(test.house->trouble(0).report_gain, 0.25) << "faults of a miner add up";
  EXPECT_EQ(test.house->trouble(0).faults.delay, std::chrono::milliseconds(250));
  EXPECT_EQ(test.fault({{"device", "grid"}, {"kind", "lost"}}), "");
  test.advance(seconds(1));
  EXPECT_TRUE(test.get("/truth")["grid_lost"]);
  EXPECT_TRUE(post_to_house("127.0.0.1", test.server->port(), "/clear", ""));
  test.advance(seconds(1));
  EXPECT_FALSE(test.get("/truth")["grid_lost"]);
  EXPECT_FALSE(test.house->modbus_faults().silent);
  EXPECT_DOUBLE_EQ(test.house->trouble(0).report_gain, 1.0);
}

TEST(HouseControl, AnotherCommanderAndAReboot) {
  Controlled test;
  EXPECT_EQ(test.fault({{"miner", "m1"}, {"kind", "other_commander"}, {"target_w", 1200}}), "");
  test.advance(seconds(30));
  EXPECT_NEAR(test.house->truth().miners[0].power.value(), 1200, 1);
  EXPECT_EQ(test.fault({{"miner", "m1"}, {"kind", "reboot"}}), "");
  EXPECT_FALSE(test.house->truth().miners[0].booted);
}

TEST(HouseControl, AWrongFaultSaysWhatWouldBeRight) {
  Controlled test;
  EXPECT_NE(test.fault({{"device", "toaster"}, {"kind", "dead"}}).find("device: meter, inverter, modbus or grid"),
            std::string::npos);
  EXPECT_NE(test.fault({{"device", "meter"}, {"kind", "sad"}}).find("kind: stale"), std::string::npos);
  EXPECT_NE(test.fault({{"device", "inverter"}, {"kind", "sign_flipped"}}).find("kind: frozen"), std::string::npos);
  EXPECT_NE(test.fault({{"miner", "m2"}, {"kind", "dead"}}).find("there are m1"), std::string::npos);
  EXPECT_NE(test.fault({{"miner", "m1"}, {"kind", "lying"}, {"gain", -1}}).find("gain: a number from 0"),
            std::string::npos);
  EXPECT_NE(test.fault(json::array()).find("a JSON object"), std::string::npos);
}

TEST(HouseControl, APortInUseIsSaid) {
  Controlled test;
  const auto again = make_control_server(*test.house, "127.0.0.1", test.server->port());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text.find("cannot be served"), std::string::npos);
}

TEST(HouseControl, ASpikeIsToldWhenItBegins) {
  Controlled test([](Scenario& scenario) {
    scenario.prices = {{0.0, 0.08}, {600.0, 0.25}};
    scenario.spikes = {{100.0, 60.0, 9.0}};
  });
  const auto values = [&] {
    std::vector<double> told;
    for (const json& slot : test.get("/prices")) told.push_back(slot.at("value"));
    return told;
  };
  test.advance(seconds(90));
  EXPECT_EQ(values(), (std::vector<double>{0.08, 0.25}));
  test.advance(seconds(20));
  EXPECT_EQ(values(), (std::vector<double>{0.08, 9.0, 0.08, 0.25}));
  const json spike = test.get("/prices")[1];
  EXPECT_EQ(spike["start"].get<std::string>().size(), 20U);
  EXPECT_EQ(test.get("/prices")[0]["end"], spike["start"]);
}

TEST(HouseControl, AHouseWithoutPricesTellsNone) {
  Controlled test;
  EXPECT_EQ(test.get("/prices"), json::array());
}

}  // namespace
}  // namespace sluice::house
