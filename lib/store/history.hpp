#pragma once
/// The recorder that the daemon uses: `HistoryWriter` on a thread of its own behind a bounded queue.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "base/log.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"
#include "store/history_writer.hpp"

namespace sluice::store {

/// Thread-safe. `record` does no more than to note a few numbers: it waits for no disk.
class History final : public ports::Recorder {
 public:
  /// `miners`: names in the order of the snapshots. `clock` and `log` must outlive the object.
  History(std::string path, HistoryLimits limits, MinerNames miners, const ports::Clock& clock, Log& log);
  /// As `stop`.
  ~History() override;

  void record(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Decision> decision) override;
  void record(ports::Event event) override;
  std::string degraded() const override;

  /// After a reload, before the first snapshot with the new order.
  void set_miners(MinerNames miners);
  /// Writes everything that is queued and closes the file. What is recorded later is lost.
  void stop();
  /// Records dropped so far because the disk could not follow.
  std::uint64_t lost() const;

 private:
  using Item = std::variant<Sample, DecisionChange, StoredEvent>;

  void push(Item item);
  void run();
  void take_over(std::deque<Item> items, std::uint64_t overflowed);

  const ports::Clock& clock_;
  HistoryWriter writer_;  ///< the writing thread's alone

  mutable std::mutex mutex_;  ///< guards everything below
  std::condition_variable wake_;
  std::shared_ptr<const MinerNames> miners_;
  DecisionDiff diff_;
  std::deque<Item> queue_;
  std::uint64_t overflowed_ = 0;
  bool stopping_ = false;
  std::string degraded_;
  std::uint64_t lost_ = 0;

  std::thread thread_;  ///< last: starts when the rest is ready
};

}  // namespace sluice::store
