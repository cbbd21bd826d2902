#pragma once
/// A house made from a seed, with the production controller inside, and everything that may go wrong between the two:
/// what the controller is told is tampered with, and its commands get lost. The same seed gives the same run.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "sim/policy.hpp"
#include "sim/random.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {

enum class Trouble : std::uint8_t {
  // the grid meter
  meter_dead,     ///< answers no more
  meter_frozen,   ///< answers, always the same
  meter_flipped,  ///< somebody turned its clamp
  meter_garbage,  ///< a value that no house has, or none at all
  meter_noisy,
  meter_slow,  ///< its registers change every 2…30 s
  // the other meters
  pv_missing,
  pv_old,
  battery_missing,
  battery_old,
  // one miner
  link_down,
  command_lost,  ///< it says yes and does nothing
  command_refused,
  command_failed,   ///< no answer, and not done
  answer_lost,      ///< no answer, but done
  sleep_ignored,    ///< as `command_lost`, only for sleep
  report_wrong,     ///< of its watts
  wrong_identity,   ///< another machine answers
  other_commander,  ///< somebody else sets targets
  envelope_narrow,
  envelope_unknown,
  pool_dead,
  hot,
  // the house
  grid_lost,
  clock_wrong,  ///< the wall clock was moved by hours
  clock_insane,
  late_ticks,  ///< 0.2…9 s apart
  count_
};
inline constexpr std::size_t kTroubles = static_cast<std::size_t>(Trouble::count_);
std::string to_string(Trouble trouble);

class TroubledHouse final : private Policy {
 public:
  /// Trouble comes for `troubled`; then there is none, and sun for all.
  TroubledHouse(std::uint64_t seed, Duration troubled, Duration calm);

  /// One tick: trouble begins or ends, the world moves, the controller decides.
  void tick();
  /// In the calm: the sun has not moved for so long.
  bool sun_stands_still(Duration so_long) const;
  bool over() const { return house_->house().elapsed() >= troubled_ + calm_; }
  /// Every trouble that is left ends now.
  void end_troubles();
  void begin(Trouble trouble, std::size_t miner, Duration length);
  bool has(Trouble trouble, std::size_t miner = 0) const { return until_[index(trouble)][miner] > now(); }
  /// Since when the trouble lasts; of one that does not: when it ended.
  MonoTime since(Trouble trouble, std::size_t miner = 0) const { return since_[index(trouble)][miner]; }

  MonoTime now() const { return house_->now(); }
  Duration elapsed() const { return house_->house().elapsed(); }
  const Site& site() const { return site_; }
  VirtualHouse& world() { return *house_; }
  const HousePlant& plant() const { return house_->house(); }
  const Snapshot& told() const { return told_; }        ///< what the controller was told in the last tick
  const Decision& decided() const { return decided_; }  ///< and what it made of it
  const ProductPolicy& product() const { return *product_; }
  std::uint64_t decision_hash() const { return hash_; }
  /// All of what is wrong at the moment, for people.
  std::string troubles() const;

 private:
  static constexpr std::size_t index(Trouble trouble) { return static_cast<std::size_t>(trouble); }
  static constexpr std::size_t kMost = 6;  ///< miners

  void step(const Snapshot& snapshot, Decision& decision) override;
  void furnish(std::uint64_t seed);
  void worry();
  void tamper_with_grid();
  void tamper_with_sources();
  void tamper_with_miner(std::size_t index);
  void pass_on(std::size_t index, MinerDecision& order);
  void hash();

  Random random_;
  Duration troubled_, calm_;
  Site site_;
  std::unique_ptr<VirtualHouse> house_;
  std::unique_ptr<ProductPolicy> product_;
  Snapshot told_;
  Decision decided_;
  std::uint64_t hash_ = 14695981039346656037ULL;

  std::array<std::array<MonoTime, kMost>, kTroubles> until_{}, since_{};
  Reading<Watts> shown_grid_;  ///< of a meter that is slow, frozen or dead
  MonoTime shown_changed_{};
  Duration slow_refresh_{};
  Reading<Watts> old_pv_, old_battery_;
  Duration clock_error_{};
  std::array<double, kMost> report_factor_{};
  std::array<double, kMost> narrow_to_{};
  /// Orders that did not reach the miner, or whose answer did not come back.
  struct Line {
    std::uint64_t handled = 0;
    bool swallowed = false;
    CommandRecord told;  ///< what is said of it; sequence 0: the truth
  };
  std::array<Line, kMost> lines_{};
};

}  // namespace sluice::sim
