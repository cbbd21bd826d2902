#pragma once
/// What the owner says of a device, whatever it speaks.

#include <chrono>

#include "devices/placing.hpp"

namespace sluice::io {

using devices::MeterPlace;

struct DeviceOptions {
  bool invert = false;  ///< flips grid and battery watts, and swaps the import and export counters
  Duration timeout{std::chrono::milliseconds(1500)};  ///< of one request, in real time
  MeterPlace place = MeterPlace::grid;
};

}  // namespace sluice::io
