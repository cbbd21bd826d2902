#pragma once
/// How far the grid reading can be trusted: its age, its learned refresh time, and whether it still moves when it must.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/snapshot.hpp"

namespace sluice::control {

enum class GridTrust : std::uint8_t {
  good,
  stale,        ///< hold, raise nothing
  lost,         ///< too old: park
  slow,         ///< refreshes slower than surplus mode can use
  frozen,       ///< did not show a change that must have happened: as lost
  implausible,  ///< contradicts other meters or its own sign: first as stale, then as lost
};

class GridWatch {
 public:
  explicit GridWatch(MonoTime start) : start_(start), changed_at_(start) {}

  /// Takes in the newest reading (the same one twice does no harm).
  void observe(const Reading<Watts>& grid, MonoTime now);

  /// The last usable value, and the time the balance is written at: when the meter last showed something new, or one
  /// refresh before the last poll if it shows the same value for long.
  double power_w() const { return value_w_; }
  MonoTime value_time() const { return std::max(changed_at_, read_at_ - refresh_); }
  bool ever_read() const { return ever_read_; }
  MonoTime changed_at() const { return changed_at_; }
  Duration refresh() const { return refresh_; }

  /// Own step or another meter proved that it should have moved. Ends when the value moves three times again.
  void declare_frozen();
  /// The step before the proof: nothing is raised while it lasts.
  void suspect(bool suspicious) { suspicious_ = suspicious; }
  /// Called every tick with whether the readings contradict each other; lasts until they have agreed for as long.
  void contradiction(bool contradicts, MonoTime now);
  /// An own step moved the meter the wrong way round. Ends with a step that is confirmed, or after ten minutes: then it
  /// is tried again.
  void declare_sign_flipped(MonoTime now);
  void sign_confirmed() { flipped_ = false; }

  GridTrust verdict(MonoTime now) const {
    const Duration age = now - (ever_read_ ? read_at_ : start_);
    const bool doubted = !ever_read_ || frozen_ || flipped_ || distrusted_ || suspicious_;
    return !doubted && age < good_for_ ? GridTrust::good : verdict_in_doubt(age, now);
  }

 private:
  void learn_refresh(Duration interval);
  GridTrust verdict_in_doubt(Duration age, MonoTime now) const;

  /// A reading is stale at this age, if it was to be renewed sooner.
  static constexpr Duration kStaleAtLeast = std::chrono::seconds(5);

  MonoTime start_;
  bool ever_read_ = false;
  double value_w_ = 0.0;
  MonoTime read_at_{};
  MonoTime changed_at_;
  Duration refresh_{std::chrono::seconds(1)};
  Duration good_for_{kStaleAtLeast};  ///< so long a reading is good at this refresh time; 0: never
  std::array<Duration, 16> intervals_{};
  std::size_t interval_count_ = 0;
  bool frozen_ = false;
  bool flipped_ = false;
  MonoTime flipped_at_{};
  bool suspicious_ = false;
  int moves_since_frozen_ = 0;
  MonoTime contradicted_since_{};
  MonoTime agreed_since_{};
  bool contradicts_ = false;
  bool distrusted_ = false;
};

}  // namespace sluice::control
