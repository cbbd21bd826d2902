#include "sim/oracle.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace sluice::sim {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr double kInitialisingShare = 0.6;
constexpr int kCells = 200;           // of the sum of power, at most
constexpr double kFinestCell = 10.0;  // W

/// Value of a state, and what the way that earns it captures and leaks. In watt-steps.
struct Worth {
  double value = kNever;
  double captured = 0.0;
  double leaked = 0.0;
};

void add(Worth& to, const Worth& now) {
  to.value += now.value;
  to.captured += now.captured;
  to.leaked += now.leaked;
}

struct Unit {
  double min_w, max_w, up_w, down_w;  // ramps in W a step
  double sleep_w, waking_w;
  int wake_steps;
};

/// The states of one (set of running miners, waking miner and how far it is): a row of sums of power.
using Row = std::vector<Worth>;

class Search {
 public:
  Search(std::span<const float> surplus_w, const std::vector<OracleMiner>& miners, const OracleOptions& options);
  OracleResult run();

 private:
  void choose_grid();
  void step_back(double surplus_w);
  Row row_of_running(unsigned set, double surplus_w) const;
  Row row_of_waking(unsigned set, std::size_t waker, int steps_done, double surplus_w) const;
  Worth reward(double other_w, double sum_w, double most_w, double surplus_w) const;
  void best_reachable(const Row& next, double up_w, double down_w, unsigned set, Row& best) const;
  double low(unsigned set) const;
  double high(unsigned set) const;
  int cell_at_most(double watts) const {
    return std::clamp(static_cast<int>(std::floor(watts / cell_w_ + 1e-9)), 0, cells_ - 1);
  }
  int cell_at_least(double watts) const {
    return std::clamp(static_cast<int>(std::ceil(watts / cell_w_ - 1e-9)), 0, cells_ - 1);
  }
  std::size_t slot(unsigned set, std::size_t waker) const { return set * miners_.size() + waker; }

  std::span<const float> surplus_w_;
  const std::vector<OracleMiner>& miners_;
  OracleOptions options_;
  std::vector<Unit> units_;
  unsigned sets_ = 0;
  int step_s_ = 1;
  int cells_ = 1;
  double cell_w_ = kFinestCell;
  std::vector<Row> running_;              // by set
  std::vector<std::vector<Row>> waking_;  // by slot, then steps done
};

Search::Search(std::span<const float> surplus_w, const std::vector<OracleMiner>& miners, const OracleOptions& options)
    : surplus_w_(surplus_w), miners_(miners), options_(options), sets_(1U << miners.size()) {
  choose_grid();
  for (const auto& miner : miners) {
    const auto& dynamics = miner.spec.dynamics;
    const double bias = 1.0 + miner.setpoint_bias;
    Unit unit{};
    unit.min_w = miner.spec.envelope.min.value() * bias;
    unit.max_w = miner.spec.envelope.max.value() * bias;
    const double span_w = (miner.spec.envelope.max - miner.spec.envelope.min).value();
    unit.up_w = span_w * step_s_ / std::max(to_seconds(dynamics.ramp_up), 1e-3);
    unit.down_w = span_w * step_s_ / std::max(to_seconds(dynamics.ramp_down), 1e-3);
    unit.sleep_w = dynamics.sleep_power.value();
    unit.waking_w = std::min(unit.sleep_w + miner.spec.wake_extra.value(), unit.min_w);
    unit.wake_steps = std::max(1, static_cast<int>(to_seconds(dynamics.wake) / step_s_));
    units_.push_back(unit);
  }
}

void Search::choose_grid() {
  double sum_w = 0.0, rows_a_second = sets_;
  for (const auto& miner : miners_) {
    sum_w += miner.spec.envelope.max.value() * (1.0 + miner.setpoint_bias);
    rows_a_second += to_seconds(miner.spec.dynamics.wake) * sets_ / 2.0;
  }
  cell_w_ = std::max(kFinestCell, sum_w / (kCells - 1));
  cells_ = static_cast<int>(std::ceil(sum_w / cell_w_)) + 1;
  // A longer step means fewer steps and fewer stages of waking: work falls with its square.
  const double work = static_cast<double>(surplus_w_.size()) * rows_a_second * cells_;
  step_s_ = std::max(1, static_cast<int>(std::ceil(std::sqrt(work / options_.work))));
}

double Search::low(unsigned set) const {
  double sum_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) sum_w += (set >> i & 1U) != 0 ? units_[i].min_w : 0.0;
  return sum_w;
}

double Search::high(unsigned set) const {
  double sum_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) sum_w += (set >> i & 1U) != 0 ? units_[i].max_w : 0.0;
  return sum_w;
}

// The sum lies somewhere in its cell, and not above `most_w`: the best point of the cell counts.
Worth Search::reward(double other_w, double sum_w, double most_w, double surplus_w) const {
  const double usable_w = std::max(surplus_w, 0.0);
  const double low_w = std::max(0.0, sum_w - cell_w_ / 2);
  const double high_w = std::max(low_w, std::min(sum_w + cell_w_ / 2, most_w));
  const double power_w = other_w + (sum_w > 0.0 ? std::clamp(usable_w - other_w, low_w, high_w) : 0.0);
  const double captured = std::min(power_w, usable_w);
  return {captured - options_.lambda * (power_w - captured), captured, power_w - captured};
}

// best[c] = the best of next over the cells that the ramps reach from c: a sliding maximum.
void Search::best_reachable(const Row& next, double up_w, double down_w, unsigned set, Row& best) const {
  const int first = cell_at_most(low(set)), last = cell_at_least(high(set));
  const int up = std::max(1, static_cast<int>(std::ceil(up_w / cell_w_)));
  const int down = std::max(1, static_cast<int>(std::ceil(down_w / cell_w_)));
  std::vector<int> queue(static_cast<std::size_t>(cells_));
  std::size_t head = 0, tail = 0;
  int entered = first;
  for (int cell = first; cell <= last; ++cell) {
    for (; entered <= std::min(last, cell + up); ++entered) {
      while (tail > head && next[queue[tail - 1]].value <= next[entered].value) --tail;
      queue[tail++] = entered;
    }
    while (queue[head] < cell - down) ++head;
    best[cell] = next[queue[head]];
  }
}

Row Search::row_of_running(unsigned set, double surplus_w) const {
  Row row(static_cast<std::size_t>(cells_));
  double up_w = 0.0, down_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if ((set >> i & 1U) == 0) continue;
    up_w += units_[i].up_w;
    down_w += units_[i].down_w;
  }
  best_reachable(running_[set], up_w, down_w, set, row);
  const int first = cell_at_most(low(set)), last = cell_at_least(high(set));
  const auto offer = [](Worth& best, const Worth& candidate) {
    if (candidate.value > best.value) best = candidate;
  };
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if ((set >> i & 1U) == 0) {
      const Row& begun = waking_[slot(set, i)].front();
      const double start = options_.start_cost.value() * 3600.0 / step_s_;
      for (int cell = first; cell <= last; ++cell) {
        Worth candidate = begun[cell];
        candidate.value -= start;
        offer(row[cell], candidate);
      }
      continue;
    }
    const unsigned rest = set & ~(1U << i);
    const int rest_first = cell_at_most(low(rest)), rest_last = cell_at_least(high(rest));
    for (int cell = first; cell <= last; ++cell) {
      const int from = std::max(rest_first, cell - cell_at_least(units_[i].max_w));
      const int to = std::min(rest_last, cell - cell_at_most(units_[i].min_w));
      for (int left = from; left <= to; ++left) offer(row[cell], running_[rest][left]);
    }
  }
  for (int cell = first; cell <= last; ++cell) {
    const Worth now = reward(0.0, cell * cell_w_, high(set), surplus_w);
    add(row[cell], now);
  }
  return row;
}

Row Search::row_of_waking(unsigned set, std::size_t waker, int steps_done, double surplus_w) const {
  const Unit& unit = units_[waker];
  Row row(static_cast<std::size_t>(cells_));
  double up_w = 0.0, down_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if ((set >> i & 1U) == 0) continue;
    up_w += units_[i].up_w;
    down_w += units_[i].down_w;
  }
  const int first = cell_at_most(low(set)), last = cell_at_least(high(set));
  if (steps_done + 1 < unit.wake_steps) {
    best_reachable(waking_[slot(set, waker)][static_cast<std::size_t>(steps_done) + 1], up_w, down_w, set, row);
  } else {
    const Row& awake = running_[set | 1U << waker];
    Row joined(static_cast<std::size_t>(cells_));
    for (int cell = first; cell <= last; ++cell) {
      joined[cell] = awake[cell_at_most(cell * cell_w_ + unit.min_w)];
      const Worth& above = awake[cell_at_least(cell * cell_w_ + unit.min_w)];
      if (above.value > joined[cell].value) joined[cell] = above;
    }
    best_reachable(joined, up_w, down_w, set, row);
  }
  const double done = (steps_done + 0.5) / unit.wake_steps;
  const double rise = std::max(0.0, (done - kInitialisingShare) / (1.0 - kInitialisingShare));
  const double waking_w = unit.waking_w + rise * (unit.min_w - unit.waking_w);
  for (int cell = first; cell <= last; ++cell) {
    const Worth now = reward(waking_w, cell * cell_w_, high(set), surplus_w);
    add(row[cell], now);
  }
  return row;
}

void Search::step_back(double surplus_w) {
  // Waking rows first: to start now is to be in the first of them now.
  std::vector<std::vector<Row>> waking(waking_.size());
  for (unsigned set = 0; set < sets_; ++set) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if ((set >> i & 1U) != 0) continue;
      auto& stages = waking[slot(set, i)];
      for (int done = 0; done < units_[i].wake_steps; ++done) stages.push_back(row_of_waking(set, i, done, surplus_w));
    }
  }
  std::vector<Row> running;
  for (unsigned set = 0; set < sets_; ++set) running.push_back(row_of_running(set, surplus_w));
  running_ = std::move(running);
  waking_ = std::move(waking);
}

OracleResult Search::run() {
  const Row end(static_cast<std::size_t>(cells_), Worth{0.0, 0.0, 0.0});
  running_.assign(sets_, end);
  waking_.resize(sets_ * units_.size());
  for (unsigned set = 0; set < sets_; ++set) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if ((set >> i & 1U) == 0) waking_[slot(set, i)].assign(static_cast<std::size_t>(units_[i].wake_steps), end);
    }
  }
  const auto step_s = static_cast<std::size_t>(step_s_);
  const std::size_t seconds = surplus_w_.size();
  for (std::size_t step = (seconds + step_s - 1) / step_s; step-- > 0;) {
    // What a last step lacks counts as full sun, which errs upwards.
    const std::size_t over = std::min(seconds, (step + 1) * step_s);
    double sum_w = static_cast<double>((step + 1) * step_s - over) * high(sets_ - 1);
    for (std::size_t second = step * step_s; second < over; ++second) sum_w += static_cast<double>(surplus_w_[second]);
    step_back(sum_w / step_s_);
  }
  unsigned set = 0;
  double power_w = 0.0;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (!miners_[i].running) continue;
    set |= 1U << i;
    power_w += std::clamp(miners_[i].power.value(), units_[i].min_w, units_[i].max_w);
  }
  const Worth& below = running_[set][cell_at_most(power_w)];
  const Worth& above = running_[set][cell_at_least(power_w)];
  const Worth& best = below.value > above.value ? below : above;
  OracleResult result;
  result.captured = WattHours(best.captured * step_s_ / 3600.0);
  result.leaked = WattHours(best.leaked * step_s_ / 3600.0);
  result.objective = WattHours(best.value * step_s_ / 3600.0);
  return result;
}

}  // namespace

OracleResult oracle(std::span<const float> surplus_w, const std::vector<OracleMiner>& miners,
                    const OracleOptions& options) {
  assert(miners.size() <= kMaxOracleMiners);
  if (surplus_w.empty() || miners.empty()) return {};
  return Search(surplus_w, miners, options).run();
}

}  // namespace sluice::sim
