#include "loop.hpp"

#include <algorithm>

namespace sluice::control {
namespace {

constexpr double kSubstepS = 0.1;

MonoTime mono(double s) { return MonoTime(from_seconds(s)); }

Envelope range(double low, double high, double step) {
  Envelope out;
  out.kind = EnvelopeKind::range;
  out.min = Watts(low);
  out.max = Watts(high);
  out.step = Watts(step);
  return out;
}

MinerDynamics dynamics(double dead_s, double down_s, double up_s, double wake_s, double sleep_w) {
  MinerDynamics out;
  out.dead_time = from_seconds(dead_s);
  out.ramp_down = from_seconds(down_s);
  out.ramp_up = from_seconds(up_s);
  out.wake = from_seconds(wake_s);
  out.sleep_power = Watts(sleep_w);
  return out;
}

TestMiner miner(Envelope envelope, double dead_s, double down_s, double up_s, double wake_s, double sleep_w) {
  TestMiner out;
  out.envelope = envelope;
  out.declared = dynamics(dead_s, down_s, up_s, wake_s, sleep_w);
  const double span_w = (envelope.max - envelope.min).value();
  out.dead_s = dead_s;
  out.up_w_per_s = span_w / up_s;
  out.down_w_per_s = span_w / down_s;
  out.wake_s = wake_s;
  out.sleep_w = sleep_w;
  out.be_running(envelope.min.value());
  return out;
}

}  // namespace

TestMiner luxos_target() { return miner(range(900, 3250, 5), 1, 5, 60, 60, 25); }

TestMiner luxos_profile() {
  Envelope envelope;
  envelope.kind = EnvelopeKind::levels;
  for (double level = 784; level < 2800; level += 95 + (level - 784) * 0.03) {
    envelope.levels.push_back(Watts(std::round(level)));
  }
  envelope.min = envelope.levels[0];
  envelope.max = envelope.levels.back();
  return miner(envelope, 1, 5, 60, 60, 25);
}

TestMiner vnish_throttle() { return miner(range(650, 3250, 32.5), 3, 15, 30, 120, 40); }
TestMiner braiins() { return miner(range(900, 3250, 10), 5, 30, 60, 180, 30); }

void TestMiner::take(const MinerDecision& decision, double now_s) {
  if (decision.wanted == CommandKind::none || decision.sequence == 0 || decision.sequence <= record.sequence) return;
  if (!link_up || now_s < to_seconds(record.sent_at.time_since_epoch()) + write_every_s) return;
  ++commands;
  if (decision.wanted == CommandKind::wake) ++starts;
  record.sequence = decision.sequence;
  record.kind = decision.wanted;
  record.target = envelope.kind == EnvelopeKind::unknown ? decision.target : envelope.floor(decision.target);
  record.sent_at = mono(now_s + 0.5 * answer_s);
  record.answered_at = mono(now_s + answer_s);
  record.status = refuse_commands ? CommandStatus::refused : CommandStatus::acknowledged;
  const bool ignored = ignore_sleep && decision.wanted == CommandKind::sleep;
  if (refuse_commands || lose_commands || ignored) return;
  orders.push_back({now_s + 0.5 * answer_s + dead_s, decision.wanted, record.target.value()});
}

void TestMiner::advance(double from_s, double to_s) {
  const double dt = to_s - from_s;
  while (!orders.empty() && orders.front().at_s <= to_s) {
    const Order order = orders.front();
    orders.pop_front();
    if (order.kind == CommandKind::sleep) state = MinerState::asleep;
    if (order.kind != CommandKind::sleep) target_w = order.target_w;
    if (order.kind == CommandKind::wake && state == MinerState::asleep) {
      state = MinerState::waking;
      wake_began_s = order.at_s;
    }
  }
  double goal = sleep_w;
  if (state == MinerState::waking) {
    const double elapsed = to_s - wake_began_s;
    const double idle = sleep_w + 40;
    const double minimum = envelope.min.value() * gain;
    if (elapsed >= wake_s) {
      state = MinerState::running;
      power_w = minimum;
    } else {
      power_w = elapsed < 0.6 * wake_s ? idle : idle + (minimum - idle) * (elapsed / wake_s - 0.6) / 0.4;
    }
    return;
  }
  if (state == MinerState::running) goal = does_nothing ? power_w : target_w * gain;
  power_w = goal > power_w ? std::min(goal, power_w + up_w_per_s * dt) : std::max(goal, power_w - down_w_per_s * dt);
}

MinerObservation TestMiner::look(double now_s) const {
  MinerObservation out;
  out.link = link_up ? LinkState::up : LinkState::down;
  out.identity = identity;
  out.envelope = envelope;
  out.dynamics = declared;
  out.command = record;
  out.reboots = reboots;
  // Polled every five seconds.
  const MonoTime at = mono(std::floor(now_s / 5.0) * 5.0);
  out.state = state;
  out.state_at = at;
  out.reported_power = Reading<Watts>::good(Watts(power_w * report_gain), at);
  if (state == MinerState::running) out.target_readback = Reading<Watts>::good(Watts(target_w), at);
  out.pool_alive = Reading<bool>::good(pool_alive, at);
  out.nominal_hashrate = Reading<TeraHashes>::good(TeraHashes(100), at);
  out.hashrate = Reading<TeraHashes>::good(TeraHashes(100 * hash_share), at);
  out.temperature = Reading<Celsius>::good(Celsius(temperature_c), at);
  return out;
}

Loop::Loop(std::vector<TestMiner> plants) : miners(std::move(plants)) {
  for (std::size_t i = 0; i < miners.size(); ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    site.miners.push_back(miner);
  }
}

Controller& Loop::controller() {
  if (!controller_) {
    controller_ = std::make_unique<Controller>(site, memory, mono(now_s_), from_unix_ms(1760000000000));
  }
  return *controller_;
}

double Loop::mining_w() const {
  double sum = 0.0;
  for (const TestMiner& miner : miners) sum += miner.power_w;
  return sum;
}

int Loop::commands() const {
  int sum = 0;
  for (const TestMiner& miner : miners) sum += miner.commands;
  return sum;
}

double Loop::random_w() {  // about normal: the sum of four uniform numbers
  double sum = 0.0;
  for (int i = 0; i < 4; ++i) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    sum += static_cast<double>(random_ >> 11) / 9007199254740992.0;
  }
  return (sum - 2.0) * 1.732 * noise_w;
}

void Loop::physics(double to_s) {
  while (now_s_ < to_s - 1e-9) {
    const double next = std::min(to_s, now_s_ + kSubstepS);
    const double dt = next - now_s_;
    for (TestMiner& miner : miners) miner.advance(now_s_, next);
    now_s_ = next;
    const double pv = sun(now_s_);
    const double without = load(now_s_) + mining_w() - pv;
    if (battery_capacity_wh > 0.0) {
      // Its own loop holds the grid at zero, with a lag of about two seconds.
      const double most_out = soc_pct > 5.0 ? battery_max_w : 0.0;
      const double most_in = soc_pct < 100.0 ? battery_max_w : 0.0;
      battery_goal_w_ = std::clamp(without, -most_in, most_out);
      battery_w += (battery_goal_w_ - battery_w) * std::min(1.0, dt / 2.0);
      battery_w = std::clamp(battery_w, -most_in, most_out);
      soc_pct = std::clamp(soc_pct - battery_w * dt / 3600.0 / battery_capacity_wh * 100.0, 0.0, 100.0);
    }
    grid_w_ = without - battery_w;
    (grid_w_ > 0 ? imported_wh : exported_wh) += std::fabs(grid_w_) * dt / 3600.0;
    mined_wh += mining_w() * dt / 3600.0;
    grid_past_.emplace_back(now_s_, grid_w_);
    while (grid_past_.size() > 200) grid_past_.pop_front();
  }
}

Snapshot Loop::look() {
  Snapshot out;
  out.tick = ++tick_;
  out.now = mono(now_s_);
  out.wall = from_unix_ms(1760000000000 + static_cast<std::int64_t>((now_s_ + wall_step_s) * 1000));
  out.wall_sane = wall_sane;
  out.local_day = wall_sane ? 20000 + static_cast<std::int64_t>(std::floor(wall_step_s / 86400.0)) : 0;
  out.shutting_down = shutting_down;
  out.park_all = park_all;
  double value = grid_w_;
  for (const auto& [at, w] : grid_past_) {
    if (at <= now_s_ - meter_age_s) value = w;
  }
  value = std::round(value + random_w());
  if (meter_flipped) value = -value;
  if (meter_frozen) {
    value = frozen_w_;
  } else {
    frozen_w_ = value;
  }
  if (!meter_dead) {
    last_grid_reading_w_ = value;
    last_grid_at_ = out.now;
  }
  out.grid.power = Reading<Watts>::good(Watts(last_grid_reading_w_), last_grid_at_);
  if (connection != GridConnection::connected) {
    out.grid.connection = Reading<GridConnection>::good(connection, out.now);
  } else {
    out.grid.frequency = Reading<Hertz>::good(Hertz(50.0), out.now);
  }
  out.pv.power = Reading<Watts>::good(Watts(std::round(sun(now_s_))), out.now);
  if (battery_capacity_wh > 0.0 && !battery_silent) {
    out.battery.power = Reading<Watts>::good(Watts(std::round(battery_w)), out.now);
    out.battery.soc = Reading<Percent>::good(Percent(soc_pct), out.now);
  }
  for (const TestMiner& miner : miners) out.miners.push_back(miner.look(now_s_));
  return out;
}

void Loop::run(int seconds, const std::function<void()>& each) {
  Controller& control = controller();
  for (int i = 0; i < seconds; ++i) {
    physics(now_s_ + 1.0);
    Snapshot snapshot = look();
    if (add) add(snapshot);
    control.step(snapshot, decision_);
    for (std::size_t m = 0; m < miners.size(); ++m) {
      const MinerDecision& miner = decision_.miners[m];
      miners[m].take(miner, now_s_);
      for (const std::uint64_t part :
           {static_cast<std::uint64_t>(miner.wanted), miner.sequence,
            static_cast<std::uint64_t>(miner.target.value() * 100.0), static_cast<std::uint64_t>(miner.reason)}) {
        decision_hash = (decision_hash ^ part) * 1099511628211ULL;
      }
    }
    if (each) each();
  }
}

}  // namespace sluice::control
