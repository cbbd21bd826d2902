#pragma once
/// The hand of a law that the product is measured against: turns what the law wants of each miner into commands, under
/// the same constraint profile that the product and the oracle live under.

#include <cstdint>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/decision.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::sim {

class Commander {
 public:
  explicit Commander(const ConstraintProfile& profile) : profile_(profile) {}

  /// Once a tick, first: takes the miners over as they are, and notices a new day.
  void look(const Snapshot& snapshot);
  std::size_t size() const { return members_.size(); }

  // What the law wants. It holds until it wants something else; a start waits for its minimum time asleep.
  void run(const Snapshot& snapshot, std::size_t miner, Watts power);  ///< floored to what the miner can hold
  void rest(std::size_t miner) { members_[miner].wanted_on = false; }
  bool wanted_on(std::size_t miner) const { return members_[miner].wanted_on; }

  // What was commanded.
  bool on(std::size_t miner) const { return members_[miner].on; }
  Watts target(std::size_t miner) const { return members_[miner].target; }
  MonoTime changed_at(std::size_t miner) const { return members_[miner].changed_at; }
  MonoTime raised_at(std::size_t miner) const { return members_[miner].raised_at; }
  MonoTime lowered_at(std::size_t miner) const { return members_[miner].lowered_at; }
  bool may_start(std::size_t miner, MonoTime now) const;
  bool may_stop(std::size_t miner, MonoTime now) const;

  /// Once a tick, last: commands what may be commanded now. A command that was taken but shows no effect is repeated.
  void send(const Snapshot& snapshot, Decision& decision);

 private:
  struct Member {
    bool wanted_on = false, on = false;
    Watts wanted{}, target{};  ///< levels of the envelope
    std::uint64_t sequence = 0;
    std::int32_t starts_today = 0;
    MonoTime started_at = kLongAgo, stopped_at = kLongAgo, raised_at = kLongAgo, lowered_at = kLongAgo,
             changed_at = kLongAgo;
  };
  static constexpr MonoTime kLongAgo{-std::chrono::hours(24 * 365)};

  static void set_target(Member& member, Watts target, MonoTime now);
  static void command(Member& member, MinerDecision& order, CommandKind kind, MonoTime now);
  Watts raised(const Member& member, const Envelope& envelope, MonoTime now) const;
  static bool unheeded(const Member& member, const MinerObservation& seen, MonoTime now);

  ConstraintProfile profile_;
  StaticVector<Member, kMaxMiners> members_;
  std::int64_t day_ = 0;
  MonoTime last_start_ = kLongAgo;
};

}  // namespace sluice::sim
