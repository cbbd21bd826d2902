#include "sim/price_foresight.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <vector>

#include "model/worth.hpp"

namespace sluice::sim {
namespace {

constexpr double kSecondsPerDay = 86'400.0;
// As MinerPlant wakes: this share of the time at constant draw, the rest rising to the smallest power.
constexpr double kInitialisingShare = 0.6;

constexpr double kwh(double watts, double seconds) { return watts * seconds / 3.6e6; }

/// The best that can be had from some second on, and what it consists of.
struct Plan {
  double net = 0.0, mined_kwh = 0.0;
  std::uint32_t starts = 0, running_s = 0;
};

/// The plans of the next seconds; beyond the end of the year they are empty.
class Ahead {
 public:
  explicit Ahead(std::size_t reach) : plans_(std::bit_ceil(reach + 1)), mask_(plans_.size() - 1) {}
  Plan& operator[](std::size_t second) { return plans_[second & mask_]; }

 private:
  std::vector<Plan> plans_;
  std::size_t mask_;
};

class Search {
 public:
  Search(std::span<const double> prices, const PriceForesightSpec& spec)
      : prices_(prices),
        slot_s_(static_cast<std::size_t>(spec.slot / std::chrono::seconds(1))),
        wake_s_(static_cast<std::size_t>(spec.miner.spec.dynamics.wake / std::chrono::seconds(1))),
        off_s_(std::max<std::size_t>(1, static_cast<std::size_t>(spec.min_off / std::chrono::seconds(1)))),
        start_cost_(spec.start_cost.value()),
        sleep_w_(spec.miner.spec.dynamics.sleep_power.value()) {
    const double gain = 1.0 + spec.miner.setpoint_bias;
    const Envelope& envelope = spec.miner.spec.envelope;
    const Watts low = envelope.min * gain, high = envelope.max * gain;
    add_power(low, spec);
    for (const WorkingPoint& point : spec.curve) {
      if (point.power > low && point.power < high) add_power(point.power, spec);
    }
    add_power(high, spec);
    // Down from a power in proportion to it; what sleeping costs meanwhile is counted as sleep.
    const auto stop_kwh = [&](double from_w) {
      return kwh(0.5 * (from_w - sleep_w_), to_seconds(spec.miner.spec.stop) * from_w / envelope.max.value());
    };
    stop_low_kwh_ = stop_kwh(low.value());
    stop_high_kwh_ = stop_kwh(high.value());
    shape_wake(spec, low.value());
  }

  Plan run() {
    const std::size_t end = prices_.size() * slot_s_;
    Ahead on(std::max(wake_s_, std::size_t{1})), asleep(off_s_);
    for (std::size_t slot = prices_.size(); slot-- > 0;) {
      const double price = prices_[slot];
      const Rate best = best_rate(price);
      const double sleep_cost = kwh(sleep_w_, 1.0) * price;
      const double stop_cost = std::min(stop_low_kwh_ * price, stop_high_kwh_ * price);
      for (std::size_t second = (slot + 1) * slot_s_; second-- > slot * slot_s_;) {
        Plan stopped = asleep[second + off_s_], running = on[second + 1];
        stopped.net -= stop_cost + sleeping_cost(second, std::min(end, second + off_s_));
        running.net += best.per_second;
        running.mined_kwh += kwh(best.watts, 1.0);
        ++running.running_s;
        on[second] = stopped.net > running.net ? stopped : running;

        Plan woken = on[second + wake_s_], resting = asleep[second + 1];
        woken.net -= start_cost_ + energy_cost(wake_kwh_, second, end);
        ++woken.starts;
        resting.net -= sleep_cost;
        asleep[second] = woken.net > resting.net ? woken : resting;
      }
    }
    return asleep[0];
  }

 private:
  struct Rate {
    double watts, per_second;
  };

  void add_power(Watts power, const PriceForesightSpec& spec) {
    const double revenue = hashrate_at(spec.curve, power).value() * spec.hash_price.value() / kSecondsPerDay;
    powers_.push_back({power.value(), revenue});
  }

  /// The curve is straight between its points, so one of them is best.
  Rate best_rate(double price) const {
    Rate best{0.0, -1e300};
    for (const Rate& power : powers_) {
      const double earned = power.per_second - kwh(power.watts, 1.0) * price;
      if (earned > best.per_second) best = {power.watts, earned};
    }
    return best;
  }

  void shape_wake(const PriceForesightSpec& spec, double low_w) {
    const double wake_s = to_seconds(spec.miner.spec.dynamics.wake), rise_at = kInitialisingShare * wake_s;
    const double held_w = std::min(sleep_w_ + spec.miner.spec.wake_extra.value(), spec.miner.spec.envelope.min.value());
    wake_kwh_.push_back(0.0);
    for (std::size_t second = 1; second <= wake_s_; ++second) {
      const auto at = static_cast<double>(second);
      const double rising_s = std::max(0.0, at - rise_at);
      const double slope = wake_s > rise_at ? (low_w - held_w) / (wake_s - rise_at) : 0.0;
      wake_kwh_.push_back(kwh(held_w, at) + kwh(0.5 * slope * rising_s, rising_s));
    }
  }

  /// Of what is drawn from `second` on, `drawn_kwh[w]` in the first w seconds, until the end of time.
  double energy_cost(const std::vector<double>& drawn_kwh, std::size_t second, std::size_t end) const {
    const std::size_t last = std::min(drawn_kwh.size() - 1, end - second);
    double cost = 0.0;
    for (std::size_t done = 0; done < last;) {
      const std::size_t slot = (second + done) / slot_s_;
      const std::size_t until = std::min(last, (slot + 1) * slot_s_ - second);
      cost += (drawn_kwh[until] - drawn_kwh[done]) * prices_[slot];
      done = until;
    }
    return cost;
  }

  double sleeping_cost(std::size_t from, std::size_t to) const {
    double cost = 0.0;
    while (from < to) {
      const std::size_t until = std::min(to, (from / slot_s_ + 1) * slot_s_);
      cost += kwh(sleep_w_, static_cast<double>(until - from)) * prices_[from / slot_s_];
      from = until;
    }
    return cost;
  }

  std::span<const double> prices_;
  std::size_t slot_s_, wake_s_, off_s_;
  double start_cost_, sleep_w_, stop_low_kwh_ = 0.0, stop_high_kwh_ = 0.0;
  std::vector<Rate> powers_;
  std::vector<double> wake_kwh_;  ///< drawn in the first seconds of a wake
};

}  // namespace

PriceForesight price_foresight(std::span<const double> import_per_kwh, const PriceForesightSpec& spec) {
  assert(spec.slot >= std::chrono::seconds(1));
  const Plan best = Search(import_per_kwh, spec).run();
  return {Money(best.net), best.starts, static_cast<double>(best.running_s), WattHours(best.mined_kwh * 1000.0)};
}

}  // namespace sluice::sim
