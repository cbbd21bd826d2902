#pragma once
/// What the daemon knows, as JSON. Every name ends in its unit.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/tick_loop.hpp"

namespace sluice::cmd {

nlohmann::json status_json(const runtime::TickView& view, const std::string& history_degraded);
/// What a kWh is worth in each miner, and what that rests on: for `sluice breakeven`.
nlohmann::json worth_json(const runtime::TickView& view);
nlohmann::json why_json(const std::vector<runtime::DecisionEntry>& entries);
nlohmann::json device_json(const runtime::DeviceReport& device, MonoTime now);
nlohmann::json miner_json(const runtime::MinerReport& miner, const std::string& name, MonoTime now);

}  // namespace sluice::cmd
