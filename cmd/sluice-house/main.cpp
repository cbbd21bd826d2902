/// sluice-house: an emulated house on loopback. Serves until SIGTERM or SIGINT; prints its addresses as one line of
/// JSON when everything answers.

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "devices/library.hpp"
#include "firmwares.hpp"
#include "house/control_server.hpp"
#include "house/house.hpp"
#include "io/clock.hpp"

namespace {

using namespace sluice;
using nlohmann::json;

constexpr int kOk = 0, kFailed = 1, kBadInput = 2;
constexpr std::uint16_t kModbusPort = 502, kControlPort = 8080;
constexpr int kUnprivilegedOffset = 10'000;
constexpr double kFastest = 20.0;
constexpr std::int64_t kDay = 1'400'544'000'000;  // 2014-05-20, the day of `day_b`, in ms
constexpr int kHouseHost = 1, kFirstMinerHost = 11;

struct Options {
  std::string scenario = "demo";
  std::string base_address = "127.0.10.0";
  std::string data_dir, devices_dir;
  std::string origin;
  double speed = 1.0;
  int port_offset = 0;
  std::optional<std::uint64_t> seed;
};

int complain(const Error& error, int code) {
  fmt::print(stderr, "sluice-house: {}\n", error.text);
  return code;
}

// "127.0.10.0" and 11 → "127.0.10.11".
Result<std::string> host(const std::string& base, int number) {
  in_addr address{};
  const auto dot = base.rfind('.');
  if (inet_pton(AF_INET, base.c_str(), &address) != 1 || !base.starts_with("127.")) {
    return fail(ErrorKind::invalid, "--base-address {}: an address such as 127.0.10.0 is wanted", base);
  }
  return base.substr(0, dot + 1) + std::to_string(number);
}

// Without the right to a port below 1024 every port moves up.
bool may_bind(const std::string& address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  const bool denied = bind(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 && errno == EACCES;
  close(fd);
  return !denied;
}

// `m0_ns:t0_ms`, as sluiced takes it.
Result<io::ScaledOrigin> origin_of(const Options& options, std::size_t start_second) {
  io::ScaledOrigin origin{options.speed, io::ScaledClock::real_monotonic_ns(),
                          kDay + static_cast<std::int64_t>(start_second) * 1000};
  if (options.origin.empty()) return origin;
  const char* const end = options.origin.data() + options.origin.size();
  const auto first = std::from_chars(options.origin.data(), end, origin.monotonic_ns);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == ':') {
    const auto second = std::from_chars(first.ptr + 1, end, origin.wall_unix_ms);
    if (second.ec == std::errc{} && second.ptr == end) return origin;
  }
  return fail(ErrorKind::invalid, "--origin {}: CLOCK_MONOTONIC in ns, a colon and unix time in ms are wanted",
              options.origin);
}

std::string data_dir_of(const Options& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  return std::filesystem::exists(SLUICE_DATA_DIR) ? SLUICE_DATA_DIR : SLUICE_SOURCE_DATA_DIR;
}

std::string devices_dir_of(const Options& options) {
  if (!options.devices_dir.empty()) return options.devices_dir;
  return std::filesystem::exists(SLUICE_DEVICES_DIR) ? SLUICE_DEVICES_DIR : SLUICE_SOURCE_DEVICES_DIR;
}

Result<std::vector<house::ServedDevice>> served_devices(const house::Scenario& scenario, const std::string& dir) {
  std::vector<house::ServedDevice> served;
  if (scenario.devices.empty()) return served;
  const auto library = devices::Library::load({dir});
  if (!library) return tl::unexpected(library.error());
  for (const auto& wanted : scenario.devices) {
    const auto* known = library->find(wanted.device);
    if (known == nullptr) {
      return fail(ErrorKind::invalid, "no device template \"{}\" in {}; there are {}", wanted.device, dir,
                  fmt::join(library->ids(), ", "));
    }
    if (known->messages) {
      return fail(ErrorKind::invalid, "device template \"{}\" does not speak Modbus, and the house speaks nothing else",
                  wanted.device);
    }
    served.push_back({*known, wanted.unit});
  }
  return served;
}

struct Servers {
  std::unique_ptr<house::ModbusServer> modbus;
  std::unique_ptr<house::ControlServer> control;
  std::vector<std::unique_ptr<house::MinerServer>> miners;
};

Result<Servers> start_servers(house::House& house, const ports::Clock& clock, const Options& options, int offset,
                              json& told) {
  Servers servers;
  const auto moved = [offset](std::uint16_t port) { return static_cast<std::uint16_t>(port + offset); };
  const auto own = host(options.base_address, kHouseHost);
  if (!own) return tl::unexpected(own.error());
  auto modbus = house::make_modbus_server(
      *own, moved(kModbusPort), [&house](int unit) { return house.modbus_unit(unit); },
      [&house] { return house.modbus_faults(); },
      [&house](int unit, std::uint16_t address, std::span<const std::uint16_t> words) {
        return house.modbus_write(unit, address, words);
      });
  if (!modbus) return tl::unexpected(modbus.error());
  servers.modbus = std::move(*modbus);
  auto control = house::make_control_server(house, *own, moved(kControlPort));
  if (!control) return tl::unexpected(control.error());
  servers.control = std::move(*control);
  told["modbus"] = {{"host", *own},
                    {"port", servers.modbus->port()},
                    {"inverter_unit", house::kInverterUnit},
                    {"meter_unit", house::kMeterUnit},
                    {"battery", house.scenario().house.battery.has_value()}};
  told["control"] = {{"host", *own}, {"port", servers.control->port()}};
  told["miners"] = json::array();
  for (std::size_t i = 0; i < house.miner_count(); ++i) {
    const auto& miner = house.scenario().miners[i];
    json entry = {{"name", miner.name}, {"firmware", miner.firmware}, {"plant", miner.setup.spec.name}};
    if (miner.firmware != "none") {
      const auto where = host(options.base_address, kFirstMinerHost + static_cast<int>(i));
      auto server = house::start_firmware(miner.firmware, miner.setup.spec.name == "luxos-target", house.door(i), clock,
                                          {*where, offset});
      if (!server) return fail(server.error().kind, "miner {}: {}", miner.name, server.error().text);
      entry["host"] = *where;
      entry["port"] = (*server)->port();
      entry["cgminer_port"] = (*server)->cgminer_port();
      entry["mac"] = house.door(i).face().mac;
      servers.miners.push_back(std::move(*server));
    }
    told["miners"].push_back(std::move(entry));
  }
  return servers;
}

int serve(const Options& options, const sigset_t& ends) {
  if (!(options.speed >= 1.0 && options.speed <= kFastest)) {
    return complain({ErrorKind::invalid, fmt::format("--speed {}: 1 to {} is wanted", options.speed, kFastest)},
                    kBadInput);
  }
  auto scenario = house::load_scenario(options.scenario, options.seed);
  if (!scenario) return complain(scenario.error(), kBadInput);
  auto day = house::load_day(*scenario, data_dir_of(options));
  if (!day) return complain(day.error(), kBadInput);
  auto served = served_devices(*scenario, devices_dir_of(options));
  if (!served) return complain(served.error(), kBadInput);
  const auto origin = origin_of(options, scenario->house.start_second);
  if (!origin) return complain(origin.error(), kBadInput);
  const auto own = host(options.base_address, kHouseHost);
  if (!own) return complain(own.error(), kBadInput);
  int offset = options.port_offset;
  if (kModbusPort + offset < 1024 && !may_bind(*own, static_cast<std::uint16_t>(kModbusPort + offset))) {
    offset += kUnprivilegedOffset;
    fmt::print(stderr, "sluice-house: no right to ports below 1024: every port is {} higher\n", kUnprivilegedOffset);
  }

  const io::ScaledClock clock(*origin);
  house::House house(std::move(*scenario), std::move(*day), clock, MonoTime{}, std::move(*served));
  json told = {
      {"ready", true},
      {"scenario", house.scenario().name},
      {"seed", house.scenario().house.seed},
      {"seconds", house.scenario().seconds},
      {"prices", !house.scenario().prices.empty()},
      {"clock",
       {{"speed", origin->factor}, {"origin", fmt::format("{}:{}", origin->monotonic_ns, origin->wall_unix_ms)}}}};
  const auto servers = start_servers(house, clock, options, offset, told);
  if (!servers) return complain(servers.error(), kFailed);
  fmt::print("{}\n", told.dump());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  return kOk;
}

// `device=meter kind=frozen age_s=30` → {"device":"meter","kind":"frozen","age_s":30}
Result<std::string> fault_json(const std::vector<std::string>& words) {
  json object = json::object();
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorKind::invalid, "{}: key=value is wanted, for example device=meter kind=frozen", word);
    }
    const std::string value = word.substr(equals + 1);
    double number = 0.0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool numeric = error == std::errc{} && end == value.data() + value.size();
    const std::string key = word.substr(0, equals);
    if (numeric && key != "miner") {
      object[key] = number;
    } else {
      object[key] = value;
    }
  }
  return object.dump();
}

int ask(const std::string& at, const std::string& path, const std::vector<std::string>& words) {
  const auto colon = at.rfind(':');
  std::uint16_t port = 0;
  const char* const end = at.data() + at.size();
  if (colon == std::string::npos || std::from_chars(at.data() + colon + 1, end, port).ptr != end || port == 0) {
    return complain({ErrorKind::invalid, fmt::format("--at {}: address:port is wanted", at)}, kBadInput);
  }
  const auto text = fault_json(words);
  if (!text) return complain(text.error(), kBadInput);
  const auto reply = house::post_to_house(at.substr(0, colon), port, path, *text);
  if (!reply) return complain(reply.error(), kFailed);
  fmt::print("{}\n", *reply);
  return kOk;
}

}  // namespace

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that every thread inherits it and `sigwait` gets the signal.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);

  Options options;
  CLI::App app{
      "An emulated house on loopback: sun, load, battery and miners behind their real protocols.\n"
      "Example: sluice-house --scenario demo --speed 20"};
  app.set_version_flag("--version", SLUICE_VERSION);
  app.add_option("--scenario", options.scenario,
                 fmt::format("A built-in house ({}) or a YAML file", fmt::join(house::builtin_scenarios(), ", ")))
      ->capture_default_str();
  app.add_option("--speed", options.speed, "Simulated seconds a second, 1 to 20")->capture_default_str();
  app.add_option("--origin", options.origin, "m0_ns:t0_ms: the clock's origin, the same for house and daemon");
  app.add_option("--seed", options.seed, "Overrides the scenario's seed");
  app.add_option("--base-address", options.base_address, "The house is .1 of it, the miners .11, .12, …")
      ->capture_default_str();
  app.add_option("--port-offset", options.port_offset, "Added to every port")->check(CLI::Range(0, 5'000));
  app.add_option("--data-dir", options.data_dir, "Where the recorded days are");

  app.add_option("--devices-dir", options.devices_dir, "Where the device templates are");

  std::string at = "127.0.10.1:8080";
  std::vector<std::string> words;
  auto* fault = app.add_subcommand("fault", "Begin a fault in a running house: fault device=meter kind=frozen");
  fault->add_option("--at", at, "Control address of the house")->capture_default_str();
  fault->add_option("words", words, "key=value …")->required();
  auto* clear = app.add_subcommand("clear", "End every fault of a running house");
  clear->add_option("--at", at, "Control address of the house")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadInput;
  }
  if (*fault) return ask(at, "/fault", words);
  if (*clear) return ask(at, "/clear", {});
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return serve(options, ends);
}
