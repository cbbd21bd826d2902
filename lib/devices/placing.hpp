#pragma once
/// Where a device stands in the house, and which way it is wired: what its template cannot know.

#include <cstdint>
#include <vector>

#include "devices/layout.hpp"

namespace sluice::devices {

/// Where a meter stands whose template measures the grid: elsewhere its watts are those of the panels or of the house.
enum class MeterPlace : std::uint8_t { grid, pv, house };

/// `invert` flips grid and battery watts, and swaps the import and export counters.
void place(bool invert, MeterPlace where, std::vector<Decoded>& all);

}  // namespace sluice::devices
