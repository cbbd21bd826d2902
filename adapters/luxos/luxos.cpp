/// The LuxOS adapter: who asks what, when, and what to do about each answer. What the bytes mean is in protocol.hpp.

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "luxos/protocol.hpp"
#include "luxos/state.hpp"
#include "sluice/adapter.hpp"

namespace sluice::luxos {
namespace {

using adapter::Error;
using adapter::Role;
using adapter::Time;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 4028;
// Firmware refuses connections that come in bursts (seen on 2026.4.3): a second apart, and a pause after a refusal.
constexpr auto kSpacing = 1000ms;
constexpr auto kRefusedBackoff = 30000ms;
constexpr auto kSessionIdleTimeout = 65s;  // the firmware's minute, and a little
constexpr auto kSessionSafe = 45s;         // within it a session of ours is certainly still there
constexpr auto kSessionRest = 20s;         // unused for so long it is given back: others want to write too

// How often what is read besides the power (the curtail mode tells the state and is asked faster).
constexpr auto kConfigEvery = 10s;
constexpr auto kSummaryEvery = 30s;
constexpr auto kSlowEvery = 60s;
constexpr auto kAbilitiesEvery = 1h;
// A value older than this is no value any more.
constexpr int kStaleAfterMissed = 3;

/// Below this the boards are certainly off, whatever the standby draw of the model.
constexpr double kStandbyW = 150;
constexpr double kSleepPowerW = 25;

/// A write that was refused because its session id is not, or no longer, valid.
class SessionLost : public Error {
 public:
  using Error::Error;
};

/// A value that is read every `every`, and forgotten when that failed for too long.
template <class T>
class Cached {
 public:
  explicit Cached(Time every) : every_(every) {}
  bool due(Time now) const { return !value_ || now - read_ >= every_; }
  bool fresh(Time now) const { return value_ && now - read_ <= every_ * kStaleAfterMissed; }
  const T* get(Time now) const { return fresh(now) ? &*value_ : nullptr; }
  void set(T value, Time now) {
    value_ = std::move(value);
    read_ = now;
  }
  void forget() { value_.reset(); }

 private:
  Time every_;
  Time read_{};
  std::optional<T> value_;
};

class Luxos final : public adapter::Miner {
 public:
  Luxos(adapter::Host host, const adapter::Settings& settings)
      : host_(host),
        peer_{settings.host, settings.port == 0 ? kPort : settings.port, kSpacing, kRefusedBackoff},
        overclock_(settings.flag("overclock", false)),
        kill_foreign_session_(settings.flag("kill_foreign_session", false)),
        kept_(Kept::from_text(host.state())) {}

  adapter::Identity identify(Time deadline) override;
  adapter::Identity identify_for_stop(Time deadline) override;
  adapter::Abilities abilities() override;
  adapter::Poll poll(Time deadline) override;
  adapter::Applied apply_target(double target_w, Time deadline) override;
  adapter::Applied sleep(Time deadline) override;
  adapter::Applied wake(double target_w, Time deadline) override;

 private:
  using Body = std::function<void(const std::string& session)>;
  /// How a session begins: a stop is tried even when the miner refused a connection just before.
  enum class Urgency { normal, stop };

  std::string read(const std::string& text, Time deadline, Role role = Role::read);
  void read_config(Time deadline, Role role = Role::read) {
    config_.set(parse_config(read(command("config"), deadline, role)), host_.now());
  }
  adapter::Identity identity() const;
  void read_abilities(Time deadline);
  Atm read_atm(Time deadline);
  void rotate(Time deadline);

  void in_session(Urgency urgency, Time deadline, const Body& body);
  bool reuses_session(Urgency urgency) const;
  std::string open_session(Urgency urgency, Time deadline);
  std::string new_session(Urgency urgency, Time deadline);
  std::optional<std::string> log_on(Urgency urgency, Time deadline);
  void close_session(Time deadline) noexcept;
  /// Sends one write; throws unless it succeeded. `session` is its first parameter.
  void write(Role role, std::string_view name, const std::string& session, std::vector<std::string> parameters,
             Time deadline);
  void set_target(const std::string& session, double target_w, Time deadline);
  void set_profile(const std::string& session, const Profile& profile, Time deadline);
  void set_profile_around_atm(const std::string& session, const Profile& profile, Time deadline);
  void restore_atm(const std::string& session, Time deadline);
  bool read_back(Time deadline);

  const Profile& level_for(double target_w) const;
  double accepted(double target_w) const;
  std::optional<double> target_in_force(const Config& config) const;
  sluice_state state_from(const Config& config, double power_w) const;
  const Config& known_config() const;
  void keep() { host_.set_state(kept_.to_text()); }

  adapter::Host host_;
  adapter::Peer peer_;
  bool overclock_;
  bool kill_foreign_session_;
  Kept kept_;                               ///< session id and the owner's ATM settings, across restarts
  std::optional<Time> session_held_since_;  ///< by somebody else
  std::optional<Time> session_used_;        ///< ours, last

  std::string version_;
  std::optional<PowerLimits> limits_;
  std::vector<Profile> levels_;    ///< usable, ascending
  std::vector<Profile> profiles_;  ///< all that the firmware has
  Atm atm_;
  Cached<Config> config_{kConfigEvery};
  Cached<Summary> summary_{kSummaryEvery};
  Cached<std::optional<double>> hottest_{kSlowEvery};
  Cached<std::optional<bool>> pool_alive_{kSlowEvery};
  std::optional<Time> abilities_read_;
};

/// A read may be repeated: an answer that came back broken is asked for once more.
std::string Luxos::read(const std::string& text, Time deadline, Role role) {
  try {
    const std::string reply = host_.tcp(peer_, role, text, deadline);
    outcome(reply);
    return reply;
  } catch (const Error& error) {
    if (error.status() != SLUICE_PROTOCOL) throw;
  }
  const std::string reply = host_.tcp(peer_, role, text, deadline);
  outcome(reply);
  return reply;
}

adapter::Identity Luxos::identify(Time deadline) {
  version_ = parse_version(read(command("version"), deadline));
  read_config(deadline);
  read_abilities(deadline);
  return identity();
}

/// One connect instead of four, and a try even where connects were just refused.
adapter::Identity Luxos::identify_for_stop(Time deadline) {
  read_config(deadline, Role::urgent_read);
  return identity();
}

adapter::Identity Luxos::identity() const {
  const Config& config = known_config();
  const std::string firmware = version_.empty() ? "LuxOS" : "LuxOS " + version_;
  return adapter::Identity{firmware, config.model, config.mac, config.serial, config.hostname};
}

void Luxos::read_abilities(Time deadline) {
  const Config config = known_config();
  if (config.power_target_supported) {
    limits_ = parse_power_limits(read(command("limits"), deadline));
    if (limits_ && config.power_limit_w && *config.power_limit_w >= limits_->min_w) {
      limits_->max_w = std::min(limits_->max_w, *config.power_limit_w);
    }
  }
  if (!limits_) {
    profiles_ = parse_profiles(read(command("profiles"), deadline));
    atm_ = read_atm(deadline);
    // What the owner allowed ATM to use is also our limit; once we changed it, what was kept is the owner's.
    const std::string cap = kept_.atm ? kept_.atm->max_profile : atm_.enabled ? atm_.max_profile : std::string();
    levels_ = usable_profiles(profiles_, overclock_, cap);
    if (levels_.empty()) throw Error(SLUICE_UNSUPPORTED, "LuxOS offers no profile that may be used");
  }
  abilities_read_ = host_.now();
}

/// A firmware without ATM refuses the question.
Atm Luxos::read_atm(Time deadline) {
  try {
    return parse_atm(read(command("atm"), deadline));
  } catch (const Error& error) {
    if (error.status() != SLUICE_REJECTED) throw;
    return {};
  }
}

adapter::Abilities Luxos::abilities() {
  adapter::Abilities abilities;
  abilities.sleep_power_w = kSleepPowerW;
  abilities.dead_time = 1s;
  abilities.ramp_down = 5s;
  abilities.ramp_up = 60s;
  abilities.stop = 5s;
  abilities.wake = 60s;
  abilities.retarget_up = 5s;
  for (const Profile& profile : levels_) adapter::add_point(abilities.points, {profile.watts, profile.hashrate_ths});
  if (limits_) {
    abilities.kind = SLUICE_ENVELOPE_RANGE;
    abilities.min_w = limits_->min_w;
    abilities.max_w = limits_->max_w;
    abilities.step_w = 5;
    return abilities;
  }
  if (levels_.empty()) return abilities;
  abilities.kind = SLUICE_ENVELOPE_LEVELS;
  for (const Profile& profile : levels_) abilities.levels_w.push_back(profile.watts);
  abilities.min_w = levels_.front().watts;
  abilities.max_w = levels_.back().watts;
  // No other profile change while the firmware still ramps to the last one.
  abilities.retarget_up = 10s;
  return abilities;
}

const Config& Luxos::known_config() const {
  const Config* config = config_.get(host_.now());
  if (config == nullptr) throw Error(SLUICE_PROTOCOL, "the miner's configuration was not read yet");
  return *config;
}

/// Power each time, and one more thing that is due: the interface bears few connections.
adapter::Poll Luxos::poll(Time deadline) {
  const Power power = parse_power(read(command("power"), deadline));
  try {
    if (session_used_ && host_.now() - *session_used_ >= kSessionRest) {
      session_used_.reset();
      close_session(deadline);
    } else {
      rotate(deadline);
    }
  } catch (const Error& error) {
    // The power is worth reporting alone; what failed is due again at the next poll, and goes stale by itself.
    if (error.status() == SLUICE_CANCELLED) throw;
    host_.log(SLUICE_LOG_DEBUG, std::string("read the power only: ") + error.what());
  }
  const Time now = host_.now();
  adapter::Poll poll;
  poll.power_w = power.watts;
  poll.power_measured = power.measured;
  if (const Config* config = config_.get(now)) {
    poll.state = state_from(*config, power.watts);
    poll.target_w = target_in_force(*config);
    poll.tuning = config->tuning;
    if (config->system_status != "Normal" && !config->system_status.empty()) poll.note = config->system_status;
  }
  if (const Summary* summary = summary_.get(now)) {
    poll.hashrate_ths = summary->hashrate_ths;
    // As it was told, never carried forward: a guess that is a second ahead would look like a restart at the next read.
    poll.uptime = std::chrono::seconds(summary->elapsed_s);
  }
  if (const auto* hottest = hottest_.get(now)) poll.temperature_c = *hottest;
  if (const auto* alive = pool_alive_.get(now)) poll.pool_alive = *alive;
  if (const Config* config = config_.get(now); config != nullptr && poll.state == SLUICE_STATE_RUNNING) {
    if (const Profile* profile = find_profile(profiles_, config->profile);
        profile != nullptr && profile->hashrate_ths > 0) {
      poll.nominal_hashrate_ths = profile->hashrate_ths;
    }
  }
  return poll;
}

void Luxos::rotate(Time deadline) {
  const Time now = host_.now();
  if (config_.due(now)) return read_config(deadline);
  if (summary_.due(now)) return summary_.set(parse_summary(read(command("summary"), deadline)), host_.now());
  if (hottest_.due(now)) return hottest_.set(parse_hottest(read(command("temps"), deadline)), host_.now());
  if (pool_alive_.due(now)) return pool_alive_.set(parse_pool_alive(read(command("pools"), deadline)), host_.now());
  if (!abilities_read_ || now - *abilities_read_ >= kAbilitiesEvery) read_abilities(deadline);
}

sluice_state Luxos::state_from(const Config& config, double power_w) const {
  if (config.curtail_mode == "Sleep") {
    return config.power_supply_on && power_w > kStandbyW ? SLUICE_STATE_STOPPING : SLUICE_STATE_ASLEEP;
  }
  if (config.curtail_mode != "None") return SLUICE_STATE_UNKNOWN;
  const bool draws = config.power_supply_on && power_w > kStandbyW;
  if (draws) return SLUICE_STATE_RUNNING;
  const bool normal = config.system_status == "Normal" || config.system_status.empty();
  return normal ? SLUICE_STATE_WAKING : SLUICE_STATE_FAULT;
}

std::optional<double> Luxos::target_in_force(const Config& config) const {
  if (limits_) return config.ideal_power_target_w;
  const Profile* profile = find_profile(profiles_, config.profile);
  return profile == nullptr ? std::nullopt : std::optional(profile->watts);
}

const Profile& Luxos::level_for(double target_w) const {
  const auto above = std::ranges::upper_bound(levels_, target_w + 0.5, {}, &Profile::watts);
  if (above == levels_.begin()) throw Error(SLUICE_INVALID, "the target is below the lowest profile");
  return *std::prev(above);
}

/// The target that will be asked for. Throws INVALID for one that the miner cannot hold.
double Luxos::accepted(double target_w) const {
  if (!limits_) return level_for(target_w).watts;
  if (target_w < limits_->min_w - 0.5) throw Error(SLUICE_INVALID, "the target is below the lowest power target");
  return std::clamp(std::round(target_w), std::ceil(limits_->min_w), std::floor(limits_->max_w));
}

adapter::Applied Luxos::apply_target(double target_w, Time deadline) {
  const double wanted = accepted(target_w);
  adapter::Applied applied{wanted, false};
  in_session(Urgency::normal, deadline, [&](const std::string& session) {
    set_target(session, wanted, deadline);
    if (!read_back(deadline)) return;
    const auto in_force = target_in_force(known_config());
    // A firmware that rounds is believed; one that holds another target altogether is not.
    applied.verified = in_force && std::abs(*in_force - wanted) <= std::max(1.0, 0.02 * wanted);
    if (applied.verified) applied.target_w = *in_force;
  });
  return applied;
}

adapter::Applied Luxos::sleep(Time deadline) {
  adapter::Applied applied;
  in_session(Urgency::stop, deadline, [&](const std::string& session) {
    write(Role::command, "curtail", session, {"sleep"}, deadline);
    if (read_back(deadline)) applied.verified = known_config().curtail_mode == "Sleep";
    restore_atm(session, deadline);
  });
  return applied;
}

adapter::Applied Luxos::wake(double target_w, Time deadline) {
  const double wanted = accepted(target_w);
  adapter::Applied applied{wanted, false};
  in_session(Urgency::normal, deadline, [&](const std::string& session) {
    write(Role::command, "curtail", session, {"wakeup"}, deadline);
    try {
      set_target(session, wanted, deadline);
    } catch (const Error& error) {
      // Not every version takes a target so early. It is awake; the target is sent again once it runs.
      if (error.status() != SLUICE_REJECTED) throw;
      host_.log(SLUICE_LOG_DEBUG, std::string("no target while waking: ") + error.what());
    }
    if (!read_back(deadline)) return;
    const Config& config = known_config();
    applied.verified = config.curtail_mode == "None";
    applied.target_w = target_in_force(config).value_or(wanted);
  });
  return applied;
}

/// Reads the configuration after a write. False when that failed: the write stands, unverified.
bool Luxos::read_back(Time deadline) {
  try {
    read_config(deadline);
    return true;
  } catch (const Error& error) {
    if (error.status() == SLUICE_CANCELLED) throw;
    config_.forget();
    return false;
  }
}

void Luxos::set_target(const std::string& session, double target_w, Time deadline) {
  if (limits_) {
    const std::string watts = std::to_string(static_cast<long long>(std::llround(target_w)));
    return write(Role::command, "powertargetset", session, {"power=" + watts}, deadline);
  }
  const Profile& profile = level_for(target_w);
  if (atm_.enabled) return set_profile_around_atm(session, profile, deadline);
  set_profile(session, profile, deadline);
}

void Luxos::set_profile(const std::string& session, const Profile& profile, Time deadline) {
  try {
    write(Role::command, "profileset", session, {profile.name}, deadline);
  } catch (const Error& error) {
    if (!Outcome{false, 0, error.what()}.blocked_by_atm()) throw;
    // The owner switched ATM on since it was last read.
    atm_ = read_atm(deadline);
    set_profile_around_atm(session, profile, deadline);
  }
}

/// ATM moves the profile by itself and refuses ours: off, set, on again with our profile as its ceiling. So it goes on
/// protecting the machine and cannot exceed the budget.
void Luxos::set_profile_around_atm(const std::string& session, const Profile& profile, Time deadline) {
  if (!kept_.atm) {
    kept_.atm = KeptAtm{atm_.min_profile, atm_.max_profile};
    keep();
  }
  std::vector<std::string> ceiling{"enabled=true", "max_profile=" + profile.name};
  const Profile* floor = find_profile(profiles_, kept_.atm->min_profile);
  if (floor != nullptr && floor->watts > profile.watts) ceiling.push_back("min_profile=");
  write(Role::read, "atmset", session, {"enabled=false"}, deadline);
  try {
    write(Role::command, "profileset", session, {profile.name}, deadline);
  } catch (const Error&) {
    write(Role::read, "atmset", session, {"enabled=true"}, deadline);
    throw;
  }
  write(Role::read, "atmset", session, ceiling, deadline);
}

/// Gives the owner's ATM limits back once the miner sleeps. If it fails, the next sleep tries again.
void Luxos::restore_atm(const std::string& session, Time deadline) {
  if (!kept_.atm) return;
  try {
    write(Role::read, "atmset", session,
          {"min_profile=" + kept_.atm->min_profile, "max_profile=" + kept_.atm->max_profile}, deadline);
  } catch (const Error& error) {
    if (error.status() == SLUICE_CANCELLED) throw;
    host_.log(SLUICE_LOG_WARNING, std::string("the owner's ATM profile limits are not restored yet: ") + error.what());
    return;
  }
  kept_.atm.reset();
  keep();
}

void Luxos::write(Role role, std::string_view name, const std::string& session, std::vector<std::string> parameters,
                  Time deadline) {
  parameters.insert(parameters.begin(), session);
  const Outcome result = outcome(host_.tcp(peer_, role, command(name, parameters), deadline));
  if (result.success || result.already()) return;
  const std::string text = "LuxOS refused " + std::string(name) + ": " + result.message;
  if (result.session_invalid()) throw SessionLost(SLUICE_REJECTED, text);
  throw Error(SLUICE_REJECTED, text);
}

/// Runs `body` inside a write session. A session that turns out to be gone is renewed once.
void Luxos::in_session(Urgency urgency, Time deadline, const Body& body) {
  // In which words a firmware refuses an id that it has forgotten is not known of every version, so any will do. Its
  // own reason comes again if it was another one.
  const bool hopeful = urgency == Urgency::stop && reuses_session(urgency);
  try {
    try {
      body(open_session(urgency, deadline));
    } catch (const Error& error) {
      const bool lost = dynamic_cast<const SessionLost*>(&error) != nullptr;
      if (!lost && !(hopeful && error.status() == SLUICE_REJECTED)) throw;
      if (lost) kept_.session.clear();
      session_used_.reset();
      body(new_session(urgency, deadline));
    }
  } catch (const Error&) {
    session_used_.reset();
    close_session(deadline);
    throw;
  }
  if (urgency == Urgency::stop) {  // the last word for now
    session_used_.reset();
    close_session(deadline);
  } else {
    session_used_ = host_.now();
  }
}

/// While targets follow each other the session stays open: two connects less, so the target leaves seconds earlier. One
/// that is left over from a call that was cut short or from a crash is tried as it is when a stop hurries: mostly it
/// still holds, and a refusal costs no more than asking.
bool Luxos::reuses_session(Urgency urgency) const {
  const bool safe = session_used_ && host_.now() - *session_used_ < kSessionSafe;
  return !kept_.session.empty() && (safe || urgency == Urgency::stop);
}

std::string Luxos::open_session(Urgency urgency, Time deadline) {
  return reuses_session(urgency) ? kept_.session : new_session(urgency, deadline);
}

std::string Luxos::new_session(Urgency urgency, Time deadline) {
  std::optional<std::string> session = log_on(urgency, deadline);
  if (!session && !kept_.session.empty()) {
    // Ours, left over likewise, and not to be had otherwise.
    host_.tcp(peer_, Role::read, command("logoff", {kept_.session}), deadline);
    kept_.session.clear();
    session = log_on(urgency, deadline);
  }
  const Time now = host_.now();
  if (!session && !session_held_since_) session_held_since_ = now;
  if (!session && kill_foreign_session_ && now - *session_held_since_ > kSessionIdleTimeout) {
    host_.log(SLUICE_LOG_WARNING, "ends the write session of another program, as option kill_foreign_session allows");
    outcome(host_.tcp(peer_, Role::read, command("kill"), deadline));
    session = log_on(urgency, deadline);
  }
  if (!session) {
    throw Error(SLUICE_REJECTED,
                "another program holds this miner's write session; it ends a minute after that program's last use");
  }
  session_held_since_.reset();
  kept_.session = *session;
  keep();
  return *session;
}

/// A new session, or nothing when one exists already.
std::optional<std::string> Luxos::log_on(Urgency urgency, Time deadline) {
  const Role role = urgency == Urgency::stop ? Role::urgent_read : Role::read;
  const std::string reply = host_.tcp(peer_, role, command("logon"), deadline);
  const Outcome result = outcome(reply);
  if (result.session_held()) return std::nullopt;
  return parse_session(reply);
}

/// A session that cannot be closed now is kept in mind: the next command ends it, or the firmware does after a minute.
void Luxos::close_session(Time deadline) noexcept {
  if (kept_.session.empty()) return;
  try {
    outcome(host_.tcp(peer_, Role::read, command("logoff", {kept_.session}), deadline));
    kept_.session.clear();
    keep();
  } catch (const std::exception&) {
    // Deliberately silent: the command's own result is what matters to the caller.
  }
}

}  // namespace
}  // namespace sluice::luxos

SLUICE_ADAPTER(sluice::luxos::Luxos, "luxos", "0.1.0")
