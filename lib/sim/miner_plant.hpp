#pragma once
/// What a miner's power does in the seconds after a command: dead time, ramps, steps, the slow wake, and the small
/// lies. Shared by the simulator, the emulated house and the tests; the rows of `plant_spec` say which firmware
/// each set of numbers stands for.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/envelope.hpp"
#include "model/miner.hpp"
#include "sim/random.hpp"

namespace sluice::sim {

/// One kind of miner under one firmware.
struct PlantSpec {
  std::string name;
  Envelope envelope;             ///< targets the firmware takes
  MinerDynamics dynamics;        ///< nominal times and sleeping draw; `retarget_*` bind who commands, not the plant
  Duration stop{};               ///< full power → asleep; from less power proportionally sooner
  Duration boot{};               ///< a control board's restart, before it wakes
  bool wakes_with_power = true;  ///< hashes as soon as it has booted; otherwise it stays asleep
  Watts wake_extra{40.0};        ///< drawn beside the sleeping watts while boards initialise, 60 % of the wake time
  TeraHashes max_hashrate{};
  bool straight = false;  ///< every watt hashes the same; otherwise as below

  /// Settled hashrate at a true draw. Concave: the last watt hashes least. 0 below what the chips need.
  TeraHashes hashrate(Watts power) const;
};

/// Rows: `luxos-target`, `luxos-profile`, `vnish-throttle`, `vnish-preset`, `braiins-fast`, `braiins-slow`, `dcent`,
/// `stock`, `plug`, `bitaxe`, and `published-luxos`, `published-vnish`, `published-braiins`; beside them, not among
/// `plant_names`, `s19-xp`, and `ideal:W` and `ideal-on-off:W`, without wake, ramps and sleeping watts. `not_found`
/// names them all.
Result<PlantSpec> plant_spec(std::string_view name);
std::vector<std::string> plant_names();

/// How this one miner differs from its kind.
struct PlantErrors {
  double setpoint_bias = 0.0;  ///< draws (1 + bias) of every target; −0.5…0.5
  double report_bias = 0.0;    ///< reports (1 + bias) of its draw; −0.9…1
  double command_loss = 0.0;   ///< share of commands that get lost, 0…1
  Duration mean_reboot_gap{};  ///< mean time between reboots of its own accord; 0 = never
  std::uint64_t seed = 1;      ///< of the two random errors above
};

enum class StartState : std::uint8_t { asleep, running };

/// One miner. Deterministic: the state at a time depends only on the commands and their times, however finely `advance`
/// is called. Not thread-safe. Nothing allocates after construction.
class MinerPlant {
 public:
  /// A `running` miner starts settled at `target`, floored to its envelope.
  explicit MinerPlant(PlantSpec spec, PlantErrors errors = {}, StartState start = StartState::asleep,
                      Watts target = Watts(0.0));

  /// Moves time on; ≥ 0. Exact across every event in between.
  void advance(Duration dt);

  /// Accepted after `transit`, effective after the dead time. A target below the smallest runs at the smallest; while
  /// asleep it is only remembered.
  void set_target(Watts target, Duration transit = {});
  void sleep(Duration transit = {});
  void wake(Duration transit = {});
  /// The control board restarts at once: the boards stop, and a miner that was awake wakes again by itself.
  void reboot();

  /// The switch before it: without power it draws nothing and forgets what it was told; with it, it boots.
  void set_power(bool on);

  const PlantSpec& spec() const { return spec_; }
  MinerState state() const;
  bool powered() const { return phase_ != Phase::unpowered; }
  bool booted() const { return powered() && phase_ != Phase::booting; }
  Watts power() const;                      ///< true draw
  Watts reported_power() const;             ///< what the firmware believes
  Watts target() const { return target_; }  ///< in force: accepted, past its dead time, on a level
  /// Where the power settles if nothing else is commanded: biased target, or sleeping watts.
  Watts settled_power() const;
  TeraHashes hashrate() const;
  WattHours energy() const { return energy_; }                  ///< drawn since construction
  WattHours awake_energy() const { return awake_energy_; }      ///< of it, not asleep
  WattHours running_energy() const { return running_energy_; }  ///< of that, hashing
  Duration uptime() const;                                      ///< of the mining process; 0 unless it runs
  std::uint32_t starts() const { return starts_; }              ///< wakes that began
  std::uint32_t reboots() const { return reboots_; }
  std::uint32_t commands() const { return commands_; }  ///< accepted, lost ones included

 private:
  enum class Phase : std::uint8_t { asleep, initialising, rising, running, stopping, booting, unpowered };
  struct Command {
    CommandKind kind = CommandKind::none;
    Watts target{};
    Duration due{};
  };
  static constexpr std::size_t kMaxPending = 64;

  void accept(CommandKind kind, Watts target, Duration transit);
  void move_to(Duration time);
  void account_until(Duration time);
  void execute(const Command& command);
  void enter(Phase phase);
  void finish_segment();
  void follow_target();
  void hold(Watts power, Duration time);
  void ramp(Watts goal, Duration time);
  void schedule_reboot();
  Watts biased(Watts target) const;
  bool awake() const { return phase_ != Phase::asleep && booted(); }

  PlantSpec spec_;
  PlantErrors errors_;
  Random random_;

  Duration now_{};
  Phase phase_ = Phase::asleep;
  // The power is a straight line from (begin_, from_) to (end_, to_), and constant after it until the phase moves on.
  Duration begin_{}, end_{Duration::max()};
  Watts from_{}, to_{};

  Watts target_{};
  bool sleep_after_wake_ = false;  ///< told to sleep while waking: done once awake
  bool was_awake_ = false;         ///< before the reboot
  Duration next_reboot_{Duration::max()};
  Duration running_since_{};
  StaticVector<Command, kMaxPending> pending_;  ///< ascending by `due`

  WattHours energy_{}, awake_energy_{}, running_energy_{};
  std::uint32_t starts_ = 0, reboots_ = 0, commands_ = 0;
};

}  // namespace sluice::sim
