#include "sim/suite.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <numeric>

namespace sluice::sim {
namespace {

const std::string kData = SLUICE_SOURCE_DIR "/data";

std::string written(const std::string& name, const std::string& text) {
  const std::string path =
      testing::TempDir() + "/sluice_suite_" + testing::UnitTest::GetInstance()->current_test_info()->name() + name;
  std::ofstream(path) << text;
  return path;
}

std::string rows(const std::string& header, std::size_t count, std::size_t step_s,
                 const std::function<std::string(std::size_t)>& cells) {
  std::string text = header + "\n";
  for (std::size_t row = 0; row < count; ++row) text += fmt::format("{},{}\n", row * step_s, cells(row));
  return text;
}

std::string flat(const std::string& header, std::size_t count, std::size_t step_s, const std::string& cells) {
  return rows(header, count, step_s, [&](std::size_t) { return cells; });
}

double mean_w(const std::vector<float>& values, std::size_t first, std::size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0) / static_cast<double>(count);
}

TEST(Suite, TheYearIsWholeAndHasItsEnergy) {
  const auto year = load_suite("year", kData, 1);
  ASSERT_TRUE(year) << year.error().text;
  EXPECT_EQ(year->name, "year");
  EXPECT_EQ(year->days, 365U);
  ASSERT_EQ(year->trace->pv_w.size(), year->seconds());
  ASSERT_EQ(year->trace->load_w.size(), year->seconds());
  // 1863 kWh per kWp and year for minutes; the inverter takes a little more off bright seconds
  EXPECT_NEAR(mean_w(year->trace->pv_w, 0, year->seconds()) * 8760.0 / 5000.0, 1863.0, 5.0);
  EXPECT_LE(*std::max_element(year->trace->pv_w.begin(), year->trace->pv_w.end()), 5 * 950.0F);
  EXPECT_EQ(year->notes.size(), 2U);

  const auto autumn = year->window(240, 60);
  ASSERT_TRUE(autumn) << autumn.error().text;
  EXPECT_EQ(autumn->trace, year->trace) << "shared, not copied";
  EXPECT_EQ(autumn->first_second, 240U * 86'400U);
  EXPECT_EQ(autumn->days, 60U);
  const auto part = autumn->window(59, 1);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->first_second, 299U * 86'400U) << "a window of a window";
  EXPECT_FALSE(autumn->window(59, 2));
  EXPECT_FALSE(year->window(0, 0));
  EXPECT_FALSE(year->window(365, 1));
  EXPECT_NE(year->window(300, 70).error().text.find("the days 0 to 364"), std::string::npos);
}

TEST(Suite, RecordedDaysAreScaledToTheArray) {
  for (const char* name : {"day_a", "day_b"}) {
    const auto small = load_suite(name, kData, 1), large = load_suite(name, kData, 2, 8.0);
    ASSERT_TRUE(small) << small.error().text;
    ASSERT_TRUE(large);
    EXPECT_EQ(small->days, 1U);
    EXPECT_EQ(small->trace->load_w, large->trace->load_w) << "measured: no seed has a part in it";
    EXPECT_NEAR(small->trace->pv(43'000).value(), large->trace->pv(43'000).value() * 5.0 / 8.0, 1e-3);
    EXPECT_GT(large->trace->pv(43'000).value(), 0.0);
  }
  EXPECT_NEAR(load_suite("day_b", kData, 1, 8.0)->trace->pv_w[43'000],
              read_trace(kData + "/day_1s_b.csv.gz")->pv_w[43'000], 1e-3);
}

TEST(Suite, UnknownNamesAndArraysAreRefused) {
  EXPECT_NE(load_suite("week", kData, 1).error().text.find("there are year, day_a and day_b"), std::string::npos);
  EXPECT_EQ(load_suite("year", "/nowhere", 1).error().kind, ErrorKind::not_found);
  EXPECT_FALSE(load_suite("day_a", kData, 1, 0.0));
  EXPECT_FALSE(load_suite("day_a", kData, 1, std::nan("")));
}

TEST(Suite, MinutesAreSharpenedAndSecondsTaken) {
  const auto sun = written("sun", flat("t_s,pv_w", 2880, 60, "1500"));
  const auto load = written("load", rows("t_s,load_w", 86'400, 1, [](std::size_t row) { return std::to_string(row); }));
  const auto suite = suite_from_files(sun, load, kData, 1);
  ASSERT_TRUE(suite) << suite.error().text;
  EXPECT_EQ(suite->days, 1U) << "what both have";
  ASSERT_EQ(suite->trace->pv_w.size(), 86'400U);
  EXPECT_NEAR(mean_w(suite->trace->pv_w, 600, 60), 1500.0, 0.01);
  EXPECT_EQ(suite->trace->load_w[777], 777.0F);
  EXPECT_NE(suite->notes[0].find("sharpened, 2 days cut to 1"), std::string::npos) << suite->notes[0];
  EXPECT_EQ(suite_from_files(sun, load, kData, 1)->trace->pv_w, suite->trace->pv_w);
}

TEST(Suite, ColumnsAreKnownByTheirHeader) {
  const auto day = written("day", flat("t_s,pv_w,load_w", 86'400, 1, "700,300"));
  const auto load = written("load", flat("t_s,load_w", 1440, 60, "250"));
  const auto both = suite_from_files(day, day, kData, 1);
  ASSERT_TRUE(both) << both.error().text;
  EXPECT_EQ(both->trace->pv_w[5], 700.0F);
  EXPECT_EQ(both->trace->load_w[5], 300.0F);
  const auto strings = suite_from_files(written("two", flat("t_s,pv_a_w,pv_b_w", 86'400, 1, "700,50")), load, kData, 1);
  ASSERT_TRUE(strings) << strings.error().text;
  EXPECT_EQ(strings->trace->pv_w[5], 750.0F);
  for (const auto& [header, cells] : {std::pair{"t_s,ghi_wm2", "1000"}, std::pair{"t_s,ghi_wm2,filled", "1000,1"}}) {
    const auto ghi = suite_from_files(written("ghi", flat(header, 86'400, 1, cells)), load, kData, 1, 4.0);
    ASSERT_TRUE(ghi) << ghi.error().text;
    EXPECT_EQ(ghi->trace->pv_w[5], 3600.0F);
  }
}

TEST(Suite, AShortSunIsPutAroundNoon) {
  const auto sun = written("sun", flat("t_s,pv_w", 43'200, 1, "900"));
  const auto suite = suite_from_files(sun, kData + "/day_1s_a.csv.gz", kData, 1);
  ASSERT_TRUE(suite) << suite.error().text;
  const auto& pv_w = suite->trace->pv_w;
  ASSERT_EQ(pv_w.size(), 86'400U);
  EXPECT_EQ(pv_w[6 * 3600 - 1], 0.0F);
  EXPECT_EQ(pv_w[6 * 3600], 900.0F);
  EXPECT_EQ(pv_w[18 * 3600 - 1], 900.0F);
  EXPECT_EQ(pv_w[18 * 3600], 0.0F);
}

TEST(Suite, MistakesOfBothFilesAreSaidAtOnce) {
  const auto text = [](const std::string& sun, const std::string& load) {
    return suite_from_files(written("sun", sun), written("load", load), kData, 1).error().text;
  };
  const std::string fine_sun = flat("t_s,pv_w", 1440, 60, "5"), fine_load = flat("t_s,load_w", 1440, 60, "5");
  const auto says = [](const std::string& all, const char* part) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " is missing in: " << all;
  };
  const auto both = text("t_s,power\n", "t_s,load_w\n0,1\n60,x\n");
  says(both, "sun:1: the columns are \"t_s,power\", wanted \"t_s,pv_w\" or");
  says(both, "load:3: 2 numbers are wanted, for t_s,load_w");
  says(text("t_s,pv_w\n0,1\n300,1\n", fine_load), "sun:3: t_s is 300, wanted 1: a row a second, or all a minute");
  says(text("t_s,pv_w\n0,1\n60,1\n180,1\n", fine_load), "sun:4: t_s is 180, wanted 120");
  says(text("t_s,pv_w\n3600,1\n", fine_load), "sun:2: t_s is 3600, wanted 0");
  says(text("t_s,pv_w\n0,nan\n", fine_load), "sun:2: watts must be 0 to");
  says(text("t_s,ghi_wm2\n0,2500\n", fine_load), "sun:2: W/m² must be 0 to 2000");
  says(text("t_s,ghi_wm2,filled\n0,500,\n", fine_load), "sun:2: 3 numbers");
  says(text("", fine_load), "sun: no rows");
  says(text(fine_sun, flat("t_s,load_w", 60, 60, "5")), "load: 3600 s of load; at least a day, 86400 s, is wanted");
  EXPECT_NE(suite_from_files("/no/sun", "/no/load", kData, 1).error().text.find("/no/load"), std::string::npos);
  const auto no_clouds = suite_from_files(written("sun", fine_sun), written("load", fine_load), "/nowhere", 1);
  says(no_clouds.error().text, "/nowhere/day_1s_b.csv.gz");
}

TEST(Suite, ADamagedArchiveIsNotHalfAYear) {
  std::ifstream whole(kData + "/load_1min_refit2_q2.csv.gz", std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(whole), {});
  bytes.resize(bytes.size() / 2);
  const auto suite = suite_from_files(kData + "/day_1s_a.csv.gz", written("half.gz", bytes), kData, 1);
  ASSERT_FALSE(suite);
  EXPECT_EQ(suite.error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace sluice::sim
