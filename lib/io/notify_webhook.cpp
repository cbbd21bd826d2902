#include "io/notify_webhook.hpp"

#include <httplib.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sluice::io {
namespace {

struct Url {
  std::string origin;  ///< scheme, host, port
  std::string path;
};

Result<Url> parse_url(const std::string& url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  const std::size_t host = known ? url.find("://") + 3 : 0;
  const std::size_t slash = url.find('/', host);
  const bool clean = url.find_first_of(" \t\r\n") == std::string::npos;
  if (!known || !clean || slash == host || host == url.size()) {
    return fail(ErrorKind::invalid, "notify.webhook: {} is no URL of the form http://host/path or https://host/path",
                url);
  }
  if (slash == std::string::npos) return Url{url, "/"};
  return Url{url.substr(0, slash), url.substr(slash)};
}

/// One POST. The library bounds each read, not the whole exchange, and nothing bounds the resolver: so the exchange has
/// a thread of its own, and who waits for it may leave. Shared by both; the last one cleans up.
class Exchange {
 public:
  Exchange(const Url& url, std::string json, std::chrono::milliseconds limit)
      : path_(url.path), json_(std::move(json)), client_(url.origin) {
    client_.set_connection_timeout(limit);
    client_.set_read_timeout(limit);
    client_.set_write_timeout(limit);
  }

  void run() {
    auto result = post();
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    changed_.notify_all();
  }

  Result<void> wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return result_.has_value() || cancelled_; });
    if (result_) return *result_;
    client_.stop();
    if (cancelled_) return fail(ErrorKind::cancelled, "shutting down");
    return fail(ErrorKind::timeout, "no complete answer within {} ms", limit.count());
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  Result<void> post() {
    try {
      const httplib::Result answer = client_.Post(path_, json_, "application/json");
      if (!answer) return fail(ErrorKind::unreachable, "{}", httplib::to_string(answer.error()));
      if (answer->status < 200 || answer->status > 299) return fail(ErrorKind::rejected, "HTTP {}", answer->status);
      return {};
    } catch (const std::exception& error) {
      return fail(ErrorKind::internal, "{}", error.what());
    }
  }

  std::string path_;
  std::string json_;
  httplib::Client client_;

  std::mutex mutex_;  ///< guards everything below
  std::condition_variable changed_;
  std::optional<Result<void>> result_;
  bool cancelled_ = false;
};

class WebhookChannel final : public NotifyChannel {
 public:
  WebhookChannel(Url url, std::chrono::milliseconds limit) : url_(std::move(url)), limit_(limit) {}

  Result<void> deliver(const std::string& json) override {
    const auto exchange = begin(json);
    if (!exchange) return fail(ErrorKind::cancelled, "{}: shutting down", url_.origin);
    std::thread([exchange] { exchange->run(); }).detach();
    auto done = exchange->wait(limit_);
    // The origin only: paths of web hooks hold their secret.
    if (!done) return fail(done.error().kind, "{}: {}", url_.origin, done.error().text);
    return done;
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (running_) running_->cancel();
  }

 private:
  std::shared_ptr<Exchange> begin(const std::string& json) {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return nullptr;
    running_ = std::make_shared<Exchange>(url_, json, limit_);
    return running_;
  }

  Url url_;
  std::chrono::milliseconds limit_;

  std::mutex mutex_;  ///< guards what follows
  std::shared_ptr<Exchange> running_;
  bool cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<NotifyChannel>> make_webhook_channel(const std::string& url, std::chrono::milliseconds limit) {
  auto parsed = parse_url(url);
  if (!parsed) return tl::unexpected(parsed.error());
  return std::make_unique<WebhookChannel>(std::move(*parsed), limit);
}

}  // namespace sluice::io
