#pragma once
/// The production controller in the virtual house, with a window of the run scored against perfect foresight.

#include <vector>

#include "sim/oracle.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {

class ControlledHouse {
 public:
  ControlledHouse(HousePlantSpec spec, Trace trace, Site site);
  /// Ticks once a second for `seconds`.
  void run(int seconds);

  VirtualHouse house;
  ProductPolicy product;
  Score score_from(std::size_t second) const;
  /// Perfect foresight over the seconds from `second` on, with the miners as they were then.
  OracleResult oracle_from(std::size_t second) const;

 private:
  std::vector<std::vector<OracleMiner>> miners_at_;  ///< per second
};

/// A site of surplus-driven miners with the defaults.
Site solar_site(std::size_t miners);

}  // namespace sluice::sim
