#include "web/line_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <cerrno>
#include <list>
#include <vector>

#include "web/unix_socket.hpp"

namespace sluice::web {
namespace {

struct Client {
  FileDescriptor socket;
  std::string received;
};

/// One turn of a conversation. False: it is over.
bool serve(Client& client, const LineServer::Handler& handler) {
  char buffer[4096];
  const ssize_t got = ::recv(client.socket.get(), buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  client.received.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end = client.received.find('\n'); end != std::string::npos; end = client.received.find('\n')) {
    std::string answer = handler(std::string_view(client.received).substr(0, end));
    client.received.erase(0, end + 1);
    answer += '\n';
    std::string_view rest = answer;
    while (!rest.empty()) {  // SO_SNDTIMEO bounds a client that does not read
      const ssize_t sent = ::send(client.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  return client.received.size() <= kLongestLine;
}

bool somebody_answers(const sockaddr_un& address) {
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), generic(address), sizeof address) == 0;
}

}  // namespace

Result<std::unique_ptr<LineServer>> LineServer::start(std::string path, Handler handler) {
  const Result<sockaddr_un> address = unix_address(path);
  if (!address) return tl::unexpected(address.error());
  if (somebody_answers(*address)) {
    return fail(ErrorKind::rejected, "another sluiced answers on {}: stop it, or give another --socket", path);
  }
  ::unlink(path.c_str());
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Nobody can connect between bind and listen, so the mode is right before the first client.
  if (::bind(listener.get(), generic(*address), sizeof *address) != 0 || ::chmod(path.c_str(), 0660) != 0 ||
      ::listen(listener.get(), 8) != 0) {
    return fail(ErrorKind::io, "cannot serve on {}: {}", path, std::strerror(errno));
  }
  const int stop_event = ::eventfd(0, EFD_CLOEXEC);
  return std::unique_ptr<LineServer>(
      new LineServer(std::move(path), std::move(handler), listener.release(), stop_event));
}

LineServer::LineServer(std::string path, Handler handler, int listener, int stop_event)
    : path_(std::move(path)),
      handler_(std::move(handler)),
      listener_(listener),
      stop_event_(stop_event),
      thread_([this] { run(); }) {}

LineServer::~LineServer() {
  eventfd_write(stop_event_, 1);
  thread_.join();
  ::close(listener_);
  ::close(stop_event_);
  ::unlink(path_.c_str());
}

void LineServer::run() {
  std::list<Client> clients;
  const timeval patience{1, 0};
  while (true) {
    std::vector<pollfd> watched{{stop_event_, POLLIN, 0}};
    watched.push_back({clients.size() < kMostClients ? listener_ : -1, POLLIN, 0});
    for (const Client& client : clients) watched.push_back({client.socket.get(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    std::size_t index = 2;
    for (auto client = clients.begin(); client != clients.end(); ++index) {
      const bool over = watched[index].revents != 0 && !serve(*client, handler_);
      client = over ? clients.erase(client) : std::next(client);
    }
    if (watched[1].revents == 0) continue;
    FileDescriptor accepted(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.get() < 0) continue;
    setsockopt(accepted.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    clients.push_back({std::move(accepted), ""});
  }
}

}  // namespace sluice::web
