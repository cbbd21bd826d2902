#pragma once
/// What the messages of Braiins OS mean. Pure; failures are thrown as `adapter::Error`.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/adapter.hpp"

namespace braiins::bos {
class ApiVersion;
namespace v1 {
class GetConstraintsResponse;
class GetCoolingStateResponse;
class GetMinerConfigurationResponse;
class GetMinerDetailsResponse;
class GetMinerStatsResponse;
class GetPoolGroupsResponse;
class GetTunerStateResponse;
class PerformanceMode;
}  // namespace v1
}  // namespace braiins::bos

namespace sluice::braiins {

namespace bos = ::braiins::bos;
namespace v1 = ::braiins::bos::v1;

/// Throws `unsupported` for an API whose power target this adapter does not speak.
void require_supported(const bos::ApiVersion& version);
/// The releases of which owners report raised targets that never moved the power (24.02 and 24.03).
bool raises_may_not_move(const bos::ApiVersion& version);

/// "26.04" of "2026-04-14-0-912d084c-26.04-plus"; the whole text where it is written otherwise.
std::string release_of(std::string_view bos_version);
adapter::Identity identity_from(const v1::GetMinerDetailsResponse& details);

/// Whole watts, 0 < min ≤ max.
struct Limits {
  double min_w = 0, max_w = 0;
};
/// The highest target is the firmware's default one, which is the machine's own rating, or with `overclock` its
/// maximum.
Limits limits_from(const v1::GetConstraintsResponse& constraints, bool overclock);

enum class Mode { power_target, hashrate_target, manual };
/// A mode that is not told counts as the power target.
Mode mode_from(const v1::PerformanceMode& mode);

/// The power target in the configuration, W. Nothing while the tuner works towards a hashrate.
std::optional<double> configured_target_w(const v1::GetMinerConfigurationResponse& configuration);
bool scales_by_temperature(const v1::GetMinerConfigurationResponse& configuration);

std::optional<double> hottest_c(const v1::GetCoolingStateResponse& cooling);
/// Whether a pool that is in use is alive; nothing when none is configured.
std::optional<bool> pool_alive(const v1::GetPoolGroupsResponse& pools);

/// Whether the firmware says that it rests: paused, suspended or not started.
bool rests(const v1::GetMinerDetailsResponse& details);
/// Whether the firmware says that it mines.
bool mines(const v1::GetMinerDetailsResponse& details);
/// Whether the mining process (BOSminer) runs; a paused one does.
bool process_runs(const v1::GetMinerDetailsResponse& details);

/// What was asked so short a time ago that the miner may still be on its way.
enum class Asked { nothing, sleep, wake };

/// Answers of one poll; null where the firmware gave none.
struct Answers {
  const v1::GetMinerDetailsResponse& details;
  const v1::GetMinerStatsResponse* stats = nullptr;
  const v1::GetTunerStateResponse* tuner = nullptr;
};
/// `min_w`: the smallest target. The caller adds temperature and pools.
adapter::Poll poll_from(const Answers& answers, Asked asked, double min_w);

}  // namespace sluice::braiins
