#pragma once
/// An incremental (velocity) PID: it returns a change, so there is no integrator to wind up; the caller's limits are
/// the conditional integration. `dt_s` is passed in; anything not finite is no change.

#include <cmath>

#include "model/site.hpp"

namespace sluice::control {

class Pid {
 public:
  /// Change of the output for error `error_w` (wanted − have) and measurement `measured_w`, `dt_s` > 0 after the last
  /// call.
  double change_w(const PidGains& gains, double error_w, double measured_w, double dt_s) {
    if (!std::isfinite(error_w) || !std::isfinite(measured_w) || !(dt_s > 0.0)) return 0.0;
    double change = gains.ki_per_s * error_w * dt_s;
    if (known_ >= 1) change += gains.kp * (error_w - error_1_);
    if (known_ >= 2) change -= gains.kd_s / dt_s * (measured_w - 2.0 * measured_1_ + measured_2_);
    error_1_ = error_w;
    measured_2_ = measured_1_;
    measured_1_ = measured_w;
    if (known_ < 2) ++known_;
    return std::isfinite(change) ? change : 0.0;
  }
  /// Bumpless: the next call starts without a history.
  void reset() { known_ = 0; }

 private:
  double error_1_ = 0.0;
  double measured_1_ = 0.0;
  double measured_2_ = 0.0;
  int known_ = 0;
};

}  // namespace sluice::control
