#include "io/notify_webhook.hpp"

#include <utility>

#include "io/web_client.hpp"

namespace sluice::io {
namespace {

/// Scheme, host and port; empty: no URL of the web.
std::string origin_of(const std::string& url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  const std::size_t host = known ? url.find("://") + 3 : 0;
  const std::size_t slash = url.find('/', host);
  const bool clean = url.find_first_of(" \t\r\n") == std::string::npos;
  if (!known || !clean || slash == host || host == url.size()) return "";
  return url.substr(0, slash);
}

class WebhookChannel final : public NotifyChannel {
 public:
  WebhookChannel(std::string url, std::string origin, std::chrono::milliseconds limit)
      : url_(std::move(url)), origin_(std::move(origin)), limit_(limit) {}

  Result<void> deliver(const std::string& json) override {
    ports::WebRequest request;
    request.url = url_;
    request.method = "POST";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = json;
    request.timeout = limit_;
    request.follow_redirects = false;
    const auto reply = web_.fetch(request);
    // The origin only: paths of web hooks hold their secret.
    if (!reply) return fail(reply.error().kind, "{}: {}", origin_, reply.error().text);
    if (reply->status < 200 || reply->status > 299)
      return fail(ErrorKind::rejected, "{}: HTTP {}", origin_, reply->status);
    return {};
  }
  void cancel() override { web_.cancel(); }

 private:
  const std::string url_, origin_;
  const std::chrono::milliseconds limit_;
  WebClient web_{"Sluice"};
};

}  // namespace

Result<std::unique_ptr<NotifyChannel>> make_webhook_channel(const std::string& url, std::chrono::milliseconds limit) {
  std::string origin = origin_of(url);
  if (origin.empty()) {
    return fail(ErrorKind::invalid, "notify.webhook: {} is no URL of the form http://host/path or https://host/path",
                url);
  }
  return std::make_unique<WebhookChannel>(url, std::move(origin), limit);
}

}  // namespace sluice::io
