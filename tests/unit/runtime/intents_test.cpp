#include "runtime/intents.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

using std::chrono::seconds;

constexpr MonoTime kBegin{seconds(1000)};

TEST(Intents, ALearningRunLastsAsLongAsSomebodyWantsIt) {
  Intents intents;
  intents.set_miners({"a", "b"});
  const auto run = intents.learn("a", kBegin);
  ASSERT_TRUE(run);
  EXPECT_NE(*run, 0U);
  EXPECT_EQ(intents.learning("a", kBegin), *run);
  EXPECT_EQ(intents.learning("b", kBegin), 0U);
  EXPECT_TRUE(intents.keep_learning(*run, kBegin + seconds(4)));
  EXPECT_EQ(intents.learning("a", kBegin + seconds(8)), *run);
  EXPECT_EQ(intents.learning("a", kBegin + seconds(10)), 0U) << "nobody has asked for six seconds";
  EXPECT_FALSE(intents.keep_learning(*run, kBegin + seconds(10))) << "what was given up does not revive";
}

TEST(Intents, OneLearningRunAtATime) {
  Intents intents;
  intents.set_miners({"a", "b"});
  const auto first = intents.learn("a", kBegin);
  ASSERT_TRUE(first);
  const auto second = intents.learn("b", kBegin + seconds(1));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::rejected);
  EXPECT_NE(second.error().text.find("of a "), std::string::npos) << second.error().text;
  intents.end_learning(*first + 7);
  EXPECT_EQ(intents.learning("a", kBegin), *first) << "another number is not this run";
  intents.end_learning(*first);
  EXPECT_EQ(intents.learning("a", kBegin), 0U);
  const auto third = intents.learn("b", kBegin + seconds(2));
  ASSERT_TRUE(third);
  EXPECT_NE(*third, *first);
}

TEST(Intents, LearningIsRefusedForNobodyAndAtTheEnd) {
  Intents intents;
  intents.set_miners({"a"});
  EXPECT_EQ(intents.learn("nobody", kBegin).error().kind, ErrorKind::not_found);
  const auto run = intents.learn("a", kBegin);
  ASSERT_TRUE(run);
  intents.close();
  EXPECT_EQ(intents.learning("a", kBegin), 0U) << "the last decision is not a run's";
  EXPECT_EQ(intents.learn("a", kBegin + seconds(60)).error().kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace sluice::runtime
