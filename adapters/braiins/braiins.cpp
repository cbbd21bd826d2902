/// The Braiins OS adapter: what is asked when, and what each answer leads to. The connection is in link.hpp, the
/// meaning of the messages in mapping.hpp.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "bos_v1.pb.h"
#include "bos_version.pb.h"
#include "braiins/link.hpp"
#include "braiins/mapping.hpp"
#include "sluice/adapter.hpp"

namespace sluice::braiins {
namespace {

using adapter::Error;
using adapter::Time;
using namespace std::chrono_literals;

using Actions = v1::ActionsService::Stub;
using Configuration = v1::ConfigurationService::Stub;
using Cooling = v1::CoolingService::Stub;
using Miner = v1::MinerService::Stub;
using Performance = v1::PerformanceService::Stub;
using Pools = v1::PoolService::Stub;

constexpr std::uint16_t kPort = 50051;
constexpr int kLargestStepW = 1000;
// A captured pause was reported after 13 s; a resumed miner hashes after 10 s to some minutes.
constexpr auto kStopTime = 30s;
constexpr auto kWakeTime = 180s;
// Nobody documents what a paused miner draws; the daemon learns it.
constexpr double kSleepPowerW = 30;
// The tuner is disturbed by each new target, and each is written to flash.
constexpr std::int32_t kWritesPerDay = 200;

Link::Peer peer_from(const adapter::Settings& settings) {
  return {settings.host, settings.port == 0 ? kPort : settings.port, settings.username, settings.password};
}

int step_from(const std::string& text) {
  int step = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (code != std::errc{} || end != text.data() + text.size() || step < 1 || step > kLargestStepW) {
    throw Error(SLUICE_INVALID, "option step_w is \"" + text + "\" and must be 1 to 1000 W");
  }
  return step;
}

class Braiins final : public adapter::Miner {
 public:
  Braiins(adapter::Host host, const adapter::Settings& settings)
      : host_(host),
        link_(host, peer_from(settings)),
        overclock_(settings.flag("overclock", false)),
        force_tuner_(settings.flag("force_tuner", false)),
        step_w_(step_from(settings.option("step_w", "10"))) {}

  adapter::Identity identify(Time deadline) override;
  adapter::Abilities abilities() override;
  adapter::Poll poll(Time deadline) override;
  adapter::Applied apply_target(double target_w, Time deadline) override;
  adapter::Applied sleep(Time deadline) override;
  adapter::Applied wake(double target_w, Time deadline) override;
  void cancel() noexcept override { link_.cancel(); }

 private:
  template <class Read>
  auto if_given(Read read) const -> std::optional<decltype(read())>;
  v1::GetMinerDetailsResponse details(Time deadline);
  v1::GetMinerConfigurationResponse configuration(Time deadline);
  Mode mode(Time deadline);
  void watch_scaling(Time deadline);
  void read_one_more(adapter::Poll& poll, Time deadline);

  void require_reachable(double target_w) const;
  Mode require_commandable(Time deadline);
  double set_target(double target_w, Mode mode, Time deadline);
  double switch_to_power_target(const v1::Power& power, Time deadline);
  bool read_back(double target_w, Time deadline);
  void pause(Time deadline);
  void resume(Time deadline);
  bool confirmed(bool (*as_wanted)(const v1::GetMinerDetailsResponse&), Time deadline);

  void ask(Asked what, Time for_how_long);
  Asked asked() const { return host_.now() < asked_until_ ? asked_ : Asked::nothing; }

  adapter::Host host_;
  Link link_;
  bool overclock_, force_tuner_;
  int step_w_;

  std::optional<Limits> limits_;
  Asked asked_ = Asked::nothing;
  Time asked_until_{};
  bool scaling_told_ = false;
  unsigned turn_ = 0;
};

/// Nothing where the firmware is busy with itself or too old for the question: the rest is worth reporting alone.
template <class Read>
auto Braiins::if_given(Read read) const -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    if (error.status() != SLUICE_REJECTED && error.status() != SLUICE_UNSUPPORTED) throw;
    host_.log(SLUICE_LOG_DEBUG, error.what());
    return std::nullopt;
  }
}

v1::GetMinerDetailsResponse Braiins::details(Time deadline) {
  return link_.ask("GetMinerDetails", &braiins::Miner::GetMinerDetails, deadline);
}

v1::GetMinerConfigurationResponse Braiins::configuration(Time deadline) {
  return link_.ask("GetMinerConfiguration", &Configuration::GetMinerConfiguration, deadline);
}

Mode Braiins::mode(Time deadline) {
  const auto mode =
      if_given([&] { return link_.ask("GetActivePerformanceMode", &Performance::GetActivePerformanceMode, deadline); });
  return mode ? mode_from(*mode) : Mode::power_target;
}

adapter::Identity Braiins::identify(Time deadline) {
  const auto version = link_.ask_openly("GetApiVersion", &bos::ApiVersionService::Stub::GetApiVersion, deadline);
  require_supported(version);
  if (raises_may_not_move(version)) {
    host_.log(SLUICE_LOG_WARNING,
              "Braiins OS 24.02 and 24.03 are known to accept higher targets and not to follow them; please update");
  }
  const adapter::Identity identity = identity_from(details(deadline));
  limits_ = limits_from(link_.ask("GetConstraints", &Configuration::GetConstraints, deadline), overclock_);
  watch_scaling(deadline);
  return identity;
}

void Braiins::watch_scaling(Time deadline) {
  const auto now = if_given([&] { return configuration(deadline); });
  if (!now) return;
  const bool scales = scales_by_temperature(*now);
  if (scales && !scaling_told_) {
    host_.log(SLUICE_LOG_WARNING,
              "Braiins OS's dynamic performance scaling is on: when hot it lowers the target below the one that Sluice "
              "set");
  }
  scaling_told_ = scales;
}

adapter::Abilities Braiins::abilities() {
  adapter::Abilities abilities;
  abilities.sleep_power_w = kSleepPowerW;
  abilities.dead_time = 5s;
  abilities.ramp_down = 30s;
  abilities.ramp_up = 60s;
  abilities.stop = 8s;
  abilities.wake = 60s;
  // A target that the tuner has met before settles at once, and the daemon's own learning finds the slow ones. So only
  // bursts are kept away here; what protects the tuner over the day is the number of writes.
  abilities.retarget_up = abilities.retarget_down = 5s;
  abilities.writes_per_day = kWritesPerDay;
  if (!limits_) return abilities;
  abilities.kind = SLUICE_ENVELOPE_RANGE;
  abilities.min_w = limits_->min_w;
  abilities.max_w = limits_->max_w;
  abilities.step_w = step_w_;
  return abilities;
}

adapter::Poll Braiins::poll(Time deadline) {
  const auto who = details(deadline);
  const auto stats = if_given([&] { return link_.ask("GetMinerStats", &braiins::Miner::GetMinerStats, deadline); });
  const auto tuner = if_given([&] { return link_.ask("GetTunerState", &Performance::GetTunerState, deadline); });
  const Answers answers{who, stats ? &*stats : nullptr, tuner ? &*tuner : nullptr};
  adapter::Poll poll = poll_from(answers, asked(), limits_ ? limits_->min_w : 0);
  read_one_more(poll, deadline);
  return poll;
}

/// Slow things take turns.
void Braiins::read_one_more(adapter::Poll& poll, Time deadline) {
  switch (turn_++ % 3) {
    case 0: {
      const auto cooling = if_given([&] { return link_.ask("GetCoolingState", &Cooling::GetCoolingState, deadline); });
      if (cooling) poll.temperature_c = hottest_c(*cooling);
      return;
    }
    case 1: {
      // One that sleeps talks to no pool.
      if (poll.state != SLUICE_STATE_RUNNING) return;
      const auto pools = if_given([&] { return link_.ask("GetPoolGroups", &Pools::GetPoolGroups, deadline); });
      if (pools) poll.pool_alive = pool_alive(*pools);
      return;
    }
    default:
      return watch_scaling(deadline);
  }
}

void Braiins::require_reachable(double target_w) const {
  if (!limits_) throw Error(SLUICE_INVALID, "the miner was not identified yet");
  if (target_w < limits_->min_w - 0.5) {
    throw Error(SLUICE_INVALID, "the target is below the smallest that Braiins OS allows this miner");
  }
}

/// A power target does nothing while another kind of target is in force, so that one must not be sent silently.
Mode Braiins::require_commandable(Time deadline) {
  const Mode now = mode(deadline);
  if (now == Mode::power_target || force_tuner_) return now;
  throw Error(SLUICE_REJECTED, std::string("Braiins OS works ") +
                                   (now == Mode::manual ? "with frequencies set by hand" : "towards a hashrate") +
                                   ", so a power target would do nothing; choose a power target on the miner's page, "
                                   "or set option force_tuner");
}

/// Returns the watts that the firmware says it took.
double Braiins::set_target(double target_w, Mode mode, Time deadline) {
  const double whole = std::floor(std::clamp(target_w, limits_->min_w, limits_->max_w) + 1e-6);
  v1::Power power;
  power.set_watt(static_cast<std::uint64_t>(whole));
  if (mode != Mode::power_target) return switch_to_power_target(power, deadline);
  v1::SetPowerTargetRequest request;
  request.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  *request.mutable_power_target() = power;
  const auto taken = link_.command("SetPowerTarget", &Performance::SetPowerTarget, request, deadline);
  return taken.has_power_target() ? static_cast<double>(taken.power_target().watt()) : whole;
}

double Braiins::switch_to_power_target(const v1::Power& power, Time deadline) {
  v1::SetPerformanceModeRequest request;
  request.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  *request.mutable_mode()->mutable_tuner_mode()->mutable_power_target()->mutable_power_target() = power;
  link_.command("SetPerformanceMode", &Performance::SetPerformanceMode, request, deadline);
  host_.log(SLUICE_LOG_INFO, "switched the miner to a power target, as option force_tuner asks");
  return static_cast<double>(power.watt());
}

/// Whether the configuration now holds `target_w`. A question that fails leaves the command standing, unverified.
bool Braiins::read_back(double target_w, Time deadline) {
  try {
    return configured_target_w(configuration(deadline)) == target_w;
  } catch (const Error& error) {
    if (error.status() == SLUICE_CANCELLED) throw;
    return false;
  }
}

adapter::Applied Braiins::apply_target(double target_w, Time deadline) {
  require_reachable(target_w);
  const double taken = set_target(target_w, require_commandable(deadline), deadline);
  return {taken, read_back(taken, deadline)};
}

void Braiins::pause(Time deadline) {
  try {
    link_.command("PauseMining", &Actions::PauseMining, v1::PauseMiningRequest{}, deadline);
  } catch (const Error& error) {
    if (error.status() != SLUICE_UNSUPPORTED) throw;
    link_.command("Stop", &Actions::Stop, v1::StopRequest{}, deadline);
  }
}

/// A process that does not run cannot resume.
void Braiins::resume(Time deadline) {
  const auto now = details(deadline);
  const bool stopped = now.status() == v1::MINER_STATUS_NOT_STARTED && !process_runs(now);
  try {
    if (!stopped) {
      link_.command("ResumeMining", &Actions::ResumeMining, v1::ResumeMiningRequest{}, deadline);
      return;
    }
  } catch (const Error& error) {
    if (error.status() != SLUICE_UNSUPPORTED) throw;
  }
  link_.command("Start", &Actions::Start, v1::StartRequest{}, deadline);
}

bool Braiins::confirmed(bool (*as_wanted)(const v1::GetMinerDetailsResponse&), Time deadline) {
  try {
    return as_wanted(details(deadline));
  } catch (const Error& error) {
    if (error.status() == SLUICE_CANCELLED) throw;
    return false;
  }
}

void Braiins::ask(Asked what, Time for_how_long) {
  asked_ = what;
  asked_until_ = host_.now() + for_how_long;
}

adapter::Applied Braiins::sleep(Time deadline) {
  pause(deadline);
  ask(Asked::sleep, kStopTime);
  return {0, confirmed(rests, deadline)};
}

/// The target first, so that the miner does not start with yesterday's. One that is refused while paused may be sent
/// again once it runs.
adapter::Applied Braiins::wake(double target_w, Time deadline) {
  require_reachable(target_w);
  const Mode mode = require_commandable(deadline);
  const auto taken = if_given([&] { return set_target(target_w, mode, deadline); });
  resume(deadline);
  ask(Asked::wake, kWakeTime);
  return {taken.value_or(target_w), confirmed(mines, deadline)};
}

}  // namespace
}  // namespace sluice::braiins

SLUICE_ADAPTER(sluice::braiins::Braiins, "braiins", "0.1.0")
