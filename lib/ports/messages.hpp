#pragma once
/// A message broker as a reader sees it: the newest message of each topic, and when it came.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::ports {

struct Message {
  std::string payload;
  MonoTime at{};          ///< when it arrived here; when it was written nobody knows
  bool retained = false;  ///< the broker had kept it, for how long nobody knows either: not news
};

/// What a subscription knows at one instant.
struct Inbox {
  bool connected = false;
  std::string trouble;                    ///< why not: "connection refused", "wrong password"
  std::uint64_t count = 0;                ///< messages that came so far; grows
  std::map<std::string, Message> newest;  ///< by topic; what came before the present connection is gone
};

/// The topics of one reader, who may also publish. Used by one thread; only `cancel` may come from another.
class Subscription {
 public:
  virtual ~Subscription() = default;
  /// Returns when more than `count` messages have come, when the connection is lost, or at `deadline` on the injected
  /// clock, whichever is first. Errors: cancelled.
  virtual Result<Inbox> wait(std::uint64_t count, MonoTime deadline) = 0;
  /// Hands a message to the connection, not to be kept by the broker; whether anybody heard it is not known.
  /// Errors: unreachable.
  virtual Result<void> publish(const std::string& topic, const std::string& payload) = 0;
  /// Ends a running `wait` within 100 ms.
  virtual void cancel() = 0;
};

/// One connection, kept up by itself: it connects again after 1, 2, 4 … 30 s, and subscribes again. Thread-safe.
class MessageBroker {
 public:
  virtual ~MessageBroker() = default;
  /// `topics` without wildcards. The subscription keeps the broker.
  virtual std::unique_ptr<Subscription> subscribe(std::vector<std::string> topics) = 0;
};

struct BrokerAddress {
  std::string host;
  std::uint16_t port = 1883;
  std::string username{}, password{};  ///< empty = none
  bool tls = false;
  std::string ca_file{};  ///< PEM; empty = the system's certificates
  bool operator==(const BrokerAddress&) const = default;
};

class MessageBrokers {
 public:
  virtual ~MessageBrokers() = default;
  /// The connection to this broker, shared by all who ask for the same. Connects in the background. Errors: invalid.
  virtual Result<std::shared_ptr<MessageBroker>> at(const BrokerAddress& address) = 0;
};

}  // namespace sluice::ports
