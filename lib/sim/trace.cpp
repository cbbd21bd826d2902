#include "sim/trace.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <numbers>
#include <string_view>

#include "sim/random.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kDay = 86'400;
constexpr std::size_t kDawn = 6 * 3600;
constexpr std::size_t kDusk = 18 * 3600;
constexpr double kLargestWatts = 1e6;

struct GzClose {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// Takes the number before the next comma off `row`.
bool take_number(std::string_view& row, double& value) {
  const std::string_view cell = row.substr(0, row.find(','));
  row.remove_prefix(std::min(cell.size() + 1, row.size()));
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && stop == cell.data() + cell.size();
}

bool plausible(double watts) { return watts >= 0.0 && watts <= kLargestWatts; }

}  // namespace

Result<Trace> read_trace(const std::string& path) {
  const std::unique_ptr<gzFile_s, GzClose> file(gzopen(path.c_str(), "rb"));
  if (!file) return fail(ErrorKind::not_found, "{}: cannot be opened; a gzip CSV is wanted", path);
  Trace trace;
  char buffer[256];
  for (std::size_t line = 1; gzgets(file.get(), buffer, sizeof buffer) != nullptr; ++line) {
    std::string_view row(buffer);
    while (!row.empty() && (row.back() == '\n' || row.back() == '\r')) row.remove_suffix(1);
    if (line == 1) {
      if (row != "t_s,pv_w,load_w") {
        return fail(ErrorKind::invalid, "{}:1: the columns are \"{}\", wanted \"t_s,pv_w,load_w\"", path, row);
      }
      continue;
    }
    double second = 0.0, pv_w = 0.0, load_w = 0.0;
    if (!take_number(row, second) || !take_number(row, pv_w) || !take_number(row, load_w) || !row.empty()) {
      return fail(ErrorKind::invalid, "{}:{}: three numbers are wanted", path, line);
    }
    if (second != static_cast<double>(trace.size())) {
      return fail(ErrorKind::invalid, "{}:{}: t_s is {}, wanted {}: one row a second", path, line, second,
                  trace.size());
    }
    if (!plausible(pv_w) || !plausible(load_w)) {
      return fail(ErrorKind::invalid, "{}:{}: watts must be 0 to {}", path, line, kLargestWatts);
    }
    trace.pv_w.push_back(static_cast<float>(pv_w));
    trace.load_w.push_back(static_cast<float>(load_w));
  }
  int error = Z_OK;
  const char* why = gzerror(file.get(), &error);
  if (error != Z_OK && error != Z_STREAM_END) return fail(ErrorKind::invalid, "{}: damaged: {}", path, why);
  if (trace.size() == 0) return fail(ErrorKind::invalid, "{}: no rows", path);
  return trace;
}

Trace constant_trace(Watts pv, Watts load) {
  return {std::vector<float>(kDay, static_cast<float>(pv.value())),
          std::vector<float>(kDay, static_cast<float>(load.value()))};
}

Trace generated_day(Watts peak, Sky sky, std::uint64_t seed) {
  Random random(seed);
  Trace trace = constant_trace(Watts(0.0), Watts(150.0));
  // Clouds are spells of shade with soft edges of a few seconds; appliances are spells of load with hard edges.
  double shade = 1.0, shade_goal = 1.0, appliance_w = 0.0;
  std::size_t shade_until = kDawn, appliance_until = 0;
  for (std::size_t second = 0; second < kDay; ++second) {
    if (sky == Sky::broken && second >= shade_until) {
      shade_goal = shade_goal < 1.0 ? 1.0 : random.uniform(0.15, 0.6);
      shade_until = second + static_cast<std::size_t>(random.uniform(20.0, 400.0));
    }
    shade += (shade_goal - shade) * 0.15;
    if (second >= appliance_until) {
      appliance_w = appliance_w > 0.0 ? 0.0 : random.uniform(100.0, 2800.0);
      appliance_until = second + static_cast<std::size_t>(random.uniform(60.0, appliance_w > 0.0 ? 400.0 : 1500.0));
    }
    trace.load_w[second] += static_cast<float>(appliance_w + 4.0 * std::fabs(random.normal()));
    if (second < kDawn || second >= kDusk) continue;
    const double day = static_cast<double>(second - kDawn) / static_cast<double>(kDusk - kDawn);
    const double clear_w = peak.value() * std::pow(std::sin(std::numbers::pi * day), 1.2);
    trace.pv_w[second] = static_cast<float>(clear_w * shade);
  }
  return trace;
}

}  // namespace sluice::sim
