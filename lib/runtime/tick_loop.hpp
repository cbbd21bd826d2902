#pragma once
/// The beat of the daemon: freeze a snapshot, decide, hand the decisions out. One thread; it waits for no disk, network
/// or log.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/site.hpp"
#include "ports/clock.hpp"
#include "ports/store.hpp"
#include "runtime/announcer.hpp"
#include "runtime/curve_book.hpp"
#include "runtime/decision_log.hpp"
#include "runtime/decision_maker.hpp"
#include "runtime/device_poller.hpp"
#include "runtime/heat_desk.hpp"
#include "runtime/intents.hpp"
#include "runtime/miner_worker.hpp"
#include "runtime/state_keeper.hpp"
#include "runtime/yielding.hpp"

namespace sluice::runtime {

/// What is known of money at a tick; returns at once. The flag: the date can be trusted.
using MoneyView = std::function<MoneyObservation(MonoTime, WallTime, bool)>;
/// Watches what the bill counts: takes what the grid meter says, tells what may still be imported without raising the
/// billed peak; missing where nothing is. Called by the tick only, with a date that can be trusted.
using BillView = std::function<Reading<Watts>(WallTime, const GridObservation& grid)>;
/// Puts what the bill holds into the state; the flag: there is no later call. By the tick's thread only.
using BillMemory = std::function<void(PersistentState&, bool last)>;

/// Whom the tick works with; replaced as a whole by a reload.
struct Crew {
  Site site;
  Duration period{std::chrono::seconds(1)};
  std::function<std::int64_t(WallTime)> local_day;  ///< days since 1970-01-01 in the site's time zone
  WorthPlan worth;
  MoneyView money;         ///< may be empty: nothing is known of money
  BillView bill;           ///< may be empty: nothing on the bill has to be counted
  BillMemory bill_memory;  ///< empty when `bill` is
  std::vector<std::shared_ptr<DevicePoller>> pollers;
  std::vector<std::shared_ptr<MinerWorker>> workers;  ///< order of `site.miners`
  /// Switches that an order of ours left off and that are no miner's any more, with the miner whose they were.
  std::vector<std::pair<std::string, std::string>> left_switches;
};

struct TickStats {
  std::uint64_t ticks = 0;
  std::uint64_t late_ticks = 0;  ///< began more than half a period late
  Duration worst_step{};         ///< of real time inside the controller
};

/// Everything a reader may want to show, as of one tick. Immutable.
struct TickView {
  std::shared_ptr<const Crew> crew;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const Decision> decision;
  std::vector<std::shared_ptr<const DeviceReport>> devices;
  std::vector<std::shared_ptr<const MinerReport>> miners;
  std::vector<HeatReport> heat;            ///< order of the plan
  std::vector<CurveSource> curve_sources;  ///< order of the miners
  TickStats stats;
};

class TickLoop {
 public:
  struct Doors {
    DecisionMaker& maker;
    const ports::Clock& clock;
    const ports::Clock& real_clock;  ///< for measuring; the same as `clock` outside the demo
    ports::Recorder& recorder;
    Announcer& announcer;
    StateKeeper& keeper;
    Intents& intents;
    std::function<void(const TickView&)> after_tick;  ///< the watchdog; may be empty
  };
  TickLoop(Doors doors, std::shared_ptr<const Crew> crew);

  /// One tick, now.
  void tick();
  /// Ticks until `stop`: when the grid was read anew, at the latest after one period.
  void run();
  void stop();
  /// A fresh grid reading has arrived. From any thread.
  void grid_arrived();
  /// Runs `task` between two ticks, on the tick's thread. False, and nothing will run, once it stops. From any thread.
  bool post(std::function<void()> task);
  /// From now on the snapshot says that this is the end. On the tick's thread.
  void begin_shutdown() { shutting_down_ = true; }
  /// Miners whose last command was not confirmed, of those that may not be left as they are. On the tick's thread.
  std::vector<std::string> unfinished() const;
  /// On the tick's thread.
  void replace_crew(std::shared_ptr<const Crew> crew) {
    crew_ = std::move(crew);
    last_decision_.reset();  // of other miners, perhaps
  }
  const std::shared_ptr<const Crew>& crew() const { return crew_; }
  /// `miner` has its power again by the switch `device`, which it may lose now. On the tick's thread.
  void switched_on(const std::string& device, const std::string& miner) {
    if (cut_.erase(device) > 0) note_cut(miner, "");
  }

  /// Null before the first tick. From any thread.
  std::shared_ptr<const TickView> view() const;
  const DecisionLog& decisions() const { return log_; }

 private:
  std::shared_ptr<Snapshot> freeze(TickView& view);
  void value(TickView& view, Snapshot& snapshot);
  bool wall_sane(MonoTime now, WallTime wall);
  void hand_out(const Snapshot& snapshot, const Decision& decision);
  void hand_to_battery(const Snapshot& snapshot, const Decision& decision);
  void hand_to_switches(const Decision& decision);
  void keep_switches(const Snapshot& snapshot, const Decision& decision);
  void note_cut(const std::string& miner, const std::string& cut_by);
  void announce(const Snapshot& snapshot, const Decision& decision);
  void announce_changes(AlarmSet before, AlarmSet now, const std::string& subject);
  void keep(const Decision& decision, MonoTime now);
  bool wait_for_turn();

  Doors doors_;
  std::shared_ptr<const Crew> crew_;
  DecisionLog log_;
  Yielding yielding_;
  HeatDesk heat_;
  CurveBook curves_;
  std::shared_ptr<const Decision> last_decision_;  ///< null before the first tick and after a reload
  Reading<Watts> demand_limit_;
  bool reserve_covered_ = false;  ///< by the last decision's surplus
  bool shutting_down_ = false;
  TickStats stats_;
  MonoTime last_start_{};
  bool started_by_reading_ = false;
  MonoTime next_remember_{};
  std::uint64_t commissioned_ = 0;  ///< newest run whose outcome the state knows
  std::set<std::string> driven_;    ///< miners that the state knows to be driven
  std::set<std::string> cut_;       ///< switches that the state knows to be off by our order
  Duration wall_offset_{};
  MonoTime wall_doubted_until_{};
  AlarmSet site_alarms_;
  std::vector<std::pair<std::string, AlarmSet>> miner_alarms_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // guarded by mutex_
  bool grid_arrived_ = false;
  bool stopping_ = false;
  std::deque<std::function<void()>> tasks_;
  std::shared_ptr<const TickView> view_;
};

}  // namespace sluice::runtime
