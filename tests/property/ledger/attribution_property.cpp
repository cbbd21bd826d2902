// What must hold of every second's attribution, whatever the house does; and that it is the difference of two houses,
// with and without miners, found by brute force.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "ledger/attribution.hpp"

namespace sluice::ledger {
namespace {

constexpr std::uint64_t kSeed = 20'260'531;
constexpr int kRuns = 20'000;
constexpr double kTinyW = 1e-6;

double of(const SourceWatts& watts, EnergySource source) { return watts[static_cast<std::size_t>(source)].value(); }

/// A house as an inverter runs it: sun serves the load, what is left charges, is sold up to the limit, is throttled;
/// what is missing is discharged, then bought.
struct House {
  double sun, load, room, discharge_most;
  double limit = INFINITY;

  struct Meters {
    double grid, battery, throttled;
  };
  Meters with(double mining) const {
    const double need = load + mining;
    double left = sun - need;
    if (left >= 0.0) {
      const double charge = std::min(left, room);
      left -= charge;
      const double sold = std::min(left, limit);
      return {-sold, -charge, left - sold};
    }
    const double discharge = std::min(-left, discharge_most);
    return {-left - discharge, discharge, 0.0};
  }
};

class Attribution : public ::testing::Test {
 protected:
  double uniform(double low, double high) { return low + (high - low) * unit_(random_); }
  bool coin() { return uniform(0, 1) < 0.5; }
  House house() {
    House house{coin() ? uniform(0, 9000) : 0.0, uniform(0, 4000), coin() ? uniform(0, 5000) : 0.0,
                coin() ? uniform(0, 5000) : 0.0};
    if (coin()) house.limit = coin() ? 0.0 : uniform(0, 5000);
    return house;
  }
  static Flows flows(const House& house, double mining) {
    const House::Meters meters = house.with(mining);
    Flows flows{Watts(mining), Watts(meters.grid), Watts(meters.battery), Watts(house.room), {}};
    if (std::isfinite(house.limit)) flows.export_limit = Watts(house.limit);
    return flows;
  }

 private:
  std::mt19937_64 random_{kSeed};
  std::uniform_real_distribution<double> unit_{0.0, 1.0};
};

TEST_F(Attribution, IsTheDifferenceOfTheHouseWithAndWithoutMiners) {
  for (int run = 0; run < kRuns; ++run) {
    const House house = this->house();
    const double mining = uniform(0, 7000);
    const House::Meters with = house.with(mining), without = house.with(0.0);
    const SourceWatts watts = sources_of(flows(house, mining));
    SCOPED_TRACE(::testing::Message() << "seed " << kSeed << " run " << run << ": sun " << house.sun << " load "
                                      << house.load << " room " << house.room << " limit " << house.limit << " mining "
                                      << mining);
    const auto bought = [](double grid) { return std::max(0.0, grid); };
    const auto sold = [](double grid) { return std::max(0.0, -grid); };
    ASSERT_NEAR(of(watts, EnergySource::grid), bought(with.grid) - bought(without.grid), kTinyW);
    ASSERT_NEAR(of(watts, EnergySource::export_avoided), sold(without.grid) - sold(with.grid), kTinyW);
    ASSERT_NEAR(of(watts, EnergySource::battery), with.battery - without.battery, kTinyW);
    ASSERT_NEAR(of(watts, EnergySource::curtailed), without.throttled - with.throttled, kTinyW);
    ASSERT_EQ(of(watts, EnergySource::unknown), 0.0);
  }
}

TEST_F(Attribution, TheAlternativeIsWhatThatHouseHadDone) {
  for (int run = 0; run < kRuns; ++run) {
    House house = this->house();
    house.discharge_most = 0.0;
    house.limit = INFINITY;
    const double most = uniform(0, 9000), mining = uniform(0, most);
    const House::Meters without = house.with(0.0);
    const Alternative other = alternative(flows(house, mining), Watts(most));
    // The battery as if there were no miner.
    const double spilled = std::max(0.0, -without.grid);
    ASSERT_NEAR(other.not_sold.value(), std::min(most, spilled), kTinyW) << "seed " << kSeed << " run " << run;
    ASSERT_NEAR(other.bought.value(), std::max(0.0, most - spilled), kTinyW);
    ASSERT_EQ(other.curtailed, Watts(0.0));
  }
}

// Readings that no house could have at once: meters lag, batteries are charged from the grid, limits are exceeded.
TEST_F(Attribution, AddsUpAndStaysWithinTheMetersWhateverTheyShow) {
  for (int run = 0; run < kRuns; ++run) {
    Flows flows{
        Watts(uniform(0, 7000)), Watts(uniform(-6000, 6000)), Watts(uniform(-5000, 5000)), Watts(uniform(0, 5000)), {}};
    if (coin()) flows.export_limit = Watts(uniform(0, 5000));
    const SourceWatts watts = sources_of(flows);
    double sum = 0.0;
    for (const Watts source : watts) {
      ASSERT_GE(source.value(), 0.0) << "seed " << kSeed << " run " << run;
      sum += source.value();
    }
    ASSERT_NEAR(sum, flows.mining.value(), kTinyW);
    ASSERT_LE(of(watts, EnergySource::grid), positive(flows.grid).value());
    const double charge = positive(-flows.battery).value();
    ASSERT_LE(of(watts, EnergySource::battery),
              positive(flows.battery).value() + std::max(0.0, flows.battery_room.value() - charge) + kTinyW);
    if (flows.export_limit) {
      ASSERT_LE(of(watts, EnergySource::export_avoided), flows.export_limit->value());
    }
    for (const double most : {0.0, 500.0, 9000.0}) {
      const Alternative other = alternative(flows, Watts(most));
      ASSERT_NEAR((other.bought + other.not_sold + other.curtailed).value(), most, kTinyW);
      ASSERT_GE(other.bought, Watts(0.0));
    }
  }
}

TEST_F(Attribution, WholeNumbersAddUpExactly) {
  for (int run = 0; run < kRuns; ++run) {
    SourceWatts watts{};
    for (Watts& source : watts) source = Watts(coin() ? uniform(0, 3000) : 0.0);
    const auto mined = static_cast<std::int64_t>(uniform(0, coin() ? 10.0 : 1e12));
    const SourceEnergy energy = divide(mined, watts);
    ASSERT_EQ(std::accumulate(energy.begin(), energy.end(), std::int64_t{0}), mined) << "run " << run;
    double total = 0.0;
    for (const Watts source : watts) total += source.value();
    for (std::size_t i = 0; i < kEnergySources && total > 0.0; ++i) {
      ASSERT_GE(energy[i], 0);
      const double exact = static_cast<double>(mined) * watts[i].value() / total;
      ASSERT_NEAR(static_cast<double>(energy[i]), exact, 5.0);
      ASSERT_TRUE(energy[i] == 0 || watts[i] > Watts(0.0)) << "nothing comes from a source that gave nothing";
    }
  }
}

TEST(Divide, WithoutWattsOrWithNonsenseItIsUnknown) {
  const auto unknown = static_cast<std::size_t>(EnergySource::unknown);
  EXPECT_EQ(divide(1000, {})[unknown], 1000);
  SourceWatts nonsense{};
  nonsense[0] = Watts(NAN);
  EXPECT_EQ(divide(1000, nonsense)[unknown], 1000);
}

}  // namespace
}  // namespace sluice::ledger
