#pragma once
/// What people ask for. Never a command: intents enter the next snapshot and meet the same guard as everything else.

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sluice::runtime {

/// Thread-safe.
class Intents {
 public:
  /// The miners there are, after a start or reload; what was asked of those that stay is kept.
  void set_miners(const std::vector<std::string>& names);
  /// Parks (or releases) one miner, or all with an empty name. Errors: `not_found` names the miners there are;
  /// `cancelled` once closed.
  Result<void> park(std::string_view name, bool parked);
  bool parked(std::string_view name) const;
  /// From now on nothing is taken: the daemon stops.
  void close();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, bool, std::less<>> parked_;
  bool closed_ = false;
};

}  // namespace sluice::runtime
