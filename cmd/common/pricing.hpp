#pragma once
/// From the words of the configuration to a thread that asks for prices, and a market that knows them.

#include <memory>
#include <string>
#include <thread>

#include "common/opening.hpp"
#include "common/tariffs.hpp"
#include "io/price_service.hpp"
#include "io/web_client.hpp"
#include "runtime/market.hpp"

namespace sluice::cmd {

/// The feeds that a configuration names, each once, ready to be asked. Errors: an option, a zone, a broker.
Result<std::vector<io::FeedPlan>> feed_plans(const config::Config& config, const feeds::Library& library,
                                             const Services& services);
/// Empty when the configuration does not ask what mining brings.
std::optional<io::HashPlan> hash_plan(const config::Config& config, const config::Secrets& secrets);

/// The configuration's tariff; null when it names none, or a wrong one.
std::shared_ptr<const Tariff> open_tariff(const config::Config& config, const std::vector<std::string>& directories,
                                          const ports::Clock& clock);
/// Its prices, with live ones as its energy; empty without a tariff.
runtime::TariffOutlook tariff_outlook(std::shared_ptr<const Tariff> tariff);

/// The watch over its demand charges; empty without any. It begins anew with the daemon: what was billed
/// before is not remembered, which allows less, not more.
runtime::DemandView demand_view(std::shared_ptr<const Tariff> tariff);

/// Hosts that a configuration's prices are asked from.
std::vector<std::string> price_urls(const config::Config& config, const feeds::Library& library);

/// The thread "prices" and what it knows, of one configuration. Ends with the object.
class Pricing {
 public:
  struct Setup {
    std::string cache_directory;    ///< empty: nothing is kept
    std::string version;            ///< told to servers
    runtime::TariffOutlook tariff;  ///< may be empty
  };
  static Result<std::unique_ptr<Pricing>> open(const config::Config& config, const feeds::Library& library,
                                               const Services& services, runtime::Announcer& announcer, Setup setup);
  ~Pricing();
  Pricing(const Pricing&) = delete;
  Pricing& operator=(const Pricing&) = delete;

  /// Begins to ask. Before, it knows what the caches hold.
  void start();
  /// For the tick; outlives this object.
  runtime::MoneyView money() const;
  std::shared_ptr<const runtime::MarketView> view() const { return market_->view(); }

 private:
  Pricing(std::vector<io::FeedPlan> feeds, std::optional<io::HashPlan> hash, runtime::MarketSettings settings,
          const Services& services, runtime::Announcer& announcer, Setup setup);

  io::WebClient web_;
  std::shared_ptr<runtime::Market> market_;
  io::PriceService service_;
  std::thread thread_;
};

}  // namespace sluice::cmd
