#include "simulate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench_plan.hpp"
#include "common/paths.hpp"
#include "common/tariffs.hpp"
#include "crew.hpp"
#include "exit_codes.hpp"
#include "io/clock.hpp"
#include "io/time_zone.hpp"
#include "model/names.hpp"
#include "sim/price_bench.hpp"
#include "sim/simulation.hpp"
#include "sim/suite.hpp"
#include "tariff/evaluation.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kDay = 86'400;
constexpr double kSuiteKwp = 5.0;
constexpr Duration kLeadIn = std::chrono::hours(2);  // prices are known a little before the first midnight

/// The days, with what a kWh costs in them.
struct Calendar {
  std::string title, currency;
  std::vector<std::string> period_names;
  std::vector<tariff::LocalDay> days;
  std::vector<WallTime> midnights;
  std::shared_ptr<const PriceOutlook> prices;
};

struct Work {
  Calendar calendar;
  sim::SimulationSpec wanted;
  std::optional<sim::SimulationSpec> always_on;  ///< the same miner that never sleeps
  std::optional<sim::SimulationSpec> ideal;      ///< the same with a miner that needs no time and nothing asleep
};

struct Results {
  sim::Simulation wanted;
  std::optional<sim::Simulation> always_on, ideal;
};

void set_days(Calendar& calendar, tariff::LocalDay first, int count, const tariff::LocalTime& clock) {
  for (int day = 0; day <= count; ++day) {
    const tariff::LocalDay date = first + std::chrono::days(day);
    if (day < count) calendar.days.push_back(date);
    calendar.midnights.push_back(clock.when(date));
  }
}

Result<Calendar> flat_calendar(const SimulateOptions& options, tariff::LocalDay first) {
  Calendar out;
  out.title = "one price";
  out.period_names = {"flat"};
  set_days(out, first, options.days, {});
  PriceSlot slot;
  slot.begin = out.midnights.front() - kLeadIn;
  slot.end = out.midnights.back();
  slot.import_price = PricePerKwh(*options.import_price);
  slot.export_price = PricePerKwh(options.export_price.value_or(0.0));
  auto prices = std::make_shared<PriceOutlook>();
  prices->slots.push_back(slot);
  out.prices = std::move(prices);
  return out;
}

Result<Calendar> plan_calendar(const SimulateOptions& options, tariff::LocalDay first) {
  const auto found = find_plan(options.plan, tariff_directories(options.plan_folders));
  if (!found) return fail(found.error().kind, "--plan: {}", found.error().text);
  const tariff::Plan& plan = found->plan;
  const auto clock = io::load_time_zone(plan.zone);
  if (!clock) return tl::unexpected(clock.error());
  Calendar out;
  out.title = plan.id;
  out.currency = plan.currency;
  out.period_names = plan.period_names;
  set_days(out, first, options.days, *clock);
  const tariff::Evaluation evaluation(plan, *clock, {});
  auto prices =
      std::make_shared<PriceOutlook>(evaluation.outlook(out.midnights.front() - kLeadIn, out.midnights.back()));
  if (prices->slots.empty()) {
    return fail(ErrorKind::invalid, "--plan {}: no price is known from {} on; live prices are not simulated",
                options.plan, options.start);
  }
  if (options.export_price) {
    for (PriceSlot& slot : prices->slots) slot.export_price = PricePerKwh(*options.export_price);
  }
  out.prices = std::move(prices);
  return out;
}

Result<sim::PeriodWish> read_wish(const std::string& text, const sim::PlantSpec& plant) {
  constexpr std::pair<std::string_view, PeriodOrder> kOrders[] = {
      {"full", PeriodOrder::full}, {"sleep", PeriodOrder::sleep}, {"solar", PeriodOrder::solar}};
  for (const auto& [name, order] : kOrders) {
    if (name == text) return sim::PeriodWish{order, {}};
  }
  double watts = 0.0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), watts);
  const bool number = error == std::errc{} && stop == text.data() + text.size();
  if (!number || watts < plant.envelope.min.value() || watts > plant.envelope.max.value()) {
    return fail(ErrorKind::invalid, "{}: full, sleep, solar, or watts from {:.0f} to {:.0f} are wanted", text,
                plant.envelope.min.value(), plant.envelope.max.value());
  }
  return sim::PeriodWish{PeriodOrder::watts, Watts(watts)};
}

Result<std::map<std::uint8_t, sim::PeriodWish>> read_wishes(const SimulateOptions& options, const Calendar& calendar,
                                                            Strategy strategy, const sim::PlantSpec& plant) {
  std::map<std::uint8_t, sim::PeriodWish> out;
  if (strategy == Strategy::schedule) out = sim::cheapest_period_only(*calendar.prices);
  for (const std::string& text : options.periods) {
    const std::size_t equals = text.find('=');
    const auto named = std::find(calendar.period_names.begin(), calendar.period_names.end(), text.substr(0, equals));
    if (equals == std::string::npos || named == calendar.period_names.end()) {
      return fail(ErrorKind::invalid, "--period {}: NAME=full, sleep, solar or watts is wanted, NAME one of {}", text,
                  fmt::join(calendar.period_names, ", "));
    }
    const auto wish = read_wish(text.substr(equals + 1), plant);
    if (!wish) return fail(ErrorKind::invalid, "--period {}", wish.error().text);
    out[static_cast<std::uint8_t>(named - calendar.period_names.begin())] = *wish;
  }
  return out;
}

Result<void> set_house(const SimulateOptions& options, const Calendar& calendar, sim::SimulationSpec& spec) {
  if (options.battery) spec.battery = sim::BatterySetup{};
  if (options.sun_kwp <= 0.0) {
    spec.trace = std::make_shared<const sim::Trace>(sim::constant_trace(Watts(0.0), Watts(options.load_w)));
    return {};
  }
  const auto suite = sim::load_suite("year", data_directory(), options.seed, kSuiteKwp);
  if (!suite) return tl::unexpected(suite.error());
  spec.trace = suite->trace;
  spec.pv_scale = options.sun_kwp / kSuiteKwp;
  const std::chrono::year_month_day date{calendar.days.front()};
  const tariff::LocalDay new_year{std::chrono::local_days(date.year() / std::chrono::January / 1)};
  spec.trace_second = static_cast<std::size_t>((calendar.days.front() - new_year).count()) % suite->days * kDay;
  return {};
}

Result<Work> plan_work(const SimulateOptions& options) {
  const auto first = tariff::parse_day(options.start);
  if (!first) return fail(ErrorKind::invalid, "--start {}: a date such as 2026-07-06 is wanted", options.start);
  if (options.plan.empty() == !options.import_price) {
    return fail(ErrorKind::invalid, "--plan or --import is wanted, one of them");
  }
  const auto strategy = strategy_from_name(options.strategy);
  if (!strategy) return fail(ErrorKind::invalid, "--strategy {}: not known", options.strategy);
  const auto profile = profile_from_name(options.profile);
  if (!profile) return fail(ErrorKind::invalid, "--profile {}: known are gentle, normal, bare", options.profile);
  const auto plant = sim::plant_spec(options.miner);
  if (!plant) return fail(ErrorKind::invalid, "--miner: {}", plant.error().text);
  if (*strategy == Strategy::economic && !options.hash_price && !options.heat_value) {
    return fail(ErrorKind::invalid, "--strategy economic: --hashprice tells what mining brings, per TH/s and day");
  }
  auto calendar = options.plan.empty() ? flat_calendar(options, *first) : plan_calendar(options, *first);
  if (!calendar) return tl::unexpected(calendar.error());
  const auto wishes = read_wishes(options, *calendar, *strategy, *plant);
  if (!wishes) return tl::unexpected(wishes.error());

  Work work{*std::move(calendar), {}, {}, {}};
  sim::SimulationSpec& spec = work.wanted;
  spec.prices = work.calendar.prices;
  spec.midnights = work.calendar.midnights;
  spec.first_local_day = work.calendar.days.front().time_since_epoch().count();
  spec.strategy = *strategy;
  spec.wishes = *wishes;
  spec.plant = *plant;
  spec.curve = sim::plant_curve(*plant);
  if (options.hash_price) spec.hash_price = PricePerThsDay(*options.hash_price);
  if (options.heat_value) spec.heat_value = PricePerKwh(*options.heat_value);
  spec.profile = constraint_profile(*profile);
  if (const auto fine = set_house(options, work.calendar, spec); !fine) return tl::unexpected(fine.error());
  if (*strategy != Strategy::full) {
    work.always_on = spec;
    work.always_on->strategy = Strategy::full;
    work.always_on->wishes.clear();
  }
  if (!plant->straight) {
    work.ideal = spec;
    sim::PlantSpec& ideal = work.ideal->plant;
    ideal.dynamics = {};
    ideal.stop = ideal.boot = {};
    ideal.wake_extra = {};
  }
  return work;
}

Results play(const Work& work) {
  const std::size_t runs = 1 + (work.always_on ? 1 : 0) + (work.ideal ? 1 : 0);
  const io::SystemClock clock;
  ProgressBar bar("simulated days", runs * work.calendar.days.size(), clock);
  const sim::Progress progress = [&bar](std::size_t) { bar.done(1); };
  Results out;
  std::vector<std::function<void()>> jobs{[&] { out.wanted = sim::simulate(work.wanted, progress); }};
  if (work.always_on) jobs.emplace_back([&] { out.always_on = sim::simulate(*work.always_on, progress); });
  if (work.ideal) jobs.emplace_back([&] { out.ideal = sim::simulate(*work.ideal, progress); });
  work_off(jobs, 0, bar, clock);
  return out;
}

/// Two decimals. Half a cent is rounded up although a sum of millions of seconds lies a little below it.
std::string cents(double amount) { return fmt::format("{:.2f}", amount + (amount < 0.0 ? -1e-7 : 1e-7)); }

double kwh(WattHours energy) { return energy.value() / 1000.0; }

ordered_json as_json(const sim::SimulatedDay& day, const Work& work) {
  ordered_json out = {{"mined_kwh", kwh(day.mined)},
                      {"standby_kwh", kwh(day.standby)},
                      {"waking_kwh", kwh(day.unhashed)},
                      {"imported_kwh", kwh(day.imported)},
                      {"exported_kwh", kwh(day.exported)},
                      {"energy_cost", day.energy_cost.value()},
                      {"revenue", nullptr},
                      {"heat_value", day.heat.value()},
                      {"net", nullptr},
                      {"starts", day.starts},
                      {"running_hours", day.running_s / 3600}};
  if (work.wanted.hash_price) {
    out["revenue"] = day.revenue.value();
    out["net"] = day.net().value();
  }
  for (const auto& [period, energy] : day.mined_in) {
    out["mined_kwh_by_period"][work.calendar.period_names[period]] = kwh(energy);
  }
  return out;
}

ordered_json as_json(const Work& work, const Results& results, const SimulateOptions& options) {
  const auto days = static_cast<double>(results.wanted.days.size());
  ordered_json out = {{"plan", work.calendar.title},  {"currency", work.calendar.currency},
                      {"strategy", options.strategy}, {"miner", options.miner},
                      {"start", options.start},       {"days", results.wanted.days.size()}};
  out.update(as_json(results.wanted.total, work));
  out["energy_cost_30d"] = results.wanted.total.energy_cost.value() * 30.0 / days;
  if (results.always_on) {
    out["always_on_energy_cost"] = results.always_on->total.energy_cost.value();
  }
  if (results.ideal) {
    out["ideal_mined_kwh"] = kwh(results.ideal->total.mined);
    out["ideal_energy_cost"] = results.ideal->total.energy_cost.value();
  }
  out["price_gap"] = results.wanted.total.price_gap;
  for (std::size_t day = 0; day < results.wanted.days.size(); ++day) {
    ordered_json row = {{"date", tariff::to_string(work.calendar.days[day])}};
    row.update(as_json(results.wanted.days[day], work));
    out["per_day"].push_back(std::move(row));
  }
  return out;
}

std::string table_row(const std::string& name, const sim::SimulatedDay& day, const Work& work) {
  const auto money = [](bool known, Money amount) {
    return known ? fmt::format("{:>10}", cents(amount.value())) : fmt::format("{:>10}", "-");
  };
  const bool revenue = work.wanted.hash_price.has_value(), heat = work.wanted.heat_value.has_value();
  return fmt::format("{:<12}{:>11.2f}{:>11.3f}{:>10}{}{}{}{:>8}{:>8.1f}\n", name, kwh(day.mined), kwh(day.standby),
                     cents(day.energy_cost.value()), money(revenue, day.revenue), money(heat, day.heat),
                     money(revenue || heat, day.net()), day.starts, day.running_s / 3600.0);
}

void print(const Work& work, const Results& results, const SimulateOptions& options) {
  const Calendar& calendar = work.calendar;
  const sim::SimulatedDay& total = results.wanted.total;
  const std::string currency = calendar.currency.empty() ? "" : " " + calendar.currency;
  fmt::print("{} at {}{}, strategy {}\n", options.miner, calendar.title, currency.empty() ? "" : "," + currency,
             options.strategy);
  fmt::print("{:<12}{:>11}{:>11}{:>10}{:>10}{:>10}{:>10}{:>8}{:>8}\n", "", "mined kWh", "asleep kWh", "energy",
             "revenue", "heat", "net", "starts", "hours");
  constexpr std::size_t kMostRows = 62;
  for (std::size_t day = 0; day < std::min(kMostRows, results.wanted.days.size()); ++day) {
    fmt::print("{}", table_row(tariff::to_string(calendar.days[day]), results.wanted.days[day], work));
  }
  if (results.wanted.days.size() > kMostRows) fmt::print("… {} more days\n", results.wanted.days.size() - kMostRows);
  if (results.wanted.days.size() > 1) fmt::print("{}", table_row("all", total, work));
  for (const auto& [period, energy] : total.mined_in) {
    fmt::print("  {:<12} {:.2f} kWh mined\n", calendar.period_names[period], kwh(energy));
  }
  const double per_30_days = 30.0 / static_cast<double>(results.wanted.days.size());
  fmt::print("30 days of this: {}{} of energy.", cents(total.energy_cost.value() * per_30_days), currency);
  if (results.always_on) {
    const double always = results.always_on->total.energy_cost.value();
    fmt::print(" Always on: {}", cents(always * per_30_days));
    if (always > 0.0) fmt::print("; saved {:.1f} %", 100.0 * (1.0 - total.energy_cost.value() / always));
    fmt::print(".");
  }
  fmt::print("\n");
  if (results.ideal) {
    const sim::SimulatedDay& ideal = results.ideal->total;
    fmt::print(
        "A miner without standby, wake and ramps: {:.2f} kWh, {:.2f}{}. The difference is {:+.2f} kWh and {:+.2f}: "
        "{:.3f} kWh asleep, {:.3f} kWh waking and stopping.\n",
        kwh(ideal.mined), ideal.energy_cost.value(), currency, kwh(total.mined - ideal.mined),
        (total.energy_cost - ideal.energy_cost).value(), kwh(total.standby), kwh(total.unhashed));
  }
  if (total.price_gap) fmt::print("Some hours have no price in this plan; their energy counts nothing.\n");
}

}  // namespace

int simulate(const SimulateOptions& options) {
  const auto work = plan_work(options);
  if (!work) {
    fmt::print(stderr, "sluice simulate: {}\n", work.error().text);
    return kExitBadInput;
  }
  const Results results = play(*work);
  if (options.as_json) {
    fmt::print("{}\n", as_json(*work, results, options).dump(2));
  } else {
    print(*work, results, options);
  }
  return kExitOk;
}

}  // namespace sluice::cmd
