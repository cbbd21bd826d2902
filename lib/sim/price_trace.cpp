#include "sim/price_trace.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "sim/gz_lines.hpp"

namespace sluice::sim {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr double kLargestPerMwh = 20'000.0;

/// Digits of `text` from `at` on, `count` of them.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  const char* const begin = text.data() + at;
  const auto [stop, error] = std::from_chars(begin, begin + count, value);
  if (error != std::errc{} || stop != begin + count) return std::nullopt;
  return value;
}

/// `YYYY-MM-DDTHH:MM:SS` → seconds since 1970-01-01 of the same clock.
std::optional<std::int64_t> parse_stamp(std::string_view text) {
  if (text.size() != 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay + *hour * 3600 + *minute * 60 + *second;
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

PricePerKwh PriceTrace::at(WallTime time) const {
  const auto slot = static_cast<std::size_t>(std::max(Duration{}, time - begin()) / step);
  return PricePerKwh(static_cast<double>(per_kwh[std::min(slot, per_kwh.size() - 1)]));
}

Result<PriceTrace> read_price_trace(const std::string& path, std::int64_t first_day) {
  auto lines = GzLines::open(path);
  if (!lines) return tl::unexpected(lines.error());
  std::string_view row;
  if (!lines->next(row)) return fail(ErrorKind::invalid, "{}: empty; a header line and prices are wanted", path);
  const std::string_view clock = take_cell(row), column = take_cell(row);
  if ((clock != "t_s" && clock != "ts_local") || !column.starts_with("price_") || !column.ends_with("_per_mwh")) {
    return fail(ErrorKind::invalid,
                "{}:1: the columns are \"{},{}\", wanted \"t_s\" or \"ts_local\" and a price in MWh", path, clock,
                column);
  }
  const bool stamped = clock == "ts_local";
  PriceTrace trace;
  trace.name = file_name(path);
  trace.first_day = first_day;
  std::int64_t first_s = 0, step_s = 0;
  while (lines->next(row)) {
    const auto count = static_cast<std::int64_t>(trace.per_kwh.size());
    const std::string_view written = take_cell(row);
    const std::optional<std::int64_t> at_s = stamped ? parse_stamp(written) : parse_seconds(written);
    double price = 0.0;
    if (!at_s || !take_number(row, price) || !(std::abs(price) <= kLargestPerMwh)) {
      return fail(ErrorKind::invalid, "{}:{}: a time and a price of at most {} per MWh are wanted", path,
                  lines->number(), kLargestPerMwh);
    }
    if (count == 0) first_s = *at_s;
    if (count == 1) step_s = *at_s - first_s;
    const bool begins_well = count > 0 || (stamped ? first_s % kDay == 0 : first_s == 0);
    if (!begins_well || (count > 0 && (step_s <= 0 || 3600 % step_s != 0 || *at_s != first_s + count * step_s))) {
      return fail(ErrorKind::invalid, "{}:{}: {} does not follow: equal steps from midnight on are wanted", path,
                  lines->number(), written);
    }
    trace.per_kwh.push_back(static_cast<float>(price / 1000.0));
  }
  if (const Result<void> whole = lines->end(); !whole) return tl::unexpected(whole.error());
  if (step_s == 0 || static_cast<std::int64_t>(trace.per_kwh.size()) * step_s < kDay) {
    return fail(ErrorKind::invalid, "{}: at least a day of prices is wanted", path);
  }
  trace.step = std::chrono::seconds(step_s);
  if (stamped) trace.first_day = first_s / kDay;
  trace.per_kwh.resize(trace.days() * static_cast<std::size_t>(kDay / step_s));
  return trace;
}

Result<PriceTrace> load_price_trace(const std::string& name, const std::string& data_directory) {
  constexpr std::pair<std::string_view, std::string_view> kFiles[] = {{"5min", "price_5min_us2019.csv.gz"},
                                                                      {"dayahead-de", "price_hourly_de2017.csv.gz"},
                                                                      {"dayahead-pjm", "price_hourly_pjm2017.csv.gz"}};
  for (const auto& [known, file] : kFiles) {
    if (known != name) continue;
    auto trace = read_price_trace(fmt::format("{}/{}", data_directory, file));
    if (trace) trace->name = name;
    return trace;
  }
  return fail(ErrorKind::invalid, "no prices \"{}\"; there are 5min, dayahead-de, dayahead-pjm", name);
}

}  // namespace sluice::sim
