#pragma once
/// Ski rental in money: a miner goes on while it loses less than a new start costs, and starts once what it gains, seen
/// and known, pays the start. So it never flaps around its break-even price.

#include <algorithm>

#include "base/time.hpp"

namespace sluice::control {

class Worthwhile {
 public:
  explicit Worthwhile(bool yes = false) : yes_(yes) {}
  bool yes() const { return yes_; }

  /// `gain_per_h`: what running brings beyond sleeping at this moment's price, negative when it loses; `coming`: what
  /// it is known to bring (or lose) until that changes, as far as prices are certain. All in currency.
  void step(double gain_per_h, double coming, double start_price, double dt_s) {
    const double gain = gain_per_h * dt_s / 3600.0;
    account_ = std::max(0.0, account_ + (yes_ ? -gain : gain));
    const double known = std::max(0.0, yes_ ? -coming : coming);
    if ((yes_ ? gain_per_h < 0.0 : gain_per_h > 0.0) && account_ + known >= start_price) {
      yes_ = !yes_;
      account_ = 0.0;
    }
  }
  void set(bool yes) {
    if (yes != yes_) account_ = 0.0;
    yes_ = yes;
  }

  // What is known ahead, worked out anew when prices change and once a minute.
  double ahead = 0.0;
  double ahead_for_price = 0.0;
  MonoTime next_look{};

 private:
  bool yes_;
  double account_ = 0.0;
};

}  // namespace sluice::control
