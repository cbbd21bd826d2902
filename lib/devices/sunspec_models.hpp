#pragma once
/// The SunSpec models that templates refer to, as data: point, offset from the model's ID register, type, and the
/// offset of the scale factor. Facts of the public SunSpec model definitions (github.com/sunspec/models).

#include <cstdint>
#include <span>
#include <string_view>

#include "devices/register.hpp"

namespace sluice::devices {

inline constexpr std::uint16_t kNoExponent = 0;  ///< offset 0 is the ID register, never a scale factor

struct ModelPoint {
  std::string_view name;
  std::uint16_t offset = 0;  ///< from the ID register; in a repeating group from the group's first register
  Type type = Type::u16;
  std::uint16_t exponent = kNoExponent;  ///< offset of the scale factor, always in the fixed block
  std::uint8_t length = 0;               ///< strings only, registers
  bool exponent_optional = false;        ///< the scale factor may be "not implemented" and then counts as 0
};

struct Model {
  std::uint16_t id = 0;
  std::uint16_t length = 0;  ///< data registers after the length register, without repeating groups
  std::span<const ModelPoint> points;
  std::uint16_t group_length = 0;  ///< registers of one repeating group; 0 = none
  std::uint16_t count_offset = 0;  ///< where the device says how many groups there are
  std::span<const ModelPoint> group_points;
};

/// Nothing for a model that templates cannot refer to; the walk skips it by its length.
const Model* find_model(std::uint16_t id);
/// All of them, ascending.
std::span<const Model> all_models();
/// A point of the fixed block or, where it has none of that name, of the repeating group.
const ModelPoint* find_point(const Model& model, std::string_view name);
bool in_group(const Model& model, std::string_view name);

}  // namespace sluice::devices
