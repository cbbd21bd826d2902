#include "house/firmware/luxos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "house/firmware/cgminer_api.hpp"
#include "house/firmware/luxos_profiles.hpp"
#include "house/firmware/luxos_reads.hpp"
#include "house/firmware/rfc3339.hpp"

namespace sluice::house {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Tokens = std::vector<std::string>;

constexpr int kBoards = 3;
constexpr Duration kStall = 12s;  // observed: `voltageget` without a board holds the API for 10 to 15 s

Tokens split(const std::string& parameter) {
  Tokens tokens;
  if (parameter.empty()) return tokens;
  for (std::size_t from = 0; from <= parameter.size();) {
    const std::size_t comma = std::min(parameter.find(',', from), parameter.size());
    tokens.push_back(parameter.substr(from, comma - from));
    from = comma + 1;
  }
  return tokens;
}

/// `key=value`; none when there is no `=`.
std::optional<std::pair<std::string, std::string>> key_value(const std::string& token) {
  const std::size_t equals = token.find('=');
  if (equals == std::string::npos) return std::nullopt;
  return std::pair(token.substr(0, equals), token.substr(equals + 1));
}

template <class Number>
std::optional<Number> to_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> to_bool(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

/// Eight characters, different each time, the same in every run.
std::string session_name(std::uint64_t count) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::uint64_t mixed = (count + 1) * 0x9e3779b97f4a7c15ULL;
  std::string name;
  for (int i = 0; i < 8; ++i) {
    mixed ^= mixed >> 29;
    mixed *= 0xbf58476d1ce4e5b9ULL;
    name.push_back(kLetters[(mixed >> 32) % kLetters.size()]);
  }
  return name;
}

bool sleeping(MinerState state) { return state == MinerState::asleep || state == MinerState::stopping; }

/// Connections come at one an interval; a few more are forgiven, then the port closes for a while.
class ConnectionBudget {
 public:
  explicit ConnectionBudget(const LuxosOptions& options) : options_(options) {}
  bool closed(MonoTime now) const { return now < closed_until_; }
  void close(MonoTime from) { closed_until_ = from + options_.refusal; }
  bool take(MonoTime now) {
    const double forgiven = (now - last_) / std::chrono::duration<double>(options_.connect_interval);
    if (last_ != MonoTime{}) used_ = std::max(0.0, used_ - forgiven);
    last_ = now;
    if (used_ + 1.0 > options_.connect_burst) {
      close(now);
      return false;
    }
    used_ += 1.0;
    return true;
  }

 private:
  const LuxosOptions& options_;
  double used_ = 0.0;
  MonoTime last_{}, closed_until_{};
};

class Luxos final : public CgminerProtocol {
 public:
  Luxos(MinerDoor& door, const ports::Clock& clock, const LuxosOptions& options)
      : CgminerProtocol(clock, "LUXminer " + options.version, options.trailing_nul),
        door_(door),
        clock_(clock),
        options_(options) {
    atm_.enabled = options.atm_enabled;
    target_set_ = clock.now();
  }

  bool admit() override { return budget_.take(clock_.now()); }
  bool open() override { return !budget_.closed(clock_.now()) || stalled(); }
  bool ready() override { return !stalled(); }
  void tick() override {
    const MinerView view = door_.view();
    if (!view.booted) session_id_.clear();
    if (clock_.now() - session_used_ >= options_.session_idle) session_id_.clear();
    follow_atm(view);
  }

 protected:
  json run(const std::string& command, const std::string& parameter) override {
    if (command == "logon") return logon();
    if (command == "kill") return kill();
    if (command == "profileget") return profileget(parameter);
    if (command == "voltageget") return voltageget(parameter);
    static constexpr std::pair<std::string_view, Write> kWrites[] = {
        {"logoff", &Luxos::logoff},         {"curtail", &Luxos::curtail},
        {"profileset", &Luxos::profileset}, {"powertargetset", &Luxos::powertargetset},
        {"atmset", &Luxos::atmset},         {"rebootdevice", &Luxos::rebootdevice},
        {"ledset", &Luxos::ledset},
    };
    for (const auto& [name, write] : kWrites) {
      if (command == name) return run_write(write, split(parameter));
    }
    json data;
    const auto read = luxos_read(command, picture(), data);
    if (!read) return unknown_command();
    json reply = success(read->code, read->message);
    reply.update(data);
    return reply;
  }

 private:
  using Write = json (Luxos::*)(const Tokens&);

  // Sessions

  json logon() {
    if (!session_id_.empty() || door_.faults().reject_password) return error(402, "Another session is active");
    session_id_ = session_name(sessions_++);
    session_used_ = clock_.now();
    return with(success(316, "Session created"), "SESSION", {{"SessionID", session_id_}});
  }

  json kill() {
    session_id_.clear();
    return success(318, "Session killed");
  }

  json logoff(const Tokens&) {
    session_id_.clear();
    return success(317, "Session terminated");
  }

  json run_write(Write write, const Tokens& tokens) {
    if (tokens.empty() || tokens[0].empty()) return missing("session_id");
    if (session_id_.empty() || tokens[0] != session_id_) return error(408, "Invalid field 'session_id'");
    session_used_ = clock_.now();
    const bool ends_session = write == &Luxos::logoff;
    if (door_.faults().reject_commands && !ends_session) return error(409, "The command cannot be run now");
    return (this->*write)(tokens);
  }

  // Writes: tokens[0] is the session

  json curtail(const Tokens& tokens) {
    if (tokens.size() < 2) return missing("action");
    const MinerState state = door_.view().state;
    if (tokens[1] == "sleep") {
      if (sleeping(state)) return error(410, "The miner is already in sleep mode");
      if (effective() && !door_.faults().ignore_sleep) door_.sleep();
      return with(success(335, "Curtail mode"), "CURTAIL", {{"Action", "sleep mode"}});
    }
    if (tokens[1] != "wakeup") return invalid("action");
    for (std::size_t i = 2; i < tokens.size(); ++i) {
      const auto option = key_value(tokens[i]);
      if (!option) return bad_format();
      const auto& [key, value] = *option;
      const bool mode_ok = key == "mode" && (value == "safe" || value == "unsafe");
      const bool step_ok = (key == "voltage_step" || key == "frequency_step") && to_number<double>(value);
      if (!mode_ok && !step_ok) return invalid(key);
    }
    if (!sleeping(state)) return error(410, "The miner is already awake");
    if (effective()) door_.wake();
    return with(success(335, "Curtail mode"), "CURTAIL", {{"Action", "wake up"}});
  }

  json profileset(const Tokens& tokens) {
    // The second token was a board once, and 0 to 3 still are.
    const bool names_board = tokens.size() > 1 && tokens[1].size() == 1 && tokens[1][0] >= '0' && tokens[1][0] <= '3';
    const std::size_t place = names_board ? 2 : 1;
    if (tokens.size() <= place) return missing("profile");
    const MinerView view = door_.view();
    const auto profiles = luxos_profiles(view);
    const auto profile = select_profile(profiles, nearest_profile(profiles, view.target), tokens[place]);
    if (!profile) return invalid("profile");
    const bool updates_atm = std::ranges::find(tokens, "update_atm=true") != tokens.end();
    if (atm_.enabled && options_.atm_blocks_profileset && !updates_atm) {
      return error(403, "Cannot run this command while ATM is running");
    }
    if (sleeping(view.state) && options_.refuses_profile_while_asleep) {
      return error(409, "Cannot run this command while the miner is in sleep mode");
    }
    if (updates_atm) atm_.max_profile = profile->name;
    set_target(profile->power);
    json boards = json::array();
    for (int board = 0; board < kBoards; ++board) {
      boards.push_back({{"Board", board}, {"Profile", profile->name}, {"FrequencyStep", 0}, {"VoltageStep", 0}});
    }
    json reply = success(321, "Profile set");
    reply["PROFILE"] = std::move(boards);
    return reply;
  }

  json powertargetset(const Tokens& tokens) {
    if (!options_.power_target_supported) return unknown_command();
    if (tokens.size() < 2) return missing("power");
    const auto option = key_value(tokens[1]);
    if (!option) return bad_format();
    const auto watts = to_number<double>(option->second);
    const MinerView view = door_.view();
    const bool in_range = watts && Watts(*watts) >= view.min_target && Watts(*watts) <= view.max_target;
    if (option->first != "power" || !in_range) return invalid(option->first);
    set_target(Watts(*watts));
    return with(success(358, "Power target set"), "POWERTARGET", {{"Power", *watts}});
  }

  json atmset(const Tokens& tokens) {
    if (tokens.size() < 2) return missing("enabled");
    LuxosAtm changed = atm_;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const auto option = key_value(tokens[i]);
      if (!option) return bad_format();
      if (!change_atm(changed, option->first, option->second)) return invalid(option->first);
    }
    if (effective()) {
      atm_ = changed;
      const Watts cap = atm_cap().power;
      if (moves_profiles() && door_.view().target > cap) set_target(cap);
    }
    return success(340, "ATM settings updated");
  }

  bool change_atm(LuxosAtm& atm, const std::string& key, const std::string& value) const {
    const auto assign = [](auto& member, const auto& parsed) {
      if (parsed) member = *parsed;
      return parsed.has_value();
    };
    if (key == "enabled") return assign(atm.enabled, to_bool(value));
    if (key == "prevent_oc") return assign(atm.prevent_oc, to_bool(value));
    if (key == "startup_minutes") return assign(atm.startup_minutes, to_number<int>(value));
    if (key == "post_ramp_minutes") return assign(atm.post_ramp_minutes, to_number<int>(value));
    if (key == "temp_window") return assign(atm.temp_window, to_number<double>(value));
    if (key != "min_profile" && key != "max_profile") return false;
    if (!value.empty() && !profile_named(value)) return false;
    (key == "min_profile" ? atm.min_profile : atm.max_profile) = value;
    return true;
  }

  json rebootdevice(const Tokens&) {
    if (effective()) door_.reboot();
    session_id_.clear();
    return nullptr;  // the board is gone before the reply is
  }

  json ledset(const Tokens& tokens) {
    if (tokens.size() < 3) return missing(tokens.size() < 2 ? "color" : "state");
    led_on_ = tokens[2] == "on" || tokens[2] == "blink";
    return success(315, "LED set");
  }

  // Reads that are more than a picture

  json profileget(const std::string& name) {
    if (name.empty()) return missing("profile");
    const auto profile = profile_named(name);
    if (!profile) return invalid("profile");
    LuxosPicture single = picture();
    single.profiles = {*profile};
    json data;
    luxos_read("profiles", single, data);
    json reply = success(322, "Profile");
    reply["PROFILE"] = data["PROFILES"];
    return reply;
  }

  json voltageget(const std::string& parameter) {
    const Tokens tokens = split(parameter);
    if (tokens.empty()) {
      // The API hangs, and takes offence.
      stalled_until_ = clock_.now() + kStall;
      budget_.close(stalled_until_);
      return nullptr;
    }
    const auto board = to_number<int>(tokens[0]);
    if (!board || *board < 0 || *board >= kBoards) return invalid("board");
    const MinerView view = door_.view();
    const auto profiles = luxos_profiles(view);
    const double volts = sleeping(view.state) ? 0.0 : nearest_profile(profiles, view.target).voltage.value();
    return with(success(307, "Voltage"), "VOLTAGE", {{"Board", *board}, {"Voltage", volts}});
  }

  // ATM moves the profile by itself: back up to its cap some minutes after anybody lowered it.

  bool moves_profiles() const { return atm_.enabled && !options_.power_target_supported; }

  LuxosProfile atm_cap() const {
    const auto named = atm_.max_profile.empty() ? std::nullopt : profile_named(atm_.max_profile);
    return named ? *named : *profile_named("default");
  }

  void follow_atm(const MinerView& view) {
    const bool due = clock_.now() - target_set_ >= std::chrono::minutes(atm_.post_ramp_minutes);
    if (!moves_profiles() || !due || view.state != MinerState::running) return;
    const Watts cap = atm_cap().power;
    if (view.target != cap) set_target(cap);
  }

  // Helpers

  bool effective() const { return !door_.faults().drop_commands; }
  bool stalled() const { return clock_.now() < stalled_until_; }

  void set_target(Watts target) {
    target_set_ = clock_.now();
    if (effective()) door_.set_target(target);
  }

  std::optional<LuxosProfile> profile_named(const std::string& name) const {
    const auto profiles = luxos_profiles(door_.view());
    const auto standard = std::ranges::find(profiles, 0, &LuxosProfile::step);
    return select_profile(profiles, *standard, name);
  }

  LuxosPicture picture() const {
    LuxosPicture picture;
    picture.face = door_.face();
    picture.view = door_.view();
    picture.profiles = luxos_profiles(picture.view);
    picture.atm = atm_;
    picture.version = options_.version;
    picture.session_id = session_id_;
    picture.address = options_.address;
    picture.power_target_supported = options_.power_target_supported;
    picture.led_on = led_on_;
    picture.created_at = rfc3339(clock_.wall_now());
    return picture;
  }

  static json with(json reply, const char* key, json value) {
    reply[key] = json::array({std::move(value)});
    return reply;
  }
  json missing(const std::string& name) const { return error(400, "Missing parameter: " + name); }
  json invalid(const std::string& name) const { return error(401, "Invalid " + name + " value"); }
  json bad_format() const { return error(400, "Invalid key/value format"); }

  MinerDoor& door_;
  const ports::Clock& clock_;
  LuxosOptions options_;
  ConnectionBudget budget_{options_};
  LuxosAtm atm_;
  std::string session_id_;
  std::uint64_t sessions_ = 0;
  MonoTime session_used_{}, target_set_{}, stalled_until_{};
  bool led_on_ = false;
};

class LuxosServer final : public MinerServer {
 public:
  LuxosServer(MinerDoor& door, const ports::Clock& clock, const LuxosOptions& options)
      : protocol_(door, clock, options) {}
  Result<void> start(MinerDoor& door, const LuxosOptions& options) {
    auto front = TcpFront::start(door, protocol_, options.address, options.port);
    if (!front) return tl::unexpected(front.error());
    front_ = std::move(*front);
    port_ = front_->port();
    return {};
  }
  void stop() override { front_.reset(); }
  std::uint16_t port() const override { return port_; }
  std::uint16_t cgminer_port() const override { return port_; }

 private:
  Luxos protocol_;
  std::unique_ptr<TcpFront> front_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<MinerServer>> make_luxos_server(MinerDoor& door, const ports::Clock& clock,
                                                       const LuxosOptions& options) {
  auto server = std::make_unique<LuxosServer>(door, clock, options);
  if (auto started = server->start(door, options); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace sluice::house
