#include "direct.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "ask.hpp"
#include "common/hold_file.hpp"
#include "common/opening.hpp"
#include "common/paths.hpp"
#include "common/reports.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"
#include "io/log_sink.hpp"
#include "io/modbus_tcp.hpp"
#include "io/net.hpp"
#include "mqtt/broker.hpp"
#include "runtime/miner_worker.hpp"
#include "store/state_store.hpp"
#include "view.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

// The service manager's promise is six seconds (docs/safety.md); the rest is for loading and saving. LuxOS bears one
// connect a second and needs two to four of them to say who it is and to take a sleep.
constexpr Duration kParkTime = std::chrono::milliseconds(5500);
constexpr Duration kParkAgain = std::chrono::milliseconds(250);
constexpr Duration kCancelAgain = std::chrono::milliseconds(20);

/// A short-lived command keeps no history.
class NoRecorder final : public ports::Recorder {
 public:
  void record(std::shared_ptr<const Snapshot>, std::shared_ptr<const Decision>) override {}
  void record(ports::Event) override {}
  std::string degraded() const override { return ""; }
};
class NoNotifier final : public ports::Notifier {
 public:
  void notify(const ports::Event&) override {}
};

/// The world of a command that works without the daemon.
struct Outside {
  explicit Outside(const DirectOptions& options)
      : network(clock),
        brokers(clock),
        secrets(options.credentials_directory),
        announcer(clock, log, recorder, notifier) {}
  io::SystemClock clock;
  io::LogSink log{{.least = LogLevel::info}};
  io::LanNetworkFactory network;
  io::ModbusTcpFactory modbus;
  mqtt::MosquittoBrokers brokers;
  config::Secrets secrets;
  NoRecorder recorder;
  NoNotifier notifier;
  runtime::Announcer announcer;
  Services services() { return {clock, log, network, modbus, brokers, secrets}; }
};

int complain(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.text);
  return error.kind == ErrorKind::invalid ? kExitBadInput : kExitFailed;
}

struct Loaded {
  config::Config config;
  Inventory inventory;
};

Result<Loaded> load(const DirectOptions& options) {
  Result<LoadedConfig> read = load_config(options.config_file, options.folders);
  if (!read) return tl::unexpected(read.error());
  config::LoadResult& result = read->result;
  if (!result.ok()) return fail(ErrorKind::invalid, "{}", config::format_all(result));
  if (!options.state_directory.empty()) result.config->store.state_path = options.state_directory + "/state.db";
  return Loaded{std::move(*result.config), std::move(read->inventory)};
}

void print(const json& answer, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", answer.dump(2, ' ', false, json::error_handler_t::replace));
  } else if (answer.contains("device")) {
    fmt::print("{}\n", device_text(answer["device"]));
  } else {
    fmt::print("{}\n", miner_text(answer["miner"]));
  }
}

Result<std::unique_ptr<ports::Device>> open_alone(const config::DeviceConfig& config, const Loaded& loaded,
                                                  Outside& outside) {
  const std::shared_ptr<ports::ModbusConnection> connection =
      config.modbus.host.empty() ? nullptr : outside.modbus.make(config.modbus.host, config.modbus.port);
  return open_device(config, connection, loaded.inventory.templates, outside.services());
}

Result<json> probe_device(const config::DeviceConfig& config, const Loaded& loaded, Outside& outside) {
  auto device = open_alone(config, loaded, outside);
  if (!device) return tl::unexpected(device.error());
  auto poll = (*device)->poll();
  if (!poll) return tl::unexpected(poll.error());
  runtime::DeviceReport report;
  report.name = config.name;
  report.up = true;
  report.identity = (*device)->identity();
  report.last = std::make_shared<const ports::DevicePoll>(std::move(*poll));
  return json{{"device", device_json(report, outside.clock.now())}};
}

Result<json> probe_miner(const config::MinerConfig& config, const Loaded& loaded, Outside& outside) {
  auto miner = open_miner(config, loaded.inventory.adapters, {}, outside.services());
  if (!miner) return tl::unexpected(miner.error());
  auto settings = miner_settings(config, loaded.inventory.adapters);
  if (!settings) return tl::unexpected(settings.error());
  NullLog quiet;
  runtime::Announcer unheard(outside.clock, quiet, outside.recorder, outside.notifier);
  runtime::MinerWorker worker(*settings, std::move(*miner), outside.clock, unheard);
  worker.run_once();  // identifies, and polls whom it accepts
  const auto report = worker.report();
  if (report->seen.link != LinkState::up) return fail(ErrorKind::unreachable, "{}: {}", config.name, report->trouble);
  return json{{"miner", miner_json(*report, config.name, outside.clock.now())}};
}

Result<json> probe_direct(const Loaded& loaded, const std::string& name, Outside& outside) {
  for (const config::DeviceConfig& device : loaded.config.devices) {
    if (device.name == name) return probe_device(device, loaded, outside);
  }
  for (const config::MinerConfig& miner : loaded.config.miners) {
    if (miner.name == name) return probe_miner(miner, loaded, outside);
  }
  std::string names;
  for (const config::DeviceConfig& device : loaded.config.devices) names += " " + device.name;
  for (const config::MinerConfig& miner : loaded.config.miners) names += " " + miner.name;
  return fail(ErrorKind::not_found, "{}: no device or miner of {} is called so; there are:{}", name, loaded.config.file,
              names);
}

/// One miner on its way to sleep. Stays where it is: the adapter's state is told to `memory`.
struct Parking {
  MinerMemory* memory = nullptr;
  std::unique_ptr<runtime::MinerWorker> worker;
  MinerDecision sleep{};
  bool parked() const { return worker->report()->seen.command.status == CommandStatus::acknowledged; }
  /// Another machine is never commanded, however long one waits.
  bool hopeless() const { return worker->report()->seen.identity == IdentityVerdict::wrong; }
  /// True: there is nothing more to try.
  bool try_once() {
    sleep.wanted = CommandKind::sleep;
    ++sleep.sequence;
    worker->post(sleep);
    worker->run_once();
    return parked() || hopeless();
  }
};

/// A battery that was told not to discharge by a daemon that is gone.
struct Releasing {
  HoldFile::Held held;
  std::unique_ptr<ports::Device> device;
  Result<void> outcome = fail(ErrorKind::timeout, "there was no time for it");
  bool try_once(HoldFile& file) {
    outcome = device->release_battery(held.before);
    // What cannot be forgotten would be released once more, which does no harm and is said.
    if (outcome) outcome = file.write(held.device, std::nullopt);
    return outcome.has_value();
  }
};

runtime::MinerSettings hurried(runtime::MinerSettings settings) {
  settings.identify_time = settings.command_time = kParkTime;
  settings.stop_only = true;
  return settings;
}

Result<std::unique_ptr<runtime::MinerWorker>> worker_for(MinerMemory& memory, const Loaded& loaded, Outside& outside) {
  const auto& miners = loaded.config.miners;
  const auto config = std::find_if(miners.begin(), miners.end(),
                                   [&](const config::MinerConfig& miner) { return miner.name == memory.name; });
  if (config == miners.end()) {
    return fail(ErrorKind::not_found, "miner {} is not in {} any more", memory.name, loaded.config.file);
  }
  const auto keep = [&memory](const std::string& text) { memory.adapter_state = text; };
  auto miner = open_miner(*config, loaded.inventory.adapters, {memory.adapter_state, keep}, outside.services());
  if (!miner) return tl::unexpected(miner.error());
  auto settings = miner_settings(*config, loaded.inventory.adapters);
  if (!settings) return tl::unexpected(settings.error());
  return std::make_unique<runtime::MinerWorker>(hurried(*settings), std::move(*miner), outside.clock,
                                                outside.announcer);
}

/// Something that is tried until it succeeds or the time is up, on a thread of its own.
struct Attempt {
  std::function<bool()> try_once;  ///< true: there is nothing more to try
  std::function<void()> cancel;    ///< ends a running try; from another thread
  std::thread thread{};
  bool done = false;  ///< guarded by the mutex of all
};

void try_all(std::vector<Attempt>& attempts, const ports::Clock& clock) {
  std::mutex mutex;
  std::condition_variable one_done;
  const MonoTime until = clock.now() + kParkTime;
  for (Attempt& attempt : attempts) {
    attempt.thread = std::thread([&attempt, &mutex, &one_done, &clock, until] {
      std::unique_lock lock(mutex, std::defer_lock);
      while (clock.now() < until && !attempt.try_once()) {
        lock.lock();
        clock.wait_until(lock, one_done, std::min(until, clock.now() + kParkAgain));
        lock.unlock();
      }
      lock.lock();
      attempt.done = true;
      one_done.notify_all();
    });
  }
  const auto all_done = [&] {
    return std::all_of(attempts.begin(), attempts.end(), [](const Attempt& one) { return one.done; });
  };
  std::unique_lock lock(mutex);
  while (!all_done() && clock.now() < until) clock.wait_until(lock, one_done, until);
  // A cancel that met the gap before a call began would be lost: it is repeated until it was heard.
  while (!all_done()) {
    lock.unlock();
    for (Attempt& attempt : attempts) attempt.cancel();
    lock.lock();
    if (!all_done()) clock.wait_until(lock, one_done, clock.now() + kCancelAgain);
  }
  lock.unlock();
  for (Attempt& attempt : attempts) attempt.thread.join();
}

Result<std::optional<Releasing>> left_held(HoldFile& file, const Loaded& loaded, Outside& outside) {
  auto held = file.read();
  if (!held) return tl::unexpected(held.error());
  if (!*held) return std::optional<Releasing>();
  const auto& devices = loaded.config.devices;
  const auto config = std::ranges::find(devices, (*held)->device, &config::DeviceConfig::name);
  if (config == devices.end())
    return fail(ErrorKind::not_found,
                "{} was told that its battery may not discharge, and is not in {} any more: set it free on the device",
                (*held)->device, loaded.config.file);
  auto device = open_alone(*config, loaded, outside);
  if (!device) return tl::unexpected(device.error());
  return std::optional(Releasing{std::move(**held), std::move(*device)});
}

/// False: somebody may still run.
bool say_who_sleeps(const std::vector<Parking>& parking) {
  bool all = true;
  for (const Parking& miner : parking) {
    const auto report = miner.worker->report();
    const std::string why = report->trouble.empty() ? report->command_trouble : report->trouble;
    fmt::print("{}: {}\n", miner.memory->name, miner.parked() ? "sleeps" : "NOT put to sleep: " + why);
    miner.memory->driven = !miner.parked();
    all = all && miner.parked();
  }
  return all;
}

bool say_what_is_free(const Releasing& battery) {
  fmt::print("{}: {}\n", battery.held.device,
             battery.outcome ? "its battery may discharge again"
                             : "its battery is NOT released: " + battery.outcome.error().text);
  return battery.outcome.has_value();
}

}  // namespace

int probe(const DirectOptions& options, const std::string& name, bool direct, bool as_json) {
  if (!direct) {
    const Result<json> answer = ask_daemon(options.socket, {{"do", "probe"}, {"name", name}});
    if (answer) return print(*answer, as_json), kExitOk;
    if (answer.error().kind != ErrorKind::not_found) return complain(answer.error());
  } else {
    fmt::print(stderr, "sluice: opens {} itself; a device that bears one client may drop the daemon meanwhile\n", name);
  }
  const Result<Loaded> loaded = load(options);
  if (!loaded) return complain(loaded.error());
  Outside outside(options);
  const Result<json> answer = probe_direct(*loaded, name, outside);
  if (!answer) return complain(answer.error());
  print(*answer, as_json);
  return kExitOk;
}

int park_if_unclean(const DirectOptions& options) {
  const Result<Loaded> loaded = load(options);
  if (!loaded) return complain(loaded.error());
  Outside outside(options);
  store::SqliteStateStore store(loaded->config.store.state_path, outside.clock, outside.log);
  Result<PersistentState> state = store.load();
  if (!state) return complain(state.error());
  bool complete = true;
  const auto leave_out = [&](const Error& error) {
    complete = false;
    complain(error);
  };
  // Also an orderly stop leaves a battery held whose device did not answer.
  HoldFile holds(hold_file(loaded->config.store.state_path));
  auto battery = left_held(holds, *loaded, outside);
  if (!battery) leave_out(battery.error());
  const bool held = battery && *battery;
  if (state->clean_stop && complete && !held) {
    fmt::print("the last stop was orderly: nothing to do\n");
    return kExitOk;
  }
  std::vector<Parking> parking;
  for (MinerMemory& memory : state->miners) {
    if (state->clean_stop || !memory.driven) continue;
    auto worker = worker_for(memory, *loaded, outside);
    worker ? parking.push_back({&memory, std::move(*worker)}) : leave_out(worker.error());
  }
  std::vector<Attempt> attempts;
  for (Parking& one : parking) attempts.push_back({[&one] { return one.try_once(); }, [&one] { one.worker->stop(); }});
  if (held) attempts.push_back({[&] { return (*battery)->try_once(holds); }, [&] { (*battery)->device->cancel(); }});
  try_all(attempts, outside.clock);
  complete = say_who_sleeps(parking) && complete;
  if (held) complete = say_what_is_free(**battery) && complete;
  state->clean_stop = complete;
  if (const Result<void> saved = store.save(*state); !saved) return complain(saved.error());
  return complete ? kExitOk : kExitFailed;
}

}  // namespace sluice::cmd
