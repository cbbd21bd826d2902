#pragma once
/// A day of sun and load, second by second: recorded, or made from a seed.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace sluice::sim {

/// Second k of the day is entry k; a day that is over begins again. Not empty.
struct Trace {
  std::vector<float> pv_w;    ///< potential of the array at the AC side, ≥ 0
  std::vector<float> load_w;  ///< house without miners, ≥ 0; as long as `pv_w`

  std::size_t size() const { return pv_w.size(); }
  Watts pv(std::size_t second) const { return Watts(static_cast<double>(pv_w[place(second)])); }
  Watts load(std::size_t second) const { return Watts(static_cast<double>(load_w[place(second)])); }

 private:
  // A division takes longer than all the rest, and is hardly ever needed.
  std::size_t place(std::size_t second) const { return second < size() ? second : second % size(); }
};

/// Reads a gzip (or plain) CSV with the columns `t_s,pv_w,load_w`, one row a second. `invalid` says the line.
Result<Trace> read_trace(const std::string& path);

/// The same sun and load all day.
Trace constant_trace(Watts pv, Watts load);

enum class Sky : std::uint8_t { clear, broken };

/// A day from 06:00 to 18:00 for an array of `peak` watts, with broken clouds if asked for, and a house of 150 W to
/// 3 kW. The same seed gives the same day.
Trace generated_day(Watts peak, Sky sky, std::uint64_t seed);

}  // namespace sluice::sim
