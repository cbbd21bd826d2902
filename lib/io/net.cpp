#include "io/net.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "io/net_http.hpp"
#include "io/net_polite.hpp"
#include "io/net_resolver.hpp"
#include "io/net_socket.hpp"

namespace sluice::io {

struct LanNetworkFactory::Shared {
  explicit Shared(const ports::Clock& injected) : clock(injected), polite(injected) {}
  const ports::Clock& clock;
  PolitePeers polite;
  Resolver resolver;
};

class LanNetworkFactory::Door final : public ports::Network {
 public:
  explicit Door(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void begin() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = false;
    waker_.clear();
  }

  Result<std::string> exchange(const ports::TcpExchange& exchange, MonoTime deadline) override {
    auto socket = connect(exchange.peer, deadline);
    if (!socket) return tl::unexpected(socket.error());
    if (auto sent = socket->send_all(exchange.send, exchange.on_first_byte); !sent) return tl::unexpected(sent.error());
    std::string reply;
    for (;;) {
      auto closed = read_more(*socket, reply);
      if (!closed) return tl::unexpected(closed.error());
      if (reply.size() > exchange.reply_limit) {
        return fail(ErrorKind::protocol, "{} sent more than {} bytes", exchange.peer.host, exchange.reply_limit);
      }
      if (!*closed) continue;
      if (reply.empty())
        return fail(ErrorKind::protocol, "{} closed the connection without an answer", exchange.peer.host);
      return reply;
    }
  }

  Result<ports::HttpReply> request(const ports::HttpRequest& request, MonoTime deadline) override {
    const auto text = http_request_text(request);
    if (!text) return tl::unexpected(text.error());
    auto socket = connect(request.peer, deadline);
    if (!socket) return tl::unexpected(socket.error());
    if (auto sent = socket->send_all(*text, request.on_first_byte); !sent) return tl::unexpected(sent.error());
    std::string bytes;
    for (;;) {
      auto closed = read_more(*socket, bytes);
      if (!closed) return tl::unexpected(closed.error());
      auto reply = parse_http_reply(bytes, *closed, request.method, request.reply_limit);
      if (!reply) return fail(reply.error().kind, "{}: {}", request.peer.host, reply.error().text);
      if (*reply) return std::move(**reply);
    }
  }

  Result<void> wait_until(MonoTime time) override {
    std::unique_lock lock(mutex_);
    while (!cancelled_ && shared_->clock.now() < time) shared_->clock.wait_until(lock, woken_, time);
    if (cancelled_) return fail(ErrorKind::cancelled, "cancelled");
    return {};
  }

  bool cancelled() const override {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    waker_.set();
    woken_.notify_all();
  }

 private:
  Result<Socket> connect(const ports::NetworkPeer& peer, MonoTime deadline) {
    const auto turn = shared_->polite.take_turn(peer, deadline);
    if (!turn) return tl::unexpected(turn.error());
    if (auto waited = wait_until(*turn); !waited) return tl::unexpected(waited.error());
    const Duration budget = deadline - shared_->clock.now();
    if (budget <= Duration::zero()) return fail(ErrorKind::timeout, "no time was left to ask {}", peer.host);
    const RealTime real_deadline =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<RealTime::duration>(budget);
    const auto address = shared_->resolver.resolve(peer.host, peer.port, real_deadline, waker_);
    if (!address) return tl::unexpected(address.error());
    auto socket = Socket::connect(*address, fmt::format("{}:{}", peer.host, peer.port), real_deadline, waker_);
    if (socket) {
      shared_->polite.accepted(peer);
    } else if (socket.error().kind == ErrorKind::refused) {
      shared_->polite.refused(peer);
    }
    return socket;
  }

  /// True when the peer closed.
  static Result<bool> read_more(Socket& socket, std::string& bytes) {
    std::array<char, 8192> buffer;
    const auto got = socket.read_some(buffer);
    if (!got) return tl::unexpected(got.error());
    bytes.append(buffer.data(), *got);
    return *got == 0;
  }

  std::shared_ptr<Shared> shared_;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  bool cancelled_ = false;  // guarded by mutex_
  Waker waker_;             // set and cleared under mutex_, so that it agrees with cancelled_
};

LanNetworkFactory::LanNetworkFactory(const ports::Clock& clock) : shared_(std::make_shared<Shared>(clock)) {}
LanNetworkFactory::~LanNetworkFactory() = default;

std::unique_ptr<ports::Network> LanNetworkFactory::make() { return std::make_unique<Door>(shared_); }

}  // namespace sluice::io
