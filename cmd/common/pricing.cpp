#include "common/pricing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "feeds/times.hpp"
#include "io/message_device.hpp"
#include "io/small_file.hpp"
#include "io/time_zone.hpp"

namespace sluice::cmd {
namespace {

using config::FeedConfig;
using config::HashSourceConfig;

constexpr const char* kDrawnUnknown = "drawn_unknown";
constexpr const char* kEntryLate = "drawn_entry_late";
constexpr Duration kRememberBillEach = std::chrono::minutes(15);

/// Where a configuration names feeds, and what for.
constexpr std::array<std::pair<const FeedConfig* (*)(const config::Config&), bool io::FeedPlan::*>, 4> kFeedUses{{
    {[](const config::Config& config) { return &config.prices.bought; }, &io::FeedPlan::bought},
    {[](const config::Config& config) { return &config.prices.sold; }, &io::FeedPlan::sold},
    {[](const config::Config& config) { return &config.tariff.colours; }, &io::FeedPlan::colours},
    {[](const config::Config& config) { return &config.tariff.event_feed; }, &io::FeedPlan::events},
}};

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
  for (const auto& [member, used] : kFeedUses) {
    const FeedConfig& feed = *member(config);
    if (feed.feed.empty()) continue;
    auto same = std::ranges::find(plans, key_of(feed), &io::FeedPlan::key);
    if (same == plans.end()) {
      auto plan = feed_plan(config, feed, library, services);
      if (!plan) return tl::unexpected(plan.error());
      plans.push_back(std::move(*plan));
      same = std::prev(plans.end());
    }
    (*same).*used = true;
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

BillDesk::BillDesk(std::shared_ptr<const Tariff> tariff, std::string_view kept, runtime::Announcer& announcer)
    : tariff_(std::move(tariff)),
      announcer_(announcer),
      bill_(tariff_->plan, tariff_->local_time, {tariff_->billing_day, tariff_->accepted_peak}, kept, tariff_->so_far) {
  if (!bill_.refused().empty())
    announcer_.tell(ports::EventLevel::warning, "bill_not_read", "",
                    "what was kept of the electricity bill is not used: " + bill_.refused());
}

Reading<Watts> BillDesk::observe(WallTime now, const GridObservation& grid) {
  const std::lock_guard lock(mutex_);
  now_ = now;
  bill_.observe(now, grid.power, grid.imported);
  if (bill_.has_tiers()) say(now);
  return bill_.limit();
}

void BillDesk::say(WallTime now) {
  if (bill_.entry_late()) {
    announcer_.raise(ports::EventLevel::warning, kEntryLate, "",
                     "what was entered as tariff.so_far is too old to count on from: enter what is so today");
  } else {
    announcer_.clear(kEntryLate, "", "what was entered as tariff.so_far counts");
  }
  if (bill_.drawn()) return announcer_.clear(kDrawnUnknown, "", "what was drawn in this billing period is counted");
  const auto start = tariff::billing_start(tariff_->local_time.at(now).day, tariff_->billing_day);
  const auto next = tariff::billing_start(start + std::chrono::days(31), tariff_->billing_day);
  announcer_.raise(
      ports::EventLevel::warning, kDrawnUnknown, "",
      fmt::format("nobody counted what was drawn since {}: tiers cost their dearest price until {}, or until "
                  "you enter it as tariff.so_far",
                  tariff::to_string(start), tariff::to_string(next)));
}

std::optional<tariff::TierState> BillDesk::drawn() const {
  const std::lock_guard lock(mutex_);
  return bill_.drawn();
}

void BillDesk::remember(PersistentState& state, bool last) {
  const std::lock_guard lock(mutex_);
  // The count moves with every watt-hour: an SD card is not asked to follow it.
  if (!last && now_ >= remembered_ && now_ - remembered_ < kRememberBillEach) return;
  if (now_ == WallTime{}) return;  // nothing was seen: what is kept stays
  remembered_ = now_;
  state.bill = bill_.text();
}

std::shared_ptr<BillDesk> open_bill(std::shared_ptr<const Tariff> tariff, std::string_view kept,
                                    runtime::Announcer& announcer) {
  if (tariff == nullptr || !(tariff::has_tiers(tariff->plan) || tariff::has_demand(tariff->plan))) return nullptr;
  return std::make_shared<BillDesk>(std::move(tariff), kept, announcer);
}

namespace {

/// By the tariff's names; a name that it does not have leaves the day without a colour.
std::map<tariff::LocalDay, std::uint8_t> colours_of(const FeedReport& report, const Tariff& tariff) {
  std::map<tariff::LocalDay, std::uint8_t> colours;
  const auto& names = tariff.plan.colours.names;
  for (const EnergySlot& slot : report.series) {
    const auto told = static_cast<std::size_t>(slot.price.value());
    if (told >= report.colours.size()) continue;
    const auto known = std::ranges::find(names, report.colours[told]);
    if (known != names.end())
      colours[tariff.local_time.at(slot.begin).day] = static_cast<std::uint8_t>(known - names.begin());
  }
  return colours;
}

}  // namespace

runtime::TariffOutlook tariff_outlook(std::shared_ptr<const Tariff> tariff, std::shared_ptr<const BillDesk> bill) {
  if (tariff == nullptr) return {};
  return [tariff = std::move(tariff), bill = std::move(bill)](const runtime::Announced& announced, WallTime from,
                                                              WallTime to) {
    tariff::Circumstances circumstances = tariff->circumstances();
    circumstances.live_energy = announced.energy;
    circumstances.live_export = announced.exported;
    if (announced.colours != nullptr) circumstances.colours = colours_of(*announced.colours, *tariff);
    if (announced.events != nullptr) {
      for (const EnergySlot& slot : announced.events->series)
        circumstances.events.push_back({slot.begin, slot.end, {}, {}});
    }
    if (bill) circumstances.drawn = bill->drawn();
    return tariff::Evaluation(tariff->plan, tariff->local_time, std::move(circumstances)).outlook(from, to);
  };
}

void attach(std::shared_ptr<BillDesk> bill, runtime::Plan& plan) {
  if (bill == nullptr) return;
  plan.bill = [bill](WallTime now, const GridObservation& grid) { return bill->observe(now, grid); };
  plan.bill_memory = [bill](PersistentState& state, bool last) { bill->remember(state, last); };
}

std::vector<std::string> price_urls(const config::Config& config, const feeds::Library& library) {
  std::vector<std::string> urls;
  for (const auto& [member, used] : kFeedUses) {
    const FeedConfig& feed = *member(config);
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
