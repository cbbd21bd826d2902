#include "control/outlook.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace sluice::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kHigh = 3000.0;
constexpr double kLow = 1000.0;
constexpr double kNewsvendor = 1.0 / 4.5;

MonoTime at(int second) { return MonoTime(minutes(60)) + seconds(second); }

void live(Outlook& outlook, int from, int to, const std::function<double(int)>& available_w) {
  for (int second = from; second < to; ++second) outlook.look(available_w(second), at(second));
}

/// Clouds of `dark` seconds, every `period`.
std::function<double(int)> clouds(int period, int dark) {
  return [=](int second) { return second % period < dark ? kLow : kHigh; };
}

TEST(Outlook, KnowsNothingInTheFirstMinutesAndBetsOnThePresent) {
  Outlook outlook;
  live(outlook, 0, 240, clouds(120, 60));
  EXPECT_FALSE(outlook.known());
  EXPECT_EQ(outlook.level_w(2000.0, 600.0, kNewsvendor), 2000.0);
  live(outlook, 240, 330, clouds(120, 60));
  EXPECT_TRUE(outlook.known());
}

TEST(Outlook, UnderAClearSkyTheBetIsThePresent) {
  Outlook outlook;
  live(outlook, 0, 1800, [](int second) { return 2000.0 + 0.1 * second; });
  EXPECT_NEAR(outlook.level_w(2180.0, 300.0, kNewsvendor), 2180.0, 40.0);
  EXPECT_EQ(outlook.level_w(2180.0, 60.0, kNewsvendor), 2180.0);
}

TEST(Outlook, UnderBrokenCloudsALongBetIsLowAndAShortOneIsNot) {
  Outlook outlook;
  live(outlook, 0, 1800, clouds(150, 75));
  EXPECT_EQ(outlook.level_w(kHigh, 600.0, kNewsvendor), kLow);
  EXPECT_EQ(outlook.level_w(kHigh, 5.0, kNewsvendor), kHigh);
}

TEST(Outlook, InARareCloudALongBetIsHigh) {
  Outlook outlook;
  live(outlook, 0, 1800, clouds(225, 15));
  EXPECT_EQ(outlook.level_w(kLow, 3600.0, kNewsvendor), kHigh);
  EXPECT_EQ(outlook.level_w(kLow, 10.0, kNewsvendor), kLow);
}

TEST(Outlook, ASunThatGoesDownIsLowerWhenTheNextCutMayCome) {
  constexpr double kFall = 0.2;  // W/s
  Outlook outlook;
  live(outlook, 0, 1900, [](int second) { return 3000.0 - kFall * second; });
  EXPECT_TRUE(outlook.falls());
  EXPECT_NEAR(outlook.drift_w(300.0, kNewsvendor), -kFall * 300.0 * (1.0 - kNewsvendor), 15.0);
  // What it was higher by before does not come back as after a cloud.
  const double now_w = 3000.0 - kFall * 1900;
  EXPECT_LT(outlook.dip(now_w, now_w + 100.0).regained, 0.3);
}

TEST(Outlook, BehindBrokenCloudsNobodyKnowsWhereTheSunGoes) {
  Outlook outlook;
  live(outlook, 0, 1800, [](int second) { return second % 150 < 60 ? 500.0 : kHigh - 500.0 * (second / 600); });
  const double as_if_clear_w = -500.0 / 600.0 * 300.0 * (1.0 - kNewsvendor);
  EXPECT_GT(outlook.drift_w(300.0, kNewsvendor), 0.5 * as_if_clear_w);
}

TEST(Outlook, ForgetsWhatIsOlderThanHalfAnHour) {
  Outlook outlook;
  live(outlook, 0, 1800, [](int) { return kLow; });
  EXPECT_EQ(outlook.median_w(), kLow);
  live(outlook, 1800, 3600, [](int) { return kHigh; });
  EXPECT_EQ(outlook.median_w(), kHigh);
  EXPECT_EQ(outlook.dip(kLow, kHigh).regained, 1.0);
}

TEST(Outlook, KnowsHowLongADipUsuallyIsAndHowMuchOfTheTimeItIsOver) {
  Outlook outlook;
  live(outlook, 0, 1800, clouds(300, 60));
  const Outlook::Dip dip = outlook.dip(kLow, kHigh);
  EXPECT_NEAR(dip.usual_s, 60.0, 15.0);
  EXPECT_NEAR(dip.regained, 0.8, 0.05);
}

TEST(Outlook, AfterAGapBeginsAnew) {
  Outlook outlook;
  live(outlook, 0, 1800, clouds(150, 75));
  outlook.look(kHigh, at(1800 + 400));
  EXPECT_FALSE(outlook.known());
}

}  // namespace
}  // namespace sluice::control
