#pragma once
/// The requests behind `sluice learn` (docs/reference/socket.md).

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "model/memory.hpp"
#include "runtime/engine.hpp"

namespace sluice::cmd {

/// What a run of this miner would take, or why none can begin now.
nlohmann::json learn_plan(const runtime::TickView& view, const PersistentState& state, const std::string& miner);
/// Begins one.
nlohmann::json learn(const runtime::TickView& view, runtime::Engine& engine, const std::string& miner);
/// Where it stands, and what it found once it is over. Whoever asks keeps it going.
nlohmann::json learn_progress(const runtime::TickView& view, runtime::Engine& engine, std::uint64_t run);

}  // namespace sluice::cmd
