#include "io/web_client.hpp"

#include <httplib.h>

#include <charconv>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace sluice::io {
namespace {

using ports::WebReply;
using ports::WebRequest;
using RealTime = std::chrono::steady_clock::time_point;

constexpr int kMostRedirects = 3;

struct Url {
  bool tls = false;
  std::string host;    ///< with its port
  std::string origin;  ///< scheme and host
  std::string path;
};

Result<Url> parse_url(const std::string& url) {
  const bool tls = url.starts_with("https://");
  const std::size_t host = tls ? 8 : 7;
  const std::size_t end = std::min(url.find_first_of("/?#", host), url.size());
  // The text is not repeated: it may hold a secret.
  if ((!tls && !url.starts_with("http://")) || end == host)
    return fail(ErrorKind::invalid, "not a URL of http or https");
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return fail(ErrorKind::invalid, "a URL with a blank");
  }
  if (url.substr(host, end - host).find('@') != std::string::npos)
    return fail(ErrorKind::invalid, "a URL with a login; a secret has its own place");
  const std::string path = url.substr(end, url.find('#', end) - end);
  return Url{tls, url.substr(host, end - host), url.substr(0, end),
             path.starts_with('/') ? path : fmt::format("/{}", path)};
}

std::string without_port(const std::string& host) {
  const auto colon = host.rfind(':');
  return colon == std::string::npos || host.find(']', colon) != std::string::npos ? host : host.substr(0, colon);
}

/// Where a redirect leads, if it may be followed.
Result<Url> redirected(const Url& from, const std::string& location) {
  if (location.starts_with('/') && !location.starts_with("//")) return Url{from.tls, from.host, from.origin, location};
  auto to = parse_url(location);
  if (!to || without_port(to->host) != without_port(from.host))
    return fail(ErrorKind::protocol, "{}: it redirects to another host, which is not followed", from.host);
  if (from.tls && !to->tls) return fail(ErrorKind::protocol, "{}: it redirects away from TLS", from.host);
  return to;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

/// One request on a connection of its own. The library bounds each read, not the whole exchange, and nothing bounds the
/// resolver: so it has a thread of its own, and who waits for it may leave. Shared by both; the last one cleans up.
class WebClient::Exchange {
 public:
  struct Answer {
    WebReply reply;
    std::string location;
  };

  Exchange(Url url, const WebRequest& request, const std::string& user_agent, const std::string& ca_file)
      : url_(std::move(url)), limit_(request.reply_limit), client_(url_.origin) {
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(request.timeout);
    client_.set_connection_timeout(timeout);
    client_.set_read_timeout(timeout);
    client_.set_write_timeout(timeout);
    client_.set_follow_location(false);
    client_.enable_server_certificate_verification(true);
    if (!ca_file.empty()) client_.set_ca_cert_path(ca_file);
    request_.method = request.method;
    request_.path = url_.path;
    request_.body = request.body;
    request_.set_header("User-Agent", user_agent);
    for (const auto& [name, value] : request.headers) request_.set_header(name, value);
    request_.content_receiver = [this](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      too_long_ = body_.size() + size > limit_;
      if (!too_long_) body_.append(data, size);
      return !too_long_;
    };
  }

  void run() {
    auto answer = ask();
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    changed_.notify_all();
  }

  Result<Answer> wait(RealTime until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [this] { return answer_.has_value() || cancelled_; });
    if (answer_) return *answer_;
    client_.stop();
    if (cancelled_) return fail(ErrorKind::cancelled, "shutting down");
    return fail(ErrorKind::timeout, "{}: no complete answer in time", url_.host);
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  Result<Answer> ask() {
    try {
      const httplib::Result result = client_.send(request_);
      if (too_long_) return fail(ErrorKind::protocol, "{}: the answer is longer than {} bytes", url_.host, limit_);
      if (!result) return failed(result.error());
      Answer answer{{result->status, std::move(body_), {}}, result->get_header_value("Location")};
      const std::string pause = result->get_header_value("Retry-After");
      int seconds = 0;
      const auto [end, error] = std::from_chars(pause.data(), pause.data() + pause.size(), seconds);
      if (error == std::errc() && end == pause.data() + pause.size() && seconds >= 0)
        answer.reply.retry_after = std::chrono::seconds(seconds);
      return answer;
    } catch (const std::exception& error) {
      return fail(ErrorKind::internal, "{}: {}", url_.host, error.what());
    }
  }

  Result<Answer> failed(httplib::Error error) const {
    switch (error) {
      case httplib::Error::SSLServerVerification:
        return fail(ErrorKind::unauthorized, "{}: its certificate is not valid for it", url_.host);
      case httplib::Error::SSLLoadingCerts:
        return fail(ErrorKind::invalid, "{}: the certificates to trust cannot be read", url_.host);
      default:
        return fail(ErrorKind::unreachable, "{} cannot be reached or broke off ({})", url_.host,
                    httplib::to_string(error));
    }
  }

  const Url url_;
  const std::size_t limit_;
  httplib::Client client_;
  httplib::Request request_;
  std::string body_;  ///< of the exchange's thread, as what follows
  bool too_long_ = false;

  std::mutex mutex_;  ///< guards everything below
  std::condition_variable changed_;
  std::optional<Result<Answer>> answer_;
  bool cancelled_ = false;
};

WebClient::WebClient(std::string user_agent, std::string ca_file)
    : user_agent_(std::move(user_agent)), ca_file_(std::move(ca_file)) {}
WebClient::~WebClient() = default;

Result<WebReply> WebClient::fetch(const WebRequest& request) {
  const RealTime until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<RealTime::duration>(request.timeout);
  auto url = parse_url(request.url);
  for (int redirects = 0; url; ++redirects) {
    const auto exchange = std::make_shared<Exchange>(*url, request, user_agent_, ca_file_);
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return fail(ErrorKind::cancelled, "shutting down");
      running_ = exchange;
    }
    std::thread([exchange] { exchange->run(); }).detach();
    auto answer = exchange->wait(until);
    if (!answer) return tl::unexpected(answer.error());
    const bool leads_on = is_redirect(answer->reply.status) && !answer->location.empty();
    if (!request.follow_redirects || !leads_on) return std::move(answer->reply);
    if (redirects == kMostRedirects)
      return fail(ErrorKind::protocol, "{}: more than {} redirects", url->host, kMostRedirects);
    url = redirected(*url, answer->location);
  }
  return tl::unexpected(url.error());
}

void WebClient::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (running_) running_->cancel();
}

std::string user_agent(const std::string& version) { return "Sluice/" + version; }

}  // namespace sluice::io
