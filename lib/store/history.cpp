#include "store/history.hpp"

#include <utility>

namespace sluice::store {
namespace {

// Events reach the disk within this time; the thread sleeps in between.
constexpr Duration kRound = std::chrono::seconds(20);
// More than a quarter of an hour of ticks with decisions: reached only while the disk hangs.
constexpr std::size_t kQueueMax = 4096;
constexpr std::size_t kQueueWake = kQueueMax / 8;

}  // namespace

History::History(std::string path, HistoryLimits limits, MinerNames miners, const ports::Clock& clock, Log& log)
    : clock_(clock),
      writer_(std::move(path), limits, clock, log),
      miners_(std::make_shared<const MinerNames>(std::move(miners))),
      thread_([this] { run(); }) {}

History::~History() { stop(); }

void History::record(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Decision> decision) {
  const std::lock_guard lock(mutex_);
  for (DecisionChange& change : diff_.changes(*decision, *miners_)) push(std::move(change));
  push(make_sample(*snapshot, *decision, miners_));
}

void History::record(ports::Event event) {
  const bool clock_sane = clock_.wall_sane();
  const std::lock_guard lock(mutex_);
  push(StoredEvent{std::move(event), clock_sane});
}

void History::push(Item item) {
  if (queue_.size() >= kQueueMax) {
    queue_.pop_front();
    ++overflowed_;
  }
  queue_.push_back(std::move(item));
  if (queue_.size() % kQueueWake == 0) wake_.notify_one();
}

std::string History::degraded() const {
  const std::lock_guard lock(mutex_);
  return degraded_;
}

std::uint64_t History::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_ + overflowed_;
}

void History::set_miners(MinerNames miners) {
  const std::lock_guard lock(mutex_);
  miners_ = std::make_shared<const MinerNames>(std::move(miners));
}

void History::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void History::run() {
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    last = stopping_;
    std::deque<Item> items = std::exchange(queue_, {});
    const std::uint64_t overflowed = std::exchange(overflowed_, 0);
    lock.unlock();
    take_over(std::move(items), overflowed);
    last ? writer_.finish() : writer_.write_due();
    lock.lock();
    degraded_ = writer_.degraded();
    lost_ = writer_.lost();
    const MonoTime next_round = clock_.now() + kRound;
    while (!stopping_ && queue_.size() < kQueueWake && clock_.now() < next_round) {
      clock_.wait_until(lock, wake_, next_round);
    }
  }
}

void History::take_over(std::deque<Item> items, std::uint64_t overflowed) {
  writer_.count_lost(overflowed);
  for (Item& item : items) {
    std::visit([this](auto& record) { writer_.accept(std::move(record)); }, item);
  }
}

}  // namespace sluice::store
