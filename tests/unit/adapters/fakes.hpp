#pragma once
/// A clock that stands still until somebody waits, and a network that answers from a function. With both an adapter
/// runs without sockets and without time.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "ports/clock.hpp"
#include "ports/network.hpp"

namespace sluice::testing {

class ManualClock final : public ports::Clock {
 public:
  MonoTime now() const override { return now_; }
  WallTime wall_now() const override { return {}; }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime deadline) const override {
    if (deadline > now_) now_ = deadline;
  }
  void advance(Duration time) { now_ += time; }

 private:
  mutable MonoTime now_{std::chrono::hours(1)};
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view component, std::string_view text) override {
    lines.push_back(fmt::format("{} {}: {}", to_string(level), component, text));
  }
  std::vector<std::string> lines;
};

/// Answers every exchange with `answer(request)`, every HTTP request with `respond(request)`.
class ScriptedNetwork final : public ports::NetworkFactory {
 public:
  std::function<Result<std::string>(const std::string&)> answer;
  std::function<Result<ports::HttpReply>(const ports::HttpRequest&)> respond;
  std::vector<std::string> sent;

  std::unique_ptr<ports::Network> make() override { return std::make_unique<Door>(*this); }

 private:
  class Door final : public ports::Network {
   public:
    explicit Door(ScriptedNetwork& script) : script_(script) {}
    void begin() override { cancelled_ = false; }
    Result<std::string> exchange(const ports::TcpExchange& exchange, MonoTime) override {
      script_.sent.push_back(exchange.send);
      auto reply = script_.answer(exchange.send);
      if (exchange.on_first_byte && reply) exchange.on_first_byte();
      return reply;
    }
    Result<ports::HttpReply> request(const ports::HttpRequest& request, MonoTime) override {
      script_.sent.push_back(request.method + " " + request.path + (request.body.empty() ? "" : " ") + request.body);
      auto reply = script_.respond(request);
      if (request.on_first_byte && reply) request.on_first_byte();
      return reply;
    }
    Result<void> wait_until(MonoTime) override { return {}; }
    bool cancelled() const override { return cancelled_; }
    void cancel() override { cancelled_ = true; }

   private:
    ScriptedNetwork& script_;
    bool cancelled_ = false;
  };
};

}  // namespace sluice::testing
