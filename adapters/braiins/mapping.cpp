#include "braiins/mapping.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "bos_v1.pb.h"
#include "bos_version.pb.h"

namespace sluice::braiins {
namespace {

using adapter::Error;

constexpr double kGigaPerTera = 1000.0;
// After a boot the mining process takes minutes to appear; later its absence means that it was stopped.
constexpr std::uint64_t kBootSeconds = 300;

/// The N of "beta.N"; 0 for "beta", nothing for other pre-releases.
std::optional<int> beta_of(std::string_view pre) {
  constexpr std::string_view kBeta = "beta";
  if (!pre.starts_with(kBeta)) return std::nullopt;
  pre.remove_prefix(kBeta.size());
  if (pre.empty()) return 0;
  int number = 0;
  const auto [end, code] = std::from_chars(pre.data() + 1, pre.data() + pre.size(), number);
  if (pre.front() != '.' || code != std::errc{} || end != pre.data() + pre.size()) return std::nullopt;
  return number;
}

bool is_first(const bos::ApiVersion& version) {
  return version.major() == 1 && version.minor() == 0 && version.patch() == 0;
}

std::string text_of(const bos::ApiVersion& version) {
  std::string text =
      std::to_string(version.major()) + "." + std::to_string(version.minor()) + "." + std::to_string(version.patch());
  return version.pre().empty() ? text : text + "-" + version.pre();
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

double watts(const v1::Power& power) { return static_cast<double>(power.watt()); }
std::optional<double> terahashes(const v1::GigaHashrate& rate) {
  if (!std::isfinite(rate.gigahash_per_second())) return std::nullopt;
  return rate.gigahash_per_second() / kGigaPerTera;
}

/// A minute's mean where there is one: five seconds of a small miner are noise.
std::optional<double> hashrate_ths(const v1::WorkSolverStats& stats) {
  if (!stats.has_real_hashrate()) return std::nullopt;
  const auto& real = stats.real_hashrate();
  if (real.has_last_1m()) return terahashes(real.last_1m());
  return real.has_last_5s() ? terahashes(real.last_5s()) : std::nullopt;
}

/// Whether it found work in the last seconds; nothing when the firmware does not tell.
std::optional<bool> hashes(const v1::GetMinerStatsResponse* stats) {
  if (stats == nullptr || !stats->miner_stats().has_real_hashrate()) return std::nullopt;
  const auto& real = stats->miner_stats().real_hashrate();
  if (real.has_last_5s()) return real.last_5s().gigahash_per_second() > 0;
  return real.has_last_1m() ? std::optional(real.last_1m().gigahash_per_second() > 0) : std::nullopt;
}

std::optional<double> power_w(const v1::GetMinerStatsResponse* stats) {
  if (stats == nullptr || !stats->power_stats().has_approximated_consumption()) return std::nullopt;
  return watts(stats->power_stats().approximated_consumption());
}

bool tuner_failed(const v1::GetTunerStateResponse* tuner) {
  return tuner != nullptr && tuner->overall_tuner_state() == v1::TUNER_STATE_ERROR;
}

/// CONTINUOUS is no tuning: newer models stay in it for ever, and work.
bool tunes(const v1::GetTunerStateResponse* tuner) {
  if (tuner == nullptr) return false;
  const auto state = tuner->overall_tuner_state();
  return state == v1::TUNER_STATE_TUNING || state == v1::TUNER_STATE_PREHEAT;
}

sluice_state state_when_not_started(const v1::GetMinerDetailsResponse& details) {
  const bool just_booted = details.system_uptime_s() > 0 && details.system_uptime_s() < kBootSeconds;
  return process_runs(details) || just_booted ? SLUICE_STATE_WAKING : SLUICE_STATE_ASLEEP;
}

/// The status goes on saying NORMAL while the boards are emptied, and says it again before they hash.
sluice_state state_when_mining(const Answers& answers, Asked asked) {
  const std::optional<bool> hashing = hashes(answers.stats);
  if (asked == Asked::sleep) return SLUICE_STATE_STOPPING;
  if (hashing.value_or(false)) return SLUICE_STATE_RUNNING;
  if (asked == Asked::wake) return SLUICE_STATE_WAKING;
  if (hashing && tuner_failed(answers.tuner)) return SLUICE_STATE_FAULT;
  return SLUICE_STATE_RUNNING;
}

/// API versions before 1.0.0 tell no status. One that hashes runs; one that neither hashes nor draws is asleep.
sluice_state state_when_untold(const Answers& answers, Asked asked, double min_w) {
  const std::optional<bool> hashing = hashes(answers.stats);
  if (!hashing) return SLUICE_STATE_UNKNOWN;
  if (*hashing) return state_when_mining(answers, asked);
  if (asked == Asked::wake) return SLUICE_STATE_WAKING;
  const std::optional<double> power = power_w(answers.stats);
  return power && *power < min_w / 2 ? SLUICE_STATE_ASLEEP : SLUICE_STATE_UNKNOWN;
}

sluice_state state_from(const Answers& answers, Asked asked, double min_w) {
  switch (answers.details.status()) {
    case v1::MINER_STATUS_PAUSED:
    case v1::MINER_STATUS_SUSPENDED:
      return SLUICE_STATE_ASLEEP;
    case v1::MINER_STATUS_NOT_STARTED:
      return state_when_not_started(answers.details);
    case v1::MINER_STATUS_NORMAL:
    case v1::MINER_STATUS_RESTRICTED:
      return state_when_mining(answers, asked);
    default:
      return state_when_untold(answers, asked, min_w);
  }
}

std::string note_on(const Answers& answers, sluice_state state) {
  if (answers.details.status() == v1::MINER_STATUS_SUSPENDED) return "the firmware suspended mining";
  if (state == SLUICE_STATE_FAULT) return "its tuner reports an error and nothing hashes";
  if (state == SLUICE_STATE_UNKNOWN) return "the firmware does not tell whether it mines";
  return {};
}

}  // namespace

void require_supported(const bos::ApiVersion& version) {
  const bool early = version.major() == 0 || (is_first(version) && !version.pre().empty());
  if (early && beta_of(version.pre()).value_or(0) < 2) {
    throw Error(SLUICE_UNSUPPORTED, "Braiins OS speaks API " + text_of(version) +
                                        "; power targets need 1.0.0-beta.2 (Braiins OS 23.08) or newer, please update");
  }
  if (version.major() > 1) {
    throw Error(SLUICE_UNSUPPORTED, "Braiins OS speaks API " + text_of(version) + "; this adapter knows 1.x");
  }
}

bool raises_may_not_move(const bos::ApiVersion& version) {
  return is_first(version) && (version.pre().empty() || version.pre() == "beta.6");
}

std::string release_of(std::string_view bos_version) {
  constexpr std::string_view kPlus = "-plus";
  std::string_view head = bos_version;
  if (head.ends_with(kPlus)) head.remove_suffix(kPlus.size());
  const auto dash = head.rfind('-');
  return std::string(dash == std::string_view::npos ? head : head.substr(dash + 1));
}

adapter::Identity identity_from(const v1::GetMinerDetailsResponse& details) {
  const auto& identity = details.miner_identity();
  adapter::Identity to;
  to.firmware = "Braiins OS " + release_of(details.bos_version().current());
  to.model = identity.miner_model().empty() ? identity.name() : identity.miner_model();
  to.mac = lower(details.mac_address());
  to.serial = details.serial_number().empty() ? details.uid() : details.serial_number();
  to.hostname = details.hostname();
  return to;
}

Limits limits_from(const v1::GetConstraintsResponse& constraints, bool overclock) {
  const auto& power = constraints.tuner_constraints().power_target();
  if (!power.has_min() || !power.has_max()) {
    throw Error(SLUICE_UNSUPPORTED, "Braiins OS tells no limits of a power target for this miner");
  }
  Limits limits{watts(power.min()), watts(power.max())};
  if (limits.min_w < 1 || limits.max_w < limits.min_w) {
    throw Error(SLUICE_PROTOCOL, "Braiins OS allows power targets from " + std::to_string(power.min().watt()) + " to " +
                                     std::to_string(power.max().watt()) + " W, which is no range");
  }
  const bool rated = power.has_default_() && watts(power.default_()) >= limits.min_w;
  if (rated && !overclock) limits.max_w = std::min(limits.max_w, watts(power.default_()));
  return limits;
}

Mode mode_from(const v1::PerformanceMode& mode) {
  if (mode.has_manual_mode()) return Mode::manual;
  return mode.tuner_mode().has_hashrate_target() ? Mode::hashrate_target : Mode::power_target;
}

std::optional<double> configured_target_w(const v1::GetMinerConfigurationResponse& configuration) {
  const auto& tuner = configuration.tuner();
  if (!tuner.has_power_target() || tuner.tuner_mode() == v1::TUNER_MODE_HASHRATE_TARGET) return std::nullopt;
  return watts(tuner.power_target());
}

bool scales_by_temperature(const v1::GetMinerConfigurationResponse& configuration) {
  return configuration.dps().enabled();
}

std::optional<double> hottest_c(const v1::GetCoolingStateResponse& cooling) {
  if (!cooling.highest_temperature().has_temperature()) return std::nullopt;
  const double degrees = cooling.highest_temperature().temperature().degree_c();
  return std::isfinite(degrees) ? std::optional(degrees) : std::nullopt;
}

std::optional<bool> pool_alive(const v1::GetPoolGroupsResponse& pools) {
  std::optional<bool> alive;
  for (const auto& group : pools.pool_groups()) {
    for (const auto& pool : group.pools()) {
      if (pool.enabled()) alive = alive.value_or(false) || pool.alive();
    }
  }
  return alive;
}

bool rests(const v1::GetMinerDetailsResponse& details) {
  const auto status = details.status();
  return status == v1::MINER_STATUS_PAUSED || status == v1::MINER_STATUS_SUSPENDED ||
         status == v1::MINER_STATUS_NOT_STARTED;
}

bool mines(const v1::GetMinerDetailsResponse& details) {
  return details.status() == v1::MINER_STATUS_NORMAL || details.status() == v1::MINER_STATUS_RESTRICTED;
}

bool process_runs(const v1::GetMinerDetailsResponse& details) { return details.bosminer_uptime_s() > 0; }

adapter::Poll poll_from(const Answers& answers, Asked asked, double min_w) {
  adapter::Poll poll;
  poll.state = state_from(answers, asked, min_w);
  poll.note = note_on(answers, poll.state);
  poll.power_w = power_w(answers.stats);
  // After a pause the figure stays what it was for up to a minute; such a figure is no reading.
  if (poll.state == SLUICE_STATE_ASLEEP && poll.power_w.value_or(0) >= min_w) poll.power_w.reset();
  if (answers.stats != nullptr) {
    poll.hashrate_ths = hashrate_ths(answers.stats->miner_stats());
    if (answers.stats->miner_stats().has_nominal_hashrate()) {
      poll.nominal_hashrate_ths = terahashes(answers.stats->miner_stats().nominal_hashrate());
    }
  }
  if (answers.tuner != nullptr && answers.tuner->power_target_mode_state().has_current_target()) {
    poll.target_w = watts(answers.tuner->power_target_mode_state().current_target());
  }
  poll.tuning = tunes(answers.tuner);
  if (process_runs(answers.details)) {
    poll.uptime = std::chrono::seconds(static_cast<std::int64_t>(answers.details.bosminer_uptime_s()));
  }
  return poll;
}

}  // namespace sluice::braiins
