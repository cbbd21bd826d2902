#pragma once
/// A TCP connection with one deadline for its whole life and a way to be woken from outside.

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice::io {

/// Sockets live in real time, whatever the injected clock does.
using RealTime = std::chrono::steady_clock::time_point;

/// An owned file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Wakes whoever polls it, until cleared. `set` from any thread.
class Waker {
 public:
  Waker();
  void set();
  void clear();
  bool is_set() const;
  int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// `name` is for error texts only. Errors of every function: refused, timeout, unreachable, cancelled, io.
class Socket {
 public:
  static Result<Socket> connect(const SocketAddress& address, std::string name, RealTime deadline, const Waker& waker);
  /// Calls `on_first_byte`, if there is one, when the kernel has taken the first byte.
  Result<void> send_all(std::string_view bytes, const std::function<void()>& on_first_byte);
  /// Waits for bytes; 0 = the peer closed.
  Result<std::size_t> read_some(std::span<char> buffer);

 private:
  Socket(Descriptor descriptor, std::string name, RealTime deadline, const Waker& waker)
      : descriptor_(std::move(descriptor)), name_(std::move(name)), deadline_(deadline), waker_(&waker) {}
  Result<void> wait(short events, const char* doing) const;

  Descriptor descriptor_;
  std::string name_;
  RealTime deadline_;
  const Waker* waker_;
};

}  // namespace sluice::io
