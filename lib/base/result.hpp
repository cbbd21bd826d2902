#pragma once
/// Expected failures are return values. An `Error` says what kind it is (so that code can decide what to do next) and,
/// in `text`, why, in words for the owner. A function returns an error or logs it, never both.

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

enum class ErrorKind {
  timeout,       ///< nothing came before the deadline; try again later
  refused,       ///< connection refused or closed: the other side is restarting or overloaded; back off
  unreachable,   ///< name or address cannot be reached
  protocol,      ///< an answer came and cannot be understood or violates the protocol
  rejected,      ///< the device understood and said no; `text` carries its reason
  unauthorized,  ///< wrong or missing password
  unsupported,   ///< the device does not have this ability; do not ask again
  not_found,     ///< the named thing does not exist
  invalid,       ///< bad input: configuration, argument, file
  cancelled,     ///< ended from outside, by `cancel()` or shutdown
  io,            ///< disk or operating system
  internal,      ///< a mistake of ours
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string text;
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorKind::timeout, "no answer from {} within {} ms", host, ms);`
template <class... Args>
tl::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

/// Short stable name of a kind, for JSON and logs: `timeout`, `rejected`, …
constexpr const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::unreachable:
      return "unreachable";
    case ErrorKind::protocol:
      return "protocol";
    case ErrorKind::rejected:
      return "rejected";
    case ErrorKind::unauthorized:
      return "unauthorized";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::io:
      return "io";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace sluice
