#include "runtime/ledger_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {
namespace {

constexpr Duration kRound = std::chrono::seconds(5);  // snapshots are large: few of them wait
// What a killed process loses at most, with a round.
constexpr Duration kKeepEach = std::chrono::seconds(20);
constexpr std::size_t kQueueMax = 4096;
constexpr Duration kFirstRetry = std::chrono::minutes(1);
constexpr Duration kLongestRetry = std::chrono::minutes(10);
// A week of a dozen miners.
constexpr std::size_t kWaitingMax = 8192;
constexpr const char* kNotWritten = "ledger_not_written";
constexpr const char* kUnreconciled = "ledger_unreconciled";

}  // namespace

LedgerKeeper::LedgerKeeper(Doors doors, LedgerHead known) : doors_(std::move(doors)), head_(std::move(known)) {}

LedgerKeeper::~LedgerKeeper() { stop(); }

void LedgerKeeper::take(const TickView& view) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (queue_.size() >= kQueueMax) queue_.pop_front();
  queue_.push_back({view.crew, view.snapshot, view.decision});
}

void LedgerKeeper::run_once() {
  std::deque<Tick> ticks;
  {
    const std::lock_guard lock(mutex_);
    ticks = std::exchange(queue_, {});
  }
  work(ticks);
}

void LedgerKeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void LedgerKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::deque<Tick> ticks = std::exchange(queue_, {});
    lock.unlock();
    work(ticks);
    lock.lock();
    const MonoTime next_round = doors_.clock.now() + kRound;
    while (!stopping_ && doors_.clock.now() < next_round) doors_.clock.wait_until(lock, wake_, next_round);
  }
}

void LedgerKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (!begun_ && queue_.empty()) return;  // it never had anything to keep
  run_once();
  closed(accounts_.close());
  retry_at_ = MonoTime::min();
  write();
  // An orderly end: nothing is claimed of what miners draw after it.
  OpenInterval open = accounts_.open();
  open.draw.clear();
  keep(std::move(open));
  show();
}

/// Goes on where another process was, or begins.
void LedgerKeeper::begin() {
  begun_ = true;
  write();
  const std::optional<OpenInterval> left = doors_.book.kept();
  // Entries that came after it was kept hold what it holds: it was written, and the process died before it said so.
  if (!left || head().sequence > left->after) return;
  closed(left->waiting);
  accounts_.restore(*left);
}

void LedgerKeeper::work(const std::deque<Tick>& ticks) {
  if (!begun_) begin();
  for (const Tick& tick : ticks) closed(accounts_.add(tick.crew->site, *tick.snapshot, *tick.decision));
  write();
  if (doors_.clock.now() >= next_keep_) {
    next_keep_ = doors_.clock.now() + kKeepEach;
    keep(accounts_.open());
  }
  show();
}

void LedgerKeeper::closed(std::vector<LedgerEntry> entries) {
  for (LedgerEntry& entry : entries) {
    if (entry.local_day != day_ && entry.local_day != 0) {
      judge_day();
      day_ = entry.local_day;
      day_totals_ = {};
      if (open_) {
        if (const auto before = doors_.book.entries_of(day_)) {
          for (const LedgerEntry& one : *before) day_totals_.add(one);
        }
      }
    }
    if (entry.local_day == day_) day_totals_.add(entry);
    waiting_.push_back(std::move(entry));
  }
  if (waiting_.size() > kWaitingMax) {
    lost_ += waiting_.size() - kWaitingMax;
    waiting_.erase(waiting_.begin(), waiting_.end() - static_cast<std::ptrdiff_t>(kWaitingMax));
  }
  const ledger::Reconciliation meter = ledger::reconcile(day_totals_.site);
  if (ledger::alarming(meter)) {
    doors_.announcer.raise(
        ports::EventLevel::alarm, kUnreconciled, "",
        fmt::format("the grid meter's counters moved by {:.0f} Wh today, and its watts do not explain {:.0f} Wh of it "
                    "({:.1f} %)",
                    meter.counter_wh, meter.unexplained_wh, *meter.pct));
  }
}

/// A day is over: what its meters say of it is told, whatever it is.
void LedgerKeeper::judge_day() {
  if (day_ == 0) return;
  const ledger::Reconciliation meter = ledger::reconcile(day_totals_.site);
  const std::string name = ledger::bucket_name(day_, ledger::Bucket::day);
  if (!meter.pct) {
    doors_.announcer.tell(ports::EventLevel::info, "ledger_day", "",
                          name + ": the grid meter has no counters to hold the ledger against");
    return;
  }
  const std::string text =
      fmt::format("{}: {:.1f} Wh of {:.0f} Wh by the meter's counters are not explained by its watts ({:.2f} %)", name,
                  meter.unexplained_wh, meter.counter_wh, *meter.pct);
  doors_.announcer.tell(ports::EventLevel::info, "ledger_day", "", text);
  doors_.announcer.clear(kUnreconciled, "", "another day: the counters and the watts are compared anew");
}

void LedgerKeeper::write() {
  if ((open_ && waiting_.empty()) || doors_.clock.now() < retry_at_) return;
  if (!open_) {
    const Result<LedgerHead> opened = doors_.book.open(head());
    if (!opened) return failed(opened.error());
    open_ = true;
    const std::lock_guard lock(mutex_);
    head_ = *opened;
  }
  if (!waiting_.empty()) {
    const Result<LedgerHead> appended = doors_.book.append(waiting_);
    if (!appended) return failed(appended.error());
    waiting_.clear();
    {
      const std::lock_guard lock(mutex_);
      head_ = *appended;
    }
    next_keep_ = MonoTime::min();  // what is kept holds what was written just now
    if (doors_.remember) doors_.remember(*appended);
  }
  retry_after_ = Duration::zero();
  retry_at_ = MonoTime::min();
  const std::string lost = lost_ == 0 ? "" : fmt::format("; {} entries were lost meanwhile", std::exchange(lost_, 0));
  doors_.announcer.clear(kNotWritten, "", "the ledger is written again" + lost);
  const std::lock_guard lock(mutex_);
  shown_.degraded.clear();
}

void LedgerKeeper::failed(const Error& error) {
  open_ = false;
  retry_after_ = std::clamp(2 * retry_after_, kFirstRetry, kLongestRetry);
  retry_at_ = doors_.clock.now() + retry_after_;
  doors_.announcer.raise(ports::EventLevel::warning, kNotWritten, "",
                         "the ledger is not written, control goes on: " + error.text);
  const std::lock_guard lock(mutex_);
  shown_.degraded = error.text;
}

void LedgerKeeper::keep(OpenInterval open) {
  open.after = head().sequence;
  open.waiting = waiting_;
  if (const Result<void> kept = doors_.book.keep(open); !kept) {
    doors_.announcer.raise(ports::EventLevel::warning, "ledger_not_kept", "",
                           "what the ledger gathers would not survive a killed process: " + kept.error().text);
  } else {
    doors_.announcer.clear("ledger_not_kept", "", "what the ledger gathers survives the process again");
  }
}

void LedgerKeeper::show() {
  const OpenInterval open = accounts_.open();
  const std::int64_t open_day = open.entries.empty() ? day_ : open.entries.back().local_day;
  ledger::Totals totals;
  if (open_day == day_) {
    totals = day_totals_;
  } else if (day_ == 0 && open_ && open_day != 0) {
    // Just started: what was written of this day before.
    if (const auto before = doors_.book.entries_of(open_day)) {
      for (const LedgerEntry& one : *before) totals.add(one);
    }
    day_ = open_day;
    day_totals_ = totals;
  }
  for (const LedgerEntry& entry : open.entries) totals.add(entry);
  const std::lock_guard lock(mutex_);
  shown_.local_day = open_day;
  shown_.totals = std::move(totals);
}

LedgerKeeper::Today LedgerKeeper::today() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

LedgerHead LedgerKeeper::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

}  // namespace sluice::runtime
