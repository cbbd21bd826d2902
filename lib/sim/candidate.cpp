#include "sim/candidate.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim {
namespace {

using std::chrono::seconds;

constexpr Watts kMargin{5.0};

// A stop is worth the wake that it costs later: energy not mined while boards initialise and rise, and a share of it
// each way, as in the ski-rental problem.
constexpr double kWakeShare = 0.24;
constexpr double kStopFactor = 0.5;
constexpr double kStartFactor = 0.2;

constexpr double kBiasSeconds = 60.0;
constexpr double kWrongWatts = 200.0;
constexpr Duration kWrongFor = seconds(30);

// A level is rounded up when less than this part of the step is missing: 1/(1 + λ) by the newsvendor rule is 0.22.
constexpr double kRoundUpBelow = 0.25;

// Bases move when the trimmer comes this near to an end, and by enough to bring it so far inside.
constexpr Watts kNearEnd{50.0};
constexpr Watts kInside{300.0};

// Battery: its charge is released to mining when it is nearly full.
constexpr Percent kReleasedFrom{90.0};
constexpr Percent kReleasedUntil{85.0};

// Latency learning.
constexpr Watts kTellingStep{200.0};
constexpr int kLongestDeadTime = 20;
constexpr std::size_t kLookedAt = 38;     // ticks from a step on
constexpr std::uint64_t kLookAfter = 60;  // so that the twin of every lag is in the past
constexpr double kClear = 0.9;            // correlation below which it was the sun that moved, or both
constexpr double kLearnRate = 0.1;

double start_cost_ws(const MinerObservation& seen) {
  const double wake_s = std::max(1.0, to_seconds(seen.dynamics.wake));
  return kWakeShare * wake_s * (seen.envelope.min + seen.envelope.max).value();
}

Watts rounded_by_value(const Envelope& envelope, Watts power) {
  const Watts low = envelope.floor(power);
  const Watts high = envelope.ceil(power);
  return high > low && high - power < kRoundUpBelow * (high - low) ? high : low;
}

}  // namespace

void Candidate::step(const Snapshot& snapshot, Decision& decision) {
  if (models_.empty()) begin(snapshot);
  const double dt_s = to_seconds(snapshot.now - last_step_);
  last_step_ = snapshot.now;
  ++tick_;
  miners_.look(snapshot);
  hear(snapshot);
  battery_w_[tick_ % kHistory] =
      snapshot.battery.power.usable() ? static_cast<float>(snapshot.battery.power.value.value()) : 0.0F;
  if (snapshot.grid.power.usable()) {
    read_meter(snapshot);
    Watts available = battery_share(snapshot) - grid_;
    for (const Model& model : models_) available += drawn(model);
    account_stops(snapshot, available, dt_s);
    account_starts(snapshot, available, dt_s);
    follow(snapshot, available);
    learn(snapshot);
  }
  miners_.send(snapshot, decision);
}

// ---- What is known
// ---------------------------------------------------------------------------------------------------

void Candidate::begin(const Snapshot& snapshot) {
  last_step_ = snapshot.now;
  grid_at_ = snapshot.now - setup_.meter_age;
  grid_ = snapshot.grid.power.value;
  for (const MinerObservation& seen : snapshot.miners) {
    PlantSpec spec;
    spec.envelope = seen.envelope;
    spec.dynamics = seen.dynamics;
    spec.dynamics.dead_time = {};
    spec.stop = seen.dynamics.stop > Duration{} ? seen.dynamics.stop : seen.dynamics.ramp_down;
    const bool running = seen.state == MinerState::running;
    const Watts target = seen.target_readback.usable() ? seen.target_readback.value : seen.envelope.min;
    Model model{MinerPlant(spec, {}, running ? StartState::running : StartState::asleep, target)};
    model.time = model.corrected_at = grid_at_;
    model.dead_time = seen.dynamics.dead_time;
    models_.push_back(std::move(model));
  }
}

void Candidate::hear(const Snapshot& snapshot) {
  for (std::size_t i = 0; i < models_.size(); ++i) {
    Model& model = models_[i];
    const MinerObservation& seen = snapshot.miners[i];
    const CommandRecord& record = seen.command;
    const bool left = record.status == CommandStatus::sent || record.status == CommandStatus::acknowledged;
    if (left && record.sequence != model.heard) {
      model.heard = record.sequence;
      const Duration until = std::max(Duration{}, record.sent_at + model.dead_time - model.time);
      if (record.kind == CommandKind::sleep) {
        model.twin.sleep(until);
      } else {
        model.twin.set_target(record.target, until);
        if (record.kind == CommandKind::wake) model.twin.wake(until);
      }
    }
    if (!model.report.usable() && seen.reported_power.usable() && seen.reported_power.at > model.corrected_at) {
      model.report = seen.reported_power;
    }
  }
}

void Candidate::read_meter(const Snapshot& snapshot) {
  // A register that stands still tells nothing new: everything stays at the time at which its value was true.
  const Reading<Watts>& seen = snapshot.grid.power;
  if (seen.value != grid_) {
    grid_ = seen.value;
    grid_at_ = seen.at - setup_.meter_age;
  }
  grid_w_[tick_ % kHistory] = static_cast<float>(grid_.value());
  for (Model& model : models_) {
    if (model.report.usable() && model.report.at <= grid_at_) correct(model);
    advance_to(model, grid_at_);
    model.twin_w[tick_ % kHistory] = static_cast<float>(model.twin.power().value());
  }
}

void Candidate::advance_to(Model& model, MonoTime time) {
  if (time <= model.time) return;
  model.twin.advance(time - model.time);
  model.time = time;
}

void Candidate::correct(Model& model) {
  const Reading<Watts> report = model.report;
  model.report = {};
  advance_to(model, report.at);
  const Duration since = report.at - model.corrected_at;
  model.corrected_at = report.at;
  model.last_report = report.value;
  const double error_w = (report.value - model.twin.power()).value() - model.bias_w;
  model.bias_w += std::min(1.0, to_seconds(since) / kBiasSeconds) * error_w;
  model.wrong_for = std::fabs(error_w) > kWrongWatts ? model.wrong_for + since : Duration{};
}

Watts Candidate::drawn(const Model& model) {
  if (model.wrong_for >= kWrongFor) return model.last_report;
  return positive(model.twin.power() + Watts(model.bias_w));
}

/// What the battery adds to the balance, at the time of the grid reading: its charge only while it is released, its
/// discharge always, so that it can neither hide surplus nor feign it.
Watts Candidate::battery_share(const Snapshot& snapshot) {
  if (!snapshot.battery.power.usable()) return Watts(0.0);
  if (snapshot.battery.soc.usable()) {
    const Percent soc = snapshot.battery.soc.value;
    battery_released_ = soc >= (battery_released_ ? kReleasedUntil : kReleasedFrom);
  }
  const auto age = static_cast<std::uint64_t>((snapshot.now - grid_at_) / seconds(1));
  const std::uint64_t back = std::min<std::uint64_t>({age, kHistory - 1, tick_ - 1});
  const Watts power(static_cast<double>(battery_w_[(tick_ - back) % kHistory]));  // + discharge
  return power > Watts(0.0) || battery_released_ ? -power : Watts(0.0);
}

// ---- Latency learning
// ------------------------------------------------------------------------------------------------

void Candidate::learn(const Snapshot& snapshot) {
  for (std::size_t i = 0; i < models_.size(); ++i) {
    Model& model = models_[i];
    if (model.stepped_at == 0) {
      const Watts ahead = miners_.target(i) - model.twin.target();
      if (adjustable(snapshot, i) && abs(ahead) >= kTellingStep) model.stepped_at = tick_;
    } else if (tick_ >= model.stepped_at + kLookAfter) {
      learn_dead_time(model);
      model.stepped_at = 0;
    }
  }
}

/// Where did the meter see the step? The lag of the twin at which its changes and the meter's agree best corrects the
/// dead time that the twin was given.
void Candidate::learn_dead_time(Model& model) const {
  constexpr int kReach = kLongestDeadTime;  // lags from −kReach to kReach
  if (model.stepped_at <= kReach + 1) return;
  const auto change = [](const std::array<float, kHistory>& ring, std::uint64_t tick) {
    return ring[tick % kHistory] - ring[(tick - 1) % kHistory];
  };
  std::array<float, kLookedAt> grid{};
  std::array<float, kLookedAt + 2 * kReach> twin{};
  for (std::size_t k = 0; k < grid.size(); ++k) grid[k] = change(grid_w_, model.stepped_at + k);
  for (std::size_t k = 0; k < twin.size(); ++k) twin[k] = change(model.twin_w, model.stepped_at + k - kReach);

  float grid_square = 0.0F;
  for (const float w : grid) grid_square += w * w;
  const int given = static_cast<int>(std::lround(to_seconds(model.dead_time)));
  double best = 0.0;
  int best_lag = 0;
  for (int lag = -given; lag <= kLongestDeadTime - given; ++lag) {
    float product = 0.0F, twin_square = 0.0F;
    const float* shifted = twin.data() + (kReach - lag);
    for (std::size_t k = 0; k < grid.size(); ++k) {
      product += grid[k] * shifted[k];
      twin_square += shifted[k] * shifted[k];
    }
    if (product <= 0.0F) continue;
    const double likeness =
        static_cast<double>(product) / std::sqrt(static_cast<double>(twin_square) * static_cast<double>(grid_square));
    if (likeness > best) best = likeness, best_lag = lag;
  }
  if (best < kClear) return;
  const double learned_s = to_seconds(model.dead_time) + kLearnRate * best_lag;
  model.dead_time = from_seconds(std::clamp(learned_s, 0.0, static_cast<double>(kLongestDeadTime)));
}

// ---- Start and stop
// --------------------------------------------------------------------------------------------------

void Candidate::account_stops(const Snapshot& snapshot, Watts available, double dt_s) {
  std::size_t last = models_.size();
  Watts others{};
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (!miners_.on(i)) continue;
    if (last < models_.size()) others += snapshot.miners[last].envelope.min;
    last = i;
  }
  if (last == models_.size()) return;
  const MinerObservation& seen = snapshot.miners[last];
  Model& model = models_[last];
  const Watts left = available - others;
  const Watts least = seen.envelope.min;
  const double rate = setup_.leak_price * positive(least - left).value() - min(positive(left), least).value();
  const double enough = kStopFactor * start_cost_ws(seen);
  model.stop_account_ws = std::clamp(model.stop_account_ws + rate * dt_s, 0.0, enough);
  if (model.stop_account_ws < enough || !miners_.may_stop(last, snapshot.now)) return;
  model.stop_account_ws = model.start_account_ws = 0.0;
  miners_.rest(last);
}

void Candidate::account_starts(const Snapshot& snapshot, Watts available, double dt_s) {
  std::size_t next = models_.size();
  Watts others{};
  for (std::size_t i = models_.size(); i-- > 0;) {
    if (miners_.on(i)) {
      others += snapshot.miners[i].envelope.min;
    } else {
      next = i;
    }
  }
  if (next == models_.size() || miners_.wanted_on(next)) return;
  const MinerObservation& seen = snapshot.miners[next];
  Model& model = models_[next];
  const Watts left = available - others;
  const Watts least = seen.envelope.min;
  const double rate = left >= least + kMargin ? min(left, seen.envelope.max).value()
                                              : -setup_.leak_price * (least - positive(left)).value();
  const double enough = kStartFactor * start_cost_ws(seen);
  model.start_account_ws = std::clamp(model.start_account_ws + rate * dt_s, 0.0, enough);
  if (model.start_account_ws < enough || !miners_.may_start(next, snapshot.now)) return;
  model.stop_account_ws = model.start_account_ws = 0.0;
  miners_.run(snapshot, next, rounded_by_value(seen.envelope, left - kMargin));
}

// ---- Follow
// ----------------------------------------------------------------------------------------------------------

/// A command to a waking miner would only be queued, and be old when it is read.
bool Candidate::adjustable(const Snapshot& snapshot, std::size_t miner) const {
  return miners_.on(miner) && miners_.wanted_on(miner) && snapshot.miners[miner].state == MinerState::running;
}

/// The fastest of those that can be set finely trims, the others hold.
void Candidate::follow(const Snapshot& snapshot, Watts available) {
  std::size_t trimmer = models_.size();
  Duration fastest = Duration::max();
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (!adjustable(snapshot, i)) continue;
    const MinerObservation& seen = snapshot.miners[i];
    const bool coarse = seen.envelope.kind == EnvelopeKind::levels;
    const Duration reaction =
        seen.dynamics.dead_time + seen.dynamics.ramp_down + (coarse ? std::chrono::hours(1) : Duration{});
    if (reaction < fastest) fastest = reaction, trimmer = i;
  }
  if (trimmer == models_.size()) return;
  Watts left = available - kMargin;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (i != trimmer) left -= adjustable(snapshot, i) ? miners_.target(i) : drawn(models_[i]);
  }
  approach(snapshot, trimmer, left);
  if (models_.size() > 1) shift_bases(snapshot, trimmer, left);
}

void Candidate::approach(const Snapshot& snapshot, std::size_t miner, Watts power) {
  const Envelope& envelope = snapshot.miners[miner].envelope;
  const MinerDynamics& dynamics = snapshot.miners[miner].dynamics;
  const Watts now = miners_.target(miner);
  const Watts goal = clamp(power, envelope.min, envelope.max);
  const bool lower = goal < now - max(setup_.pace.band_down, setup_.profile.deadband_down) &&
                     snapshot.now - miners_.lowered_at(miner) >= dynamics.retarget_down;
  const bool raise = goal > now + max(setup_.pace.band_up, setup_.profile.deadband_up) &&
                     snapshot.now - miners_.changed_at(miner) >= setup_.pace.pause &&
                     snapshot.now - miners_.raised_at(miner) >= dynamics.retarget_up;
  if (lower || raise) miners_.run(snapshot, miner, rounded_by_value(envelope, goal));
}

void Candidate::shift_bases(const Snapshot& snapshot, std::size_t trimmer, Watts left) {
  const Envelope& range = snapshot.miners[trimmer].envelope;
  Watts move{};
  if (left > range.max - kNearEnd) move = left - (range.max - kInside);
  if (left < range.min + kNearEnd) move = left - (range.min + kInside);
  for (std::size_t i = 0; i < models_.size() && move != Watts(0.0); ++i) {
    if (i == trimmer || !adjustable(snapshot, i)) continue;
    const Watts before = miners_.target(i);
    const Envelope& envelope = snapshot.miners[i].envelope;
    if (before == (move > Watts(0.0) ? envelope.max : envelope.min)) continue;
    approach(snapshot, i, before + move);
    return;
  }
}

}  // namespace sluice::sim
