// A commissioning run in a house whose miner is not what its firmware declares. It must find the truth in a quiet
// house, claim nothing wrong in a restless one, and give the miner back the moment that anything is in the way.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/names.hpp"
#include "sim/virtual_house.hpp"

namespace sluice::sim {
namespace {

constexpr double kSetpointBias = 0.04;
constexpr double kReportBias = -0.06;
constexpr double kSleepW = 60.0;

struct Setting {
  std::string plant = "luxos-target";
  std::shared_ptr<const Trace> trace = std::make_shared<const Trace>(constant_trace(Watts(5000.0), Watts(500.0)));
  StartState start = StartState::running;
  int miners = 1;
  std::uint64_t seed = 1;
  std::optional<BatterySetup> battery{};
  double import_cap_w = 0.0;
  std::int32_t starts_a_day = 20;
};

/// The truth: later, slower and thirstier than declared.
PlantSpec real_plant(const std::string& name) {
  PlantSpec plant = plant_spec(name).value();
  plant.dynamics.dead_time += from_seconds(3.0);
  plant.dynamics.ramp_up = from_seconds(1.4 * to_seconds(plant.dynamics.ramp_up));
  plant.dynamics.ramp_down = from_seconds(1.5 * to_seconds(plant.dynamics.ramp_down));
  plant.dynamics.wake = from_seconds(1.3 * to_seconds(plant.dynamics.wake));
  plant.dynamics.sleep_power = Watts(kSleepW);
  return plant;
}

/// The product, with an owner who asks for a run, and a world that may spoil it.
class Owner final : public Policy {
 public:
  Owner(const Site& site, WallTime wall) : product_(site, {}, VirtualHouse::start(), wall) {}

  void step(const Snapshot& snapshot, Decision& decision) override {
    Snapshot seen = snapshot;
    seen.intents[0].learn = asked;
    if (spoil) spoil(seen);
    product_.step(seen, decision);
    if (deaf) decision.miners[0].wanted = CommandKind::none;
  }
  LearnedMiner learned() const {
    PersistentState state;
    product_.controller().remember(state);
    return state.miners.at(0).learned;
  }

  std::uint64_t asked = 0;
  bool deaf = false;  ///< nothing that is decided reaches the miner
  std::function<void(Snapshot&)> spoil;

 private:
  ProductPolicy product_;
};

class Commissioning {
 public:
  explicit Commissioning(const Setting& setting)
      : real(real_plant(setting.plant)),
        house_(spec(setting), setting.trace),
        owner(site(setting), house_.wall_start()) {
    house_.run(owner, 120);
  }

  const CommissionReport& report() const { return house_.decision().commission; }
  bool running() const { return report().stage != CommissionStage::none && report().stage != CommissionStage::over; }
  const MinerDecision& miner(std::size_t index = 0) const { return house_.decision().miners[index]; }
  void tick() { house_.tick(owner); }
  /// Seconds until `stage`; fails the test when it does not come.
  int until(CommissionStage stage) {
    int seconds = 0;
    for (; report().stage != stage && report().stage != CommissionStage::over && seconds < 5000; ++seconds) tick();
    EXPECT_EQ(to_string(report().stage), to_string(stage)) << "ended: " << to_string(report().end);
    return seconds;
  }
  VirtualHouse& house() { return house_; }
  double span_w() const { return (real.envelope.max - real.envelope.min).value(); }
  double real_up() const { return span_w() / to_seconds(real.dynamics.ramp_up); }
  double real_down() const { return span_w() / to_seconds(real.dynamics.ramp_down); }

  PlantSpec real;

 private:
  static Site site(const Setting& setting) {
    Site site;
    for (int i = 0; i < setting.miners; ++i) {
      MinerSite miner;
      miner.name = "m" + std::to_string(i);
      site.miners.push_back(miner);
    }
    site.battery.present = setting.battery.has_value();
    site.import_cap = Watts(setting.import_cap_w);
    site.control.profile.max_starts_per_day = setting.starts_a_day;
    return site;
  }
  VirtualHouseSpec spec(const Setting& setting) const {
    VirtualHouseSpec spec;
    spec.house.start_second = 11 * 3600;
    spec.house.keep_history = false;
    spec.house.seed = setting.seed;
    spec.house.battery = setting.battery;
    MinerSetup miner;
    miner.spec = real;
    miner.errors.setpoint_bias = kSetpointBias;
    miner.errors.report_bias = kReportBias;
    miner.start = setting.start;
    miner.target = Watts(1500.0);
    for (int i = 0; i < setting.miners; ++i) {
      spec.house.miners.push_back(miner);
      spec.told.push_back(plant_spec(setting.plant).value().dynamics);
    }
    return spec;
  }

  VirtualHouse house_;

 public:
  Owner owner;
};

void print(const Setting& setting, const LearnedMiner& learned, const CommissionReport& report, int seconds) {
  const auto show = [](const LearnedValue& value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.3f +- %.3f (%u)", value.value, value.spread, value.samples);
    return std::string(text);
  };
  std::printf(
      "%s, seed %llu: %s after %d s; dead %s, up %s, down %s, wake %s, report %s, draw %.4f (%u), sleep %.1f +- %.1f; "
      "clean %u up %u down, %u blurred\n",
      setting.plant.c_str(), static_cast<unsigned long long>(setting.seed), std::string(to_string(report.end)).c_str(),
      seconds, show(learned.dead_time_s).c_str(), show(learned.ramp_up_w_per_s).c_str(),
      show(learned.ramp_down_w_per_s).c_str(), show(learned.wake_s).c_str(), show(learned.report_gain).c_str(),
      learned.draw_gain, learned.samples, learned.sleep_w, report.sleep_spread_w, report.clean_up, report.clean_down,
      report.blurred);
}

std::string tidy(const char* plant) {
  std::string name = plant;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
}

class EveryFirmware : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Plants, EveryFirmware,
                         ::testing::Values("luxos-target", "luxos-profile", "vnish-throttle", "braiins-fast"),
                         [](const auto& one) { return tidy(one.param); });

TEST_P(EveryFirmware, IsFoundAsItIsAndNotAsItDeclares) {
  for (const StartState start : {StartState::running, StartState::asleep}) {
    Setting setting;
    setting.plant = GetParam();
    setting.start = start;
    Commissioning run(setting);
    run.owner.asked = 1;
    run.tick();
    ASSERT_TRUE(run.running()) << to_string(run.report().end);
    const int seconds = run.until(CommissionStage::over);
    const LearnedMiner learned = run.owner.learned();
    print(setting, learned, run.report(), seconds);
    EXPECT_EQ(run.report().end, CommissionEnd::complete);
    // Half a second is the age of the meter's values.
    EXPECT_NEAR(learned.dead_time_s.value, to_seconds(run.real.dynamics.dead_time) + 0.55, 0.7);
    EXPECT_NEAR(learned.ramp_up_w_per_s.value / run.real_up(), 1.0, 0.15);
    EXPECT_NEAR(learned.ramp_down_w_per_s.value / run.real_down(), 1.0, 0.15);
    EXPECT_NEAR(learned.wake_s.value / to_seconds(run.real.dynamics.wake), 1.0, 0.15);
    EXPECT_NEAR(run.report().wake_s / to_seconds(run.real.dynamics.wake), 1.0, 0.15) << "by the meter";
    EXPECT_NEAR(learned.report_gain.value, 1.0 + kReportBias, 0.03);
    EXPECT_NEAR(learned.draw_gain, 1.0 + kSetpointBias, 0.015);
    EXPECT_NEAR(learned.sleep_w, kSleepW, 10.0);
    EXPECT_EQ(run.report().sleep_samples, 2U);
  }
}

/// Whatever is claimed of a number that this run taught holds the truth, give or take `least`.
void expect_honest(const char* what, const LearnedValue& before, const LearnedValue& now, double truth, double least,
                   bool relative) {
  if (now.samples < 2 || (now.samples == before.samples && now.value == before.value)) return;  // not clear: no claim
  const double claimed = 2.0 * now.spread * (relative ? now.value : 1.0);
  EXPECT_LE(std::fabs(now.value - truth), std::max(least, claimed)) << what << " " << now.value << ", is " << truth;
}

// Broken clouds over nine kilowatts of sun, and a house that boils, cooks and cools.
TEST_P(EveryFirmware, ARestlessHouseTeachesNothingThatIsWrong) {
  int complete = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Setting setting;
    setting.plant = GetParam();
    setting.seed = seed;
    setting.trace = std::make_shared<const Trace>(generated_day(Watts(9000.0), Sky::broken, seed));
    Commissioning run(setting);
    run.owner.asked = 1;
    run.tick();
    const int seconds = run.until(CommissionStage::over);
    const LearnedMiner now = run.owner.learned();
    const LearnedMiner& before = run.report().before;
    print(setting, now, run.report(), seconds);
    complete += run.report().end == CommissionEnd::complete ? 1 : 0;
    expect_honest("dead time", before.dead_time_s, now.dead_time_s, to_seconds(run.real.dynamics.dead_time) + 0.55, 0.8,
                  false);
    expect_honest("ramp up", before.ramp_up_w_per_s, now.ramp_up_w_per_s, run.real_up(), 0.15 * run.real_up(), true);
    expect_honest("ramp down", before.ramp_down_w_per_s, now.ramp_down_w_per_s, run.real_down(), 0.2 * run.real_down(),
                  true);
    expect_honest("wake", before.wake_s, now.wake_s, to_seconds(run.real.dynamics.wake), 5.0, true);
    expect_honest("report gain", before.report_gain, now.report_gain, 1.0 + kReportBias, 0.03, true);
    if (run.report().sleep_samples > 0) {
      EXPECT_NEAR(now.sleep_w, kSleepW, std::max(10.0, 2.0 * run.report().sleep_spread_w));
      EXPECT_LE(run.report().sleep_spread_w, 12.5);
    }
    if (run.report().draw_gain.samples > 0 && now.draw_gain == run.report().draw_gain.value) {
      const double spread = run.report().draw_gain.spread;
      EXPECT_NEAR(now.draw_gain, 1.0 + kSetpointBias, std::max(0.015, 2.0 * spread));
    }
  }
  EXPECT_GE(complete, 5) << "clouds alone are no reason to end";
}

// A ramp that lasts longer than a step can be watched is not clear, and no other number stands in for it.
TEST(Commission, WhatIsTooSlowToSeeStaysUnknown) {
  Setting setting;
  setting.plant = "braiins-slow";
  Commissioning run(setting);
  run.owner.asked = 1;
  run.tick();
  print(setting, run.owner.learned(), run.report(), run.until(CommissionStage::over));
  EXPECT_EQ(run.report().end, CommissionEnd::complete);
  const LearnedMiner learned = run.owner.learned();
  if (learned.ramp_up_w_per_s.samples > 0) {
    EXPECT_NEAR(learned.ramp_up_w_per_s.value / run.real_up(), 1.0, 0.15);
  }
  EXPECT_NEAR(learned.ramp_down_w_per_s.value / run.real_down(), 1.0, 0.15);
  EXPECT_NEAR(learned.sleep_w, kSleepW, 10.0);
}

TEST(Commission, ABatteryThatAnswersInTheMetersPlaceDoesNotMislead) {
  Setting setting;
  setting.plant = "vnish-throttle";
  setting.battery = BatterySetup{};
  Commissioning run(setting);
  run.owner.asked = 1;
  run.tick();
  print(setting, run.owner.learned(), run.report(), run.until(CommissionStage::over));
  const LearnedMiner learned = run.owner.learned();
  EXPECT_EQ(run.report().end, CommissionEnd::complete);
  EXPECT_NEAR(learned.dead_time_s.value, 6.55, 0.8);
  EXPECT_NEAR(learned.report_gain.value, 1.0 + kReportBias, 0.03);
  EXPECT_NEAR(learned.sleep_w, kSleepW, 12.0);
}

// ---- what may end it ------------------------------------------------------------------------------------------------

struct Trouble {
  const char* name;
  std::function<void(Owner&)> begins;
  CommissionEnd end;
  CommandKind wanted;  ///< of the miner afterwards; none: whatever normal control decides
};

std::vector<Trouble> troubles() {
  const auto spoil = [](std::function<void(Snapshot&)> how) {
    return [how = std::move(how)](Owner& owner) { owner.spoil = how; };
  };
  return {
      {"taken back", [](Owner& owner) { owner.asked = 0; }, CommissionEnd::taken_back, CommandKind::none},
      {"parked", spoil([](Snapshot& seen) { seen.intents[0].park = true; }), CommissionEnd::parked, CommandKind::sleep},
      {"shutdown", spoil([](Snapshot& seen) { seen.shutting_down = true; }), CommissionEnd::shutting_down,
       CommandKind::sleep},
      {"island", spoil([](Snapshot& seen) {
         seen.grid.connection = Reading<GridConnection>::good(GridConnection::islanded, seen.now);
       }),
       CommissionEnd::grid_lost, CommandKind::sleep},
      {"unreachable", spoil([](Snapshot& seen) { seen.miners[0].link = LinkState::down; }), CommissionEnd::miner_gone,
       CommandKind::none},
      {"hot",
       spoil([](Snapshot& seen) { seen.miners[0].temperature = Reading<Celsius>::good(Celsius(99.0), seen.now); }),
       CommissionEnd::miner_gone, CommandKind::sleep},
      {"throttled sun", spoil([](Snapshot& seen) { seen.pv.curtailed = Reading<bool>::good(true, seen.now); }),
       CommissionEnd::sun_throttled, CommandKind::none},
      {"sun not read", spoil([](Snapshot& seen) { seen.pv.power = {}; }), CommissionEnd::readings_lost,
       CommandKind::none},
  };
}

constexpr std::array<CommissionStage, 7> kStages{CommissionStage::stepping,       CommissionStage::measuring_minimum,
                                                 CommissionStage::falling_asleep, CommissionStage::measuring_asleep,
                                                 CommissionStage::resting,        CommissionStage::waking,
                                                 CommissionStage::measuring_awake};

TEST(Commission, AnythingEndsItInTheNextTickAtEveryStage) {
  for (const CommissionStage stage : kStages) {
    for (const Trouble& trouble : troubles()) {
      SCOPED_TRACE(std::string(to_string(stage)) + ", " + trouble.name);
      Commissioning run({});
      run.owner.asked = 1;
      run.until(stage);
      trouble.begins(run.owner);
      run.tick();
      EXPECT_FALSE(run.running());
      EXPECT_EQ(to_string(run.report().end), to_string(trouble.end));
      EXPECT_NE(run.miner().reason, Reason::commissioning);
      if (trouble.wanted != CommandKind::none) {
        EXPECT_EQ(run.miner().wanted, trouble.wanted);
      }
      // A request that stays begins nothing new.
      for (int second = 0; second < 30; ++second) run.tick();
      EXPECT_FALSE(run.running());
      // When the trouble is over the miner follows the sun again: 4500 W of surplus are more than it can draw.
      run.owner.spoil = {};
      for (int second = 0; second < 1200; ++second) run.tick();
      EXPECT_NEAR(run.house().house().miner(0).power().value(), 1.04 * 3250.0, 40.0);
    }
  }
}

TEST(Commission, ALostMeterEndsItAndPutsTheMinerToSleepWithinThirtySeconds) {
  for (const CommissionStage stage : kStages) {
    SCOPED_TRACE(std::string(to_string(stage)));
    Commissioning run({});
    run.owner.asked = 1;
    run.until(stage);
    const Reading<Watts> last = run.house().snapshot().grid.power;
    run.owner.spoil = [last](Snapshot& seen) { seen.grid.power = last; };
    for (int second = 0; second < 6; ++second) run.tick();
    const std::uint64_t sequence = run.miner().sequence;
    for (int second = 0; second < 20; ++second) run.tick();
    EXPECT_EQ(run.miner().sequence, sequence) << "stale: nothing new is asked of it";
    for (int second = 0; second < 4; ++second) run.tick();
    EXPECT_EQ(to_string(run.report().end), to_string(CommissionEnd::readings_lost));
    EXPECT_EQ(run.miner().wanted, CommandKind::sleep);
  }
}

TEST(Commission, TheGuardCutsItLikeAnyOther) {
  Setting setting;
  setting.import_cap_w = 6000.0;
  Commissioning run(setting);
  run.owner.asked = 1;
  run.until(CommissionStage::stepping);
  while (run.house().house().miner(0).power() > Watts(2000.0) && run.running()) run.tick();
  while (run.house().house().miner(0).power() < Watts(3000.0) && run.running()) run.tick();
  ASSERT_TRUE(run.running());
  ASSERT_GE(run.miner().target, Watts(3000.0));
  // A load of which the main breaker cannot carry both.
  run.owner.spoil = [](Snapshot& seen) { seen.grid.power.value += Watts(8000.0); };
  run.tick();
  EXPECT_EQ(to_string(run.report().end), to_string(CommissionEnd::guard));
  EXPECT_TRUE(run.miner().cuts.has(Reason::import_cap));
  EXPECT_TRUE(run.miner().urgent);
  EXPECT_LT(run.miner().target, Watts(3000.0));
}

TEST(Commission, OthersHoldStillAndNothingOfThemIsLearned) {
  Setting setting;
  setting.miners = 2;
  setting.trace = std::make_shared<const Trace>(constant_trace(Watts(8000.0), Watts(500.0)));
  Commissioning run(setting);
  for (int second = 0; second < 300; ++second) run.tick();
  run.owner.asked = 1;
  run.tick();
  ASSERT_TRUE(run.running()) << to_string(run.report().end);
  const std::uint64_t sequence = run.miner(1).sequence;
  const Watts power = run.house().house().miner(1).power();
  while (run.running()) {
    EXPECT_EQ(run.miner(0).reason, Reason::commissioning);
    EXPECT_EQ(run.miner(1).reason, Reason::held_for_commissioning);
    EXPECT_EQ(run.miner(1).sequence, sequence);
    run.tick();
  }
  EXPECT_EQ(run.report().end, CommissionEnd::complete);
  EXPECT_EQ(run.house().house().miner(1).power(), power);
  run.tick();
  EXPECT_NE(run.miner(1).reason, Reason::held_for_commissioning);
}

TEST(Commission, EndsWhenThoseWhoHoldStillWouldBuyForTooLong) {
  Setting setting;
  setting.miners = 2;
  Trace trace = generated_day(Watts(12'000.0), Sky::clear, 1);
  for (std::size_t second = 11 * 3600 + 700; second < trace.size(); ++second) trace.pv_w[second] = 300.0F;
  for (float& load : trace.load_w) load = 500.0F;
  setting.trace = std::make_shared<const Trace>(trace);
  Commissioning run(setting);
  for (int second = 0; second < 300; ++second) run.tick();
  run.owner.asked = 1;
  int dark_s = 0;
  for (int second = 0; second < 2000 && (run.running() || dark_s == 0); ++second) {
    run.tick();
    dark_s += run.house().house().state().pv < Watts(400.0) && run.running() ? 1 : 0;
  }
  EXPECT_EQ(to_string(run.report().end), to_string(CommissionEnd::others_without_sun));
  EXPECT_NEAR(dark_s, 300, 15);
}

TEST(Commission, IsRefusedWhereItCannotBe) {
  Setting setting;
  setting.starts_a_day = 1;  // and that one was used
  setting.start = StartState::asleep;
  Commissioning run(setting);
  for (int second = 0; second < 600; ++second) run.tick();
  run.owner.asked = 1;
  run.tick();
  EXPECT_FALSE(run.running());
  EXPECT_EQ(to_string(run.report().end), to_string(CommissionEnd::starts_used_up));
  EXPECT_NE(run.miner().reason, Reason::commissioning);
}

TEST(Commission, ALostCommandIsNoEndlessWait) {
  Setting setting;
  Commissioning run(setting);
  run.owner.asked = 1;
  run.until(CommissionStage::stepping);
  run.owner.deaf = true;
  int seconds = 0;
  while (run.running() && ++seconds < 3600) run.tick();
  EXPECT_LT(seconds, 900);
  EXPECT_EQ(to_string(run.report().end), to_string(CommissionEnd::not_following));
}

TEST(Commission, TheSameSeedIsTheSameRun) {
  Setting setting;
  setting.trace = std::make_shared<const Trace>(generated_day(Watts(9000.0), Sky::broken, 3));
  LearnedMiner found[2];
  for (LearnedMiner& learned : found) {
    Commissioning run(setting);
    run.owner.asked = 1;
    run.until(CommissionStage::over);
    learned = run.owner.learned();
  }
  EXPECT_EQ(found[0], found[1]);
}

}  // namespace
}  // namespace sluice::sim
