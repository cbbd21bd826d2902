#include "web/line_client.hpp"

#include <sys/time.h>

#include <cerrno>

#include "web/unix_socket.hpp"

namespace sluice::web {
namespace {

tl::unexpected<Error> cannot_connect(const std::string& path) {
  const int reason = errno;
  if (reason == ENOENT || reason == ECONNREFUSED) {
    return fail(ErrorKind::not_found, "no daemon answers on {}", path);
  }
  if (reason == EACCES || reason == EPERM) {
    return fail(ErrorKind::unauthorized, "no right to use {}: be root or in the group of the daemon", path);
  }
  return fail(ErrorKind::io, "{}: {}", path, std::strerror(reason));
}

}  // namespace

Result<std::string> ask(const std::string& path, std::string_view request, int timeout_ms) {
  const Result<sockaddr_un> address = unix_address(path);
  if (!address) return tl::unexpected(address.error());
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), generic(*address), sizeof *address) != 0) return cannot_connect(path);

  std::string line(request);
  line += '\n';
  if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return fail(ErrorKind::io, "{}: cannot send: {}", path, std::strerror(errno));
  }
  std::string answer;
  char buffer[16384];
  while (answer.empty() || answer.back() != '\n') {
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got == 0) return fail(ErrorKind::io, "{}: the daemon hung up", path);
    if (got < 0) return fail(ErrorKind::timeout, "{}: the daemon did not answer within {} ms", path, timeout_ms);
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  answer.pop_back();
  return answer;
}

}  // namespace sluice::web
