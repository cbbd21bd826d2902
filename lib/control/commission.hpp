#pragma once
/// A commissioning run (`sluice learn`): walks one miner up and down, to sleep and back, while everything else holds
/// still, so that each of its steps is alone on the meter. It decides what the miner is asked for in dispatch's place
/// and meets the same guard after it. What the steps show is learned where it always is (step_test, step_learner,
/// unit); only the sleeping watts are learned here, because only here sleep begins and ends at a settled, known
/// minimum.
///
/// While it runs the other miners keep what they were last told: asleep or at their target. Only the guard moves them.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/static_vector.hpp"
#include "control/step_learner.hpp"
#include "control/unit.hpp"
#include "model/commission.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

/// Where the next step leads: up and down between minimum and maximum until enough of each direction were clean or
/// tried. Steps are as large as the learner's window can hold at the likely ramp, for a large step stands out.
class Walk {
 public:
  Walk() = default;
  /// `wanted` clean steps each way.
  Walk(const Envelope& envelope, double up_w_per_s, double down_w_per_s, std::uint32_t wanted);

  /// A step that the learner can see fits into the envelope.
  bool possible() const;
  /// Nothing: seen enough, or tried often enough.
  std::optional<Watts> next(Watts at) const;
  /// What a step of `step_w` ≥ 0 showed; nothing: it was blurred.
  void saw(bool up, double step_w, const std::optional<StepFit>& fit);
  std::uint32_t clean(bool up) const { return way(up).clean; }

  static constexpr std::uint32_t kMostTries = 3;  ///< for each clean step that is wanted

 private:
  struct Way {
    double stride_w = 0.0;
    std::uint32_t clean = 0, tries = 0;
  };
  const Way& way(bool up) const { return up ? up_ : down_; }
  bool open(const Way& way) const { return way.clean < wanted_ && way.tries < kMostTries * wanted_; }
  Watts above(Watts at, double stride_w) const;
  Watts below(Watts at, double stride_w) const;

  Envelope envelope_;
  double span_w_ = 0.0;
  std::uint32_t wanted_ = 0;
  Way up_, down_;
};

/// Whether what the house draws stands still, and what it draws then: the mean of ten looks.
class SteadyMean {
 public:
  void clear() { count_ = 0; }
  /// The same reading twice counts once.
  void add(MonoTime at, double watts);
  bool steady() const;
  double mean_w() const;

 private:
  static constexpr std::size_t kLooks = 10;
  std::array<double, kLooks> watts_{};
  std::size_t count_ = 0;
  MonoTime last_{};
};

/// What a run will take, told before it starts.
struct CommissionPlan {
  Duration expected{};         ///< when nothing blurs its steps
  Duration longest{};          ///< after which it ends in any case
  double energy_wh = 0.0;      ///< that the miner draws meanwhile
  double beyond_sun_wh = 0.0;  ///< of it, from the grid or the battery if the sun stays as it is
};

/// `available_w`: what the sun leaves for this miner now.
CommissionPlan plan_commission(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile,
                               double available_w);

/// Why a run cannot begin, or `none`.
CommissionEnd refusal(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile);

class Commission {
 public:
  /// What is seen of everything but the miner.
  struct Sight {
    bool settled = false;     ///< every miner has settled
    bool watched = false;     ///< a step is still being watched
    bool readable = false;    ///< grid, sun and battery are read: `house_w` is true
    MonoTime at{};            ///< of the grid reading
    double house_w = 0.0;     ///< grid + pv + battery: what the house draws, miners included
    double most_w = 0.0;      ///< the main breaker leaves so much for this miner
    bool others_buy = false;  ///< the miners that hold still draw more than the sun gives
    Duration buy_at_most{};   ///< for so long they may
  };

  /// What one clean step showed.
  struct Gain {
    double value = 0.0;  ///< drawn / target
    double step_w = 0.0;
  };
  static constexpr std::size_t kMostGains = 64;

  bool running() const { return report_.stage != CommissionStage::none && report_.stage != CommissionStage::over; }
  std::uint8_t miner() const { return report_.miner; }
  const CommissionReport& report() const { return report_; }

  /// The intents of a tick: begins what is newly asked for, ends what is not asked for any more.
  void heed(const Snapshot& snapshot, std::span<const Unit> units, const ConstraintProfile& profile);
  /// Ends it, whatever it was doing; from now on the miner is everybody else's again.
  void end(CommissionEnd why);
  /// What the learner made of the newest step.
  void saw(const StepFit& fit);
  /// One tick. May command the miner.
  void step(Unit& unit, const MinerObservation& seen, const Sight& sight, const ConstraintProfile& profile,
            MonoTime now);

 private:
  void begin(const Unit& unit, const MinerObservation& seen, const ConstraintProfile& profile, MonoTime now);
  void enter(CommissionStage stage, MonoTime now);
  void judge_step(Watts target);
  void learn_draw(Unit& unit);
  void become_still(Unit& unit, const Sight& sight, const ConstraintProfile& profile, MonoTime now);
  void walk(Unit& unit, const Sight& sight, const ConstraintProfile& profile, MonoTime now);
  /// True once there is a mean, or none is to be had. It is nothing then.
  bool measured(MonoTime now, std::optional<double>& mean_w) const;
  void fall_asleep(Unit& unit, MonoTime now);
  void wake_again(Unit& unit, MonoTime now);
  void watch_wake(const Unit& unit, const Sight& sight);
  void compare(Unit& unit, MonoTime now);
  void finish(CommissionEnd why);

  CommissionReport report_;
  Walk walk_;
  bool can_sleep_ = true;
  Duration longest_{};
  MonoTime stage_since_{}, settled_since_{}, asked_at_{}, others_fed_at_{}, below_at_{}, wake_sent_{};
  bool step_open_ = false;  ///< a step was commanded and not judged yet
  bool step_up_ = false;
  double step_w_ = 0.0;
  std::optional<StepFit> fit_;
  struct Stop {
    Watts target{};
    double house_w = 0.0;
  };
  std::optional<Stop> stop_;              ///< where the open step began, if the house stood still there
  StaticVector<Gain, kMostGains> gains_;  ///< of the clean steps
  SteadyMean mean_;
  double drawn_min_w_ = 0.0;  ///< what it draws at its minimum, as the steps have shown
  std::optional<double> awake_w_, asleep_w_, asleep_again_w_, awake_again_w_;  ///< of the house
  std::uint32_t sleeps_ = 0;
};

}  // namespace sluice::control
