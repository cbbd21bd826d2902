#pragma once
/// The owner's house as the controller needs it: decided by configuration, constant until the next reload.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/money.hpp"

namespace sluice {

inline constexpr std::size_t kMaxMiners = 32;
inline constexpr std::size_t kMaxCircuits = 16;
inline constexpr std::size_t kMaxYields = 8;
inline constexpr std::uint8_t kNoCircuit = 255;

/// Which energy a miner may take.
enum class Strategy : std::uint8_t {
  solar,          ///< what would be exported or thrown away, and the battery's share of the charge
  solar_battery,  ///< also discharge, by state of charge
  full,           ///< all it can take
  off,
  economic,  ///< every source that costs less than mining brings
  schedule   ///< what the owner's periods say, asleep outside of them
};
enum class ProfileName : std::uint8_t { gentle, normal, bare };
enum class OnStop : std::uint8_t { park, minimum, leave };
enum class Regulation : std::uint8_t { deadbeat, pid };
enum class HysteresisForm : std::uint8_t { energy, classic };

/// How hard miners may be worked. `normal` is the default; `gentle` are the cautious numbers for old hardware; `bare`
/// is for benches.
struct ConstraintProfile {
  Duration min_on{};
  Duration min_off{std::chrono::seconds(120)};
  std::int32_t max_starts_per_day = 20;           ///< 0 = unlimited
  WattHours start_cost{20.0};                     ///< what a start wears, in captured energy, beside the wake itself
  Duration stagger_up{std::chrono::seconds(5)};   ///< between two starts of different miners
  Duration retarget_up{std::chrono::seconds(5)};  ///< between two raised targets of one miner
  Duration retarget_down{};                       ///< between two lowered targets of one miner
  WattHours change_cost{0.07};                    ///< price of a changed target, in captured energy
  Watts deadband_up{5.0};                         ///< a raise smaller than this is none
  Watts deadband_down{0.0};                       ///< a cut smaller than this is none
  Watts ramp_up_per_minute{0.0};                  ///< 0 = unlimited
  Duration start_quiet{std::chrono::seconds(0)};  ///< after daemon start: look first, command later
};
ConstraintProfile constraint_profile(ProfileName name);

struct PidGains {
  double kp = 0.0;        ///< W per W
  double ki_per_s = 0.1;  ///< W per W·s
  double kd_s = 0.0;      ///< W·s per W, on the measurement
};

struct Hysteresis {
  HysteresisForm form = HysteresisForm::energy;
  // classic form
  Watts start_above_min{150.0};  ///< start when available ≥ minimum + this …
  Duration start_after{std::chrono::seconds(180)};
  Watts stop_below_min{100.0};  ///< stop when available < minimum − this …
  Duration stop_after{std::chrono::seconds(120)};
  // energy form: ski rental (see control/commitment.hpp)
  double start_factor = 0.2;  ///< of the cost of a start: waited for before it
  double stop_factor = 0.5;   ///< of it: paid for running on before a stop
};

struct ControlSettings {
  Strategy strategy = Strategy::solar;
  Watts grid_target{0.0};  ///< + import, − export: what the grid should show while miners follow
  Regulation regulation = Regulation::deadbeat;
  PidGains pid;
  Hysteresis hysteresis;
  ConstraintProfile profile = {};
  OnStop on_stop = OnStop::park;
  double leak_price = 3.5;  ///< λ, a kWh imported in kWh captured: (0.30 import − 0.09 mined) / (0.09 − 0.03 export)
  Money start_price{0.0};   ///< what a start wears, in currency, on top of `profile.start_cost`
  Duration max_import_hold{std::chrono::seconds(900)};  ///< import above the target may not be held longer than this
  bool allow_off_grid = false;                          ///< mine while the grid is lost
  bool dry_run = false;                                 ///< decide and log, command nothing
};

struct SharePoint {
  Percent soc;
  double share = 0.0;  ///< 0…1
};

struct BatterySettings {
  bool present = false;
  Percent reserve{20.0};    ///< mining never discharges below reserve + 5 %
  WattHours capacity{0.0};  ///< 0 = unknown
  Watts max_charge{0.0};    ///< inverter's limit; 0 = unknown: the device's live limit or the largest charge seen
  Watts max_discharge{0.0};
  double efficiency = 0.95;  ///< each way, 0…1: of a kWh that goes in, so much comes to be stored
  PricePerKwh wear{0.0};     ///< of a kWh discharged, for an extra cycle
  std::string hold;          ///< the device that may be told to keep the battery from discharging; empty = nobody
  bool may_hold = false;     ///< there is one
  /// ω by SoC, ascending, linear between points: part of the possible charge that mining may take. Empty: by forecast.
  StaticVector<SharePoint, 16> share;
  /// Of `solar-battery`: part of `max_discharge` that mining may use, by SoC. Empty: by forecast, and without one from
  /// nothing at reserve + 5 % to everything when full.
  StaticVector<SharePoint, 16> discharge;
};

struct CircuitSite {
  std::string name;
  Watts continuous_limit{};  ///< breaker × volts × continuous factor − other load − margin
};

struct MinerSite {
  std::string name;
  std::uint8_t circuit = kNoCircuit;
  Watts min_power{0.0};  ///< owner's lower limit; 0 = the device's
  Watts max_power{0.0};  ///< owner's upper limit; 0 = the device's
  Strategy strategy = Strategy::solar;
  std::int32_t priority = 0;  ///< higher runs first; equal: who needs the least to run
  std::string power_switch;   ///< device that can take the power from it (control/power_switch.hpp); empty: none
  WorkingCurve curve{};       ///< hashrate by watts at the wall; empty: not known, see model/worth.hpp
};

/// A load that goes first: a wallbox, a boiler, evcc.
struct YieldSite {
  std::string device;                              ///< whose `load_…` measurements tell what it wants and draws
  Watts reserve{};                                 ///< kept free while it wants energy, less what it draws already
  Duration stale_after{std::chrono::seconds(60)};  ///< an older word of it is silence
  Duration keep{std::chrono::minutes(10)};         ///< what was reserved stays so for this long of silence
  Duration patience{std::chrono::minutes(30)};     ///< offered for this long in vain, it loses its turn
};

struct Site {
  std::string name;
  ControlSettings control;
  BatterySettings battery;
  Watts import_cap{0.0};              ///< main breaker × continuous factor; 0 = unknown
  Watts inverter_ac_rating{0.0};      ///< 0 = unknown
  std::optional<Watts> export_limit;  ///< what may be fed in, ≥ 0; beyond it the inverter throttles. None = no limit
  bool has_pv_meter = false;
  std::vector<CircuitSite> circuits;  ///< ≤ kMaxCircuits
  std::vector<MinerSite> miners;      ///< ≤ kMaxMiners, in the order of the configuration
  std::vector<YieldSite> yield_to;    ///< ≤ kMaxYields
};

}  // namespace sluice
