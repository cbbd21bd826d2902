#include "io/notify.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/notify_exec.hpp"
#include "io/notify_webhook.hpp"

namespace sluice::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class ManualClock final : public ports::Clock {
 public:
  MonoTime now() const override { return MonoTime(Duration(elapsed_ns_.load())); }
  WallTime wall_now() const override { return WallTime(Duration(elapsed_ns_.load())); }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime) const override {}
  void advance(Duration by) { elapsed_ns_ += by.count(); }

 private:
  std::atomic<Duration::rep> elapsed_ns_{0};
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    text_ += std::string(text) + "\n";
  }
  bool contains(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return text_.find(part) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

ports::Event event(const std::string& code, bool cleared = false) {
  return {from_unix_ms(1782036000123), ports::EventLevel::alarm, code, "s19", "does not answer", cleared};
}

// ---- the queue ----

/// Keeps what it is given, and blocks while it is told to.
class RecordingChannel final : public NotifyChannel {
 public:
  Result<void> deliver(const std::string& json) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !blocked_; });
    codes_.push_back(nlohmann::json::parse(json)["code"]);
    return {};
  }
  void cancel() override { block(false); }
  void block(bool blocked) {
    const std::lock_guard lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }
  std::vector<std::string> codes() const {
    const std::lock_guard lock(mutex_);
    return codes_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  std::vector<std::string> codes_;
};

class QueuedNotifierTest : public ::testing::Test {
 protected:
  QueuedNotifierTest() {
    auto owned = std::make_unique<RecordingChannel>();
    channel = owned.get();
    std::vector<std::unique_ptr<NotifyChannel>> channels;
    channels.push_back(std::move(owned));
    notifier = std::make_unique<QueuedNotifier>(std::move(channels), clock, log);
  }
  /// Everything told so far, found by an event that comes last.
  std::vector<std::string> told() {
    const std::string last = "last" + std::to_string(++marks);
    notifier->notify(event(last));
    EXPECT_TRUE(eventually([&] {
      const auto codes = channel->codes();
      return !codes.empty() && codes.back() == last;
    }));
    std::vector<std::string> codes;
    for (const std::string& code : channel->codes()) {
      if (code.rfind("last", 0) != 0) codes.push_back(code);
    }
    return codes;
  }

  ManualClock clock;
  RecordingLog log;
  RecordingChannel* channel = nullptr;
  std::unique_ptr<QueuedNotifier> notifier;
  int marks = 0;
};

using Codes = std::vector<std::string>;

TEST_F(QueuedNotifierTest, TellsInOrder) {
  for (const char* code : {"a", "b", "c"}) notifier->notify(event(code));
  EXPECT_EQ(told(), (Codes{"a", "b", "c"}));
}

TEST_F(QueuedNotifierTest, DoesNotRepeatWithinAnHour) {
  notifier->notify(event("a"));
  clock.advance(std::chrono::minutes(59));
  notifier->notify(event("a"));
  EXPECT_EQ(told(), (Codes{"a"}));
  clock.advance(std::chrono::minutes(1));
  notifier->notify(event("a"));
  EXPECT_EQ(told(), (Codes{"a", "a"}));
}

TEST_F(QueuedNotifierTest, OtherSubjectIsAnotherEvent) {
  ports::Event other = event("a");
  other.subject = "s19k";
  notifier->notify(event("a"));
  notifier->notify(other);
  EXPECT_EQ(told(), (Codes{"a", "a"}));
}

TEST_F(QueuedNotifierTest, RaisedAgainAfterBeingClearedIsTold) {
  notifier->notify(event("a"));
  notifier->notify(event("a", true));
  notifier->notify(event("a"));
  EXPECT_EQ(told(), (Codes{"a", "a", "a"}));
}

TEST_F(QueuedNotifierTest, NeverBlocksItsCallerAndBoundsWhatWaits) {
  channel->block(true);
  for (std::size_t i = 0; i < 2 * QueuedNotifier::kQueueMax; ++i) notifier->notify(event(std::to_string(i)));
  channel->block(false);
  EXPECT_LE(told().size(), QueuedNotifier::kQueueMax + 1);
  EXPECT_EQ(told().back(), std::to_string(2 * QueuedNotifier::kQueueMax - 1));
  EXPECT_TRUE(log.contains("dropped"));
}

TEST_F(QueuedNotifierTest, EndsWhileADeliveryHangs) {
  channel->block(true);
  notifier->notify(event("a"));
  notifier.reset();
}

TEST(EventJson, IsCompleteAndSurvivesBytesThatAreNoText) {
  ports::Event odd = event("miner_fault");
  odd.text = "fan \xff \"1\"";
  const auto json = nlohmann::json::parse(event_json(odd));
  EXPECT_EQ(json["time_unix_ms"], 1782036000123);
  EXPECT_EQ(json["level"], "alarm");
  EXPECT_EQ(json["code"], "miner_fault");
  EXPECT_EQ(json["subject"], "s19");
  EXPECT_EQ(json["text"], "fan \xEF\xBF\xBD \"1\"");
  EXPECT_EQ(json["cleared"], false);
}

// ---- programs ----

class ExecChannelTest : public ::testing::Test {
 protected:
  ExecChannelTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-notify-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~ExecChannelTest() override { std::filesystem::remove_all(folder); }

  std::string script(const std::string& body) {
    const std::string path = folder / "tell-me";
    {
      std::ofstream(path) << "#!/bin/sh\ncd '" << folder.string() << "'\n" << body << "\n";
    }
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string read(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(folder / name).rdbuf();
    return text.str();
  }
  std::unique_ptr<NotifyChannel> channel(const std::string& body, milliseconds limit = milliseconds(10'000)) {
    return std::move(make_exec_channel(script(body), limit).value());
  }

  std::filesystem::path folder;
};

TEST_F(ExecChannelTest, GivesTheEventOnStandardInput) {
  const auto told = channel("cat > got")->deliver("{\"code\":\"grid_lost\"}");
  ASSERT_TRUE(told) << told.error().text;
  EXPECT_EQ(read("got"), "{\"code\":\"grid_lost\"}");
}

TEST_F(ExecChannelTest, StandardInputMayBeOpenedByName) {
  ASSERT_TRUE(channel("cat /dev/stdin > got")->deliver("{}"));
  EXPECT_EQ(read("got"), "{}");
}

TEST_F(ExecChannelTest, AProgramThatDoesNotReadDisturbsNobody) {
  EXPECT_TRUE(channel("exit 0")->deliver(std::string(1'000'000, 'x')));
}

TEST_F(ExecChannelTest, EnvironmentAndDescriptorsAreClean) {
  ::setenv("SLUICE_TEST_SECRET", "hunter2", 1);
  const int leaked = ::dup(0);
  ASSERT_TRUE(channel("env > environment; ls /proc/self/fd > descriptors")->deliver("{}"));
  ::close(leaked);
  EXPECT_EQ(read("environment").find("hunter2"), std::string::npos);
  EXPECT_NE(read("environment").find("PATH="), std::string::npos);
  EXPECT_EQ(read("descriptors"), "0\n1\n2\n3\n") << "3 is the directory that ls itself opened";
}

TEST_F(ExecChannelTest, SignalsOfTheDaemonAreNotBlockedInTheProgram) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto told = channel("kill -TERM $$; echo alive > got")->deliver("{}");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_FALSE(told);
  EXPECT_NE(told.error().text.find("signal 15"), std::string::npos) << told.error().text;
}

TEST_F(ExecChannelTest, ExitCodeIsToldWithTheProgram) {
  const auto told = channel("exit 3")->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::rejected);
  EXPECT_EQ(told.error().text, (folder / "tell-me").string() + " ended with exit code 3");
}

TEST_F(ExecChannelTest, ASlowProgramIsKilledWithItsChildren) {
  const auto began = steady_clock::now();
  const auto told = channel("sleep 600 & echo $! > child; wait", milliseconds(300))->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(60));
  const pid_t child = std::stoi(read("child"));
  // Gone, or a zombie that nobody in this container collects.
  EXPECT_TRUE(eventually([child] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string number, name, state;
    return !(stat >> number >> name >> state) || state == "Z";
  }));
}

TEST_F(ExecChannelTest, CancelEndsARunningProgramAtOnce) {
  const auto slow = channel("echo > started; sleep 600", milliseconds(600'000));
  std::thread canceller([&] {
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(folder / "started"); }));
    slow->cancel();
  });
  const auto told = slow->deliver("{}");
  canceller.join();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::cancelled);
}

TEST_F(ExecChannelTest, AMissingProgramIsSaidPlainly) {
  const auto told = make_exec_channel("/nonexistent/tell-me").value()->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().text, "/nonexistent/tell-me cannot be started: No such file or directory");
  EXPECT_FALSE(make_exec_channel("tell-me"));
}

// ---- web hooks ----

/// Takes one connection on loopback, reads the whole request and answers with `reply`; after it, silence.
class OneShotServer {
 public:
  explicit OneShotServer(std::string reply) : reply_(std::move(reply)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 1);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneShotServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::string request() const {
    const std::lock_guard lock(mutex_);
    return request_;
  }

 private:
  void serve() {
    const int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0) return;
    char bytes[4096];
    for (ssize_t got = 1; got > 0 && request().find("\r\n\r\n{}") == std::string::npos;) {
      got = ::recv(peer, bytes, sizeof bytes, 0);
      const std::lock_guard lock(mutex_);
      if (got > 0) request_.append(bytes, static_cast<std::size_t>(got));
    }
    if (reply_ == "drip") {
      // A header that never ends: every read of the client succeeds, the exchange never does.
      bool open = ::send(peer, "HTTP/1.1 200 OK\r\n", 17, MSG_NOSIGNAL) > 0;
      while (open && !ending_) {
        open = ::send(peer, "X-Drip: 1\r\n", 11, MSG_NOSIGNAL) > 0;
        ::usleep(20'000);
      }
    } else {
      ::send(peer, reply_.data(), reply_.size(), MSG_NOSIGNAL);
    }
    ::close(peer);
  }

  std::string reply_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::string request_;
  std::thread thread_;
};

TEST(WebhookChannel, PostsTheEventAsJson) {
  OneShotServer server("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  const auto told = make_webhook_channel(server.url("/hook?key=1")).value()->deliver("{}");
  ASSERT_TRUE(told) << told.error().text;
  EXPECT_EQ(server.request().rfind("POST /hook?key=1 HTTP/1.1\r\n", 0), 0U) << server.request();
  EXPECT_NE(server.request().find("Content-Type: application/json\r\n"), std::string::npos);
}

TEST(WebhookChannel, AnyOtherStatusIsARefusalAndTheSecretPathIsNotRepeated) {
  OneShotServer server("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  const auto told = make_webhook_channel(server.url("/secret")).value()->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::rejected);
  EXPECT_EQ(told.error().text, server.url("") + ": HTTP 403");
}

TEST(WebhookChannel, NobodyListeningIsUnreachable) {
  int port = 0;
  {
    OneShotServer server("");
    port = std::stoi(server.url("").substr(sizeof "http://127.0.0.1:" - 1));
  }
  const auto told = make_webhook_channel("http://127.0.0.1:" + std::to_string(port)).value()->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::unreachable);
}

TEST(WebhookChannel, ADrippingServerIsGivenUpInTime) {
  OneShotServer server("drip");
  const auto began = steady_clock::now();
  const auto told = make_webhook_channel(server.url("/"), milliseconds(300)).value()->deliver("{}");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::timeout);
  EXPECT_GE(steady_clock::now() - began, milliseconds(300));
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(4));
}

TEST(WebhookChannel, CancelEndsAHangingExchange) {
  OneShotServer server("drip");
  const auto channel = make_webhook_channel(server.url("/"), milliseconds(600'000)).value().release();
  const std::unique_ptr<NotifyChannel> owned(channel);
  std::thread canceller([&] {
    EXPECT_TRUE(eventually([&] { return !server.request().empty(); }));
    owned->cancel();
  });
  const auto told = owned->deliver("{}");
  canceller.join();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::cancelled);
}

TEST(MakeNotifier, RefusesWhatCannotWorkAndSaysWhatWould) {
  ManualClock clock;
  NullLog log;
  for (const char* url : {"ftp://host/x", "http://", "http:///x", "host/x", "https://a b/"}) {
    const auto made = make_notifier({"", url}, clock, log);
    ASSERT_FALSE(made) << url;
    EXPECT_EQ(made.error().kind, ErrorKind::invalid);
    EXPECT_NE(made.error().text.find("http://host/path"), std::string::npos);
  }
  EXPECT_FALSE(make_notifier({"bin/tell-me", ""}, clock, log));
  EXPECT_TRUE(make_notifier({"", ""}, clock, log));
  EXPECT_TRUE(make_notifier({"/bin/true", "https://127.0.0.1/x"}, clock, log));
}

}  // namespace
}  // namespace sluice::io
