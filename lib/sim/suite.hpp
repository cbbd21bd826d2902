#pragma once
/// What a benchmark runs on: days of sun and load each second, by name from the project's `data` folder or from
/// somebody's own files.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/trace.hpp"

namespace sluice::sim {

/// Whole days of a trace. Windows share the trace.
struct Suite {
  std::string name;
  std::shared_ptr<const Trace> trace;
  std::size_t first_second = 0;  ///< of the trace; `HousePlantSpec::start_second`
  std::size_t days = 0;
  std::vector<std::string> notes;  ///< what was done to the recordings, a sentence each, to print beside results

  std::size_t seconds() const { return days * 86'400; }
  /// Days `first_day` to `first_day + day_count`, counted from 0. `invalid` unless they lie within.
  Result<Suite> window(std::size_t first_day, std::size_t day_count) const;
};

/// - `year`: 365 days from 1 January: the irradiance of Albuquerque 2012 and the load of REFIT House 20, minutes that
///   were sharpened with `seed`. An array of `kwp` makes kwp · min(0.90 · irradiance, 950 W/m²) of it. 250 MB.
/// - `day_a`, `day_b`: sun measured each second on a very cloudy day, brought from 8 kWp to `kwp`, with a sharpened
/// load
///   that is part of the recording; `seed` changes nothing.
///
/// Errors: `not_found` or `invalid`, with file, line and what is wanted.
Result<Suite> load_suite(const std::string& name, const std::string& data_directory, std::uint64_t seed,
                         double kwp = 5.0);

/// Two gzip CSVs whose first row is local midnight, a row a second or a minute; minutes are sharpened with `seed`.
/// Sun, with the columns `t_s,ghi_wm2` or `t_s,ghi_wm2,filled` (made to watts as in `year`), `t_s,pv_w`,
/// `t_s,pv_a_w,pv_b_w` (added) or `t_s,pv_w,load_w`; load, with `t_s,load_w` or `t_s,pv_w,load_w`. Of both only the
/// whole days are kept that both have. A sun of less than a day is put around noon, in the dark; a load must have a
/// day. `data_directory` lends the clouds for sharpening. All errors of both files at once, as in `load_suite`.
Result<Suite> suite_from_files(const std::string& pv_file, const std::string& load_file,
                               const std::string& data_directory, std::uint64_t seed, double kwp = 5.0);

}  // namespace sluice::sim
