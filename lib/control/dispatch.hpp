#pragma once
/// Who takes how much: one fast, fine miner trims second by second, the others hold; they help where it has far to go,
/// and move when it comes near its ends; starts and stops by commitment.hpp.

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "control/nowcast.hpp"
#include "control/outlook.hpp"
#include "control/unit.hpp"
#include "model/decision.hpp"
#include "model/site.hpp"

namespace sluice::control {

/// What surplus-driven mining may draw now, as the low and the high twins see it, in watts.
struct Budget {
  std::array<double, 2> available_w{};  ///< A, indexed by Bound
  double discharge_w = 0.0;             ///< D: extra for `solar-battery` miners
  double charge_w = 0.0;                ///< what the battery would get: extra for those to whom it is worth more
  /// Sun beyond it cannot be fed in: to those to whom the export price is worth more it is all there is.
  double export_limit_w = std::numeric_limits<double>::infinity();
  double sun_w = 0.0;       ///< PV now, to tell a cloud from the loop's own echo
  double reserved_w = 0.0;  ///< left out of A for other loads that wait
  double jitter_w = 0.0;    ///< what the reading trembles by from tick to tick
  bool as_metered = false;  ///< A is the sun second by second, and what falls is missing
  bool buffered = false;    ///< a battery takes the seconds: no hurry
  bool may_raise = true;    ///< false: reading stale, battery unknown, just started
};

class Dispatch {
 public:
  /// Decides targets, starts and stops of all `units` whose index is in `members` (surplus-driven, controllable, in
  /// order of precedence). Writes each one's reason. `dt_s` is the time since the last step.
  void run(std::span<Unit> units, std::span<const std::uint8_t> members, const Site& site, const Budget& budget,
           bool may_start, MonoTime now, double dt_s, std::span<Reason> reasons);

 private:
  struct Wish {
    double low_w = 0.0, high_w = 0.0;
  };
  Wish wish(std::span<const Unit> units, std::span<const std::uint8_t> members, const Budget& budget,
            std::uint8_t trimmer, bool once_settled, MonoTime now) const;
  void commit(std::span<Unit> units, std::span<const std::uint8_t> members, const Site& site, const Budget& budget,
              bool may_start, MonoTime now, double dt_s, std::span<Reason> reasons);
  void keep_to_bands(std::span<Unit> units, std::span<const std::uint8_t> members, const ControlSettings& control,
                     const Budget& budget, MonoTime now, std::span<Reason> reasons) const;
  /// Learns how far falls go on until the trimmer's command can be corrected.
  void look_ahead(std::span<const Unit> units, std::span<const std::uint8_t> members, const ConstraintProfile& profile,
                  const Budget& budget, MonoTime now);
  void choose_trimmer(std::span<const Unit> units, std::span<const std::uint8_t> members, const Budget& budget);
  void move_bases(std::span<Unit> units, std::span<const std::uint8_t> members, const ControlSettings& control,
                  const Wish& settled, bool may_raise, MonoTime now, std::span<Reason> reasons);
  enum class Way : std::uint8_t { up, down };
  /// The trimmer has `distance_w` to go. Where that takes long the others take a part of it, `most_w` in all, so that
  /// all arrive at the same time, if what is gained is worth their changes; true: they do.
  bool help(std::span<Unit> units, std::span<const std::uint8_t> members, const ConstraintProfile& profile, Way way,
            double distance_w, double most_w, MonoTime now, std::span<Reason> reasons);
  void lower_bases(std::span<Unit> units, std::span<const std::uint8_t> members, const ControlSettings& control,
                   double less_w, MonoTime now, std::span<Reason> reasons);
  /// What a waking miner is told first.
  Watts first_target(const Unit& unit, const ControlSettings& control, double available_w) const;
  /// `wish` as a level to keep, for a miner whose cuts are far apart. `others_w`: what all may draw, less what this one
  /// may.
  Wish level_to_keep(const Unit& unit, const ControlSettings& control, const Wish& wish, double others_w,
                     MonoTime now) const;
  // What a change costs a miner whose raises are far apart, watt-seconds.
  /// To `to_w`, while the half hour promises more: until the next raise it stays there.
  double lost_by_raise_ws(const Unit& unit, const ConstraintProfile& profile, double to_w, double others_w) const;
  /// To `to_w`, in a dip that may be over sooner than it may be raised again.
  double lost_by_cut_ws(const Unit& unit, const ConstraintProfile& profile, double to_w, double others_w,
                        MonoTime now) const;
  /// `left_w`: the sun less what the others draw, to tell a reason for a change from the loop's own echo.
  void trim(Unit& unit, const ControlSettings& control, const Wish& wish, const Budget& budget, double left_w,
            MonoTime now, double dt_s, Reason& reason);

  static constexpr std::uint8_t kNobody = 255;
  std::uint8_t trimmer_ = kNobody;
  MonoTime last_start_{};
  MonoTime bases_raised_{};
  Outlook outlook_;  ///< fed while a member waits long between changes
  Nowcast nowcast_;
  double left_at_change_w_ = 0.0;
  bool slope_known_ = false;
  double last_high_w_ = 0.0;
  double slope_w_per_s_ = 0.0;  ///< of what is available, over a few seconds
};

}  // namespace sluice::control
