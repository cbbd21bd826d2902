#include "prices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/money_report.hpp"
#include "common/pricing.hpp"
#include "exit_codes.hpp"
#include "feeds/series.hpp"
#include "io/clock.hpp"
#include "io/modbus_tcp.hpp"
#include "io/net.hpp"
#include "model/names.hpp"
#include "mqtt/broker.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

int complain(const std::string& text, int code) {
  fmt::print(stderr, "sluice prices: {}\n", text);
  return code;
}

int list(const feeds::Library& library, bool as_json) {
  json all = json::array();
  for (const std::string& id : library.ids()) {
    const feeds::Definition& one = *library.find(id);
    json options = json::object();
    std::string words;
    for (const auto& [name, fallback] : one.options) {
      options[name] = fallback ? json(*fallback) : json(nullptr);
      words += fmt::format("  {}{}", name, fallback ? "=" + *fallback : " (must be given)");
    }
    if (!as_json)
      fmt::print("{:<16} {}\n{:<16}{}{}\n", id, one.title, "", words, one.needs_token ? "  token (must be given)" : "");
    all.push_back({{"id", id},
                   {"title", one.title},
                   {"options", options},
                   {"token", one.needs_token      ? "required"
                             : one.may_have_token ? "optional"
                                                  : "none"},
                   {"currency", one.currency},
                   {"checked", one.checked},
                   {"notes", one.notes},
                   {"file", one.file}});
  }
  if (as_json) fmt::print("{}\n", all.dump(2));
  return kExitOk;
}

std::string colour_of(const FeedReport& report, const EnergySlot& slot) {
  return report.colours.at(static_cast<std::size_t>(slot.price.value()));
}

json slots_json(const EnergySeries& series) {
  json rows = json::array();
  for (const EnergySlot& slot : series) {
    rows.push_back({{"begin_unix_ms", unix_ms(slot.begin)},
                    {"end_unix_ms", unix_ms(slot.end)},
                    {"per_kwh", slot.price.value()},
                    {"kind", to_string(slot.kind)},
                    {"event", slot.event},
                    {"demand_window", slot.demand_window}});
  }
  return rows;
}

void print_series(const char* use, const io::FeedPlan& plan, const EnergySeries& series, WallTime now) {
  if (series.empty()) return;
  const std::string& currency = plan.definition.currency;
  fmt::print("{}: {} prices in {}/kWh, days and hours of {}\n", use, series.size(), currency, plan.definition.zone);
  for (const feeds::DayCount& day : feeds::count_days(series, plan.zone)) {
    const EnergySlot *least = nullptr, *most = nullptr;
    double sum = 0.0;
    for (const EnergySlot& slot : series) {
      if (feeds::local_day(slot.begin, plan.zone) != day.day) continue;
      if (least == nullptr || slot.price < least->price) least = &slot;
      if (most == nullptr || slot.price > most->price) most = &slot;
      sum += slot.price.value();
    }
    const auto clock = [&](const EnergySlot& slot) { return *feeds::format_time(slot.begin, "%H:%M", plan.zone); };
    fmt::print("  {}  {:>3} of {:>3}   least {:8.4f} at {}   mean {:8.4f}   most {:8.4f} at {}\n",
               *feeds::format_time(least->begin, "%Y-%m-%d", plan.zone), day.found, day.expected, least->price.value(),
               clock(*least), sum / static_cast<double>(day.found), most->price.value(), clock(*most));
  }
  const EnergySlot* slot = slot_at(series, now);
  fmt::print("  now {}\n",
             slot == nullptr ? "unknown" : fmt::format("{:.4f} ({})", slot->price.value(), to_string(slot->kind)));
}

json signals_json(const FeedReport& report, bool coloured) {
  json rows = json::array();
  for (const EnergySlot& slot : report.series) {
    rows.push_back({{"begin_unix_ms", unix_ms(slot.begin)}, {"end_unix_ms", unix_ms(slot.end)}});
    if (coloured) rows.back()["colour"] = colour_of(report, slot);
  }
  return rows;
}

void print_colours(const io::FeedPlan& plan, const FeedReport& report, WallTime now) {
  fmt::print("colours of days in {}:\n", plan.definition.zone);
  const auto line = [&](WallTime begin, const std::string& colour) {
    fmt::print("  {}  {}\n", *feeds::format_time(begin, "%Y-%m-%d", plan.zone), colour);
  };
  for (const EnergySlot& slot : report.series) line(slot.begin, colour_of(report, slot));
  const std::int64_t today = feeds::local_day(now, plan.zone);
  for (const std::int64_t day : {today, today + 1}) {
    // At noon: a source may begin its day at another hour than midnight.
    const WallTime noon = feeds::local_time(day, std::chrono::hours(12), plan.zone);
    if (slot_at(report.series, noon) == nullptr) line(noon, "not told yet");
  }
}

void print_events(const io::FeedPlan& plan, const FeedReport& report) {
  if (report.series.empty()) fmt::print("no event is announced\n");
  for (const EnergySlot& slot : report.series) {
    fmt::print("event from {} to {} in {}\n", feeds::plain_time(slot.begin, plan.zone),
               feeds::plain_time(slot.end, plan.zone), plan.definition.zone);
  }
}

/// Of a feed that tells no prices but what days and hours are.
int show_signals(const io::FeedPlan& plan, const io::PriceService::Look& look, WallTime now, bool as_json) {
  const bool coloured = plan.definition.series_for(feeds::Use::colour) != nullptr;
  const bool announces = plan.definition.series_for(feeds::Use::event) != nullptr;
  const FeedReport none;
  const FeedReport& colours = look.reports ? *look.reports->colours : none;
  const FeedReport& events = look.reports ? *look.reports->events : none;
  if (as_json) {
    json out{{"feed", plan.definition.id},
             {"ok", !look.error},
             {"error", look.error ? json(look.error->text) : json(nullptr)},
             {"not_yet_published", look.unpublished}};
    if (coloured) out["colours"] = signals_json(colours, true);
    if (announces) out["events"] = signals_json(events, false);
    fmt::print("{}\n", out.dump(2));
    return look.error ? kExitFailed : kExitOk;
  }
  fmt::print("{}: {}\n", plan.definition.id, plan.definition.title);
  if (coloured && look.reports) print_colours(plan, colours, now);
  if (announces && look.reports) print_events(plan, events);
  return look.error ? complain(look.error->text, kExitFailed) : kExitOk;
}

int show(const io::FeedPlan& plan, const io::PriceService::Look& look, const ports::Clock& clock, bool as_json) {
  const auto signal = [](const feeds::SeriesForm& form) {
    return form.use == feeds::Use::colour || form.use == feeds::Use::event;
  };
  if (std::ranges::any_of(plan.definition.series, signal)) return show_signals(plan, look, clock.wall_now(), as_json);
  const EnergySeries none;
  const EnergySeries& bought = look.reports ? look.reports->bought->series : none;
  const EnergySeries& sold = look.reports ? look.reports->sold->series : none;
  if (as_json) {
    fmt::print("{}\n", json{{"feed", plan.definition.id},
                            {"ok", !look.error},
                            {"error", look.error ? json(look.error->text) : json(nullptr)},
                            {"currency", plan.definition.currency},
                            {"unknown_rows", look.unknown},
                            {"not_yet_published", look.unpublished},
                            {"import", slots_json(bought)},
                            {"export", slots_json(sold)}}
                           .dump(2));
    return look.error ? kExitFailed : kExitOk;
  }
  fmt::print("{}: {}\n", plan.definition.id, plan.definition.title);
  print_series("import", plan, bought, clock.wall_now());
  if (sold != bought) print_series("export", plan, sold, clock.wall_now());
  if (look.unknown > 0) fmt::print("{} rows have no price\n", look.unknown);
  if (look.unpublished) fmt::print("a part is not published yet\n");
  return look.error ? complain(look.error->text, kExitFailed) : kExitOk;
}

int show_hash_price(const config::Config& config, const config::Secrets& secrets, ports::Web& web,
                    const ports::Clock& clock, bool as_json) {
  auto plan = hash_plan(config, secrets);
  if (!plan) return complain("the configuration has no section hashprice", kExitBadInput);
  const io::HashLadder::Answer answer = io::HashLadder(std::move(*plan), web, clock).ask(std::nullopt);
  if (as_json) {
    const auto value = [&](const auto member) {
      return answer.quote && (*answer.quote).*member ? json(*((*answer.quote).*member)) : json(nullptr);
    };
    fmt::print("{}\n", json{{"ok", answer.quote.has_value()},
                            {"source", answer.quote ? json(answer.quote->source) : json(nullptr)},
                            {"currency", config.currency},
                            {"gross_per_ths_day", value(&feeds::HashQuote::money_per_ths_day)},
                            {"sat_per_ths_day", value(&feeds::HashQuote::sat_per_ths_day)},
                            {"bitcoin_price", value(&feeds::HashQuote::bitcoin_price)},
                            {"trouble", answer.trouble}}
                           .dump(2));
    return answer.quote ? kExitOk : kExitFailed;
  }
  if (answer.quote) {
    fmt::print("{}: {:.7f} {} for 1 TH/s and day before pool fees", answer.quote->source,
               *answer.quote->money_per_ths_day, config.currency);
    if (answer.quote->sat_per_ths_day) fmt::print(", {:.5f} sat", *answer.quote->sat_per_ths_day);
    if (answer.quote->bitcoin_price)
      fmt::print(" at {:.2f} {} a bitcoin", *answer.quote->bitcoin_price, config.currency);
    fmt::print("\n");
  }
  if (!answer.trouble.empty()) fmt::print(stderr, "sluice prices: {}\n", answer.trouble);
  return answer.quote ? kExitOk : kExitFailed;
}

/// The configuration's words for this feed, with those of the command line before them, as the only feed.
Result<config::Config> wanted(const PricesOptions& options, config::Config config) {
  config::FeedConfig feed{options.feed, {}, {}};
  for (const config::FeedConfig* one :
       {&config.prices.bought, &config.prices.sold, &config.tariff.colours, &config.tariff.event_feed}) {
    if (one->feed == options.feed) feed = *one;
  }
  for (const std::string& word : options.options) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorKind::invalid, "--option {}: write NAME=VALUE", word);
    feed.options[word.substr(0, equals)] = word.substr(equals + 1);
  }
  config.prices.bought = std::move(feed);
  config.prices.sold = config.tariff.colours = config.tariff.event_feed = {};
  return config;
}

}  // namespace

int prices(const PricesOptions& options) {
  Result<LoadedConfig> loaded = load_config(options.config_file, options.folders);
  if (!loaded) return complain(loaded.error().text, kExitFailed);
  const feeds::Library& library = loaded->inventory.prices;
  for (const std::string& mistake : library.mistakes()) fmt::print(stderr, "{}\n", mistake);
  if (options.feed.empty()) return list(library, options.as_json);
  const config::Secrets secrets(options.credentials_directory);
  const io::SystemClock clock;
  io::WebClient web(io::user_agent(options.version));
  if (options.feed == "hashprice") {
    if (!loaded->result.ok()) return complain(config::format_all(loaded->result), kExitBadInput);
    return show_hash_price(*loaded->result.config, secrets, web, clock, options.as_json);
  }
  if (library.find(options.feed) == nullptr)
    return complain(
        fmt::format("there is no price feed {}; there are: {}", options.feed, fmt::join(library.ids(), ", ")),
        kExitBadInput);
  // Without a configuration a feed can still be tried with the words of the command line.
  auto config = wanted(options, loaded->result.config.value_or(config::Config{}));
  if (!config) return complain(config.error().text, kExitBadInput);
  NullLog log;
  io::LanNetworkFactory network(clock);
  io::ModbusTcpFactory modbus;
  mqtt::MosquittoBrokers brokers(clock);
  const auto plans = feed_plans(*config, library, {clock, log, network, modbus, brokers, secrets});
  if (!plans) return complain(plans.error().text, kExitBadInput);
  if (plans->front().messages)
    return complain("these prices come over MQTT when they are said: sluice status shows what came", kExitBadInput);
  return show(plans->front(), io::PriceService::look(web, plans->front(), clock), clock, options.as_json);
}

}  // namespace sluice::cmd
