#include "troubled_house.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "model/envelope.hpp"

namespace sluice::sim {
namespace {

using std::chrono::seconds;

std::size_t pick(Random& random, std::size_t count) {
  return std::min(count - 1, static_cast<std::size_t>(random.uniform() * static_cast<double>(count)));
}

bool chance(Random& random, double share) { return random.uniform() < share; }

/// In [low, high], each doubling as likely as the next one.
double spread(Random& random, double low, double high) {
  const double doublings = std::floor(std::log2(high / low));
  const double base = low * std::exp2(std::floor(random.uniform() * (doublings + 1.0)));
  return std::min(high, base * random.uniform(1.0, 2.0));
}

constexpr double kCalmEdgePerS = 0.005, kCalmLow = 0.3;
constexpr std::size_t kCalmCycleS = 900, kCalmHighS = 600;

/// Sun with edges of clouds, a house with kettles and ovens, now and then far too much of them; at the end a calm noon.
Trace troubled_trace(Random& random, double peak_w, std::size_t troubled_s, std::size_t calm_s) {
  Trace trace;
  double sun = random.uniform(), goal = random.uniform(), edge_per_s = 0.01;
  const double base_w = random.uniform(80.0, 600.0);
  double extra_w = 0.0;
  std::size_t extra_until = 0;
  for (std::size_t second = 0; second < troubled_s + calm_s; ++second) {
    if (second < troubled_s) {
      if (chance(random, 1.0 / 90.0)) {
        goal = random.uniform();
        edge_per_s = chance(random, 0.3) ? 1.0 : spread(random, 0.002, 0.2);
      }
      if (second >= extra_until && chance(random, 1.0 / 150.0)) {
        extra_w = chance(random, 0.05) ? random.uniform(5000.0, 15000.0) : spread(random, 60.0, 3000.0);
        extra_until = second + static_cast<std::size_t>(spread(random, 2.0, 400.0));
      }
    } else {
      goal = second % kCalmCycleS < kCalmHighS ? 1.0 : kCalmLow;
      edge_per_s = kCalmEdgePerS;
    }
    sun += std::clamp(goal - sun, -edge_per_s, edge_per_s);
    const bool extra = second < extra_until && second < troubled_s;
    trace.pv_w.push_back(static_cast<float>(peak_w * sun));
    trace.load_w.push_back(static_cast<float>(base_w + 4.0 * random.normal() + (extra ? extra_w : 0.0)));
    trace.load_w.back() = std::max(trace.load_w.back(), 0.0F);
  }
  return trace;
}

bool of_a_miner(Trouble trouble) { return trouble >= Trouble::link_down && trouble <= Trouble::hot; }

}  // namespace

std::string to_string(Trouble trouble) {
  static constexpr std::array<const char*, kTroubles> kNames{
      "meter_dead",      "meter_frozen",    "meter_flipped",    "meter_garbage", "meter_noisy",  "meter_slow",
      "pv_missing",      "pv_old",          "battery_missing",  "battery_old",   "link_down",    "command_lost",
      "command_refused", "command_failed",  "answer_lost",      "sleep_ignored", "report_wrong", "wrong_identity",
      "other_commander", "envelope_narrow", "envelope_unknown", "pool_dead",     "hot",          "grid_lost",
      "clock_wrong",     "clock_insane",    "late_ticks"};
  return kNames[static_cast<std::size_t>(trouble)];
}

TroubledHouse::TroubledHouse(std::uint64_t seed, Duration troubled, Duration calm)
    : random_(seed), troubled_(troubled), calm_(calm) {
  furnish(seed);
}

void TroubledHouse::furnish(std::uint64_t seed) {
  VirtualHouseSpec spec;
  HousePlantSpec& house = spec.house;
  house.seed = seed;
  house.keep_history = false;
  house.meter.noise = Watts(random_.uniform(0.0, 15.0));
  house.meter.sample = std::chrono::milliseconds(100) * static_cast<int>(spread(random_, 2.0, 50.0));
  house.meter.age = std::chrono::milliseconds(100) * static_cast<int>(random_.uniform(1.0, 20.0));
  house.meter.dropouts_per_hour = chance(random_, 0.3) ? 4.0 : 0.0;
  spec.report_every = seconds(1 + static_cast<int>(pick(random_, 5)));

  const std::vector<std::string> plants = plant_names();
  const std::size_t count = 1 + pick(random_, kMost);
  double most_w = 0.0;
  site_.control.profile = constraint_profile(
      std::array{ProfileName::gentle, ProfileName::normal, ProfileName::normal, ProfileName::bare}[pick(random_, 4)]);
  site_.control.regulation = chance(random_, 0.15) ? Regulation::pid : Regulation::deadbeat;
  site_.control.hysteresis.form = chance(random_, 0.2) ? HysteresisForm::classic : HysteresisForm::energy;
  site_.control.grid_target = Watts(chance(random_, 0.7) ? 0.0 : random_.uniform(-200.0, 100.0));
  const bool shed = chance(random_, 0.7);
  double shed_w = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    MinerSetup setup;
    setup.spec = plant_spec(plants[pick(random_, plants.size())]).value();
    if (chance(random_, 0.2)) setup.spec.dynamics.writes_per_day = 40 + static_cast<int>(pick(random_, 160));
    setup.errors.setpoint_bias = random_.uniform(-0.15, 0.0);
    setup.errors.report_bias = random_.uniform(-0.15, 0.15);
    setup.errors.seed = seed + 100 * i;
    setup.start = chance(random_, 0.5) ? StartState::asleep : StartState::running;
    setup.target = setup.spec.envelope.min;
    MinerSite miner;
    miner.name = "miner" + std::to_string(i);
    if (shed && chance(random_, 0.8)) miner.circuit = 0;
    const double roll = random_.uniform();
    miner.strategy = roll < 0.6   ? Strategy::solar
                     : roll < 0.8 ? Strategy::solar_battery
                     : roll < 0.9 ? Strategy::full
                                  : Strategy::off;
    miner.priority = static_cast<int>(pick(random_, 3));
    const Envelope& envelope = setup.spec.envelope;
    if (chance(random_, 0.3)) miner.max_power = envelope.floor(envelope.min + 0.6 * (envelope.max - envelope.min));
    most_w += envelope.max.value();
    if (miner.circuit == 0) {
      const bool on = setup.start == StartState::running;
      shed_w += on ? setup.target.value() : setup.spec.dynamics.sleep_power.value();
    }
    house.miners.push_back(setup);
    site_.miners.push_back(miner);
  }
  if (shed) site_.circuits.push_back({"shed", Watts(std::max(shed_w + 50.0, random_.uniform(0.2, 1.0) * most_w))});

  const double peak_w = random_.uniform(0.5, 1.8) * most_w + 800.0;
  house.pv.rating = Watts(1.1 * peak_w);
  site_.has_pv_meter = true;
  if (chance(random_, 0.4)) site_.import_cap = Watts(random_.uniform(3000.0, 12000.0));
  if (chance(random_, 0.5)) {
    BatterySetup battery;
    battery.spec.capacity = WattHours(spread(random_, 1000.0, 15000.0));  // small ones fill and empty in the hour
    battery.spec.max_power = Watts(random_.uniform(1500.0, 5000.0));
    battery.soc = Percent(random_.uniform(0.0, 100.0));
    house.battery = battery;
    site_.battery.present = true;
    site_.battery.capacity = battery.spec.capacity;
    site_.battery.max_charge = site_.battery.max_discharge = battery.spec.max_power;
    site_.battery.share.push_back({Percent(20.0), random_.uniform()});
    site_.battery.share.push_back({Percent(90.0), 1.0});
    site_.battery.discharge.push_back({Percent(40.0), 0.0});
    site_.battery.discharge.push_back({Percent(80.0), 0.8});
  }
  auto trace =
      std::make_shared<const Trace>(troubled_trace(random_, peak_w, static_cast<std::size_t>(troubled_ / seconds(1)),
                                                   static_cast<std::size_t>(calm_ / seconds(1)) + 10));
  house_ = std::make_unique<VirtualHouse>(spec, trace);
  product_ = std::make_unique<ProductPolicy>(site_, PersistentState{}, VirtualHouse::start(), house_->wall_start());
}

void TroubledHouse::begin(Trouble trouble, std::size_t miner, Duration length) {
  if (!has(trouble, miner)) since_[index(trouble)][miner] = now();
  until_[index(trouble)][miner] = now() + length;
  switch (trouble) {
    case Trouble::meter_slow:
      slow_refresh_ = from_seconds(random_.uniform(2.0, 30.0));
      break;
    case Trouble::report_wrong:
      report_factor_[miner] = random_.uniform(0.2, 2.0);
      break;
    case Trouble::envelope_narrow:
      narrow_to_[miner] = random_.uniform(0.1, 0.9);
      break;
    case Trouble::clock_wrong:
      clock_error_ += std::chrono::minutes(1) * static_cast<int>(random_.uniform(-2000.0, 2000.0));
      break;
    default:
      break;
  }
}

void TroubledHouse::end_troubles() {
  for (std::size_t kind = 0; kind < kTroubles; ++kind) {
    for (std::size_t miner = 0; miner < kMost; ++miner) {
      until_[kind][miner] = std::min(until_[kind][miner], now());
    }
  }
}

void TroubledHouse::worry() {
  for (std::size_t kind = 0; kind < kTroubles; ++kind) {
    for (std::size_t miner = 0; miner < kMost; ++miner) {
      MonoTime& until = until_[kind][miner];
      if (until == MonoTime{} || until > now()) continue;
      until = MonoTime{};
      since_[kind][miner] = now();
    }
  }
  if (elapsed() >= troubled_) return;
  if (chance(random_, 1.0 / 45.0)) {
    const auto trouble = static_cast<Trouble>(pick(random_, kTroubles));
    const std::size_t miner = of_a_miner(trouble) ? pick(random_, house_->house().miner_count()) : 0;
    const double length_s = trouble == Trouble::meter_garbage ? random_.uniform(1.0, 4.0) : spread(random_, 2.0, 500.0);
    begin(trouble, miner, std::min<Duration>(from_seconds(length_s), troubled_ - elapsed()));
  }
  if (chance(random_, 1.0 / 1500.0)) house_->house().miner(pick(random_, house_->house().miner_count())).reboot();
}

bool TroubledHouse::sun_stands_still(Duration so_long) const {
  if (elapsed() < troubled_) return false;
  const double second = std::fmod(to_seconds(elapsed()), static_cast<double>(kCalmCycleS));
  const bool low = second >= static_cast<double>(kCalmHighS);
  const double since_s = second - (low ? static_cast<double>(kCalmHighS) : 0.0) - (1.0 - kCalmLow) / kCalmEdgePerS;
  return since_s >= to_seconds(so_long);
}

void TroubledHouse::tick() {
  worry();
  house_->house().set_grid_lost(has(Trouble::grid_lost));
  for (std::size_t i = 0; i < house_->house().miner_count(); ++i) {
    if (!has(Trouble::other_commander, i) || !chance(random_, 0.2)) continue;
    MinerPlant& miner = house_->house().miner(i);
    const Envelope& envelope = miner.spec().envelope;
    miner.set_target(envelope.floor(envelope.min + random_.uniform() * (envelope.max - envelope.min)));
  }
  const Duration step = house_->house().step_length();
  const Duration dt = has(Trouble::late_ticks) ? step * static_cast<int>(random_.uniform(2.0, 91.0)) : seconds(1);
  house_->tick(*this, dt);
}

void TroubledHouse::step(const Snapshot& snapshot, Decision& decision) {
  told_ = snapshot;
  tamper_with_grid();
  tamper_with_sources();
  for (std::size_t i = 0; i < told_.miners.size(); ++i) tamper_with_miner(i);
  product_->step(told_, decided_);
  hash();
  decision = decided_;
  for (std::size_t i = 0; i < decision.miners.size(); ++i) pass_on(i, decision.miners[i]);
}

void TroubledHouse::tamper_with_grid() {
  Reading<Watts> real = told_.grid.power;
  const bool lost = house_->house().state().grid_lost;
  told_.grid.connection =
      Reading<GridConnection>::good(lost ? GridConnection::islanded : GridConnection::connected, told_.now);
  if (has(Trouble::meter_noisy)) real.value += Watts(random_.uniform(-400.0, 400.0));
  if (has(Trouble::meter_flipped)) real.value = -real.value;
  const bool held =
      has(Trouble::meter_frozen) || (has(Trouble::meter_slow) && told_.now - shown_changed_ < slow_refresh_);
  if (!held || !shown_grid_.usable()) {
    shown_grid_.value = real.value;
    shown_grid_.quality = real.quality;
    shown_changed_ = told_.now;
  }
  if (!has(Trouble::meter_dead)) shown_grid_.at = told_.now;
  told_.grid.power = shown_grid_;
  if (has(Trouble::meter_garbage)) {
    const std::array<double, 6> garbage{std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::infinity(),
                                        -65'535.0,
                                        2.1e9,
                                        -32'768.0,
                                        0.0};
    const std::size_t which = pick(random_, garbage.size() + 1);
    if (which < garbage.size()) told_.grid.power.value = Watts(garbage[which]);
    if (which == garbage.size()) told_.grid.power = Reading<Watts>{};
  }
}

void TroubledHouse::tamper_with_sources() {
  if (!has(Trouble::pv_old)) old_pv_ = told_.pv.power;
  told_.pv.power = has(Trouble::pv_missing) ? Reading<Watts>{} : old_pv_;
  if (!has(Trouble::battery_old)) old_battery_ = told_.battery.power;
  told_.battery.power = has(Trouble::battery_missing) ? Reading<Watts>{} : old_battery_;
  if (has(Trouble::battery_missing)) told_.battery.soc = Reading<Percent>{};
  told_.wall += clock_error_;
  told_.wall_sane = !has(Trouble::clock_insane);
  told_.local_day = told_.wall_sane ? told_.wall.time_since_epoch() / Duration(std::chrono::hours(24)) : 0;
}

void TroubledHouse::tamper_with_miner(std::size_t i) {
  MinerObservation& seen = told_.miners[i];
  if (lines_[i].told.sequence != 0 && lines_[i].told.sequence >= seen.command.sequence) seen.command = lines_[i].told;
  if (has(Trouble::link_down, i)) seen.link = LinkState::down;
  if (has(Trouble::wrong_identity, i)) seen.identity = IdentityVerdict::wrong;
  if (has(Trouble::report_wrong, i)) seen.reported_power.value = report_factor_[i] * seen.reported_power.value;
  if (has(Trouble::envelope_narrow, i)) {
    const Watts high = seen.envelope.min + narrow_to_[i] * (seen.envelope.max - seen.envelope.min);
    seen.envelope = seen.envelope.limited(seen.envelope.min, seen.envelope.floor(high));
  }
  if (has(Trouble::envelope_unknown, i)) seen.envelope = Envelope{};
  seen.pool_alive = Reading<bool>::good(!has(Trouble::pool_dead, i), told_.now);
  seen.temperature = Reading<Celsius>::good(Celsius(has(Trouble::hot, i) ? 97.0 : 60.0), told_.now);
}

void TroubledHouse::pass_on(std::size_t i, MinerDecision& order) {
  Line& line = lines_[i];
  if (order.wanted == CommandKind::none) return;
  if (order.sequence != line.handled) {
    line.handled = order.sequence;
    const bool unreachable = has(Trouble::link_down, i);
    const bool ignored =
        has(Trouble::command_lost, i) || (has(Trouble::sleep_ignored, i) && order.wanted == CommandKind::sleep);
    CommandStatus status = CommandStatus::none;
    if (ignored) status = CommandStatus::acknowledged;
    if (has(Trouble::command_refused, i)) status = CommandStatus::refused;
    if (has(Trouble::answer_lost, i) || has(Trouble::command_failed, i) || unreachable) status = CommandStatus::failed;
    line.swallowed = status != CommandStatus::none && (unreachable || !has(Trouble::answer_lost, i));
    line.told = CommandRecord{};
    if (status != CommandStatus::none) {
      line.told = {order.sequence,
                   order.wanted,
                   order.target,
                   status,
                   now() + std::chrono::milliseconds(300),
                   now() + std::chrono::milliseconds(800)};
    }
  }
  if (line.swallowed) order.wanted = CommandKind::none;
}

void TroubledHouse::hash() {
  const auto mix = [&](std::uint64_t word) { hash_ = (hash_ ^ word) * 1099511628211ULL; };
  mix(decided_.alarms.bits());
  for (const MinerDecision& miner : decided_.miners) {
    mix(static_cast<std::uint64_t>(miner.wanted));
    mix(static_cast<std::uint64_t>(miner.reason));
    mix(miner.sequence);
    mix(std::bit_cast<std::uint64_t>(miner.target.value()));
    mix(std::bit_cast<std::uint64_t>(miner.expected_power.value()));
    mix(miner.alarms.bits());
  }
}

std::string TroubledHouse::troubles() const {
  std::string text = "at " + std::to_string(elapsed() / std::chrono::milliseconds(1)) + " ms:";
  for (std::size_t kind = 0; kind < kTroubles; ++kind) {
    for (std::size_t miner = 0; miner < kMost; ++miner) {
      const auto trouble = static_cast<Trouble>(kind);
      if (!has(trouble, miner)) continue;
      text += " " + to_string(trouble) + (of_a_miner(trouble) ? "[" + std::to_string(miner) + "]" : std::string());
    }
  }
  return text;
}

}  // namespace sluice::sim
