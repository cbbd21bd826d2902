#pragma once
/// Stable names and sentences for codes, used by every edge (log, JSON, SQL, terminal). `from_name` inverts
/// `to_string`.

#include <optional>
#include <string_view>

#include "model/decision.hpp"
#include "model/miner.hpp"
#include "model/money.hpp"
#include "model/reading.hpp"
#include "model/site.hpp"
#include "model/snapshot.hpp"

namespace sluice {

std::string_view to_string(MinerState state);  ///< `asleep`, `waking`, …
std::string_view to_string(LinkState state);
std::string_view to_string(IdentityVerdict verdict);
std::string_view to_string(CommandKind kind);
std::string_view to_string(CommandStatus status);
std::string_view to_string(EnvelopeKind kind);
std::string_view to_string(Quality quality);
std::string_view to_string(Strategy strategy);  ///< `solar`, `solar-battery`, `full`, `off`, …
std::string_view to_string(PriceKind kind);     ///< `fixed`, `published`, …
std::string_view to_string(PeriodOrder order);  ///< `sleep`, `watts`, …
std::string_view to_string(ProfileName name);
std::string_view to_string(OnStop on_stop);
std::string_view to_string(GridConnection connection);
std::string_view to_string(YieldState state);  ///< `content`, `waiting`, …
std::string_view to_string(Reason reason);     ///< `following_surplus`, …
std::string_view to_string(Alarm alarm);       ///< `grid_meter_lost`, …
std::string_view to_string(CommissionStage stage);
std::string_view to_string(CommissionEnd end);

/// One sentence for the owner, without a full stop: "follows the surplus".
std::string_view sentence(Reason reason);
std::string_view sentence(Alarm alarm);
std::string_view sentence(YieldState state);
std::string_view sentence(CommissionStage stage);
std::string_view sentence(CommissionEnd end);

std::optional<Strategy> strategy_from_name(std::string_view name);
std::optional<ProfileName> profile_from_name(std::string_view name);
std::optional<OnStop> on_stop_from_name(std::string_view name);

}  // namespace sluice
