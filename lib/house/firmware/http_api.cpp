#include "house/firmware/http_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace sluice::house {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find("\r\n"), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 2, rest.size()));
  return line;
}

/// Method, path and headers; none when the first line is no HTTP/1 request.
std::optional<HttpRequest> parse_head(std::string_view head) {
  const std::string_view first = take_line(head);
  const std::size_t space = first.find(' '), last = first.rfind(' ');
  if (space == std::string_view::npos || space == last || !first.substr(last + 1).starts_with("HTTP/1.")) return {};
  HttpRequest request;
  request.method = first.substr(0, space);
  const std::string_view target = first.substr(space + 1, last - space - 1);
  request.path = target.substr(0, target.find('?'));
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    request.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
  const std::string connection = lower(request.header("connection"));
  request.keep_alive = connection != "close" && (first.ends_with("1.1") || connection == "keep-alive");
  return request;
}

std::size_t body_size(const HttpRequest& request) {
  const std::string text = request.header("content-length");
  std::size_t size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    case 501:
      return "Not Implemented";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::size_t HttpProtocol::request_size(std::string_view received, bool) const {
  const std::size_t end = received.find(kHeadEnd);
  if (end == std::string_view::npos) return 0;
  const std::size_t head_size = end + kHeadEnd.size();
  const auto request = parse_head(received.substr(0, end));
  if (!request) return head_size;
  const std::size_t size = head_size + body_size(*request);
  return received.size() >= size ? size : 0;
}

TcpAnswer HttpProtocol::answer(std::string_view bytes) {
  const std::size_t end = bytes.find(kHeadEnd);
  auto request = parse_head(bytes.substr(0, end));
  HttpAnswer answer{400, R"({"err":"Bad request"})"};
  if (request && !request->header("transfer-encoding").empty()) {
    answer = {501, R"({"err":"Send a body of known length"})"};
    request->keep_alive = false;
  } else if (request) {
    request->body = bytes.substr(end + kHeadEnd.size());
    answer = handle(*request);
  }
  const bool keep_open = request && request->keep_alive;
  std::string reply = fmt::format("HTTP/1.1 {} {}\r\nContent-Length: {}\r\nConnection: {}\r\n", answer.status,
                                  reason(answer.status), answer.body.size(), keep_open ? "keep-alive" : "close");
  if (!answer.body.empty()) reply += fmt::format("Content-Type: {}\r\n", answer.content_type);
  return {reply + "\r\n" + answer.body, keep_open};
}

}  // namespace sluice::house
