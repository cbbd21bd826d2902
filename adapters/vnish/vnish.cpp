/// The VNish adapter: who asks what, when, and what to do about each answer. What the bodies mean is in protocol.hpp.

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "sluice/adapter.hpp"
#include "vnish/protocol.hpp"

namespace sluice::vnish {
namespace {

using adapter::Error;
using adapter::Role;
using adapter::Time;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 80;
constexpr auto kRefusedBackoff = 5000ms;
// The firmware locks out who tries passwords too often.
constexpr auto kLockoutPause = 60s;
constexpr auto kSlowEvery = 60s;
constexpr auto kPresetsEvery = 10min;

// A new preset restarts the miner for minutes: by itself it is changed this rarely …
constexpr auto kPresetDwell = 15min;
// … and as the base of throttling only while the miner sleeps, and only for a gain.
constexpr double kBaseGain = 1.10;
constexpr int kLowestPercent = 20;
constexpr double kSleepPowerW = 40;

bool hashes(const std::string& state) { return state == "mining" || state == "auto-tuning"; }
bool starts(const std::string& state) {
  return state == "starting" || state == "initializing" || state == "restarting";
}

sluice_state state_from(const std::string& state) {
  if (hashes(state)) return SLUICE_STATE_RUNNING;
  if (starts(state)) return SLUICE_STATE_WAKING;
  if (state == "shutting-down") return SLUICE_STATE_STOPPING;
  if (state == "stopped") return SLUICE_STATE_ASLEEP;
  if (state == "failure") return SLUICE_STATE_FAULT;
  return SLUICE_STATE_UNKNOWN;
}

class Vnish final : public adapter::Miner {
 public:
  Vnish(adapter::Host host, const adapter::Settings& settings)
      : host_(host),
        peer_{settings.host, settings.port == 0 ? kPort : settings.port, 0ms, kRefusedBackoff},
        password_(settings.password),
        overclock_(settings.flag("overclock", false)),
        untuned_(settings.flag("untuned", false)) {
    const std::string pair = settings.option("sleep_with", "stop");
    if (pair != "stop" && pair != "pause") {
      throw Error(SLUICE_INVALID, "option sleep_with is \"" + pair + "\" and must be stop or pause");
    }
    if (password_ == 0) {
      throw Error(SLUICE_INVALID, "VNish needs a password (the one of its web page; \"admin\" from the factory)");
    }
    pauses_ = pair == "pause";
  }

  adapter::Identity identify(Time deadline) override;
  adapter::Abilities abilities() override;
  adapter::Poll poll(Time deadline) override;
  adapter::Applied apply_target(double target_w, Time deadline) override;
  adapter::Applied sleep(Time deadline) override;
  adapter::Applied wake(double target_w, Time deadline) override;

 private:
  struct Call {
    Role role = Role::read;
    const char* method = "GET";
    const char* path = "";
    std::string body = {};
  };
  std::string open_call(const Call& call, Time deadline);
  std::string locked_call(const Call& call, Time deadline);
  adapter::HttpReply send(const Call& call, bool with_token, Time deadline);
  static std::string body_or_throw(const Call& call, const adapter::HttpReply& reply);
  void unlock(Time deadline);

  Summary read_summary(Time deadline) { return parse_summary(open_call({Role::read, "GET", "/summary"}, deadline)); }
  void read_perf_summary(Time deadline);
  void read_presets(const Summary& summary, Time deadline);
  void rotate(const Summary& summary, Time deadline);

  double apply(double target_w, Time deadline);
  void throttle(int percent, Time deadline);
  enum class Restart { now, with_the_start };
  void choose_preset(const Preset& preset, Restart restart, Time deadline);
  void keep_throttle(Summary& summary, Time deadline);
  bool read_back(double target_w, Time deadline);

  const Preset* base() const;
  const Preset* top() const { return presets_.empty() ? nullptr : &presets_.back(); }
  bool asleep() const { return last_state_ == "stopped"; }
  /// What throttling is a share of, or will be once the miner wakes.
  const Preset& reference() const;
  const Preset& level_for(double target_w) const;
  double lowest_w() const;
  void require_reachable(double target_w) const;
  int percent_for(double target_w) const;
  std::optional<double> target_in_force(const Summary& summary) const;
  std::optional<double> terahashes(std::optional<double> value) const;

  adapter::Host host_;
  adapter::Peer peer_;
  std::uint64_t password_;
  bool overclock_, untuned_, pauses_ = false;

  std::string token_;
  std::optional<Time> locked_out_until_;
  std::string lockout_reason_;

  Info info_;
  bool throttles_ = false;
  std::vector<Preset> presets_;  ///< usable, ascending
  std::string active_preset_;
  bool switcher_told_ = false;
  std::optional<Time> perf_read_, info_read_, presets_read_;
  std::optional<int> wanted_percent_;
  std::string last_state_;
};

adapter::HttpReply Vnish::send(const Call& call, bool with_token, Time deadline) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!call.body.empty()) headers.emplace_back("Content-Type", "application/json");
  if (with_token) headers.emplace_back("Authorization", "Bearer " + token_);
  return host_.http(peer_, call.role, call.method, std::string("/api/v1") + call.path, headers, call.body, deadline);
}

std::string Vnish::body_or_throw(const Call& call, const adapter::HttpReply& reply) {
  if (reply.status >= 200 && reply.status < 300) return reply.body;
  const std::string what =
      std::string("VNish refused ") + call.method + " " + call.path + " with HTTP " + std::to_string(reply.status);
  const std::string why = failure_text(reply.body);
  const auto status = reply.status == 401   ? SLUICE_UNAUTHORIZED
                      : reply.status == 404 ? SLUICE_UNSUPPORTED
                                            : SLUICE_REJECTED;
  throw Error(status, why.empty() ? what : what + ": " + why);
}

/// A call that the firmware answers to anybody.
std::string Vnish::open_call(const Call& call, Time deadline) {
  return body_or_throw(call, send(call, false, deadline));
}

/// A call that needs the token. One that is no longer taken is renewed once.
std::string Vnish::locked_call(const Call& call, Time deadline) {
  if (token_.empty()) unlock(deadline);
  adapter::HttpReply reply = send(call, true, deadline);
  if (reply.status == 401) {
    token_.clear();
    unlock(deadline);
    reply = send(call, true, deadline);
  }
  return body_or_throw(call, reply);
}

void Vnish::unlock(Time deadline) {
  if (locked_out_until_ && host_.now() < *locked_out_until_) throw Error(SLUICE_UNAUTHORIZED, lockout_reason_);
  const Call call{Role::urgent_read, "POST", "/unlock", unlock_body(host_.secret(password_))};
  const adapter::HttpReply reply = send(call, false, deadline);
  if (reply.status == 403 || reply.status == 429) {
    const std::chrono::seconds told(parse_unlock_timeout(reply.body).value_or(0));
    locked_out_until_ = host_.now() + std::max<Time>(kLockoutPause, told);
    lockout_reason_ = reply.status == 403 ? "VNish does not accept the password"
                                          : "VNish locked the door after too many wrong passwords";
    throw Error(SLUICE_UNAUTHORIZED, lockout_reason_);
  }
  token_ = parse_token(body_or_throw(call, reply));
  locked_out_until_.reset();
}

adapter::Identity Vnish::identify(Time deadline) {
  info_ = parse_info(open_call({Role::read, "GET", "/info"}, deadline));
  std::string name = info_.firmware_name;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name != "vnish") {
    throw Error(SLUICE_UNSUPPORTED, "the firmware calls itself \"" + info_.firmware_name + "\", not VNish");
  }
  info_read_ = host_.now();
  const Summary summary = read_summary(deadline);
  if (summary.booting) throw Error(SLUICE_REFUSED, "VNish is still starting and knows nothing of its miner yet");
  throttles_ = summary.throttle_percent.has_value();
  last_state_ = summary.state;
  read_perf_summary(deadline);
  read_presets(summary, deadline);
  return adapter::Identity{"VNish " + info_.version, info_.model, info_.mac, info_.serial, info_.hostname};
}

void Vnish::read_perf_summary(Time deadline) {
  const PerfSummary perf = parse_perf_summary(open_call({Role::read, "GET", "/perf-summary"}, deadline));
  active_preset_ = perf.preset;
  perf_read_ = host_.now();
  if (perf.preset_switcher && !switcher_told_) {
    host_.log(SLUICE_LOG_WARNING,
              "VNish's own preset switcher is on and changes presets by temperature; it will work against Sluice, "
              "switch it off on the miner's page");
  }
  switcher_told_ = perf.preset_switcher;
}

void Vnish::read_presets(const Summary& summary, Time deadline) {
  const auto all = parse_presets(locked_call({Role::read, "GET", "/autotune/presets"}, deadline));
  auto usable = usable_presets(all, {untuned_, overclock_, terahashes(summary.stock_hashrate)});
  if (usable.empty()) {
    throw Error(SLUICE_UNSUPPORTED,
                "VNish has no tuned preset that may be used; let it tune one, or set option untuned");
  }
  presets_ = std::move(usable);
  presets_read_ = host_.now();
}

/// The preset that throttling is a share of: the active one. Null while none is active that may be used.
const Preset* Vnish::base() const {
  const auto found = std::ranges::find(presets_, active_preset_, &Preset::name);
  return found == presets_.end() ? nullptr : &*found;
}

const Preset& Vnish::reference() const {
  const Preset* now = base();
  if (now == nullptr || (asleep() && top()->watts >= now->watts * kBaseGain)) return *top();
  return *now;
}

double Vnish::lowest_w() const {
  return throttles_ ? reference().watts * kLowestPercent / 100.0 : presets_.front().watts;
}

adapter::Abilities Vnish::abilities() {
  adapter::Abilities abilities;
  abilities.sleep_power_w = kSleepPowerW;
  abilities.dead_time = 3s;
  abilities.ramp_down = 15s;
  abilities.ramp_up = 30s;
  abilities.stop = 15s;
  abilities.wake = 120s;
  if (presets_.empty()) return abilities;
  abilities.min_w = lowest_w();
  abilities.max_w = top()->watts;
  if (throttles_) {
    const double base_w = reference().watts;
    // Throttling gives up power and hashrate alike: one point says so.
    adapter::add_point(abilities.points, {base_w, reference().hashrate_ths.value_or(0.0)});
    abilities.kind = SLUICE_ENVELOPE_RANGE;
    abilities.max_w = base_w;
    abilities.step_w = base_w / 100.0;
    abilities.retarget_up = 3s;
    return abilities;
  }
  abilities.kind = SLUICE_ENVELOPE_LEVELS;
  for (const Preset& preset : presets_) {
    abilities.levels_w.push_back(preset.watts);
    adapter::add_point(abilities.points, {preset.watts, preset.hashrate_ths.value_or(0.0)});
  }
  abilities.retarget_up = std::chrono::duration_cast<std::chrono::milliseconds>(kPresetDwell);
  abilities.retarget_down = 60s;
  return abilities;
}

adapter::Poll Vnish::poll(Time deadline) {
  Summary summary = read_summary(deadline);
  try {
    keep_throttle(summary, deadline);
    rotate(summary, deadline);
  } catch (const Error& error) {
    // The summary is worth reporting alone; what failed is due again at the next poll.
    if (error.status() == SLUICE_CANCELLED) throw;
    host_.log(SLUICE_LOG_DEBUG, std::string("read the summary only: ") + error.what());
  }
  last_state_ = summary.state;
  adapter::Poll poll;
  poll.state = state_from(summary.state);
  poll.power_w = summary.power_w;
  poll.power_measured = summary.power_measured;
  poll.target_w = target_in_force(summary);
  poll.hashrate_ths = terahashes(summary.hashrate);
  poll.nominal_hashrate_ths = terahashes(summary.nominal_hashrate);
  poll.temperature_c = summary.hottest_chip_c;
  poll.pool_alive = summary.pool_alive;
  poll.tuning = summary.state == "auto-tuning";
  // As it was told, never carried forward: a guess that is ahead would look like a restart at the next read.
  if (info_.uptime_s) poll.uptime = std::chrono::seconds(*info_.uptime_s);
  if (poll.state == SLUICE_STATE_FAULT) poll.note = summary.description;
  if (poll.state == SLUICE_STATE_UNKNOWN) poll.note = "unknown state \"" + summary.state + "\"";
  return poll;
}

/// One thing a poll besides the summary: presets change rarely, and the board's uptime tells of reboots.
void Vnish::rotate(const Summary& summary, Time deadline) {
  const Time now = host_.now();
  const auto due = [now](const std::optional<Time>& read, Time every) { return !read || now - *read >= every; };
  if (due(perf_read_, kSlowEvery)) return read_perf_summary(deadline);
  if (due(info_read_, kSlowEvery)) {
    info_ = parse_info(open_call({Role::read, "GET", "/info"}, deadline));
    info_read_ = host_.now();
    return;
  }
  if (due(presets_read_, kPresetsEvery) && !summary.booting) read_presets(summary, deadline);
}

/// Nobody promises that the throttle outlives a restart: it is set again when the miner begins to hash.
void Vnish::keep_throttle(Summary& summary, Time deadline) {
  const bool began = hashes(summary.state) && !hashes(last_state_);
  if (!began || !wanted_percent_ || !summary.throttle_percent || *summary.throttle_percent == *wanted_percent_) return;
  throttle(*wanted_percent_, deadline);
  summary.throttle_percent = wanted_percent_;
}

std::optional<double> Vnish::target_in_force(const Summary& summary) const {
  const Preset* now = base();
  if (now == nullptr) return std::nullopt;
  if (!throttles_) return now->watts;
  if (!summary.throttle_percent) return std::nullopt;
  return now->watts * *summary.throttle_percent / 100.0;
}

std::optional<double> Vnish::terahashes(std::optional<double> value) const {
  if (!value || !info_.terahash_per_unit) return std::nullopt;
  return *value * *info_.terahash_per_unit;
}

void Vnish::require_reachable(double target_w) const {
  if (presets_.empty()) throw Error(SLUICE_INVALID, "the miner was not identified yet");
  if (target_w < lowest_w() - 0.5) throw Error(SLUICE_INVALID, "the target is below the smallest this miner can hold");
}

const Preset& Vnish::level_for(double target_w) const {
  const auto above = std::ranges::upper_bound(presets_, target_w + 0.5, {}, &Preset::watts);
  return above == presets_.begin() ? presets_.front() : *std::prev(above);
}

int Vnish::percent_for(double target_w) const {
  // Rounded down, but a target that was itself made from a percentage must not lose one to binary fractions.
  const int percent = static_cast<int>(std::floor(100.0 * target_w / base()->watts + 1e-3));
  return std::clamp(percent, kLowestPercent, 100);
}

/// Asks for `target_w` and returns what was asked for in the end.
double Vnish::apply(double target_w, Time deadline) {
  require_reachable(target_w);
  if (!throttles_) {
    const Preset& preset = level_for(target_w);
    if (preset.name != active_preset_)
      choose_preset(preset, asleep() ? Restart::with_the_start : Restart::now, deadline);
    return preset.watts;
  }
  const Preset& wanted = reference();
  const bool raised = base() == nullptr || wanted.name != active_preset_;
  if (raised) choose_preset(wanted, asleep() ? Restart::with_the_start : Restart::now, deadline);
  const int percent = percent_for(target_w);
  wanted_percent_ = percent;
  try {
    throttle(percent, deadline);
  } catch (const Error& error) {
    // A miner that restarts for its new base takes no throttle; `keep_throttle` sets it as soon as it hashes.
    if (!raised || error.status() != SLUICE_REJECTED) throw;
  }
  return base()->watts * percent / 100.0;
}

void Vnish::throttle(int percent, Time deadline) {
  parse_saved(locked_call({Role::command, "POST", "/mining/throttle", throttle_body(percent)}, deadline));
}

void Vnish::choose_preset(const Preset& preset, Restart restart, Time deadline) {
  const Saved saved =
      parse_saved(locked_call({Role::command, "POST", "/settings", preset_body(preset.name)}, deadline));
  if (saved.reboot_required) {
    locked_call({Role::read, "POST", "/system/reboot"}, deadline);
  } else if (saved.restart_required && restart == Restart::now) {
    locked_call({Role::read, "POST", "/mining/restart"}, deadline);
  }
  active_preset_ = preset.name;
}

/// Whether the miner now says that `target_w` is set. A question that fails leaves the command standing, unverified.
bool Vnish::read_back(double target_w, Time deadline) {
  try {
    if (throttles_) {
      const auto in_force = target_in_force(read_summary(deadline));
      return in_force && std::abs(*in_force - target_w) <= 0.5;
    }
    // A preset that was ignored (untuned ones are, silently) must not pass; one that waits for a restart may.
    const std::string wanted = active_preset_;
    const PerfSummary perf = parse_perf_summary(open_call({Role::read, "GET", "/perf-summary"}, deadline));
    if (perf.preset == wanted) return true;
    if (parse_configured_preset(locked_call({Role::read, "GET", "/settings"}, deadline)) == wanted) return true;
    active_preset_ = perf.preset;
    return false;
  } catch (const Error& error) {
    if (error.status() == SLUICE_CANCELLED) throw;
    return false;
  }
}

adapter::Applied Vnish::apply_target(double target_w, Time deadline) {
  const double asked = apply(target_w, deadline);
  return adapter::Applied{asked, read_back(asked, deadline)};
}

adapter::Applied Vnish::sleep(Time deadline) {
  try {
    locked_call({Role::urgent_command, "POST", pauses_ ? "/mining/pause" : "/mining/stop"}, deadline);
  } catch (const Error& error) {
    // Some firmware refuses to stop what is stopped already.
    if (error.status() != SLUICE_REJECTED || read_summary(deadline).state != "stopped") throw;
  }
  const std::string state = read_summary(deadline).state;
  return adapter::Applied{0, state == "stopped" || state == "shutting-down"};
}

/// The target first, so that the miner does not start with yesterday's; what a stopped miner refuses is set again as
/// soon as it hashes.
adapter::Applied Vnish::wake(double target_w, Time deadline) {
  require_reachable(target_w);
  adapter::Applied applied;
  try {
    applied.target_w = apply(target_w, deadline);
  } catch (const Error& error) {
    if (error.status() != SLUICE_REJECTED) throw;
    host_.log(SLUICE_LOG_DEBUG, std::string("no target while stopped: ") + error.what());
    applied.target_w = target_w;
  }
  try {
    locked_call({Role::command, "POST", pauses_ ? "/mining/resume" : "/mining/start"}, deadline);
  } catch (const Error& error) {
    if (error.status() != SLUICE_REJECTED || !hashes(read_summary(deadline).state)) throw;
  }
  const std::string state = read_summary(deadline).state;
  applied.verified = hashes(state) || starts(state);
  return applied;
}

}  // namespace
}  // namespace sluice::vnish

SLUICE_ADAPTER(sluice::vnish::Vnish, "vnish", "0.1.0")
