#include "io/net_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sluice::io {
namespace {

tl::unexpected<Error> failed(int code, const std::string& name, const char* doing) {
  switch (code) {
    case ECONNREFUSED:
      return fail(ErrorKind::refused, "{} refused the connection", name);
    case ECONNRESET:
    case EPIPE:
      return fail(ErrorKind::refused, "{} closed the connection while {}", name, doing);
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ETIMEDOUT:
      return fail(ErrorKind::unreachable, "{} cannot be reached: {}", name, std::strerror(code));
    default:
      return fail(ErrorKind::io, "{}: {} failed: {}", name, doing, std::strerror(code));
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Waker::Waker() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { assert(event_.get() >= 0); }

void Waker::set() {
  const std::uint64_t one = 1;
  // The counter overflows only after 2^64 calls: the write cannot fail.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

void Waker::clear() {
  std::uint64_t count = 0;
  // Nothing to read means it was not set, which is what is wanted.
  [[maybe_unused]] const ssize_t taken = ::read(event_.get(), &count, sizeof count);
}

bool Waker::is_set() const {
  pollfd entry{event_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

Result<void> Socket::wait(short events, const char* doing) const {
  for (;;) {
    const auto left = deadline_ - std::chrono::steady_clock::now();
    const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    std::array<pollfd, 2> entries{pollfd{descriptor_.get(), events, 0}, pollfd{waker_->descriptor(), POLLIN, 0}};
    const int ready =
        ::poll(entries.data(), entries.size(), static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, 60000)));
    if (ready < 0 && errno != EINTR) return failed(errno, name_, doing);
    if (entries[1].revents != 0) return fail(ErrorKind::cancelled, "cancelled");
    // The deadline is asked even when bytes are there: a peer that drips them must not win.
    if (std::chrono::steady_clock::now() >= deadline_) {
      return fail(ErrorKind::timeout, "no complete answer from {} in time ({})", name_, doing);
    }
    if (ready > 0 && entries[0].revents != 0) return {};
  }
}

Result<Socket> Socket::connect(const SocketAddress& address, std::string name, RealTime deadline, const Waker& waker) {
  const int family = address.storage.ss_family;
  Socket socket(Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), std::move(name), deadline,
                waker);
  if (socket.descriptor_.get() < 0) return failed(errno, socket.name_, "making a socket");
  const int on = 1;
  // A request is one small write: without delay it leaves at once. Failing to set it costs only time.
  [[maybe_unused]] const int ignored = ::setsockopt(socket.descriptor_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.descriptor_.get(), raw, address.length) == 0) return socket;
  if (errno != EINPROGRESS) return failed(errno, socket.name_, "connecting");
  if (auto ready = socket.wait(POLLOUT, "connecting"); !ready) return tl::unexpected(ready.error());
  int code = 0;
  socklen_t length = sizeof code;
  if (::getsockopt(socket.descriptor_.get(), SOL_SOCKET, SO_ERROR, &code, &length) != 0) code = errno;
  if (code == ECONNRESET) code = ECONNREFUSED;  // some control boards reset instead of refusing
  if (code != 0) return failed(code, socket.name_, "connecting");
  return socket;
}

Result<void> Socket::send_all(std::string_view bytes, const std::function<void()>& on_first_byte) {
  bool first = true;
  while (!bytes.empty()) {
    if (auto ready = wait(POLLOUT, "sending"); !ready) return ready;
    const ssize_t sent = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return failed(errno, name_, "sending");
    }
    if (std::exchange(first, false) && on_first_byte) on_first_byte();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::size_t> Socket::read_some(std::span<char> buffer) {
  for (;;) {
    if (auto ready = wait(POLLIN, "waiting for its answer"); !ready) return tl::unexpected(ready.error());
    const ssize_t got = ::recv(descriptor_.get(), buffer.data(), buffer.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return failed(errno, name_, "waiting for its answer");
  }
}

}  // namespace sluice::io
