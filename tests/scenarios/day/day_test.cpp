// Recorded sun through the simulated house and the production controller, against perfect foresight. The demo plays the
// same window over real wires; here it is exact and takes milliseconds.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "controlled_house.hpp"
#include "model/names.hpp"
#include "sim/bench.hpp"
#include "sim/suite.hpp"

namespace sluice::sim {
namespace {

constexpr int kEleven = 11 * 3600;
constexpr std::size_t kScoredFrom = 120;

Trace day(const char* name) {
  auto trace = read_trace(std::string(SLUICE_SOURCE_DIR) + "/data/" + name);
  EXPECT_TRUE(trace) << (trace ? "" : trace.error().text);
  return trace ? *trace : constant_trace(Watts(0.0), Watts(0.0));
}

HousePlantSpec house(std::initializer_list<const char*> plants, double pv_scale, int start, double setpoint_bias) {
  HousePlantSpec spec;
  spec.start_second = static_cast<std::size_t>(start);
  spec.pv_scale = pv_scale;
  spec.pv.rating = Watts(20000.0);
  for (const char* name : plants) {
    MinerSetup miner;
    miner.spec = plant_spec(name).value();
    miner.errors.setpoint_bias = setpoint_bias;
    miner.target = miner.spec.envelope.min;
    spec.miners.push_back(miner);
  }
  return spec;
}

struct Outcome {
  double capture_share, leak_pct, oracle_leak_pct;
};

Outcome play(const HousePlantSpec& spec, const Trace& trace, int seconds) {
  ControlledHouse run(spec, trace, solar_site(spec.miners.size()));
  run.run(seconds);
  const Score score = run.score_from(kScoredFrom);
  const OracleResult best = run.oracle_from(kScoredFrom);
  const Outcome out{score.captured / best.captured, 100.0 * (score.leaked() / score.mined),
                    100.0 * (best.leaked / (best.captured + best.leaked))};
  std::printf("captured %.2f %% of the oracle, leak %.2f %% (oracle %.2f %%), %u commands, %u starts\n",
              100.0 * out.capture_share, out.leak_pct, out.oracle_leak_pct, score.commands, score.starts);
  return out;
}

TEST(DemoWindow, CatchesNearlyWhatPerfectForesightWould) {
  const Trace trace = day("day_1s_b.csv.gz");
  for (const double bias : {-0.05, 0.0, 0.05}) {
    const Outcome out =
        play(house({"luxos-target", "vnish-throttle", "braiins-fast"}, 2.3, kEleven, bias), trace, 2400);
    EXPECT_GE(out.capture_share, 0.92);
    EXPECT_LE(out.leak_pct, out.oracle_leak_pct + 2.0);
  }
}

class OneMiner : public ::testing::TestWithParam<const char*> {};

// The whole of two of the worst days, one miner of each kind: a floor under what the controller reaches.
TEST_P(OneMiner, FollowsBrokenClouds) {
  for (const char* name : {"day_1s_a.csv.gz", "day_1s_b.csv.gz"}) {
    const Outcome out = play(house({GetParam()}, 0.625, 6 * 3600, 0.0), day(name), 12 * 3600);
    EXPECT_GE(out.capture_share, 0.80);
    EXPECT_LE(out.leak_pct, 7.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Plants, OneMiner,
                         ::testing::Values("luxos-target", "luxos-profile", "vnish-throttle", "braiins-fast"),
                         [](const auto& plant) {
                           std::string name = plant.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// Hobs and irons of a real house, each minute of it made to seconds: now and then they move against an own step by just
// as much, or by twice that. In these eight days they had the meter called turned, the miner lying and not following.
TEST(RecordedDays, AHouseWithoutFaultsRaisesNoAlarm) {
  const auto year = load_suite("year", std::string(SLUICE_SOURCE_DIR) + "/data", 1);
  ASSERT_TRUE(year) << year.error().text;
  BenchCase bench;
  bench.trace = year->trace;
  bench.first_day = 90;
  bench.seed = 2;
  bench.plants = {plant_spec("luxos-target").value()};
  const BenchRun run = begin(bench, "sluice");
  AlarmSet raised;
  for (int second = 0; second < 8 * 86'400; ++second) {
    run.house->tick(*run.policy);
    const Decision& decision = run.house->decision();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const auto alarm = static_cast<Alarm>(i);
      const bool is = decision.alarms.has(alarm) || decision.miners[0].alarms.has(alarm);
      if (is && !raised.has(alarm)) ADD_FAILURE() << to_string(alarm) << " in second " << second;
      if (is) raised.set(alarm);
    }
  }
}

}  // namespace
}  // namespace sluice::sim
