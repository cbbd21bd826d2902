#pragma once
/// The emulated house in motion: the physics of `lib/sim` on a clock, the doors through which emulated firmwares reach
/// their miners, what its meter and inverter show, and the faults that somebody injected. It knows the truth.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "devices/register.hpp"
#include "devices/template.hpp"
#include "house/miner_door.hpp"
#include "house/modbus_server.hpp"
#include "house/scenario.hpp"
#include "house/sunspec_face.hpp"
#include "model/money.hpp"
#include "ports/clock.hpp"
#include "sim/house_plant.hpp"
#include "sim/oracle.hpp"

namespace sluice::house {

enum class MeterFault : std::uint8_t {
  none,
  frozen,        ///< every register stands still
  stale,         ///< shows what was true `seconds` ago
  sign_flipped,  ///< import and export exchanged, as with a clamp the wrong way round
  garbage,       ///< random words
  silent,        ///< this unit alone does not answer
};

/// Injected trouble of one miner, beside what its server does by itself.
struct MinerTrouble {
  MinerFaults faults;
  double report_gain = 1.0;  ///< a lying miner: factor on what it reports
  bool pool_dead = false;
  bool hashrate_gone = false;
  bool wrong_identity = false;  ///< another machine answers at its address
};

struct MinerTruth {
  std::string name;
  MinerState state{};
  bool booted = true;
  Watts power{}, reported{}, target{}, settled{};
  std::uint32_t commands = 0, starts = 0, reboots = 0;
  TeraHashes hashrate{};
};

/// Everything that is true at one instant.
struct HouseTruth {
  Duration elapsed{};
  std::size_t second_of_day = 0;
  sim::HouseState state;
  Watts meter{};                         ///< as its register shows it
  std::optional<Watts> discharge_limit;  ///< that somebody told the battery
  std::uint32_t limit_writes = 0;        ///< how often somebody did
  sim::Score score;
  std::vector<MinerTruth> miners;
};

struct WindowScore {
  sim::Score score;
  sim::OracleResult oracle;
  double from_s = 0.0, to_s = 0.0;
};

/// One second of the run, for plots.
struct TruthSecond {
  sim::HouseState state;
  std::vector<float> miner_w;  ///< true draw of each miner
};

/// A device of the library that the house is on Modbus.
struct ServedDevice {
  devices::Template device;
  std::optional<std::uint8_t> unit;  ///< the template's own unless given
};

/// Unit ids of the house's own devices, as on a Fronius with its meter.
inline constexpr int kInverterUnit = 1;
inline constexpr int kMeterUnit = 240;

/// Thread-safe. Time begins at `origin` on the clock; the physics follows the clock in steps of 100 ms.
class House {
 public:
  /// `served`: what the house is on Modbus; none = its own SunSpec inverter and meter.
  House(Scenario scenario, sim::Trace day, const ports::Clock& clock, MonoTime origin,
        std::vector<ServedDevice> served = {});
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  const Scenario& scenario() const { return scenario_; }
  std::size_t miner_count() const { return doors_.size(); }
  /// Lives as long as the house.
  MinerDoor& door(std::size_t index);
  /// Index by name; `not_found` names the miners.
  Result<std::size_t> miner_index(std::string_view name) const;

  /// What the unit shows; for `make_modbus_server`.
  std::optional<UnitReply> modbus_unit(int unit);
  /// A client writes holding registers; the exception code, 0 = done. As a `victron-gx` the house takes the maximum
  /// inverter power (2704 in 10 W, 2720 in W, −1 = no limit; Victron's register list of its Modbus TCP gateway), which
  /// its battery obeys; everything else is read-only.
  int modbus_write(int unit, std::uint16_t address, std::span<const std::uint16_t> words);
  ModbusFaults modbus_faults() const;

  HouseTruth truth();
  /// What it costs to buy, as it is told by now: the tariff in full, of spikes those that have begun. Empty when the
  /// scenario has no prices. Slots lie in the clock's own date.
  PriceOutlook prices() const;
  /// Score of [from, to), with what perfect foresight had captured in it. Takes a second or so; the house goes on.
  /// `invalid` when the window is empty or not over yet.
  Result<WindowScore> window(double from_s, double to_s);
  /// Seconds from `from_s` on that are over.
  std::vector<TruthSecond> history(std::size_t from_s);

  void set_meter_fault(MeterFault fault, Duration age = std::chrono::seconds(60));
  void set_inverter_fault(MeterFault fault);
  void set_modbus_faults(const ModbusFaults& faults);
  void set_grid_lost(bool lost);
  void set_trouble(std::size_t miner, const MinerTrouble& trouble);
  MinerTrouble trouble(std::size_t miner) const;
  /// Somebody takes its power, or gives it back: it boots, and many a firmware hashes by itself then.
  void power_miner(std::size_t miner, bool on);
  void reboot_miner(std::size_t miner);
  /// Another program's command.
  void command_miner(std::size_t miner, Watts target);
  /// Ends every fault and brings the grid back.
  void clear_faults();

 private:
  class Door;
  friend class Door;

  void run();
  void catch_up();  // with the lock held
  void remember_seconds();
  MinerView view(std::size_t miner);
  MeterFace true_meter() const;
  InverterFace true_inverter() const;
  MeterFace meter_face() const;  // with its fault
  InverterFace inverter_face() const;
  bool shows_grid(int unit) const;
  UnitReply own_unit(int unit) const;
  UnitReply served_unit(int unit);
  bool is_gx(int unit) const;
  void make_garbage(UnitReply& reply);

  Scenario scenario_;
  const ports::Clock& clock_;
  const MonoTime origin_;
  const std::vector<ServedDevice> served_;
  std::vector<std::unique_ptr<Door>> doors_;

  mutable std::mutex mutex_;
  std::condition_variable stop_condition_;
  bool stopping_ = false;  // all below: guarded by mutex_
  sim::HousePlant plant_;
  Duration followed_{};                      ///< time since the origin that the physics has seen
  std::vector<std::vector<float>> miner_w_;  ///< of each second that is over
  std::vector<std::vector<bool>> miner_awake_;
  std::vector<MinerTrouble> troubles_;
  MeterFault meter_fault_ = MeterFault::none;
  MeterFault inverter_fault_ = MeterFault::none;
  Duration stale_age_{};
  MeterFace frozen_meter_;
  InverterFace frozen_inverter_;
  ModbusFaults modbus_faults_;
  std::optional<Watts> discharge_limit_;
  std::uint32_t limit_writes_ = 0;
  sim::Random noise_;
  std::thread thread_;
};

}  // namespace sluice::house
