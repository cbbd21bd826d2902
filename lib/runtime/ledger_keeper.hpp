#pragma once
/// Keeps the ledger: ticks in, entries out, on a thread of its own. No tick waits for it.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ledger/accounts.hpp"
#include "ledger/report.hpp"
#include "ports/clock.hpp"
#include "ports/ledger.hpp"
#include "runtime/announcer.hpp"
#include "runtime/tick_loop.hpp"

namespace sluice::runtime {

/// Thread-safe.
class LedgerKeeper {
 public:
  struct Doors {
    ports::LedgerBook& book;
    const ports::Clock& clock;
    Announcer& announcer;
    /// Called from the keeper's thread with every new head, to be remembered apart from the ledger; may be empty.
    std::function<void(const LedgerHead&)> remember;
  };
  /// `known`: the head as it was remembered. All doors must outlive the keeper.
  LedgerKeeper(Doors doors, LedgerHead known);
  ~LedgerKeeper();

  /// Notes one tick and returns at once. When the keeper cannot follow, ticks are dropped, and become a gap.
  void take(const TickView& view);

  /// Works off what was noted, on the caller's thread. Only while no thread was started.
  void run_once();
  /// Starts the thread.
  void start();
  /// Works off what was noted, ends the open interval and writes everything.
  void stop();

  /// What is known of one day, the open interval included.
  struct Today {
    std::int64_t local_day = 0;  ///< 0: nothing yet
    ledger::Totals totals;
    std::string degraded;  ///< empty while the ledger is written; otherwise why it is not
  };
  Today today() const;
  LedgerHead head() const;

 private:
  struct Tick {
    std::shared_ptr<const Crew> crew;
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const Decision> decision;
  };
  void begin();
  void run();
  void work(const std::deque<Tick>& ticks);
  void closed(std::vector<LedgerEntry> entries);
  void write();
  void keep(OpenInterval open);
  void show();
  void judge_day();
  void failed(const Error& error);

  Doors doors_;
  // Of the working thread.
  ledger::Accounts accounts_;
  std::vector<LedgerEntry> waiting_;
  bool begun_ = false, open_ = false;
  std::int64_t day_ = 0;
  ledger::Totals day_totals_;  ///< of the entries of `day_` that are over
  MonoTime retry_at_ = MonoTime::min(), next_keep_ = MonoTime::min();
  Duration retry_after_{};
  std::uint64_t lost_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<Tick> queue_;
  LedgerHead head_;
  Today shown_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::runtime
