#include "devices/sunspec.hpp"

#include <gtest/gtest.h>

#include <map>

#include "devices/sunspec_models.hpp"

namespace sluice::devices {
namespace {

using Words = std::map<std::uint32_t, std::uint16_t>;

/// A chain at `base` from models and their lengths, every data register 0.
Words chain_at(std::uint32_t base, const std::vector<std::pair<std::uint16_t, std::uint16_t>>& models,
               bool with_end = true) {
  Words words{{base, 0x5375}, {base + 1, 0x6E53}};
  std::uint32_t address = base + 2;
  for (const auto& [id, length] : models) {
    words[address] = id;
    words[address + 1] = length;
    for (std::uint32_t index = 0; index < length; ++index) words[address + 2 + index] = 0;
    address += 2U + length;
  }
  if (with_end) words[address] = 0xFFFF;  // no length behind it: some devices have none
  return words;
}

/// Walks; `reads` counts the requests.
Result<Chain> walk(const Words& words, int* reads = nullptr, std::vector<std::uint16_t> bases = {40000, 50000, 0}) {
  ChainWalk walk(std::move(bases));
  for (int count = 0; const auto next = walk.next(); ++count) {
    if (reads) *reads = count + 1;
    EXPECT_LT(count, 1000) << "the walk must end";
    if (count >= 1000) break;
    std::vector<std::uint16_t> registers;
    for (std::uint32_t index = 0; index < next->count; ++index)
      if (words.contains(next->address + index)) registers.push_back(words.at(next->address + index));
    registers.size() == next->count ? walk.answer(registers) : walk.refuse();
  }
  return walk.result();
}

std::vector<std::uint16_t> ids(const Chain& chain) {
  std::vector<std::uint16_t> all;
  for (const FoundModel& model : chain.models) all.push_back(model.id);
  return all;
}

TEST(SunSpecWalk, FindsTheChainAtAnyBase) {
  for (const std::uint32_t base : {40000U, 50000U, 0U}) {
    const auto chain = walk(chain_at(base, {{1, 66}, {103, 50}}));
    ASSERT_TRUE(chain) << chain.error().text;
    EXPECT_EQ(chain->models[1], (FoundModel{103, static_cast<std::uint16_t>(base + 70), 50, 0}));
  }
}

TEST(SunSpecWalk, ACommonBlockWithoutPadMovesEverythingByOne) {
  const auto chain = walk(chain_at(40000, {{1, 65}, {103, 50}}));
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->models[1].address, 40069);
}

TEST(SunSpecWalk, ASecondModel1BeginsAnotherLogicalDevice) {
  Words words = chain_at(40000, {{1, 65}, {103, 50}, {1, 65}, {203, 105}});
  const char option[] = "Export+Import";
  for (std::uint32_t index = 0; index < 7; ++index)
    words[40121 + 34 + index] =
        static_cast<std::uint16_t>(option[2 * index] << 8 | (index < 6 ? option[2 * index + 1] : 0));
  const auto chain = walk(words);
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->models[1].device, 0);
  EXPECT_EQ(chain->models[3], (FoundModel{203, 40188, 105, 1}));
  EXPECT_EQ(chain->common.at(1).option, "Export+Import");
}

TEST(SunSpecWalk, UnknownModelsAreSkippedByTheirLength) {
  const auto chain = walk(chain_at(40000, {{1, 66}, {64111, 23}, {103, 50}}));
  ASSERT_TRUE(chain);
  EXPECT_EQ(ids(*chain), (std::vector<std::uint16_t>{1, 64111, 103}));
}

TEST(SunSpecWalk, ARefusalAfterAModelIsTheEnd) {
  const auto chain = walk(chain_at(40000, {{1, 66}, {103, 50}}, false));
  ASSERT_TRUE(chain);
  EXPECT_EQ(ids(*chain), (std::vector<std::uint16_t>{1, 103}));
}

TEST(SunSpecWalk, ALengthOfZeroIsTheEnd) {
  const auto chain = walk(chain_at(40000, {{1, 66}, {103, 50}, {124, 0}}));
  ASSERT_TRUE(chain);
  EXPECT_EQ(ids(*chain), (std::vector<std::uint16_t>{1, 103}));
}

TEST(SunSpecWalk, NoChainGoesBeyondTheLastRegister) {
  const auto chain = walk(chain_at(50000, {{1, 66}, {103, 15500}}));
  ASSERT_TRUE(chain);
  EXPECT_EQ(ids(*chain), (std::vector<std::uint16_t>{1, 103}));
}

TEST(SunSpecWalk, AnEndlessChainStops) {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> models{{1, 66}};
  models.resize(500, {64001, 5});
  int reads = 0;
  const auto chain = walk(chain_at(40000, models), &reads);
  ASSERT_TRUE(chain);
  EXPECT_LE(chain->models.size(), 100U);
  EXPECT_LT(reads, 220);
}

TEST(SunSpecWalk, TheFirstModelMustBeTheCommonOne) {
  const auto chain = walk(chain_at(40000, {{103, 50}}));
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().kind, ErrorKind::protocol);
}

TEST(SunSpecWalk, NoMarkerIsNotFound) {
  const auto chain = walk({{40000, 1}, {40001, 2}});
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().kind, ErrorKind::not_found);
}

// Offsets from the published models, so that a slip in the tables is seen.
TEST(SunSpecModels, PointsSitWhereTheSpecificationPutsThem) {
  struct Pin {
    std::uint16_t model;
    const char* point;
    std::uint16_t offset, exponent;
  };
  for (const Pin& pin : std::initializer_list<Pin>{
           {1, "SN", 50, 0},           {103, "W", 14, 15},       {103, "WH", 24, 26},      {103, "DCW", 31, 32},
           {103, "St", 38, 0},         {113, "W", 22, 0},        {113, "St", 48, 0},       {120, "WRtg", 3, 4},
           {123, "WMaxLim_Ena", 9, 0}, {124, "ChaState", 8, 22}, {160, "DCW", 11, 4},      {203, "W", 18, 22},
           {203, "TotWhImp", 46, 54},  {213, "W", 28, 0},        {213, "TotWhImp", 68, 0}, {701, "W", 10, 116},
           {702, "WMaxRtg", 2, 45},    {713, "SoC", 4, 8},       {714, "PrtW", 12, 17},    {802, "W", 47, 63},
           {802, "SoC", 11, 56}}) {
    const ModelPoint* point = find_point(*find_model(pin.model), pin.point);
    ASSERT_NE(point, nullptr) << pin.model << " " << pin.point;
    EXPECT_EQ(point->offset, pin.offset) << pin.model << " " << pin.point;
    EXPECT_EQ(point->exponent, pin.exponent) << pin.model << " " << pin.point;
  }
}

TEST(SunSpecModels, PointsFitTheirModelAndDoNotOverlap) {
  for (const Model& model : all_models()) {
    const auto check = [&](std::span<const ModelPoint> points, unsigned first, unsigned end) {
      unsigned free = first;
      std::vector<ModelPoint> sorted(points.begin(), points.end());
      std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
      for (const ModelPoint& point : sorted) {
        Register place;
        place.type = point.type;
        place.length = point.length;
        EXPECT_GE(point.offset, free) << model.id << " " << point.name;
        free = point.offset + width(place);
        EXPECT_LE(free, end) << model.id << " " << point.name;
        if (point.exponent != kNoExponent) {
          const bool is_exponent = std::any_of(model.points.begin(), model.points.end(), [&](const ModelPoint& each) {
            return each.offset == point.exponent && each.type == Type::sunssf;
          });
          EXPECT_TRUE(is_exponent) << model.id << " " << point.name;
        }
      }
    };
    check(model.points, 2, 2U + model.length);
    check(model.group_points, 0, model.group_length);
  }
}

}  // namespace
}  // namespace sluice::devices
