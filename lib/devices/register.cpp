#include "devices/register.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <string_view>

namespace sluice::devices {
namespace {

constexpr int kMaxExponent = 10;  // SunSpec allows −10…+10; anything else is no exponent

struct TypeFacts {
  std::string_view name;
  Type type;
  std::uint16_t words;
};
constexpr std::array kTypes{
    TypeFacts{"u16", Type::u16, 1},      TypeFacts{"i16", Type::i16, 1},     TypeFacts{"u32", Type::u32, 2},
    TypeFacts{"i32", Type::i32, 2},      TypeFacts{"u64", Type::u64, 4},     TypeFacts{"i64", Type::i64, 4},
    TypeFacts{"f32", Type::f32, 2},      TypeFacts{"f64", Type::f64, 4},     TypeFacts{"acc16", Type::acc16, 1},
    TypeFacts{"acc32", Type::acc32, 2},  TypeFacts{"acc64", Type::acc64, 4}, TypeFacts{"sunssf", Type::sunssf, 1},
    TypeFacts{"string", Type::string, 0}};

const TypeFacts& facts(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

std::uint64_t all_ones(unsigned bits) { return bits == 64 ? ~0ULL : (1ULL << bits) - 1; }

bool is_accumulator(Type type) { return type == Type::acc16 || type == Type::acc32 || type == Type::acc64; }

/// The integer pattern of a convention, nothing where the convention knows none for this type.
std::optional<std::uint64_t> absent_pattern(const Register& place) {
  const unsigned bits = width(place) * 16U;
  if (is_accumulator(place.type)) return 0;
  if (place.type == Type::sunssf) return 0x8000;
  if (place.absent == Absent::none) return std::nullopt;
  if (!is_signed(place.type)) return all_ones(bits);
  return place.absent == Absent::signed_min ? 1ULL << (bits - 1) : all_ones(bits) >> 1;
}

bool is_absent(const Register& place, std::uint64_t bits) {
  for (const std::uint64_t pattern : place.not_available)
    if (bits == pattern) return true;
  return !is_float(place.type) && absent_pattern(place) == bits;
}

double as_float(const Register& place, std::uint64_t bits) {
  if (place.type == Type::f64) return std::bit_cast<double>(bits);
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
}

/// NaN, infinity and the largest float are vendors' ways to say "nothing"; a subnormal is a wrong word order.
bool is_no_float(Type type, double value) {
  if (type == Type::f32)
    return !std::isfinite(value) || std::fabs(value) >= FLT_MAX || (value != 0 && std::fabs(value) < FLT_MIN);
  return !std::isfinite(value) || std::fabs(value) >= DBL_MAX || std::fpclassify(value) == FP_SUBNORMAL;
}

double as_integer(const Register& place, std::uint64_t bits) {
  if (!is_signed(place.type)) return static_cast<double>(bits);
  const unsigned shift = 64U - width(place) * 16U;
  return static_cast<double>(static_cast<std::int64_t>(bits << shift) >> shift);
}

/// Copies `count` registers; empty when any of them is not in the image.
std::vector<std::uint16_t> words_at(const RegisterImage& image, std::uint8_t unit, Table table, std::uint16_t address,
                                    std::uint16_t count) {
  const auto by_unit = image.find(unit);
  if (by_unit == image.end()) return {};
  const auto by_table = by_unit->second.find(table);
  if (by_table == by_unit->second.end()) return {};
  std::vector<std::uint16_t> words;
  auto word = by_table->second.find(address);
  for (std::uint16_t index = 0; index < count; ++index, ++word) {
    if (word == by_table->second.end() || word->first != address + index) return {};
    words.push_back(word->second);
  }
  return words;
}

std::uint64_t join(const std::vector<std::uint16_t>& words, WordOrder order) {
  std::uint64_t bits = 0;
  for (std::size_t index = 0; index < words.size(); ++index)
    bits = bits << 16 | words[order == WordOrder::high_first ? index : words.size() - 1 - index];
  return bits;
}

std::uint8_t unit_of(const Register& place, std::uint8_t unit) { return place.unit.value_or(unit); }

/// The exponent in force, or nothing when the device says "not implemented" or talks nonsense.
std::optional<int> exponent_of(const Register& place, std::uint8_t unit, const RegisterImage& image, Number& number) {
  if (!place.exponent_address) return 0;
  const auto words = words_at(image, unit_of(place, unit), place.table, *place.exponent_address, 1);
  if (words.empty()) {
    number.served = false;
    number.note = "scale factor not served";
    return std::nullopt;
  }
  const int exponent = static_cast<std::int16_t>(words[0]);
  if (std::abs(exponent) <= kMaxExponent) return exponent;
  if (place.exponent_optional) return 0;
  number.note = fmt::format("scale factor not implemented (0x{:04X})", words[0]);
  return std::nullopt;
}

bool is_null_frame(const Register& place, std::uint8_t unit, const RegisterImage& image) {
  constexpr std::uint16_t kFault = 7;
  if (!place.frame) return false;
  const auto word = [&](std::uint16_t address) {
    return words_at(image, unit_of(place, unit), place.table, address, 1);
  };
  const std::vector<std::uint16_t> zero{0}, fault{kFault};
  return word(place.frame->power_address) == zero && word(place.frame->exponent_address) == zero &&
         word(place.frame->state_address) == fault;
}

double raw_of(const Register& place, double value, int exponent) {
  return value / (place.scale * std::pow(10.0, exponent)) - place.offset;
}

void put(const Register& place, std::uint8_t unit, std::uint64_t bits, RegisterImage& image) {
  const std::uint16_t count = width(place);
  auto& table = image[unit_of(place, unit)][place.table];
  for (unsigned index = 0; index < count; ++index) {
    const unsigned shift = 16U * (place.order == WordOrder::high_first ? count - 1U - index : index);
    table[static_cast<std::uint16_t>(place.address + index)] = static_cast<std::uint16_t>(bits >> shift);
  }
}

}  // namespace

std::uint16_t width(const Register& place) {
  return place.type == Type::string ? place.length : facts(place.type).words;
}

bool is_signed(Type type) {
  return type == Type::i16 || type == Type::i32 || type == Type::i64 || type == Type::sunssf;
}

bool is_float(Type type) { return type == Type::f32 || type == Type::f64; }

std::optional<Type> type_from_name(std::string_view name) {
  for (const TypeFacts& entry : kTypes)
    if (entry.name == name) return entry.type;
  return std::nullopt;
}

std::string_view to_string(Type type) { return facts(type).name; }

Number decode(const Register& place, std::uint8_t unit, const RegisterImage& image) {
  Number number;
  number.raw = words_at(image, unit_of(place, unit), place.table, place.address, width(place));
  if (number.raw.empty()) {
    number.served = false;
    number.note = "the device refuses these registers";
    return number;
  }
  const std::uint64_t bits = join(number.raw, place.order);
  if (is_absent(place, bits)) {
    number.note = fmt::format("not available (0x{:0{}X})", bits, number.raw.size() * 4);
    return number;
  }
  const double raw = is_float(place.type) ? as_float(place, bits) : as_integer(place, bits);
  if (is_float(place.type) && is_no_float(place.type, raw)) {
    number.note = fmt::format("not a number (0x{:0{}X})", bits, number.raw.size() * 4);
    return number;
  }
  const auto exponent = exponent_of(place, unit, image, number);
  if (!exponent) return number;
  if (is_null_frame(place, unit, image)) {
    number.note = "null frame: zeros in the fault state";
    return number;
  }
  const double value = (raw + place.offset) * place.scale * std::pow(10.0, *exponent);
  if ((place.min && value < *place.min) || (place.max && value > *place.max)) {
    number.note = fmt::format("out of range ({:g})", value);
    return number;
  }
  number.value = value;
  return number;
}

std::optional<std::uint64_t> decode_bits(const Register& place, std::uint8_t unit, const RegisterImage& image) {
  const auto words = words_at(image, unit_of(place, unit), place.table, place.address, width(place));
  if (words.empty()) return std::nullopt;
  const std::uint64_t bits = join(words, place.order);
  if (is_absent(place, bits) || is_null_frame(place, unit, image)) return std::nullopt;
  return bits;
}

std::optional<std::string> decode_text(const Register& place, std::uint8_t unit, const RegisterImage& image) {
  std::string text;
  for (const std::uint16_t word : words_at(image, unit_of(place, unit), place.table, place.address, width(place))) {
    text += static_cast<char>(word >> 8);
    text += static_cast<char>(word & 0xFF);
  }
  text.resize(std::min(text.find('\0'), text.size()));
  text.resize(text.find_last_not_of(' ') + 1);
  for (char& letter : text)
    if (letter < ' ' || letter > '~') letter = '?';  // the text goes to logs and terminals
  if (text.empty()) return std::nullopt;
  return text;
}

bool representable(const Register& place, double value, int exponent) {
  if (!std::isfinite(value)) return false;
  if ((place.min && value < *place.min) || (place.max && value > *place.max)) return false;
  const double raw = raw_of(place, value, exponent);
  if (place.type == Type::f32) return std::fabs(raw) < FLT_MAX;
  if (place.type == Type::f64) return true;
  const double rounded = std::round(raw);
  const int bits = width(place) * 16;
  const double low = is_signed(place.type) ? -std::ldexp(1.0, bits - 1) : 0.0;
  const double high = is_signed(place.type) ? std::ldexp(1.0, bits - 1) : std::ldexp(1.0, bits);
  if (rounded < low || rounded >= high) return false;
  const std::uint64_t pattern = rounded < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(rounded)) &
                                                  all_ones(static_cast<unsigned>(bits))
                                            : static_cast<std::uint64_t>(rounded);
  return !is_absent(place, pattern);
}

void encode(const Register& place, std::uint8_t unit, double value, int exponent, RegisterImage& image) {
  const double raw = raw_of(place, value, exponent);
  std::uint64_t bits = 0;
  if (place.type == Type::f64) {
    bits = std::bit_cast<std::uint64_t>(raw);
  } else if (place.type == Type::f32) {
    bits = std::bit_cast<std::uint32_t>(static_cast<float>(raw));
  } else {
    const double rounded = std::round(raw);
    bits = rounded < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(rounded))
                       : static_cast<std::uint64_t>(rounded);
  }
  put(place, unit, bits, image);
  if (place.exponent_address)
    image[unit_of(place, unit)][place.table][*place.exponent_address] = static_cast<std::uint16_t>(exponent);
}

void encode_bits(const Register& place, std::uint8_t unit, std::uint64_t bits, RegisterImage& image) {
  put(place, unit, bits, image);
}

void encode_text(const Register& place, std::uint8_t unit, std::string_view text, RegisterImage& image) {
  const auto byte = [&](std::size_t index) {
    return index < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[index])) : 0U;
  };
  auto& table = image[unit_of(place, unit)][place.table];
  for (std::size_t index = 0; index < width(place); ++index)
    table[static_cast<std::uint16_t>(place.address + index)] =
        static_cast<std::uint16_t>(byte(2 * index) << 8 | byte(2 * index + 1));
}

void encode_absent(const Register& place, std::uint8_t unit, RegisterImage& image) {
  if (place.type == Type::string) return encode_text(place, unit, "", image);
  if (place.type == Type::f32) return put(place, unit, 0x7FC00000, image);
  if (place.type == Type::f64) return put(place, unit, 0x7FF8000000000000, image);
  const auto pattern = absent_pattern(place);
  put(place, unit, pattern ? *pattern : place.not_available.empty() ? 0 : place.not_available.front(), image);
}

}  // namespace sluice::devices
