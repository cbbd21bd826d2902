#pragma once
/// TCP 4028 of the emulated Braiins OS: reading, pausing and resuming, without a password.

#include "house/firmware/cgminer_api.hpp"

namespace sluice::house {

class BraiinsMiner;

class BraiinsCgminer final : public CgminerProtocol {
 public:
  BraiinsCgminer(BraiinsMiner& miner, const ports::Clock& clock);

 protected:
  nlohmann::json run(const std::string& command, const std::string& parameter) override;

 private:
  BraiinsMiner& miner_;
};

}  // namespace sluice::house
