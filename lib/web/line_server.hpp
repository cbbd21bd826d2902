#pragma once
/// A small server on a Unix socket: a line in, a line out. What the lines say is the handler's business. (Debian 12's
/// cpp-httplib cannot serve Unix sockets; and `status` needs no more than this.)

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.hpp"

namespace sluice::web {

inline constexpr std::size_t kLongestLine = 64 * 1024;  ///< bytes of a request; a longer one ends its connection
inline constexpr std::size_t kMostClients = 16;         ///< more wait until one leaves

class LineServer {
 public:
  /// Called on the server's thread, one request at a time; the answer holds no newline.
  using Handler = std::function<std::string(std::string_view request)>;

  /// Binds `path` with mode 0660 and serves. A file left over by a dead process is replaced. Errors: `rejected` when
  /// another process answers there, `io` otherwise.
  static Result<std::unique_ptr<LineServer>> start(std::string path, Handler handler);
  /// Ends every conversation and removes the socket.
  ~LineServer();
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

 private:
  LineServer(std::string path, Handler handler, int listener, int stop_event);
  void run();

  const std::string path_;
  const Handler handler_;
  const int listener_;
  const int stop_event_;
  std::thread thread_;
};

}  // namespace sluice::web
