#include "io/net_http.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluice::io {
namespace {

using ports::HttpReply;
using Parsed = Result<std::optional<HttpReply>>;

constexpr std::size_t kHeadLimit = 32 * 1024;

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Head {
  int status = 0;
  std::optional<std::uint64_t> length;
  bool chunked = false;
  std::vector<std::string> challenges;
};

Result<Head> parse_head(std::string_view text) {
  Head head;
  const std::string_view status_line = text.substr(0, text.find('\n'));
  if (!status_line.starts_with("HTTP/1.") || status_line.size() < 12) {
    return fail(ErrorKind::protocol, "the answer does not begin like HTTP");
  }
  const auto status = number(status_line.substr(9, 3), 10);
  if (!status || *status < 100) return fail(ErrorKind::protocol, "the answer has no HTTP status");
  head.status = static_cast<int>(*status);
  while (text.find('\n') != std::string_view::npos) {
    text.remove_prefix(text.find('\n') + 1);
    const std::string_view line = text.substr(0, text.find('\n'));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equal_ignoring_case(name, "content-length")) {
      head.length = number(value, 10);
      if (!head.length) return fail(ErrorKind::protocol, "Content-Length is not a number");
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
      head.chunked = equal_ignoring_case(value, "chunked");
      if (!head.chunked) return fail(ErrorKind::protocol, "unknown Transfer-Encoding");
    } else if (equal_ignoring_case(name, "www-authenticate")) {
      head.challenges.emplace_back(value);
    }
  }
  return head;
}

tl::unexpected<Error> too_long(std::size_t limit) {
  return fail(ErrorKind::protocol, "the answer is longer than {} bytes", limit);
}

tl::unexpected<Error> cut_off() { return fail(ErrorKind::protocol, "the answer was cut off"); }

Parsed parse_chunks(HttpReply reply, std::string_view bytes, bool closed, std::size_t limit) {
  for (;;) {
    const auto line_end = bytes.find('\n');
    if (line_end == std::string_view::npos) break;
    const std::string_view line = bytes.substr(0, line_end);
    const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) return fail(ErrorKind::protocol, "a chunk has no size");
    if (*size == 0) return reply;
    if (*size > limit || reply.body.size() + *size > limit) return too_long(limit);
    bytes.remove_prefix(line_end + 1);
    if (bytes.size() < *size + 2) break;
    reply.body.append(bytes.substr(0, *size));
    bytes.remove_prefix(*size);
    if (!bytes.starts_with("\r\n")) return fail(ErrorKind::protocol, "a chunk is longer than it says");
    bytes.remove_prefix(2);
  }
  if (closed) return cut_off();
  return std::nullopt;
}

}  // namespace

Result<std::string> http_request_text(const ports::HttpRequest& request) {
  if (has_line_break(request.path) || has_line_break(request.method) || request.path.find(' ') != std::string::npos) {
    return fail(ErrorKind::invalid, "a path with a blank or a line break cannot be asked for");
  }
  const bool ipv6 = request.peer.host.find(':') != std::string::npos;
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nConnection: close\r\nAccept: */*\r\n", request.method,
                  request.path, ipv6 ? "[" : "", request.peer.host, ipv6 ? "]" : "", request.peer.port);
  for (const auto& [name, value] : request.headers) {
    if (has_line_break(name) || has_line_break(value)) {
      return fail(ErrorKind::invalid, "header {} holds a line break", name.substr(0, name.find('\n')));
    }
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!request.body.empty() || request.method != "GET")
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

Parsed parse_http_reply(std::string_view bytes, bool closed, std::string_view method, std::size_t body_limit) {
  for (;;) {
    const auto head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string_view::npos) {
      if (bytes.size() > kHeadLimit) return fail(ErrorKind::protocol, "the answer has no end of its header");
      if (closed && bytes.empty()) return fail(ErrorKind::refused, "closed the connection without an answer");
      if (closed) return cut_off();
      return std::nullopt;
    }
    const auto head = parse_head(bytes.substr(0, head_end));
    if (!head) return tl::unexpected(head.error());
    bytes.remove_prefix(head_end + 4);
    if (head->status < 200) continue;  // 1xx: the real reply follows
    HttpReply reply{head->status, {}, head->challenges};
    if (head->status == 204 || head->status == 304 || method == "HEAD") return reply;
    if (head->chunked) return parse_chunks(std::move(reply), bytes, closed, body_limit);
    if (head->length.value_or(bytes.size()) > body_limit) return too_long(body_limit);
    if (head->length && bytes.size() >= *head->length) {
      reply.body = bytes.substr(0, *head->length);
      return reply;
    }
    if (!closed) return std::nullopt;
    if (head->length) return cut_off();
    reply.body = bytes;
    return reply;
  }
}

}  // namespace sluice::io
