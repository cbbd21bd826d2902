/// The network door against peers that misbehave, over real loopback sockets.

#include "io/net.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "io/clock.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

/// Accepts connections one after another and gives each to `serve`.
class Peer {
 public:
  explicit Peer(std::function<void(int fd, const std::atomic<bool>& over)> serve) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        serve(fd, over_);
        ::close(fd);
      }
    });
  }
  ~Peer() {
    over_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

void send_text(int fd, const std::string& text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

std::string receive_until(int fd, const std::string& end) {
  std::string text;
  char byte = 0;
  while (!text.ends_with(end) && ::recv(fd, &byte, 1, 0) == 1) text += byte;
  return text;
}

/// Sends a byte every 20 ms and never ends.
void drip(int fd, const std::atomic<bool>& over) {
  while (!over && ::send(fd, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(20ms);
}

class NetTest : public ::testing::Test {
 protected:
  static ports::TcpExchange exchange(std::uint16_t port) {
    return {{"127.0.0.1", port, {}, 30s, false}, "{}", 1000, {}};
  }
  MonoTime within(Duration time) const { return clock_.now() + time; }

  SystemClock clock_;
  LanNetworkFactory factory_{clock_};
  std::unique_ptr<ports::Network> net_ = factory_.make();
};

TEST_F(NetTest, ExchangesUntilThePeerCloses) {
  Peer peer([](int fd, auto&) {
    receive_until(fd, "{}");
    send_text(fd, "first ");
    send_text(fd, "second");
  });
  ports::TcpExchange ask = exchange(peer.port());
  int first_bytes = 0;
  ask.on_first_byte = [&] { ++first_bytes; };
  const auto reply = net_->exchange(ask, within(5s));
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(*reply, "first second");
  EXPECT_EQ(first_bytes, 1);
}

TEST_F(NetTest, AsksAndUnderstandsHttp) {
  std::string seen;
  Peer peer([&seen](int fd, auto&) {
    seen = receive_until(fd, "{\"a\":1}");
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    receive_until(fd, "never");  // keeps the connection open: the length must be enough
  });
  ports::HttpRequest ask;
  ask.peer = exchange(peer.port()).peer;
  ask.method = "POST";
  ask.path = "/x";
  ask.body = "{\"a\":1}";
  const auto reply = net_->request(ask, within(5s));
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "ok");
  EXPECT_TRUE(seen.starts_with("POST /x HTTP/1.1\r\n"));
}

TEST_F(NetTest, ADrippingPeerDoesNotStretchTheDeadline) {
  Peer peer(drip);
  const auto start = std::chrono::steady_clock::now();
  const auto reply = net_->exchange(exchange(peer.port()), within(200ms));
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::timeout);
  EXPECT_GE(took, 190ms);
  EXPECT_LT(took, 2s) << "the drip never ends";
}

TEST_F(NetTest, ALongAnswerIsCutShort) {
  Peer peer([](int fd, auto&) { send_text(fd, std::string(100'000, 'x')); });
  const auto reply = net_->exchange(exchange(peer.port()), within(5s));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::protocol);
}

TEST_F(NetTest, NoAnswerAtAllIsSaid) {
  Peer peer([](int fd, auto&) { receive_until(fd, "{}"); });
  const auto reply = net_->exchange(exchange(peer.port()), within(5s));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().text.find("without an answer"), std::string::npos);
}

TEST_F(NetTest, RefusedIsSaidAndThenThePeerIsLeftAlone) {
  std::uint16_t port = 0;
  {
    port = Peer([](int, auto&) {}).port();
  }
  bool sent = false;
  ports::TcpExchange ask = exchange(port);
  ask.on_first_byte = [&] { sent = true; };
  for (const char* words : {"refused the connection", "left alone"}) {
    const auto reply = net_->exchange(ask, within(5s));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_NE(reply.error().text.find(words), std::string::npos) << reply.error().text;
  }
  EXPECT_FALSE(sent);
}

TEST_F(NetTest, CancelEndsARunningExchange) {
  std::promise<void> inside;
  Peer peer([&inside](int fd, const std::atomic<bool>& over) {
    receive_until(fd, "{}");
    inside.set_value();
    while (!over) std::this_thread::yield();
  });
  net_->begin();
  auto reply = std::async(std::launch::async, [&] { return net_->exchange(exchange(peer.port()), within(60s)); });
  inside.get_future().wait();
  const auto start = std::chrono::steady_clock::now();
  net_->cancel();
  EXPECT_EQ(reply.get().error().kind, ErrorKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s) << "its own deadline is a minute";
}

TEST_F(NetTest, CancelEndsAWaitAndBeginForgetsIt) {
  net_->begin();
  net_->cancel();
  EXPECT_EQ(net_->wait_until(within(60s)).error().kind, ErrorKind::cancelled);
  net_->begin();
  EXPECT_TRUE(net_->wait_until(within(1ms)));
}

TEST_F(NetTest, FindsNamesAndSaysWhichItCannotFind) {
  Peer peer([](int fd, auto&) { send_text(fd, "hello"); });
  ports::TcpExchange ask = exchange(peer.port());
  ask.peer.host = "localhost";
  const auto reply = net_->exchange(ask, within(5s));
  // A machine may give ::1 for localhost, where nobody listens; the name was found all the same.
  if (!reply) {
    EXPECT_EQ(reply.error().kind, ErrorKind::refused) << reply.error().text;
  }
  ask.peer.host = "no such name";
  const auto lost = net_->exchange(ask, within(5s));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::unreachable) << lost.error().text;
  EXPECT_NE(lost.error().text.find("\"no such name\""), std::string::npos);
}

TEST_F(NetTest, DeadlinesOfAnAcceleratedClockAreSpentInRealTime) {
  const ScaledClock fast({20.0, ScaledClock::real_monotonic_ns(), 0});
  LanNetworkFactory factory(fast);
  Peer peer([](int fd, auto&) {
    receive_until(fd, "{}");
    std::this_thread::sleep_for(150ms);  // three accelerated seconds: a slow miner, not a dead one
    send_text(fd, "late");
  });
  const auto reply = factory.make()->exchange(exchange(peer.port()), fast.now() + 2s);
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(*reply, "late");
}

}  // namespace
}  // namespace sluice::io
