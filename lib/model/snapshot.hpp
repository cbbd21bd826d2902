#pragma once
/// The frozen picture of the world that one controller step sees. Built by the runtime once a tick; never changed
/// after. Signs: grid + import − export; pv ≥ 0; battery + discharge − charge; miners are positive consumption.

#include <array>
#include <cstdint>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "model/miner.hpp"
#include "model/money.hpp"
#include "model/reading.hpp"
#include "model/site.hpp"

namespace sluice {

enum class GridConnection : std::uint8_t { connected, islanded, generator };

struct GridObservation {
  Reading<Watts> power;
  std::array<Reading<Watts>, 3> phase_power;
  Reading<Hertz> frequency;
  Reading<Volts> voltage;
  Reading<GridConnection> connection;  ///< as a device says it; missing when none can
  Reading<WattHours> imported;         ///< the meter's own counters, for the ledger to be held against
  Reading<WattHours> exported;
};

struct PvObservation {
  Reading<Watts> power;      ///< AC side, ≥ 0, sum of all `role: pv` devices; missing when any of them is
  Reading<Watts> available;  ///< what it could make if it were not curtailed, when a device tells
  Reading<bool> curtailed;   ///< a device says that it is throttled in a way more load would release
};

struct BatteryObservation {
  Reading<Watts> power;
  Reading<Percent> soc;
  Reading<Watts> charge_limit;     ///< what the BMS or inverter accepts now, ≥ 0
  Reading<Watts> discharge_limit;  ///< ≥ 0
  bool hold_unavailable = false;   ///< told to hold it would discharge all the same: for a while it is not to be told
};

enum class YieldState : std::uint8_t {
  content,   ///< wants nothing
  waiting,   ///< wants energy and does not take it yet
  drawing,   ///< takes energy; what it lacks to its reserve is still free for it
  silent,    ///< does not tell any more: what was reserved is kept for a while
  released,  ///< has been silent for too long: nothing is reserved
  passed     ///< did not take what was long offered: its turn comes again later
};

/// What is kept free for one of `Site::yield_to`.
struct YieldObservation {
  YieldState state = YieldState::silent;
  Reading<Watts> reserved;  ///< as old as the word it rests on
  Reading<Watts> power;     ///< what it draws; missing when it does not tell
  MonoTime since{};         ///< when `state` began
};

/// What people and other systems asked for. Intents never command a miner; they meet the same guard as everything else.
struct MinerIntent {
  bool park = false;  ///< `sluice park`: asleep until released
  /// `sluice learn`: number of the commissioning run that is asked for, at most one miner at a time; 0: none. A number
  /// begins one run, however long it stays; taken away it ends it.
  std::uint64_t learn = 0;
};

struct Snapshot {
  std::uint64_t tick = 0;
  MonoTime now{};
  WallTime wall{};
  std::int64_t local_day = 0;  ///< days since 1970-01-01 in the site's time zone; 0 = the date is not known
  bool wall_sane = false;      ///< false: no clock yet or it just stepped; nothing that needs the date may rely on it
  GridObservation grid;
  PvObservation pv;
  BatteryObservation battery;
  StaticVector<YieldObservation, kMaxYields> yield_to;  ///< same order as `Site::yield_to`
  bool shutting_down = false;                           ///< last decision: apply `on_stop`
  bool park_all = false;
  StaticVector<MinerObservation, kMaxMiners> miners;  ///< same order and length as `Site::miners`
  std::array<MinerIntent, kMaxMiners> intents{};
  MoneyObservation money;
  std::array<MinerMoney, kMaxMiners> miner_money{};  ///< same order as `Site::miners`
};

}  // namespace sluice
