#pragma once
/// Everything that is asked beyond the house, by one thread: price feeds over HTTP and MQTT, and what mining is worth.
/// Polite (each source as often as its definition allows, pauses after failures, 429 heeded), remembered on disk, and
/// never in anybody's way: what is known is published as an immutable whole.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "feeds/definition.hpp"
#include "feeds/times.hpp"
#include "io/hash_price.hpp"
#include "model/live_prices.hpp"
#include "ports/clock.hpp"
#include "ports/messages.hpp"
#include "ports/web.hpp"

namespace sluice::io {

struct FeedPlan {
  std::string key;               ///< what the answers depend on, without secrets: options and feed
  feeds::Definition definition;  ///< filled with its options; its currency is the site's
  feeds::Zone zone;
  bool bought = false, sold = false;              ///< what it is used for
  bool colours = false, events = false;           ///< likewise
  std::function<Result<std::string>()> token;     ///< asked for each time; empty: none
  std::shared_ptr<ports::Subscription> messages;  ///< of a feed over MQTT
};

class PriceService {
 public:
  struct Doors {
    ports::Web& web;
    const ports::Clock& clock;
    Log& log;
    std::string directory;   ///< of the caches; empty: nothing is kept
    std::uint64_t seed = 0;  ///< spreads the houses that ask
    std::function<void(const LiveReports&)>
        publish;  ///< called on the service's thread after every change, and each minute
  };
  /// Reads the caches and publishes what they hold.
  PriceService(Doors doors, std::vector<FeedPlan> feeds, std::optional<HashPlan> hash);
  ~PriceService();
  PriceService(const PriceService&) = delete;
  PriceService& operator=(const PriceService&) = delete;

  /// Asks whoever is due. When to come back, at the latest.
  MonoTime step();
  /// Steps until `stop`. A thread of its own.
  void run();
  /// Ends a running request within 100 ms. From any thread.
  void stop();

  /// One conversation with a feed, for `sluice prices`: what it says, or why not. Keeps and publishes nothing.
  struct Look {
    std::optional<LiveReports> reports;
    bool unpublished = false;  ///< a part is not out yet
    std::size_t unknown = 0;   ///< rows without a price
    std::optional<Error> error;
  };
  static Look look(ports::Web& web, const FeedPlan& plan, const ports::Clock& clock);

 private:
  class Feed;
  class Hash;

  void publish();

  Doors doors_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::unique_ptr<Hash> hash_;
  MonoTime next_publish_{};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  ///< guarded by mutex_
};

}  // namespace sluice::io
