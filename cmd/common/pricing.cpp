#include "common/pricing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "feeds/times.hpp"
#include "io/message_device.hpp"
#include "io/small_file.hpp"
#include "io/time_zone.hpp"
#include "tariff/demand_watch.hpp"

namespace sluice::cmd {
namespace {

using config::FeedConfig;
using config::HashSourceConfig;

/// Another text for other options. They are not told themselves: the owner may have put a secret into a URL.
std::string key_of(const FeedConfig& feed) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    hash *= 0x100000001B3ULL;  // the end of a text
  };
  for (const auto& [name, value] : feed.options) {
    add(name);
    add(value);
  }
  return fmt::format("{}-{:016x}", feed.feed, hash);
}

Result<feeds::Zone> zone_named(const std::string& name) {
  if (const auto offset = feeds::fixed_offset(name)) return feeds::fixed_zone(*offset);
  auto zone = io::load_time_zone(name);
  if (!zone) return tl::unexpected(zone.error());
  return [zone = std::make_shared<const tariff::LocalTime>(std::move(*zone))](WallTime time) {
    return zone->offset(time);
  };
}

std::function<Result<std::string>()> lent(const config::SecretRef& reference, const config::Secrets& secrets) {
  if (reference.empty()) return {};
  return [reference, &secrets]() -> Result<std::string> {
    const auto secret = secrets.resolve(reference);
    if (!secret) return tl::unexpected(secret.error());
    return secret->reveal();
  };
}

Result<std::shared_ptr<ports::Subscription>> subscription(const config::MqttConfig& mqtt, const std::string& topic,
                                                          const Services& services) {
  std::string password;
  if (const auto lend = lent(mqtt.password, services.secrets)) {
    auto found = lend();
    if (!found) return fail(found.error().kind, "mqtt: {}", found.error().text);
    password = std::move(*found);
  }
  const auto broker = services.brokers.at({mqtt.host, mqtt.port, mqtt.username, password, mqtt.tls, mqtt.ca_file});
  if (!broker) return tl::unexpected(broker.error());
  return std::shared_ptr<ports::Subscription>((*broker)->subscribe({topic}));
}

Result<io::FeedPlan> feed_plan(const config::Config& config, const FeedConfig& feed, const feeds::Library& library,
                               const Services& services) {
  const feeds::Definition* found = library.find(feed.feed);
  if (found == nullptr) return fail(ErrorKind::not_found, "there is no price feed {}", feed.feed);
  auto filled = feeds::with_options(*found, feed.options);
  if (!filled) return tl::unexpected(filled.error());
  io::FeedPlan plan;
  plan.key = key_of(feed);
  plan.definition = std::move(*filled);
  if (config.prices.max_age) plan.definition.max_age = *config.prices.max_age;
  auto zone = zone_named(plan.definition.zone);
  if (!zone) return fail(zone.error().kind, "price feed {}: {}", feed.feed, zone.error().text);
  plan.zone = std::move(*zone);
  plan.token = lent(feed.token, services.secrets);
  if (plan.definition.carrier == feeds::Carrier::mqtt) {
    auto messages = subscription(config.mqtt, plan.definition.topic, services);
    if (!messages) return fail(messages.error().kind, "price feed {}: {}", feed.feed, messages.error().text);
    plan.messages = std::move(*messages);
  }
  return plan;
}

/// The node's own file changes at each of its starts, so it is read each time.
std::function<Result<std::string>()> node_login(const HashSourceConfig& source, const config::Secrets& secrets) {
  if (!source.cookie_file.empty()) {
    return [path = source.cookie_file]() -> Result<std::string> {
      constexpr std::size_t kMost = 1024;
      const auto text = io::read_small_file(path, kMost);
      if (!text) return tl::unexpected(text.error());
      const auto colon = text->find(':');
      if (colon == std::string::npos) return fail(ErrorKind::invalid, "{}: not the cookie of a node", path);
      return io::basic_authorization(text->substr(0, colon), text->substr(colon + 1, text->find('\n') - colon - 1));
    };
  }
  if (source.username.empty()) return {};
  return [username = source.username, password = lent(source.password, secrets)]() -> Result<std::string> {
    const auto found = password ? password() : Result<std::string>(std::string());
    if (!found) return tl::unexpected(found.error());
    return io::basic_authorization(username, *found);
  };
}

std::function<Result<std::string>()> bearer(const HashSourceConfig& source, const config::Secrets& secrets) {
  const auto token = lent(source.token, secrets);
  if (!token) return {};
  return [token]() -> Result<std::string> {
    const auto found = token();
    if (!found) return tl::unexpected(found.error());
    return "Bearer " + *found;
  };
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

runtime::MarketSettings market_settings(const config::Config& config) {
  runtime::MarketSettings settings;
  settings.currency = config.currency;
  settings.fallback_import = config.prices.fallback_import;
  settings.fallback_export = config.prices.fallback_export;
  settings.max_age = config.prices.max_age;
  settings.multiplier = config.prices.multiplier;
  settings.adder = config.prices.adder;
  settings.pool_fee = config.hash_price.pool_fee;
  settings.accepted_share = config.hash_price.accepted_share;
  return settings;
}

}  // namespace

Result<std::vector<io::FeedPlan>> feed_plans(const config::Config& config, const feeds::Library& library,
                                             const Services& services) {
  std::vector<io::FeedPlan> plans;
  for (const bool sold : {false, true}) {
    const FeedConfig& feed = sold ? config.prices.sold : config.prices.bought;
    if (feed.feed.empty()) continue;
    auto same = std::ranges::find(plans, key_of(feed), &io::FeedPlan::key);
    if (same == plans.end()) {
      auto plan = feed_plan(config, feed, library, services);
      if (!plan) return tl::unexpected(plan.error());
      plans.push_back(std::move(*plan));
      same = std::prev(plans.end());
    }
    (sold ? same->sold : same->bought) = true;
  }
  return plans;
}

std::optional<io::HashPlan> hash_plan(const config::Config& config, const config::Secrets& secrets) {
  const config::HashPriceConfig& mining = config.hash_price;
  if (mining.sources.empty()) return std::nullopt;
  io::HashPlan plan{{}, config.currency, mining.bitcoin_price, without_slash(mining.price_url)};
  for (const HashSourceConfig& source : mining.sources) {
    io::HashSource made;
    made.kind = static_cast<io::HashSourceKind>(source.kind);
    made.url = source.kind == config::HashSourceKind::json ? source.url : without_slash(source.url);
    made.pointer = source.pointer;
    made.unit = feeds::parse_hash_unit(source.unit).value_or(feeds::HashUnit{});
    made.money_per_ths_day = source.per_ths_day.value();
    made.authorization =
        source.kind == config::HashSourceKind::bitcoind ? node_login(source, secrets) : bearer(source, secrets);
    if (source.kind == config::HashSourceKind::mempool && plan.price_url.empty()) plan.price_url = made.url;
    plan.sources.push_back(std::move(made));
  }
  return plan;
}

std::shared_ptr<const Tariff> open_tariff(const config::Config& config, const std::vector<std::string>& directories,
                                          const ports::Clock& clock) {
  if (config.tariff.plan.empty()) return nullptr;
  TariffLoad loaded =
      load_tariff(config, directories, clock.wall_sane() ? std::optional(clock.wall_now()) : std::nullopt);
  return loaded.tariff ? std::make_shared<const Tariff>(std::move(*loaded.tariff)) : nullptr;
}

runtime::TariffOutlook tariff_outlook(std::shared_ptr<const Tariff> tariff) {
  if (tariff == nullptr) return {};
  return [tariff = std::move(tariff)](const PriceOutlook* energy, const PriceOutlook* exported, WallTime from,
                                      WallTime to) {
    tariff::Circumstances circumstances = tariff->circumstances();
    circumstances.live_energy = energy;
    circumstances.live_export = exported;
    return tariff::Evaluation(tariff->plan, tariff->local_time, std::move(circumstances)).outlook(from, to);
  };
}

runtime::DemandView demand_view(std::shared_ptr<const Tariff> tariff) {
  const auto charges = [](const tariff::Version& version) { return !version.demand.empty(); };
  if (tariff == nullptr || std::ranges::none_of(tariff->plan.versions, charges)) return {};
  const auto watch = std::make_shared<tariff::DemandWatch>(
      tariff->plan, tariff->local_time, tariff::DemandWatch::Settings{tariff->billing_day, tariff->accepted_peak},
      std::vector<tariff::BilledPeak>{});
  return [tariff, watch, seen = std::optional<MonoTime>()](WallTime wall, const Reading<Watts>& grid) mutable {
    if (grid.usable() && grid.at != seen) {
      seen = grid.at;
      watch->observe(wall, grid.at, grid.value);
    }
    return watch->limit();
  };
}

std::vector<std::string> price_urls(const config::Config& config, const feeds::Library& library) {
  std::vector<std::string> urls;
  for (const FeedConfig& feed : {config.prices.bought, config.prices.sold}) {
    const feeds::Definition* found = library.find(feed.feed);
    if (found == nullptr || found->carrier == feeds::Carrier::mqtt) continue;
    if (const auto filled = feeds::with_options(*found, feed.options)) urls.push_back(filled->url);
  }
  for (const HashSourceConfig& source : config.hash_price.sources)
    if (!source.url.empty()) urls.push_back(source.url);
  if (!config.hash_price.price_url.empty()) urls.push_back(config.hash_price.price_url);
  return urls;
}

Pricing::Pricing(std::vector<io::FeedPlan> feeds, std::optional<io::HashPlan> hash, runtime::MarketSettings settings,
                 const Services& services, runtime::Announcer& announcer, Setup setup)
    : web_(io::user_agent(setup.version)),
      market_(
          std::make_shared<runtime::Market>(std::move(settings), std::move(setup.tariff), services.clock, announcer)),
      service_({web_, services.clock, services.log, std::move(setup.cache_directory),
                static_cast<std::uint64_t>(unix_ms(services.clock.wall_now())),
                [market = market_](const LiveReports& reports) { market->take(reports); }},
               std::move(feeds), std::move(hash)) {}

Pricing::~Pricing() {
  service_.stop();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<Pricing>> Pricing::open(const config::Config& config, const feeds::Library& library,
                                               const Services& services, runtime::Announcer& announcer, Setup setup) {
  auto feeds = feed_plans(config, library, services);
  if (!feeds) return tl::unexpected(feeds.error());
  return std::unique_ptr<Pricing>(new Pricing(std::move(*feeds), hash_plan(config, services.secrets),
                                              market_settings(config), services, announcer, std::move(setup)));
}

void Pricing::start() {
  thread_ = std::thread([this] { service_.run(); });
}

runtime::MoneyView Pricing::money() const {
  return [market = market_](MonoTime now, WallTime wall, bool sane) { return market->observe(now, wall, sane); };
}

}  // namespace sluice::cmd
