#include "controlled_house.hpp"

#include <string>
#include <utility>

namespace sluice::sim {

Site solar_site(std::size_t miners) {
  Site site;
  site.control.profile = constraint_profile(ProfileName::normal);
  for (std::size_t i = 0; i < miners; ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    site.miners.push_back(miner);
  }
  return site;
}

ControlledHouse::ControlledHouse(HousePlantSpec spec, Trace trace, Site site)
    : house({.house = std::move(spec)}, std::make_shared<const Trace>(std::move(trace))),
      product(std::move(site), PersistentState{}, VirtualHouse::start(), house.wall_start()) {}

void ControlledHouse::run(int seconds) {
  for (int s = 0; s < seconds; ++s) {
    const HousePlant& plant = house.house();
    std::vector<OracleMiner> now;
    for (std::size_t i = 0; i < plant.miner_count(); ++i) {
      const MinerPlant& miner = plant.miner(i);
      now.push_back({miner.spec(), plant.spec().miners[i].errors.setpoint_bias, miner.state() == MinerState::running,
                     miner.power()});
    }
    miners_at_.push_back(std::move(now));
    house.tick(product);
  }
}

Score ControlledHouse::score_from(std::size_t second) const {
  return house.house().score() - house.house().history()[second].score;
}

OracleResult ControlledHouse::oracle_from(std::size_t second) const {
  std::vector<float> surplus_w;
  const auto& history = house.house().history();
  for (std::size_t s = second + 1; s < history.size(); ++s)
    surplus_w.push_back(static_cast<float>(history[s].state.surplus().value()));
  return oracle(surplus_w, miners_at_[second]);
}

}  // namespace sluice::sim
