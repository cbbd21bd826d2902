#pragma once
/// Which way round the grid meter counts, from the miners' own steps, while the house's load does what it likes: a
/// sequential test between "the grid moved by what the miners did" and "by its opposite". One step proves nothing,
/// because a kettle may answer in its place; steps that agree do.

#include "base/time.hpp"

namespace sluice::control {

class SignWatch {
 public:
  struct Sight {
    MonoTime now{};
    double grid_w = 0.0;
    double others_w = 0.0;  ///< pv + battery discharge: what else feeds house and miners
    double stir_w = 0.0;    ///< as StepTest's
    double low_w = 0.0;     ///< Σ twins at the grid reading's time
    double high_w = 0.0;
    bool settled = false;  ///< all twins have
  };

  /// Once a tick. `sent`: a command reached the wire since the last one. True when the evidence has become enough.
  bool look(const Sight& sight, bool sent);
  /// Other miners are in the sum than before: nothing can be compared across that.
  void abandon() { running_ = known_ = false; }
  /// Steps that were clearly turned less those that were clearly right; a little below 0 while the last ones were
  /// right.
  double evidence() const { return evidence_; }

 private:
  bool judge(const Sight& sight);

  bool known_ = false, running_ = false, settled_ = false;
  Sight last_, before_;
  MonoTime settled_at_{};
  double most_stir_w_ = 0.0;  ///< during this step and just before it
  double evidence_ = 0.0;
};

}  // namespace sluice::control
