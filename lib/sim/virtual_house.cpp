#include "sim/virtual_house.hpp"

#include <utility>

namespace sluice::sim {
namespace {

using std::chrono::seconds;

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::uint64_t kSensorWander = 900;  // ticks

}  // namespace

VirtualHouse::VirtualHouse(VirtualHouseSpec spec, std::shared_ptr<const Trace> trace)
    : spec_(std::move(spec)),
      house_(spec_.house, std::move(trace)),
      random_(spec_.house.seed ^ 0x5eed0fULL),
      next_report_(spec_.report_every) {
  for (std::size_t i = 0; i < house_.miner_count(); ++i) {
    MinerObservation seen;
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.envelope = house_.miner(i).spec().envelope;
    seen.dynamics = i < spec_.told.size() ? spec_.told[i] : house_.miner(i).spec().dynamics;
    snapshot_.miners.push_back(seen);
    decision_.miners.push_back({});
    Sent sent;
    sent.target = house_.miner(i).target();
    sent_.push_back(sent);
  }
}

MonoTime VirtualHouse::now() const { return MonoTime(kOffset + house_.elapsed()); }

WallTime VirtualHouse::wall_start() const {
  if (spec_.wall_start) return *spec_.wall_start;
  return WallTime(spec_.first_day * kDay + seconds(spec_.house.start_second));
}

WallTime VirtualHouse::wall() const { return wall_start() + house_.elapsed(); }

void VirtualHouse::tick(Policy& policy, Duration dt) {
  house_.advance(dt);
  bool awake = false;
  for (std::size_t i = 0; i < house_.miner_count(); ++i) {
    const MinerPlant& miner = house_.miner(i);
    awake = awake || (miner.powered() && miner.state() != MinerState::asleep);
  }
  if (awake) workload_.running_s += to_seconds(dt);
  look();
  policy.step(snapshot_, decision_);
  send();
}

void VirtualHouse::look() {
  Snapshot& out = snapshot_;
  ++out.tick;
  out.now = now();
  out.wall = wall();
  out.wall_sane = true;
  out.local_day = out.wall.time_since_epoch() / kDay;
  if (spec_.market) spec_.market->tell(out);
  const HouseState& state = house_.state();
  out.grid.power = Reading<Watts>::good(house_.meter().power(), out.now);
  out.grid.imported = Reading<WattHours>::good(house_.meter().imported(), out.now);
  out.grid.exported = Reading<WattHours>::good(house_.meter().exported(), out.now);
  out.pv.power = Reading<Watts>::good(state.pv, out.now);
  if (spec_.potential_sensor) look_at_sensor(state.potential);
  if (house_.spec().battery) {
    out.battery.power = Reading<Watts>::good(state.battery, out.now);
    out.battery.soc = Reading<Percent>::good(state.soc, out.now);
  }
  const Duration elapsed = house_.elapsed();
  const bool due = elapsed >= next_report_;
  if (due) next_report_ = (elapsed / spec_.report_every + 1) * spec_.report_every;
  const bool polled = due || out.tick == 1;
  for (std::size_t i = 0; i < house_.miner_count(); ++i) {
    const MinerPlant& miner = house_.miner(i);
    MinerObservation& seen = out.miners[i];
    if (polled && spec_.switched) {
      seen.switch_on = Reading<bool>::good(miner.powered(), out.now);
      seen.switch_power = Reading<Watts>::good(miner.power(), out.now);
      seen.link = miner.booted() ? LinkState::up : LinkState::down;
      seen.identity = miner.booted() ? IdentityVerdict::accepted : IdentityVerdict::unverified;
      if (!miner.booted()) seen.state = MinerState::unknown;
    }
    if (polled && (miner.booted() || !spec_.switched)) {
      seen.state = miner.state();
      seen.state_at = out.now;
      const double noise = spec_.report_noise > 0.0 ? 1.0 + spec_.report_noise * random_.normal() : 1.0;
      seen.reported_power = Reading<Watts>::good(miner.reported_power() * noise, out.now);
      seen.target_readback =
          seen.state == MinerState::running ? Reading<Watts>::good(miner.target(), out.now) : Reading<Watts>{};
      seen.reboots = miner.reboots();
    }
    CommandRecord& record = seen.command;
    if (record.status == CommandStatus::none || record.status == CommandStatus::acknowledged) continue;
    record.status = out.now >= record.answered_at ? CommandStatus::acknowledged
                    : out.now >= record.sent_at   ? CommandStatus::sent
                                                  : CommandStatus::queued;
  }
}

/// Its error wanders: another one every quarter of an hour, and a straight line in between.
void VirtualHouse::look_at_sensor(Watts potential) {
  const double span = *spec_.potential_sensor;
  const auto since = static_cast<double>(snapshot_.tick % kSensorWander) / static_cast<double>(kSensorWander);
  if (snapshot_.tick % kSensorWander == 0 || snapshot_.tick == 1) {
    sensor_error_ = next_sensor_error_;
    next_sensor_error_ = random_.uniform(-span, span);
  }
  const double error = sensor_error_ + since * (next_sensor_error_ - sensor_error_);
  snapshot_.pv.available = Reading<Watts>::good(potential * (1.0 + error), snapshot_.now);
}

void VirtualHouse::send() {
  for (std::size_t i = 0; i < house_.miner_count(); ++i) {
    const MinerDecision& order = decision_.miners[i];
    if (spec_.switched && order.power != SwitchOrder::leave) {
      house_.miner(i).set_power(order.power == SwitchOrder::on);
    }
    Sent& sent = sent_[i];
    if (order.wanted == CommandKind::none || order.sequence == sent.sequence) continue;
    const MinerDynamics& dynamics = house_.miner(i).spec().dynamics;
    if (order.wanted == CommandKind::target) {
      // The adapter keeps the firmware's pace whoever commands; the newest target waits.
      const bool raise = order.target > sent.target;
      const bool early = raise ? sent.raised && now() - sent.raised_at < dynamics.retarget_up
                               : sent.lowered && now() - sent.lowered_at < dynamics.retarget_down;
      if (early) {
        ++workload_.held_back;
        continue;
      }
    }
    give(i, order);
  }
}

void VirtualHouse::give(std::size_t index, const MinerDecision& order) {
  MinerPlant& miner = house_.miner(index);
  Sent& sent = sent_[index];
  sent.sequence = order.sequence;
  if (order.wanted != CommandKind::sleep) {
    if (order.target > sent.target) sent.raised = true, sent.raised_at = now();
    if (order.target < sent.target) sent.lowered = true, sent.lowered_at = now();
    sent.target = order.target;
  }
  CommandRecord& record = snapshot_.miners[index].command;
  record.sequence = order.sequence;
  record.kind = order.wanted;
  record.target = miner.spec().envelope.floor(order.target);
  record.status = CommandStatus::queued;
  record.sent_at = now() + spec_.to_first_byte;
  record.answered_at = now() + spec_.to_answer;
  switch (order.wanted) {
    case CommandKind::sleep:
      miner.sleep(spec_.to_first_byte);
      break;
    case CommandKind::wake:
      miner.set_target(order.target, spec_.to_first_byte);
      miner.wake(spec_.to_first_byte);
      break;
    case CommandKind::target:
      if (miner.state() != MinerState::asleep) ++workload_.changes;
      miner.set_target(order.target, spec_.to_first_byte);
      break;
    case CommandKind::none:
      break;
  }
}

}  // namespace sluice::sim
