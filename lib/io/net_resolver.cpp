#include "io/net_resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace sluice::io {
namespace {

using namespace std::chrono_literals;
constexpr auto kKept = 5min;
constexpr auto kFailureKept = 5s;
constexpr auto kCancelCheck = 50ms;

void set_port(SocketAddress& address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  }
}

Result<SocketAddress> ask_system(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) return fail(ErrorKind::unreachable, "no address for \"{}\": {}", host, ::gai_strerror(code));
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

}  // namespace

Resolver::Resolver() : table_(std::make_shared<Table>()) {}

void Resolver::look_up(const std::shared_ptr<Table>& table, const std::string& host) {
  std::thread([table, host] {
    auto answer = ask_system(host, 0);
    const std::lock_guard lock(table->mutex);
    Entry& entry = table->entries[host];
    if (answer || !entry.answer || !*entry.answer) entry.answer = std::move(answer);
    entry.answered = std::chrono::steady_clock::now();
    entry.running = false;
    table->changed.notify_all();
  }).detach();
}

Result<SocketAddress> Resolver::resolve(const std::string& host, std::uint16_t port, RealTime deadline,
                                        const Waker& waker) {
  if (auto numeric = ask_system(host, AI_NUMERICHOST)) {
    set_port(*numeric, port);
    return numeric;
  }
  std::unique_lock lock(table_->mutex);
  for (;;) {
    Entry& entry = table_->entries[host];
    const auto now = std::chrono::steady_clock::now();
    const bool good = entry.answer && *entry.answer;
    const bool old =
        !entry.answer || now - entry.answered > (good ? RealTime::duration(kKept) : RealTime::duration(kFailureKept));
    if (old && !entry.running) {
      entry.running = true;
      look_up(table_, host);
    }
    if (good || (entry.answer && !entry.running)) {
      auto answer = *entry.answer;
      if (answer) set_port(*answer, port);
      return answer;
    }
    if (waker.is_set()) return fail(ErrorKind::cancelled, "cancelled");
    if (now >= deadline) return fail(ErrorKind::timeout, "looking up the name \"{}\" took too long", host);
    table_->changed.wait_until(lock, std::min(deadline, now + kCancelCheck));
  }
}

}  // namespace sluice::io
