#pragma once
/// A template applied to one device: every point at its address, and the reads that fetch them.

#include <cstdint>
#include <vector>

#include "devices/sunspec.hpp"
#include "devices/template.hpp"

namespace sluice::devices {

struct ReadRequest {
  std::uint8_t unit = 0;
  Table table = Table::holding;
  std::uint16_t address = 0, count = 0;
  bool operator==(const ReadRequest&) const = default;
};

struct Layout {
  std::uint8_t unit = 1;
  std::vector<Offer> offers;       ///< sources are registers and fixed numbers only; alternatives that this device
                                   ///< cannot have are gone
  std::vector<ReadRequest> reads;  ///< few, within the device's limits; no value is split, nor apart from its exponent
};

/// `chain` is empty for a device without SunSpec.
Layout resolve(const Template& device_template, const Chain& chain, std::uint8_t unit);

/// The smallest reads that `request` may be cut into without splitting a value: what to try when a device refuses it.
std::vector<ReadRequest> values_within(const Layout& layout, const ReadRequest& request);

/// One measurement as decoded, with where it came from.
struct Decoded {
  Measurement what{};
  std::optional<double> value;  ///< canonical unit and sign; absent = the device has no such value now
  std::string source;
  std::vector<std::uint16_t> raw;
  std::string note;     ///< why absent
  bool unsure = false;  ///< a zero that counts only if the device has shown another value before
};

/// Every measurement that the template offers, present or not. Registers that are not in the image were refused.
std::vector<Decoded> decode(const Layout& layout, const RegisterImage& image);

}  // namespace sluice::devices
