// What is encoded for an emulated device is decoded again by the same template, through the same walk and reads that a
// real client makes.

#include "devices/encode.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "devices/layout.hpp"
#include "devices/library.hpp"

namespace sluice::devices {
namespace {

using Values = std::map<Measurement, double>;

const Library& library() {
  static const Library loaded = [] {
    auto result = Library::load({SLUICE_SOURCE_DIR "/config/devices"});
    if (!result) ADD_FAILURE() << result.error().text;
    return result ? *result : Library{};
  }();
  return loaded;
}

/// The registers of one read; empty when the image does not hold all of them, as a device would refuse.
std::vector<std::uint16_t> fetch(const RegisterImage& image, std::uint8_t unit, Table table, unsigned address,
                                 unsigned count) {
  std::vector<std::uint16_t> registers;
  const auto by_unit = image.find(unit);
  if (by_unit == image.end() || !by_unit->second.contains(table)) return {};
  const auto& words = by_unit->second.at(table);
  for (unsigned index = 0; index < count; ++index) {
    const auto word = words.find(static_cast<std::uint16_t>(address + index));
    if (word == words.end()) return {};
    registers.push_back(word->second);
  }
  return registers;
}

Chain walk(const Template& device_template, std::uint8_t unit, const RegisterImage& image) {
  if (device_template.sunspec_bases.empty()) return {};
  ChainWalk walk(device_template.sunspec_bases);
  while (const auto next = walk.next()) {
    const auto registers = fetch(image, unit, Table::holding, next->address, next->count);
    registers.empty() ? walk.refuse() : walk.answer(registers);
  }
  const auto chain = walk.result();
  EXPECT_TRUE(chain) << chain.error().text;
  return chain.value_or(Chain{});
}

/// Everything a client would see: only what its planned reads bring.
std::map<Measurement, Decoded> observe(const Template& device_template, std::uint8_t unit, const RegisterImage& image) {
  const Layout layout = resolve(device_template, walk(device_template, unit, image), unit);
  RegisterImage seen;
  for (const ReadRequest& read : layout.reads) {
    EXPECT_LE(read.count, device_template.transport.max_registers);
    const auto registers = fetch(image, read.unit, read.table, read.address, read.count);
    EXPECT_FALSE(registers.empty()) << device_template.id << ": read of " << read.address << " refused";
    for (std::size_t index = 0; index < registers.size(); ++index)
      seen[read.unit][read.table][static_cast<std::uint16_t>(read.address + index)] = registers[index];
  }
  std::map<Measurement, Decoded> all;
  for (Decoded& decoded : decode(layout, seen)) all[decoded.what] = std::move(decoded);
  return all;
}

double random_value(Measurement what, std::mt19937& random) {
  const auto between = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / static_cast<double>(std::mt19937::max());
  };
  switch (what) {
    case Measurement::room_c:
      return between(-30.0, 70.0);
    case Measurement::grid_hz:
      return between(49, 61);
    case Measurement::grid_v:
      return between(200, 250);
    case Measurement::grid_connection:
    case Measurement::pv_curtailed:
      return static_cast<double>(random() % 2);
    case Measurement::soc_pct:
      return between(1, 100);
    case Measurement::pv_w:
    case Measurement::pv_available_w:
    case Measurement::house_w:
      return between(1, 12000);
    case Measurement::grid_import_wh:
    case Measurement::grid_export_wh:
    case Measurement::pv_wh:
      return between(1000, 9e6);
    case Measurement::battery_capacity_wh:
    case Measurement::inverter_rating_w:
    case Measurement::battery_charge_limit_w:
    case Measurement::battery_discharge_limit_w:
      return between(2000, 12000);
    default:
      return between(-12000, 12000);
  }
}

/// How far a decoded value may be from the encoded one: half of the coarsest step that templates have, three of them
/// for a sum of phases.
double tolerance(Measurement what, double value) {
  switch (what) {
    case Measurement::soc_pct:
      return 0.51;
    case Measurement::grid_hz:
    case Measurement::grid_v:
      return 0.11;
    case Measurement::grid_import_wh:
    case Measurement::grid_export_wh:
    case Measurement::pv_wh:
      return std::max(101.0, value * 1e-6);
    default:
      return 1.51 + std::fabs(value) * 1e-6;
  }
}

TEST(Encode, EveryTemplateDecodesWhatItEncodes) {
  constexpr unsigned kSeed = 20260720;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  ASSERT_FALSE(library().ids().empty());
  for (const std::string& id : library().ids()) {
    const Template& device_template = *library().find(id);
    for (int round = 0; round < 60; ++round) {
      Values values;
      for (const Offer& offer : device_template.offers) values[offer.what] = random_value(offer.what, random);
      // Phases add up to the total, as they do in a house.
      if (values.contains(Measurement::grid_l3_w))
        values[Measurement::grid_w] =
            values[Measurement::grid_l1_w] + values[Measurement::grid_l2_w] + values[Measurement::grid_l3_w];
      // Without a battery the inverter's output is the array's.
      if (values.contains(Measurement::inverter_ac_w) && !values.contains(Measurement::battery_w))
        values[Measurement::inverter_ac_w] = values[Measurement::pv_w];
      // On an island there is no grid power to measure, and no export limit that curtails.
      if (values.contains(Measurement::grid_connection) && values[Measurement::grid_connection] != 0) {
        values[Measurement::pv_curtailed] = 0;
        for (const auto what :
             {Measurement::grid_w, Measurement::grid_l1_w, Measurement::grid_l2_w, Measurement::grid_l3_w})
          values.erase(what);
      }
      const auto seen = observe(device_template, device_template.unit, encode(device_template, values));
      for (const auto& [what, value] : values) {
        const auto found = seen.find(what);
        if (found == seen.end()) continue;
        const Decoded& decoded = found->second;
        // Some devices can say that they throttle, but not that they do not.
        if (what == Measurement::pv_curtailed && value == 0 && !decoded.value) continue;
        ASSERT_TRUE(decoded.value) << id << " " << to_string(what) << ": " << decoded.note;
        EXPECT_NEAR(*decoded.value, value, tolerance(what, value))
            << id << " " << to_string(what) << " from " << decoded.source;
      }
    }
  }
}

TEST(Encode, TheSameTemplateBuildsAnInverterOfThe700Models) {
  const Template& device_template = *library().find("sunspec");
  const Values values{{Measurement::pv_w, 4200.0},      {Measurement::battery_w, -1500.0},
                      {Measurement::soc_pct, 81.5},     {Measurement::battery_capacity_wh, 9600.0},
                      {Measurement::pv_curtailed, 1.0}, {Measurement::inverter_rating_w, 10000.0}};
  EncodeOptions options;
  options.models = {701, 702, 713, 714};
  const auto seen = observe(device_template, 1, encode(device_template, values, options));
  for (const auto& [what, value] : values) {
    ASSERT_TRUE(seen.at(what).value) << to_string(what) << ": " << seen.at(what).note;
    EXPECT_NEAR(*seen.at(what).value, value, 1.0) << to_string(what) << " from " << seen.at(what).source;
  }
  EXPECT_NE(seen.at(Measurement::pv_w).source.find("model 714"), std::string::npos);
}

TEST(Encode, WhatHasNoValueIsAbsentAndNeverZero) {
  for (const std::string& id : library().ids()) {
    // Their integers know no pattern for "no value".
    if (id == "carlo-gavazzi-em24" || id == "xy-md02") continue;
    const Template& device_template = *library().find(id);
    for (const auto& [what, decoded] : observe(device_template, device_template.unit, encode(device_template, {})))
      EXPECT_FALSE(decoded.value) << id << " " << to_string(what) << " = " << *decoded.value << " from "
                                  << decoded.source;
  }
}

}  // namespace
}  // namespace sluice::devices
