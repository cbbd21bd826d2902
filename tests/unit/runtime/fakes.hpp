#pragma once
/// A world of a few lines: a clock that is moved by hand, and a meter, a miner, a store and a log that remember what
/// was done to them.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "ports/miner.hpp"
#include "ports/store.hpp"
#include "runtime/announcer.hpp"
#include "runtime/decision_maker.hpp"

namespace sluice::runtime {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Waiting for a time is how time passes.
class FakeClock final : public ports::Clock {
 public:
  MonoTime now() const override { return now_; }
  WallTime wall_now() const override { return from_unix_ms(1'700'000'000'000) + now_.time_since_epoch() + wall_step; }
  bool wall_sane() const override { return sane; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime deadline) const override {
    now_ = std::max(now_, deadline);
  }
  void advance(Duration by) { now_ += by; }

  Duration wall_step{};
  bool sane = true;

 private:
  mutable MonoTime now_{seconds(1000)};
};

class FakeRecorder final : public ports::Recorder {
 public:
  void record(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Decision>) override {
    const std::lock_guard lock(mutex_);
    last = std::move(snapshot);
    ++ticks;
  }
  void record(ports::Event event) override {
    const std::lock_guard lock(mutex_);
    events.push_back(std::move(event));
  }
  std::string degraded() const override { return ""; }

  int count(const std::string& code, bool cleared = false) const {
    const std::lock_guard lock(mutex_);
    int found = 0;
    for (const ports::Event& event : events) found += event.code == code && event.cleared == cleared;
    return found;
  }

  std::vector<ports::Event> events;
  std::shared_ptr<const Snapshot> last;
  int ticks = 0;

 private:
  mutable std::mutex mutex_;
};

class FakeNotifier final : public ports::Notifier {
 public:
  void notify(const ports::Event& event) override { told.push_back(event.code); }
  std::vector<std::string> told;
};

class FakeStore final : public ports::StateStore {
 public:
  Result<PersistentState> load() override { return saved; }
  Result<void> save(const PersistentState& state) override {
    ++saves;
    if (broken) return fail(ErrorKind::io, "read-only file system");
    saved = state;
    return {};
  }
  PersistentState saved;
  int saves = 0;
  bool broken = false;
};

class FakeDevice final : public ports::Device {
 public:
  FakeDevice(std::string name, std::function<Result<ports::DevicePoll>()> answer)
      : name_(std::move(name)), answer_(std::move(answer)) {}
  const std::string& name() const override { return name_; }
  const std::string& connection_key() const override { return key_; }
  Duration spacing() const override { return spacing_; }
  Result<ports::DevicePoll> poll() override { return answer_(); }
  ports::DeviceIdentity identity() const override { return {}; }
  void cancel() override {}
  Result<void> hold_battery(const Keep& keep) override {
    told.push_back("hold");
    if (auto kept = keep("120"); !kept) return kept;
    if (refuses) return fail(ErrorKind::rejected, "exception 2");
    return {};
  }
  Result<void> release_battery(const std::string& before) override {
    told.push_back("release " + before);
    if (refuses) return fail(ErrorKind::rejected, "exception 2");
    return {};
  }
  Duration hold_repeat() const override { return repeat; }
  bool can_switch() const override { return is_switch; }
  Result<void> switch_power(bool on) override {
    told.push_back(on ? "on" : "off");
    if (refuses) return fail(ErrorKind::unreachable, "no answer");
    if (!stuck) switched_on = on;
    return {};
  }

  std::vector<std::string> told;
  bool refuses = false;
  Duration repeat{};
  bool is_switch = false, stuck = false;
  std::atomic<bool> switched_on = true;

 private:
  std::string name_, key_ = "127.0.0.1:502";
  Duration spacing_ = milliseconds(100);
  std::function<Result<ports::DevicePoll>()> answer_;
};

/// A miner that does as told at once. What happens to it is written down in `calls`; the script may be changed from
/// inside a call through `during`.
class FakeMiner final : public ports::Miner {
 public:
  struct Script {
    std::mutex mutex;
    std::vector<std::string> calls;
    ports::MinerIdentity identity{"FakeOS 1", "Fake S19", "aa:bb:cc:00:11:22", "SN1", "fake"};
    ports::MinerPoll state;
    std::optional<Error> error;  ///< every call fails with it
    std::function<void(const std::string&)> during;
    std::atomic<int> cancels = 0;
    std::atomic<bool> cancelled = false;  ///< a cancel came during the call: it ends so
    ports::MinerAbilities abilities;
    MonoTime last_deadline{};
  };
  FakeMiner(std::shared_ptr<Script> script, const ports::Clock& clock) : script_(std::move(script)), clock_(clock) {}

  static std::shared_ptr<Script> script() {
    auto made = std::make_shared<Script>();
    made->state.state = MinerState::asleep;
    made->state.uptime = seconds(5000);
    made->abilities.envelope = {EnvelopeKind::range, Watts(1000), Watts(3000), Watts(1), {}};
    return made;
  }

  Result<ports::MinerIdentity> identify(MonoTime deadline) override {
    if (auto error = enter("identify", deadline)) return tl::unexpected(*error);
    return script_->identity;
  }
  Result<ports::MinerAbilities> abilities() override { return script_->abilities; }
  Result<ports::MinerPoll> poll(MonoTime deadline) override {
    if (auto error = enter("poll", deadline)) return tl::unexpected(*error);
    return script_->state;
  }
  Result<ports::MinerApplied> apply_target(Watts target, MonoTime deadline) override {
    return command(fmt::format("target {}", target.value()), target, MinerState::running, deadline);
  }
  Result<ports::MinerApplied> sleep(MonoTime deadline) override {
    return command("sleep", Watts(0), MinerState::asleep, deadline);
  }
  Result<ports::MinerApplied> wake(Watts target, MonoTime deadline) override {
    return command(fmt::format("wake {}", target.value()), target, MinerState::waking, deadline);
  }
  std::optional<MonoTime> last_sent_at() const override { return sent_at_; }
  void tell_sent(std::function<void(MonoTime)> listener) override { listener_ = std::move(listener); }
  void cancel() override {
    ++script_->cancels;
    script_->cancelled = true;
  }

 private:
  std::optional<Error> enter(const std::string& call, MonoTime deadline) {
    script_->cancelled = false;
    std::function<void(const std::string&)> during;
    {
      const std::lock_guard lock(script_->mutex);
      script_->calls.push_back(call);
      during = script_->during;
    }
    script_->last_deadline = deadline;
    if (during) during(call);
    if (script_->cancelled) return Error{ErrorKind::cancelled, "cancelled"};
    return script_->error;
  }
  Result<ports::MinerApplied> command(const std::string& call, Watts target, MinerState state, MonoTime deadline) {
    sent_at_ = clock_.now();
    if (listener_) listener_(*sent_at_);
    if (auto error = enter(call, deadline)) return tl::unexpected(*error);
    script_->state.state = state;
    script_->state.target = target;
    return ports::MinerApplied{target, true, *sent_at_};
  }
  std::shared_ptr<Script> script_;
  const ports::Clock& clock_;
  std::optional<MonoTime> sent_at_;
  std::function<void(MonoTime)> listener_;
};

/// Decides what the test says.
class FakeMaker final : public DecisionMaker {
 public:
  void step(const Snapshot& snapshot, Decision& decision) override {
    seen.push_back(snapshot);
    decision = Decision{};
    decision.miners.resize(snapshot.miners.size());
    if (decide) decide(snapshot, decision);
  }
  void reconfigure(Site site) override { sites.push_back(std::move(site)); }
  void remember(PersistentState&) const override { ++remembered; }

  std::function<void(const Snapshot&, Decision&)> decide;
  std::deque<Snapshot> seen;
  std::vector<Site> sites;
  mutable int remembered = 0;
};

/// What every test of this folder needs.
struct World {
  FakeClock clock;
  NullLog log;
  FakeRecorder recorder;
  FakeNotifier notifier;
  FakeStore store;
  Announcer announcer{clock, log, recorder, notifier};
};

inline MinerDecision decided(CommandKind kind, double watts, std::uint64_t sequence, bool urgent = false) {
  MinerDecision decision;
  decision.wanted = kind;
  decision.target = Watts(watts);
  decision.sequence = sequence;
  decision.urgent = urgent;
  return decision;
}

}  // namespace sluice::runtime
