#pragma once
/// The production controller in the simulated house: physics of lib/sim, one tick a second, commands that take time.

#include <memory>
#include <vector>

#include "control/controller.hpp"
#include "sim/house_plant.hpp"
#include "sim/oracle.hpp"

namespace sluice::sim {

struct CommandDelay {
  Duration to_first_byte{std::chrono::milliseconds(300)};
  Duration to_answer{std::chrono::milliseconds(800)};
};

class ControlledHouse {
 public:
  ControlledHouse(HousePlantSpec spec, Trace trace, Site site, CommandDelay delay = {});
  /// Ticks once a second for `seconds`.
  void run(int seconds);

  HousePlant house;
  control::Controller controller;
  Decision decision;
  std::vector<std::uint64_t> sequences;  ///< last command of each miner
  Score score_from(std::size_t second) const;
  /// Perfect foresight over the seconds from `second` on, with the miners as they were then.
  OracleResult oracle_from(std::size_t second) const;

 private:
  struct Outgoing {
    Duration due{};
    std::size_t miner = 0;
    MinerDecision order;
  };
  Snapshot look();
  void send();
  void deliver(Duration until);

  CommandDelay delay_;
  std::vector<CommandRecord> records_;
  std::vector<Outgoing> outgoing_;
  std::vector<std::vector<OracleMiner>> miners_at_;  ///< per second
  std::uint64_t tick_ = 0;
};

/// A site of surplus-driven miners with the defaults.
Site solar_site(std::size_t miners);

}  // namespace sluice::sim
