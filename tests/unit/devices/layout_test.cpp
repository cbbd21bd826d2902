#include "devices/layout.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cfloat>
#include <limits>

namespace sluice::devices {
namespace {

Template parse(const std::string& measurements, const std::string& transport = "{}") {
  const std::string head = transport == "{}" ? "" : "transport: " + transport + "\n";
  auto parsed = load_template("id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\n" + head +
                                  "sunspec: {bases: [40000]}\nmeasurements:\n" + measurements,
                              "x.yaml");
  EXPECT_TRUE(parsed) << parsed.error().text;
  return parsed.value_or(Template{});
}

RegisterImage holding(const std::map<std::uint16_t, std::uint16_t>& words) {
  RegisterImage image;
  image[1][Table::holding] = words;
  return image;
}

std::optional<double> decode_one(const Template& device_template, const std::map<std::uint16_t, std::uint16_t>& words,
                                 const Chain& chain = {}) {
  return decode(resolve(device_template, chain, 1), holding(words)).at(0).value;
}

const Chain kInverter{{{1, 40002, 66, 0}, {103, 40070, 50, 0}}, {{}}};

TEST(Decode, TypesAndWordOrders) {
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: i16}\n"), {{1, 0xFFFE}}), -2.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: u16}\n"), {{1, 0xFFFE}}), 65534.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: i32}\n"), {{1, 0xFFFF}, {2, 0x0000}}), -65536.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: i32, order: low_first}\n"), {{1, 0xFFF0}, {2, 0xFFFF}}),
            -16.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: u64}\n"), {{1, 0}, {2, 1}, {3, 0}, {4, 2}}), 4294967298.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, type: f32, order: low_first}\n"), {{1, 0x0000}, {2, 0xC2C8}}),
            -100.0);
  EXPECT_EQ(decode_one(parse("  grid_w: {holding: 1, offset: -16384, scale: 2}\n"), {{1, 16400}}), 32.0);
}

TEST(Decode, WhatMeansNoValueIsAbsent) {
  const auto min = [](const char* type) {
    return parse(std::string("  grid_w: {holding: 1, absent: signed_min, type: ") + type + "}\n");
  };
  EXPECT_FALSE(decode_one(min("i16"), {{1, 0x8000}}));
  EXPECT_FALSE(decode_one(min("u16"), {{1, 0xFFFF}}));
  EXPECT_FALSE(decode_one(min("i32"), {{1, 0x8000}, {2, 0}}));
  EXPECT_FALSE(decode_one(min("acc32"), {{1, 0}, {2, 0}}));
  EXPECT_EQ(decode_one(min("i16"), {{1, 0x7FFF}}), 32767.0);
  const Template huawei = parse("  grid_w: {holding: 1, absent: signed_max, type: i32}\n");
  EXPECT_FALSE(decode_one(huawei, {{1, 0x7FFF}, {2, 0xFFFF}}));
  EXPECT_TRUE(decode_one(huawei, {{1, 0x8000}, {2, 0}}));
  EXPECT_FALSE(decode_one(parse("  grid_w: {holding: 1, not_available: [0, 7]}\n"), {{1, 7}}));
}

TEST(Decode, NoFloatIsAValueThatIsNone) {
  const Template meter = parse("  grid_w: {holding: 1, type: f32}\n");
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float nothing :
       {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, FLT_MAX, -FLT_MAX, 1e-41F}) {
    const auto bits = std::bit_cast<std::uint32_t>(nothing);
    EXPECT_FALSE(
        decode_one(meter, {{1, static_cast<std::uint16_t>(bits >> 16)}, {2, static_cast<std::uint16_t>(bits)}}))
        << nothing;
  }
  EXPECT_EQ(decode_one(meter, {{1, 0}, {2, 0}}), 0.0);
}

TEST(Decode, ScaleFactorsAreReadWithTheValue) {
  const Template meter = parse("  grid_w: {holding: 1, type: i16, scale_factor: 2}\n");
  EXPECT_EQ(decode_one(meter, {{1, 25}, {2, 2}}), 2500.0);
  EXPECT_EQ(decode_one(meter, {{1, 25}, {2, 0xFFFF}}), 2.5);
  EXPECT_EQ(decode_one(meter, {{1, 25}, {2, 0}}), 25.0);
  EXPECT_FALSE(decode_one(meter, {{1, 25}, {2, 0x8000}})) << "an absent exponent makes the value absent";
  EXPECT_FALSE(decode_one(meter, {{1, 25}, {2, 11}})) << "no exponent is beyond ten";
}

TEST(Decode, ASumWithAMissingPartIsMissing) {
  const Template meter =
      parse("  grid_w: {sum: [{holding: 1, absent: signed_min}, {holding: 2, absent: signed_min, scale: -1}]}\n");
  EXPECT_EQ(decode_one(meter, {{1, 10}, {2, 30}}), -20.0);
  EXPECT_FALSE(decode_one(meter, {{1, 10}, {2, 0xFFFF}}));
}

TEST(Decode, RefusedRegistersSendToTheNextAlternative) {
  const Template gx = parse("  grid_w: {first_of: [{holding: 908}, {holding: 820}]}\n");
  EXPECT_EQ(decode_one(gx, {{908, 1}, {820, 2}}), 1.0);
  EXPECT_EQ(decode_one(gx, {{820, 2}}), 2.0);
}

TEST(Decode, AnAbsentValueDoesNotFallThroughToAnotherMeaning) {
  const Template meter = parse("  grid_w: {first_of: [{holding: 1, absent: signed_min}, {holding: 2}]}\n");
  EXPECT_FALSE(decode_one(meter, {{1, 0xFFFF}, {2, 5}}));
}

TEST(Decode, OutOfRangeIsAbsent) {
  const Template battery = parse("  soc_pct: {holding: 1, min: 0, max: 100}\n");
  EXPECT_EQ(decode_one(battery, {{1, 100}}), 100.0);
  EXPECT_FALSE(decode_one(battery, {{1, 101}}));
}

// Model 103 at 40070: W 40084, W_SF 40085, St 40108.
TEST(Decode, AtNightPvIsZeroOnlyIfTheInverterSaysThatItSleeps) {
  const Template inverter = parse(
      "  pv_w: {point: W, models: [103], at_least: 0, otherwise: {value: 0, when: {point: St, models: [103], is: [1, "
      "2, 8]}}}\n");
  EXPECT_EQ(decode_one(inverter, {{40084, 0x8000}, {40085, 0}, {40108, 2}}, kInverter), 0.0);
  EXPECT_FALSE(decode_one(inverter, {{40084, 0x8000}, {40085, 0}, {40108, 4}}, kInverter));
  EXPECT_FALSE(decode_one(inverter, {{40084, 0x8000}, {40085, 0}, {40108, 0xFFFF}}, kInverter));
  EXPECT_EQ(decode_one(inverter, {{40084, 0xFFFB}, {40085, 0}, {40108, 8}}, kInverter), 0.0) << "standby draw";
}

TEST(Decode, ANullFrameIsNoReading) {
  const Template inverter = parse("  inverter_ac_w: {point: W, models: [103]}\n");
  EXPECT_FALSE(decode_one(inverter, {{40084, 0}, {40085, 0}, {40108, 7}}, kInverter));
  EXPECT_EQ(decode_one(inverter, {{40084, 0}, {40085, 0}, {40108, 4}}, kInverter), 0.0);
}

TEST(Decode, AModelThatIsTooShortForItsPointHasNone) {
  const Template inverter = parse("  inverter_ac_w: {point: W, models: [103]}\n");
  const Chain truncated{{{1, 40002, 66, 0}, {103, 40070, 10, 0}}, {{}}};
  EXPECT_FALSE(decode_one(inverter, {{40084, 100}, {40085, 0}, {40108, 4}}, truncated));
}

TEST(Decode, RepeatingGroupsAreBoundedByTheModelsLength) {
  const Template strings = parse("  pv_w: {sum: [{point: DCW, models: [160], group: every}]}\n");
  // Two modules by length, whatever N says: DCW at 10 + 11 and 30 + 11.
  const Chain chain{{{1, 40002, 66, 0}, {160, 40070, 48, 0}}, {{}}};
  EXPECT_EQ(decode_one(strings, {{40074, 1}, {40078, 9}, {40091, 100}, {40111, 50}, {40131, 999}}, chain), 1500.0);
}

TEST(Plan, GroupsWithinLimitsAndNeverSplitsAValue) {
  const Template meter = parse(
      "  grid_w: {holding: 0, type: i32}\n  grid_l1_w: {holding: 2, type: i32}\n  grid_l2_w: {holding: 4, type: i32}\n",
      "{max_registers: 5}");
  EXPECT_EQ(resolve(meter, {}, 1).reads,
            (std::vector<ReadRequest>{{1, Table::holding, 0, 4}, {1, Table::holding, 4, 2}}));
}

TEST(Plan, ReadsAcrossNoLargerGapThanAllowed) {
  const std::string measurements = "  grid_w: {holding: 0}\n  grid_v: {holding: 3}\n";
  EXPECT_EQ(resolve(parse(measurements, "{max_gap: 1}"), {}, 1).reads.size(), 2U);
  EXPECT_EQ(resolve(parse(measurements, "{max_gap: 2}"), {}, 1).reads,
            (std::vector<ReadRequest>{{1, Table::holding, 0, 4}}));
}

TEST(Plan, TablesAndUnitsAreApart) {
  const Template meter = parse("  grid_w: {holding: 0}\n  grid_v: {input: 1}\n  grid_hz: {holding: 1, unit: 7}\n");
  EXPECT_EQ(resolve(meter, {}, 1).reads.size(), 3U);
}

TEST(Plan, AValueAndItsScaleFactorComeInOneRead) {
  const Template meter = parse("  grid_w: {holding: 10, type: i16, scale_factor: 40}\n  grid_v: {holding: 0}\n",
                               "{max_registers: 31, max_gap: 0}");
  EXPECT_EQ(resolve(meter, {}, 1).reads,
            (std::vector<ReadRequest>{{1, Table::holding, 0, 1}, {1, Table::holding, 10, 31}}));
}

TEST(Plan, AScaleFactorOutOfReachIsReadApart) {
  const Template meter = parse("  grid_w: {holding: 10, type: i16, scale_factor: 40}\n", "{max_registers: 20}");
  EXPECT_EQ(resolve(meter, {}, 1).reads.size(), 2U);
}

TEST(Plan, Model701ComesWithItsDistantScaleFactor) {
  const Template inverter = parse("  inverter_ac_w: {point: W, models: [701]}\n");
  const Chain chain{{{1, 40002, 66, 0}, {701, 40070, 153, 0}}, {{}}};
  EXPECT_EQ(resolve(inverter, chain, 1).reads, (std::vector<ReadRequest>{{1, Table::holding, 40080, 107}}));
}

}  // namespace
}  // namespace sluice::devices
