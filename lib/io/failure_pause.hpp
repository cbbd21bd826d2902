#pragma once
/// Keeps quiet towards a device that failed: for 1, 2, 4 … 30 s its last error is the answer.

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::io {

class FailurePause {
 public:
  /// The error to answer with while it lasts.
  std::optional<Error> standing(MonoTime now) const {
    return failures_ > 0 && now < until_ ? std::optional(last_) : std::nullopt;
  }
  void answered() { failures_ = 0; }
  /// `least`: what the device itself asks for.
  void failed(Error error, MonoTime now, Duration least = {}) {
    constexpr Duration kFirst = std::chrono::seconds(1), kLongest = std::chrono::seconds(30);
    last_ = std::move(error);
    const Duration pause = kFirst * (1 << std::min(failures_++, 5));
    until_ = now + std::max(least, std::min(pause, kLongest));
  }

 private:
  int failures_ = 0;
  Error last_;
  MonoTime until_{};
};

}  // namespace sluice::io
