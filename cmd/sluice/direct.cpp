#include "direct.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "ask.hpp"
#include "common/opening.hpp"
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

Result<json> probe_device(const config::DeviceConfig& config, const Loaded& loaded, Outside& outside) {
  const std::shared_ptr<ports::ModbusConnection> connection =
      config.modbus.host.empty() ? nullptr : outside.modbus.make(config.modbus.host, config.modbus.port);
  auto device = open_device(config, connection, loaded.inventory.templates, outside.services());
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

/// One miner on its way to sleep, on a thread of its own. Stays where it is: the adapter's state is told to `memory`.
struct Parking {
  MinerMemory* memory = nullptr;
  std::unique_ptr<runtime::MinerWorker> worker;
  std::thread thread;
  bool done = false;  ///< guarded by the mutex of all
  bool parked() const { return worker->report()->seen.command.status == CommandStatus::acknowledged; }
  /// Another machine is never commanded, however long one waits.
  bool hopeless() const { return worker->report()->seen.identity == IdentityVerdict::wrong; }
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

/// Puts every miner to sleep, all at once; who refuses or does not answer is asked again until the time is up.
void park_all(std::vector<Parking>& miners, const ports::Clock& clock) {
  std::mutex mutex;
  std::condition_variable one_done;
  const MonoTime until = clock.now() + kParkTime;
  for (Parking& miner : miners) {
    miner.thread = std::thread([&miner, &mutex, &one_done, &clock, until] {
      MinerDecision sleep;
      sleep.wanted = CommandKind::sleep;
      std::unique_lock lock(mutex, std::defer_lock);
      while (!miner.parked() && !miner.hopeless() && clock.now() < until) {
        ++sleep.sequence;
        miner.worker->post(sleep);
        miner.worker->run_once();
        if (miner.parked()) break;
        lock.lock();
        clock.wait_until(lock, one_done, std::min(until, clock.now() + kParkAgain));
        lock.unlock();
      }
      lock.lock();
      miner.done = true;
      one_done.notify_all();
    });
  }
  const auto all_done = [&] { return std::all_of(miners.begin(), miners.end(), [](const auto& m) { return m.done; }); };
  {
    std::unique_lock lock(mutex);
    while (!all_done() && clock.now() < until) clock.wait_until(lock, one_done, until);
  }
  for (Parking& miner : miners) {
    miner.worker->stop();
    miner.thread.join();
  }
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
  if (state->clean_stop) {
    fmt::print("the last stop was orderly: nothing to do\n");
    return kExitOk;
  }
  std::vector<Parking> parking;
  bool complete = true;
  for (MinerMemory& memory : state->miners) {
    if (!memory.driven) continue;
    auto worker = worker_for(memory, *loaded, outside);
    if (worker) {
      parking.push_back({&memory, std::move(*worker), {}});
    } else {
      complete = false;
      complain(worker.error());
    }
  }
  park_all(parking, outside.clock);
  for (const Parking& miner : parking) {
    const auto report = miner.worker->report();
    const std::string why = report->trouble.empty() ? report->command_trouble : report->trouble;
    fmt::print("{}: {}\n", miner.memory->name, miner.parked() ? "sleeps" : "NOT put to sleep: " + why);
    miner.memory->driven = !miner.parked();
    complete = complete && miner.parked();
  }
  state->clean_stop = complete;
  if (const Result<void> saved = store.save(*state); !saved) return complain(saved.error());
  return complete ? kExitOk : kExitFailed;
}

}  // namespace sluice::cmd
