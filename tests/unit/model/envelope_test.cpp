#include "model/envelope.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace literals;

Envelope presets() {
  Envelope envelope;
  envelope.kind = EnvelopeKind::levels;
  for (const double level : {1100.0, 1300.0, 1700.0, 2350.0}) envelope.levels.push_back(Watts(level));
  envelope.min = 1100_w;
  envelope.max = 2350_w;
  return envelope;
}

Envelope range() {
  Envelope envelope;
  envelope.kind = EnvelopeKind::range;
  envelope.min = 905_w;
  envelope.max = 3250_w;
  envelope.step = 10_w;
  return envelope;
}

TEST(Envelope, FloorNeverExceedsTheWishAboveTheMinimum) {
  EXPECT_EQ(presets().floor(1699_w), 1300_w);
  EXPECT_EQ(presets().floor(1700_w), 1700_w);
  EXPECT_EQ(presets().floor(9000_w), 2350_w);
  EXPECT_EQ(presets().floor(10_w), 1100_w);
  EXPECT_EQ(range().floor(1004_w), 995_w);
  EXPECT_EQ(range().floor(3249_w), 3245_w);
  EXPECT_EQ(range().floor(3250_w), 3250_w);
}

TEST(Envelope, CeilIsTheNextLevelUp) {
  EXPECT_EQ(presets().ceil(1301_w), 1700_w);
  EXPECT_EQ(presets().ceil(3000_w), 2350_w);
  EXPECT_EQ(range().ceil(906_w), 915_w);
}

TEST(Envelope, LocalStepIsTheGapBelow) {
  EXPECT_EQ(presets().local_step(2350_w), 650_w);
  EXPECT_EQ(presets().local_step(1100_w), 200_w);
  EXPECT_EQ(range().local_step(2000_w), 10_w);
}

TEST(Envelope, LimitingKeepsWholeLevelsOnly) {
  const Envelope limited = presets().limited(1200_w, 2000_w);
  EXPECT_EQ(limited.levels.size(), 2U);
  EXPECT_EQ(limited.min, 1300_w);
  EXPECT_EQ(limited.max, 1700_w);
  EXPECT_FALSE(presets().limited(1301_w, 1600_w).known());
  EXPECT_FALSE(range().limited(4000_w, 5000_w).known());
  EXPECT_EQ(range().limited(0_w, 1002_w).max, 995_w) << "a limit between two steps is the lower one";
  EXPECT_EQ(range().limited(1002_w, 5000_w).min, 1005_w);
}

}  // namespace
}  // namespace sluice
