#include "runtime/intents.hpp"

namespace sluice::runtime {

void Intents::set_miners(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, bool, std::less<>> next;
  for (const std::string& name : names) {
    const auto before = parked_.find(name);
    next[name] = before != parked_.end() && before->second;
  }
  parked_ = std::move(next);
}

Result<void> Intents::park(std::string_view name, bool parked) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(ErrorKind::cancelled, "the daemon is stopping");
  if (name.empty()) {
    for (auto& [miner, flag] : parked_) flag = parked;
    return {};
  }
  if (const Result<void> there = known(name); !there) return there;
  parked_.find(name)->second = parked;
  return {};
}

Result<void> Intents::known(std::string_view name) const {
  if (parked_.find(name) != parked_.end()) return {};
  std::string names;
  for (const auto& [miner, flag] : parked_) names += (names.empty() ? "" : ", ") + miner;
  return fail(ErrorKind::not_found, "no miner is called {}; there are: {}", name, names);
}

Result<std::uint64_t> Intents::learn(std::string_view name, MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(ErrorKind::cancelled, "the daemon is stopping");
  if (const Result<void> there = known(name); !there) return tl::unexpected(there.error());
  if (asked(now)) return fail(ErrorKind::rejected, "a commissioning run of {} is under way", learning_.miner);
  learning_ = {++runs_, std::string(name), now};
  return learning_.run;
}

Result<void> Intents::keep_learning(std::uint64_t run, MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (run != learning_.run || !asked(now)) return fail(ErrorKind::not_found, "run {} is not asked for any more", run);
  learning_.kept_at = now;
  return {};
}

void Intents::end_learning(std::uint64_t run) {
  const std::lock_guard lock(mutex_);
  if (run == learning_.run) learning_ = {};
}

std::uint64_t Intents::learning(std::string_view name, MonoTime now) const {
  const std::lock_guard lock(mutex_);
  return !closed_ && asked(now) && learning_.miner == name ? learning_.run : 0;
}

bool Intents::parked(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = parked_.find(name);
  return found != parked_.end() && found->second;
}

void Intents::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace sluice::runtime
