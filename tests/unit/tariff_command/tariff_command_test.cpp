// The tariff of a configuration, and the program's `tariff` commands.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/pricing.hpp"
#include "common/tariffs.hpp"
#include "ledger/report.hpp"
#include "runtime/fakes.hpp"
#include "runtime/tick_loop.hpp"
#include "sim/sim_clock.hpp"
#include "store/ledger_file.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;
using std::chrono::hours;

const std::vector<std::string> kShipped{SLUICE_SOURCE_DIR "/config/tariffs"};

config::Config with(const std::string& plan, const std::string& currency) {
  config::Config config;
  config.currency = currency;
  config.tariff.plan = plan;
  return config;
}

std::string said(const TariffLoad& load) {
  std::string all;
  for (const auto& remark : load.remarks) all += remark.path + ": " + remark.message + "; " + remark.hint + "\n";
  return all;
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

TEST(ConfiguredTariff, ItsDemandChargeIsWatched) {
  config::Config config = with("ontario-ulo", "CAD");
  sim::SimClock clock(from_unix_ms(1'780'000'000'000));  // in the spring of 2026
  runtime::World world;
  const auto bill = [&] { return open_bill(open_tariff(config, kShipped, clock), "", world.announcer); };
  EXPECT_FALSE(bill()) << "no demand charge, no tier: nothing to watch";
  EXPECT_FALSE(open_bill(nullptr, "", world.announcer)) << "no tariff";
  config.tariff.demand_rate_per_kw = 12.0;
  config.tariff.accepted_peak = Watts(3000.0);
  const auto watch = bill();
  ASSERT_TRUE(watch);
  GridObservation grid;
  grid.power = Reading<Watts>::good(Watts(500.0), clock.now());
  const auto limit = watch->observe(clock.wall_now(), grid);
  ASSERT_TRUE(limit.usable());
  EXPECT_GE(limit.value.value(), 3000.0 - 1e-6);
}

/// A daemon's tick, market and bill in front of a house that draws 6 kW, as one process after another sees it.
class BilledHouse : public ::testing::Test {
 protected:
  BilledHouse() {
    world_.clock.wall_step = from_unix_ms(1'768'480'000'000) - world_.clock.wall_now();  // 2026-01-15
  }

  /// Ends the process before, orderly or not, and begins another one.
  void begin(const config::Config& config, bool orderly = true) {
    if (orderly && bill_) bill_->remember(state_, true);
    keeper_ = std::make_unique<runtime::StateKeeper>(state_, world_.store, world_.clock, world_.announcer);
    const auto tariff = open_tariff(config, kShipped, world_.clock);
    ASSERT_TRUE(tariff);
    bill_ = open_bill(tariff, state_.bill, world_.announcer);
    runtime::Plan plan;
    attach(bill_, plan);
    runtime::MarketSettings settings;
    settings.currency = "CAD";
    market_ =
        std::make_unique<runtime::Market>(settings, tariff_outlook(tariff, bill_), world_.clock, world_.announcer);
    auto crew = std::make_shared<runtime::Crew>();
    crew->local_day = [](WallTime) { return std::int64_t{20468}; };
    crew->bill = plan.bill;
    crew->bill_memory = plan.bill_memory;
    crew->money = [this](MonoTime now, WallTime wall, bool sane) { return market_->observe(now, wall, sane); };
    std::vector<runtime::PolledDevice> devices;
    const auto answer = [this] {
      ports::DevicePoll poll{world_.clock.now(), {{Measurement::grid_w, power_w_, "", {}, ""}}};
      if (has_counter_) poll.values.push_back({Measurement::grid_import_wh, counter_wh_, "", {}, ""});
      return Result<ports::DevicePoll>(std::move(poll));
    };
    devices.push_back(
        {{runtime::DeviceRole::grid}, std::chrono::seconds(1), std::make_unique<runtime::FakeDevice>("meter", answer)});
    crew->pollers.push_back(
        std::make_shared<runtime::DevicePoller>(std::move(devices), world_.clock, world_.announcer, [] {}));
    loop_ = std::make_unique<runtime::TickLoop>(
        runtime::TickLoop::Doors{
            maker_, world_.clock, world_.clock, world_.recorder, world_.announcer, *keeper_, intents_, {}},
        crew);
    poller_ = crew->pollers[0];
  }

  void run(Duration time) {
    for (Duration passed{}; passed < time; passed += std::chrono::seconds(1)) {
      pass(std::chrono::seconds(1));
      poller_->run_once();
      if (passed % std::chrono::minutes(1) == Duration{}) market_->take({});
      loop_->tick();
    }
    market_->take({});
    state_ = keeper_->state();
  }
  void pass(Duration time) {
    world_.clock.advance(time);
    counter_wh_ += power_w_ * to_seconds(time) / 3600.0;
  }
  /// Cents before the multiplier, as the plan's file says them.
  double cents() {
    const auto money = market_->observe(world_.clock.now(), world_.clock.wall_now(), true);
    const PriceSlot* slot = money.prices->at(world_.clock.wall_now());
    return slot == nullptr ? NAN : slot->import_price.value() * 100.0 / 0.895;
  }
  void kept(double drawn_wh) {
    state_.bill = fmt::format(
        R"({{"plan":"ontario-tiered","peaks":[],"drawn":{{"billing_start":"2026-01-01","counted_wh":{},"since_wh":0,)"
        R"("whole":true,"missed":false,"seen_until_unix_ms":{}}}}})",
        drawn_wh, unix_ms(world_.clock.wall_now()));
  }

  double power_w_ = 6000.0, counter_wh_ = 5e6;
  bool has_counter_ = false;
  runtime::World world_;
  PersistentState state_;
  runtime::FakeMaker maker_;
  runtime::Intents intents_;
  std::shared_ptr<BillDesk> bill_;
  std::unique_ptr<runtime::StateKeeper> keeper_;
  std::unique_ptr<runtime::Market> market_;
  std::unique_ptr<runtime::TickLoop> loop_;
  std::shared_ptr<runtime::DevicePoller> poller_;
};

TEST_F(BilledHouse, TheSecondTierBeginsWhenTheFirstIsUsedUp) {
  kept(999'000.0);
  begin(with("ontario-tiered", "CAD"));
  run(std::chrono::minutes(8));  // 0.8 kWh
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  run(std::chrono::minutes(4));
  EXPECT_NEAR(cents(), 14.2, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_unknown"), 0);
}

TEST_F(BilledHouse, ARestartKeepsTheCountAndTheCounterFillsTheGap) {
  has_counter_ = true;
  kept(996'000.0);
  begin(with("ontario-tiered", "CAD"));
  run(std::chrono::minutes(20));  // 2 kWh
  begin(with("ontario-tiered", "CAD"), false);
  pass(std::chrono::minutes(15));  // 1.5 kWh, which nobody saw
  run(std::chrono::minutes(1));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 999.6, 0.02) << "killed: what was kept is older, the counter is not";
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  run(std::chrono::minutes(5));
  EXPECT_NEAR(cents(), 14.2, 1e-9);
}

TEST_F(BilledHouse, WhatNobodyCountedCostsTheDearestTierUntilTheNextPeriod) {
  begin(with("ontario-tiered", "CAD"));
  run(std::chrono::minutes(2));
  EXPECT_NEAR(cents(), 14.2, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_unknown"), 1) << "said once";
  EXPECT_EQ(world_.recorder.count("price_doubtful"), 1);
  EXPECT_EQ(world_.recorder.count("prices_missing"), 0) << "the tariff has a price";
  kept(10'000.0);
  begin(with("ontario-tiered", "CAD"), false);
  pass(hours(3));  // without a counter nobody knows
  run(std::chrono::minutes(2));
  EXPECT_NEAR(cents(), 14.2, 1e-9);

  kept(10'000.0);
  begin(with("ontario-tiered", "CAD"), false);
  run(std::chrono::minutes(2));
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_unknown", true), 1);
}

TEST_F(BilledHouse, WhatTheOwnerReadIsCountedOnFromOnceAndCorrected) {
  config::Config config = with("ontario-tiered", "CAD");
  config.tariff.so_far = {"2026-01-15 07:00", 998.0, {}};  // 27 minutes ago: 1.3 kWh at the mean of the month
  begin(config);
  run(std::chrono::minutes(2));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 998.0 + 1.3 + 0.2, 0.02);
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_unknown"), 0);
  run(std::chrono::minutes(8));
  EXPECT_NEAR(cents(), 14.2, 1e-9);
  begin(config);
  run(std::chrono::minutes(2));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 998.0 + 1.3 + 1.2, 0.03) << "not begun anew";
  config.tariff.so_far.drawn_kwh = 898.0;
  begin(config);
  run(std::chrono::minutes(1));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 898.0 + 1.3 + 1.3, 0.03) << "it was misread";
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_entry_late"), 0);
}

TEST_F(BilledHouse, AnEntryOfTheDayBeforeIsFilledUpAtItsMeanAndCountedByTheMeterFromThen) {
  config::Config config = with("ontario-tiered", "CAD");
  config.tariff.so_far = {"2026-01-14", 650.0, {}};  // 50 kWh a day for 13 days
  has_counter_ = true;
  begin(config);
  run(std::chrono::seconds(1));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 650.0 + 65.5, 0.1);
  run(std::chrono::minutes(1));
  begin(config, true);
  pass(hours(5));  // 30 kWh, which only the counter saw
  run(std::chrono::minutes(1));
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 650.0 + 65.5 + 30.2, 0.1);
}

TEST_F(BilledHouse, AnEntryThatIsTooOldIsSaidAndNotUsed) {
  config::Config config = with("ontario-tiered", "CAD");
  config.tariff.so_far = {"2026-01-11", 500.0, {}};
  begin(config);
  run(std::chrono::minutes(2));
  EXPECT_FALSE(bill_->drawn());
  EXPECT_NEAR(cents(), 14.2, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_entry_late"), 1);
  config.tariff.so_far = {"2026-01-15 00:30", 600.0, {}};
  begin(config);
  run(std::chrono::minutes(2));
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  EXPECT_EQ(world_.recorder.count("drawn_entry_late", true), 1);
  config.tariff.so_far = {"2025-12-31", 600.0, {}};
  state_.bill.clear();
  begin(config, false);
  run(std::chrono::minutes(2));
  EXPECT_FALSE(bill_->drawn()) << "of the billing period before";
}

TEST_F(BilledHouse, APeakThatIsBilledAlreadyIsAllowedFromTheStart) {
  config::Config config = with("ontario-ulo", "CAD");
  config.tariff.demand_rate_per_kw = 12.0;
  power_w_ = 500.0;
  begin(config);
  run(std::chrono::minutes(20));
  EXPECT_LT(maker_.seen.back().money.demand_limit.value.value(), 1000.0);
  config.tariff.so_far = {"2026-01-12", {}, 6.0};
  begin(config);
  run(std::chrono::minutes(20));
  EXPECT_GT(maker_.seen.back().money.demand_limit.value.value(), 5500.0);
  config.tariff.so_far.at = "2025-12-31";
  begin(config);
  run(std::chrono::minutes(20));
  EXPECT_LT(maker_.seen.back().money.demand_limit.value.value(), 1000.0) << "billed last month, and no ratchet";
}

TEST_F(BilledHouse, ANewPeriodBeginsAtNothing) {
  world_.clock.wall_step += from_unix_ms(1'769'921'700'000) - world_.clock.wall_now();  // 31 January, 23:55 local
  kept(1'200'000.0);
  begin(with("ontario-tiered", "CAD"));
  run(std::chrono::minutes(3));
  EXPECT_NEAR(cents(), 14.2, 1e-9);
  run(std::chrono::minutes(4));
  EXPECT_NEAR(cents(), 12.0, 1e-9);
  EXPECT_NEAR(bill_->drawn()->drawn_kwh, 0.2, 0.02);
}

TEST_F(BilledHouse, ARestartInMidMonthKeepsTheBilledPeak) {
  config::Config config = with("ontario-ulo", "CAD");
  config.tariff.demand_rate_per_kw = 12.0;
  begin(config);
  run(std::chrono::minutes(45));
  power_w_ = 500.0;
  run(std::chrono::minutes(20));
  const double before_w = maker_.seen.back().money.demand_limit.value.value();
  EXPECT_GT(before_w, 5500.0) << "the house has made a peak of 6 kW";
  begin(config);
  run(std::chrono::minutes(30));  // the same place in a later interval
  EXPECT_NEAR(maker_.seen.back().money.demand_limit.value.value(), before_w, 5.0);

  state_.bill = "{\"plan\":\"ontario-ulo\",\"peaks\":[{\"charge\":\"demand\",\"mean_w\":1e99}]}";
  begin(config, false);
  EXPECT_EQ(world_.recorder.events.back().code, "bill_not_read");
  expect_has(world_.recorder.events.back().text, "garbled");
  run(std::chrono::minutes(1));
  EXPECT_LT(maker_.seen.back().money.demand_limit.value.value(), 1000.0) << "nothing is invented";
  kept(10.0);
  begin(config, false);
  expect_has(world_.recorder.events.back().text, "it is of the tariff ontario-tiered");
}

TEST(ConfiguredTariff, ADayHasTheColourThatAFeedTellsAndTheDearestUntilThen) {
  config::Config config = with("fr-tempo", "EUR");
  config.tariff.colours.feed = "fr-tempo-days";
  sim::SimClock clock(from_unix_ms(1'768'478'400'000));  // 2026-01-15 13:00 in Paris
  const auto tariff = open_tariff(config, kShipped, clock);
  ASSERT_TRUE(tariff);
  const auto outlook = tariff_outlook(tariff, nullptr);
  const auto noon = [&](const char* day) { return tariff->local_time.when(*tariff::parse_day(day), hours(12)); };
  FeedReport report;
  report.colours = {"blue", "white", "red", "green"};
  const auto midnight = tariff->local_time.when(*tariff::parse_day("2026-01-15"));
  report.series = {{midnight, midnight + hours(24), PricePerKwh(0.0)},
                   {midnight + hours(48), midnight + hours(72), PricePerKwh(3.0)}};
  runtime::Announced announced;
  announced.colours = &report;
  const PriceOutlook prices = outlook(announced, midnight, midnight + hours(96));
  EXPECT_NEAR(prices.at(noon("2026-01-15"))->import_price.value(), 0.16, 1e-9);
  EXPECT_EQ(prices.at(noon("2026-01-15"))->kind, PriceKind::fixed);
  for (const char* day : {"2026-01-16", "2026-01-17"}) {
    EXPECT_NEAR(prices.at(noon(day))->import_price.value(), 0.71, 1e-9) << "not told, or a colour that nobody has";
    EXPECT_EQ(prices.at(noon(day))->kind, PriceKind::fallback);
  }
  EXPECT_NEAR(prices.at(noon("2026-01-16") - hours(7))->import_price.value(), 0.13, 1e-9) << "blue until 06:00";
}

TEST(ConfiguredTariff, AnEventThatAFeedAnnouncesCostsWhatThePlanSays) {
  const config::Config config = with("qc-flex-d", "CAD");
  sim::SimClock clock(from_unix_ms(1'768'478'400'000));
  const auto tariff = open_tariff(config, kShipped, clock);
  ASSERT_TRUE(tariff);
  const auto when = [&](int hour) { return tariff->local_time.when(*tariff::parse_day("2026-01-15"), hours(hour)); };
  FeedReport report;
  report.series = {{when(16), when(20), PricePerKwh(0.0), PriceKind::published, true}};
  runtime::Announced announced;
  announced.events = &report;
  const PriceOutlook prices = tariff_outlook(tariff, nullptr)(announced, when(0), when(23));
  EXPECT_TRUE(prices.at(when(17))->event);
  EXPECT_GT(prices.at(when(17))->import_price, prices.at(when(12))->import_price * 2.0);
  EXPECT_FALSE(prices.at(when(20))->event);
}

TEST(ConfiguredTariff, AFeedThatThePlanHasNoUseForIsRefused) {
  config::Config config = with("us-summer", "USD");
  config.tariff.colours.feed = "fr-tempo-days";
  config.tariff.event_feed.feed = "json-events";
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  EXPECT_FALSE(load.tariff);
  expect_has(said(load), "tariff.colours: the plan knows no colours of days");
  expect_has(said(load), "tariff.event_feed: the plan has no price for events");
}

TEST(ConfiguredTariff, ColoursThatPlanAndFeedCallDifferentlyAreNamed) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("sluice-colours-{}", getpid());
  std::filesystem::create_directory(folder);
  config::Config config = with("fr-tempo", "EUR");
  config.tariff.colours.feed = "fr-tempo-days";
  const auto judged = [&](const std::string& colours) {
    std::ifstream shipped(SLUICE_SOURCE_DIR "/config/prices/fr-tempo-days.yaml");
    std::string feed{std::istreambuf_iterator<char>(shipped), std::istreambuf_iterator<char>()};
    const auto from = feed.find("\ncolours: ") + 1;
    if (!colours.empty()) feed.replace(from, feed.find('\n', from) - from, "colours: " + colours);
    std::ofstream(folder / "fr-tempo-days.yaml") << feed;
    const feeds::Library library = feeds::Library::load({folder.string()});
    EXPECT_TRUE(library.mistakes().empty());
    return load_tariff(config, kShipped, std::nullopt, &library);
  };
  EXPECT_EQ(said(judged("")), "");
  const TariffLoad misspelt = judged("{blue: [\"1\"], whit: [\"2\"], red: [\"3\"]}");
  EXPECT_FALSE(misspelt.tariff);
  expect_has(said(misspelt),
             "tariff.colours: fr-tempo-days tells days of the colour `whit`, which the plan fr-tempo "
             "does not have: blue, white, red; under `colours:` in ");
  expect_has(said(misspelt), "/fr-tempo-days.yaml write white instead");
  const TariffLoad lacking = judged("{blue: [\"1\"], white: [\"2\"]}");
  EXPECT_TRUE(lacking.tariff) << "its days cost the dear price: " << said(lacking);
  expect_has(said(lacking), "tariff.colours: fr-tempo-days never tells a day of the plan's colour `red`; under");
  expect_has(said(lacking), "it tells: blue, white\n");
  std::filesystem::remove_all(folder);
}

TEST(ConfiguredTariff, WhatTheBillSaysOtherwiseCounts) {
  config::Config config = with("ontario-ulo", "CAD");
  config.tariff.multiplier = 1.13;
  config.tariff.adders = {{"delivery", PricePerKwh(0.02)}};
  config.tariff.exported = config::TariffExport::fixed;
  config.tariff.export_price = PricePerKwh(-0.01);
  config.tariff.events = {{"2026-12-10 06:00", "2026-12-10 09:00", PricePerKwh(2.0), std::nullopt}};
  config.tariff.demand_rate_per_kw = 12.0;
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  ASSERT_TRUE(load.tariff) << said(load);
  const Tariff& tariff = *load.tariff;
  const tariff::Evaluation evaluation(tariff.plan, tariff.local_time, tariff.circumstances());
  const auto at = [&](int hour) {
    return evaluation.at(tariff.local_time.when(*tariff::parse_day("2026-12-10"), hours(hour)));
  };
  EXPECT_NEAR(at(17).import_price->value(), (0.391 + 0.02) * 1.13, 1e-9);
  EXPECT_NEAR(at(17).export_price->value(), -0.01, 1e-9);
  EXPECT_TRUE(at(17).demand_window);
  EXPECT_NEAR(at(8).import_price->value(), 2.0, 1e-9);
  EXPECT_TRUE(at(8).event);
}

TEST(ConfiguredTariff, AnotherClock) {
  config::Config config = with("us-summer", "USD");
  config.tariff.zone = "-08:00";
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  ASSERT_TRUE(load.tariff) << said(load);
  EXPECT_EQ(load.tariff->local_time.offset(WallTime()), hours(-8));
}

TEST(ConfiguredTariff, EverythingThatIsWrongIsSaidAtOnce) {
  config::Config config = with("ontario-tou", "EUR");
  config.tariff.events = {{"tomorrow", "2026-12-10 09:00", PricePerKwh(1.0), std::nullopt},
                          {"2026-12-10 09:00", "2026-12-10 09:00", std::nullopt, std::nullopt}};
  config.tariff.demand_interval = std::chrono::minutes(7);
  const TariffLoad load = load_tariff(config, kShipped, std::nullopt);
  EXPECT_FALSE(load.tariff);
  expect_has(said(load), "tariff.plan: the plan is in CAD, site.currency is EUR");
  expect_has(said(load), "tariff.events[0].from: \"tomorrow\" is no time; write it as 2026-12-10 06:00");
  expect_has(said(load), "tariff.events[1].to: lies not after `from`");
  expect_has(said(load), "tariff.events[1].import_per_kwh: is missing: the plan has no price for events");
  expect_has(said(load), "tariff.demand.interval_s: does not divide an hour");
  expect_has(said(load_tariff(with("ontario-tuo", "CAD"), kShipped, std::nullopt)), "did you mean ontario-tou?");
  expect_has(said(load_tariff(with("/no/such/plan.yaml", "CAD"), kShipped, std::nullopt)), "cannot be read");
  config = with("ontario-tou", "CAD");
  config.tariff.zone = "Ontario";
  expect_has(said(load_tariff(config, kShipped, std::nullopt)), "tariff.zone: no time zone `Ontario`");
}

TEST(ConfiguredTariff, WhatWasDrawnSoFarIsHeldAgainstThePlanAndTheClock) {
  const WallTime now = from_unix_ms(1'768'480'000'000);  // 2026-01-15
  const auto judged = [&](const char* plan, const char* at, std::optional<double> kwh, std::optional<double> kw) {
    config::Config config = with(plan, "CAD");
    config.tariff.so_far = {at, kwh, kw};
    return load_tariff(config, kShipped, now);
  };
  const TariffLoad good = judged("ontario-tiered", "2026-01-14", 400.0, {});
  ASSERT_TRUE(good.tariff) << said(good);
  EXPECT_EQ(unix_ms(good.tariff->so_far->at), 1'768'366'800'000) << "midnight in Toronto";
  const TariffLoad useless = judged("ontario-tou", "14 January", 400.0, 3.0);
  EXPECT_FALSE(useless.tariff);
  expect_has(said(useless), "tariff.so_far.at: \"14 January\" is no time; write it as 2026-12-10 06:00, or as a date");
  expect_has(said(useless), "tariff.so_far.drawn_kwh: has no effect: the plan has no tiers; remove it");
  expect_has(said(useless), "tariff.so_far.peak_kw: has no effect: the plan has no demand charge");
  expect_has(said(judged("ontario-tiered", "2026-01-14", {}, {})), "tariff.so_far: says nothing; write drawn_kwh");
  expect_has(said(judged("ontario-tiered", "2026-01-16", 1.0, {})), "tariff.so_far.at: lies ahead");
  const TariffLoad old = judged("ontario-tiered", "2025-12-31", 1.0, {});
  EXPECT_TRUE(old.tariff);
  expect_has(said(old), "tariff.so_far: is of a billing period that is over");
}

TEST(ConfiguredTariff, OldPricesAreSaidAndUsed) {
  const WallTime now(std::chrono::hours(24 * 365 * 60));  // 2029
  const TariffLoad load = load_tariff(with("ontario-tou", "CAD"), kShipped, now);
  EXPECT_TRUE(load.tariff);
  expect_has(said(load), "new prices were expected from 2026-11-01");
}

/// Standard output and error of the program, and its exit code.
std::pair<std::string, int> run_program(const std::string& arguments, const char* errors = "2>&1") {
  const std::string command = std::string(SLUICE_PROGRAM) + " " + arguments + " " + errors;
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part{};
  while (fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) text += part.data();
  const int status = pclose(pipe);
  return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

std::pair<std::string, int> run(const std::string& arguments, const char* errors = "2>&1") {
  return run_program("tariff " + arguments, errors);
}

TEST(TariffCommand, ListNamesThePlansWithTheirSources) {
  const auto [text, code] = run("list");
  EXPECT_EQ(code, 0);
  expect_has(text, "ontario-ulo");
  expect_has(text, "Ontario Energy Board");
  const json list = json::parse(run("list --json").first);
  EXPECT_GE(list.size(), 14U);
}

TEST(TariffCommand, ShowPrintsADayOfTwentyFiveHours) {
  const json shown = json::parse(run("show ontario-ulo --from 2026-11-01 --days 1 --json", "2>/dev/null").first);
  double seconds = 0;
  for (const json& slot : shown["slots"]) seconds += slot["duration_s"].get<double>();
  EXPECT_DOUBLE_EQ(seconds, 25 * 3600);
  EXPECT_EQ(shown["slots"][0]["begin"], "2026-11-01T00:00:00-04:00");
  EXPECT_EQ(shown["to"], "2026-11-02T00:00:00-05:00");
  const std::string text = run("show ontario-ulo --from 2026-11-01 --days 1").first;
  expect_has(text, "25 h");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);  // no colours on a pipe
}

TEST(TariffCommand, CheckAndImport) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("sluice-tariff-{}", getpid());
  std::filesystem::create_directory(folder);
  const std::string plan = (folder / "mine.yaml").string(), rate = (folder / "rate.json").string();
  std::ofstream(plan)
      << "id: mine\ntitle: x\nsource: x\nchecked: 2026-01-01\ncurrency: EUR\nunit: EUR/kWh\nzone: Mars/North\n"
         "versions: [{valid_from: 2026-01-01, periods: {a: 0.3}, rules: [{use: a, time: \"06:00-22:00\"}]}]\n";
  auto [text, code] = run("check " + plan);
  EXPECT_EQ(code, 2);
  expect_has(text, "mine.yaml:7:7: zone: no time zone is called `Mars/North`");
  std::tie(text, code) = run("check " + plan.substr(0, plan.size() - 5));
  EXPECT_EQ(code, 2);
  expect_has(text, "cannot be read");

  json schedule = json::array();
  for (int month = 0; month < 12; ++month) schedule.push_back(std::vector<int>(24, 0));
  std::ofstream(rate) << json{{"label", "abc"},
                              {"name", "Flat"},
                              {"energyratestructure", {{{{"rate", 0.1}}}}},
                              {"energyweekdayschedule", schedule},
                              {"energyweekendschedule", schedule}};
  std::tie(text, code) = run("import " + rate + " --id mine --zone America/Chicago > " + plan, "2>/dev/null");
  EXPECT_EQ(code, 0) << text;
  expect_has(run("import " + rate + " --id mine --zone America/Chicago").first,
             "warning: the database knows no holidays");
  std::tie(text, code) = run("check " + plan);
  EXPECT_EQ(code, 0) << text;
  expect_has(run("show " + plan + " --days 1").first, "period-0");
  std::tie(text, code) = run("import " + rate + " --id mine --zone Chicago");
  EXPECT_EQ(code, 2);
  expect_has(text, "no time zone `Chicago`");
  std::filesystem::remove_all(folder);
}

/// `sluice report` over a ledger of two months in which mining came to bring less.
class ReportCommand : public ::testing::Test {
 protected:
  ReportCommand() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-report-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const Result<FoundPlan> found = find_plan("ontario-tou", kShipped);
    EXPECT_TRUE(found);
    for (const char* name : {"off-peak", "mid-peak", "on-peak"}) {
      const auto& names = found->plan.period_names;
      periods_.push_back(std::ranges::find(names, name) - names.begin());
      EXPECT_LT(periods_.back(), std::ssize(names)) << name;
    }
    month(4, 0.06);
    month(5, 0.045);
    NullLog log;
    auto file = store::LedgerFile::open(folder_ + "/ledger.db", {}, from_unix_ms(1'780'000'000'000), log);
    EXPECT_TRUE(file && file->append(entries_));
  }
  ~ReportCommand() override { std::filesystem::remove_all(folder_); }

  /// 50 TH/s at 20 J/TH for an hour, 800 Wh of it with a price of the bitcoin.
  void month(int number, double hash_price) {
    LedgerEntry entry;
    entry.local_day = ledger::local_day_of({2026, number, 10});
    entry.quarter = entry.local_day * 96;
    LedgerEntry miner = entry;
    miner.subject = "s19";
    miner.amounts[Amount::mined_uwh] = 1'000'000'000;
    miner.amounts[Amount::work_gh] = 50'000 * 3600;
    miner.amounts[Amount::revenue_msat] = 100'400;
    miner.amounts[Amount::msat_unpriced_uwh] = 200'000'000;
    entries_.push_back(miner);
    for (const auto& [period, price] : {std::pair(0, 0.06), std::pair(1, 0.11), std::pair(2, 0.30)}) {
      LedgerEntry site = entry;
      site.period = periods_[static_cast<std::size_t>(period)];
      site.amounts[Amount::import_priced_ms] = site.amounts[Amount::hash_priced_ms] = 900'000;
      site.amounts[Amount::import_price_n_s] = std::llround(price * 1e9 * 900);
      site.amounts[Amount::hash_price_n_s] = std::llround(hash_price * 1e9 * 900);
      entries_.push_back(site);
    }
  }
  std::pair<std::string, int> report(const std::string& tariff, const std::string& arguments = "") const {
    std::ofstream(folder_ + "/sluice.yaml")
        << "version: 1\nsite: {currency: CAD}\ndevices: [{name: meter, template: sunspec-meter, role: grid, modbus: "
           "{host: 127.0.0.1}}]\n"
        << tariff;
    return run_program("report --config " + folder_ + "/sluice.yaml --state-dir " + folder_ + " " + arguments);
  }

  std::string folder_;
  std::vector<std::int64_t> periods_;
  std::vector<LedgerEntry> entries_;
};

TEST_F(ReportCommand, NamesThePeriodsThatFlipWithTheirHours) {
  const auto [text, code] = report("tariff: {plan: ontario-tou}\n");
  EXPECT_EQ(code, 0) << text;
  expect_has(text, "break-even    0.1250 → 0.0938 CAD/kWh from 2026-04 to 2026-05");
  expect_has(text, "your break-even moved: these periods flip:\n                mid-peak at 0.1100, ");
  expect_has(text, ": no longer worth buying\n");
  EXPECT_EQ(text.find("on-peak at"), std::string::npos) << "too dear before and after";
  const json flips = json::parse(report("tariff: {plan: ontario-tou}\n", "--json").first)["break_even"]["flips"];
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0]["name"], "mid-peak");
  EXPECT_EQ(flips[0]["worth_it_now"], false);
  EXPECT_NE(flips[0]["hours"], "");
  expect_has(report("").first, fmt::format("period {} at 0.1100: no longer worth buying", periods_[1]));
}

TEST_F(ReportCommand, SaysHowMuchOfItsSatsRestsOnNoPrice) {
  const auto [text, code] = report("", "--from 2026-04-01 --to 2026-05-31");
  EXPECT_EQ(code, 0) << text;
  expect_has(text, "\nestimated     201 sats (0.40 kWh without a bitcoin price)\n");
  expect_has(report("").first, "\nestimated     100 sats (0.20 kWh without a bitcoin price)\n");
}

}  // namespace
}  // namespace sluice::cmd
