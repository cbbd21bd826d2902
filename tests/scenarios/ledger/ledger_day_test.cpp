// Days of the simulated house, with the controller that really runs: the ledger's balance closes against the truth.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "ledger/accounts.hpp"
#include "ledger/report.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::ledger {
namespace {

constexpr std::size_t kDay = 86'400;

struct Lived {
  Totals totals;
  double mined_wh = 0.0;  // the truth
  double bought_wh = 0.0, sold_wh = 0.0;
  std::size_t entries = 0;
};

Lived live(const sim::HousePlantSpec& spec, Site site, sim::Trace trace) {
  sim::VirtualHouse house({.house = spec}, std::make_shared<const sim::Trace>(std::move(trace)));
  sim::ProductPolicy product(site, PersistentState{}, sim::VirtualHouse::start(), house.wall_start());
  Accounts accounts;
  Lived lived;
  const auto take = [&](const std::vector<LedgerEntry>& closed) {
    for (const LedgerEntry& entry : closed) lived.totals.add(entry);
    lived.entries += closed.size();
  };
  for (std::size_t second = 0; second < kDay; ++second) {
    house.tick(product);
    take(accounts.add(site, house.snapshot(), house.decision()));
  }
  take(accounts.close());
  lived.mined_wh = 0.0;
  for (const sim::HouseSecond& second : house.house().history()) lived.mined_wh += second.state.miners.value() / 3600.0;
  lived.bought_wh = house.house().meter().imported().value();
  lived.sold_wh = house.house().meter().exported().value();
  return lived;
}

struct Case {
  const char* name;
  bool battery;
  bool zero_export;
};

class Day : public ::testing::TestWithParam<Case> {};

TEST_P(Day, Closes) {
  sim::HousePlantSpec spec;
  spec.pv.rating = Watts(9000);
  Site site;
  site.control.profile = constraint_profile(ProfileName::normal);
  for (const char* plant : {"luxos-target", "vnish-throttle"}) {
    sim::MinerSetup miner;
    miner.spec = sim::plant_spec(plant).value();
    miner.start = sim::StartState::asleep;
    miner.target = miner.spec.envelope.min;
    spec.miners.push_back(miner);
    site.miners.emplace_back();
    site.miners.back().name = plant;
  }
  if (GetParam().battery) {
    spec.battery = sim::BatterySetup{};
    site.battery.present = true;
    site.battery.capacity = spec.battery->spec.capacity;
  }
  if (GetParam().zero_export) {
    spec.pv.zero_export = true;
    site.export_limit = Watts(0);
    site.has_pv_meter = true;
  }
  const Lived day = live(spec, site, sim::generated_day(Watts(8000), sim::Sky::broken, 11));
  const Amounts& m = day.totals.miners;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < kEnergySources; ++i) {
    EXPECT_GE(m[static_cast<EnergySource>(i)], 0);
    sum += m[static_cast<EnergySource>(i)];
  }
  EXPECT_EQ(sum, m[Amount::mined_uwh]) << "to the last millionth";
  const double mined_wh = static_cast<double>(m[Amount::mined_uwh]) / 1e6;
  const Reconciliation meter = reconcile(day.totals.site);
  std::printf(
      "%s: mined %.0f Wh (truth %.0f), curtailed %.0f, export avoided %.0f, battery %.0f, grid %.0f, unknown "
      "%.1f; counters %.0f Wh, unexplained %.2f Wh (%.3f %%), around zero %.1f Wh, %zu entries\n",
      GetParam().name, mined_wh, day.mined_wh, static_cast<double>(m[EnergySource::curtailed]) / 1e6,
      static_cast<double>(m[EnergySource::export_avoided]) / 1e6, static_cast<double>(m[EnergySource::battery]) / 1e6,
      static_cast<double>(m[EnergySource::grid]) / 1e6, static_cast<double>(m[EnergySource::unknown]) / 1e6,
      meter.counter_wh, meter.unexplained_wh, meter.pct.value_or(-1.0), meter.around_zero_wh, day.entries);
  EXPECT_GT(day.mined_wh, 5000.0);
  // What a miner draws is learned against the meter, and beside a battery against that too.
  EXPECT_NEAR(mined_wh, day.mined_wh, 0.02 * day.mined_wh);
  ASSERT_TRUE(meter.pct);
  // A tenth of a per cent, and a count of each counter.
  EXPECT_LE(meter.unexplained_wh, 0.001 * meter.counter_wh + 2.0);
  EXPECT_EQ(meter.resets, 0);
  EXPECT_NEAR(meter.counter_wh, day.bought_wh + day.sold_wh, 2.0);
  EXPECT_EQ(day.totals.site[Amount::gap_ms], 0);
  EXPECT_EQ(day.totals.site[Amount::covered_ms], static_cast<std::int64_t>(kDay - 1) * 1000);
  EXPECT_LE(m[EnergySource::grid], day.totals.site[Amount::bought_uwh] + 1'000'000);
  EXPECT_EQ(m[EnergySource::curtailed] > 0, GetParam().zero_export);
  EXPECT_EQ(m[EnergySource::battery] > 0, GetParam().battery);
}

INSTANTIATE_TEST_SUITE_P(Houses, Day,
                         ::testing::Values(Case{"plain", false, false}, Case{"battery", true, false},
                                           Case{"zero_export", false, true}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace sluice::ledger
