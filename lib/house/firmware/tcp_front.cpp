#include "house/firmware/tcp_front.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::house {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr int kTickMs = 50;
constexpr Duration kIdleLimit = 10s;  // a client that says nothing is sent away
constexpr Duration kDrainLimit = 1s;  // for a client that does not close after the answer
constexpr std::size_t kLargestRequest = 256 * 1024;
constexpr std::size_t kMostConnections = 64;  // a silent miner's clients come back and back
constexpr std::string_view kGarbage = "\x7f\x45\x00\xff\xfe~~ not a reply ~~\x00\x01\x02\xc3\x28"sv;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// A timer of real time: the operating system counts, nobody here asks for the time.
class Timer {
 public:
  Timer() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}
  void arm(Duration delay) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(seconds.count());
    when.it_value.tv_nsec = static_cast<long>(std::max<Duration::rep>((delay - seconds).count(), 1));
    timerfd_settime(fd_.get(), 0, &when, nullptr);
  }
  int fd() const { return fd_.get(); }
  /// True once after the delay has passed.
  bool expired() {
    std::uint64_t count = 0;
    return ::read(fd_.get(), &count, sizeof count) == sizeof count;
  }

 private:
  Fd fd_;
};

/// A bound socket that may share its port with another of ours: one reserves it, one listens.
Result<Fd> bind_to(const std::string& address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) {
    return fail(ErrorKind::invalid, "{} is no IPv4 address", address);
  }
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    return fail(ErrorKind::io, "cannot bind {}:{}: {}", address, port, std::strerror(errno));
  }
  return fd;
}

std::uint16_t bound_port(const Fd& fd) {
  sockaddr_in where{};
  socklen_t size = sizeof where;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&where), &size);
  return ntohs(where.sin_port);
}

enum class Stage { reading, held, writing, draining };

struct Connection {
  explicit Connection(Fd accepted) : fd(std::move(accepted)) { timer.arm(kIdleLimit); }
  Fd fd;
  Timer timer;  ///< reading: idle limit; held: the delay fault; draining: the client's time to close
  Stage stage = Stage::reading;
  std::string received, unsent;
  std::size_t request_size = 0;
  bool at_end = false, delay_over = false, keep_open = false;
};

}  // namespace

Result<ReservedPort> ReservedPort::take(const std::string& address, std::uint16_t port) {
  auto bound = bind_to(address, port);
  if (!bound) return tl::unexpected(bound.error());
  const std::uint16_t number = bound_port(*bound);
  return ReservedPort(bound->release(), number);
}
ReservedPort::ReservedPort(ReservedPort&& other) noexcept : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}
ReservedPort& ReservedPort::operator=(ReservedPort&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(port_, other.port_);
  return *this;
}
ReservedPort::~ReservedPort() {
  if (fd_ >= 0) ::close(fd_);
}

class TcpFront::Loop {
 public:
  Loop(MinerDoor& door, TcpProtocol& protocol, std::string address, ReservedPort reservation)
      : door_(door), protocol_(protocol), address_(std::move(address)), reservation_(std::move(reservation)) {}
  ~Loop() {
    const std::uint64_t one = 1;
    if (thread_.joinable() && ::write(wake_.get(), &one, sizeof one) == sizeof one) thread_.join();
  }
  Result<void> start() {
    if (auto listening = listen(); !listening) return listening;
    thread_ = std::thread([this] { run(); });
    return {};
  }
  std::uint16_t port() const { return reservation_.port(); }

 private:
  Result<void> listen() {
    auto bound = bind_to(address_, port());
    if (!bound) return tl::unexpected(bound.error());
    if (::listen(bound->get(), 64) != 0) {
      return fail(ErrorKind::io, "cannot listen on {}:{}: {}", address_, port(), std::strerror(errno));
    }
    listener_ = std::move(*bound);
    return {};
  }

  void run() {
    std::vector<pollfd> fds;
    while (true) {
      protocol_.tick();
      open_or_close();
      fds.assign({{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}});
      for (const Connection& connection : connections_) {
        const bool writing = connection.stage == Stage::writing;
        const short events = writing ? POLLOUT : POLLIN;
        fds.push_back({connection.stage == Stage::held ? -1 : connection.fd.get(), events, 0});
        fds.push_back({connection.timer.fd(), POLLIN, 0});
      }
      ::poll(fds.data(), fds.size(), kTickMs);
      if ((fds[0].revents & POLLIN) != 0) return;
      connections_.remove_if([this](Connection& connection) { return !advance(connection); });
      if ((fds[1].revents & POLLIN) != 0) accept_all();
    }
  }

  /// A miner that is restarting, or told to refuse, has no open port and no open connection.
  void open_or_close() {
    const bool wanted = !door_.faults().refuse_connections && door_.view().booted && protocol_.open();
    if (!wanted) {
      listener_ = Fd();
      connections_.clear();
    } else if (!listener_.valid()) {
      listen();  // tried again at the next tick when it fails
    }
  }

  void accept_all() {
    while (true) {
      Fd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!accepted.valid()) return;
      if (!protocol_.admit()) {
        const linger reset{1, 0};
        ::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        continue;
      }
      connections_.emplace_back(std::move(accepted));
      if (connections_.size() > kMostConnections) connections_.pop_front();
    }
  }

  /// False: the connection is over.
  bool advance(Connection& connection) {
    if (connection.stage == Stage::reading && !read_request(connection)) return false;
    if (connection.stage == Stage::held && !answer_when_due(connection)) return false;
    if (connection.stage == Stage::writing && !write_answer(connection)) return false;
    return connection.stage != Stage::draining || drain(connection);
  }

  bool read_request(Connection& connection) {
    if (connection.timer.expired()) return false;
    if (!receive(connection)) return false;
    connection.request_size = protocol_.request_size(connection.received, connection.at_end);
    if (connection.request_size == 0) return !connection.at_end && connection.received.size() < kLargestRequest;
    connection.stage = Stage::held;
    connection.delay_over = false;
    connection.timer.arm(door_.faults().delay);
    return true;
  }

  bool receive(Connection& connection) {
    std::array<char, 4096> chunk{};
    while (true) {
      const ssize_t got = ::recv(connection.fd.get(), chunk.data(), chunk.size(), 0);
      if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      if (got == 0) {
        connection.at_end = true;
        return true;
      }
      connection.received.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }

  bool answer_when_due(Connection& connection) {
    const MinerFaults faults = door_.faults();
    connection.delay_over = connection.delay_over || connection.timer.expired();
    if (faults.silent || !connection.delay_over || !protocol_.ready()) return true;
    TcpAnswer answer;
    if (faults.garbage) {
      answer.bytes = kGarbage;
    } else {
      answer = protocol_.answer(std::string_view(connection.received).substr(0, connection.request_size));
    }
    if (answer.bytes.empty()) return false;
    connection.received.erase(0, connection.request_size);
    connection.unsent = std::move(answer.bytes);
    connection.keep_open = answer.keep_open;
    connection.stage = Stage::writing;
    return true;
  }

  bool write_answer(Connection& connection) {
    while (!connection.unsent.empty()) {
      const ssize_t sent =
          ::send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      connection.unsent.erase(0, static_cast<std::size_t>(sent));
    }
    if (connection.keep_open && !connection.at_end) {
      connection.stage = Stage::reading;
      connection.timer.arm(kIdleLimit);
    } else {
      // Closing with unread bytes (a newline after the request, say) would reset the connection under the answer.
      ::shutdown(connection.fd.get(), SHUT_WR);
      connection.stage = Stage::draining;
      connection.timer.arm(kDrainLimit);
    }
    return true;
  }

  bool drain(Connection& connection) {
    return receive(connection) && !connection.at_end && !connection.timer.expired();
  }

  MinerDoor& door_;
  TcpProtocol& protocol_;
  std::string address_;
  Fd wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  ReservedPort reservation_;
  Fd listener_;
  std::list<Connection> connections_;
  std::thread thread_;
};

TcpFront::TcpFront(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
TcpFront::~TcpFront() = default;
std::uint16_t TcpFront::port() const { return loop_->port(); }

Result<std::unique_ptr<TcpFront>> TcpFront::start(MinerDoor& door, TcpProtocol& protocol, const std::string& address,
                                                  std::uint16_t port) {
  auto reservation = ReservedPort::take(address, port);
  if (!reservation) return tl::unexpected(reservation.error());
  auto loop = std::make_unique<Loop>(door, protocol, address, std::move(*reservation));
  if (auto started = loop->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<TcpFront>(new TcpFront(std::move(loop)));
}

}  // namespace sluice::house
