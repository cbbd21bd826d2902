#pragma once
/// A house and whoever decides in it, one tick a second on a virtual clock: the physics of house_plant.hpp, the meter
/// and the miners as the daemon would see them, and commands that take time, get held back by the firmware's own pace,
/// or are lost. The same seed gives the same run, to the last digit.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/decision.hpp"
#include "model/snapshot.hpp"
#include "sim/house_plant.hpp"
#include "sim/market.hpp"
#include "sim/policy.hpp"
#include "sim/random.hpp"

namespace sluice::sim {

struct VirtualHouseSpec {
  HousePlantSpec house;
  std::vector<MinerDynamics> told{};  ///< what is believed of each miner; empty: the truth
  // decision → wire → answer
  Duration to_first_byte{std::chrono::milliseconds(300)};
  Duration to_answer{std::chrono::milliseconds(800)};
  // the miner's own word
  Duration report_every{std::chrono::seconds(2)};  ///< a poll: until the next one, its values grow old
  double report_noise = 0.01;                      ///< σ of the reported watts, relative
  /// A sensor tells what the sun could give, wrong by up to ± this share; none: nobody knows what is throttled.
  std::optional<double> potential_sensor{};
  std::int64_t first_day = 16'210;  ///< local day of the first second, days since 1970-01-01
  /// Of the first second; none: `start_second` after midnight, UTC, of `first_day`.
  std::optional<WallTime> wall_start{};
  bool switched = false;             ///< before every miner there is a plug that measures and can be told
  std::shared_ptr<Market> market{};  ///< none: nothing is known of money
};

/// How the miners were worked, counted by the house.
struct Workload {
  std::uint64_t changes = 0;    ///< targets that an awake miner was given
  double running_s = 0.0;       ///< time in which at least one miner was not asleep
  std::uint64_t held_back = 0;  ///< ticks in which a command waited for the firmware's own pace
};

class VirtualHouse {
 public:
  VirtualHouse(VirtualHouseSpec spec, std::shared_ptr<const Trace> trace);

  /// The world moves on by `dt` (whole steps of its physics; a late tick is a long one), the policy looks and decides,
  /// its commands leave.
  void tick(Policy& policy, Duration dt = std::chrono::seconds(1));
  void run(Policy& policy, std::size_t seconds) {
    for (std::size_t second = 0; second < seconds; ++second) tick(policy);
  }

  const VirtualHouseSpec& spec() const { return spec_; }
  const HousePlant& house() const { return house_; }
  HousePlant& house() { return house_; }
  const Snapshot& snapshot() const { return snapshot_; }
  const Decision& decision() const { return decision_; }
  const Workload& workload() const { return workload_; }
  MonoTime now() const;
  WallTime wall() const;
  /// Where a policy's clocks begin.
  static MonoTime start() { return MonoTime(kOffset); }
  WallTime wall_start() const;

 private:
  // Any start but zero: a time of zero means "never" in places.
  static constexpr Duration kOffset = std::chrono::hours(1);

  void look();
  void look_at_sensor(Watts potential);
  void send();
  void give(std::size_t index, const MinerDecision& order);

  VirtualHouseSpec spec_;
  HousePlant house_;
  Random random_;
  Duration next_report_;  ///< since the start
  Snapshot snapshot_;
  Decision decision_;
  Workload workload_;
  struct Sent {
    std::uint64_t sequence = 0;
    MonoTime raised_at{}, lowered_at{};
    bool raised = false, lowered = false;  ///< at all
    Watts target{};
  };
  std::vector<Sent> sent_;
  double sensor_error_ = 0.0, next_sensor_error_ = 0.0;
};

}  // namespace sluice::sim
