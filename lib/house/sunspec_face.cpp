#include "house/sunspec_face.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace sluice::house {
namespace {

constexpr std::uint16_t kAbsentU16 = 0xFFFF;
constexpr std::uint16_t kAbsentI16 = 0x8000;
constexpr double kGridHertz = 50.0;
constexpr double kIslandHertz = 51.5;  // inverters raise the frequency to tell others to back off
constexpr double kVolts = 230.0;

// Offsets count as in the model definitions: 0 is the model's id, 1 its length, 2 its first point.
class Model {
 public:
  Model(std::vector<std::uint16_t>& words, std::uint16_t id, std::uint16_t length)
      : words_(words), begin_(words.size()) {
    words_.push_back(id);
    words_.push_back(length);
    words_.resize(words_.size() + length, 0);
  }
  void u16(std::size_t offset, double value) {
    words_[begin_ + offset] = static_cast<std::uint16_t>(std::clamp(std::round(value), 0.0, 65'534.0));
  }
  void i16(std::size_t offset, double value) {
    const auto number = static_cast<std::int16_t>(std::clamp(std::round(value), -32'767.0, 32'767.0));
    words_[begin_ + offset] = static_cast<std::uint16_t>(number);
  }
  void u32(std::size_t offset, double value) {
    const auto number = static_cast<std::uint32_t>(std::fmod(std::max(0.0, std::round(value)), 4'294'967'295.0));
    words_[begin_ + offset] = static_cast<std::uint16_t>(number >> 16U);
    words_[begin_ + offset + 1] = static_cast<std::uint16_t>(number & 0xFFFFU);
  }
  void scale(std::size_t offset, int exponent) { i16(offset, exponent); }
  void absent_u16(std::size_t from, std::size_t to) { fill(from, to, kAbsentU16); }
  void absent_i16(std::size_t from, std::size_t to) { fill(from, to, kAbsentI16); }
  void text(std::size_t offset, std::size_t registers, std::string_view value) {
    for (std::size_t i = 0; i < value.size() && i < 2 * registers; ++i) {
      const auto letter = static_cast<std::uint16_t>(static_cast<unsigned char>(value[i]));
      words_[begin_ + offset + i / 2] |= static_cast<std::uint16_t>(i % 2 == 0 ? letter << 8U : letter);
    }
  }

 private:
  void fill(std::size_t from, std::size_t to, std::uint16_t word) {
    std::fill(words_.begin() + static_cast<std::ptrdiff_t>(begin_ + from),
              words_.begin() + static_cast<std::ptrdiff_t>(begin_ + to + 1), word);
  }
  std::vector<std::uint16_t>& words_;
  std::size_t begin_;
};

UnitRegisters begin_chain(std::string_view model, std::string_view serial, std::string_view option) {
  UnitRegisters unit;
  unit.words = {0x5375, 0x6E53};  // "SunS"
  Model common(unit.words, 1, 66);
  common.text(2, 16, "Sluice");
  common.text(18, 16, model);
  common.text(34, 8, option);
  common.text(42, 8, "1.0");
  common.text(50, 16, serial);
  common.u16(66, 1);
  return unit;
}

void end_chain(UnitRegisters& unit) {
  unit.words.push_back(0xFFFF);
  unit.words.push_back(0);
}

int inverter_state(const InverterFace& face) {
  constexpr int kSleeping = 2, kMppt = 4, kThrottled = 5;
  if (face.asleep) return kSleeping;
  return face.throttled ? kThrottled : kMppt;
}

void add_inverter(UnitRegisters& unit, const InverterFace& face) {
  const double hertz = face.islanded ? kIslandHertz : kGridHertz;
  const double amperes = face.power.value() / 3.0 / kVolts;
  Model inverter(unit.words, 103, 50);
  inverter.u16(2, 300.0 * amperes);
  for (std::size_t phase = 3; phase <= 5; ++phase) inverter.u16(phase, 100.0 * amperes);
  inverter.scale(6, -2);
  for (std::size_t pair = 7; pair <= 9; ++pair) inverter.u16(pair, 10.0 * kVolts * std::sqrt(3.0));
  for (std::size_t phase = 10; phase <= 12; ++phase) inverter.u16(phase, 10.0 * kVolts);
  inverter.scale(13, -1);
  inverter.i16(14, face.power.value());
  inverter.u16(16, 100.0 * hertz);
  inverter.scale(17, -2);
  inverter.i16(18, face.power.value());
  inverter.i16(22, 100.0);
  inverter.u32(24, face.produced.value());
  inverter.absent_u16(27, 27);
  inverter.absent_u16(29, 29);
  inverter.i16(31, face.power.value() / 0.97);
  inverter.i16(33, 35.0);
  inverter.absent_i16(34, 36);
  inverter.u16(38, inverter_state(face));
}

void add_status(UnitRegisters& unit, const InverterFace& face) {
  Model nameplate(unit.words, 120, 26);
  nameplate.u16(2, face.has_storage ? 82 : 4);
  nameplate.u16(3, face.rating.value());
  nameplate.absent_u16(5, 5);
  nameplate.absent_i16(7, 10);
  nameplate.absent_u16(12, 12);
  nameplate.absent_i16(14, 17);
  nameplate.absent_u16(19, 27);
  Model status(unit.words, 122, 44);
  constexpr int kConnectedAvailableOperating = 7;
  status.u16(2, face.asleep ? 1 : kConnectedAvailableOperating);
  status.u16(3, face.has_storage ? kConnectedAvailableOperating : 0);
  status.u16(4, face.islanded ? 0 : 1);
  status.absent_i16(29, 30);
  status.absent_u16(31, 31);
  status.absent_i16(32, 32);
  status.u32(35, face.throttled ? 1 : 0);
}

int charge_state(const StorageFace& storage) {
  constexpr int kEmpty = 2, kDischarging = 3, kCharging = 4, kFull = 5, kHolding = 6;
  constexpr Watts kIdle{25.0};
  if (storage.power > kIdle) return kDischarging;
  if (storage.power < -kIdle) return kCharging;
  if (storage.soc >= Percent(99.5)) return kFull;
  return storage.soc <= Percent(5.5) ? kEmpty : kHolding;
}

void add_storage(UnitRegisters& unit, const StorageFace& storage) {
  Model basic(unit.words, 124, 24);
  basic.u16(2, storage.max_power.value());
  basic.u16(3, 100);
  basic.u16(4, 100);
  basic.absent_u16(6, 6);
  basic.u16(7, 5);
  basic.u16(8, 100.0 * storage.soc.value());
  basic.absent_u16(9, 10);
  basic.u16(11, charge_state(storage));
  basic.i16(12, 100);
  basic.i16(13, 100);
  basic.scale(22, -2);
  Model battery(unit.words, 802, 62);
  battery.absent_u16(2, 2);
  battery.u16(3, storage.capacity.value());
  battery.u16(4, storage.max_power.value());
  battery.u16(5, storage.max_power.value());
  battery.absent_u16(6, 6);
  battery.u16(7, 1000);
  battery.u16(8, 50);
  battery.absent_u16(9, 10);
  battery.u16(11, 10.0 * storage.soc.value());
  battery.absent_u16(12, 13);
  battery.u16(16, charge_state(storage));
  battery.u16(21, 4);
  battery.u16(22, 3);
  battery.absent_u16(34, 43);
  battery.absent_i16(44, 44);
  battery.absent_u16(45, 46);
  battery.i16(47, storage.power.value());
  battery.scale(56, -1);
}

}  // namespace

UnitRegisters inverter_registers(const InverterFace& face) {
  UnitRegisters unit = begin_chain("House inverter", "HOUSE-INV-1", "");
  add_inverter(unit, face);
  add_status(unit, face);
  if (face.has_storage) add_storage(unit, face.storage);
  end_chain(unit);
  return unit;
}

UnitRegisters meter_registers(const MeterFace& face) {
  UnitRegisters unit = begin_chain("House meter", "HOUSE-MTR-1", "Export+Import");
  const double volts = face.islanded ? 0.0 : kVolts;
  const double phase_w = face.power.value() / 3.0;
  Model meter(unit.words, 203, 105);
  meter.i16(2, 100.0 * face.power.value() / kVolts);
  for (std::size_t phase = 3; phase <= 5; ++phase) meter.i16(phase, 100.0 * phase_w / kVolts);
  meter.scale(6, -2);
  for (std::size_t phase = 7; phase <= 10; ++phase) meter.i16(phase, 10.0 * volts);
  for (std::size_t pair = 11; pair <= 14; ++pair) meter.i16(pair, 10.0 * volts * std::sqrt(3.0));
  meter.scale(15, -1);
  meter.i16(16, face.islanded ? 0.0 : 100.0 * kGridHertz);
  meter.scale(17, -2);
  meter.i16(18, face.power.value());
  for (std::size_t phase = 19; phase <= 21; ++phase) meter.i16(phase, phase_w);
  meter.absent_i16(23, 27);
  meter.absent_i16(28, 32);
  meter.absent_i16(33, 37);
  meter.u32(38, face.exported.value());
  meter.u32(46, face.imported.value());
  end_chain(unit);
  return unit;
}

}  // namespace sluice::house
