#include "runtime/miner_worker.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::runtime {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kFailuresUntilDown = 2;  // one lost answer on a Wi-Fi is not a lost miner
constexpr Duration kLongestBackOff = seconds(30);
constexpr Duration kWrongMinerRetry = seconds(60);
constexpr Duration kOwnRestart = minutes(5);  // some firmwares stop and start the mining process to sleep and wake

constexpr const char* kLost = "miner_lost";
constexpr const char* kWrong = "miner_wrong_machine";
constexpr const char* kPassword = "miner_password_refused";
constexpr const char* kRefused = "command_refused";

bool same_ignoring_case(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// The miner understood and said no, or cannot do it: nothing changed. Everything else may have taken effect.
bool refusal(ErrorKind kind) {
  return kind == ErrorKind::rejected || kind == ErrorKind::unauthorized || kind == ErrorKind::unsupported ||
         kind == ErrorKind::invalid;
}

template <class T>
Reading<T> reading(const std::optional<T>& value, MonoTime at) {
  return value ? Reading<T>::good(*value, at) : Reading<T>{};
}

std::string describe(const ports::MinerIdentity& identity) {
  std::string text = identity.model.empty() ? "miner" : identity.model;
  if (!identity.firmware.empty()) text += ", " + identity.firmware;
  if (!identity.mac.empty()) text += ", " + identity.mac;
  return text;
}

}  // namespace

MinerWorker::MinerWorker(MinerSettings settings, std::unique_ptr<ports::Miner> miner, const ports::Clock& clock,
                         Announcer& announcer)
    : settings_(std::move(settings)),
      miner_(std::move(miner)),
      clock_(clock),
      announcer_(announcer),
      next_poll_(clock.now()),
      published_(std::make_shared<MinerReport>()) {
  miner_->tell_sent([this](MonoTime at) { sent(at); });
}

std::shared_ptr<const MinerReport> MinerWorker::report() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

bool MinerWorker::idle() const {
  const std::lock_guard lock(mutex_);
  return !waiting_ && activity_ != Activity::commanding;
}

void MinerWorker::post(const MinerDecision& decision) {
  bool cancel_poll = false;
  without_power_ = decision.without_power;
  {
    const std::lock_guard lock(mutex_);
    if (decision.wanted == CommandKind::none) {
      waiting_.reset();
    } else if (decision.sequence > newest_sequence_) {
      newest_sequence_ = decision.sequence;
      waiting_ = decision;
    } else if (waiting_ && decision.sequence == waiting_->sequence) {
      waiting_->urgent = waiting_->urgent || decision.urgent;
    }
    cancel_poll = waiting_ && waiting_->urgent && activity_ == Activity::polling;
  }
  wake_.notify_all();
  if (cancel_poll) miner_->cancel();
}

/// False when the worker is to stop, or when a poll would stand in the way of an urgent command.
bool MinerWorker::begin(Activity activity) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || (activity == Activity::polling && waiting_ && waiting_->urgent)) return false;
  activity_ = activity;
  return true;
}

void MinerWorker::end() {
  const std::lock_guard lock(mutex_);
  activity_ = Activity::none;
}

/// The waiting command becomes the one on its way in one step, so that `idle` never lies.
std::optional<MinerDecision> MinerWorker::take_command() {
  const std::lock_guard lock(mutex_);
  if (!waiting_ || stopping_) return std::nullopt;
  activity_ = Activity::commanding;
  std::optional<MinerDecision> command;
  command.swap(waiting_);
  return command;
}

void MinerWorker::publish() {
  auto report = std::make_shared<const MinerReport>(now_);
  const std::lock_guard lock(mutex_);
  published_ = std::move(report);
}

MonoTime MinerWorker::run_once() {
  const bool due = clock_.now() >= next_poll_;
  bool command_waits = false;
  {
    const std::lock_guard lock(mutex_);
    command_waits = waiting_.has_value();
  }
  if (!identified_ && (due || command_waits)) identify();
  if (const auto command = take_command()) {
    if (identified_) {
      execute(*command);
    } else {
      drop(*command, now_.trouble);
    }
    end();
    publish();
  } else if (identified_ && clock_.now() >= next_poll_) {
    poll();
  }
  return next_poll_;
}

std::optional<std::string> MinerWorker::pin_violated(const ports::MinerIdentity& identity) const {
  const auto violated = [](const char* what, const std::string& pin, const std::string& found) {
    return fmt::format("{} {} answers here, the configuration pins {}", what, found.empty() ? "unknown" : found, pin);
  };
  if (!settings_.mac.empty() && !same_ignoring_case(settings_.mac, identity.mac)) {
    return violated("MAC", settings_.mac, identity.mac);
  }
  if (!settings_.serial.empty() && !same_ignoring_case(settings_.serial, identity.serial)) {
    return violated("serial number", settings_.serial, identity.serial);
  }
  return std::nullopt;
}

bool MinerWorker::refresh_abilities() {
  const Result<ports::MinerAbilities> abilities = miner_->abilities();
  if (!abilities) return false;
  now_.seen.envelope = abilities->envelope;
  now_.seen.dynamics = abilities->dynamics;
  now_.seen.sleep_unavailable = !abilities->can_sleep;
  now_.curve = abilities->curve;
  return true;
}

void MinerWorker::identify() {
  if (!begin(Activity::identifying)) return;
  const MonoTime until = clock_.now() + settings_.identify_time;
  const Result<ports::MinerIdentity> identity =
      settings_.stop_only ? miner_->identify_for_stop(until) : miner_->identify(until);
  end();
  const MonoTime now = clock_.now();
  if (!identity) {
    if (identity.error().kind != ErrorKind::cancelled) lose(identity.error(), now);
    publish();
    return;
  }
  failures_ = 0;
  back_off_ = Duration{};
  next_poll_ = now;
  now_.tried = true;
  now_.identity = *identity;
  now_.seen.link = LinkState::up;
  announcer_.clear(kLost, settings_.name, "answers again");
  announcer_.clear(kPassword, settings_.name, "takes the password");
  if (const auto violation = pin_violated(*identity)) {
    now_.seen.identity = IdentityVerdict::wrong;
    now_.seen.state = MinerState::unknown;
    now_.trouble = *violation;
    next_poll_ = now + kWrongMinerRetry;
    announcer_.raise(ports::EventLevel::alarm, kWrong, settings_.name, *violation + "; it is never commanded");
  } else if (refresh_abilities()) {
    identified_ = true;
    now_.seen.identity = IdentityVerdict::accepted;
    now_.trouble.clear();
    uptime_.reset();
    announcer_.clear(kWrong, settings_.name, "is the right machine again");
    announcer_.tell(ports::EventLevel::info, "miner_identified", settings_.name, describe(*identity));
  } else {
    now_.seen.identity = IdentityVerdict::unverified;
    now_.trouble = "does not tell what it can do";
    next_poll_ = now + settings_.poll_interval;
  }
  publish();
}

void MinerWorker::lose(const Error& error, MonoTime now) {
  now_.tried = true;
  ++failures_;
  back_off_ = std::clamp(2 * back_off_, settings_.poll_interval, std::max(settings_.poll_interval, kLongestBackOff));
  next_poll_ = now + (failures_ < kFailuresUntilDown ? settings_.poll_interval : back_off_);
  const bool password = error.kind == ErrorKind::unauthorized;
  if (identified_ && failures_ < kFailuresUntilDown && !password) return;
  // Whoever answers next may be another machine at the same address.
  identified_ = false;
  now_.seen.link = password ? LinkState::up : LinkState::down;
  now_.seen.identity = IdentityVerdict::unverified;
  now_.seen.state = MinerState::unknown;
  now_.trouble = error.text;
  if (password) {
    announcer_.raise(ports::EventLevel::alarm, kPassword, settings_.name, "refuses the password: " + error.text);
  } else if (!without_power_) {
    announcer_.raise(ports::EventLevel::warning, kLost, settings_.name, "does not answer: " + error.text);
  }
}

void MinerWorker::poll() {
  const MonoTime asked_at = clock_.now();
  if (!begin(Activity::polling)) return;
  const Result<ports::MinerPoll> answer = miner_->poll(asked_at + settings_.poll_time);
  end();
  if (answer) {
    absorb(*answer, asked_at);
  } else if (answer.error().kind != ErrorKind::cancelled) {
    lose(answer.error(), clock_.now());
  }
  publish();
}

/// The uptime went backwards and no command of ours explains it.
bool MinerWorker::restarted(const ports::MinerPoll& poll, MonoTime now) {
  const bool backwards = poll.uptime && uptime_ && *poll.uptime < *uptime_;
  if (poll.uptime) uptime_ = poll.uptime;
  return backwards && now >= own_restart_until_;
}

void MinerWorker::absorb(const ports::MinerPoll& poll, MonoTime asked_at) {
  failures_ = 0;
  back_off_ = Duration{};
  next_poll_ = std::max(asked_at + settings_.poll_interval, clock_.now());
  MinerObservation& seen = now_.seen;
  if (restarted(poll, asked_at)) {
    ++seen.reboots;
    seen.state = MinerState::unknown;
    seen.identity = IdentityVerdict::unverified;
    identified_ = false;
    next_poll_ = clock_.now();
    announcer_.tell(ports::EventLevel::warning, "miner_restarted", settings_.name, "restarted by itself");
    return;
  }
  seen.link = LinkState::up;
  now_.trouble.clear();
  now_.note = poll.note;
  seen.state = poll.state;
  // When it was asked, not when it answered: a reading must not look younger than it may be.
  seen.state_at = asked_at;
  seen.reported_power = reading(poll.power, asked_at);
  seen.power_measured = poll.power_measured;
  seen.target_readback = reading(poll.target, asked_at);
  seen.hashrate = reading(poll.hashrate, asked_at);
  seen.nominal_hashrate = reading(poll.nominal_hashrate, asked_at);
  seen.temperature = reading(poll.temperature, asked_at);
  seen.pool_alive = reading(poll.pool_alive, asked_at);
  seen.tuning = poll.tuning;
  refresh_abilities();
}

void MinerWorker::drop(const MinerDecision& command, const std::string& why) {
  CommandRecord& record = now_.seen.command;
  if (record.sent_at != MonoTime{}) now_.seen.delivered = record;
  record = CommandRecord{command.sequence, command.wanted, command.target, CommandStatus::failed, {}, clock_.now()};
  now_.command_trouble = "not sent: " + why;
}

/// The controller's twin lives from the moment of the first byte: it must not wait for the answer.
void MinerWorker::sent(MonoTime at) {
  CommandRecord& record = now_.seen.command;
  if (!sending_ || record.status != CommandStatus::queued) return;
  record.status = CommandStatus::sent;
  record.sent_at = at;
  publish();
}

void MinerWorker::execute(const MinerDecision& command) {
  CommandRecord& record = now_.seen.command;
  record = CommandRecord{command.sequence, command.wanted, command.target, CommandStatus::queued, {}, {}};
  publish();
  sending_ = true;
  const MonoTime begun = clock_.now();
  const MonoTime deadline = begun + settings_.command_time;
  Result<ports::MinerApplied> applied = fail(ErrorKind::internal, "no such command");
  switch (command.wanted) {
    case CommandKind::none:
      break;
    case CommandKind::target:
      applied = miner_->apply_target(command.target, deadline);
      break;
    case CommandKind::sleep:
      applied = miner_->sleep(deadline);
      break;
    case CommandKind::wake:
      applied = miner_->wake(command.target, deadline);
      break;
  }
  sending_ = false;
  record.answered_at = clock_.now();
  if (command.wanted != CommandKind::target) {
    own_restart_until_ = record.answered_at + kOwnRestart;
    uptime_.reset();
  }
  if (applied) {
    record.status = CommandStatus::acknowledged;
    record.sent_at = applied->sent_at;
    if (command.wanted != CommandKind::sleep) record.target = applied->target;
    now_.command_trouble.clear();
    announcer_.clear(kRefused, settings_.name, "takes commands again");
    return;
  }
  record.status = refusal(applied.error().kind) ? CommandStatus::refused : CommandStatus::failed;
  // Only a byte of this very command counts; the adapter may still know the time of the one before.
  const auto sent_at = miner_->last_sent_at();
  if (sent_at && *sent_at >= begun) record.sent_at = *sent_at;
  now_.command_trouble = applied.error().text;
  announcer_.raise(
      ports::EventLevel::warning, kRefused, settings_.name,
      fmt::format("{} the command: {}", record.status == CommandStatus::refused ? "refuses" : "did not confirm",
                  applied.error().text));
}

void MinerWorker::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const MonoTime due = run_once();
    lock.lock();
    if (!stopping_ && !waiting_ && due > clock_.now()) clock_.wait_until(lock, wake_, due);
  }
}

void MinerWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  miner_->cancel();
}

}  // namespace sluice::runtime
