#include "sim/suite.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "sim/recording.hpp"
#include "sim/sharpen.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kDay = 86'400;
constexpr double kRecordedKwp = 8.0;
// Sun and load of one seed are drawn apart.
constexpr std::uint64_t kSun = 0x53554eU;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string joined(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

Result<void> check(double kwp) {
  if (kwp > 0.0 && kwp <= 1000.0) return {};
  return fail(ErrorKind::invalid, "an array of {} kWp; more than 0 and at most 1000 is wanted", kwp);
}

// Neither temperature nor the angle of the array: 0.90 stands for all losses, and the inverter ends at 950 W per kWp.
void irradiance_to_watts(std::vector<float>& sun, double kwp) {
  for (float& value : sun) {
    value = static_cast<float>(kwp * std::min(0.90 * static_cast<double>(value), 950.0));
  }
}

struct Sun {
  std::vector<float> values;
  std::size_t step_s = 1;
  bool irradiance = false;
};

Result<Sun> read_sun(const std::string& path) {
  auto recording =
      read_recording(path, {"t_s,pv_w", "t_s,pv_a_w,pv_b_w", "t_s,pv_w,load_w", "t_s,ghi_wm2", "t_s,ghi_wm2,filled"});
  if (!recording) return tl::unexpected(std::move(recording.error()));
  Sun sun{std::move(recording->columns[0]), recording->step_s, recording->column("ghi_wm2") != nullptr};
  if (const auto* second = recording->column("pv_b_w")) {
    for (std::size_t row = 0; row < second->size(); ++row) sun.values[row] += (*second)[row];
  }
  return sun;
}

Result<Recording> read_load(const std::string& path) {
  auto recording = read_recording(path, {"t_s,load_w", "t_s,pv_w,load_w"});
  if (!recording) return recording;
  recording->columns.erase(recording->columns.begin(), recording->columns.end() - 1);  // load comes last
  if (const std::size_t span_s = recording->rows() * recording->step_s; span_s < kDay) {
    return fail(ErrorKind::invalid, "{}: {} s of load; at least a day, 86400 s, is wanted", path, span_s);
  }
  return recording;
}

// Keeps what lies within `days` and makes seconds of it.
template <class Sharpen>
std::vector<float> seconds_of(std::vector<float> values, std::size_t step_s, std::size_t days, Sharpen sharpen) {
  values.resize(std::min(values.size(), days * kDay / step_s));
  return step_s == 1 ? std::move(values) : sharpen(values);
}

std::string note_of(const std::string& path, std::size_t rows, std::size_t step_s, std::size_t days) {
  std::string note = fmt::format("{}: a row a {}", file_name(path), step_s == 1 ? "second" : "minute, sharpened");
  const std::size_t span_s = rows * step_s;
  if (span_s > days * kDay) note += fmt::format(", {:.4g} days cut to {}", static_cast<double>(span_s) / kDay, days);
  if (span_s < kDay) note += fmt::format(", {} s put around noon", span_s);
  return note;
}

Result<CloudLibrary> measured_clouds(const std::string& data_directory) {
  const auto day = read_trace(joined(data_directory, "day_1s_b.csv.gz"));
  if (!day) return tl::unexpected(day.error());
  return CloudLibrary::from_measured(day->pv_w);
}

Result<Suite> recorded_day(const std::string& name, const std::string& path, double kwp) {
  auto trace = read_trace(path);
  if (!trace) return tl::unexpected(std::move(trace.error()));
  for (float& watts : trace->pv_w) watts = static_cast<float>(static_cast<double>(watts) * kwp / kRecordedKwp);
  const std::size_t days = trace->size() / kDay;
  return Suite{name, std::make_shared<const Trace>(*std::move(trace)), 0, days, {}};
}

}  // namespace

Result<Suite> Suite::window(std::size_t first_day, std::size_t day_count) const {
  if (day_count == 0 || first_day >= days || day_count > days - first_day) {
    return fail(ErrorKind::invalid, "{}: {} days from day {} on; there are the days 0 to {}", name, day_count,
                first_day, days - 1);
  }
  Suite part = *this;
  part.name = fmt::format("{}[{},{})", name, first_day, first_day + day_count);
  part.first_second += first_day * kDay;
  part.days = day_count;
  return part;
}

Result<Suite> load_suite(const std::string& name, const std::string& data_directory, std::uint64_t seed, double kwp) {
  if (const auto fine = check(kwp); !fine) return tl::unexpected(fine.error());
  if (name == "day_a") return recorded_day(name, joined(data_directory, "day_1s_a.csv.gz"), kwp);
  if (name == "day_b") return recorded_day(name, joined(data_directory, "day_1s_b.csv.gz"), kwp);
  if (name != "year") return fail(ErrorKind::invalid, "no suite \"{}\"; there are year, day_a and day_b", name);
  auto year = suite_from_files(joined(data_directory, "ghi_1min_abq2012.csv.gz"),
                               joined(data_directory, "load_1min_refit20.csv.gz"), data_directory, seed, kwp);
  if (year) year->name = name;
  return year;
}

Result<Suite> suite_from_files(const std::string& pv_file, const std::string& load_file,
                               const std::string& data_directory, std::uint64_t seed, double kwp) {
  std::string errors;
  ErrorKind kind{};
  const auto collect = [&](const Error& error) {
    if (errors.empty()) kind = error.kind;
    errors += (errors.empty() ? "" : "\n") + error.text;
  };
  if (const auto fine = check(kwp); !fine) collect(fine.error());
  auto sun = read_sun(pv_file);
  if (!sun) collect(sun.error());
  auto load = read_load(load_file);
  if (!load) collect(load.error());
  std::optional<CloudLibrary> clouds;
  if (sun && sun->step_s != 1) {
    auto measured = measured_clouds(data_directory);
    if (measured)
      clouds = *std::move(measured);
    else
      collect(measured.error());
  }
  if (!errors.empty()) return fail(kind, "{}", errors);

  const std::size_t sun_s = sun->values.size() * sun->step_s, load_s = load->rows() * load->step_s;
  const std::size_t days = std::min(std::max<std::size_t>(sun_s / kDay, 1), load_s / kDay);
  Suite suite{file_name(pv_file) + "+" + file_name(load_file), nullptr, 0, days, {}};
  suite.notes = {note_of(pv_file, sun->values.size(), sun->step_s, days),
                 note_of(load_file, load->rows(), load->step_s, days)};

  Trace trace;
  trace.load_w = seconds_of(std::move(load->columns.front()), load->step_s, days,
                            [&](std::span<const float> minute_w) { return sharpen_load(minute_w, seed); });
  trace.pv_w = seconds_of(std::move(sun->values), sun->step_s, days,
                          [&](std::span<const float> minute) { return sharpen_sun(minute, *clouds, seed ^ kSun); });
  if (sun->irradiance) irradiance_to_watts(trace.pv_w, kwp);
  if (sun_s < kDay) {
    trace.pv_w.insert(trace.pv_w.begin(), (kDay - sun_s) / 2, 0.0F);
    trace.pv_w.resize(kDay);
  }
  suite.trace = std::make_shared<const Trace>(std::move(trace));
  return suite;
}

}  // namespace sluice::sim
