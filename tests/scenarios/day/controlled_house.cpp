#include "controlled_house.hpp"

#include <string>

namespace sluice::sim {
namespace {

// Any start but zero: a time of zero means "never" in places.
constexpr Duration kOffset = std::chrono::hours(1);
MonoTime mono(Duration elapsed) { return MonoTime(kOffset + elapsed); }
constexpr WallTime kMorning = from_unix_ms(1400583600000);

}  // namespace

Site solar_site(std::size_t miners) {
  Site site;
  site.control.profile = constraint_profile(ProfileName::normal);
  for (std::size_t i = 0; i < miners; ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    site.miners.push_back(miner);
  }
  return site;
}

ControlledHouse::ControlledHouse(HousePlantSpec spec, Trace trace, Site site, CommandDelay delay)
    : house(std::move(spec), std::move(trace)),
      controller(std::move(site), PersistentState{}, mono(Duration::zero()), kMorning),
      sequences(house.miner_count(), 0),
      delay_(delay),
      records_(house.miner_count()) {}

void ControlledHouse::deliver(Duration until) {
  for (std::size_t i = 0; i < outgoing_.size();) {
    if (outgoing_[i].due > until) {
      ++i;
      continue;
    }
    const Outgoing order = outgoing_[i];
    outgoing_.erase(outgoing_.begin() + static_cast<std::ptrdiff_t>(i));
    MinerPlant& miner = house.miner(order.miner);
    if (order.order.wanted == CommandKind::sleep) miner.sleep();
    if (order.order.wanted != CommandKind::sleep) miner.set_target(order.order.target);
    if (order.order.wanted == CommandKind::wake) miner.wake();
  }
}

void ControlledHouse::run(int seconds) {
  for (int s = 0; s < seconds; ++s) {
    std::vector<OracleMiner> now;
    for (std::size_t i = 0; i < house.miner_count(); ++i) {
      const MinerPlant& miner = house.miner(i);
      now.push_back({miner.spec(), house.spec().miners[i].errors.setpoint_bias, miner.state() == MinerState::running,
                     miner.power()});
    }
    miners_at_.push_back(std::move(now));
    for (int step = 0; step < 10; ++step) {
      deliver(house.elapsed());
      house.advance(HousePlant::kStep);
    }
    controller.step(look(), decision);
    send();
  }
}

Snapshot ControlledHouse::look() {
  Snapshot out;
  out.tick = ++tick_;
  out.now = mono(house.elapsed());
  out.wall = kMorning + house.elapsed();
  out.wall_sane = true;
  out.local_day = 16210;
  const HouseState& state = house.state();
  out.grid.power = Reading<Watts>::good(house.meter().power(), out.now);
  out.pv.power = Reading<Watts>::good(state.pv, out.now);
  if (house.spec().battery) {
    out.battery.power = Reading<Watts>::good(state.battery, out.now);
    out.battery.soc = Reading<Percent>::good(state.soc, out.now);
  }
  for (std::size_t i = 0; i < house.miner_count(); ++i) {
    const MinerPlant& miner = house.miner(i);
    MinerObservation seen;
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.envelope = miner.spec().envelope;
    seen.dynamics = miner.spec().dynamics;
    seen.state = miner.state();
    seen.state_at = out.now;
    seen.reported_power = Reading<Watts>::good(miner.reported_power(), out.now);
    if (seen.state == MinerState::running) seen.target_readback = Reading<Watts>::good(miner.target(), out.now);
    CommandRecord& record = records_[i];
    if (record.sequence != 0) {
      record.status = out.now >= record.answered_at ? CommandStatus::acknowledged
                      : out.now >= record.sent_at   ? CommandStatus::sent
                                                    : CommandStatus::queued;
    }
    seen.command = record;
    out.miners.push_back(seen);
  }
  return out;
}

void ControlledHouse::send() {
  for (std::size_t i = 0; i < house.miner_count(); ++i) {
    const MinerDecision& order = decision.miners[i];
    if (order.wanted == CommandKind::none || order.sequence == sequences[i]) continue;
    sequences[i] = order.sequence;
    CommandRecord& record = records_[i];
    record.sequence = order.sequence;
    record.kind = order.wanted;
    record.target = house.miner(i).spec().envelope.floor(order.target);
    record.sent_at = mono(house.elapsed() + delay_.to_first_byte);
    record.answered_at = mono(house.elapsed() + delay_.to_answer);
    outgoing_.push_back({house.elapsed() + delay_.to_first_byte, i, order});
  }
}

Score ControlledHouse::score_from(std::size_t second) const { return house.score() - house.history()[second].score; }

OracleResult ControlledHouse::oracle_from(std::size_t second) const {
  std::vector<double> surplus_w;
  for (std::size_t s = second + 1; s < house.history().size(); ++s) {
    surplus_w.push_back(house.history()[s].state.surplus().value());
  }
  return oracle(surplus_w, miners_at_[second]);
}

}  // namespace sluice::sim
