#include "sim/recording.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "sim/gz_lines.hpp"

namespace sluice::sim {
namespace {

std::vector<std::string_view> split(std::string_view row) {
  std::vector<std::string_view> cells;
  for (std::size_t comma = row.find(','); comma != std::string_view::npos; comma = row.find(',')) {
    cells.push_back(row.substr(0, comma));
    row.remove_prefix(comma + 1);
  }
  cells.push_back(row);
  return cells;
}

// What a column's name promises. Irradiance beyond what reaches the air's edge is a mistake in the unit.
struct Unit {
  std::string_view name;
  double largest;
};
Unit unit_of(std::string_view column) {
  if (column.ends_with("_wm2")) return {"W/m²", 2000.0};
  if (column.ends_with("_w")) return {"watts", 1e6};
  return {"marks", 1.0};
}

std::optional<std::size_t> step_of(double second_time) {
  if (second_time == 1.0) return 1;
  if (second_time == 60.0) return 60;
  return std::nullopt;
}

}  // namespace

const std::vector<float>* Recording::column(std::string_view name) const {
  const auto names = split(header);
  const auto found = std::find(names.begin() + 1, names.end(), name);
  return found == names.end() ? nullptr : &columns[static_cast<std::size_t>(found - names.begin()) - 1];
}

Result<Recording> read_recording(const std::string& path, std::initializer_list<std::string_view> headers) {
  auto lines = GzLines::open(path);
  if (!lines) return tl::unexpected(lines.error());
  Recording recording;
  std::vector<Unit> units;
  std::string_view row;
  while (lines->next(row)) {
    const std::size_t line = lines->number();
    if (line == 1) {
      if (std::find(headers.begin(), headers.end(), row) == headers.end()) {
        return fail(ErrorKind::invalid, "{}:1: the columns are \"{}\", wanted \"{}\"", path, row,
                    fmt::join(headers, "\" or \""));
      }
      recording.header = row;
      const auto names = split(row);
      std::transform(names.begin() + 1, names.end(), std::back_inserter(units), unit_of);
      recording.columns.resize(units.size());
      continue;
    }
    double time = 0.0;
    bool numbers = take_number(row, time);
    const auto rows = static_cast<double>(recording.rows());
    if (numbers && rows == 1.0) recording.step_s = step_of(time).value_or(1);
    for (std::size_t i = 0; numbers && i < units.size(); ++i) {
      double value = 0.0;
      numbers = take_number(row, value);
      if (numbers && !(value >= 0.0 && value <= units[i].largest)) {
        return fail(ErrorKind::invalid, "{}:{}: {} must be 0 to {}", path, line, units[i].name, units[i].largest);
      }
      recording.columns[i].push_back(static_cast<float>(value));
    }
    if (!numbers || !row.empty()) {
      return fail(ErrorKind::invalid, "{}:{}: {} numbers are wanted, for {}", path, line, units.size() + 1,
                  recording.header);
    }
    if (const double wanted = rows * static_cast<double>(recording.step_s); time != wanted) {
      return fail(ErrorKind::invalid, "{}:{}: t_s is {}, wanted {}: a row a second, or all a minute, from 0 on", path,
                  line, time, wanted);
    }
  }
  if (const Result<void> whole = lines->end(); !whole) return tl::unexpected(whole.error());
  if (recording.columns.empty() || recording.rows() == 0) {
    return fail(ErrorKind::invalid, "{}: no rows; a header line and a row a second or a minute are wanted", path);
  }
  return recording;
}

}  // namespace sluice::sim
