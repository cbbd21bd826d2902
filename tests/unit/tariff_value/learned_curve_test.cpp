#include "tariff/learned_curve.hpp"

#include <gtest/gtest.h>

namespace sluice::tariff {
namespace {

using namespace std::chrono_literals;

class Learned : public ::testing::Test {
 protected:
  Learned() {
    look_.now = MonoTime(1h);
    look_.hashing = true;
    look_.command = 1;
    look_.most = Watts(3000);
  }
  /// Holds still at this power for so long, looked at every ten seconds.
  void hold(double watts, double hashrate, Duration time) {
    ++look_.command;
    for (Duration passed{}; passed < time; passed += 10s) {
      look_.now += 10s;
      look_.drawn = Watts(watts);
      look_.hashrate = Reading<TeraHashes>::good(TeraHashes(hashrate), look_.now);
      learned_.look(look_);
    }
  }

  LearnedCurve learned_;
  LearnedCurve::Look look_;
};

TEST_F(Learned, KnowsNothingAtFirst) {
  EXPECT_TRUE(learned_.curve().empty());
  hold(2000, 75, 6min);
  EXPECT_TRUE(learned_.curve().empty()) << "seen twice only";
}

TEST_F(Learned, FromStillnessAtSeveralPowers) {
  hold(3000, 100, 10min);
  hold(2000, 75, 10min);
  const WorkingCurve curve = learned_.curve();
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_NEAR(curve[0].power.value(), 2000, 1e-6);
  EXPECT_NEAR(curve[0].hashrate.value(), 75, 1e-6);
  EXPECT_NEAR(curve[1].hashrate.value(), 100, 1e-6);
}

TEST_F(Learned, NothingWhileItMoves) {
  for (int i = 0; i < 30; ++i) hold(2000 + i % 2 * 200, 75, 4min);
  EXPECT_TRUE(learned_.curve().empty());
  hold(2000, 75, 4min);
  for (int i = 0; i < 60; ++i) {
    hold(2000, 75, 1min);  // commands that change nothing are commands
  }
  EXPECT_TRUE(learned_.curve().empty());
}

TEST_F(Learned, NothingWhileHashesAreGone) {
  look_.nominal = Reading<TeraHashes>::good(TeraHashes(75), look_.now);
  hold(2000, 20, 30min);
  EXPECT_TRUE(learned_.curve().empty());
  look_.nominal = {};
  hold(2000, 0, 30min);
  EXPECT_TRUE(learned_.curve().empty());
  look_.hashing = false;
  hold(2000, 75, 30min);
  EXPECT_TRUE(learned_.curve().empty());
}

TEST_F(Learned, AHashrateThatIsNoLongerReadTeachesNothing) {
  hold(2000, 75, 4min);
  for (int i = 0; i < 100; ++i) {
    look_.now += 10s;
    learned_.look(look_);
  }
  EXPECT_TRUE(learned_.curve().empty());
}

TEST_F(Learned, APointThatBringsNoMoreIsLeftOut) {
  hold(1500, 60, 10min);
  hold(2000, 55, 10min);
  hold(2500, 85, 10min);
  const WorkingCurve curve = learned_.curve();
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_NEAR(curve[1].power.value(), 2500, 1e-6);
}

TEST_F(Learned, AnotherMachineIsLearnedAnew) {
  hold(2000, 75, 10min);
  look_.most = Watts(3500);
  hold(3400, 110, 10min);
  ASSERT_EQ(learned_.curve().size(), 1u);
  EXPECT_NEAR(learned_.curve()[0].power.value(), 3400, 1e-6);
}

TEST_F(Learned, SurvivesAsAText) {
  hold(2000, 75.1234, 10min);
  hold(3000, 100, 10min);
  const LearnedCurve again = LearnedCurve::from_text(learned_.text());
  EXPECT_EQ(again.text(), learned_.text());
  ASSERT_EQ(again.curve().size(), 2u);
  EXPECT_NEAR(again.curve()[0].hashrate.value(), 75.1, 1e-9);
}

TEST(LearnedText, AnythingElseIsNothingLearned) {
  for (const char* text :
       {"", "x", "nan", "-5", "3000 1", "3000 99:1:1:9", "3000 1:nan:5:3", "3000 1:1:1:3x", "3000 1:2:3"}) {
    EXPECT_TRUE(LearnedCurve::from_text(text).curve().empty()) << text;
    EXPECT_EQ(LearnedCurve::from_text(text).text(), "") << text;
  }
}

}  // namespace
}  // namespace sluice::tariff
