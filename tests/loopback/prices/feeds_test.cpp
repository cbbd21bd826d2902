// Prices over real sockets of loopback: a supplier's server over HTTP, a broker over MQTT, with the service's own
// thread.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "io/clock.hpp"
#include "io/price_service.hpp"
#include "io/web_client.hpp"
#include "mosquitto.hpp"
#include "mqtt/broker.hpp"

namespace sluice::io {
namespace {

FeedPlan plan(const std::string& id, const std::map<std::string, std::string>& options) {
  static const feeds::Library library = feeds::Library::load({SLUICE_SOURCE_DIR "/config/prices"});
  FeedPlan made;
  made.key = id;
  made.definition = *feeds::with_options(*library.find(id), options);
  made.zone = feeds::fixed_zone(0s);
  made.bought = true;
  return made;
}

/// The service on its thread, and what it published last.
class Published {
 public:
  Published(ports::Web& web, const ports::Clock& clock, FeedPlan feed)
      : service_({web, clock, log_, "", 1,
                  [this](const LiveReports& reports) {
                    const std::lock_guard lock(mutex_);
                    reports_ = reports;
                    changed_.notify_all();
                  }},
                 one(std::move(feed)), {}),
        thread_([this] { service_.run(); }) {}
  ~Published() {
    service_.stop();
    thread_.join();
  }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  /// Waits until the report is as wanted.
  bool shows(const std::function<bool(const FeedReport&)>& wanted, Duration patience = kGenerous) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return reports_.bought && wanted(*reports_.bought); });
  }
  bool published(const std::function<bool(const LiveReports&)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kGenerous, [&] { return wanted(reports_); });
  }
  std::string trouble() {
    const std::lock_guard lock(mutex_);
    return reports_.bought ? reports_.bought->trouble : "nothing published";
  }

 private:
  static std::vector<FeedPlan> one(FeedPlan feed) {
    std::vector<FeedPlan> plans;
    plans.push_back(std::move(feed));
    return plans;
  }
  NullLog log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  LiveReports reports_;
  PriceService service_;
  std::thread thread_;
};

auto costs(const ports::Clock& clock, double price) {
  return [&clock, price](const FeedReport& report) {
    const EnergySlot* slot = slot_at(report.series, clock.wall_now());
    return slot != nullptr && slot->price.value() == price;
  };
}

TEST(FeedsOverHttp, TibberAsItAnswersWithItsTokenAndItsEmptyTomorrow) {
  const SystemClock clock;
  const WallTime hour = clock.wall_now() - clock.wall_now().time_since_epoch() % 1h;
  const auto iso = [](WallTime time) {
    return *feeds::format_time(time, "%Y-%m-%dT%H:%M:%S.000+00:00", feeds::fixed_zone(0s));
  };
  httplib::Server server;
  server.Post("/v1-beta/gql", [&](const httplib::Request& request, httplib::Response& response) {
    if (request.get_header_value("Authorization") != "Bearer t0ken") {
      return response.set_content(R"({"errors":[{"message":"invalid token"}],"data":null})", "application/json");
    }
    response.set_content(fmt::format(R"({{"data":{{"viewer":{{"homes":[{{"currentSubscription":{{"priceInfo":{{"today":[
        {{"total":0.95,"startsAt":"{}","currency":"SEK"}},{{"total":1.05,"startsAt":"{}","currency":"SEK"}}],
        "tomorrow":[]}}}}}}]}}}}}})",
                                     iso(hour), iso(hour + 1h)),
                         "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  const std::map<std::string, std::string> options{{"currency", "SEK"},
                                                   {"url", fmt::format("http://127.0.0.1:{}/v1-beta/gql", port)}};
  {
    WebClient web("Sluice");
    FeedPlan feed = plan("tibber", options);
    feed.token = [] { return Result<std::string>("t0ken"); };
    Published prices(web, clock, std::move(feed));
    EXPECT_TRUE(prices.shows(costs(clock, 0.95))) << prices.trouble();
  }
  WebClient web("Sluice");
  FeedPlan feed = plan("tibber", options);
  feed.token = [] { return Result<std::string>("other"); };
  const auto look = PriceService::look(web, feed, clock);
  ASSERT_TRUE(look.error);
  EXPECT_NE(look.error->text.find("the source says: invalid token"), std::string::npos) << look.error->text;
  server.stop();
  thread.join();
}

TEST(FeedsOverHttp, TheColourOfADayWhileTomorrowIsNotKnown) {
  const SystemClock clock;
  const auto utc = feeds::fixed_zone(0s);
  const std::string today = *feeds::format_time(clock.wall_now(), "%Y-%m-%d", utc);
  httplib::Server server;
  server.Get(R"(/api/jourTempo/(\d{4}-\d\d-\d\d))", [&](const httplib::Request& request, httplib::Response& response) {
    const std::string day = request.matches[1];
    response.set_content(fmt::format(R"({{"dateJour":"{}","codeJour":{}}})", day, day == today ? 2 : 0),
                         "application/json");
  });
  server.Get("/events", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("[]", "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  {
    WebClient web("Sluice");
    FeedPlan days = plan("fr-tempo-days", {{"url", fmt::format("http://127.0.0.1:{}/api/jourTempo", port)}});
    days.bought = false;
    days.colours = true;
    Published told(web, clock, std::move(days));
    EXPECT_TRUE(told.published([&](const LiveReports& reports) {
      if (!reports.colours || reports.colours->series.size() != 1) return false;
      const EnergySlot& day = reports.colours->series[0];
      return *feeds::format_time(day.begin, "%Y-%m-%d", utc) == today &&
             reports.colours->colours.at(static_cast<std::size_t>(day.price.value())) == "white" &&
             reports.colours->trouble.empty();
    }));
    FeedPlan events = plan("json-events", {{"url", fmt::format("http://127.0.0.1:{}/events", port)}});
    events.bought = false;
    events.events = true;
    Published announced(web, clock, std::move(events));
    EXPECT_TRUE(announced.published([](const LiveReports& reports) {
      return reports.events && reports.events->tried && reports.events->series.empty() &&
             reports.events->trouble.empty();
    })) << "no event is an answer, not a trouble";
  }
  server.stop();
  thread.join();
}

TEST(FeedsOverHttp, StopEndsARunningRequest) {
  const SystemClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false, over = false;
  httplib::Server server;
  server.Get("/p", [&](const httplib::Request&, httplib::Response&) {
    std::unique_lock lock(mutex);
    asked = true;
    changed.notify_all();
    changed.wait_for(lock, kGenerous, [&] { return over; });
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  {
    WebClient web("Sluice");
    const auto before = std::chrono::steady_clock::now();
    {
      Published prices(web, clock,
                       plan("json-list", {{"url", fmt::format("http://127.0.0.1:{}/p", port)}, {"currency", "EUR"}}));
      std::unique_lock lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, kGenerous, [&] { return asked; }));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - before, 8s);
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  server.stop();
  thread.join();
}

TEST(FeedsOverMqtt, APriceIsThereAsSoonAsItIsSaid) {
  const SystemClock clock;
  Mosquitto broker(free_port());
  Publisher publisher(broker.port());  // returns once the broker is there
  mqtt::MosquittoBrokers brokers(clock);
  const auto connection = *brokers.at({"127.0.0.1", broker.port()});
  FeedPlan feed = plan("mqtt", {{"topic", "house/price"}, {"currency", "AUD"}});
  feed.messages = connection->subscribe({"house/price"});
  WebClient web("Sluice");
  Published prices(web, clock, std::move(feed));
  // What is published before the subscription stands is lost, as it is in life: said again until it is heard.
  const auto until = clock.now() + kGenerous;
  bool heard = false;
  while (!heard && clock.now() < until) {
    publisher.say("house/price", R"({"current":0.21})");
    heard = prices.shows([](const FeedReport& report) { return report.heard.has_value(); }, 500ms);
  }
  EXPECT_TRUE(prices.shows(costs(clock, 0.21))) << prices.trouble();
  publisher.say("house/price", "9.0");
  EXPECT_TRUE(prices.shows(costs(clock, 9.0))) << prices.trouble();
  publisher.say("house/price", "NaN");
  EXPECT_TRUE(prices.shows([](const FeedReport& report) { return !report.trouble.empty(); }));
  EXPECT_TRUE(prices.shows(costs(clock, 9.0))) << "what was known stays";
}

}  // namespace
}  // namespace sluice::io
