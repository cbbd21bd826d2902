#include "house/firmware/braiins/braiins_miner.hpp"

#include <fmt/format.h>

#include <utility>

namespace sluice::house {
namespace {

bool sleeping(MinerState state) { return state == MinerState::asleep || state == MinerState::stopping; }

/// Opaque, different each time, the same in every run.
std::string token_name(std::uint64_t count) {
  const std::uint64_t mixed = (count + 1) * 0x9e3779b97f4a7c15ULL;
  return fmt::format("{:08x}{:08x}", mixed >> 32, (mixed ^ (mixed >> 29)) & 0xffffffffULL);
}

}  // namespace

BraiinsMiner::BraiinsMiner(MinerDoor& door, const ports::Clock& clock, BraiinsOptions options)
    : door_(door), clock_(clock), options_(std::move(options)) {
  const MinerView view = door.view();
  target_ = view.target;
  dps_.min_target = view.min_target;
}

bool BraiinsMiner::at_least(int major, int minor) const {
  const BraiinsApiVersion& version = options_.api_version;
  return std::pair(version.major, version.minor) >= std::pair(major, minor);
}

MinerView BraiinsMiner::view() const {
  MinerView view = door_.view();
  const std::scoped_lock lock(mutex_);
  if (paused_at_ && clock_.now() - *paused_at_ < options_.stale_after_pause) view.reported_power = power_before_pause_;
  return view;
}

std::optional<std::string> BraiinsMiner::login(const std::string& username, const std::string& password) {
  if (username != options_.username || password != options_.password || door_.faults().reject_password) return {};
  const std::scoped_lock lock(mutex_);
  std::string token = token_name(issued_++);
  tokens_[token] = clock_.now();
  return token;
}

bool BraiinsMiner::authorized(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  const auto found = tokens_.find(token);
  if (found == tokens_.end() || clock_.now() - found->second >= options_.token_lifetime) return false;
  found->second = clock_.now();
  return true;
}

Watts BraiinsMiner::target() const {
  const std::scoped_lock lock(mutex_);
  return target_;
}

Result<void> BraiinsMiner::allowed(BraiinsSave save) const {
  if (door_.faults().reject_commands) return fail(ErrorKind::rejected, "the miner cannot do this now");
  if (save == BraiinsSave::unspecified) return fail(ErrorKind::invalid, "save_action is not specified");
  return {};
}

Result<Watts> BraiinsMiner::set_target(Watts target, BraiinsSave save) {
  const bool raised = target > door_.view().target;
  return take_target(target, save, !(raised && options_.apply_needs_force));
}

Result<Watts> BraiinsMiner::change_target(Watts difference, BraiinsSave save) {
  return take_target(this->target() + difference, save, !options_.apply_needs_force);
}

Result<Watts> BraiinsMiner::take_target(Watts target, BraiinsSave save, bool moves) {
  if (auto ok = allowed(save); !ok) return tl::unexpected(ok.error());
  const MinerView view = door_.view();
  if (!(target >= view.min_target && target <= view.max_target)) {  // NaN is out of range too
    return fail(ErrorKind::invalid, "power target {:.0f} W is out of range {:.0f} to {:.0f} W", target.value(),
                view.min_target.value(), view.max_target.value());
  }
  if (!effective()) return target;
  {
    const std::scoped_lock lock(mutex_);
    target_ = target;
  }
  if (save == BraiinsSave::force_apply) restart_mining();
  if (save == BraiinsSave::apply && moves) door_.set_target(target);
  return target;
}

BraiinsDps BraiinsMiner::dps() const {
  const std::scoped_lock lock(mutex_);
  return dps_;
}

Result<void> BraiinsMiner::set_dps(const BraiinsDps& dps, BraiinsSave save) {
  if (auto ok = allowed(save); !ok) return ok;
  const std::scoped_lock lock(mutex_);
  if (effective()) dps_ = dps;
  return {};
}

BraiinsRamping BraiinsMiner::ramping() const {
  const std::scoped_lock lock(mutex_);
  return ramping_;
}

Result<void> BraiinsMiner::set_ramping(BraiinsRamping ramping, BraiinsSave save) {
  if (auto ok = allowed(save); !ok) return ok;
  const std::scoped_lock lock(mutex_);
  if (effective()) ramping_ = ramping;
  return {};
}

Result<bool> BraiinsMiner::pause() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return tl::unexpected(ok.error());
  if (stopped()) return fail(ErrorKind::rejected, "BOSminer is not running");
  const MinerView before = door_.view();
  if (sleeping(before.state)) return true;
  if (!effective() || door_.faults().ignore_sleep) return false;
  {
    const std::scoped_lock lock(mutex_);
    paused_at_ = clock_.now();
    power_before_pause_ = before.reported_power;
  }
  door_.sleep();
  return false;
}

Result<bool> BraiinsMiner::resume() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return tl::unexpected(ok.error());
  if (stopped()) return fail(ErrorKind::rejected, "BOSminer is not running");
  if (!sleeping(door_.view().state)) return true;
  if (!effective()) return false;
  {
    const std::scoped_lock lock(mutex_);
    paused_at_.reset();
  }
  door_.wake();
  return false;
}

Result<bool> BraiinsMiner::start() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return tl::unexpected(ok.error());
  if (!stopped()) return true;
  if (!effective()) return false;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = false;
  }
  door_.set_target(target());
  door_.wake();
  return false;
}

Result<bool> BraiinsMiner::stop() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return tl::unexpected(ok.error());
  if (stopped()) return true;
  if (!effective() || door_.faults().ignore_sleep) return false;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    restarting_ = false;
  }
  if (!sleeping(door_.view().state)) door_.sleep();
  return false;
}

Result<bool> BraiinsMiner::restart() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return tl::unexpected(ok.error());
  const bool running = !stopped();
  if (effective()) restart_mining();
  return running;
}

void BraiinsMiner::restart_mining() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = false;
    restarting_ = true;  // continues in `tick`, once the miner is down
    paused_at_.reset();
  }
  if (!sleeping(door_.view().state)) door_.sleep();
}

Result<void> BraiinsMiner::reboot() {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return ok;
  const std::scoped_lock lock(mutex_);
  reboot_wanted_ = effective();  // in `tick`, so that the answer still gets out
  return {};
}

bool BraiinsMiner::stopped() const {
  const std::scoped_lock lock(mutex_);
  return stopped_;
}

bool BraiinsMiner::locate() const {
  const std::scoped_lock lock(mutex_);
  return locate_;
}

Result<void> BraiinsMiner::set_locate(bool on) {
  if (auto ok = allowed(BraiinsSave::apply); !ok) return ok;
  const std::scoped_lock lock(mutex_);
  if (effective()) locate_ = on;
  return {};
}

void BraiinsMiner::tick() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(reboot_wanted_, false)) door_.reboot();
  const MinerView view = door_.view();
  if (booted_ && !view.booted) {
    tokens_.clear();
    stopped_ = restarting_ = false;
    paused_at_.reset();
  }
  const bool comes_back = !booted_ && view.booted;
  booted_ = view.booted;
  const bool restarts = restarting_ && view.state == MinerState::asleep;
  if (comes_back || restarts) door_.set_target(target_);
  if (restarts) {
    restarting_ = false;
    door_.wake();
  }
}

bool BraiinsMiner::wait(Duration time) {
  std::unique_lock lock(mutex_);
  return !leaving_.wait_for(lock, time, [this] { return left_; });
}

void BraiinsMiner::leave() {
  {
    const std::scoped_lock lock(mutex_);
    left_ = true;
  }
  leaving_.notify_all();
}

void BraiinsMiner::stay() {
  const std::scoped_lock lock(mutex_);
  left_ = false;
}

}  // namespace sluice::house
