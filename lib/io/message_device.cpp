#include "io/message_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "devices/layout.hpp"
#include "devices/message.hpp"
#include "io/failure_pause.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAskedToWait = 30s;
constexpr Duration kPatience = 1s;
constexpr std::size_t kReplyLimit = std::size_t{1} << 20;
/// A poll's time is that of its fastest-changing value: the first of these that is there.
constexpr Measurement kFastest[] = {Measurement::grid_w, Measurement::battery_w,  Measurement::inverter_ac_w,
                                    Measurement::pv_w,   Measurement::load_wants, Measurement::load_wanted_w,
                                    Measurement::load_w, Measurement::room_c,     Measurement::switch_on};

/// The sources of the fastest value that was decoded.
std::vector<std::string> fastest_sources(const devices::MessageFormat& format,
                                         const std::vector<devices::Decoded>& decoded) {
  for (const Measurement what : kFastest) {
    const auto it_is = [&](const devices::Decoded& each) { return each.what == what && each.value; };
    if (std::ranges::any_of(decoded, it_is)) return sources(format, what);
  }
  return {};
}

/// Decodes and puts into place; an error when nothing at all is there.
Result<std::vector<ports::Measured>> measure(const std::string& name, const devices::MessageFormat& format,
                                             const DeviceOptions& options, const devices::Messages& heard,
                                             ErrorKind nothing, std::vector<std::string>& fastest) {
  std::vector<devices::Decoded> decoded = devices::decode(format, heard);
  fastest = fastest_sources(format, decoded);
  devices::place(options.invert, options.place, decoded);
  std::vector<ports::Measured> measured;
  std::string why;
  bool any = false;
  for (devices::Decoded& each : decoded) {
    any = any || each.value;
    if (why.empty()) why = fmt::format("{}: {}", each.source.empty() ? to_string(each.what) : each.source, each.note);
    measured.push_back({each.what, each.value, std::move(each.source), {}, std::move(each.note)});
  }
  if (!any) return fail(nothing, "{}: nothing of it is there; {}", name, why);
  return measured;
}

/// What devices that speak in messages share: how a battery or a switch is told.
class MessageDevice : public ports::Device {
 public:
  Duration hold_repeat() const override { return format_.hold ? format_.hold->repeat : Duration{}; }
  Result<void> hold_battery(const Keep& keep) override {
    if (!format_.hold) return Device::hold_battery(keep);
    if (auto kept = keep(""); !kept) return kept;
    return command(format_.hold->hold);
  }
  Result<void> release_battery(const std::string&) override {
    return format_.hold ? command(format_.hold->release) : Result<void>{};
  }
  bool can_switch() const override { return format_.power.has_value(); }
  Result<void> switch_power(bool on) override {
    if (!format_.power) return Device::switch_power(on);
    return command(on ? format_.power->on : format_.power->off);
  }

 protected:
  explicit MessageDevice(devices::MessageFormat format) : format_(std::move(format)) {}
  virtual Result<void> command(const devices::MessageCommand& wanted) = 0;

  const devices::MessageFormat format_;
};

class HttpDevice final : public MessageDevice {
 public:
  HttpDevice(std::string name, std::string key, std::unique_ptr<ports::Network> network, HttpEndpoint endpoint,
             Duration spacing, devices::MessageFormat format, DeviceOptions options, const ports::Clock& clock)
      : MessageDevice(std::move(format)),
        name_(std::move(name)),
        key_(std::move(key)),
        network_(std::move(network)),
        endpoint_(std::move(endpoint)),
        spacing_(spacing),
        paths_(devices::sources(format_)),
        options_(options),
        clock_(clock) {}

  const std::string& name() const override { return name_; }
  const std::string& connection_key() const override { return key_; }
  Duration spacing() const override { return spacing_; }
  ports::DeviceIdentity identity() const override { return {}; }
  void cancel() override { network_->cancel(); }

  Result<ports::DevicePoll> poll() override {
    if (const auto error = pause_.standing(clock_.now())) return tl::unexpected(*error);
    network_->begin();
    asked_to_wait_ = false;
    auto result = attempt();
    if (result) {
      pause_.answered();
    } else if (result.error().kind != ErrorKind::cancelled) {
      pause_.failed(result.error(), clock_.now(), asked_to_wait_ ? kAskedToWait : Duration{});
    }
    return result;
  }

 private:
  Result<ports::DevicePoll> attempt() {
    devices::Messages heard;
    std::map<std::string, MonoTime> times;
    std::optional<Error> failure;
    for (const std::string& path : paths_) {
      const MonoTime asked = clock_.now();
      auto body = ask(path);
      times[path] = asked + (clock_.now() - asked) / 2;
      if (body) {
        heard[path] = {std::move(*body), ""};
        continue;
      }
      if (body.error().kind != ErrorKind::not_found) return tl::unexpected(body.error());
      heard[path] = {std::nullopt, body.error().text};
      failure = body.error();
    }
    const auto answered = [](const auto& one) { return one.second.text.has_value(); };
    if (failure && std::ranges::none_of(heard, answered)) return tl::unexpected(*failure);
    ports::DevicePoll poll;
    std::vector<std::string> fastest;
    auto measured = measure(name_, format_, options_, heard, ErrorKind::protocol, fastest);
    if (!measured) return tl::unexpected(measured.error());
    poll.values = std::move(*measured);
    poll.at = times[fastest.empty() ? paths_.front() : fastest.front()];
    return poll;
  }

  Result<void> command(const devices::MessageCommand& wanted) override {
    network_->begin();
    const auto answer = ask(wanted.source, wanted.method);
    if (!answer) return tl::unexpected(answer.error());
    return {};
  }

  Result<std::string> ask(const std::string& path, const std::string& method = "GET") {
    Result<ports::HttpReply> reply = answer_to(path, method);
    if (reply && reply->status == 401 && endpoint_.login.challenged(reply->challenges)) reply = answer_to(path, method);
    if (!reply) return fail(reply.error().kind, "{}{}: {}", key_, path, reply.error().text);
    if (reply->status >= 200 && reply->status < 300) return std::move(reply->body);
    const std::string where = fmt::format("{}{} answers {}", key_, path, reply->status);
    switch (reply->status) {
      case 401:
      case 403:
        return fail(ErrorKind::unauthorized, "{}: it wants another login; see http.username and http.password", where);
      case 404:
        return fail(ErrorKind::not_found, "{}: it has no such page", where);
      case 429:
      case 503:
        asked_to_wait_ = true;
        return fail(ErrorKind::refused, "{}: it asks to be left alone for a while", where);
      default:
        return fail(ErrorKind::protocol, "{}", where);
    }
  }

  Result<ports::HttpReply> answer_to(const std::string& path, const std::string& method) {
    ports::HttpRequest request;
    request.method = method;
    request.peer.host = endpoint_.host;
    request.peer.port = endpoint_.port;
    request.path = endpoint_.base + path;
    request.reply_limit = kReplyLimit;
    const std::string login = endpoint_.login.header(request.method, request.path);
    if (!login.empty()) request.headers.emplace_back("Authorization", login);
    return network_->request(request, clock_.now() + options_.timeout);
  }

  const std::string name_, key_;
  const std::unique_ptr<ports::Network> network_;
  HttpEndpoint endpoint_;
  const Duration spacing_;
  const std::vector<std::string> paths_;
  const DeviceOptions options_;
  const ports::Clock& clock_;
  FailurePause pause_;
  bool asked_to_wait_ = false;
};

class MqttDevice final : public MessageDevice {
 public:
  MqttDevice(std::string name, std::string key, std::unique_ptr<ports::Subscription> subscription, std::string broker,
             devices::MessageFormat format, DeviceOptions options, const ports::Clock& clock)
      : MessageDevice(std::move(format)),
        name_(std::move(name)),
        key_(std::move(key)),
        subscription_(std::move(subscription)),
        broker_(std::move(broker)),
        topics_(devices::sources(format_)),
        options_(options),
        clock_(clock) {}

  const std::string& name() const override { return name_; }
  const std::string& connection_key() const override { return key_; }
  Duration spacing() const override { return {}; }
  ports::DeviceIdentity identity() const override { return {}; }
  void cancel() override { subscription_->cancel(); }

  Result<ports::DevicePoll> poll() override {
    const auto inbox = subscription_->wait(seen_, clock_.now() + kPatience);
    if (!inbox) return tl::unexpected(inbox.error());
    if (!inbox->connected) return fail(ErrorKind::unreachable, "MQTT broker {}: {}", broker_, inbox->trouble);
    seen_ = inbox->count;
    devices::Messages heard;
    std::map<std::string, MonoTime> times;
    for (const std::string& topic : topics_) heard[topic] = listen(topic, *inbox, times);
    std::vector<std::string> fastest;
    auto measured = measure(name_, format_, options_, heard, ErrorKind::timeout, fastest);
    if (!measured) return tl::unexpected(measured.error());
    ports::DevicePoll poll;
    poll.values = std::move(*measured);
    std::optional<MonoTime> oldest;
    for (const std::string& topic : fastest) {
      const auto known = times.find(topic);
      if (known != times.end()) oldest = std::min(oldest.value_or(known->second), known->second);
    }
    for (const auto& [topic, time] : times) poll.at = oldest ? *oldest : std::max(poll.at, time);
    return poll;
  }

 private:
  Result<void> command(const devices::MessageCommand& wanted) override {
    auto sent = subscription_->publish(wanted.source, wanted.payload);
    if (!sent) return fail(sent.error().kind, "broker {}: {}", broker_, sent.error().text);
    return sent;
  }

  /// What a topic still says, with the time at which it was true.
  devices::Heard listen(const std::string& topic, const ports::Inbox& inbox, std::map<std::string, MonoTime>& times) {
    const auto found = inbox.newest.find(topic);
    if (found == inbox.newest.end()) return {std::nullopt, "nothing has come yet"};
    const ports::Message& message = found->second;
    std::optional<MonoTime> held;
    if (!message.retained) held = message.at;
    const auto alive = inbox.newest.find(format_.alive);
    if (!format_.alive.empty() && alive != inbox.newest.end() && !alive->second.retained) {
      held = std::max(held.value_or(alive->second.at), alive->second.at);
    }
    if (!held) return {std::nullopt, "only what the broker had kept, of unknown age"};
    const Duration age = clock_.now() - *held;
    if (age > format_.max_age) return {std::nullopt, fmt::format("silent for {:.0f} s", to_seconds(age))};
    times[topic] = *held;
    return {message.payload, ""};
  }

  const std::string name_, key_;
  const std::unique_ptr<ports::Subscription> subscription_;
  const std::string broker_;
  const std::vector<std::string> topics_;
  const DeviceOptions options_;
  const ports::Clock& clock_;
  std::uint64_t seen_ = 0;
};

}  // namespace

std::unique_ptr<ports::Device> make_http_device(std::string name, std::string key,
                                                std::unique_ptr<ports::Network> network, HttpEndpoint endpoint,
                                                const devices::Template& device_template, devices::MessageFormat format,
                                                DeviceOptions options, const ports::Clock& clock) {
  return std::make_unique<HttpDevice>(std::move(name), std::move(key), std::move(network), std::move(endpoint),
                                      device_template.transport.poll_interval, std::move(format), options, clock);
}

std::vector<std::string> topics_of(const devices::MessageFormat& format) {
  std::vector<std::string> topics = devices::sources(format);
  if (!format.alive.empty() && std::ranges::find(topics, format.alive) == topics.end()) topics.push_back(format.alive);
  return topics;
}

std::unique_ptr<ports::Device> make_mqtt_device(std::string name, std::string key,
                                                std::unique_ptr<ports::Subscription> subscription, std::string broker,
                                                devices::MessageFormat format, DeviceOptions options,
                                                const ports::Clock& clock) {
  return std::make_unique<MqttDevice>(std::move(name), std::move(key), std::move(subscription), std::move(broker),
                                      std::move(format), options, clock);
}

}  // namespace sluice::io
