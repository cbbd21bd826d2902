#include "demo.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "ask.hpp"
#include "common/child.hpp"
#include "common/paths.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"
#include "io/net.hpp"
#include "view.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

constexpr int kHouseReadyMs = 20'000;
constexpr int kDaemonStopMs = 15'000;
constexpr int kHouseStopMs = 5'000;
constexpr double kScoreFromS = 120.0;  // simulated minute 2: the daemon has met its miners
constexpr Duration kDaemonReady = std::chrono::seconds(10);
constexpr Duration kLook = std::chrono::milliseconds(500);
constexpr Duration kSayProgress = std::chrono::seconds(10);

/// What stands in the score of the house, in the order of the output.
constexpr const char* kScored[] = {
    "mined_wh",    "usable_surplus_wh",      "captured_wh",      "oracle_captured_wh", "imported_wh",
    "exported_wh", "import_while_mining_wh", "oracle_import_wh", "commands",           "starts"};
constexpr const char* kFromDaemon[] = {"ticks", "late_ticks", "worst_step_us"};

/// A directory that goes with the demo.
class Workplace {
 public:
  static Result<Workplace> make(const std::string& keep) {
    if (!keep.empty()) {
      std::error_code error;
      std::filesystem::create_directories(keep, error);
      if (error) return fail(ErrorKind::io, "{}: {}", keep, error.message());
      return Workplace(keep, false);
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-demo-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return fail(ErrorKind::io, "cannot make {}", pattern);
    return Workplace(pattern, true);
  }
  Workplace(Workplace&& other) noexcept
      : directory_(std::exchange(other.directory_, "")), remove_(std::exchange(other.remove_, false)) {}
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace() {
    std::error_code ignored;
    if (remove_) std::filesystem::remove_all(directory_, ignored);
  }
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  const std::string& directory() const { return directory_; }

 private:
  Workplace(std::string directory, bool remove) : directory_(std::move(directory)), remove_(remove) {}
  std::string directory_;
  bool remove_ = false;
};

/// Waits, and ends waiting when the owner wants to stop.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
    sigprocmask(SIG_BLOCK, &set_, nullptr);
  }
  /// True when the demo is to end.
  bool wait(Duration time) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
    const timespec patience{whole.count(), (time - whole).count()};
    return sigtimedwait(&set_, nullptr, &patience) > 0;
  }

 private:
  sigset_t set_{};
};

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The adapter for an emulated firmware, and the password that every emulated miner of it takes.
struct Firmware {
  const char* prefix;
  const char* adapter;
  const char* password;
};
constexpr Firmware kFirmwares[] = {
    {"luxos", "luxos", nullptr}, {"vnish", "vnish", "admin"}, {"braiins", "braiins", "root"}};

// What a miner of 21.5 J/TH earns with it, 0.14 a kWh, lies between the tiers of the house `tou`.
constexpr double kHashPrice = 0.072, kEfficiency = 21.5;

/// The prices that the house tells, as an owner would describe a page of his own.
std::string price_feed(const json& house) {
  const json& control = house.at("control");
  return fmt::format(
      "id: demo\ntitle: \"The prices of the emulated house\"\nchecked: 2026-11-28\n"
      "http: {{url: \"http://{}:{}/prices\"}}\ncurrency: EUR\nunit: currency/kWh\n"
      "poll: {{every_s: 60, jitter_s: 0}}\n"
      "series:\n  energy: {{rows: \"\", start: /start, end: /end, value: /value}}\n",
      control.at("host").get<std::string>(), control.at("port").get<int>());
}

/// The configuration that an owner of this house would write. `price_directory` holds the feed, if there are prices.
std::string configuration(const json& house, const std::string& price_directory) {
  const bool prices = house.value("prices", false);
  const json& modbus = house.at("modbus");
  const auto device = [&](const char* name, const char* kind, const char* role, const char* unit) {
    return fmt::format("  - {{name: {}, template: {}, role: {}, modbus: {{host: {}, port: {}, unit: {}}}}}\n", name,
                       kind, role, modbus.at("host").get<std::string>(), modbus.at("port").get<int>(),
                       modbus.at(unit).get<int>());
  };
  std::string yaml =
      "# Written by sluice demo for an emulated house on loopback.\n"
      "version: 1\n"
      "site:\n  name: demo\n  timezone: UTC\n  currency: EUR\n  main: {breaker_a: 100, volts: 240, phases: 1}\n"
      "devices:\n";
  yaml += device("meter", "sunspec-meter", "grid", "meter_unit");
  yaml += device("inverter", "sunspec-inverter", "pv", "inverter_unit");
  if (modbus.value("battery", false)) yaml += device("battery", "sunspec-storage", "battery", "inverter_unit");
  yaml += "circuits:\n  - {name: shed, breaker_a: 80, volts: 240}\nminers:\n";
  for (const json& miner : house.at("miners")) {
    const std::string firmware = miner.at("firmware");
    const Firmware* known = nullptr;
    for (const Firmware& one : kFirmwares) {
      if (firmware.starts_with(one.prefix)) known = &one;
    }
    if (known == nullptr || !miner.contains("host")) continue;  // physics without an API: nobody can drive it
    yaml += fmt::format("  - {{name: {}, adapter: {}, host: {}, port: {}, circuit: shed, mac: \"{}\"",
                        miner.at("name").get<std::string>(), known->adapter, miner.at("host").get<std::string>(),
                        miner.at("port").get<int>(), miner.at("mac").get<std::string>());
    if (prices) yaml += fmt::format(", efficiency_j_per_th: {}", kEfficiency);
    if (known->password != nullptr) yaml += fmt::format(", password: {{value: {}}}", known->password);
    yaml += "}\n";
  }
  if (!prices) return yaml + "control: {strategy: solar}\n";
  return yaml + fmt::format(
                    "control: {{strategy: economic}}\n"
                    "prices: {{path: [{}], import: {{feed: demo}}, fallback_per_kwh: 0.4}}\n"
                    "hashprice: {{sources: [{{kind: fixed, per_ths_day: {}}}]}}\n",
                    price_directory, kHashPrice);
}

/// A line of the day's prices, the dearest highest, and one below it that says when it is now.
std::string price_strip(const json& slots, double length_s, std::int64_t now_ms) {
  constexpr std::size_t kCells = 72;
  const char* const kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (!slots.is_array() || slots.empty()) return "";
  const std::int64_t begin_ms = slots[0].at("start_unix_ms");
  const double cell_ms = length_s * 1000.0 / kCells;
  std::set<double> values;
  for (const json& slot : slots) values.insert(slot.at("value").get<double>());
  std::string line = "  price   ", mark = "          ";
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    const double at_ms = (static_cast<double>(cell) + 0.5) * cell_ms;
    double value = 0.0;
    for (const json& slot : slots) {
      if (static_cast<double>(slot.at("start_unix_ms").get<std::int64_t>() - begin_ms) <= at_ms) value = slot["value"];
    }
    const auto rank = static_cast<std::size_t>(std::distance(values.begin(), values.find(value)));
    line += kHeights[values.size() > 1 ? rank * 7 / (values.size() - 1) : 0];
    const double past_ms = static_cast<double>(now_ms - begin_ms) - static_cast<double>(cell) * cell_ms;
    mark += past_ms >= 0.0 && past_ms < cell_ms ? "^" : " ";
  }
  return line + "\n" + mark;
}

/// What buying came to, from the house's own seconds.
struct Bought {
  double lowest = 0.0, highest = 0.0;  ///< prices of what is over, without spikes
  double imported_wh = 0.0, paid = 0.0, mined_wh = 0.0;
  struct Spike {
    double price = 0.0;
    std::size_t at_s = 0;
    double before_w = 0.0;              ///< miners, in the second before
    std::optional<std::size_t> rest_s;  ///< until they drew less than a tenth of it; missing = they never did
    double drawn_wh = 0.0, going_on_wh = 0.0;
  };
  std::vector<Spike> spikes;
};

/// `slots` and `trace` as the house tells them, the latter from its first second on.
Bought bought(const json& slots, const json& trace) {
  Bought out;
  const std::int64_t begin_ms = slots[0].at("start_unix_ms");
  const json& grid_w = trace.at("grid_w");
  const json& miners_w = trace.at("miners_w");
  const auto second_of = [&](const json& slot) {
    return static_cast<std::size_t>((slot.at("start_unix_ms").get<std::int64_t>() - begin_ms) / 1000);
  };
  out.lowest = out.highest = slots[0].at("value");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::size_t from = second_of(slots[i]);
    const std::size_t to = std::min(grid_w.size(), i + 1 < slots.size() ? second_of(slots[i + 1]) : grid_w.size());
    if (from >= to) continue;
    const double price = slots[i].at("value");
    Bought::Spike spike{price, from, from > 0 ? miners_w[from - 1].get<double>() : 0.0, std::nullopt, 0.0, 0.0};
    for (std::size_t second = from; second < to; ++second) {
      const double imported_wh = std::max(0.0, grid_w[second].get<double>()) / 3600.0;
      const double drawn_w = miners_w[second];
      out.imported_wh += imported_wh;
      out.paid += imported_wh / 1000.0 * price;
      spike.drawn_wh += drawn_w / 3600.0;
      spike.going_on_wh += spike.before_w / 3600.0;
      if (!spike.rest_s && drawn_w < 0.1 * spike.before_w) spike.rest_s = second - from;
    }
    if (slots[i].at("spike")) {
      out.spikes.push_back(spike);
    } else {
      out.lowest = std::min(out.lowest, price);
      out.highest = std::max(out.highest, price);
    }
  }
  return out;
}

class Demo {
 public:
  Demo(const DemoOptions& options, Workplace place) : options_(options), place_(std::move(place)) {}

  Result<void> start() {
    if (const Result<void> started = start_house(); !started) return started;
    return start_daemon();
  }

  /// Shows what goes on until it is time. False when a process ended by itself.
  bool show(StopSignals& signals) {
    const io::SystemClock clock;
    const MonoTime begun = clock.now();
    Screen screen(!options_.as_json && isatty(STDOUT_FILENO) != 0);
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    MonoTime said = begun;
    while (options_.for_s <= 0.0 || clock.now() - begun < from_seconds(options_.for_s)) {
      if (signals.wait(kLook)) return true;
      if (!house_->running() || !daemon_->running()) return false;
      const Result<json> reply = ask_daemon(place_.file("sock"), {{"do", "status"}});
      if (!reply) continue;
      status_ = reply->at("status");
      const bool progress = clock.now() - said >= kSayProgress;
      if (progress) said = clock.now();
      if (options_.as_json) {
        if (progress) fmt::print(stderr, "{}\n", status_text(status_));
      } else if (terminal || progress) {
        screen.show(status_text(status_) + "\n" + prices() +
                    fmt::format("\n\n{:.0f} times faster than real. Ctrl-C ends it.", options_.speed));
      }
    }
    return true;
  }

  /// From the truth of the house; the last three from the daemon.
  Result<json> score() {
    Result<json> truth = ask_house(fmt::format("/score?from_s={:.0f}", kScoreFromS));
    if (!truth) return truth;
    const Result<json> reply = ask_daemon(place_.file("sock"), {{"do", "status"}});
    if (!reply) return tl::unexpected(reply.error());
    json out;
    for (const char* key : kScored) out[key] = truth->at(key);
    for (const char* key : kFromDaemon) out[key] = reply->at("status").at(key);
    return out;
  }

  /// What was bought and paid; nothing in a house without prices.
  Result<std::optional<Bought>> purchases() {
    if (!told_.value("prices", false)) return std::optional<Bought>();
    const Result<json> slots = ask_house("/prices");
    if (!slots) return tl::unexpected(slots.error());
    const Result<json> trace = ask_house("/trace?from_s=0");
    if (!trace) return tl::unexpected(trace.error());
    const Result<json> truth = ask_house("/truth");
    if (!truth) return tl::unexpected(truth.error());
    if (slots->empty()) return std::optional<Bought>();
    Bought out = bought(*slots, *trace);
    out.mined_wh = truth->at("score").at("mined_wh");
    return std::optional(std::move(out));
  }

  void stop() {
    if (daemon_) daemon_->stop(kDaemonStopMs);
    if (house_) house_->stop(kHouseStopMs);
  }

  std::string daemon_log() const { return file_text(place_.file("sluiced.log")); }

 private:
  Result<void> start_house() {
    const Layout layout = own_layout();
    auto house = Child::start({layout.program("sluice-house"), "--scenario", options_.scenario, "--speed",
                               fmt::format("{}", options_.speed), "--base-address", options_.base_address},
                              place_.file("house.log"), true);
    if (!house) return tl::unexpected(house.error());
    house_ = std::move(*house);
    const Result<std::string> ready = house_->read_line(kHouseReadyMs);
    if (!ready) {
      return fail(ErrorKind::io, "the emulated house did not start: {}\n{}", ready.error().text,
                  file_text(place_.file("house.log")));
    }
    told_ = json::parse(*ready, nullptr, false);
    if (told_.is_discarded()) return fail(ErrorKind::protocol, "the emulated house says: {}", *ready);
    return {};
  }

  Result<void> start_daemon() {
    std::ofstream(place_.file("sluice.yaml")) << configuration(told_, place_.file("feeds"));
    if (told_.value("prices", false)) {
      std::filesystem::create_directories(place_.file("feeds"));
      std::ofstream(place_.file("feeds/demo.yaml")) << price_feed(told_);
    }
    const std::vector<std::string> command{own_layout().program("sluiced"),
                                           "--config",
                                           place_.file("sluice.yaml"),
                                           "--state-dir",
                                           place_.directory(),
                                           "--socket",
                                           place_.file("sock"),
                                           "--clock-scale",
                                           fmt::format("{}", options_.speed),
                                           "--clock-origin",
                                           told_.at("clock").at("origin").get<std::string>()};
    auto daemon = Child::start(command, place_.file("sluiced.log"), false);
    if (!daemon) return tl::unexpected(daemon.error());
    daemon_ = std::move(*daemon);
    return {};
  }

  /// What the house tells of its prices, as a strip; empty without prices.
  std::string prices() {
    if (!told_.value("prices", false)) return "";
    const Result<json> slots = ask_house("/prices");
    return slots ? price_strip(*slots, told_.at("seconds"), status_.value("unix_ms", std::int64_t{0})) : "";
  }

  Result<json> ask_house(const std::string& path) {
    const io::SystemClock clock;
    io::LanNetworkFactory network(clock);
    const auto door = network.make();
    door->begin();
    ports::HttpRequest request;
    request.peer.host = told_.at("control").at("host");
    request.peer.port = told_.at("control").at("port");
    request.path = path;
    const Result<ports::HttpReply> reply = door->request(request, clock.now() + kDaemonReady * 3);
    if (!reply) return tl::unexpected(reply.error());
    json answer = json::parse(reply->body, nullptr, false);
    if (reply->status != 200 || answer.is_discarded()) {
      return fail(ErrorKind::protocol, "the house answers {} to {}: {}", reply->status, path, reply->body);
    }
    return answer;
  }

  const DemoOptions options_;
  Workplace place_;
  json told_, status_;
  std::optional<Child> house_, daemon_;
};

/// One sentence about what the sun gave and what was made of it.
std::string summary(const json& score) {
  const double oracle = score.at("oracle_captured_wh"), captured = score.at("captured_wh");
  return fmt::format(
      "From simulated minute 2 on: mined {:.0f} Wh, of it {:.0f} Wh of the sun; with perfect foresight it had been "
      "{:.0f} Wh ({:.1f} %). Bought while mining: {:.0f} Wh.",
      score.at("mined_wh").get<double>(), captured, oracle, oracle > 0 ? 100.0 * captured / oracle : 100.0,
      score.at("import_while_mining_wh").get<double>());
}

/// What the prices made of it, and what became of each spike.
std::string summary(const Bought& bought) {
  std::string text = fmt::format(
      "At {:.3f} to {:.3f} EUR a kWh: mined {:.0f} Wh; the house and its miners bought {:.0f} Wh and paid {:.2f} EUR.",
      bought.lowest, bought.highest, bought.mined_wh, bought.imported_wh, bought.paid);
  for (const Bought::Spike& spike : bought.spikes) {
    text += fmt::format("\nThe spike of {:.2f} EUR at second {} met miners that drew {:.0f} W: ", spike.price,
                        spike.at_s, spike.before_w);
    if (spike.before_w <= 0.0) {
      text += "none ran.";
    } else if (spike.rest_s) {
      text +=
          fmt::format("it was slept through from {} s on. They took {:.0f} Wh of it; to run on had cost {:.2f} EUR.",
                      *spike.rest_s, spike.drawn_wh, spike.going_on_wh / 1000.0 * spike.price);
    } else {
      text += fmt::format("it was NOT slept through, and they took {:.0f} Wh for {:.2f} EUR.", spike.drawn_wh,
                          spike.drawn_wh / 1000.0 * spike.price);
    }
  }
  return text;
}

int complain(const Error& error) {
  fmt::print(stderr, "sluice demo: {}\n", error.text);
  return kExitFailed;
}

}  // namespace

bool parse_seconds(const std::string& text, double& seconds) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc{} || !(seconds >= 0.0)) return false;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit == "min") seconds *= 60.0;
  return unit.empty() || unit == "s" || unit == "min";
}

int demo(const DemoOptions& options) {
  StopSignals signals;
  setenv("TZ", "UTC", 1);  // the emulated day is told in its own time
  Result<Workplace> place = Workplace::make(options.keep);
  if (!place) return complain(place.error());
  Demo running(options, std::move(*place));
  if (const Result<void> started = running.start(); !started) return complain(started.error());
  const bool alive = running.show(signals);
  if (!alive) {
    running.stop();
    fmt::print(stderr, "sluice demo: a process ended by itself; the daemon said:\n{}", running.daemon_log());
    return kExitFailed;
  }
  const Result<json> score = running.score();
  const auto purchases = running.purchases();
  running.stop();
  if (options.as_json && !score) return complain(score.error());
  // Ended before simulated minute 2 there is nothing to sum up.
  if (options.as_json) {
    fmt::print("{}\n", score->dump());
  } else if (purchases && *purchases) {
    fmt::print("{}\n", summary(**purchases));
  } else if (score) {
    fmt::print("{}\n", summary(*score));
  }
  return kExitOk;
}

}  // namespace sluice::cmd
