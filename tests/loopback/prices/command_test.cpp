// `sluice prices` as its user sees it, against a supplier's server on loopback.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "feeds/times.hpp"
#include "io/clock.hpp"

namespace sluice {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class PricesCommand : public testing::Test {
 protected:
  PricesCommand() {
    std::string pattern = (fs::temp_directory_path() / "sluice-prices-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    server_.Get("/.*", [this](const httplib::Request&, httplib::Response& response) {
      response.status = status_;
      response.set_content(body_, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~PricesCommand() override {
    server_.stop();
    thread_.join();
    fs::remove_all(folder_);
  }

  void says(std::string body, int status = 200) {
    body_ = std::move(body);
    status_ = status;
  }
  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  void configured(const std::string& lines) const {
    std::ofstream(folder_ / "sluice.yaml") << "version: 1\nsite: {currency: EUR}\ndevices: [{name: meter, template: "
                                              "sunspec-meter, role: grid, modbus: {host: 127.0.0.1}}]\n"
                                           << lines;
  }
  struct Run {
    int code = 0;
    std::string out;
  };
  Run run(const std::string& arguments) const {
    const std::string command = fmt::format("{}/cmd/sluice/sluice prices {} --config {} 2>&1", SLUICE_BINARY_DIR,
                                            arguments, (folder_ / "sluice.yaml").string());
    Run result;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return {-1, "not started"};
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) result.out += buffer.data();
    result.code = WEXITSTATUS(::pclose(pipe));
    return result;
  }

  fs::path folder_;
  httplib::Server server_;
  std::string body_ = "[]";
  int status_ = 200;
  int port_ = 0;
  std::thread thread_;
};

/// The 24 hours of today in UTC, the first at 0.10, each a cent dearer.
std::string today() {
  const io::SystemClock clock;
  const auto utc = feeds::fixed_zone(0s);
  const WallTime midnight = feeds::start_of_day(feeds::local_day(clock.wall_now(), utc), utc);
  json rows = json::array();
  for (int i = 0; i < 24; ++i) {
    rows.push_back({{"start", *feeds::format_time(midnight + i * 1h, "iso_z", utc)},
                    {"end", *feeds::format_time(midnight + (i + 1) * 1h, "iso_z", utc)},
                    {"value", 0.10 + 0.01 * i}});
  }
  return rows.dump();
}

TEST_F(PricesCommand, ShowsWhatAFeedSaysOfEachDay) {
  configured(fmt::format(
      "prices: {{import: {{feed: json-list, options: {{url: \"{}\", currency: EUR}}}}, fallback_per_kwh: 0.3}}\n",
      url("/p")));
  says(today());
  const Run text = run("json-list");
  EXPECT_EQ(text.code, 0) << text.out;
  EXPECT_NE(text.out.find("import: 24 prices in EUR/kWh"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("24 of  24   least   0.1000 at 00:00   mean   0.2150   most   0.3300 at 23:00"),
            std::string::npos)
      << text.out;
  const json parsed = json::parse(run("json-list --json").out);
  EXPECT_EQ(parsed["ok"], true);
  EXPECT_EQ(parsed["import"].size(), 24U);
  EXPECT_EQ(parsed["import"][1]["per_kwh"], 0.11);
}

TEST_F(PricesCommand, ShowsTheColoursOfDays) {
  configured(fmt::format("tariff: {{plan: fr-tempo, colours: {{feed: fr-tempo-days, options: {{url: \"{}\"}}}}}}\n",
                         url("/jour")));
  const auto paris = feeds::fixed_zone(1h);
  const io::SystemClock clock;
  const std::string day = *feeds::format_time(clock.wall_now(), "%Y-%m-%d", paris);
  // Both questions get the same day: tomorrow is not told.
  says(R"({"dateJour":")" + day + R"(","codeJour":3,"periode":"2026-2027"})");
  const Run text = run("fr-tempo-days");
  EXPECT_EQ(text.code, 0) << text.out;
  EXPECT_NE(text.out.find("colours of days in Europe/Paris:\n  " + day + "  red\n"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("  not told yet\n"), std::string::npos) << text.out;
  const json parsed = json::parse(run("fr-tempo-days --json").out);
  ASSERT_EQ(parsed["colours"].size(), 1U);
  EXPECT_EQ(parsed["colours"][0]["colour"], "red");
  EXPECT_EQ(parsed["colours"][0]["end_unix_ms"].get<std::int64_t>() -
                parsed["colours"][0]["begin_unix_ms"].get<std::int64_t>(),
            86'400'000);
  EXPECT_FALSE(parsed.contains("import")) << "it tells no prices";
}

TEST_F(PricesCommand, ShowsTheEventsThatAreAnnounced) {
  configured("");
  const std::string feed = "json-events --option url=" + url("/e");
  EXPECT_EQ(run(feed).out,
            "json-events: Any page that answers a JSON list of critical-peak events\n"
            "no event is announced\n");
  says(R"([{"start":"2026-12-10T16:00:00Z","end":"2026-12-10T20:00:00Z"}])");
  EXPECT_NE(run(feed).out.find("event from 2026-12-10 16:00 to 2026-12-10 20:00 in UTC"), std::string::npos);
  const json parsed = json::parse(run(feed + " --json").out);
  ASSERT_EQ(parsed["events"].size(), 1U);
  EXPECT_EQ(parsed["events"][0]["begin_unix_ms"], 1'796'918'400'000);
  EXPECT_EQ(parsed["not_yet_published"], false);
}

TEST_F(PricesCommand, SaysWhyNot) {
  const std::string options = fmt::format("json-list --option url={} --option currency=EUR", url("/p"));
  configured("");
  says("<html>403</html>", 403);
  const Run refused = run(options);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.out.find("a firewall of the source"), std::string::npos) << refused.out;
  says(R"([{"start":"2026-01-10T00:00:00Z","end":"2026-01-11T00:00:00Z","value":81.2}])");
  EXPECT_NE(run(options).out.find("MWh, or cents?"), std::string::npos);
  EXPECT_EQ(run("json-list").code, 2) << "an option is missing";
  EXPECT_EQ(run("nobody").code, 2);
}

TEST_F(PricesCommand, ListsFeedsAlsoWithoutAConfiguration) {
  const Run list = run("");
  EXPECT_EQ(list.code, 0) << list.out;
  EXPECT_NE(list.out.find("octopus"), std::string::npos);
  EXPECT_NE(list.out.find("product (must be given)"), std::string::npos);
}

TEST_F(PricesCommand, TellsWhatMiningBrings) {
  configured(fmt::format(
      "hashprice: {{sources: [{{kind: json, url: \"{}\", pointer: /hash_price, unit: EUR/PH/day}}]}}\n", url("/h")));
  says(R"({"hash_price":39.0})");
  const Run text = run("hashprice");
  EXPECT_EQ(text.code, 0) << text.out;
  EXPECT_NE(text.out.find("json: 0.0390000 EUR for 1 TH/s and day before pool fees"), std::string::npos) << text.out;
  says(R"({"hash_price":0})");
  EXPECT_EQ(run("hashprice").code, 1);
}

}  // namespace
}  // namespace sluice
