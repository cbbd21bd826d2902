#include "base/units.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace literals;

TEST(Units, PowerTimesTimeIsEnergy) { EXPECT_DOUBLE_EQ((1200_w * std::chrono::minutes(30)).value(), 600.0); }

TEST(Units, ACapWinsOverAFloor) { EXPECT_EQ(clamp(500_w, 900_w, 700_w), 700_w); }

}  // namespace
}  // namespace sluice
