#pragma once
/// Where a number sits in a device's registers and how it is written there. Addresses are wire addresses (counted from
/// 0, as they travel in the Modbus request), never the 1-based ones that manuals print.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::devices {

enum class Table : std::uint8_t { holding = 3, input = 4 };  ///< the value is the Modbus function code

/// Registers by unit, table and wire address: what was read from a device, or what an emulated device serves.
using RegisterImage = std::map<std::uint8_t, std::map<Table, std::map<std::uint16_t, std::uint16_t>>>;

/// `acc…` are SunSpec's counters, where 0 means "none"; `sunssf` is a decimal exponent.
enum class Type : std::uint8_t { u16, i16, u32, i32, u64, i64, f32, f64, acc16, acc32, acc64, sunssf, string };

/// Order of the registers of one value; bytes inside a register always travel high byte first.
enum class WordOrder : std::uint8_t { high_first, low_first };

/// Which patterns mean "no value", beside those listed for a register. Floats that are NaN, infinite, ±FLT_MAX or
/// subnormal are never values.
enum class Absent : std::uint8_t {
  none,        ///< every integer is a value
  signed_min,  ///< 0x8000…, and 0xFFFF… for unsigned: SunSpec, SMA
  signed_max,  ///< 0x7FFF…, and 0xFFFF… for unsigned: Huawei, ABB
};

/// SunSpec inverters that lost their measurement send zero power with a zero exponent in the fault state; such a frame
/// says nothing (Fronius).
struct NullFrame {
  std::uint16_t power_address = 0, exponent_address = 0, state_address = 0;
  bool operator==(const NullFrame&) const = default;
};

/// value = (raw + offset) · scale · 10^exponent, the exponent being read from `exponent_address`.
struct Register {
  std::optional<std::uint8_t> unit;  ///< another unit than the device's own
  Table table = Table::holding;
  std::uint16_t address = 0;
  Type type = Type::u16;
  std::uint8_t length = 0;  ///< registers; only for strings
  WordOrder order = WordOrder::high_first;
  Absent absent = Absent::none;
  std::vector<std::uint64_t> not_available;  ///< raw patterns, right-aligned, that mean "no value"
  double offset = 0.0;
  double scale = 1.0;
  std::optional<std::uint16_t> exponent_address;
  bool exponent_optional = false;  ///< an absent exponent counts as 0
  std::optional<double> min, max;  ///< of the value; outside is "no value"
  std::optional<NullFrame> frame;  ///< only for SunSpec models 101-103
  std::string origin;              ///< for people: "model 203 W"
};

/// Registers that one value of this kind fills: 1, 2, 4, or a string's length.
std::uint16_t width(const Register& place);
bool is_signed(Type type);
bool is_float(Type type);
std::optional<Type> type_from_name(std::string_view name);  ///< `u16`, `acc32`, …
std::string_view to_string(Type type);

/// A decoded number, or why there is none.
struct Number {
  std::optional<double> value;
  bool served = true;  ///< false: the image does not hold these registers at all
  std::string note;    ///< why absent: "not implemented (0x8000)"
  std::vector<std::uint16_t> raw;
};

/// Decodes one number; `unit` is the device's own unit.
Number decode(const Register& place, std::uint8_t unit, const RegisterImage& image);
/// The raw pattern, right-aligned, when it is there and means a value; for enumerations and bit fields.
std::optional<std::uint64_t> decode_bits(const Register& place, std::uint8_t unit, const RegisterImage& image);
/// Blank- and NUL-trimmed text; nothing when the registers are not served or empty.
std::optional<std::string> decode_text(const Register& place, std::uint8_t unit, const RegisterImage& image);

/// Could `value` be written here with this exponent? False when out of range for type, limits, or a "no value" pattern.
bool representable(const Register& place, double value, int exponent);
/// Writes the value; `representable` must hold. The exponent register is written too, where there is one.
void encode(const Register& place, std::uint8_t unit, double value, int exponent, RegisterImage& image);
void encode_bits(const Register& place, std::uint8_t unit, std::uint64_t bits, RegisterImage& image);
void encode_text(const Register& place, std::uint8_t unit, std::string_view text, RegisterImage& image);
/// Writes the pattern that means "no value"; 0 where the type knows none.
void encode_absent(const Register& place, std::uint8_t unit, RegisterImage& image);

}  // namespace sluice::devices
