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
  const auto found = parked_.find(name);
  if (found == parked_.end()) {
    std::string names;
    for (const auto& [miner, flag] : parked_) names += (names.empty() ? "" : ", ") + miner;
    return fail(ErrorKind::not_found, "no miner is called {}; there are: {}", name, names);
  }
  found->second = parked;
  return {};
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
