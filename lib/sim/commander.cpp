#include "sim/commander.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

using std::chrono::minutes;

// A miner that still does not do what it was told this long after it could have begun to was not reached.
constexpr Duration kPatience = minutes(1);

}  // namespace

void Commander::look(const Snapshot& snapshot) {
  if (members_.empty()) {
    for (const MinerObservation& seen : snapshot.miners) {
      Member member;
      member.on = seen.state == MinerState::running || seen.state == MinerState::waking;
      member.wanted_on = member.on;
      member.target = seen.target_readback.usable() ? seen.target_readback.value : seen.envelope.min;
      member.wanted = member.target;
      members_.push_back(member);
    }
  }
  if (snapshot.local_day == day_) return;
  day_ = snapshot.local_day;
  for (Member& member : members_) member.starts_today = 0;
}

void Commander::run(const Snapshot& snapshot, std::size_t miner, Watts power) {
  Member& member = members_[miner];
  member.wanted_on = true;
  member.wanted = snapshot.miners[miner].envelope.floor(power);
}

bool Commander::may_start(std::size_t miner, MonoTime now) const {
  const Member& member = members_[miner];
  const bool starts_left = profile_.max_starts_per_day <= 0 || member.starts_today < profile_.max_starts_per_day;
  return starts_left && now - member.stopped_at >= profile_.min_off && now - last_start_ >= profile_.stagger_up;
}

bool Commander::may_stop(std::size_t miner, MonoTime now) const {
  return now - members_[miner].started_at >= profile_.min_on;
}

void Commander::send(const Snapshot& snapshot, Decision& decision) {
  const MonoTime now = snapshot.now;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    const MinerObservation& seen = snapshot.miners[i];
    MinerDecision& order = decision.miners[i];
    if (member.wanted_on && !member.on) {
      if (!may_start(i, now)) continue;
      member.on = true;
      member.started_at = last_start_ = now;
      ++member.starts_today;
      set_target(member, profile_.ramp_up_per_minute > Watts(0.0) ? seen.envelope.min : member.wanted, now);
      command(member, order, CommandKind::wake, now);
    } else if (!member.wanted_on && member.on) {
      if (!may_stop(i, now)) continue;
      member.on = false;
      member.stopped_at = now;
      command(member, order, CommandKind::sleep, now);
    } else if (member.on && member.wanted > member.target && now - member.raised_at >= profile_.retarget_up) {
      const Watts target = raised(member, seen.envelope, now);
      if (target <= member.target) continue;
      set_target(member, target, now);
      command(member, order, CommandKind::target, now);
    } else if (member.on && member.wanted < member.target && now - member.lowered_at >= profile_.retarget_down) {
      set_target(member, member.wanted, now);
      command(member, order, CommandKind::target, now);
    } else if (unheeded(member, seen, now)) {
      const bool awake = seen.state == MinerState::running;
      command(member, order, !member.on ? CommandKind::sleep : awake ? CommandKind::target : CommandKind::wake, now);
    }
  }
}

void Commander::set_target(Member& member, Watts target, MonoTime now) {
  if (target > member.target) member.raised_at = now;
  if (target < member.target) member.lowered_at = now;
  member.target = target;
}

void Commander::command(Member& member, MinerDecision& order, CommandKind kind, MonoTime now) {
  member.changed_at = now;
  order.wanted = kind;
  order.target = member.target;
  order.sequence = ++member.sequence;
}

Watts Commander::raised(const Member& member, const Envelope& envelope, MonoTime now) const {
  if (profile_.ramp_up_per_minute <= Watts(0.0)) return member.wanted;
  const double waited_min = to_seconds(now - std::max(member.raised_at, member.started_at)) / 60.0;
  return min(member.wanted, envelope.floor(member.target + profile_.ramp_up_per_minute * waited_min));
}

bool Commander::unheeded(const Member& member, const MinerObservation& seen, MonoTime now) {
  const bool sent = member.sequence > 0 && seen.command.sequence == member.sequence;
  if (!sent || now - seen.command.sent_at < kPatience + seen.dynamics.dead_time) return false;
  if (!member.on) return seen.state == MinerState::running;
  return seen.state == MinerState::asleep || (seen.state == MinerState::running && seen.target_readback.usable() &&
                                              abs(seen.target_readback.value - member.target) > Watts(0.5));
}

}  // namespace sluice::sim
