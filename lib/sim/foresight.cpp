#include "sim/foresight.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sluice::sim {
namespace {

constexpr double kInitialisingShare = 0.6;  // of a wake, as in miner_plant.cpp
constexpr double kFinestCell = 10.0;        // W, at most
constexpr double kMostCells = 1000.0;
constexpr double kStopCell = 20.0;  // W, at most: a stop lasts seconds
constexpr float kNever = -1e30F;
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kDay = 86'400;

/// What the average power of one second may be: the best point counts.
struct Band {
  float low = 0.0F, high = 0.0F;
};

/// Bands of a row of cells, laid out for loops that the compiler turns into vector instructions.
struct Bands {
  std::vector<float> low, high;
  std::size_t size() const { return low.size(); }
  Band operator[](std::size_t cell) const { return {low[cell], high[cell]}; }
  void push_back(double low_w, double high_w) {
    low.push_back(static_cast<float>(low_w));
    high.push_back(static_cast<float>(std::max(low_w, high_w)));
  }
};

/// One second's worth in W·s: captured − λ · leaked at the best power of the band.
inline float worth(float low, float high, float surplus, float lambda) {
  const float captured = high < surplus ? high : surplus;
  const float leaked = low - surplus;
  return captured - lambda * (leaked > 0.0F ? leaked : 0.0F);
}

/// out[i] = worth of band i + after[i − first] − less.
void worth_row(const Bands& bands, std::size_t first, std::size_t end, float surplus, float lambda,
               const float* __restrict after, float less, float* __restrict out) {
  const float* __restrict low = bands.low.data();
  const float* __restrict high = bands.high.data();
  for (std::size_t i = first; i < end; ++i) out[i] = worth(low[i], high[i], surplus, lambda) + after[i - first] - less;
}

void larger_of(const float* a, const float* b, std::size_t count, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = a[i] < b[i] ? b[i] : a[i];
}

// In four lanes, because a maximum waits for the one before it.
float largest(const std::vector<float>& values) {
  float best[4] = {kNever, kNever, kNever, kNever};
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) best[lane] = std::max(best[lane], values[i + lane]);
  }
  for (; i < values.size(); ++i) best[0] = std::max(best[0], values[i]);
  return std::max(std::max(best[0], best[1]), std::max(best[2], best[3]));
}

/// Whether none of the first `steps` steps goes down, or up.
bool rises(const float* values, std::size_t steps) {
  int against = 0;
  for (std::size_t i = 0; i < steps; ++i) against |= static_cast<int>(values[i] > values[i + 1]);
  return against == 0;
}
bool falls(const float* values, std::size_t steps) {
  int against = 0;
  for (std::size_t i = 0; i < steps; ++i) against |= static_cast<int>(values[i] < values[i + 1]);
  return against == 0;
}

/// The miner cut into seconds. A second has an average power; commands bite at `phase` of a second, so the second of a
/// stop or of the end of a wake is a mixture.
///
/// The averages of two seconds in a row differ by at most one second of ramp, as the powers do. Cells divide that ramp
/// evenly, so rounding to the nearest cell never needs more cells than the ramp allows.
struct Actuator {
  Actuator(const OracleMiner& miner, const ConstraintProfile& profile, Duration transit);

  Bands running;                          // by level
  std::size_t up = 0, down = 0;           // levels a second
  Bands stop_second;                      // by level: the second in which a stop from there begins
  std::vector<std::uint16_t> stop_entry;  // by level: the row of `stopping` a second later; the one past the end: none
  Bands stopping;                         // by power at the beginning of the second
  std::size_t stop_shift = 1;             // rows a second
  std::vector<float> woken_early;         // by row of `stopping`: most that the cut second could have added to a wake
  Bands waking;                           // by second of the wake; the last one ends in running at the lowest level
  std::size_t wake_reach = 0;             // highest level in the second after it
  std::size_t rest = 1;                   // seconds from one stop to the next wake
  std::size_t rest_after_waking = 1;      // the same, told to sleep while it was still waking
  bool interruptible = false;             // a wake may cut a stop short
  double lowest_w = 0.0, highest_w = 0.0;

 private:
  void cut_running(double up_w, double down_w);
  void cut_stop(const PlantSpec& spec, double phase, double up_w, double down_w, double late_rise_w);
  double cell_w_ = kFinestCell;
};

/// Wh … as W·s: energy of a wake until `t` seconds after it began.
struct WakeCurve {
  double initial_w, lowest_w, begin_s, length_s;
  double energy(double t) const {
    const double rising_s = std::clamp(t - begin_s, 0.0, length_s - begin_s);
    const double slope = length_s > begin_s ? (lowest_w - initial_w) / (length_s - begin_s) : 0.0;
    return initial_w * std::clamp(t, 0.0, length_s) + 0.5 * slope * rising_s * rising_s;
  }
  double rise_w() const {
    return length_s > begin_s ? std::max(0.0, lowest_w - initial_w) / (length_s - begin_s) : 0.0;
  }
};

Actuator::Actuator(const OracleMiner& miner, const ConstraintProfile& profile, Duration transit) {
  const PlantSpec& spec = miner.spec;
  const MinerDynamics& dynamics = spec.dynamics;
  lowest_w = spec.envelope.min.value() * (1.0 + miner.setpoint_bias);
  highest_w = spec.envelope.max.value() * (1.0 + miner.setpoint_bias);
  const double span_w = (spec.envelope.max - spec.envelope.min).value();
  const double ramped_w = highest_w - lowest_w;
  const auto rate = [&](Duration full) { return std::min(ramped_w, span_w / std::max(to_seconds(full), 1e-3)); };
  const double up_w = rate(dynamics.ramp_up), down_w = rate(dynamics.ramp_down);
  const double bite_s = to_seconds(transit + dynamics.dead_time);
  const double phase = bite_s - std::floor(bite_s);
  cut_running(up_w, down_w);

  const double wake_s = to_seconds(dynamics.wake);
  const WakeCurve wake{std::min(dynamics.sleep_power + spec.wake_extra, spec.envelope.min).value(), lowest_w,
                       kInitialisingShare * wake_s, wake_s};
  const auto last = static_cast<std::size_t>(std::floor(phase + wake_s));
  for (std::size_t second = 0; second < last; ++second) {
    const double from_s = static_cast<double>(second) - phase;
    const double energy = wake.energy(from_s + 1.0) - wake.energy(from_s);
    waking.push_back(energy, energy);
  }
  const double run_s = 1.0 - (phase + wake_s - static_cast<double>(last));  // of the last second
  const double climbed_w = std::min(ramped_w, 0.5 * up_w * run_s * run_s);
  const double mixed = wake.energy(wake_s) - wake.energy(static_cast<double>(last) - phase) + lowest_w * run_s;
  waking.push_back(mixed, mixed + climbed_w);
  wake_reach = std::min(running.size() - 1, static_cast<std::size_t>(std::ceil((climbed_w + up_w) / cell_w_)));

  cut_stop(spec, phase, up_w, down_w, 0.5 * wake.rise_w() * (1.0 - run_s) * (1.0 - run_s));
  const auto off_s = static_cast<std::size_t>(std::ceil(std::max(0.0, to_seconds(profile.min_off))));
  rest = std::max<std::size_t>(1, off_s);
  const double longest_stop_s = to_seconds(spec.stop) * highest_w / spec.envelope.max.value();
  interruptible = longest_stop_s > static_cast<double>(rest);
  if (interruptible) rest = 1;
  const auto waking_s = static_cast<std::size_t>(wake_s);
  rest_after_waking = rest > waking_s ? std::max<std::size_t>(1, rest - waking_s) : 1;
}

void Actuator::cut_running(double up_w, double down_w) {
  const double ramped_w = highest_w - lowest_w;
  if (ramped_w <= 0.0 || up_w <= 0.0) {
    running.push_back(lowest_w, highest_w);
    return;
  }
  cell_w_ = std::max(up_w / std::ceil(up_w / kFinestCell), ramped_w / kMostCells);
  const auto last = static_cast<std::size_t>(std::floor(ramped_w / cell_w_ + 0.5));
  for (std::size_t level = 0; level <= last; ++level) {
    const double centre_w = lowest_w + static_cast<double>(level) * cell_w_;
    running.push_back(std::max(lowest_w, centre_w - cell_w_ / 2), std::min(highest_w, centre_w + cell_w_ / 2));
  }
  const auto cells = [&](double watts) {
    return std::min(last, static_cast<std::size_t>(std::ceil(watts / cell_w_ - 1e-6)));
  };
  up = cells(up_w);
  down = cells(down_w);
}

// A stop falls from the power p towards the sleeping watts in stop · p/Pmax: a line that falls by Pmax/stop, and above
// it by no more than the sleeping watts. `late_rise_w` is what the average of the second lacks in which a wake ends.
void Actuator::cut_stop(const PlantSpec& spec, double phase, double up_w, double down_w, double late_rise_w) {
  const double stop_s = to_seconds(spec.stop);
  const double top_w = spec.envelope.max.value();
  const double fall_w = stop_s > 0.0 ? top_w / stop_s : 1e9;  // a second
  const double sleep_w = spec.dynamics.sleep_power.value();
  // Average over `length` seconds that begin at the power p.
  const auto average = [&](double p, double length) {
    if (p <= 0.0) return 0.0;
    const double falling_s = std::min(length, p / fall_w);
    return p * falling_s - 0.5 * fall_w * falling_s * falling_s;
  };
  // The power at the instant of the stop against the average that the second would have had without it.
  const double above_w = 0.5 * up_w * phase * phase, below_w = 0.5 * down_w * phase * phase;
  const double half_cell = running.size() > 1 ? cell_w_ / 2 : 0.0;

  const double fallen_w = fall_w * (1.0 - phase);  // within the first second
  double stop_cell = kStopCell;
  if (fallen_w < highest_w) {
    const double rows_a_second = std::ceil(fall_w / kStopCell);
    stop_shift = static_cast<std::size_t>(rows_a_second);
    stop_cell = fall_w / rows_a_second;
    const auto rows = static_cast<std::size_t>(std::floor((highest_w - fallen_w) / stop_cell + 0.5)) + 1;
    for (std::size_t row = 0; row < rows; ++row) {
      const double centre_w = static_cast<double>(row) * stop_cell;
      const double low_w = std::max(0.0, centre_w - stop_cell / 2 - half_cell - below_w);
      const double high_w = centre_w + stop_cell / 2 + half_cell + above_w;
      stopping.push_back(average(low_w, 1.0), average(high_w, 1.0) + sleep_w);
      woken_early.push_back(static_cast<float>(phase * (high_w + sleep_w)));
    }
  }
  woken_early.push_back(0.0F);
  for (std::size_t level = 0; level < running.size(); ++level) {
    const double low_w = static_cast<double>(running.low[level]), high_w = static_cast<double>(running.high[level]);
    const double left_s = 1.0 - phase;
    stop_second.push_back(std::max(0.0, low_w * phase + average(std::max(0.0, low_w - below_w), left_s) - late_rise_w),
                          std::min(high_w, high_w * phase + average(high_w + above_w, left_s) + sleep_w * left_s));
    const double entry_w = 0.5 * (low_w + high_w) - fallen_w;
    const double entry = std::floor(entry_w / stop_cell + 0.5);
    const bool ended = entry < 0.0 || stopping.size() == 0;
    stop_entry.push_back(static_cast<std::uint16_t>(
        ended ? stopping.size() : std::min(stopping.size() - 1, static_cast<std::size_t>(entry))));
  }
}

/// The values of all states at the beginning of one second. Rows are relative to `asleep`, which keeps floats exact
/// enough over a year; `stopping` holds the mere reward of the rest of the stop unless a wake may cut it short.
struct Values {
  explicit Values(const Actuator& actuator)
      : running(actuator.running.size()), stopping(actuator.stopping.size() + 1), waking(actuator.waking.size()) {}
  std::vector<float> running, stopping, waking;  // the last of `stopping` stays 0: the stop has ended
  double asleep = 0.0;
};

/// A stretch of seconds. In a dark one nothing can be won and it is long enough that every miner goes to sleep, so it
/// needs no search.
struct Stretch {
  std::size_t begin, end;
  bool dark;
};

/// What is needed to search a stretch again: the values at its end, and of sleeping from there on.
struct Checkpoint {
  Values at_end;
  std::vector<double> asleep;  // entry k: k seconds after the end
};

struct Sum {
  double captured = 0.0, leaked = 0.0;  // W·s
  std::uint32_t starts = 0;
};

class Search {
 public:
  Search(std::span<const float> surplus_w, const OracleMiner& miner, const ConstraintProfile& profile,
         const OracleOptions& options)
      : surplus_w_(surplus_w),
        actuator_(miner, profile, options.transit),
        lambda_(static_cast<float>(options.lambda)),
        start_cost_(options.start_cost.value() * 3600.0),
        best_(std::max(actuator_.running.size() + actuator_.up + actuator_.down, actuator_.stopping.size())),
        wider_(best_.size()),
        tail_(best_.size()),
        after_stop_(actuator_.stopping.size() + 1),
        dark_(actuator_) {}
  ForesightResult run(const OracleMiner& miner);

 private:
  std::size_t longest_hold() const;
  std::vector<Stretch> stretches() const;
  void step_back(std::size_t second, const Values& next, Values& now);
  float best_reachable(const std::vector<float>& next);
  float entry_of_stop(std::size_t level, const Values& next) const;
  void search(const Stretch& stretch, const Checkpoint& end, Values* first, std::vector<Values>* all);
  void walk(const Stretch& stretch, const std::vector<Values>& values);
  void walk_second(std::size_t second, const Values& now, const Values& next);
  void walk_stop(std::size_t second, std::size_t level, std::size_t rest, const Values& next);
  void count(std::size_t second, Band band);
  float surplus(std::size_t second) const { return std::max(0.0F, surplus_w_[second]); }
  float worth_of(Band band, std::size_t second) const { return worth(band.low, band.high, surplus(second), lambda_); }
  double asleep_at(std::size_t second) const { return asleep_[std::min(second - origin_, asleep_.size() - 1)]; }

  std::span<const float> surplus_w_;
  Actuator actuator_;
  float lambda_;
  double start_cost_;
  std::vector<float> best_, wider_, tail_, after_stop_;  // scratch
  std::size_t peak_ = 0;                                 // of the row that `best_reachable` saw last
  Values dark_;                                          // with no sun for long
  // Values of sleeping, from the beginning of the stretch at hand until a rest after its end.
  std::vector<double> asleep_;
  std::size_t origin_ = 0;

  // The way forward.
  enum class Phase : std::uint8_t { asleep, waking, running, stopping };
  Phase phase_ = Phase::asleep;
  std::size_t ready_at_ = 0;        // asleep: when it may wake
  std::size_t place_ = 0;           // waking: second of the wake; stopping: row
  std::size_t low_ = 0, high_ = 0;  // running: levels within reach
  std::vector<Sum> days_;
};

// best[i] = the best of next[i − down … i + up]. Mostly there is one peak, which moves little in a second: then the
// nearest reachable to the peak is best. Otherwise, windows that double in width. Returns what none of `best_` is
// below, or `kNever`.
float Search::best_reachable(const std::vector<float>& next) {
  const std::size_t levels = next.size(), width = actuator_.up + actuator_.down + 1;
  while (peak_ + 1 < levels && next[peak_ + 1] > next[peak_]) ++peak_;
  while (peak_ > 0 && next[peak_ - 1] > next[peak_]) --peak_;
  if (rises(next.data(), peak_) && falls(next.data() + peak_, levels - 1 - peak_)) {
    const std::size_t below = peak_ > actuator_.up ? peak_ - actuator_.up : 0;
    const std::size_t above = std::min(levels, peak_ + actuator_.down);
    std::copy_n(next.data() + actuator_.up, below, best_.data());
    std::fill_n(best_.data() + below, above - below, next[peak_]);
    std::copy_n(next.data() + above - actuator_.down, levels - above, best_.data() + above);
    return std::min(best_[0], best_[levels - 1]);
  }
  std::fill_n(best_.begin(), actuator_.down, kNever);
  std::copy(next.begin(), next.end(), best_.begin() + static_cast<std::ptrdiff_t>(actuator_.down));
  std::fill_n(best_.begin() + static_cast<std::ptrdiff_t>(actuator_.down + levels), actuator_.up, kNever);
  std::size_t known = 1, length = levels + width - 1;
  const auto widen = [&](std::size_t apart) {
    length -= apart;
    larger_of(best_.data(), best_.data() + apart, length, wider_.data());
    std::swap(best_, wider_);
    known += apart;
  };
  while (2 * known <= width) widen(known);
  if (known < width) widen(width - known);
  return kNever;
}

/// Worth of a stop after its first second, without what sleeping is worth later.
float Search::entry_of_stop(std::size_t level, const Values& next) const {
  const std::size_t row = actuator_.stop_entry[level];
  return actuator_.interruptible ? std::max(next.stopping[row], actuator_.woken_early[row]) : next.stopping[row];
}

void Search::step_back(std::size_t second, const Values& next, Values& now) {
  const Actuator& it = actuator_;
  const float sun = surplus(second), lambda = lambda_;
  const auto later = [&](std::size_t seconds) { return static_cast<float>(asleep_at(second + seconds) - next.asleep); };

  const std::size_t last = it.waking.size() - 1;
  const float go =
      worth_of(it.waking[last], second) +
      *std::max_element(next.running.begin(), next.running.begin() + static_cast<std::ptrdiff_t>(it.wake_reach) + 1);
  const float give_up =
      worth_of(it.stop_second[0], second) + std::max(0.0F, entry_of_stop(0, next)) + later(it.rest_after_waking);
  now.waking[last] = std::max(go, give_up);
  worth_row(it.waking, 0, last, sun, lambda, next.waking.data() + 1, 0.0F, now.waking.data());
  const float gain = std::max(0.0F, now.waking[0] - static_cast<float>(start_cost_));
  now.asleep = next.asleep + static_cast<double>(gain);
  if (gain > 0.0F) {
    for (float& value : now.waking) value -= gain;
  }

  const std::size_t rows = it.stopping.size(), ending = std::min(rows, it.stop_shift);
  const float shift = it.interruptible ? gain : 0.0F;
  std::fill_n(tail_.begin(), ending, 0.0F);
  worth_row(it.stopping, 0, ending, sun, lambda, tail_.data(), shift, now.stopping.data());
  if (it.interruptible) larger_of(next.stopping.data(), it.woken_early.data(), rows + 1, after_stop_.data());
  const std::vector<float>& left = it.interruptible ? after_stop_ : next.stopping;
  worth_row(it.stopping, ending, rows, sun, lambda, left.data(), shift, now.stopping.data());

  const float least = best_reachable(next.running);
  const std::size_t levels = it.running.size();
  worth_row(it.running, 0, levels, sun, lambda, best_.data(), gain, now.running.data());
  // Most of the time no stop can be worth it: not even the best one against the worst place to go on from.
  const float least_now = std::min(worth_of(it.running[0], second), worth_of(it.running[levels - 1], second));
  const float off = later(it.rest);
  if (sun + largest(left) + off < least + least_now) return;
  const std::uint16_t* const entry = it.stop_entry.data();
  for (std::size_t level = 0; level < levels; ++level) tail_[level] = left[entry[level]];
  worth_row(it.stop_second, 0, levels, sun, lambda, tail_.data(), gain - off, wider_.data());
  larger_of(now.running.data(), wider_.data(), levels, best_.data());
  std::copy_n(best_.data(), levels, now.running.data());
}

// After so many seconds without sun every miner is better asleep: holding has cost more than any state is worth above
// sleeping, which could wake and climb as well, a rest later.
std::size_t Search::longest_hold() const {
  const double cost_w = static_cast<double>(lambda_) * actuator_.lowest_w;
  if (cost_w <= 1e-3 * actuator_.highest_w) return surplus_w_.size();
  const double behind_s =
      static_cast<double>(actuator_.rest + actuator_.waking.size()) +
      static_cast<double>(actuator_.running.size()) / static_cast<double>(std::max<std::size_t>(1, actuator_.up)) +
      static_cast<double>(actuator_.stopping.size()) / static_cast<double>(actuator_.stop_shift) + 2.0;
  const double ahead = start_cost_ + behind_s * actuator_.highest_w * (1.0 + static_cast<double>(lambda_));
  return static_cast<std::size_t>(behind_s + ahead / cost_w) + 1;
}

std::vector<Stretch> Search::stretches() const {
  std::vector<Stretch> out;
  const std::size_t seconds = surplus_w_.size(), hold = longest_hold();
  const auto add_lit = [&](std::size_t begin, std::size_t end) {
    for (; begin < end; begin = std::min(end, begin + kBlock))
      out.push_back({begin, std::min(end, begin + kBlock), false});
  };
  std::size_t begin = 0;  // of what is not in `out` yet
  for (std::size_t second = 0; second < seconds;) {
    std::size_t end = second;
    while (end < seconds && surplus_w_[end] <= 0.0F) ++end;
    if (end - second > hold) {
      add_lit(begin, second);
      begin = end - hold;
      out.push_back({second, begin, true});
    }
    second = end + 1;
  }
  add_lit(begin, seconds);
  return out;
}

void Search::search(const Stretch& stretch, const Checkpoint& end, Values* first, std::vector<Values>* all) {
  const std::size_t seconds = stretch.end - stretch.begin;
  origin_ = stretch.begin;
  asleep_.resize(seconds);
  asleep_.insert(asleep_.end(), end.asleep.begin(), end.asleep.end());
  if (all != nullptr) {
    (*all)[seconds] = end.at_end;
    for (std::size_t i = seconds; i-- > 0;) {
      step_back(stretch.begin + i, (*all)[i + 1], (*all)[i]);
      asleep_[i] = (*all)[i].asleep;
    }
    return;
  }
  Values next = end.at_end, now(actuator_);
  for (std::size_t i = seconds; i-- > 0;) {
    step_back(stretch.begin + i, next, now);
    asleep_[i] = now.asleep;
    std::swap(now, next);
  }
  *first = std::move(next);
}

void Search::count(std::size_t second, Band band) {
  const auto sun = static_cast<double>(surplus(second));
  const double power = std::clamp(sun, static_cast<double>(band.low), static_cast<double>(band.high));
  Sum& day = days_[second / kDay];
  day.captured += std::min(power, sun);
  day.leaked += power - std::min(power, sun);
}

void Search::walk_stop(std::size_t second, std::size_t level, std::size_t rest, const Values& next) {
  count(second, actuator_.stop_second[level]);
  place_ = actuator_.stop_entry[level];
  ready_at_ = second + rest;
  phase_ = place_ < actuator_.stopping.size() ? Phase::stopping : Phase::asleep;
  // Told to sleep while waking, it may be awake again before a stop would have ended.
  const bool cut_short = rest != actuator_.rest && !actuator_.interruptible;
  if (phase_ == Phase::stopping && cut_short && next.stopping[place_] < 0.0F) phase_ = Phase::asleep;
}

void Search::walk_second(std::size_t second, const Values& now, const Values& next) {
  const Actuator& it = actuator_;
  if (phase_ == Phase::stopping && it.interruptible && now.stopping[place_] <= it.woken_early[place_]) {
    days_[second / kDay].captured += static_cast<double>(it.woken_early[place_]);
    phase_ = Phase::asleep;
    ready_at_ = second;
  }
  if (phase_ == Phase::asleep && second >= ready_at_ && now.asleep > next.asleep) {
    ++days_[second / kDay].starts;
    phase_ = Phase::waking;
    place_ = 0;
  }
  switch (phase_) {
    case Phase::asleep:
      return;
    case Phase::waking: {
      if (place_ + 1 < it.waking.size()) {
        count(second, it.waking[place_++]);
        return;
      }
      const auto end = next.running.begin() + static_cast<std::ptrdiff_t>(it.wake_reach) + 1;
      const float go = worth_of(it.waking[place_], second) + *std::max_element(next.running.begin(), end);
      const float give_up = worth_of(it.stop_second[0], second) + std::max(0.0F, entry_of_stop(0, next)) +
                            static_cast<float>(asleep_at(second + it.rest_after_waking) - next.asleep);
      if (go < give_up) return walk_stop(second, 0, it.rest_after_waking, next);
      count(second, it.waking[place_]);
      phase_ = Phase::running;
      low_ = 0;
      high_ = it.wake_reach;
      return;
    }
    case Phase::running: {
      const auto first = now.running.begin();
      const auto level = static_cast<std::size_t>(
          std::max_element(first + static_cast<std::ptrdiff_t>(low_), first + static_cast<std::ptrdiff_t>(high_) + 1) -
          first);
      low_ = level > it.down ? level - it.down : 0;
      high_ = std::min(level + it.up, it.running.size() - 1);
      const float hold = worth_of(it.running[level], second) +
                         *std::max_element(next.running.begin() + static_cast<std::ptrdiff_t>(low_),
                                           next.running.begin() + static_cast<std::ptrdiff_t>(high_) + 1);
      const float halt = worth_of(it.stop_second[level], second) + entry_of_stop(level, next) +
                         static_cast<float>(asleep_at(second + it.rest) - next.asleep);
      if (hold < halt) return walk_stop(second, level, it.rest, next);
      count(second, it.running[level]);
      return;
    }
    case Phase::stopping:
      count(second, it.stopping[place_]);
      if (place_ >= it.stop_shift) {
        place_ -= it.stop_shift;
      } else {
        phase_ = Phase::asleep;
      }
      return;
  }
}

ForesightResult Search::run(const OracleMiner& miner) {
  const std::size_t seconds = surplus_w_.size();
  const std::vector<Stretch> parts = stretches();
  days_.resize((seconds + kDay - 1) / kDay);

  // The values in the dark, found once by looking at nothing but night.
  const std::vector<float> night(longest_hold() < seconds ? longest_hold() : 0, 0.0F);
  asleep_.assign(1, 0.0);
  {
    const auto day = surplus_w_;
    surplus_w_ = night;
    Values next = dark_;
    for (std::size_t i = night.size(); i-- > 0;) {
      step_back(i, next, dark_);
      std::swap(next, dark_);
    }
    dark_ = next;
    surplus_w_ = day;
  }

  // Backwards: the values at the end of every stretch.
  std::vector<Checkpoint> ends;
  ends.reserve(parts.size());
  Checkpoint at{Values(actuator_), std::vector<double>(actuator_.rest + 1, 0.0)};
  for (std::size_t i = parts.size(); i-- > 0;) {
    ends.push_back(at);
    if (parts[i].dark) {
      const double asleep = at.at_end.asleep;
      at.at_end = dark_;
      at.at_end.asleep = asleep;
      std::fill(at.asleep.begin(), at.asleep.end(), asleep);
    } else {
      search(parts[i], ends.back(), &at.at_end, nullptr);
      std::copy_n(asleep_.begin(), at.asleep.size(), at.asleep.begin());
    }
  }

  // Forwards: the best way itself, a stretch at a time.
  if (miner.running) {
    phase_ = Phase::running;
    double nearest = 1e9;
    std::size_t level = 0;
    for (std::size_t i = 0; i < actuator_.running.size(); ++i) {
      const double centre = 0.5 * static_cast<double>(actuator_.running.low[i] + actuator_.running.high[i]);
      if (std::abs(centre - miner.power.value()) < nearest) nearest = std::abs(centre - miner.power.value()), level = i;
    }
    low_ = level > actuator_.down ? level - actuator_.down : 0;
    high_ = std::min(level + actuator_.up, actuator_.running.size() - 1);
  }
  std::vector<Values> values(std::min(seconds, kBlock) + 1, Values(actuator_));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Stretch& part = parts[i];
    const Checkpoint& end = ends[parts.size() - 1 - i];
    if (part.dark) {
      Values still = dark_;
      still.asleep = end.at_end.asleep;
      origin_ = part.begin;
      asleep_.assign(1, still.asleep);
      for (std::size_t second = part.begin; second < part.end && phase_ != Phase::asleep; ++second)
        walk_second(second, still, still);
      continue;
    }
    search(part, end, nullptr, &values);
    for (std::size_t second = part.begin; second < part.end; ++second)
      walk_second(second, values[second - part.begin], values[second - part.begin + 1]);
  }

  ForesightResult result;
  for (const Sum& day : days_) {
    result.days.push_back({WattHours(day.captured / 3600.0), WattHours(day.leaked / 3600.0), day.starts});
    result.captured += result.days.back().captured;
    result.leaked += result.days.back().leaked;
    result.starts += day.starts;
  }
  result.objective = WattHours(result.captured.value() - static_cast<double>(lambda_) * result.leaked.value() -
                               start_cost_ / 3600.0 * result.starts);
  return result;
}

}  // namespace

ForesightResult foresight(std::span<const float> surplus_w, const OracleMiner& miner, const ConstraintProfile& profile,
                          const OracleOptions& options) {
  assert(miner.spec.envelope.known() && options.lambda >= 0.0 && options.start_cost >= WattHours(0.0));
  if (surplus_w.empty()) return {};
  return Search(surplus_w, miner, profile, options).run(miner);
}

CheapBounds cheap_bounds(std::span<const float> surplus_w, std::span<const OracleMiner> miners) {
  double most_w = 0.0, least_w = 0.0;
  for (const auto& miner : miners) {
    const double bias = 1.0 + miner.setpoint_bias;
    least_w = most_w > 0.0 ? std::min(least_w, miner.spec.envelope.min.value() * bias)
                           : miner.spec.envelope.min.value() * bias;
    most_w += miner.spec.envelope.max.value() * bias;
  }
  double all = 0.0, usable = 0.0;
  for (const float surplus : surplus_w) {
    const double sun = std::clamp(static_cast<double>(surplus), 0.0, most_w);
    all += sun;
    if (static_cast<double>(surplus) >= least_w) usable += sun;
  }
  return {WattHours(all / 3600.0), WattHours(usable / 3600.0)};
}

}  // namespace sluice::sim
