#include "io/notify.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/notify_exec.hpp"
#include "io/notify_webhook.hpp"

namespace sluice::io {
namespace {

const char* name_of(ports::EventLevel level) {
  switch (level) {
    case ports::EventLevel::info:
      return "info";
    case ports::EventLevel::warning:
      return "warning";
    case ports::EventLevel::alarm:
      return "alarm";
  }
  return "alarm";
}

}  // namespace

std::string event_json(const ports::Event& event) {
  const nlohmann::ordered_json json = {{"time_unix_ms", unix_ms(event.wall)},
                                       {"level", name_of(event.level)},
                                       {"code", event.code},
                                       {"subject", event.subject},
                                       {"text", event.text},
                                       {"cleared", event.cleared}};
  // Firmwares put what they like into their texts: bytes that are no UTF-8 must not keep the event back.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

QueuedNotifier::QueuedNotifier(std::vector<std::unique_ptr<NotifyChannel>> channels, const ports::Clock& clock,
                               Log& log)
    : channels_(std::move(channels)), clock_(clock), log_(log), thread_([this] { run(); }) {}

QueuedNotifier::~QueuedNotifier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  for (const auto& channel : channels_) channel->cancel();
  thread_.join();
}

void QueuedNotifier::notify(const ports::Event& event) {
  const std::lock_guard lock(mutex_);
  if (is_repetition(event)) return;
  if (queue_.size() >= kQueueMax) {
    log_.warning("notify", "too many events wait to be told: dropped {} {}", queue_.front().code,
                 queue_.front().subject);
    queue_.pop_front();
  }
  queue_.push_back(event);
  wake_.notify_one();
}

bool QueuedNotifier::is_repetition(const ports::Event& event) {
  const MonoTime now = clock_.now();
  std::erase_if(told_, [now](const auto& entry) { return now - entry.second >= kRepeatAfter; });
  const Condition condition{event.code, event.subject};
  if (event.cleared) {
    told_.erase(condition);
    return false;
  }
  return !told_.emplace(condition, now).second;
}

void QueuedNotifier::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const ports::Event event = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    for (const auto& channel : channels_) {
      const auto delivered = channel->deliver(event_json(event));
      if (!delivered) log_.warning("notify", "{} could not be told: {}", event.code, delivered.error().text);
    }
    lock.lock();
  }
}

Result<std::unique_ptr<ports::Notifier>> make_notifier(const NotifyTargets& targets, const ports::Clock& clock,
                                                       Log& log) {
  std::vector<std::unique_ptr<NotifyChannel>> channels;
  if (!targets.exec.empty()) {
    auto channel = make_exec_channel(targets.exec);
    if (!channel) return tl::unexpected(channel.error());
    channels.push_back(std::move(*channel));
  }
  if (!targets.webhook.empty()) {
    auto channel = make_webhook_channel(targets.webhook);
    if (!channel) return tl::unexpected(channel.error());
    channels.push_back(std::move(*channel));
  }
  return std::make_unique<QueuedNotifier>(std::move(channels), clock, log);
}

}  // namespace sluice::io
