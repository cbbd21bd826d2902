#pragma once
/// From the words of the configuration to a thread that asks for prices, and a market that knows them.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "common/opening.hpp"
#include "common/tariffs.hpp"
#include "io/price_service.hpp"
#include "io/web_client.hpp"
#include "runtime/engine.hpp"
#include "runtime/market.hpp"
#include "tariff/bill.hpp"

namespace sluice::cmd {

/// The feeds that a configuration names, each once, ready to be asked. Errors: an option, a zone, a broker.
Result<std::vector<io::FeedPlan>> feed_plans(const config::Config& config, const feeds::Library& library,
                                             const Services& services);
/// Empty when the configuration does not ask what mining brings.
std::optional<io::HashPlan> hash_plan(const config::Config& config, const config::Secrets& secrets);

/// The configuration's tariff; null when it names none, or a wrong one.
std::shared_ptr<const Tariff> open_tariff(const config::Config& config, const std::vector<std::string>& directories,
                                          const ports::Clock& clock);

/// What the bill of a tariff holds already. The tick feeds it from the meter, the thread of the prices asks it for the
/// tier. Thread-safe.
class BillDesk {
 public:
  /// `kept` is what `remember` put into the state of the process before. All doors must outlive the desk.
  BillDesk(std::shared_ptr<const Tariff> tariff, std::string_view kept, runtime::Announcer& announcer);

  Reading<Watts> observe(WallTime now, const GridObservation& grid);
  std::optional<tariff::TierState> drawn() const;
  void remember(PersistentState& state, bool last);

 private:
  void say(WallTime now);

  const std::shared_ptr<const Tariff> tariff_;
  runtime::Announcer& announcer_;
  mutable std::mutex mutex_;
  tariff::Bill bill_;      ///< guarded by mutex_
  WallTime now_{};         ///< of the newest observation
  WallTime remembered_{};  ///< epoch: not yet
};

/// Null when the tariff has neither tiers nor a demand charge, or is null itself.
std::shared_ptr<BillDesk> open_bill(std::shared_ptr<const Tariff> tariff, std::string_view kept,
                                    runtime::Announcer& announcer);
/// The tariff's prices, with live ones as its energy; empty without a tariff. `bill` may be null.
runtime::TariffOutlook tariff_outlook(std::shared_ptr<const Tariff> tariff, std::shared_ptr<const BillDesk> bill);
/// Lets the tick of `plan` feed the bill, and the state keep it; null: neither.
void attach(std::shared_ptr<BillDesk> bill, runtime::Plan& plan);

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
