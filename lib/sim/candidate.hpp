#pragma once
/// `c2`, the law that the product has to beat: a twin of every miner, deadbeat on the surplus that the twin predicts,
/// and starts and stops by ski rental. Restated as it was proposed, with its weakness: it corrects the twin by the
/// watts the miner reports, so a wrong report stays in the balance as an error that nothing integrates away.

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "base/units.hpp"
#include "model/site.hpp"
#include "sim/commander.hpp"
#include "sim/miner_plant.hpp"
#include "sim/policy.hpp"

namespace sluice::sim {

struct CandidatePace {
  Watts band_up, band_down;  ///< smaller changes wait
  Duration pause;            ///< between a change and the next raise
};
inline constexpr CandidatePace kBriskPace{Watts(25.0), Watts(10.0), std::chrono::seconds(5)};
inline constexpr CandidatePace kCalmPace{Watts(60.0), Watts(30.0), std::chrono::seconds(15)};

struct CandidateSetup {
  double leak_price = 3.5;  ///< λ
  ConstraintProfile profile;
  Duration meter_age{std::chrono::seconds(1)};
  CandidatePace pace = kBriskPace;
};

class Candidate final : public Policy {
 public:
  explicit Candidate(const CandidateSetup& setup) : setup_(setup), miners_(setup.profile) {}
  void step(const Snapshot& snapshot, Decision& decision) override;

  /// What it has learned: from a command's first byte until the power moves.
  Duration dead_time(std::size_t miner) const { return models_[miner].dead_time; }

 private:
  static constexpr std::size_t kHistory = 128;  // ticks; a power of two

  struct Model {
    MinerPlant twin;          ///< without dead time of its own: that is added to each command
    MonoTime time{};          ///< of the twin
    std::uint64_t heard = 0;  ///< newest command that the twin was given
    Duration dead_time{};
    Reading<Watts> report{};  ///< waits until the twin is as far
    MonoTime corrected_at{};
    double bias_w = 0.0;   ///< reported − twin, slowly
    Duration wrong_for{};  ///< |reported − twin − bias| was large for so long
    Watts last_report{};
    double start_account_ws = 0.0, stop_account_ws = 0.0;
    // latency learning
    std::array<float, kHistory> twin_w{};
    std::uint64_t stepped_at = 0;  ///< tick of an own step that is being looked at; 0 = none
  };

  void begin(const Snapshot& snapshot);
  void hear(const Snapshot& snapshot);
  void read_meter(const Snapshot& snapshot);
  static void advance_to(Model& model, MonoTime time);
  static void correct(Model& model);
  static Watts drawn(const Model& model);
  Watts battery_share(const Snapshot& snapshot);

  void learn(const Snapshot& snapshot);
  void learn_dead_time(Model& model) const;

  void account_starts(const Snapshot& snapshot, Watts available, double dt_s);
  void account_stops(const Snapshot& snapshot, Watts available, double dt_s);
  void follow(const Snapshot& snapshot, Watts available);
  void shift_bases(const Snapshot& snapshot, std::size_t trimmer, Watts left);
  void approach(const Snapshot& snapshot, std::size_t miner, Watts power);
  bool adjustable(const Snapshot& snapshot, std::size_t miner) const;

  CandidateSetup setup_;
  Commander miners_;
  std::vector<Model> models_;
  MonoTime last_step_{};
  // the grid meter
  Watts grid_{};
  MonoTime grid_at_{};  ///< when the value in the register was true
  std::array<float, kHistory> grid_w_{};
  std::array<float, kHistory> battery_w_{};
  std::uint64_t tick_ = 0;
  bool battery_released_ = false;
};

}  // namespace sluice::sim
