#include "model/names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/measurement.hpp"

namespace sluice {
namespace {

TEST(Names, EveryReasonHasItsOwnNameAndASentence) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_FALSE(to_string(reason).empty());
    EXPECT_FALSE(sentence(reason).empty()) << to_string(reason);
    EXPECT_TRUE(seen.insert(to_string(reason)).second) << to_string(reason);
  }
  EXPECT_EQ(to_string(Reason::start_quiet), "start_quiet") << "the table is in the order of the enum";
  EXPECT_EQ(to_string(Reason::held_for_commissioning), "held_for_commissioning");
  EXPECT_EQ(to_string(Reason::circuit_limit), "circuit_limit");
}

TEST(Names, EveryAlarmHasItsOwnNameAndASentence) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    const auto alarm = static_cast<Alarm>(i);
    EXPECT_FALSE(sentence(alarm).empty());
    EXPECT_TRUE(seen.insert(to_string(alarm)).second);
  }
  EXPECT_EQ(to_string(Alarm::meter_too_slow), "meter_too_slow") << "the table is in the order of the enum";
}

TEST(Names, EveryStageAndEndOfACommissioningRunHasItsOwnNameAndASentence) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kCommissionStageCount; ++i) {
    const auto stage = static_cast<CommissionStage>(i);
    EXPECT_FALSE(sentence(stage).empty());
    EXPECT_TRUE(seen.insert(to_string(stage)).second);
  }
  EXPECT_EQ(to_string(CommissionStage::over), "over") << "the table is in the order of the enum";
  seen.clear();
  for (std::size_t i = 0; i < kCommissionEndCount; ++i) {
    const auto end = static_cast<CommissionEnd>(i);
    EXPECT_FALSE(sentence(end).empty());
    EXPECT_TRUE(seen.insert(to_string(end)).second);
  }
  EXPECT_EQ(to_string(CommissionEnd::no_room), "no_room") << "the table is in the order of the enum";
}

TEST(Names, MeasurementNamesInvertAndEndInTheirUnit) {
  for (std::size_t i = 0; i < kMeasurementCount; ++i) {
    const auto measurement = static_cast<Measurement>(i);
    const std::string name(to_string(measurement));
    EXPECT_EQ(measurement_from_name(name), measurement);
    if (unit(measurement) == "W") {
      EXPECT_TRUE(name.ends_with("_w")) << name;
    }
    if (unit(measurement) == "Wh") {
      EXPECT_TRUE(name.ends_with("_wh")) << name;
    }
  }
  EXPECT_EQ(to_string(Measurement::house_w), "house_w") << "the table is in the order of the enum";
}

}  // namespace
}  // namespace sluice
