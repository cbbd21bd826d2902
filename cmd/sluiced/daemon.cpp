#include "daemon.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "answers.hpp"
#include "common/ledger_view.hpp"
#include "common/opening.hpp"
#include "common/paths.hpp"
#include "common/pricing.hpp"
#include "common/tariffs.hpp"
#include "config/loader.hpp"
#include "config/secrets.hpp"
#include "control_maker.hpp"
#include "io/log_sink.hpp"
#include "io/modbus_tcp.hpp"
#include "io/net.hpp"
#include "io/notify.hpp"
#include "local_day.hpp"
#include "mqtt/broker.hpp"
#include "runtime/engine.hpp"
#include "runtime/ledger_keeper.hpp"
#include "store/history.hpp"
#include "store/ledger.hpp"
#include "store/state_store.hpp"
#include "web/line_server.hpp"

namespace sluice::cmd {
namespace {

constexpr const char* kName = "sluiced";

/// A configuration that may be run, with what it was checked against.
struct Accepted {
  config::Config config;
  std::shared_ptr<const Inventory> inventory;
};

bool loopback(const std::string& host) { return host.starts_with("127."); }

/// Demo time is for emulated devices only: a real miner would be driven twenty times too fast.
Result<void> only_loopback(const config::Config& config, const feeds::Library& prices) {
  for (const std::string& url : price_urls(config, prices)) {
    const auto host = url.find("://");
    if (host == std::string::npos || !loopback(url.substr(host + 3)))
      return fail(ErrorKind::invalid,
                  "--clock-scale: prices are asked beyond 127.0.0.0/8, and demo time is not for that");
  }
  for (const config::DeviceConfig& device : config.devices) {
    if (!loopback(host_of(device))) {
      return fail(ErrorKind::invalid, "--clock-scale: device {} is at {}, and demo time is only for 127.0.0.0/8",
                  device.name, host_of(device));
    }
  }
  for (const config::MinerConfig& miner : config.miners) {
    if (!loopback(miner.host)) {
      return fail(ErrorKind::invalid, "--clock-scale: miner {} is at {}, and demo time is only for 127.0.0.0/8",
                  miner.name, miner.host);
    }
  }
  return {};
}

/// Errors carry the whole text for the owner; warnings are printed through `warn`.
Result<Accepted> read_configuration(const DaemonOptions& options, const std::function<void(std::string)>& warn) {
  Result<LoadedConfig> read = load_config(options.config_file, options.folders);
  if (!read) return tl::unexpected(read.error());
  config::LoadResult& loaded = read->result;
  if (!loaded.ok()) return fail(ErrorKind::invalid, "{}", config::format_all(loaded));
  if (!loaded.diagnostics.empty()) warn(config::format_all(loaded));
  config::Config config = std::move(*loaded.config);
  if (options.scaled) {
    if (const Result<void> allowed = only_loopback(config, read->inventory.prices); !allowed)
      return tl::unexpected(allowed.error());
  }
  config.control.dry_run = config.control.dry_run || options.dry_run;
  if (!options.state_directory.empty()) {
    config.store.path = options.state_directory + "/history.db";
    config.store.state_path = options.state_directory + "/state.db";
  }
  return Accepted{std::move(config), std::make_shared<const Inventory>(std::move(read->inventory))};
}

store::MinerNames names_of(const Site& site) {
  store::MinerNames names;
  for (const MinerSite& miner : site.miners) names.push_back(miner.name);
  return names;
}

/// Tells systemd when the daemon is of use, and that its tick still beats. Does nothing outside systemd.
class Watchdog {
 public:
  void after_tick(const runtime::TickView& view) {
    if (!ready_ && everybody_tried(view)) {
      ready_ = true;
      sd_notify(0, "READY=1\nSTATUS=following the surplus");
    }
    sd_notify(0, "WATCHDOG=1");
  }

 private:
  static bool everybody_tried(const runtime::TickView& view) {
    return std::all_of(view.devices.begin(), view.devices.end(), [](const auto& device) { return device->tried; });
  }
  bool ready_ = false;
};

class Daemon {
 public:
  Daemon(const DaemonOptions& options, const Environment& environment, Accepted accepted, const ports::Clock& clock,
         ports::Notifier& notifier, Log& log)
      : options_(options),
        log_(log),
        clock_(clock),
        network_(clock_),
        brokers_(clock_),
        secrets_(environment.credentials_directory),
        store_(accepted.config.store.state_path, clock_, log),
        history_(accepted.config.store.path, limits_of(accepted.config), {}, clock_, log),
        announcer_(clock_, log, history_, notifier),
        holds_(hold_file(accepted.config.store.state_path)),
        services_{clock_, log, network_, modbus_, brokers_, secrets_, &holds_},
        accepted_(std::move(accepted)) {}

  int run() {
    use_timezone(accepted_.config.timezone);
    PersistentState state = load_state();
    Result<runtime::Plan> plan = make_plan(accepted_, state);
    if (!plan) return refuse(plan.error());
    auto pricing = open_pricing(accepted_, *plan, state.bill);
    if (!pricing) return refuse(pricing.error());
    keep(std::move(*pricing));
    history_.set_miners(names_of(plan->site));
    ControlMaker maker(plan->site, state, clock_, [this](const Site& site) { history_.set_miners(names_of(site)); });
    const LedgerHead known_head = state.ledger;
    runtime::Engine engine({clock_, real_clock_, log_, history_, store_, announcer_,
                            [this](const runtime::TickView& view) { after_tick(view); }},
                           std::move(state), maker);
    engine_ = &engine;
    store::SqliteLedger book(ledger_file(accepted_.config.store.path), open_ledger_file(), clock_, log_);
    runtime::LedgerKeeper ledger(
        {book, clock_, announcer_, [&engine](const LedgerHead& head) { engine.keep_ledger_head(head); }}, known_head);
    ledger_ = &ledger;
    if (const Result<void> opened = engine.open(std::move(*plan)); !opened) return refuse(opened.error());
    say_what_is_left_held();
    auto server = serve(engine);
    if (!server) {
      log_.error(kName, "{}", server.error().text);
      return kExitFailed;
    }
    log_.info(kName, "runs {} with {} devices and {} miners{}", options_.config_file, accepted_.config.devices.size(),
              accepted_.config.miners.size(), accepted_.config.control.dry_run ? ", commanding nothing" : "");
    std::thread signals([this] { heed_signals(); });
    ledger.start();
    engine.run();
    server->reset();
    ledger.stop();
    keep_last_head(engine.state());
    history_.stop();
    log_.info(kName, "ended");
    signals.join();
    return kExitOk;
  }

 private:
  static store::HistoryLimits limits_of(const config::Config& config) {
    store::HistoryLimits limits;
    limits.max_bytes = config.store.max_bytes;
    return limits;
  }

  void after_tick(const runtime::TickView& view) {
    ledger_->take(view);
    watchdog_.after_tick(view);
  }

  /// In the runtime directory, which is memory; without a socket nobody said where that is.
  std::string open_ledger_file() const {
    return file_beside(options_.socket.empty() ? accepted_.config.store.path : options_.socket, "ledger.open");
  }

  /// The ledger ends after everything else, the keeper of the state included.
  void keep_last_head(PersistentState state) {
    state.ledger = ledger_->head();
    if (const Result<void> saved = store_.save(state); !saved) log_.warning(kName, "{}", saved.error().text);
  }

  /// Only its own device can release it.
  void say_what_is_left_held() {
    const auto held = holds_.read();
    if (!held || !*held) return;
    const std::string& name = (*held)->device;
    const bool here = std::ranges::find(accepted_.config.devices, name, &config::DeviceConfig::name) !=
                      accepted_.config.devices.end();
    if (here && !accepted_.config.control.dry_run) return;
    announcer_.raise(ports::EventLevel::warning, "battery_held", name,
                     "was told not to discharge by a run before and is not told otherwise now: set it free on the "
                     "device, or run with it");
  }

  int refuse(const Error& error) {
    log_.error(kName, "{}", error.text);
    return kExitBadConfig;
  }

  PersistentState load_state() {
    Result<PersistentState> state = store_.load();
    if (state) return std::move(*state);
    announcer_.raise(ports::EventLevel::alarm, "state_not_read", "",
                     "starts without what it had learned: " + state.error().text);
    return {};
  }

  Result<runtime::Plan> make_plan(const Accepted& accepted, const PersistentState& state) {
    const auto memory = [this, miners = state.miners](const std::string& name) {
      AdapterMemory found;
      for (const MinerMemory& miner : miners) {
        if (miner.name == name) found.state = miner.adapter_state;
      }
      found.save = [this, name](const std::string& text) { engine_->keep_adapter_state(name, text); };
      return found;
    };
    return cmd::make_plan(accepted.config, accepted.inventory, memory, local_day, services_);
  }

  /// The prices of this configuration, and the plan's door to them. Nobody is asked before `keep`.
  Result<std::unique_ptr<Pricing>> open_pricing(const Accepted& accepted, runtime::Plan& plan,
                                                const std::string& kept_bill) {
    const std::string& state = accepted.config.store.state_path;
    const auto tariff = open_tariff(accepted.config, tariff_directories(options_.folders.tariffs), clock_);
    const auto bill = open_bill(tariff, kept_bill, announcer_);
    auto pricing = Pricing::open(
        accepted.config, accepted.inventory->prices, services_, announcer_,
        {state.substr(0, state.find_last_of('/')) + "/prices", SLUICE_VERSION, tariff_outlook(tariff, bill)});
    if (pricing) plan.money = (*pricing)->money();
    attach(bill, plan);
    if (pricing) bill_ = bill;
    return pricing;
  }

  std::string bill_so_far() const {
    PersistentState state = engine_->state();
    if (bill_) bill_->remember(state, true);
    return state.bill;
  }

  void keep(std::unique_ptr<Pricing> pricing) {
    pricing->start();
    {
      const std::lock_guard lock(pricing_mutex_);
      pricing_.swap(pricing);
    }
    // The one before ends here, its running request within 100 ms.
  }

  std::shared_ptr<const runtime::MarketView> market_view() {
    const std::lock_guard lock(pricing_mutex_);
    return pricing_->view();
  }

  Result<std::unique_ptr<web::LineServer>> serve(runtime::Engine& engine) {
    if (options_.socket.empty()) return std::unique_ptr<web::LineServer>();
    return web::LineServer::start(options_.socket, [this, &engine](std::string_view request) {
      return answer(request, engine,
                    {[this] { return history_.degraded(); }, [this] { return ledger_->today(); },
                     [this] { return market_view(); }});
    });
  }

  /// The only thread that sees signals.
  void heed_signals() {
    sigset_t heeded;
    sigemptyset(&heeded);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&heeded, signal);
    for (int signal = 0; sigwait(&heeded, &signal) == 0;) {
      if (signal != SIGHUP) break;
      sd_notify(0, "RELOADING=1");
      reload();
      sd_notify(0, "READY=1");
    }
    sd_notify(0, "STOPPING=1\nSTATUS=putting miners into their final state");
    engine_->request_stop();
  }

  void reload() {
    Result<Accepted> accepted =
        read_configuration(options_, [this](const std::string& text) { log_.warning(kName, "{}", text); });
    if (!accepted) {
      log_.error(kName, "the configuration is not reloaded, nothing changes: {}", accepted.error().text);
      return;
    }
    Result<runtime::Plan> plan = make_plan(*accepted, engine_->state());
    auto pricing = plan ? open_pricing(*accepted, *plan, bill_so_far()) : tl::unexpected(plan.error());
    if (!pricing) {
      log_.error(kName, "the configuration is not reloaded, nothing changes: {}", pricing.error().text);
      return;
    }
    const Result<void> reloaded = plan ? engine_->reload(std::move(*plan)) : Result<void>(tl::unexpected(plan.error()));
    if (!reloaded) {
      log_.error(kName, "the configuration is not reloaded, nothing changes: {}", reloaded.error().text);
      return;
    }
    keep(std::move(*pricing));
    accepted_ = std::move(*accepted);
    say_what_is_left_held();
    log_.info(kName, "reloaded {}", options_.config_file);
  }

  const DaemonOptions options_;
  Log& log_;
  const ports::Clock& clock_;
  const io::SystemClock real_clock_;
  io::LanNetworkFactory network_;
  io::ModbusTcpFactory modbus_;
  mqtt::MosquittoBrokers brokers_;
  const config::Secrets secrets_;
  store::SqliteStateStore store_;
  store::History history_;
  runtime::Announcer announcer_;
  HoldFile holds_;
  const Services services_;
  Accepted accepted_;
  Watchdog watchdog_;
  runtime::Engine* engine_ = nullptr;        ///< lives in `run`
  runtime::LedgerKeeper* ledger_ = nullptr;  ///< lives in `run`
  std::shared_ptr<BillDesk> bill_;           ///< of the newest configuration; null: nothing to count
  std::mutex pricing_mutex_;
  std::unique_ptr<Pricing> pricing_;  ///< guarded by pricing_mutex_; never null once `run` has begun
};

std::unique_ptr<ports::Clock> make_clock(const DaemonOptions& options) {
  if (options.scaled) return std::make_unique<io::ScaledClock>(*options.scaled);
  return std::make_unique<io::SystemClock>();
}

}  // namespace

int run_daemon(const DaemonOptions& options, const Environment& environment) {
  Result<Accepted> accepted =
      read_configuration(options, [](const std::string& text) { fmt::print(stderr, "{}", text); });
  if (!accepted) {
    fmt::print(stderr, "{}{}", accepted.error().text, accepted.error().text.ends_with('\n') ? "" : "\n");
    return kExitBadConfig;
  }
  io::LogSink log({.journal = io::is_journal(2, environment.journal_stream.c_str()),
                   .least = options.verbose ? LogLevel::debug : LogLevel::info});
  const auto clock = make_clock(options);
  const config::NotifyConfig& notify = accepted->config.notify;
  const auto notifier = io::make_notifier({notify.exec, notify.webhook}, *clock, log);
  if (!notifier) {
    log.error(kName, "notify: {}", notifier.error().text);
    return kExitBadConfig;
  }
  return Daemon(options, environment, std::move(*accepted), *clock, **notifier, log).run();
}

}  // namespace sluice::cmd
