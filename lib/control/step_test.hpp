#pragma once
/// Every own step of 200 W or more is a test of the meter and of the miner: the grid must move by it. One test runs at
/// a time; it is decided once both twins have settled. Of a fleet that never rests none is decided: whether a miner of
/// it follows is told by its share in what all of them changed.

#include <cstdint>

#include "base/time.hpp"

namespace sluice::control {

inline constexpr double kSmallestTestW = 200.0;
inline constexpr double kSeenWithin = 0.35;  ///< of a step: so much may be missing or too much where it counts as seen

enum class StepVerdict : std::uint8_t {
  none,        ///< no test, or not decided yet
  suspicious,  ///< overdue: the meter has not moved at all; raise nothing
  frozen,      ///< the meter did not move at all, 10 s after it must have
  unmoved,     ///< it moves, but not by this step: the miner did nothing
  confirmed,   ///< it moved by about the step
  unclear,     ///< something else moved too
};

class StepTest {
 public:
  struct Sight {
    MonoTime now{};
    double grid_w = 0.0;
    double others_w = 0.0;  ///< pv + battery discharge: what else feeds the house and is measured
    bool buffered = false;  ///< a battery holds the grid at zero by itself
    double stir_w = 0.0;    ///< how much `others_w` moves, lately, in the time that the grid reading may be older
    double unseen_w = 0.0;  ///< the same without the last tick: of a meter that keeps up nothing
    double twin_w = 0.0;    ///< Σ low twins at the grid reading's time
    MonoTime grid_changed_at{};
    bool settled = false;  ///< all twins have settled, at the grid reading's time
  };

  bool running() const { return running_; }
  /// The step that `unit` makes now is the better test.
  bool replaceable(std::uint8_t unit, MonoTime now) const;
  /// Another miner moved during the test: it tells nothing of one.
  bool mixed() const { return mixed_; }
  std::uint8_t unit() const { return unit_; }
  double ratio() const { return ratio_; }  ///< of the last decided test: what the grid showed of the step
  double step_w() const { return step_w_; }
  /// It tells how much a miner draws, not only that it obeys.
  bool teaches() const { return teaches_; }

  /// A command of `unit` was just sent; `sight` is what was seen before it took effect. Its ramp may take `ramp`.
  void begin(std::uint8_t unit, const Sight& sight, Duration ramp = {});
  void abandon() { running_ = false; }
  void mix();
  /// Once a tick.
  StepVerdict judge(const Sight& sight) { return running_ ? judge_running(sight) : StepVerdict::none; }

 private:
  StepVerdict judge_running(const Sight& sight);

  bool running_ = false;
  bool mixed_ = false;
  std::uint8_t unit_ = 0;
  Sight before_;
  Duration longest_{};
  MonoTime settled_at_{};
  bool settled_ = false;
  double ratio_ = 0.0;
  double step_w_ = 0.0;
  bool teaches_ = false;
};

/// Compares, for one miner, what the grid showed of all changes of the last minutes with what its own would have been.
class FollowWatch {
 public:
  struct Sight {
    MonoTime now{};
    double fed_w = 0.0;   ///< grid + what else feeds the house, measured
    double stir_w = 0.0;  ///< as StepTest's
    // the twins at the grid reading's time
    double all_low_w = 0.0, all_high_w = 0.0;
    double mine_low_w = 0.0, mine_high_w = 0.0;
  };
  enum class Verdict : std::uint8_t { none, followed, stood_still };

  /// Once a tick. A verdict is given once for each of its changes.
  Verdict look(const Sight& sight);
  double step_w() const { return step_w_; }  ///< that the last verdict is about
  void abandon() { known_ = false; }

 private:
  bool known_ = false;
  Sight before_;
  Verdict verdict_ = Verdict::none;  ///< not given yet
  MonoTime since_{};
  double step_w_ = 0.0;
};

}  // namespace sluice::control
