// A miner that obeys late and slowly, in a house with a meter that trembles, against the search for how late and how
// slowly.

#include "control/step_learner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

MonoTime at(double s) { return MonoTime(from_seconds(1000.0 + s)); }

struct House {
  double dead_s = 1.5;
  double up_w_per_s = 40.0, down_w_per_s = 80.0;
  double noise_w = 5.0;
  double every_s = 1.0;
  std::function<double(double)> load = [](double) { return 600.0; };
  std::function<double(double)> others = [](double) { return 0.0; };
  double others_early_s = 0.0;  ///< they are read so much later than the grid
  std::vector<std::pair<double, double>> orders = std::vector(1, std::pair(0.3, 1800.0));  ///< sent at, goal
  double from_w = 1000.0;
  bool flip = false;

  StepFit fit(const StepGuess& guess = {60.0, 100.0}) const {
    StepLearner learner;
    std::uint64_t random = 88172645463325252ULL;
    const auto tremble = [&] {
      double sum = 0.0;
      for (int i = 0; i < 4; ++i) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sum += static_cast<double>(random >> 11) / 9007199254740992.0;
      }
      return (sum - 2.0) * 1.732 * noise_w;
    };
    double power_w = from_w, goal_w = from_w, now_s = -5.0;
    std::size_t begun = 0, begins = 0;
    for (double look_s = -5.0; !learner.over(at(look_s)) && look_s < 60.0; look_s += every_s) {
      for (; now_s < look_s - 1e-9; now_s += 0.01) {
        while (begun < orders.size() && now_s >= orders[begun].first + dead_s - 1e-9) goal_w = orders[begun++].second;
        power_w = goal_w > power_w ? std::min(goal_w, power_w + up_w_per_s * 0.01)
                                   : std::max(goal_w, power_w - down_w_per_s * 0.01);
      }
      for (; begins < orders.size() && orders[begins].first <= look_s; ++begins) {
        const auto [sent_s, goal] = orders[begins];
        if (begins == 0) {
          learner.begin(3, at(sent_s), from_w, goal);
        } else {
          learner.follow(at(sent_s), goal);
        }
      }
      const double shown_w = flip ? 2.0 * from_w - power_w : power_w;
      const double grid_w = load(look_s) + shown_w - others(look_s) + tremble();
      const double others_w = others(look_s + others_early_s);
      learner.look({at(look_s), grid_w + others_w, others_w});
    }
    return learner.finish(guess);
  }
};

TEST(StepLearner, FindsDeadTimeAndRampOfAStepUp) {
  for (const double dead_s : {0.0, 0.5, 2.0, 5.0, 10.0, 15.0}) {
    House house;
    house.dead_s = dead_s;
    const StepFit fit = house.fit();
    SCOPED_TRACE("dead time " + std::to_string(dead_s));
    ASSERT_TRUE(fit.dead_known);
    EXPECT_NEAR(fit.dead_s, dead_s, 0.4);
    ASSERT_TRUE(fit.ramp_known);
    EXPECT_TRUE(fit.up);
    EXPECT_NEAR(fit.ramp_w_per_s, 40.0, 3.0);
    EXPECT_NEAR(fit.share, 1.0, 0.05);
    EXPECT_GT(fit.weight, 0.9);
  }
}

TEST(StepLearner, FindsThemOfAStepDownWithAWrongGuess) {
  for (const double guess : {30.0, 80.0, 200.0}) {
    House house;
    house.from_w = 2600.0;
    house.dead_s = 4.0;
    const StepFit fit = house.fit({60.0, guess});
    SCOPED_TRACE("guessed " + std::to_string(guess));
    ASSERT_TRUE(fit.dead_known);
    EXPECT_NEAR(fit.dead_s, 4.0, 0.4);
    ASSERT_TRUE(fit.ramp_known);
    EXPECT_FALSE(fit.up);
    EXPECT_NEAR(fit.ramp_w_per_s, 80.0, 6.0);
  }
}

TEST(StepLearner, FollowsAChainOfTargets) {
  House house;
  house.dead_s = 6.0;
  house.orders = {{0.3, 1300.0}, {4.3, 1700.0}, {9.3, 1500.0}, {15.3, 1650.0}};
  const StepFit fit = house.fit({40.0, 80.0});
  ASSERT_TRUE(fit.dead_known);
  EXPECT_NEAR(fit.dead_s, 6.0, 0.4);
}

TEST(StepLearner, ARampThatEndsBetweenTwoSamplesIsNotKnownButItsDeadTimeIs) {
  House house;
  house.from_w = 1800.0;
  house.down_w_per_s = 900.0;
  house.orders = {{0.3, 1400.0}};
  const StepFit fit = house.fit({60.0, 500.0});
  ASSERT_TRUE(fit.dead_known);
  EXPECT_NEAR(fit.dead_s, 1.5, 0.8);
  EXPECT_FALSE(fit.ramp_known);
}

TEST(StepLearner, ARampThatOutlastsTheWindowIsNotKnownForItMayBeASlowerOneOfMore) {
  House house;
  house.up_w_per_s = 20.0;
  house.orders = {{0.3, 2600.0}};
  const StepFit fit = house.fit({40.0, 40.0});
  EXPECT_FALSE(fit.ramp_known);
  ASSERT_TRUE(fit.dead_known);
  EXPECT_NEAR(fit.dead_s, 1.5, 0.8);
}

TEST(StepLearner, ASmallStepOrNoneTeachesNothing) {
  House small;
  small.orders = {{0.3, 1150.0}};
  EXPECT_FALSE(small.fit().dead_known);
  House deaf;
  deaf.dead_s = 300.0;
  const StepFit fit = deaf.fit();
  EXPECT_FALSE(fit.dead_known);
  EXPECT_FALSE(fit.ramp_known);
}

TEST(StepLearner, AMeterThatRunsTheWrongWayTeachesNothing) {
  House house;
  house.flip = true;
  EXPECT_FALSE(house.fit().dead_known);
}

TEST(StepLearner, AnotherLoadAtTheSameTimeTeachesNothing) {
  for (const double from_s : {3.0, 8.0, 20.0}) {
    House house;
    house.load = [from_s](double s) { return s > from_s && s < from_s + 12.0 ? 2600.0 : 600.0; };
    SCOPED_TRACE("kettle at " + std::to_string(from_s));
    EXPECT_FALSE(house.fit().dead_known);
  }
}

TEST(StepLearner, AMeterSlowerThanTheQuestionTeachesNoDeadTime) {
  House house;
  house.every_s = 5.0;
  house.up_w_per_s = 1000.0;
  EXPECT_FALSE(house.fit({1000.0, 1000.0}).dead_known);
}

TEST(StepLearner, ACloudReadHalfASecondLaterThanTheGridDoesNotMatter) {
  House house;
  house.dead_s = 3.0;
  house.orders = {{0.3, 1800.0}};
  house.others = [](double s) { return std::clamp(3000.0 + 150.0 * s, 3000.0, 4500.0); };
  house.others_early_s = 0.5;
  const StepFit fit = house.fit();
  ASSERT_TRUE(fit.dead_known);
  EXPECT_NEAR(fit.dead_s, 3.0, 0.5);
}

TEST(StepLearner, WithoutALookBeforeTheStepNothingBegins) {
  StepLearner learner;
  learner.begin(0, at(0), 1000.0, 2000.0);
  EXPECT_FALSE(learner.running());
  learner.look({at(1), 500.0, 0.0});
  learner.begin(0, at(30), 1000.0, 2000.0);
  EXPECT_FALSE(learner.running()) << "half a minute ago the house was another one";
}

}  // namespace
}  // namespace sluice::control
