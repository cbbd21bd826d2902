#pragma once
/// What people ask for. Never a command: intents enter the next snapshot and meet the same guard as everything else.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

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
  /// Asks for a commissioning run of one miner and returns its number, never 0. It lasts as long as somebody says so at
  /// least every `kLearnPatience`: whoever waits for it may die. Errors: `not_found`; `rejected` while another one is
  /// asked for; `cancelled` once closed.
  Result<std::uint64_t> learn(std::string_view name, MonoTime now);
  /// Whoever asked for `run` is still there. Error: `not_found` when it is not asked for any more; it does not revive.
  Result<void> keep_learning(std::uint64_t run, MonoTime now);
  /// `run` is not asked for any more; nothing when it was not.
  void end_learning(std::uint64_t run);
  /// The run that is asked for of this miner; 0: none.
  std::uint64_t learning(std::string_view name, MonoTime now) const;
  static constexpr Duration kLearnPatience = std::chrono::seconds(5);

  /// From now on nothing is taken: the daemon stops.
  void close();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, bool, std::less<>> parked_;
  bool closed_ = false;
  struct Learning {
    std::uint64_t run = 0;  ///< 0: none is asked for
    std::string miner;
    MonoTime kept_at{};
  };
  bool asked(MonoTime now) const { return learning_.run != 0 && now - learning_.kept_at <= kLearnPatience; }
  Result<void> known(std::string_view name) const;
  Learning learning_;
  std::uint64_t runs_ = 0;
};

}  // namespace sluice::runtime
