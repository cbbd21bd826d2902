#pragma once
/// A client as plain as they come: connect, send, read until the other side closes.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace sluice::house {

struct Exchange {
  bool connected = false;
  bool closed = false;  ///< the other side ended the conversation, before the time limit
  std::string received;
};

inline Exchange talk(std::uint16_t port, const std::string& text, int limit_ms = 5000,
                     const std::string& address = "127.0.0.1") {
  Exchange exchange;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{limit_ms / 1000, (limit_ms % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  exchange.connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
  if (exchange.connected && ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0) {
    char chunk[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd, chunk, sizeof chunk, 0)) > 0) exchange.received.append(chunk, static_cast<size_t>(got));
    exchange.closed = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
  ::close(fd);
  return exchange;
}

/// Waits for a condition of another thread; generous, because machines are busy.
inline bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace sluice::house
