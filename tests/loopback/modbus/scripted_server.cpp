#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace sluice::test {
namespace {

constexpr std::size_t kRequestSize = 12;

Bytes frame(const Request& request, const Bytes& pdu) {
  const auto length = static_cast<std::uint16_t>(pdu.size() + 1);
  Bytes bytes{static_cast<std::uint8_t>(request.transaction >> 8),
              static_cast<std::uint8_t>(request.transaction),
              0,
              0,
              static_cast<std::uint8_t>(length >> 8),
              static_cast<std::uint8_t>(length),
              request.unit};
  bytes.insert(bytes.end(), pdu.begin(), pdu.end());
  return bytes;
}

}  // namespace

Answer registers_answer(const Request& request, const std::vector<std::uint16_t>& registers) {
  Bytes pdu{request.function, static_cast<std::uint8_t>(registers.size() * 2)};
  for (const std::uint16_t word : registers) {
    pdu.push_back(static_cast<std::uint8_t>(word >> 8));
    pdu.push_back(static_cast<std::uint8_t>(word));
  }
  return {frame(request, pdu)};
}

Answer exception_answer(const Request& request, std::uint8_t code) {
  return {frame(request, {static_cast<std::uint8_t>(request.function | 0x80U), code})};
}

Answer image_answer(const Request& request, const devices::RegisterImage& image) {
  constexpr std::uint8_t kIllegalAddress = 2, kTargetFailed = 11;
  const auto unit = image.find(request.unit);
  if (unit == image.end()) return exception_answer(request, kTargetFailed);
  const auto table = unit->second.find(static_cast<devices::Table>(request.function));
  std::vector<std::uint16_t> registers;
  for (unsigned index = 0; index < request.count; ++index) {
    const auto address = static_cast<std::uint16_t>(request.address + index);
    if (table == unit->second.end() || !table->second.contains(address))
      return exception_answer(request, kIllegalAddress);
    registers.push_back(table->second.at(address));
  }
  return registers_answer(request, registers);
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no loopback port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

void ScriptedServer::set_script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

std::vector<Request> ScriptedServer::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

/// False when the server is to stop, or at the limit (−1 = none).
bool ScriptedServer::wait_readable(int fd, int limit_ms) const {
  std::array<pollfd, 2> waiting{{{fd, POLLIN, 0}, {stop_, POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), limit_ms);
  return waiting[1].revents == 0 && waiting[0].revents != 0;
}

void ScriptedServer::serve() {
  while (wait_readable(listener_, -1)) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ++connections_;
    serve_client(client);
    ::close(client);
  }
}

void ScriptedServer::serve_client(int client) {
  Bytes request(kRequestSize);
  while (wait_readable(client, -1)) {
    if (::recv(client, request.data(), request.size(), MSG_WAITALL) != static_cast<ssize_t>(kRequestSize)) return;
    const auto word = [&](std::size_t index) {
      return static_cast<std::uint16_t>(request[index] << 8 | request[index + 1]);
    };
    const Request parsed{word(0), request[6], request[7], word(8), word(10)};
    Script script;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(parsed);
      script = script_;
    }
    ++requests_;
    const Answer answer = script(parsed);
    for (std::size_t sent = 0; sent < answer.bytes.size();) {
      const std::size_t part = answer.drip ? 1 : answer.bytes.size();
      if (::send(client, answer.bytes.data() + sent, part, MSG_NOSIGNAL) < 0) return;
      sent += part;
      constexpr int kDripMs = 150;
      if (answer.drip && wait_readable(client, kDripMs)) return;  // the client has gone
    }
    if (answer.hang_up) return;
  }
}

}  // namespace sluice::test
