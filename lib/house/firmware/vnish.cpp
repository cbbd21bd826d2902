#include "house/firmware/vnish.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "house/firmware/cgminer_api.hpp"
#include "house/firmware/http_api.hpp"
#include "house/firmware/vnish_reads.hpp"

namespace sluice::house {
namespace {

using nlohmann::json;

constexpr std::string_view kBase = "/api/v1";
constexpr const char* kWebRoot =
    "<!doctype html><html><head><title>AnthillOS</title></head><body>AnthillOS</body></html>";

HttpAnswer reply(const json& body, int status = 200) { return {status, body.dump()}; }
HttpAnswer error(int status, const std::string& text) { return reply({{"err", text}}, status); }

bool sleeping(MinerState state) { return state == MinerState::asleep || state == MinerState::stopping; }

/// Opaque, 32 characters, different each time, the same in every run.
std::string token_name(std::uint64_t count) {
  std::uint64_t mixed = (count + 1) * 0x9e3779b97f4a7c15ULL;
  return fmt::format("{:016x}{:016x}", mixed, (mixed ^ (mixed >> 31)) * 0x94d049bb133111ebULL);
}

const VnishPreset& preset_named(const std::vector<VnishPreset>& presets, const std::string& name) {
  const auto found = std::ranges::find(presets, name, &VnishPreset::name);
  return found == presets.end() ? presets.front() : *found;
}

/// Who may come in: tokens by their last use, and the lock-out after too many wrong passwords.
class Gate {
 public:
  Gate(MinerDoor& door, const ports::Clock& clock, const VnishOptions& options)
      : door_(door), clock_(clock), options_(options) {}

  HttpAnswer unlock(const std::string& body) {
    if (clock_.now() < locked_until_) return locked(429);
    const json request = json::parse(body, nullptr, false);
    const bool right = request.is_object() && request.value("pw", json()) == json(options_.password);
    if (right && !door_.faults().reject_password) {
      wrong_ = 0;
      const std::string token = token_name(issued_++);
      last_use_[token] = clock_.now();
      return reply({{"token", token}});
    }
    if (++wrong_ >= options_.unlock_tries) {
      wrong_ = 0;
      locked_until_ = clock_.now() + options_.lockout;
      return locked(429);
    }
    return locked(403);
  }

  /// The bare token is enough, but not under /system.
  bool admits(const HttpRequest& request) {
    std::string token = request.header("authorization");
    if (token.starts_with("Bearer ")) {
      token.erase(0, std::string_view("Bearer ").size());
    } else if (request.path.starts_with("/api/v1/system")) {
      return false;
    }
    const auto found = last_use_.find(token);
    if (found == last_use_.end() || clock_.now() - found->second >= options_.token_lifetime) return false;
    found->second = clock_.now();
    return true;
  }

  void forget_all() { last_use_.clear(); }

 private:
  HttpAnswer locked(int status) const {
    json body = json::object();
    if (const Duration left = locked_until_ - clock_.now(); left > Duration{}) {
      body["unlock_timeout"] = std::chrono::ceil<std::chrono::seconds>(left).count();
    }
    return reply(body, status);
  }

  MinerDoor& door_;
  const ports::Clock& clock_;
  const VnishOptions& options_;
  std::map<std::string, MonoTime> last_use_;
  std::uint64_t issued_ = 0;
  int wrong_ = 0;
  MonoTime locked_until_{};
};

class Vnish final : public HttpProtocol {
 public:
  Vnish(MinerDoor& door, const ports::Clock& clock, const VnishOptions& options)
      : door_(door), clock_(clock), options_(options) {
    const MinerView view = door.view();
    state_since_ = clock.now();
    // The miner already runs at some target: the smallest preset that reaches it, throttled where that is possible.
    const auto presets = vnish_presets(view, options.untuned_presets);
    const auto reaches = [&](const VnishPreset& p) { return p.power >= view.target; };
    const auto found = std::ranges::find_if(presets, reaches);
    const VnishPreset& preset = found == presets.end() ? presets.back() : *found;
    active_ = preset.name;
    if (throttles()) throttle_pct_ = std::clamp(static_cast<int>(100.0 * (view.target / preset.power)), 20, 100);
    settings_ = {
        {"miner",
         {{"overclock", {{"preset", active_}, {"modded_psu", false}, {"globals", {{"freq", 550}, {"volt", 1380}}}}},
          {"cooling", {{"mode", {{"name", "auto"}, {"param", 60}}}, {"fan_min_count", 4}}},
          {"misc", {{"quick_start", false}, {"quiet_mode", false}, {"max_startup_delay_time", 0}}}}}};
    settings_["miner"]["overclock"]["preset_switcher"] = {{"enabled", options.preset_switcher}};
    settings_["miner"]["misc"][throttles() ? "restore_miner_state_on_reboot" : "remain_stopped_on_reboot"] = false;
  }

  void tick() override {
    const MonoTime now = clock_.now();
    if (reboot_at_ != MonoTime{} && now >= reboot_at_) {
      reboot_at_ = {};
      door_.reboot();
    }
    const MinerView view = door_.view();
    if (booted_ && !view.booted) {
      gate_.forget_all();
      restart_ = Restart::none;
    }
    if (!booted_ && view.booted) {
      blind_until_ = now + options_.blind_after_boot;
      apply_settings();
    }
    booted_ = view.booted;
    if (restart_ == Restart::down && view.state == MinerState::asleep) {
      begin();
      restart_ = Restart::up;
    } else if (restart_ == Restart::up && !sleeping(view.state)) {
      restart_ = Restart::none;
    }
    if (view.state != state_) {
      state_ = view.state;
      state_since_ = now;
    }
  }

 protected:
  HttpAnswer handle(const HttpRequest& request) override {
    if (request.path == "/") return {200, kWebRoot, "text/html; charset=utf-8"};
    if (!request.path.starts_with(kBase)) return error(404, "Not found");
    const std::string_view path = std::string_view(request.path).substr(kBase.size());
    for (const Route& route : routes()) {
      if (route.method != request.method || route.path != path || !offered(route)) continue;
      if (route.access == Access::token && !gate_.admits(request)) return error(401, "Unauthorized");
      const bool commands = request.method == "POST" && route.access == Access::token;
      if (commands && door_.faults().reject_commands) return error(500, "CGMiner error: the command failed");
      return (this->*route.handler)(request);
    }
    return error(404, "Not found");
  }

 private:
  using Handler = HttpAnswer (Vnish::*)(const HttpRequest&);
  enum class Access { open, token };
  enum class Since { always, only_before_1_3, from_1_3 };
  struct Route {
    std::string_view method, path;
    Access access;
    Handler handler;
    Since since = Since::always;
  };

  static const std::vector<Route>& routes() {
    static const std::vector<Route> kRoutes = {
        {"GET", "/info", Access::open, &Vnish::info},
        {"GET", "/model", Access::open, &Vnish::model},
        {"GET", "/summary", Access::open, &Vnish::summary},
        {"GET", "/status", Access::open, &Vnish::status},
        {"GET", "/perf-summary", Access::open, &Vnish::perf_summary},
        {"GET", "/metrics", Access::open, &Vnish::metrics},
        {"GET", "/chains", Access::open, &Vnish::chains, Since::only_before_1_3},
        {"GET", "/boards", Access::open, &Vnish::chains, Since::from_1_3},
        {"POST", "/unlock", Access::open, &Vnish::unlock},
        {"GET", "/auth-check", Access::token, &Vnish::auth_check},
        {"GET", "/autotune/presets", Access::token, &Vnish::presets},
        {"GET", "/settings", Access::token, &Vnish::settings},
        {"POST", "/settings", Access::token, &Vnish::change_settings},
        {"POST", "/mining/start", Access::token, &Vnish::start},
        {"POST", "/mining/stop", Access::token, &Vnish::stop},
        {"POST", "/mining/pause", Access::token, &Vnish::pause},
        {"POST", "/mining/resume", Access::token, &Vnish::resume},
        {"POST", "/mining/restart", Access::token, &Vnish::restart},
        {"POST", "/mining/throttle", Access::token, &Vnish::throttle, Since::from_1_3},
        {"POST", "/system/reboot", Access::token, &Vnish::reboot},
    };
    return kRoutes;
  }

  bool offered(const Route& route) const {
    return route.since == Since::always || (route.since == Since::from_1_3) == throttles();
  }

  // Reads

  HttpAnswer info(const HttpRequest&) { return reply(vnish_info(picture())); }
  HttpAnswer model(const HttpRequest&) { return reply(vnish_model(picture())); }
  HttpAnswer status(const HttpRequest& request) {
    VnishPicture now = picture();
    now.unlocked = gate_.admits(request);
    return reply(vnish_status(now));
  }
  HttpAnswer summary(const HttpRequest&) {
    if (clock_.now() < blind_until_) return reply({{"miner", nullptr}});
    return reply(vnish_summary(picture()));
  }
  HttpAnswer perf_summary(const HttpRequest&) { return reply(vnish_perf_summary(picture())); }
  HttpAnswer metrics(const HttpRequest&) { return reply(vnish_metrics(picture(), unix_ms(clock_.wall_now()) / 1000)); }
  HttpAnswer chains(const HttpRequest&) { return reply(vnish_chains(picture())); }
  HttpAnswer presets(const HttpRequest&) { return reply(vnish_preset_list(picture(), list())); }
  HttpAnswer settings(const HttpRequest&) { return reply(settings_); }

  // Access

  HttpAnswer unlock(const HttpRequest& request) { return gate_.unlock(request.body); }
  HttpAnswer auth_check(const HttpRequest&) {
    return reply({{"unlock_timeout", static_cast<long long>(to_seconds(options_.token_lifetime))}});
  }

  // Mining. The body of a success is empty, or what the options say.

  HttpAnswer done() const { return {200, options_.control_body}; }

  HttpAnswer start(const HttpRequest&) { return wake(); }
  HttpAnswer resume(const HttpRequest&) { return wake(); }
  HttpAnswer wake() {
    const MinerState state = door_.view().state;
    if (state == MinerState::fault) return failed();
    if (!effective() || !sleeping(state)) return done();
    stopped_ ? begin() : door_.wake();
    return done();
  }

  HttpAnswer stop(const HttpRequest&) { return sleep(true); }
  HttpAnswer pause(const HttpRequest&) { return sleep(false); }
  HttpAnswer sleep(bool stops) {
    const MinerState state = door_.view().state;
    if (state == MinerState::fault && !stops) return failed();
    if (!effective() || door_.faults().ignore_sleep) return done();
    stopped_ = stopped_ || stops;
    restart_ = Restart::none;
    if (!sleeping(state)) door_.sleep();
    return done();
  }

  HttpAnswer restart(const HttpRequest&) {
    if (!effective()) return done();
    restart_ = Restart::down;  // continues in `tick`, once the miner is there
    if (!sleeping(door_.view().state)) door_.sleep();
    return done();
  }

  HttpAnswer throttle(const HttpRequest& request) {
    const json body = json::parse(request.body, nullptr, false);
    const json percent = body.is_object() ? body.value("percent", json()) : json();
    if (!percent.is_number_integer() || percent < 20 || percent > 100) {
      return error(400, "percent must be an integer from 20 to 100");
    }
    if (effective()) {
      throttle_pct_ = percent.get<int>();
      set_target();
    }
    return reply({{"restart_required", false}, {"reboot_required", false}});
  }

  HttpAnswer failed() const { return error(500, "CGMiner error: failed-to-activate-pause-mode"); }

  // Settings

  HttpAnswer change_settings(const HttpRequest& request) {
    const json change = json::parse(request.body, nullptr, false);
    if (!change.is_object()) return error(400, "Invalid JSON");
    const json::json_pointer where("/miner/overclock/preset");
    const json wanted = change.contains(where) ? change[where] : settings_[where];
    const auto presets = list();
    const auto preset = std::ranges::find_if(presets, [&](const VnishPreset& p) { return wanted == p.name; });
    if (preset == presets.end()) return error(400, "Unknown preset");
    const json::json_pointer modded_psu("/miner/overclock/modded_psu");
    const bool modded = (change.contains(modded_psu) ? change[modded_psu] : settings_[modded_psu]) == true;
    if (preset->modded_psu_required && !modded) return error(500, "The preset needs a modded PSU");
    if (preset->tuned && effective() && !take(change, preset->name)) return error(400, "A setting has the wrong type");
    return reply({{"restart_required", restart_required()}, {"reboot_required", false}});
  }

  /// False, and nothing changed, when what this miner lives by would lose its type.
  bool take(const json& change, const std::string& preset) {
    json merged = settings_;
    merged.merge_patch(change);
    const auto at = [&merged](const char* where) {
      const json::json_pointer pointer(where);
      return merged.contains(pointer) ? merged[pointer] : json();
    };
    if (!at("/miner/overclock/preset").is_string() || !at("/miner/overclock/modded_psu").is_boolean() ||
        !at("/miner/overclock/preset_switcher/enabled").is_boolean()) {
      return false;
    }
    settings_ = std::move(merged);
    // A client that sends the old tuning back along with a new preset's name spoils that preset.
    const json overclock = change.value(json::json_pointer("/miner/overclock"), json::object());
    if (overclock.contains("globals") || overclock.contains("chains")) modified_.insert(preset);
    const bool running = !sleeping(door_.view().state);
    if (configured() != active_ && !(running && options_.preset_needs_restart)) apply_settings();
    return true;
  }

  HttpAnswer reboot(const HttpRequest&) {
    if (effective()) reboot_at_ = clock_.now() + options_.reboot_delay;
    return reply({{"after", static_cast<int>(to_seconds(options_.reboot_delay))}});
  }

  // Helpers

  bool throttles() const { return vnish_at_least(options_.version, 1, 3); }
  bool effective() const { return !door_.faults().drop_commands; }
  std::string configured() const { return settings_["miner"]["overclock"]["preset"]; }
  bool restart_required() const { return configured() != active_; }

  std::vector<VnishPreset> list() const {
    auto presets = vnish_presets(door_.view(), options_.untuned_presets);
    for (VnishPreset& preset : presets) preset.modified = modified_.contains(preset.name);
    return presets;
  }

  /// What is configured comes into force, and no throttle survives it.
  void apply_settings() {
    active_ = configured();
    throttle_pct_ = 100;
    set_target();
  }
  void begin() {
    stopped_ = false;
    apply_settings();
    door_.wake();
  }
  void set_target() { door_.set_target(preset_named(list(), active_).power * (throttle_pct_ / 100.0)); }

  VnishPicture picture() const {
    VnishPicture picture;
    picture.face = door_.face();
    picture.view = door_.view();
    picture.version = options_.version;
    picture.address = options_.address;
    picture.throttles = throttles();
    picture.state = restart_ != Restart::none ? "restarting" : vnish_state(picture.view);
    picture.state_time = clock_.now() - state_since_;
    picture.throttle_pct = throttle_pct_;
    picture.preset = preset_named(list(), active_);
    const json::json_pointer switcher("/miner/overclock/preset_switcher/enabled");
    picture.preset_switcher = settings_.value(switcher, false);
    picture.restart_required = restart_required();
    return picture;
  }

  MinerDoor& door_;
  const ports::Clock& clock_;
  VnishOptions options_;
  Gate gate_{door_, clock_, options_};
  json settings_;
  std::string active_;  ///< preset in force; the configured one is in the settings
  std::set<std::string> modified_;
  int throttle_pct_ = 100;
  bool stopped_ = false;  ///< by /mining/stop: the next start takes the settings anew; a pause keeps everything
  bool booted_ = true;
  enum class Restart { none, down, up } restart_ = Restart::none;
  MinerState state_ = MinerState::running;
  MonoTime state_since_{}, blind_until_{}, reboot_at_{};
};

/// The read-only API on TCP 4028.
class VnishCgminer final : public CgminerProtocol {
 public:
  VnishCgminer(const MinerDoor& door, const ports::Clock& clock, const VnishOptions& options)
      : CgminerProtocol(clock, "cgminer VNISH " + options.version), door_(door), version_(options.version) {}

 protected:
  json run(const std::string& command, const std::string&) override {
    VnishPicture picture;
    picture.face = door_.face();
    picture.view = door_.view();
    picture.version = version_;
    picture.state = vnish_state(picture.view);
    const auto data = vnish_cgminer(command, picture);
    if (!data) return unknown_command();
    static const std::map<std::string, int> kCodes = {{"version", 22}, {"summary", 11}, {"stats", 70}, {"pools", 7}};
    json reply = success(kCodes.at(command), command);
    reply.update(*data);
    return reply;
  }

 private:
  const MinerDoor& door_;
  std::string version_;
};

class VnishServer final : public MinerServer {
 public:
  VnishServer(MinerDoor& door, const ports::Clock& clock, const VnishOptions& options)
      : rest_(door, clock, options), cgminer_(door, clock, options) {}
  Result<void> start(MinerDoor& door, const VnishOptions& options) {
    auto rest = TcpFront::start(door, rest_, options.address, options.port);
    if (!rest) return tl::unexpected(rest.error());
    auto cgminer = TcpFront::start(door, cgminer_, options.address, options.cgminer_port);
    if (!cgminer) return tl::unexpected(cgminer.error());
    rest_front_ = std::move(*rest);
    cgminer_front_ = std::move(*cgminer);
    port_ = rest_front_->port();
    cgminer_port_ = cgminer_front_->port();
    return {};
  }
  void stop() override {
    rest_front_.reset();
    cgminer_front_.reset();
  }
  std::uint16_t port() const override { return port_; }
  std::uint16_t cgminer_port() const override { return cgminer_port_; }

 private:
  Vnish rest_;
  VnishCgminer cgminer_;
  std::unique_ptr<TcpFront> rest_front_, cgminer_front_;
  std::uint16_t port_ = 0, cgminer_port_ = 0;
};

}  // namespace

Result<std::unique_ptr<MinerServer>> make_vnish_server(MinerDoor& door, const ports::Clock& clock,
                                                       const VnishOptions& options) {
  auto server = std::make_unique<VnishServer>(door, clock, options);
  if (auto started = server->start(door, options); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace sluice::house
