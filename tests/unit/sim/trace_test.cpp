#include "sim/trace.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "sim/sim_clock.hpp"

namespace sluice::sim {
namespace {

std::string written(const std::string& text) {
  const std::string path =
      testing::TempDir() + "/sluice_trace_" + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ofstream(path) << text;
  return path;
}

TEST(Trace, RecordedDaysAreWhole) {
  for (const char* name : {"day_1s_a.csv.gz", "day_1s_b.csv.gz"}) {
    const auto trace = read_trace(std::string(SLUICE_SOURCE_DIR "/data/") + name);
    ASSERT_TRUE(trace) << trace.error().text;
    EXPECT_EQ(trace->size(), 86'400U);
    EXPECT_DOUBLE_EQ(trace->pv(0).value(), 0.0);
    EXPECT_GT(trace->pv(12 * 3600).value(), 100.0);
  }
}

TEST(Trace, ADayThatIsOverBeginsAgain) {
  const auto trace = read_trace(SLUICE_SOURCE_DIR "/data/day_1s_b.csv.gz");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->pv(43'200), trace->pv(43'200 + 86'400));
}

TEST(Trace, MistakesSayTheLine) {
  const auto text = [](const std::string& content) { return read_trace(written(content)).error().text; };
  EXPECT_NE(text("a,b\n").find(":1: the columns"), std::string::npos);
  EXPECT_NE(text("t_s,pv_w,load_w\n0,1,2\n1,x,2\n").find(":3: 3 numbers"), std::string::npos);
  EXPECT_NE(text("t_s,pv_w,load_w\n0,1,2\n2,1,2\n").find(":3: t_s is 2, wanted 1"), std::string::npos);
  EXPECT_NE(text("t_s,pv_w,load_w\n0,-1,2\n").find(":2: watts"), std::string::npos);
  EXPECT_NE(text("t_s,pv_w,load_w\n0,1,2,3\n").find(":2: 3 numbers"), std::string::npos);
  EXPECT_NE(text("t_s,pv_w,load_w\n").find("no rows"), std::string::npos);
  EXPECT_EQ(read_trace("/nowhere.csv.gz").error().kind, ErrorKind::not_found);
}

TEST(Trace, GeneratedDaysComeFromTheirSeed) {
  const Trace one = generated_day(Watts(8000), Sky::broken, 5), same = generated_day(Watts(8000), Sky::broken, 5);
  const Trace other = generated_day(Watts(8000), Sky::broken, 6), clear = generated_day(Watts(8000), Sky::clear, 5);
  EXPECT_EQ(one.pv_w, same.pv_w);
  EXPECT_NE(one.pv_w, other.pv_w);
  EXPECT_NEAR(clear.pv(43'200).value(), 8000, 40);
  const double broken_sum = std::accumulate(one.pv_w.begin(), one.pv_w.end(), 0.0);
  const double clear_sum = std::accumulate(clear.pv_w.begin(), clear.pv_w.end(), 0.0);
  EXPECT_LT(broken_sum, 0.9 * clear_sum);
  EXPECT_GT(broken_sum, 0.4 * clear_sum);
}

TEST(SimClock, MovesOnlyWhenTold) {
  SimClock clock(from_unix_ms(1000));
  const MonoTime begin = clock.now();
  clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(clock.now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(unix_ms(clock.wall_now()), 6000);
  clock.step_wall(std::chrono::seconds(-3));
  EXPECT_EQ(clock.now() - begin, std::chrono::seconds(5)) << "a date that jumps moves no duration";
  EXPECT_EQ(unix_ms(clock.wall_now()), 3000);
  std::mutex mutex;
  std::condition_variable condition;
  std::unique_lock lock(mutex);
  clock.wait_until(lock, condition, begin + std::chrono::seconds(5));
  EXPECT_TRUE(lock.owns_lock());
}

}  // namespace
}  // namespace sluice::sim
