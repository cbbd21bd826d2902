/// sluice: the command line. Exit codes of every command: 0 it worked; 1 it was tried and did not work; 2 wrong
/// arguments or configuration, and nothing was tried.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "ask.hpp"
#include "bench.hpp"
#include "breakeven.hpp"
#include "common/paths.hpp"
#include "demo.hpp"
#include "direct.hpp"
#include "exit_codes.hpp"
#include "inventory.hpp"
#include "learn.hpp"
#include "ledger.hpp"
#include "prices.hpp"
#include "report.hpp"
#include "simulate.hpp"
#include "tariff.hpp"

namespace {

using namespace sluice::cmd;

constexpr const char* kExitCodes =
    "Exit codes: 0 it worked; 1 it was tried and did not work; 2 wrong arguments or configuration, nothing was tried.";

/// Everything that the options of all commands write to.
struct Arguments {
  DirectOptions direct;
  DemoOptions demo;
  BenchOptions bench;
  PricesOptions prices;
  BreakevenOptions breakeven;
  TariffOptions tariff;
  ReportOptions report;
  SimulateOptions simulate;
  std::string demo_for;
  std::string file, name, miner;
  bool json = false, open_directly = false, if_unclean = false, yes = false;
  int count = 0;
  int decisions = 20;
};

class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", SLUICE_VERSION);
    app_.require_subcommand(1);
    app_.footer(kExitCodes);
    add_offline();
    add_daemon();
    add_demo();
    add_bench();
    add_breakeven();
    add_tariff();
    add_ledger();
    add_simulate();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kExitOk : kExitBadInput;
    }
    return action_();
  }

 private:
  CLI::App* command(const std::string& name, const std::string& text, const std::string& example,
                    std::function<int()> action) {
    return command(&app_, name, text, example, std::move(action));
  }
  CLI::App* command(CLI::App* parent, const std::string& name, const std::string& text, const std::string& example,
                    std::function<int()> action) {
    CLI::App* made = parent->add_subcommand(name, text);
    made->footer("Example: " + example + "\n" + kExitCodes);
    made->callback([this, action = std::move(action)] { action_ = action; });
    return made;
  }
  void folders(CLI::App* to) {
    to->add_option("--adapter-path", in_.direct.folders.adapters, "Also look here for adapters; may be repeated");
    to->add_option("--template-path", in_.direct.folders.templates,
                   "Also look here for device templates; may be repeated");
  }
  void json(CLI::App* to) { to->add_flag("--json", in_.json, "For programs"); }
  void socket(CLI::App* to) {
    to->add_option("--socket", in_.direct.socket, "Socket of the daemon")->capture_default_str();
  }
  void config(CLI::App* to) {
    to->add_option("--config", in_.direct.config_file, "The configuration file")->capture_default_str();
  }

  void add_offline() {
    CLI::App* check_command = command("check", "Check a configuration file: every error and every warning at once",
                                      "sluice check /etc/sluice/sluice.yaml",
                                      [this] { return check(in_.file, in_.direct.folders, in_.json); });
    check_command->add_option("FILE", in_.file, "The configuration file")->required();
    folders(check_command);
    json(check_command);

    command("schema", "Print the JSON schema of the configuration, for editors", "sluice schema > sluice.schema.json",
            [] { return show_schema(); });

    CLI::App* devices = command("devices", "List the device templates", "sluice devices",
                                [this] { return list_devices(in_.direct.folders, in_.json); });
    folders(devices);
    json(devices);

    CLI::App* adapters = command("adapters", "List the miner adapters, their settings, and why one is skipped",
                                 "sluice adapters", [this] { return list_adapters(in_.direct.folders, in_.json); });
    folders(adapters);
    json(adapters);

    CLI::App* probe_command =
        command("probe", "Show what one device or miner says: asks the daemon, or opens it when none runs",
                "sluice probe meter", [this] { return probe(in_.direct, in_.name, in_.open_directly, in_.json); });
    probe_command->add_option("NAME", in_.name, "Name of a device or miner of the configuration")->required();
    probe_command->add_flag("--direct", in_.open_directly, "Open it even while the daemon runs");
    socket(probe_command);
    config(probe_command);
    folders(probe_command);
    json(probe_command);

    CLI::App* prices_command = command("prices", "List the price feeds; or ask one, once, and show what it says",
                                       "sluice prices energy-charts --option bidding_zone=FR", [this] {
                                         in_.prices.config_file = in_.direct.config_file;
                                         in_.prices.credentials_directory = in_.direct.credentials_directory;
                                         in_.prices.folders = in_.direct.folders;
                                         in_.prices.version = SLUICE_VERSION;
                                         in_.prices.as_json = in_.json;
                                         return prices(in_.prices);
                                       });
    prices_command->add_option("FEED", in_.prices.feed, "A feed; hashprice: what mining brings");
    prices_command->add_option("--option", in_.prices.options, "NAME=VALUE for the feed; may be repeated");
    prices_command->add_option("--price-path", in_.direct.folders.prices, "Also look here for feeds; may be repeated");
    config(prices_command);
    folders(prices_command);
    json(prices_command);

    command("version", "Print the version", "sluice version", [] {
      fmt::print("sluice {}\n", SLUICE_VERSION);
      return kExitOk;
    });
  }

  void add_daemon() {
    CLI::App* status = command("status", "Show what the daemon sees and does", "sluice status",
                               [this] { return show_status(in_.direct.socket, in_.json); });
    socket(status);
    json(status);

    CLI::App* watch = command("watch", "Show the status anew each second", "sluice watch",
                              [this] { return watch_status(in_.direct.socket, in_.json, in_.count); });
    watch->add_option("--count", in_.count, "End after so many; 0: at Ctrl-C")->check(CLI::NonNegativeNumber);
    socket(watch);
    json(watch);

    CLI::App* why = command("why", "Show the last decisions and their reasons", "sluice why s19",
                            [this] { return show_why(in_.direct.socket, in_.miner, in_.decisions, in_.json); });
    why->add_option("MINER", in_.miner, "Only of this miner");
    why->add_option("--count", in_.decisions, "So many")->capture_default_str()->check(CLI::Range(1, 512));
    socket(why);
    json(why);

    CLI::App* park_command = command(
        "park", "Put a miner to sleep until it is released; all, without a name", "sluice park s19",
        [this] { return in_.if_unclean ? park_if_unclean(in_.direct) : park(in_.direct.socket, in_.miner, true); });
    park_command->add_option("MINER", in_.miner, "Only this miner");
    park_command->add_flag(
        "--if-unclean", in_.if_unclean,
        "Without the daemon: put to sleep what one drove that did not end in order, release the battery it held");
    park_command->add_option("--state-dir", in_.direct.state_directory, "Where state.db is");
    socket(park_command);
    config(park_command);
    folders(park_command);

    CLI::App* learn_command = command(
        "learn",
        "Walk one miner through steps, sleep and wake, and measure it against the grid meter; the daemon does it",
        "sluice learn s19", [this] { return learn({in_.direct.socket, in_.miner, in_.yes, in_.json}); });
    learn_command->add_option("MINER", in_.miner, "Name of the miner")->required();
    learn_command->add_flag("--yes", in_.yes, "Do not ask whether the energy may be spent");
    socket(learn_command);
    json(learn_command);

    CLI::App* release = command("release", "Let a parked miner run again; all, without a name", "sluice release s19",
                                [this] { return park(in_.direct.socket, in_.miner, false); });
    release->add_option("MINER", in_.miner, "Only this miner");
    socket(release);
  }

  void add_demo() {
    CLI::App* made = command("demo", "Watch miners follow the sun: an emulated house and the daemon, on loopback",
                             "sluice demo --for 120s --json", [this] {
                               in_.demo.as_json = in_.json;
                               if (!in_.demo_for.empty() && !parse_seconds(in_.demo_for, in_.demo.for_s)) {
                                 fmt::print(stderr, "sluice demo: --for {}: write 120s or 2min\n", in_.demo_for);
                                 return kExitBadInput;
                               }
                               return demo(in_.demo);
                             });
    made->add_option("--for", in_.demo_for, "End after this time, such as 120s or 2min");
    made->add_option("--speed", in_.demo.speed, "Times faster than real")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 20.0));
    made->add_option("--scenario", in_.demo.scenario, "A built-in house or a YAML file")->capture_default_str();
    made->add_option("--base-address", in_.demo.base_address, "Loopback addresses of the house")->capture_default_str();
    made->add_option("--keep", in_.demo.keep, "Keep configuration, logs and history in this directory");
    json(made);
  }

  void add_bench() {
    BenchOptions& to = in_.bench;
    CLI::App* made =
        command("bench", "Measure the controller against perfect foresight and against the laws of its peers",
                "sluice bench --suite day_b --plant luxos-target", [this] {
                  in_.bench.as_json = in_.json;
                  in_.bench.plant_named = plant_->count() > 0;
                  return bench(in_.bench);
                });
    made->add_option("--suite", to.suite, "Sun and load: year, day_a, day_b, all")->capture_default_str();
    CLI::Option* pv = made->add_option("--pv", to.pv_file, "Own recording of the sun instead of a suite: gzip CSV");
    CLI::Option* load = made->add_option("--load", to.load_file, "Own recording of the load: gzip CSV");
    pv->needs(load);
    load->needs(pv);
    plant_ = made->add_option("--plant", to.plant, "Kind of miner, or all")->capture_default_str();
    made->add_option("--profile", to.profile, "How hard it may be worked: gentle, normal, bare")->capture_default_str();
    made->add_flag("--battery", to.battery, "A battery of 10 kWh and 5 kW; seasons of the year");
    made->add_flag("--zero-export", to.zero_export, "The inverter throttles rather than feed in");
    made->add_flag("--fleet", to.fleet, "Two miners, luxos-target and vnish-throttle, on 9 kWp");
    made->add_flag("--step", to.step, "Instead: the answer to 1000 W of load under constant sun");
    made->add_flag("--speed", to.speed, "Instead: ns per simulated second");
    made->add_option("--controllers", to.controllers, "Only these, as k0,sluice")->delimiter(',');
    made->add_option("--days", to.days, "Only the days A up to B of the trace, as 120:180");
    made->add_option("--asleep-w", to.asleep_w, "Watts drawn asleep, instead of the plant's own")
        ->check(CLI::Range(0.0, 200.0));
    made->add_option("--lambda", to.lambda,
                     "Price of 1 kWh leaked, in kWh captured; 3.5 unless given, 2.33 with --zero-export")
        ->check(CLI::NonNegativeNumber);
    made->add_option("--stress", to.stress,
                     "Harder: bias (15 % instead of 5 %), dead-time, ramp-up, loss, reboots; several with commas")
        ->delimiter(',');
    made->add_option("--seed", to.seed, "Of noise, clouds and the miners' errors")->capture_default_str();
    made->add_option("--jobs", to.jobs, "Threads; 0: one a core. The result is the same")->capture_default_str();
    CLI::Option* prices =
        made->add_option("--prices", to.prices, "Instead: buy at a recorded market: 5min, dayahead-de, dayahead-pjm");
    made->add_option("--break-even", to.break_even, "Market price at which mining breaks even, per MWh; 25")
        ->needs(prices);
    made->add_option("--tick", to.tick_s, "Seconds between two looks at prices; 10 for years without sun, else 1")
        ->needs(prices)
        ->check(CLI::IsMember({1, 2, 5, 10, 20, 30, 60}));
    CLI::Option* plot = made->add_option("--plot", to.plot_day, "Instead: draw this day of one controller");
    plot->needs(made->add_option("--svg", to.svg_file, "The file to draw it in"));
    json(made);
  }

  void add_breakeven() {
    BreakevenOptions& to = in_.breakeven;
    CLI::App* made =
        command("breakeven", "Show up to which price a kWh pays in each miner, on average and step by step",
                "sluice breakeven --hashprice 0.039 --pool-fee 2 --curve 2000:75,3000:100 --price 0.045", [this] {
                  in_.breakeven.socket = in_.direct.socket;
                  in_.breakeven.config_file = in_.direct.config_file;
                  in_.breakeven.folders = in_.direct.folders;
                  in_.breakeven.as_json = in_.json;
                  return breakeven(in_.breakeven);
                });
    CLI::Option* fixed = made->add_option("--hashprice", to.hash_price, "Money for 1 TH/s and a day, before the fee")
                             ->check(CLI::NonNegativeNumber);
    made->add_option("--difficulty", to.difficulty, "Instead: the network's difficulty")
        ->check(CLI::PositiveNumber)
        ->excludes(fixed);
    made->add_option("--reward-sat", to.reward_sat, "With it: the subsidy of a block, in satoshi")
        ->check(CLI::NonNegativeNumber);
    made->add_option("--fees-sat", to.fees_sat, "With it: mean fees of a block, in satoshi")
        ->check(CLI::NonNegativeNumber);
    made->add_option("--btc-price", to.coin_price, "With it: the price of a bitcoin")->check(CLI::NonNegativeNumber);
    made->add_option("--pool-fee", to.pool_fee_pct, "What the pool keeps, in percent")->check(CLI::Range(0.0, 100.0));
    made->add_option("--curve", to.curve, "Instead of the miners: watts:TH/s, with commas between");
    made->add_option("--efficiency", to.joules_per_th, "Instead of the miners: J/TH, with commas between")
        ->delimiter(',')
        ->check(CLI::PositiveNumber);
    made->add_option("--price", to.price, "Price of a kWh that is looked at");
    made->add_option("--currency", to.currency, "Name of the money in the heading");
    socket(made);
    config(made);
    folders(made);
    json(made);
  }

  void add_tariff() {
    TariffOptions& to = in_.tariff;
    CLI::App* group = app_.add_subcommand("tariff", "Tariff plans: what electricity costs, hour by hour");
    group->require_subcommand(1);
    const auto run = [this](int (*action)(const TariffOptions&)) {
      return [this, action] {
        in_.tariff.as_json = in_.json;
        in_.tariff.config_file = in_.direct.config_file;
        in_.tariff.folders.adapters = in_.direct.folders.adapters;
        in_.tariff.folders.templates = in_.direct.folders.templates;
        in_.tariff.colours = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
        return action(in_.tariff);
      };
    };
    const auto folder = [&](CLI::App* made) {
      made->add_option("--tariff-path", to.folders.tariffs, "Also look here for plans; may be repeated");
    };
    CLI::App* list = command(group, "list", "List the plans, each with its source and date", "sluice tariff list",
                             run(list_tariffs));
    folder(list);
    json(list);

    CLI::App* show = command(group, "show", "Show the prices of the next days",
                             "sluice tariff show ontario-tou --days 3", run(show_tariff));
    show->add_option("PLAN", to.name, "Name of a plan, or a file; without it: what the configuration names");
    show->add_option("--days", to.days, "So many days")->capture_default_str()->check(CLI::Range(1, 31));
    show->add_option("--from", to.from, "First day, such as 2026-11-28; today unless given");
    show->add_option("--drawn", to.drawn_kwh, "For tiers: kWh drawn since the billing period began")
        ->check(CLI::NonNegativeNumber);
    config(show);
    folders(show);
    folder(show);
    json(show);

    CLI::App* check = command(group, "check", "Check a plan: every mistake at once, with hours and lines",
                              "sluice tariff check my-plan.yaml", run(check_tariff));
    check->add_option("FILE", to.name, "The plan")->required();
    json(check);

    CLI::App* import = command(group, "import", "Turn a rate of the OpenEI database (JSON) into a plan",
                               "sluice tariff import rate.json --id my-plan --zone America/Chicago > my-plan.yaml",
                               run(import_tariff));
    import->add_option("FILE", to.name, "What the database answered")->required();
    import->add_option("--id", to.id, "Name of the plan; the file must be called so")->required();
    import->add_option("--zone", to.zone, "Clock of the meter; the database does not tell it")->required();
    import->add_option("--currency", to.currency, "Currency of the rate")->capture_default_str();
    import->add_option("--holidays", to.holidays, "Calendar whose holidays count as weekend, such as us");
    import->add_option("--label", to.label, "Which rate, if there are several");
  }

  void add_ledger() {
    LedgerOptions& where = in_.report.where;
    const auto place = [&](CLI::App* to) {
      to->add_option("--config", where.config_file, "The configuration file")->capture_default_str();
      to->add_option("--state-dir", where.state_directory, "Where ledger.db and state.db are");
      to->add_flag("--json", where.as_json, "For programs");
    };
    CLI::App* made = command("report", "What mining brought, by source, beside never and always mining",
                             "sluice report --by month --from 2026-01-01", [this] { return report(in_.report); });
    made->add_option("--by", in_.report.by, "A line for each: day, month, year")
        ->capture_default_str()
        ->check(CLI::IsMember({"day", "month", "year"}));
    made->add_option("--from", in_.report.from, "First day, as 2026-05-01; the newest month unless given");
    made->add_option("--to", in_.report.to, "Last day, as 2026-05-31");
    made->add_flag("--csv", in_.report.as_csv, "For spreadsheets");
    made->add_option("--svg", in_.report.svg_file, "Draw it in this file, too");
    place(made);

    CLI::App* ledger = app_.add_subcommand("ledger", "The chained ledger that reports rest on");
    ledger->require_subcommand(1);
    ledger->footer(kExitCodes);
    const auto part = [&](const char* name, const char* text, const char* example, std::function<int()> action) {
      CLI::App* one = ledger->add_subcommand(name, text);
      one->footer(std::string("Example: ") + example + "\n" + kExitCodes);
      one->callback([this, action = std::move(action)] { action_ = action; });
      place(one);
      return one;
    };
    part("verify", "Walk the whole chain: is every entry as it was written? Exit code 1 when not",
         "sluice ledger verify", [this] { return verify_ledger(in_.report.where); });
    CLI::App* show = part("show", "Show the newest entries", "sluice ledger show --count 20",
                          [this] { return show_ledger(in_.report.where); });
    show->add_option("--count", where.count, "So many")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  }

  void add_simulate() {
    SimulateOptions& to = in_.simulate;
    CLI::App* made =
        command("simulate", "Play days at a tariff with the controller itself, and count energy and money",
                "sluice simulate --plan us-summer --strategy schedule --miner ideal:3010 --days 1", [this] {
                  in_.simulate.as_json = in_.json;
                  return simulate(in_.simulate);
                });
    CLI::Option* plan = made->add_option("--plan", to.plan, "Name of a tariff plan, or a file");
    made->add_option("--import", to.import_price, "One price of what is bought instead of a plan, per kWh")
        ->excludes(plan);
    made->add_option("--export", to.export_price, "Price of what is sold, per kWh; with a plan instead of its own");
    made->add_option("--strategy", to.strategy, "full, schedule, economic, solar, solar-battery")
        ->capture_default_str();
    made->add_option("--miner", to.miner, "Kind of miner, as ideal:3010, s19-xp, luxos-target")->capture_default_str();
    made->add_option("--start", to.start, "Local date of the first day")->capture_default_str();
    made->add_option("--days", to.days, "So many days")->capture_default_str()->check(CLI::Range(1, 3660));
    made->add_option("--period", to.periods,
                     "What the miner does in a period of the plan, as mid-peak=1200; full, sleep, solar or watts. Of "
                     "schedule, which is full in the cheapest period alone unless told")
        ->delimiter(',');
    made->add_option("--sun", to.sun_kwp, "An array of so many kWp, with recorded sun and load")
        ->check(CLI::Range(0.0, 1000.0));
    made->add_option("--load", to.load_w, "Watts of the house, where there is no sun")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 100'000.0));
    made->add_flag("--battery", to.battery, "A battery of 10 kWh and 5 kW");
    made->add_option("--hashprice", to.hash_price, "What mining brings per TH/s and day, pool fees taken off")
        ->check(CLI::NonNegativeNumber);
    made->add_option("--heat-value", to.heat_value, "Worth of a kWh of heat; negative where it must be cooled away");
    made->add_option("--profile", to.profile, "How hard it may be worked: gentle, normal, bare")->capture_default_str();
    made->add_option("--tariff-path", to.plan_folders, "Also look here for tariff plans; may be repeated");
    made->add_option("--seed", to.seed, "Of clouds and noise")->capture_default_str();
    json(made);
  }

  Arguments in_ = [] {
    Arguments defaults;
    defaults.direct.config_file = kConfigFile;
    defaults.report.where.config_file = kConfigFile;
    defaults.direct.socket = kSocket;
    const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
    if (credentials != nullptr) defaults.direct.credentials_directory = credentials;
    return defaults;
  }();
  std::function<int()> action_;
  CLI::Option* plant_ = nullptr;
  CLI::App app_{"Sluice runs bitcoin miners on solar surplus."};
};

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  return CommandLine().run(argc, argv);
}
