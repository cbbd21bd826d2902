// Devices over HTTP, against a server that answers as evcc does, also on its bad days.

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "devices/library.hpp"
#include "io/clock.hpp"
#include "io/message_device.hpp"
#include "io/net.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

const devices::Library& library() {
  static const devices::Library loaded = *devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"});
  return loaded;
}

/// Real time that a test may push forward, past a pause that nobody wants to sit out.
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

class HttpDevice : public testing::Test {
 protected:
  using Answer = std::function<void(const httplib::Request&, httplib::Response&)>;

  void SetUp() override {
    server_.Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
      ++asked_;
      answer_(request, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  void TearDown() override {
    server_.stop();
    thread_.join();
  }

  void says(const std::string& body, int status = 200) {
    answer_ = [body, status](const httplib::Request&, httplib::Response& response) {
      response.status = status;
      response.set_content(body, "application/json");
    };
  }
  std::unique_ptr<ports::Device> device(const std::string& id = "evcc", HttpEndpoint endpoint = {}) {
    const devices::Template& found = *library().find(id);
    endpoint.host = "127.0.0.1";
    endpoint.port = static_cast<std::uint16_t>(port_);
    return make_http_device("wallbox", "http://127.0.0.1", network_.make(), endpoint, found,
                            *devices::with_options(*found.messages, {}), {.timeout = 1s}, clock_);
  }
  static std::optional<double> value(const ports::DevicePoll& poll, Measurement what) {
    for (const ports::Measured& each : poll.values)
      if (each.what == what) return each.value;
    return std::nullopt;
  }

  PushedClock clock_;
  LanNetworkFactory network_{clock_};
  httplib::Server server_;
  Answer answer_;
  std::atomic<int> asked_{0};
  int port_ = 0;
  std::thread thread_;
};

constexpr const char* kWaiting =
    R"({"loadpoints":[{"mode":"pv","connected":true,"charging":false,"enabled":false,"chargePower":0}]})";

TEST_F(HttpDevice, ReadsALoadpointThatWaits) {
  says(kWaiting);
  const MonoTime before = clock_.now();
  const auto poll = device()->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_EQ(value(*poll, Measurement::load_wants), 1.0);
  EXPECT_EQ(value(*poll, Measurement::load_w), 0.0);
  EXPECT_GE(poll->at, before);
  EXPECT_LE(poll->at, clock_.now());
}

TEST_F(HttpDevice, MissingKeysNullsAndTextsAreNotZero) {
  says(R"({"loadpoints":[{"mode":null,"connected":"true","chargePower":"1410.5"}]})");
  const auto poll = device()->poll();
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_FALSE(value(*poll, Measurement::load_wants));
  EXPECT_EQ(value(*poll, Measurement::load_w), 1410.5);
  says(R"({"loadpoints":[]})");
  const auto none = device()->poll();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::protocol);
  EXPECT_NE(none.error().text.find("no /loadpoints/0/chargePower in the answer"), std::string::npos)
      << none.error().text;
}

TEST_F(HttpDevice, AnotherProgramAtTheAddressIsAnErrorThatShowsWhatItSaid) {
  says("<html><body>It works!</body></html>");
  const auto poll = device()->poll();
  ASSERT_FALSE(poll);
  EXPECT_NE(poll.error().text.find("not JSON: <html>"), std::string::npos) << poll.error().text;
}

TEST_F(HttpDevice, WhoAsksToBeLeftAloneIsLeftAlone) {
  says("slow down", 429);
  const auto one = device();
  const auto first = one->poll();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind, ErrorKind::refused);
  says(kWaiting);
  clock_.push(29s);
  EXPECT_FALSE(one->poll());
  EXPECT_EQ(asked_, 1);
  clock_.push(2s);
  EXPECT_TRUE(one->poll());
  EXPECT_EQ(asked_, 2);
}

TEST_F(HttpDevice, StatusesSayWhatWouldBeRight) {
  const std::pair<int, ErrorKind> cases[] = {{401, ErrorKind::unauthorized}, {403, ErrorKind::unauthorized},
                                             {404, ErrorKind::not_found},    {302, ErrorKind::protocol},
                                             {500, ErrorKind::protocol},     {503, ErrorKind::refused}};
  for (const auto& [status, kind] : cases) {
    says("{}", status);
    const auto poll = device()->poll();
    ASSERT_FALSE(poll) << status;
    EXPECT_EQ(poll.error().kind, kind) << status;
    EXPECT_NE(poll.error().text.find(std::to_string(status)), std::string::npos) << poll.error().text;
  }
}

TEST_F(HttpDevice, ADrippingServerEndsAtTheDeadline) {
  answer_ = [](const httplib::Request&, httplib::Response& response) {
    auto left = std::make_shared<int>(40);
    response.set_chunked_content_provider("application/json", [left](std::size_t, httplib::DataSink& sink) {
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, 100ms);
      return --*left > 0 && sink.write(" ", 1);
    });
  };
  const MonoTime before = clock_.now();
  const auto poll = device()->poll();
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::timeout) << poll.error().text;
  EXPECT_LT(clock_.now() - before, 2500ms);
}

TEST_F(HttpDevice, AHugeAnswerIsCutOff) {
  says("[" + std::string(3'000'000, ' ') + "]");
  const auto poll = device()->poll();
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::protocol);
}

TEST_F(HttpDevice, ADeadServerIsAskedLessAndLessOften) {
  says(kWaiting, 500);
  const auto one = device();
  int polls = 0;
  for (; polls < 120; ++polls, clock_.push(1s)) EXPECT_FALSE(one->poll());
  EXPECT_LT(asked_, 12);
  EXPECT_GT(asked_, 4);
  says(kWaiting);
  clock_.push(31s);
  EXPECT_TRUE(one->poll());
}

TEST_F(HttpDevice, CancelEndsARunningPoll) {
  std::atomic<bool> inside{false};
  std::atomic<bool> over{false};
  answer_ = [&](const httplib::Request&, httplib::Response& response) {
    inside = true;
    inside.notify_all();
    over.wait(false);
    response.set_content("{}", "application/json");
  };
  const auto one = device();
  std::thread canceller([&] {
    inside.wait(false);
    one->cancel();
  });
  const auto poll = one->poll();
  over = true;
  over.notify_all();
  canceller.join();
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::cancelled);
}

TEST_F(HttpDevice, TheLoginAndTheBasePathGoAlong) {
  std::mutex mutex;
  std::string path, login;
  answer_ = [&](const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    path = request.path;
    login = request.get_header_value("Authorization");
    response.set_content(kWaiting, "application/json");
  };
  EXPECT_TRUE(device("evcc", {"", 0, "/proxy", HttpLogin("user", "pass")})->poll());
  EXPECT_EQ(path, "/proxy/api/state");
  EXPECT_EQ(login, "Basic dXNlcjpwYXNz");
}

TEST_F(HttpDevice, EvccIsToldToHoldTheBatteryAndToForgetIt) {
  // As evcc's router has it: POST with the mode in the path, DELETE without one.
  std::vector<std::string> told;
  server_.Post(R"(/api/batterymode/([a-z]+))", [&](const httplib::Request& request, httplib::Response& response) {
    told.push_back("POST " + request.matches[1].str());
    response.set_content(R"({"result":"hold"})", "application/json");
  });
  server_.Delete("/api/batterymode", [&](const httplib::Request&, httplib::Response&) { told.push_back("DELETE"); });
  const auto evcc = device();
  const auto keep = [&](const std::string&) -> Result<void> { return told.push_back("kept"), Result<void>{}; };
  ASSERT_TRUE(evcc->hold_battery(keep));
  ASSERT_TRUE(evcc->release_battery(""));
  EXPECT_EQ(told, (std::vector<std::string>{"kept", "POST hold", "DELETE"}));
  EXPECT_LT(evcc->hold_repeat(), 60s) << "it forgets after a minute";
  const auto other = device("shelly-3em-http")->hold_battery(keep);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::unsupported);
}

/// As a Shelly of the second generation with a password; what a right answer is we have from the RFC's examples
/// (below).
class GuardedPlug : public HttpDevice {
 protected:
  void SetUp() override {
    HttpDevice::SetUp();
    answer_ = [this](const httplib::Request& request, httplib::Response& response) {
      const std::string login = request.get_header_value("Authorization");
      logins.push_back(login);
      const DigestChallenge asked{"plug", nonce, "", "SHA-256", DigestChallenge::Hash::sha256, false, true};
      const auto at = login.find("cnonce=\"");
      const std::string cnonce = at == std::string::npos ? "" : login.substr(at + 8, login.find('"', at + 8) - at - 8);
      const bool right = login == digest_authorization(asked, "admin", "secret", "GET", request.target, ++uses, cnonce);
      if (!right) {
        uses = 0;
        response.status = 401;
        response.set_header("WWW-Authenticate",
                            R"(Digest qop="auth", realm="plug", nonce=")" + nonce + R"(", algorithm=SHA-256)");
        return;
      }
      response.set_content(R"({"id":0,"output":true,"apower":12.5})", "application/json");
    };
  }
  std::string nonce = "60dc2c69";
  std::uint32_t uses = 0;
  std::vector<std::string> logins;
};

TEST_F(GuardedPlug, IsAnsweredByDigestAndItsNonceIsUsedAgain) {
  const auto plug = device("shelly-plug-http", {"", 0, "", HttpLogin("admin", "secret", true)});
  for (int i = 0; i < 3; ++i) {
    const auto poll = plug->poll();
    ASSERT_TRUE(poll) << poll.error().text;
    EXPECT_EQ(value(*poll, Measurement::load_w), 12.5);
  }
  EXPECT_EQ(asked_, 4) << "one question too many, at first";
  EXPECT_EQ(logins[0], "");
  EXPECT_NE(logins[3].find("nc=00000003"), std::string::npos) << logins[3];
  ASSERT_TRUE(plug->switch_power(false));
  nonce = "7a";  // it has forgotten the other
  ASSERT_TRUE(plug->switch_power(true));
  EXPECT_EQ(asked_, 4 + 1 + 2);
}

TEST_F(GuardedPlug, OneThatDoesNotKnowThePasswordIsTriedTwiceAndThenLeftAlone) {
  const auto plug = device("shelly-plug-http", {"", 0, "", HttpLogin("admin", "wrong")});
  const auto poll = plug->poll();
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::unauthorized);
  EXPECT_FALSE(plug->poll());
  EXPECT_EQ(asked_, 2);
}

TEST(DigestAuthorization, AnswersAsTheExamplesOfRfc7616AndCurl) {
  const std::string rest =
      R"(realm="http-auth@example.org", qop="auth, auth-int", nonce=)"
      R"("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";
  const auto response = [](const std::string& header, const std::string& user, const std::string& password,
                           const std::string& uri) {
    const auto challenge = digest_challenge(header);
    if (!challenge) return std::string("none");
    const std::string text =
        digest_authorization(*challenge, user, password, "GET", uri, 1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    const auto at = text.find("response=\"") + 10;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_EQ(response("Digest algorithm=MD5, " + rest, "Mufasa", "Circle of Life", "/dir/index.html"),
            "8ca523f5e9506fed4657c9700eebdbec");
  EXPECT_EQ(response("DIGEST " + rest + ", algorithm=SHA-256", "Mufasa", "Circle of Life", "/dir/index.html"),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  EXPECT_EQ(
      response(R"(Digest realm="testrealm", nonce="1053604145", algorithm="SHA-256")", "testuser", "testpass", "/2061"),
      "9dc55255f1a2537b838311674b621d45346b862a81631bb20e4ce356ef25062d");
  // What we cannot answer, or what nobody asked.
  for (const char* header : {"", "Basic realm=\"x\"", "Digest", "Digest realm=\"x\"", "Digest nonce=\"x",
                             R"(Digest nonce="n", algorithm=SHA-512-256)", R"(Digest nonce="n", qop="auth-int")"}) {
    const bool unclosed = std::string_view(header) == "Digest nonce=\"x";
    EXPECT_EQ(digest_challenge(header).has_value(), unclosed) << header;
  }
}

TEST(BasicAuthorization, PadsAsBase64Does) {
  EXPECT_EQ(basic_authorization("", ""), "Basic Og==");
  EXPECT_EQ(basic_authorization("a", ""), "Basic YTo=");
  EXPECT_EQ(basic_authorization("a", "b"), "Basic YTpi");
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617
}

}  // namespace
}  // namespace sluice::io
