#pragma once
/// Tells the switch behind one device to let power through or not, until its own word says that it does. What it is
/// when nobody wants anything more, it stays.

#include <mutex>
#include <string>

#include "model/decision.hpp"
#include "model/reading.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "runtime/announcer.hpp"

namespace sluice::runtime {

/// `serve` belongs to the thread of the device, everything else may be called from any.
class PowerOrder {
 public:
  PowerOrder(std::string device, const ports::Clock& clock, Announcer& announcer);

  /// What the last decision wants. It has to be wanted again and again: after 10 s of silence nothing is told any more.
  /// True: `serve` may have something to tell.
  bool want(SwitchOrder order);
  /// From now on it is switched on whatever is wanted, because nobody will be there to do so later; `false` takes that
  /// back. True: it is not on yet, as far as anybody knows, and was told otherwise before.
  bool leave_on(bool leaving);
  /// Of `leave_on`: it says that it is on.
  bool on() const;

  /// `seen`: the device's last word. Tells it what there is to tell, and returns when to come again; `told` becomes
  /// true when it was told something, so that its word from before no longer counts.
  MonoTime serve(ports::Device& device, const Reading<double>& seen, bool& told);

 private:
  const std::string device_;
  const ports::Clock& clock_;
  Announcer& announcer_;

  mutable std::mutex mutex_;  // guards what follows
  SwitchOrder wanted_ = SwitchOrder::leave;
  MonoTime wanted_at_{};
  bool leaving_ = false;
  bool ever_off_ = false;
  bool on_ = false;
  MonoTime told_at_{};
  SwitchOrder told_ = SwitchOrder::leave;
  MonoTime not_before_{};
  Duration pause_{};  ///< grows while it does not obey
};

}  // namespace sluice::runtime
