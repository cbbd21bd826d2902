#pragma once
/// MQTT 3.1.1 brokers over libmosquitto. No last will, and nothing is published but commands to devices.

#include <mutex>
#include <vector>

#include "ports/clock.hpp"
#include "ports/messages.hpp"

namespace sluice::mqtt {

/// Thread-safe. Each broker runs one thread; it ends with the last subscription. `clock` must outlive all of them.
class MosquittoBrokers final : public ports::MessageBrokers {
 public:
  explicit MosquittoBrokers(const ports::Clock& clock);
  ~MosquittoBrokers() override;
  Result<std::shared_ptr<ports::MessageBroker>> at(const ports::BrokerAddress& address) override;

 private:
  class Broker;
  const ports::Clock& clock_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Broker>> open_;  // guarded by mutex_
};

}  // namespace sluice::mqtt
