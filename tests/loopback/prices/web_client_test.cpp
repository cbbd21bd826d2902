// The client for what lies beyond the house, against servers that misbehave: certificates, redirects, drips, floods.

#include "io/web_client.hpp"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::io {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

const std::string kCertificate = std::string(SLUICE_TEST_CERTIFICATES) + "/localhost.pem";
const std::string kKey = std::string(SLUICE_TEST_CERTIFICATES) + "/localhost.key";

template <class Server>
class Running {
 public:
  template <class... Args>
  explicit Running(const char* host, Args&&... args) : server(std::forward<Args>(args)...) {
    port_ = server.bind_to_any_port(host);
    thread_ = std::thread([this] { server.listen_after_bind(); });
  }
  ~Running() {
    // A stop before the start would be lost.
    while (!server.is_running()) std::this_thread::yield();
    server.stop();
    thread_.join();
  }
  std::string port() const { return std::to_string(port_); }
  Server server;

 private:
  int port_ = 0;
  std::thread thread_;
};
using Plain = Running<httplib::Server>;
using Tls = Running<httplib::SSLServer>;

ports::WebRequest request(const std::string& url, Duration timeout = 10s) {
  ports::WebRequest made;
  made.url = url;
  made.timeout = timeout;
  return made;
}

TEST(WebClient, SendsWhatIsAskedAndSaysWhoAsks) {
  Plain plain("127.0.0.1");
  plain.server.Post("/gql", [](const httplib::Request& asked, httplib::Response& response) {
    response.set_content(
        asked.get_header_value("User-Agent") + "|" + asked.get_header_value("Authorization") + "|" + asked.body,
        "text/plain");
  });
  WebClient web(user_agent("1.2.3"));
  ports::WebRequest post = request("http://127.0.0.1:" + plain.port() + "/gql");
  post.method = "POST";
  post.body = "{}";
  post.headers = {{"Authorization", "Bearer x"}};
  const auto reply = web.fetch(post);
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "Sluice/1.2.3|Bearer x|{}");
}

TEST(WebClient, EveryStatusIsAnAnswerAndRetryAfterIsTold) {
  Plain plain("127.0.0.1");
  plain.server.Get("/(\\d+)", [](const httplib::Request& asked, httplib::Response& response) {
    response.status = std::stoi(asked.matches[1].str());
    response.set_header("Retry-After", "120");
    response.set_content("why", "text/plain");
  });
  WebClient web("Sluice");
  for (const int status : {403, 404, 429, 503}) {
    const auto reply = web.fetch(request("http://127.0.0.1:" + plain.port() + "/" + std::to_string(status)));
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(reply->body, "why");
    EXPECT_EQ(reply->retry_after, Duration(120s));
  }
}

TEST(WebClient, ACertificateThatNobodyVouchesForIsRefused) {
  Tls tls("127.0.0.1", kCertificate.c_str(), kKey.c_str());
  tls.server.Get(
      "/", [](const httplib::Request&, httplib::Response& response) { response.set_content("in", "text/plain"); });
  WebClient stranger("Sluice");
  const auto refused = stranger.fetch(request("https://localhost:" + tls.port() + "/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unauthorized) << refused.error().text;
  WebClient friendly("Sluice", kCertificate);
  const auto reply = friendly.fetch(request("https://localhost:" + tls.port() + "/"));
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->body, "in");
}

TEST(WebClient, ACertificateOfAnotherHostIsRefused) {
  Tls tls("127.0.0.2", kCertificate.c_str(), kKey.c_str());
  WebClient web("Sluice", kCertificate);
  const auto refused = web.fetch(request("https://127.0.0.2:" + tls.port() + "/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unauthorized) << refused.error().text;
}

TEST(WebClient, FollowsThreeRedirectsOnTheSameHostAndNoMore) {
  Plain plain("127.0.0.1");
  plain.server.Get("/(\\d+)", [](const httplib::Request& asked, httplib::Response& response) {
    const int left = std::stoi(asked.matches[1].str());
    if (left > 0) return response.set_redirect("/" + std::to_string(left - 1));
    response.set_content("there", "text/plain");
  });
  WebClient web("Sluice");
  const auto three = web.fetch(request("http://127.0.0.1:" + plain.port() + "/3"));
  ASSERT_TRUE(three) << three.error().text;
  EXPECT_EQ(three->body, "there");
  EXPECT_FALSE(web.fetch(request("http://127.0.0.1:" + plain.port() + "/4")));
}

TEST(WebClient, NeverCarriesASecretToAnotherHost) {
  Plain other("127.0.0.1");
  std::atomic<int> asked{0};
  other.server.Get("/", [&](const httplib::Request&, httplib::Response&) { ++asked; });
  Plain plain("127.0.0.1");
  plain.server.Get("/", [&](const httplib::Request&, httplib::Response& response) {
    response.set_redirect("http://localhost:" + other.port() + "/");
  });
  WebClient web("Sluice");
  const auto reply = web.fetch(request("http://127.0.0.1:" + plain.port() + "/?token=hunter2"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(reply.error().text.find("hunter2"), std::string::npos);
}

TEST(WebClient, NeverLeavesTls) {
  Tls tls("127.0.0.1", kCertificate.c_str(), kKey.c_str());
  tls.server.Get(
      "/", [](const httplib::Request&, httplib::Response& response) { response.set_redirect("http://localhost/"); });
  WebClient web("Sluice", kCertificate);
  const auto reply = web.fetch(request("https://localhost:" + tls.port() + "/"));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().text.find("away from TLS"), std::string::npos) << reply.error().text;
}

TEST(WebClient, AFloodIsCutOff) {
  Plain plain("127.0.0.1");
  plain.server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(std::string(2 << 20, 'x'), "text/plain");
  });
  WebClient web("Sluice");
  ports::WebRequest limited = request("http://127.0.0.1:" + plain.port() + "/");
  limited.reply_limit = 1 << 20;
  const auto reply = web.fetch(limited);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().text.find("longer than 1048576 bytes"), std::string::npos) << reply.error().text;
}

/// Sends a byte now and then, until it is let go.
class Drip {
 public:
  Drip() {
    plain.server.Get("/", [this](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("text/plain", [this](std::size_t, httplib::DataSink& sink) {
        std::unique_lock lock(mutex_);
        begun_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, 50ms, [this] { return over_; });
        if (over_) sink.done();
        return !over_ && sink.write(".", 1);
      });
    });
  }
  ~Drip() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  void wait_until_begun() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [this] { return begun_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false, over_ = false;

 public:
  Plain plain{"127.0.0.1"};  // ends first
};

TEST(WebClient, ADripDoesNotOutlastTheDeadline) {
  Drip drip;
  WebClient web("Sluice");
  const auto before = steady_clock::now();
  const auto reply = web.fetch(request("http://127.0.0.1:" + drip.plain.port() + "/", 400ms));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - before, 3s);
}

TEST(WebClient, CancelEndsARunningFetchAndEveryLaterOne) {
  Drip drip;
  WebClient web("Sluice");
  std::thread canceller([&] {
    drip.wait_until_begun();
    web.cancel();
  });
  const auto before = steady_clock::now();
  const auto reply = web.fetch(request("http://127.0.0.1:" + drip.plain.port() + "/", 60s));
  canceller.join();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::cancelled);
  EXPECT_LT(steady_clock::now() - before, 15s);
  EXPECT_EQ(web.fetch(request("http://127.0.0.1:1/")).error().kind, ErrorKind::cancelled);
}

TEST(WebClient, NobodyThereAndWhatIsNoUrl) {
  int port = 0;
  {
    Plain gone("127.0.0.1");
    port = std::stoi(gone.port());
  }
  WebClient web("Sluice");
  EXPECT_EQ(web.fetch(request("http://127.0.0.1:" + std::to_string(port) + "/")).error().kind, ErrorKind::unreachable);
  for (const char* wrong :
       {"", "127.0.0.1/p", "ftp://127.0.0.1/", "http://", "http:///p", "http://a b/", "http://u:p@127.0.0.1/"})
    EXPECT_EQ(web.fetch(request(wrong)).error().kind, ErrorKind::invalid) << wrong;
}

}  // namespace
}  // namespace sluice::io
