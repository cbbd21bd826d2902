// Devices over MQTT, against a real mosquitto on a free port of loopback.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "devices/library.hpp"
#include "io/clock.hpp"
#include "io/message_device.hpp"
#include "mosquitto.hpp"
#include "mqtt/broker.hpp"

namespace sluice::io {
namespace {

/// Real time that a test may push forward.
class PushedClock final : public ports::Clock {
 public:
  MonoTime now() const override { return real_.now() + pushed_.load(); }
  WallTime wall_now() const override { return real_.wall_now(); }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  MonoTime deadline) const override {
    real_.wait_until(lock, condition, deadline - pushed_.load());
  }
  void push(Duration by) { pushed_ = pushed_.load() + by; }

 private:
  SystemClock real_;
  std::atomic<Duration> pushed_{Duration{}};
};

class MqttDevice : public testing::Test {
 protected:
  std::unique_ptr<ports::Device> device(const std::string& id, const std::map<std::string, std::string>& options,
                                        const ports::BrokerAddress& address) {
    const devices::Template& found = *library_.find(id);
    auto format = *devices::with_options(*found.messages, options);
    auto broker = brokers_.at(address);
    EXPECT_TRUE(broker) << broker.error().text;
    auto subscription = (*broker)->subscribe(topics_of(format));
    return make_mqtt_device("it", "key", std::move(subscription), address.host, std::move(format), {}, clock_);
  }
  /// Polls until the outcome is as wanted; the last one.
  template <class Wanted>
  Result<ports::DevicePoll> until(ports::Device& device, const Wanted& wanted) {
    const SystemClock real;
    const MonoTime deadline = real.now() + kGenerous;
    auto poll = device.poll();
    while (!wanted(poll) && real.now() < deadline) poll = device.poll();
    EXPECT_TRUE(wanted(poll)) << (poll ? "answers" : poll.error().text);
    return poll;
  }
  static std::optional<double> value(const Result<ports::DevicePoll>& poll, Measurement what) {
    if (!poll) return std::nullopt;
    for (const ports::Measured& each : poll->values)
      if (each.what == what) return each.value;
    return std::nullopt;
  }
  static auto shows(Measurement what, double wanted) {
    return [=](const Result<ports::DevicePoll>& poll) { return value(poll, what) == wanted; };
  }
  static auto fails_with(const std::string& words) {
    return [=](const Result<ports::DevicePoll>& poll) {
      return !poll && poll.error().text.find(words) != std::string::npos;
    };
  }

  const devices::Library library_ = *devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"});
  PushedClock clock_;
  mqtt::MosquittoBrokers brokers_{clock_};
};

const std::map<std::string, std::string> kPlug{{"topic", "plug"}};
constexpr const char* kSensor = "tele/plug/SENSOR";

TEST_F(MqttDevice, AMessageIsAReadingFromItsArrivalOn) {
  Mosquitto broker(free_port());
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port()});
  Publisher publisher(broker.port());
  until(*plug, fails_with("nothing has come yet"));
  const MonoTime before = clock_.now();
  publisher.say(kSensor, R"({"ENERGY":{"Power":812}})");
  const auto poll = until(*plug, shows(Measurement::grid_w, 812.0));
  EXPECT_GE(poll->at, before);
  // Polled again it is the same reading, not a fresh one; then it is none.
  const auto again = plug->poll();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at, poll->at);
  clock_.push(31s);
  const auto old = plug->poll();
  ASSERT_FALSE(old);
  EXPECT_NE(old.error().text.find("silent for 3"), std::string::npos) << old.error().text;
  publisher.say(kSensor, R"({"ENERGY":{"Power":-5}})");
  until(*plug, shows(Measurement::grid_w, -5.0));
}

TEST_F(MqttDevice, WhatTheBrokerHadKeptIsNoReading) {
  Mosquitto broker(free_port());
  Publisher publisher(broker.port());
  publisher.say(kSensor, R"({"ENERGY":{"Power":812}})", true);
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port()});
  until(*plug, fails_with("of unknown age"));
  publisher.say(kSensor, R"({"ENERGY":{"Power":300}})", true);
  until(*plug, shows(Measurement::grid_w, 300.0));
}

TEST_F(MqttDevice, WhoShowsThatItLivesStandsByWhatItSaidBefore) {
  Mosquitto broker(free_port());
  Publisher publisher(broker.port());
  publisher.say("evcc/loadpoints/1/connected", "true", true);
  publisher.say("evcc/loadpoints/1/mode", "pv", true);
  publisher.say("evcc/loadpoints/1/chargePower", "0", true);
  publisher.say("evcc/updated", "1764190000", true);
  const auto evcc = device("evcc-mqtt", {}, {"127.0.0.1", broker.port()});
  until(*evcc, fails_with("of unknown age"));
  // As evcc does, again and again: one may have come before the subscription and is then no news.
  const auto lives = [&](const Result<ports::DevicePoll>& seen) {
    publisher.say("evcc/updated", "1764190010", true);
    return shows(Measurement::load_wants, 1.0)(seen);
  };
  const auto poll = until(*evcc, lives);
  EXPECT_EQ(value(poll, Measurement::load_w), 0.0);
  // It dies: everything it said grows old together.
  until(*evcc, [&](const Result<ports::DevicePoll>& seen) {
    clock_.push(91s);  // each time: the last of its messages may still be on their way
    return fails_with("silent for")(seen);
  });
  until(*evcc, lives);
  publisher.say("evcc/loadpoints/1/connected", "false", true);
  until(*evcc, shows(Measurement::load_wants, 0.0));
}

TEST_F(MqttDevice, ABrokerThatDiesIsFoundAgainAndWhatItSaidBeforeIsForgotten) {
  Mosquitto broker(free_port());
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port()});
  {
    Publisher publisher(broker.port());
    until(*plug, fails_with("nothing has come yet"));
    publisher.say(kSensor, R"({"ENERGY":{"Power":812}})");
    until(*plug, shows(Measurement::grid_w, 812.0));
  }
  broker.stop();
  until(*plug, fails_with("MQTT broker 127.0.0.1"));
  broker.start();
  Publisher publisher(broker.port());
  until(*plug, fails_with("nothing has come yet"));
  publisher.say(kSensor, R"({"ENERGY":{"Power":100}})");
  until(*plug, shows(Measurement::grid_w, 100.0));
}

TEST_F(MqttDevice, AWrongPasswordIsSaidInWords) {
  const fs::path file = fs::temp_directory_path() / ("sluice-mqtt-acl-" + std::to_string(::getpid()));
  std::ofstream(file) << "nobody:$7$101$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  Mosquitto broker(free_port(), "allow_anonymous false\npassword_file " + file.string() + "\n");
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port(), "sluice", "wrong"});
  until(*plug, fails_with("not authorised"));
  fs::remove(file);
}

TEST_F(MqttDevice, NobodyThereIsSaidInWordsAndCancelEndsTheWait) {
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", free_port()});
  until(*plug, fails_with("refused"));
}

TEST_F(MqttDevice, CancelEndsAWait) {
  Mosquitto broker(free_port());
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port()});
  until(*plug, fails_with("nothing has come yet"));
  std::atomic<bool> done{false};
  std::thread poller([&] {
    const auto cancelled = [](const auto& poll) { return !poll && poll.error().kind == ErrorKind::cancelled; };
    until(*plug, cancelled);
    done = true;
  });
  // A cancel that meets the gap between two polls is lost, so it is repeated.
  while (!done) plug->cancel();
  poller.join();
}

TEST_F(MqttDevice, GarbageIsAbsentAndAHugeMessageIsNotKept) {
  Mosquitto broker(free_port());
  const auto plug = device("tasmota-mqtt", kPlug, {"127.0.0.1", broker.port()});
  Publisher publisher(broker.port());
  until(*plug, fails_with("nothing has come yet"));
  publisher.say(kSensor, std::string("\x00\xff{", 3));
  until(*plug, fails_with("not JSON"));
  publisher.say(kSensor, std::string(1'000'000, '['));
  publisher.say(kSensor, "");
  until(*plug, fails_with("not JSON: "));
  publisher.say(kSensor, R"({"ENERGY":{"Power":7}})");
  until(*plug, shows(Measurement::grid_w, 7.0));
}

TEST_F(MqttDevice, ASecondReaderOfATopicMakesNobodysReadingOld) {
  Mosquitto broker(free_port());
  const ports::BrokerAddress address{"127.0.0.1", broker.port()};
  const auto plug = device("tasmota-mqtt", kPlug, address);
  Publisher publisher(broker.port());
  until(*plug, fails_with("nothing has come yet"));
  // Nothing is said any more once it is heard: the second reader would hear it as news.
  until(*plug, [&](const Result<ports::DevicePoll>& poll) {
    if (shows(Measurement::grid_w, 300.0)(poll)) return true;
    publisher.say(kSensor, R"({"ENERGY":{"Power":300}})", true);
    return false;
  });
  // The broker sends what it keeps once more, on the connection that both share.
  const auto second = device("tasmota-mqtt", kPlug, address);
  until(*second, fails_with("of unknown age"));
  EXPECT_EQ(value(plug->poll(), Measurement::grid_w), 300.0);
}

TEST_F(MqttDevice, OneConnectionServesAllWhoAskForTheSameBroker) {
  const ports::BrokerAddress address{"127.0.0.1", free_port()};
  const auto first = brokers_.at(address);
  const auto second = brokers_.at(address);
  auto other_address = address;
  other_address.username = "somebody";
  const auto other = brokers_.at(other_address);
  EXPECT_EQ(*first, *second);
  EXPECT_NE(*first, *other);
}

TEST_F(MqttDevice, EvccIsToldToHoldTheBattery) {
  Mosquitto broker(free_port());
  const auto evcc = device("evcc-mqtt", {}, {"127.0.0.1", broker.port()});
  const auto keep = [](const std::string&) { return Result<void>{}; };
  until(*evcc, fails_with("nothing has come yet"));
  auto listener = (*brokers_.at({"127.0.0.1", broker.port()}))->subscribe({"evcc/site/batteryMode/set"});
  // A subscription is not there at once, and the command is not kept for whoever comes later.
  const MonoTime deadline = clock_.now() + kGenerous;
  auto heard = listener->wait(0, clock_.now());
  while (heard->count == 0 && clock_.now() < deadline) {
    ASSERT_TRUE(evcc->hold_battery(keep));
    heard = listener->wait(0, clock_.now() + 100ms);
  }
  EXPECT_EQ(heard->newest["evcc/site/batteryMode/set"].payload, "hold");
  EXPECT_FALSE(heard->newest["evcc/site/batteryMode/set"].retained);
  ASSERT_TRUE(evcc->release_battery(""));
  heard = listener->wait(heard->count, deadline);
  while (heard->newest["evcc/site/batteryMode/set"].payload == "hold" && clock_.now() < deadline)
    heard = listener->wait(heard->count, deadline);
  EXPECT_EQ(heard->newest["evcc/site/batteryMode/set"].payload, "normal");
  broker.stop();
  until(*evcc, fails_with("MQTT broker"));
  EXPECT_FALSE(evcc->hold_battery(keep)) << "nobody is there to be told";
}

TEST_F(MqttDevice, ACertificateFileThatIsNotThereIsAnError) {
  ports::BrokerAddress address{"127.0.0.1", 8883};
  address.tls = true;
  address.ca_file = "/nowhere/ca.pem";
  const auto broker = brokers_.at(address);
  ASSERT_FALSE(broker);
  EXPECT_EQ(broker.error().kind, ErrorKind::invalid);
  EXPECT_NE(broker.error().text.find("/nowhere/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace sluice::io
