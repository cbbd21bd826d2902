#pragma once
/// The one who talks to one miner: finds out who is there, sends commands, polls. It runs on a thread of its own, which
/// alone enters the adapter; from outside come only decisions and `cancel`.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "model/decision.hpp"
#include "model/miner.hpp"
#include "ports/clock.hpp"
#include "ports/miner.hpp"
#include "runtime/announcer.hpp"

namespace sluice::runtime {

struct MinerSettings {
  std::string name;
  std::string mac, serial;  ///< identity pins; empty = none. A pin the firmware cannot answer is not met.
  Duration poll_interval{std::chrono::seconds(5)};
  Duration command_time{std::chrono::seconds(2)};  ///< deadlines of the calls: longer where the firmware is slow
  Duration poll_time{std::chrono::seconds(2)};
  Duration identify_time{std::chrono::seconds(10)};
  bool stop_only = false;  ///< will only ever be told to sleep, in a hurry: nothing else need be known of the miner
};

/// One miner as its worker last saw it. Immutable once published.
struct MinerReport {
  MinerObservation seen;
  ports::MinerIdentity identity;  ///< of the last `identify`
  WorkingCurve curve;             ///< the firmware's own table, in the watts that it reports; empty: it does not tell
  bool tried = false;             ///< it has answered or failed at least once
  std::string trouble;            ///< why it cannot be used now; empty when it can
  std::string command_trouble;    ///< why the last command was refused or failed; empty when it was taken
  std::string note;               ///< the firmware's own words
};

class MinerWorker {
 public:
  /// Talks to nobody before `run_once`. References must outlive the worker.
  MinerWorker(MinerSettings settings, std::unique_ptr<ports::Miner> miner, const ports::Clock& clock,
              Announcer& announcer);

  const std::string& name() const { return settings_.name; }
  /// The tick's decision. A new sequence replaces a command that still waits; an urgent one ends a running poll; `none`
  /// withdraws what still waits. Returns at once. Called again with the same decision it does no harm.
  void post(const MinerDecision& decision);
  /// Never null. Thread-safe.
  std::shared_ptr<const MinerReport> report() const;
  /// Nothing waits and no command is on its way.
  bool idle() const;

  /// One turn: identify if needed, else a waiting command, else a poll that is due. Returns when the next turn is due.
  MonoTime run_once();
  /// `run_once` until `stop`.
  void run();
  /// Ends a running call and makes `run` return. From any thread.
  void stop();

 private:
  enum class Activity { none, identifying, polling, commanding };

  bool begin(Activity activity);
  void end();
  std::optional<MinerDecision> take_command();
  void identify();
  void poll();
  void absorb(const ports::MinerPoll& poll, MonoTime asked_at);
  bool restarted(const ports::MinerPoll& poll, MonoTime now);
  void execute(const MinerDecision& command);
  void sent(MonoTime at);
  void drop(const MinerDecision& command, const std::string& why);
  void lose(const Error& error, MonoTime now);
  std::optional<std::string> pin_violated(const ports::MinerIdentity& identity) const;
  bool refresh_abilities();
  void publish();

  const MinerSettings settings_;
  const std::unique_ptr<ports::Miner> miner_;
  const ports::Clock& clock_;
  Announcer& announcer_;

  // of the worker's thread
  MinerReport now_;
  bool identified_ = false;
  MonoTime next_poll_{};
  int failures_ = 0;
  Duration back_off_{};
  std::optional<Duration> uptime_;
  bool sending_ = false;          ///< within a command that has not ended
  MonoTime own_restart_until_{};  ///< an own sleep or wake may restart the mining process until then

  std::atomic<bool> without_power_{false};  ///< by decision: that it does not answer is no news
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // guarded by mutex_
  std::shared_ptr<const MinerReport> published_;
  std::optional<MinerDecision> waiting_;
  std::uint64_t newest_sequence_ = 0;
  Activity activity_ = Activity::none;
  bool stopping_ = false;
};

}  // namespace sluice::runtime
