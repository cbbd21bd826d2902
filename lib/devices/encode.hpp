#pragma once
/// A template in reverse: the registers that a device in a given state would show. This is how the emulated house can
/// be any device in the library.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "devices/register.hpp"
#include "devices/sunspec.hpp"
#include "devices/template.hpp"

namespace sluice::devices {

struct EncodeOptions {
  std::optional<std::uint8_t> unit;  ///< the template's own unit unless given
  CommonBlock identity{"Sluice", "Emulated device", "", "1.0", "0001"};
  std::vector<std::uint16_t> models;  ///< build only these SunSpec models; empty = the first that each point names
};

/// Every register that a client of the template reads, and for SunSpec a complete chain from the marker to the end.
/// Measurements that are not in `values` read as "not available"; those that the template does not offer, and values
/// that the registers cannot hold, are left out.
RegisterImage encode(const Template& device_template, const std::map<Measurement, double>& values,
                     const EncodeOptions& options = {});

}  // namespace sluice::devices
