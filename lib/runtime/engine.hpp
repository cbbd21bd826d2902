#pragma once
/// The running daemon without its outside: the tick loop, a thread for each connection and each miner, the state
/// keeper; start, reload and the orderly end.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/tick_loop.hpp"

namespace sluice::runtime {

/// One connection and its devices. `open` is called when the connection is new or changed.
struct ConnectionPlan {
  std::string key;
  std::string fingerprint;  ///< all that the connection depends on: a reload with the same one keeps it
  std::function<Result<std::vector<PolledDevice>>()> open;
};

struct MinerPlan {
  MinerSettings settings;
  std::string fingerprint;
  std::function<Result<std::unique_ptr<ports::Miner>>()> open;
};

struct Plan {
  Site site;
  Duration period{std::chrono::seconds(1)};
  std::function<std::int64_t(WallTime)> local_day;
  WorthPlan worth;
  MoneyView money;         ///< may be empty
  BillView bill;           ///< may be empty
  BillMemory bill_memory;  ///< empty when `bill` is
  std::vector<ConnectionPlan> connections;
  std::vector<MinerPlan> miners;  ///< order of `site.miners`
};

class Engine {
 public:
  struct Doors {
    const ports::Clock& clock;
    const ports::Clock& real_clock;
    Log& log;
    ports::Recorder& recorder;
    ports::StateStore& store;
    Announcer& announcer;
    std::function<void(const TickView&)> after_tick;  ///< the watchdog; may be empty
    Duration drain = std::chrono::seconds(6);         ///< real time that miners have to take their last command
  };
  /// `state` is what the store held, `maker` decides for `plan.site`. `maker` and all doors must outlive the engine.
  Engine(Doors doors, PersistentState state, DecisionMaker& maker);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Opens every connection and miner; nothing runs and nobody is talked to yet. Errors: what could not be opened.
  Result<void> open(Plan plan);
  /// Starts the threads, ticks on the calling thread until `request_stop`, then ends in order: intents closed, last
  /// decision, senders drained, pollers stopped, state saved.
  void run();
  /// From any thread; a signal handler's thread too.
  void request_stop();
  /// Takes over a reloaded plan between two ticks. What has the same name and fingerprint goes on; what is new is
  /// opened first, and when that fails nothing changes. A miner that left the plan is put to sleep; a battery that a
  /// changed connection held is released before. From any thread but the tick's, while `run` runs.
  Result<void> reload(Plan plan);

  /// Parks (or releases) one miner, or all with an empty name, and remembers it over restarts. From any thread.
  Result<void> park(std::string_view name, bool parked);
  /// A commissioning run, as in `Intents`, in real time. From any thread.
  Result<std::uint64_t> learn(std::string_view miner) { return intents_.learn(miner, doors_.real_clock.now()); }
  Result<void> keep_learning(std::uint64_t run) { return intents_.keep_learning(run, doors_.real_clock.now()); }
  void end_learning(std::uint64_t run) { intents_.end_learning(run); }
  /// Keeps what an adapter wants to find again after a restart. From any thread.
  void keep_adapter_state(const std::string& miner, const std::string& adapter_state);
  /// Remembers the newest entry of the ledger. From any thread.
  void keep_ledger_head(const LedgerHead& head);
  /// What would be found after a restart. From any thread.
  PersistentState state() const { return keeper_.state(); }
  std::shared_ptr<const TickView> view() const;
  std::vector<DecisionEntry> decisions(std::string_view miner, std::size_t count) const;

 private:
  /// A worker or poller, and the thread it runs on.
  template <class Job>
  struct Staffed {
    std::string name, fingerprint;
    std::shared_ptr<Job> job;
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done = std::make_shared<std::atomic<bool>>(false);
  };
  using Miners = std::vector<Staffed<MinerWorker>>;
  using Connections = std::vector<Staffed<DevicePoller>>;

  Result<void> open_new(const Plan& plan, Miners& miners, Connections& connections);
  std::shared_ptr<const Crew> crew_of(Plan& plan) const;
  template <class Job>
  void start(Staffed<Job>& staffed);
  template <class Job>
  void dismiss(std::vector<Staffed<Job>>& leaving);
  /// Switches that are off by our order and no miner's in a site, each with the miner whose it was.
  using LeftSwitches = std::vector<std::pair<std::string, std::string>>;
  LeftSwitches left_switches(const Site& site) const;
  LeftSwitches switch_on(const LeftSwitches& left);
  void release_batteries(const Plan& plan);
  void park_and_dismiss(Miners leaving, const std::vector<std::string>& staying);
  void shut_down();
  bool all_idle() const;
  void remember_the_end();
  void pause(Duration real_time) const;

  Doors doors_;
  DecisionMaker& maker_;
  Intents intents_;
  StateKeeper keeper_;
  Miners miners_;
  Connections connections_;
  std::unique_ptr<TickLoop> loop_;
  std::thread keeper_thread_;
};

}  // namespace sluice::runtime
