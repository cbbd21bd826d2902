#pragma once
/// What may come, for miners that cannot follow: their firmware takes a change every few minutes only, so a level is a
/// bet on the sky of the next minutes. The bet is placed by what the last half hour was like, at this site, with its
/// clouds and its kettles; no forecast is fetched and nothing is stored.
///
/// The model: what is available stays as it is for a while, then it is drawn anew from all that the half hour has
/// shown. How long "a while" is, is measured: by how far it moves in two minutes, against how far any two moments lie
/// apart. Under a clear sky the two differ little and the bet is the present; under broken clouds it is the quantile of
/// the half hour.

#include <array>
#include <cstddef>

#include "base/time.hpp"

namespace sluice::control {

class Outlook {
 public:
  /// Once a tick; a sample is taken every 15 s. After a gap all is forgotten.
  void look(double available_w, MonoTime now);
  /// Five minutes were seen.
  bool known() const { return count_ >= kLeast; }
  /// The level that falls short of what is available for the part `chance` (0…1) of the next `horizon_s`, when it is
  /// `now_w` at present. `now_w` itself while nothing is known.
  double level_w(double now_w, double horizon_s, double chance) const;
  /// How far the sun itself, without its clouds, will have moved by then: the level of above moves by so much. 0 unless
  /// it rose or fell all of the half hour.
  double drift_w(double horizon_s, double chance) const;
  bool falls() const { return drift_w_per_s_ < 0.0; }
  /// What half of the time was more than. Only if `known`.
  double median_w() const { return sorted_[count_ / 2]; }

  /// A fall from `high_w` to `low_w`, `low_w` < `high_w`, as the half hour knows such falls.
  struct Dip {
    double regained = 1.0;  ///< mean part of the fall that was there again, 0…1
    double usual_s = 0.0;   ///< mean length of times below the middle of it
  };
  Dip dip(double low_w, double high_w) const;

 private:
  static constexpr std::size_t kSamples = 120;  // half an hour
  static constexpr std::size_t kLeast = 20;

  /// A sample of so many steps ago, as it would have been now: a sun that goes down does not come back as after a
  /// cloud.
  double as_now_w(std::size_t steps) const;
  void measure_memory();
  void measure_drift();

  std::array<float, kSamples> ring_{};
  std::array<float, kSamples> sorted_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  MonoTime sampled_at_{};
  double memory_s_ = 0.0;  ///< mean time for which it stays as it is
  double drift_w_per_s_ = 0.0;
};

}  // namespace sluice::control
