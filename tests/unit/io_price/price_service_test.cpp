// The thread that asks for prices, with the clock and the internet of the test: when it asks, what it keeps, what it
// says on bad days. No sockets, no waiting.

#include "io/price_service.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>

#include "feeds/cache.hpp"
#include "sim/sim_clock.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// 2026-01-10T12:00:00Z.
const WallTime kNoon = from_unix_ms(1'768'046'400'000);

class ScriptedWeb final : public ports::Web {
 public:
  using Answer = std::function<Result<ports::WebReply>(const ports::WebRequest&)>;
  Result<ports::WebReply> fetch(const ports::WebRequest& request) override {
    asked.push_back(request);
    return answer(request);
  }
  void cancel() override {}

  void says(std::string body, int status = 200, std::optional<Duration> retry_after = {}) {
    answer = [=](const ports::WebRequest&) { return ports::WebReply{status, body, retry_after}; };
  }
  void is_gone() {
    answer = [](const ports::WebRequest&) -> Result<ports::WebReply> {
      return fail(ErrorKind::unreachable, "host: connection refused");
    };
  }

  Answer answer;
  std::vector<ports::WebRequest> asked;
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) override {
    if (level >= LogLevel::warning) warnings.emplace_back(text);
    all += std::string(text) + "\n";
  }
  std::vector<std::string> warnings;
  std::string all;
};

std::string iso(WallTime time) { return *feeds::format_time(time, "iso_z", feeds::fixed_zone(0s)); }

/// Hours from midnight of the tenth.
std::string hours(int count, double price) {
  std::string rows;
  for (int i = 0; i < count; ++i) {
    rows += fmt::format(R"({}{{"start":"{}","end":"{}","value":{}}})", i == 0 ? "" : ",", iso(kNoon - 12h + i * 1h),
                        iso(kNoon - 11h + i * 1h), price);
  }
  return "[" + rows + "]";
}

class Prices : public testing::Test {
 protected:
  Prices() {
    std::string pattern = (fs::temp_directory_path() / "sluice-prices-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Prices() override { fs::remove_all(folder_); }

  static FeedPlan plan(const std::string& id = "json-list", std::map<std::string, std::string> options = {
                                                                {"url", "http://127.0.0.1/p"}, {"currency", "EUR"}}) {
    static const feeds::Library library = feeds::Library::load({SLUICE_SOURCE_DIR "/config/prices"});
    FeedPlan made;
    made.key = id;
    made.definition = *feeds::with_options(*library.find(id), options);
    made.definition.poll.jitter = 0s;
    made.zone = feeds::fixed_zone(0s);
    made.bought = true;
    return made;
  }

  PriceService& service(FeedPlan feed) {
    std::vector<FeedPlan> plans;
    plans.push_back(std::move(feed));
    return start(std::move(plans), {});
  }
  PriceService& start(std::vector<FeedPlan> plans, std::optional<HashPlan> hash) {
    service_ =
        std::make_unique<PriceService>(PriceService::Doors{web_, clock_, log_, (folder_ / "prices").string(), 1,
                                                           [this](const LiveReports& reports) { reports_ = reports; }},
                                       std::move(plans), std::move(hash));
    return *service_;
  }
  /// Lets time pass in steps that the service asks for.
  void pass(Duration time) {
    const MonoTime until = clock_.now() + time;
    while (true) {
      const MonoTime next = service_->step();
      if (next > until) break;
      clock_.advance(std::max(next - clock_.now(), Duration(1ms)));
    }
    clock_.advance(until - clock_.now());
  }
  std::optional<double> price_now() const {
    const EnergySlot* slot = reports_.bought ? slot_at(reports_.bought->series, clock_.wall_now()) : nullptr;
    return slot == nullptr ? std::nullopt : std::optional(slot->price.value());
  }

  fs::path folder_;
  sim::SimClock clock_{kNoon};
  ScriptedWeb web_;
  RecordingLog log_;
  LiveReports reports_;
  std::unique_ptr<PriceService> service_;
};

// ---- the bad days ---------------------------------------------------------------------------------------------------

TEST_F(Prices, AClockThatIsNotSetAsksNobody) {
  clock_.trust_wall(false);
  web_.says(hours(24, 0.2));
  service(plan());
  pass(5min);
  EXPECT_TRUE(web_.asked.empty());
  EXPECT_FALSE(reports_.bought->tried);
  clock_.trust_wall(true);
  pass(11s);
  EXPECT_EQ(web_.asked.size(), 1U);
  EXPECT_EQ(price_now(), 0.2);
}

TEST_F(Prices, WhoDoesNotAnswerIsAskedEverMoreRarelyAndComplainedOfOnce) {
  web_.is_gone();
  service(plan());
  pass(59min);
  EXPECT_LE(web_.asked.size(), 12U);
  EXPECT_GE(web_.asked.size(), 6U);
  EXPECT_EQ(log_.warnings, std::vector<std::string>{"json-list: host: connection refused"});
  EXPECT_EQ(reports_.bought->trouble, "host: connection refused");
  EXPECT_FALSE(reports_.bought->heard);
  web_.says(hours(24, 0.2));
  pass(1h);
  EXPECT_EQ(reports_.bought->trouble, "");
  EXPECT_NE(log_.all.find("answers again"), std::string::npos);
}

TEST_F(Prices, WhatWasKnownStaysWhileTheSourceIsGone) {
  web_.says(hours(48, 0.2));
  service(plan());
  pass(1min);
  const WallTime heard = *reports_.bought->heard;
  web_.is_gone();
  pass(5h);
  EXPECT_EQ(price_now(), 0.2);
  EXPECT_EQ(reports_.bought->heard, heard) << "and is as old as it is";
}

TEST_F(Prices, WhoAsksToBeLeftAloneIs) {
  web_.says("slow down", 429, 40min);
  service(plan());
  pass(39min);
  EXPECT_EQ(web_.asked.size(), 1U);
  pass(2min);
  EXPECT_EQ(web_.asked.size(), 2U);
  web_.says("slow down", 429);
  pass(1h);
  const std::size_t so_far = web_.asked.size();
  pass(14min);
  EXPECT_LE(web_.asked.size(), so_far + 1) << "a quarter of an hour where the server does not say";
}

TEST_F(Prices, AWrongTokenIsNotTriedAgainAndAgain) {
  web_.says("no", 401);
  service(plan());
  pass(59min);
  EXPECT_EQ(web_.asked.size(), 1U);
  EXPECT_NE(reports_.bought->trouble.find("does not take the token"), std::string::npos);
}

TEST_F(Prices, ASecretThatCannotBeReadIsSaidAndNobodyAsked) {
  FeedPlan feed = plan();
  feed.token = []() -> Result<std::string> { return fail(ErrorKind::not_found, "secret \"tibber\" is in none of: …"); };
  service(std::move(feed));
  pass(1min);
  EXPECT_TRUE(web_.asked.empty());
  EXPECT_NE(reports_.bought->trouble.find("secret \"tibber\""), std::string::npos);
}

TEST_F(Prices, SecretsAreNeitherLoggedNorKept) {
  FeedPlan feed = plan("entsoe", {{"area", "A"}, {"url", "http://127.0.0.1/api"}});
  feed.token = [] { return Result<std::string>("hunter2"); };
  web_.says("<html>Unauthorized</html>", 401);
  service(std::move(feed));
  pass(10min);
  ASSERT_FALSE(web_.asked.empty());
  EXPECT_NE(web_.asked[0].url.find("hunter2"), std::string::npos) << "it went where it belongs";
  EXPECT_EQ(log_.all.find("hunter2"), std::string::npos) << log_.all;
  EXPECT_EQ(reports_.bought->trouble.find("hunter2"), std::string::npos);
}

TEST_F(Prices, PricesOfAnotherUnitAreRefusedAndTheOldOnesStay) {
  web_.says(hours(24, 0.2));
  service(plan());
  pass(1min);
  web_.says(hours(24, 20.0));
  pass(1h);
  EXPECT_EQ(price_now(), 0.2);
  EXPECT_NE(reports_.bought->trouble.find("MWh, or cents?"), std::string::npos) << reports_.bought->trouble;
  web_.says(hours(24, 0.002));
  pass(1h);
  EXPECT_EQ(price_now(), 0.2);
  EXPECT_NE(reports_.bought->trouble.find("has the unit changed?"), std::string::npos) << reports_.bought->trouble;
}

TEST_F(Prices, AnAnswerThatTurnsWrongInItsMiddleLeavesNothing) {
  service(plan());
  web_.says(hours(24, 0.2).substr(0, 900));
  pass(1min);
  EXPECT_FALSE(price_now());
  EXPECT_TRUE(reports_.bought->series.empty());
}

TEST_F(Prices, ANextPageOnAnotherHostIsNotFollowed) {
  web_.says(
      R"({"next":"https://elsewhere.example/2","results":[{"value_inc_vat":20,"valid_from":"2026-01-10T00:00:00Z",)"
      R"("valid_to":"2026-01-11T00:00:00Z"}]})");
  service(plan("octopus", {{"product", "A"}, {"region", "C"}}));
  pass(1s);
  EXPECT_EQ(web_.asked.size(), 1U);
  EXPECT_NE(reports_.bought->trouble.find("another host"), std::string::npos);
}

TEST_F(Prices, PagesWithoutEndEnd) {
  web_.says(R"({"next":"https://api.octopus.energy/v1/2","results":[]})");
  service(plan("octopus", {{"product", "A"}, {"region", "C"}}));
  service_->step();
  EXPECT_EQ(web_.asked.size(), 10U);
}

// ---- the good days --------------------------------------------------------------------------------------------------

TEST_F(Prices, TomorrowIsLookedForFromItsHourOnUntilItIsThere) {
  FeedPlan feed = plan();
  feed.definition.poll.publish = 13h;
  web_.says(hours(24, 0.2));
  service(std::move(feed));
  pass(1h);
  EXPECT_LE(web_.asked.size(), 2U);
  web_.asked.clear();
  pass(30min);
  EXPECT_GE(web_.asked.size(), 5U) << "every five minutes";
  web_.says(hours(48, 0.2));
  pass(6min);
  web_.asked.clear();
  pass(2h);
  EXPECT_EQ(web_.asked.size(), 2U) << "hourly again";
}

TEST_F(Prices, EachDayIsAskedForAndTodayCountsWithoutTomorrow) {
  web_.answer = [](const ports::WebRequest& request) -> Result<ports::WebReply> {
    if (request.url.find("date=2026-01-11") != std::string::npos) return ports::WebReply{204, "", {}};
    return ports::WebReply{200,
                           R"({"multiAreaEntries":[{"deliveryStart":"2026-01-10T12:00:00Z",)"
                           R"("deliveryEnd":"2026-01-10T12:15:00Z","entryPerArea":{"SE3":42.1}}],)"
                           R"("areaStates":[{"state":"Final"}]})",
                           {}};
  };
  service(plan("nordpool", {{"area", "SE3"}}));
  service_->step();
  EXPECT_EQ(web_.asked.size(), 2U);
  EXPECT_EQ(price_now(), 0.0421);
  EXPECT_EQ(reports_.bought->trouble, "");
}

TEST_F(Prices, OneAnswerServesBuyingAndSelling) {
  FeedPlan feed = plan("amber", {{"site", "S"}});
  feed.sold = true;
  feed.token = [] { return Result<std::string>("t"); };
  web_.says(
      R"([{"type":"CurrentInterval","startTime":"2026-01-10T12:00:01Z","endTime":"2026-01-10T12:30:00Z","perKwh":31,)"
      R"("channelType":"general"},{"type":"CurrentInterval","startTime":"2026-01-10T12:00:01Z",)"
      R"("endTime":"2026-01-10T12:30:00Z","perKwh":-8,"channelType":"feedIn"}])");
  service(std::move(feed));
  service_->step();
  EXPECT_EQ(web_.asked.size(), 1U);
  EXPECT_EQ(price_now(), 0.31);
  EXPECT_DOUBLE_EQ(slot_at(reports_.sold->series, kNoon + 5min)->price.value(), 0.08);
}

class Events : public Prices {
 protected:
  Events() { restart(); }
  void restart() {
    FeedPlan announced = plan("json-events", {{"url", "http://127.0.0.1/e"}});
    announced.bought = false;
    announced.events = true;
    service(std::move(announced));
  }
  static std::string list(Duration from, Duration to) {
    return fmt::format(R"([{{"start":"{}","end":"{}"}}])", iso(kNoon + from), iso(kNoon + to));
  }
  bool announced(Duration when) const { return slot_at(reports_.events->series, kNoon + when) != nullptr; }
};

TEST_F(Events, OneThatIsTakenBackBeforeItBeginsIsGoneAlsoAfterARestart) {
  web_.says(list(4h, 8h));
  pass(16min);
  ASSERT_TRUE(announced(5h));
  web_.is_gone();
  pass(16min);
  EXPECT_TRUE(announced(5h)) << "no answer takes nothing back";
  web_.says(R"({"start":"2026-01-10T21:00:00Z","end":"2026-01-10T22:00:00Z"})");
  pass(16min);
  EXPECT_TRUE(announced(5h) && announced(570min)) << "one by itself says nothing of others";
  web_.says("[]");
  pass(16min);
  EXPECT_FALSE(announced(5h) || announced(570min));
  EXPECT_EQ(reports_.events->trouble, "");
  web_.is_gone();
  restart();
  EXPECT_FALSE(announced(5h)) << "an hour has not passed since it was written";
}

TEST_F(Events, OneThatRunsEndsWhenItWasToEndOrWhenItsSourceSaysSo) {
  web_.says(list(20min, 8h));
  pass(9min);
  web_.says("[]");
  pass(2h);
  EXPECT_FALSE(announced(1h)) << "it had not begun";
  web_.says(list(1h, 8h));
  pass(16min);
  web_.says("[]");
  pass(2h);
  EXPECT_TRUE(announced(5h));
  web_.says(list(1h, 5h));
  pass(16min);
  EXPECT_TRUE(announced(290min));
  EXPECT_FALSE(announced(5h));
}

// ---- kept on disk ---------------------------------------------------------------------------------------------------

TEST_F(Prices, ARestartWithoutTheInternetKnowsWhatWasKnown) {
  web_.says(hours(48, 0.2));
  service(plan());
  pass(1min);
  const WallTime heard = *reports_.bought->heard;
  clock_.advance(3h);
  web_.is_gone();
  service(plan());
  EXPECT_EQ(price_now(), 0.2) << "before anybody was asked";
  EXPECT_EQ(reports_.bought->heard, heard);
  EXPECT_FALSE(reports_.bought->tried);
}

TEST_F(Prices, ACacheOfOtherOptionsIsSomebodyElses) {
  web_.says(hours(48, 0.2));
  service(plan());
  pass(1min);
  FeedPlan other = plan();
  other.key = "json_list";  // the same file, another key
  fs::rename(folder_ / "prices/json-list.json", folder_ / "prices/json_list.json");
  service(std::move(other));
  EXPECT_FALSE(price_now());
}

TEST_F(Prices, ADamagedCacheIsSaidAndReplaced) {
  fs::create_directory(folder_ / "prices");
  std::ofstream(folder_ / "prices/json-list.json") << R"({"version":1,"key":"json-list","heard)";
  service(plan());
  EXPECT_FALSE(price_now());
  ASSERT_EQ(log_.warnings.size(), 1U);
  EXPECT_NE(log_.warnings[0].find("damaged"), std::string::npos);
  web_.says(hours(24, 0.2));
  pass(1s);
  std::ifstream file(folder_ / "prices/json-list.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(feeds::feed_from_cache(text));
}

TEST_F(Prices, ACacheFromTheFutureIsNotBelieved) {
  web_.says(hours(48, 0.2));
  service(plan());
  pass(1min);
  clock_.step_wall(-48h);
  service(plan());
  EXPECT_FALSE(reports_.bought->heard);
}

TEST_F(Prices, AFolderThatCannotBeWrittenIsSaidOnceAndPricesGoOn) {
  std::ofstream(folder_ / "prices") << "a file where the folder belongs";
  web_.says(hours(48, 0.2));
  service(plan());
  pass(5h);
  EXPECT_EQ(price_now(), 0.2);
  EXPECT_EQ(log_.warnings.size(), 1U);
}

TEST_F(Prices, FiveMinutePricesAreNotWrittenEveryFiveMinutes) {
  FeedPlan feed = plan();
  feed.definition.poll.every = 5min;
  web_.says(hours(48, 0.2));
  service(std::move(feed));
  int writes = 0;
  auto last = fs::file_time_type::min();
  ino_t inode = 0;
  for (int i = 0; i < 24 * 12; ++i) {
    pass(5min);
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / "prices/json-list.json").c_str(), &status), 0);
    const auto time = fs::last_write_time(folder_ / "prices/json-list.json");
    writes += status.st_ino != inode || time != last ? 1 : 0;
    inode = status.st_ino;
    last = time;
  }
  EXPECT_LE(writes, 26) << "once an hour, and when much more is known";
  EXPECT_GE(writes, 20);
}

// ---- over MQTT ------------------------------------------------------------------------------------------------------

class FakeSubscription final : public ports::Subscription {
 public:
  Result<ports::Inbox> wait(std::uint64_t, MonoTime) override { return inbox; }
  Result<void> publish(const std::string&, const std::string&) override { return {}; }
  void cancel() override {}
  void says(std::string payload, bool retained = false) {
    inbox.connected = true;
    ++inbox.count;
    inbox.newest["house/price"] = {std::move(payload), {}, retained};
  }
  ports::Inbox inbox;
};

TEST_F(Prices, AJumpToNineIsThereWithinASecond) {
  const auto messages = std::make_shared<FakeSubscription>();
  FeedPlan feed = plan("mqtt", {{"topic", "house/price"}, {"currency", "AUD"}});
  feed.messages = messages;
  messages->says("0.21");
  service(std::move(feed));
  pass(1s);
  EXPECT_EQ(price_now(), 0.21);
  messages->says("9.0");
  pass(1s);
  EXPECT_EQ(price_now(), 9.0);
}

TEST_F(Prices, ANumberStandsForTwoHoursAndARetainedOneNotAtAll) {
  const auto messages = std::make_shared<FakeSubscription>();
  FeedPlan feed = plan("mqtt", {{"topic", "house/price"}, {"currency", "EUR"}});
  feed.messages = messages;
  messages->says("0.21", true);
  service(std::move(feed));
  pass(5s);
  EXPECT_FALSE(price_now()) << "nobody knows how old it is";
  messages->says("0.21");
  pass(1s);
  EXPECT_EQ(price_now(), 0.21);
  clock_.advance(2h);
  EXPECT_FALSE(price_now());
}

TEST_F(Prices, ARetainedListCarriesItsOwnTimes) {
  const auto messages = std::make_shared<FakeSubscription>();
  FeedPlan feed = plan("mqtt", {{"topic", "house/price"}, {"currency", "EUR"}});
  feed.messages = messages;
  messages->says(R"({"current":0.5,"next":)" + hours(24, 0.21) + "}", true);
  service(std::move(feed));
  pass(1s);
  EXPECT_EQ(price_now(), 0.21);
}

TEST_F(Prices, ABrokerThatIsGoneIsSaid) {
  const auto messages = std::make_shared<FakeSubscription>();
  messages->inbox.trouble = "connection refused";
  FeedPlan feed = plan("mqtt", {{"topic", "house/price"}, {"currency", "EUR"}});
  feed.messages = messages;
  service(std::move(feed));
  pass(10s);
  EXPECT_EQ(reports_.bought->trouble, "MQTT broker: connection refused");
  EXPECT_EQ(log_.warnings.size(), 1U);
}

// ---- what mining is worth -------------------------------------------------------------------------------------------

/// Answers as a mempool service and as a node would.
class Bitcoin {
 public:
  Result<ports::WebReply> operator()(const ports::WebRequest& request) {
    if (request.url.ends_with("/mining/hashrate/3d") && mempool)
      return reply(fmt::format(R"({{"currentHashrate":1e21,"currentDifficulty":{}}})", difficulty));
    if (request.url.ends_with("/mining/reward-stats/144") && mempool)
      return reply(fmt::format(R"({{"startBlock":{},"endBlock":{},"totalReward":"{:.0f}","totalFee":"1"}})",
                               height - 143, height, 144 * 314'500'000.0));
    if (request.url.ends_with("/prices") && mempool) return reply(fmt::format(R"({{"USD":{},"EUR":-1}})", dollars));
    if (request.method == "POST" && node) return call(request.body);
    return fail(ErrorKind::unreachable, "host: connection refused");
  }

  bool mempool = true, node = true;
  double difficulty = 146e12, dollars = 90'000.0;
  int height = 900'000;
  WallTime newest = kNoon - 5min;
  int blocks_asked = 0;

 private:
  static ports::WebReply reply(std::string body) { return {200, std::move(body), {}}; }
  Result<ports::WebReply> call(const std::string& body) {
    if (body.find("getblockchaininfo") != std::string::npos)
      return reply(fmt::format(
          R"({{"result":{{"chain":"main","blocks":{},"difficulty":{},"initialblockdownload":false}},"error":null}})",
          height, difficulty));
    std::string replies;
    for (int one = height - 143; one <= height; ++one) {
      if (body.find(fmt::format("\"id\":{},", one)) == std::string::npos) continue;
      ++blocks_asked;
      replies += fmt::format(
          R"({}{{"result":{{"height":{},"subsidy":312500000,"totalfee":2000000,"time":{}}},"error":null,"id":{}}})",
          replies.empty() ? "" : ",", one, unix_ms(newest) / 1000, one);
    }
    return reply("[" + replies + "]");
  }
};

class HashPrice : public Prices {
 protected:
  HashPrice() {
    web_.answer = [this](const ports::WebRequest& request) { return bitcoin_(request); };
  }
  static HashSource mempool() { return {HashSourceKind::mempool, "http://127.0.0.1:1", "", {}, 0.0, {}}; }
  static HashSource node() {
    return {
        HashSourceKind::bitcoind, "http://127.0.0.1:8332", "", {}, 0.0, [] { return Result<std::string>("Basic x"); }};
  }
  void with(std::vector<HashSource> sources, const std::string& currency = "USD") {
    start({}, HashPlan{std::move(sources), currency, {}, "http://127.0.0.1:1"});
  }
  const HashPriceReport& report() const { return *reports_.hash_price; }

  Bitcoin bitcoin_;
};

TEST_F(HashPrice, TheWorkedExampleFromMempool) {
  with({mempool()});
  service_->step();
  ASSERT_TRUE(report().price) << report().trouble;
  EXPECT_NEAR(report().price->value(), 0.0390000, 5e-8);
  EXPECT_NEAR(*report().sat_per_ths_day, 43.33329, 5e-6);
  EXPECT_EQ(report().source, "mempool");
  EXPECT_EQ(report().heard, kNoon);
  EXPECT_EQ(web_.asked.size(), 3U);
}

TEST_F(HashPrice, TheSameFromANodeWhichIsAskedForNewBlocksOnly) {
  with({node()});
  service_->step();
  ASSERT_TRUE(report().price) << report().trouble;
  EXPECT_NEAR(report().price->value(), 0.0390000, 5e-8);
  EXPECT_EQ(web_.asked[0].headers.back(), (std::pair<std::string, std::string>("Authorization", "Basic x")));
  EXPECT_EQ(bitcoin_.blocks_asked, 144);
  bitcoin_.blocks_asked = 0;
  ++bitcoin_.height;
  pass(11min);
  EXPECT_LE(bitcoin_.blocks_asked, 5) << "the new one, and those that may yet be replaced";
  EXPECT_EQ(report().trouble, "");
}

TEST_F(HashPrice, ANodeThatHearsOfNoBlocksIsNotBelievedAndTheNextSourceCounts) {
  bitcoin_.newest = kNoon - 4h;
  with({node(), mempool()});
  service_->step();
  EXPECT_EQ(report().source, "mempool");
  EXPECT_NE(report().trouble.find("bitcoind: its newest block is 4 h old"), std::string::npos) << report().trouble;
}

TEST_F(HashPrice, WhenAllAreGoneTheLastGoodOneStaysWithItsAge) {
  with({node(), mempool()});
  service_->step();
  bitcoin_.mempool = bitcoin_.node = false;
  pass(5h);
  ASSERT_TRUE(report().price);
  EXPECT_EQ(report().heard, kNoon);
  EXPECT_NE(report().trouble.find("mempool: host: connection refused"), std::string::npos) << report().trouble;
  start({}, HashPlan{{mempool()}, "USD", {}, ""});
  EXPECT_NEAR(report().price->value(), 0.039, 1e-6) << "also over a restart";
  EXPECT_EQ(report().heard, kNoon);
}

TEST_F(HashPrice, AJumpIsNotBelievedUnlessTheDifficultyWasSetAnew) {
  bitcoin_.height = 900'000;  // 2016 · 446.4…
  with({mempool()});
  service_->step();
  bitcoin_.difficulty = 1.46e12;
  pass(1h);
  EXPECT_NEAR(report().price->value(), 0.039, 1e-6);
  EXPECT_NE(report().trouble.find("not believed for a day"), std::string::npos) << report().trouble;
  bitcoin_.difficulty = 100e12;
  bitcoin_.height = 2016 * 447 + 3;
  pass(11min);
  EXPECT_NEAR(report().price->value(), 0.039 * 1.46, 1e-5);
}

TEST_F(HashPrice, ACurrencyThatNobodyTellsIsSaidAndNothingConverted) {
  with({mempool()}, "EUR");
  service_->step();
  EXPECT_FALSE(report().price);
  EXPECT_NE(report().trouble.find("does not know the price of a bitcoin in EUR"), std::string::npos)
      << report().trouble;
  with({mempool()}, "SEK");
  service_->step();
  EXPECT_NE(report().trouble.find("tells no price of a bitcoin in SEK"), std::string::npos) << report().trouble;
  start({}, HashPlan{{mempool()}, "SEK", 950'000.0, ""});
  service_->step();
  EXPECT_NEAR(report().price->value(), 0.39 * 950.0 / 900.0, 1e-3) << "the owner's own number";
}

TEST_F(HashPrice, AnyJsonPageWithItsUnit) {
  web_.says(R"({"mining_economics":{"hash_price":"39.0"}})");
  HashSource source{HashSourceKind::json,
                    "http://127.0.0.1/h",
                    "/mining_economics/hash_price",
                    *feeds::parse_hash_unit("USD/PH/day"),
                    0.0,
                    {}};
  with({source});
  service_->step();
  EXPECT_NEAR(report().price->value(), 0.039, 1e-9);
  EXPECT_FALSE(report().bitcoin_price) << "nobody told it, so there are no satoshis";
  start({}, HashPlan{{source}, "USD", 90'000.0, ""});
  service_->step();
  EXPECT_EQ(report().bitcoin_price, 90'000.0) << "for the ledger to count satoshis with";
  with({source}, "CAD");
  service_->step();
  EXPECT_FALSE(report().price);
  EXPECT_NE(report().trouble.find("it tells USD, the site counts in CAD"), std::string::npos) << report().trouble;
}

TEST_F(HashPrice, AFixedOneDoesNotAgeAndNeedsNoClock) {
  clock_.trust_wall(false);
  with({{HashSourceKind::fixed, "", "", {}, 0.05, {}}});
  service_->step();
  EXPECT_EQ(report().price->value(), 0.05);
  EXPECT_FALSE(report().heard);
  EXPECT_TRUE(web_.asked.empty());
}

TEST_F(HashPrice, TheSourceIsAskedEveryTenMinutesAndHeededWhenItWantsMore) {
  with({mempool()});
  pass(59min);
  EXPECT_EQ(web_.asked.size(), 6U * 3U);
  web_.says("", 429, 30min);
  pass(11min);
  web_.asked.clear();
  pass(19min);
  EXPECT_TRUE(web_.asked.empty());
}

}  // namespace
}  // namespace sluice::io
