#include "bench_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "exit_codes.hpp"

namespace sluice::cmd {
namespace {

constexpr std::size_t kDay = 86'400;

/// What is drawn of every second.
struct Day {
  std::vector<double> sun, load, surplus, target, miners, grid;
};

struct Frame {
  double left, top, width, height;
  double low_w, high_w;
  std::size_t from, to;  ///< seconds of the day

  double x(double second) const {
    return left + width * (second - static_cast<double>(from)) / static_cast<double>(to - from);
  }
  double y(double watts) const { return top + height * (high_w - watts) / (high_w - low_w); }
};

/// A line through the least and the most of every half pixel: nothing that happened is lost, and the file stays small.
std::string line(const Frame& frame, const std::vector<double>& watts) {
  std::string points;
  const auto columns = static_cast<std::size_t>(2.0 * frame.width);
  double last_y = 1e9;
  for (std::size_t column = 0; column < columns; ++column) {
    const std::size_t from = frame.from + (frame.to - frame.from) * column / columns;
    const std::size_t to = std::max(from + 1, frame.from + (frame.to - frame.from) * (column + 1) / columns);
    const auto [least, most] = std::minmax_element(watts.begin() + static_cast<std::ptrdiff_t>(from),
                                                   watts.begin() + static_cast<std::ptrdiff_t>(to));
    const double at = frame.x(static_cast<double>(from));
    const double ends[] = {frame.y(least < most ? *least : *most), frame.y(least < most ? *most : *least)};
    for (const double y : ends) {
      const double inside = std::clamp(y, frame.top, frame.top + frame.height);
      if (std::fabs(inside - last_y) < 0.05 && column + 1 < columns) continue;
      // A level that lasted must not become a slope to the next one.
      if (last_y < 1e9) points += fmt::format("{:.1f},{:.1f} ", at, last_y);
      points += fmt::format("{:.1f},{:.1f} ", at, inside);
      last_y = inside;
    }
  }
  return points;
}

std::string stroke(const Frame& frame, const std::vector<double>& watts, const char* style) {
  return fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", style, line(frame, watts));
}

std::string area(const Frame& frame, const std::vector<double>& watts, const char* style) {
  const double zero = frame.y(0.0);
  return fmt::format("<polygon class=\"{}\" points=\"{:.1f},{:.1f} {}{:.1f},{:.1f}\"/>\n", style, frame.left, zero,
                     line(frame, watts), frame.left + frame.width, zero);
}

std::string axes(const Frame& frame, double step_w, const std::string& title) {
  std::string out =
      fmt::format("<text class=\"title\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", frame.left, frame.top - 10.0, title);
  for (double watts = std::ceil(frame.low_w / step_w) * step_w; watts <= frame.high_w + 1.0; watts += step_w) {
    const double y = frame.y(watts);
    out += fmt::format("<line class=\"{}\" x1=\"{:.0f}\" y1=\"{:.1f}\" x2=\"{:.0f}\" y2=\"{:.1f}\"/>",
                       std::fabs(watts) < 1.0 ? "zero" : "grid", frame.left, y, frame.left + frame.width, y);
    out += fmt::format("<text class=\"number\" x=\"{:.0f}\" y=\"{:.1f}\">{:.{}f}</text>\n", frame.left - 8.0, y + 4.0,
                       watts / 1000.0, step_w < 1000.0 ? 1 : 0);
  }
  for (std::size_t hour = (frame.from + 3599) / 3600; hour * 3600 <= frame.to; ++hour) {
    const double x = frame.x(static_cast<double>(hour) * 3600.0);
    out += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1:.0f}\" x2=\"{0:.1f}\" y2=\"{2:.0f}\"/>", x,
                       frame.top, frame.top + frame.height);
    out += fmt::format("<text class=\"hour\" x=\"{:.1f}\" y=\"{:.0f}\">{:02d}:00</text>\n", x,
                       frame.top + frame.height + 18.0, hour);
  }
  return out;
}

struct Entry {
  const char* style;
  const char* text;
};

std::string legend(double right, double y, std::initializer_list<Entry> entries) {
  std::string out;
  double x = right;
  for (auto entry = std::rbegin(entries); entry != std::rend(entries); ++entry) {
    x -= 7.2 * static_cast<double>(std::string_view(entry->text).size()) + 10.0;
    out += fmt::format("<text class=\"legend\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>", x, y, entry->text);
    x -= 30.0;
    out += fmt::format("<line class=\"{}\" x1=\"{:.0f}\" y1=\"{:.0f}\" x2=\"{:.0f}\" y2=\"{:.0f}\"/>\n", entry->style,
                       x, y - 4.0, x + 24.0, y - 4.0);
    x -= 12.0;
  }
  return out;
}

double largest(const std::vector<double>& watts) { return *std::max_element(watts.begin(), watts.end()); }

/// From an hour before the first sun to an hour after the last; the whole day when there is none.
std::pair<std::size_t, std::size_t> lit(const std::vector<double>& sun) {
  const auto shines = [](double watts) { return watts > 1.0; };
  const auto first = std::find_if(sun.begin(), sun.end(), shines);
  if (first == sun.end()) return {0, kDay};
  const auto last = std::find_if(sun.rbegin(), sun.rend(), shines);
  const auto from = static_cast<std::size_t>(first - sun.begin()), to = static_cast<std::size_t>(sun.rend() - last);
  return {from > 3600 ? (from - 3600) / 1800 * 1800 : 0, std::min(kDay, (to + 3600 + 1799) / 1800 * 1800)};
}

std::string svg(const Day& day, const std::string& title) {
  const auto [from, to] = lit(day.sun);
  const double most = std::max({largest(day.sun), largest(day.target), largest(day.miners)});
  const Frame power{60, 60, 1480, 520, 0.0, std::ceil(most / 1000.0 + 0.1) * 1000.0, from, to};
  const Frame grid{60, 650, 1480, 200, -2000.0, 2000.0, from, to};
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1580 890\" width=\"1580\" height=\"890\">\n"
      "<style>\n"
      "text{font:13px sans-serif;fill:#333} .title{font-size:16px;font-weight:bold} .number{text-anchor:end}\n"
      ".hour{text-anchor:middle} .grid{stroke:#e4e4e4;stroke-width:1} .zero{stroke:#888;stroke-width:1}\n"
      "polyline{fill:none;stroke-linejoin:round} .sun-area{fill:#fbe6a2} .miners-area{fill:#9cc3ea;fill-opacity:.75}\n"
      ".sun{stroke:#e0a800;stroke-width:1} .load{stroke:#777;stroke-width:.8}\n"
      ".surplus{stroke:#2e8b57;stroke-width:1} .miners{stroke:#1f5fa8;stroke-width:1.2}\n"
      ".target{stroke:#c2185b;stroke-width:.8;stroke-dasharray:4 2} .grid-power{stroke:#b23b3b;stroke-width:.8}\n"
      "</style>\n<rect width=\"1580\" height=\"890\" fill=\"#fff\"/>\n";
  out += axes(power, 1000.0, title + ", kW");
  out += area(power, day.sun, "sun-area") + area(power, day.miners, "miners-area");
  out += stroke(power, day.sun, "sun") + stroke(power, day.load, "load") + stroke(power, day.surplus, "surplus");
  out += stroke(power, day.miners, "miners") + stroke(power, day.target, "target");
  out += legend(1540, 50,
                {{"sun", "sun"}, {"load", "load"}, {"surplus", "surplus"}, {"miners", "miners"}, {"target", "target"}});
  out += axes(grid, 1000.0, "grid, kW: above zero it is bought; cut at 2 kW");
  out += stroke(grid, day.grid, "grid-power");
  return out + "</svg>\n";
}

void look(const sim::VirtualHouse& house, Day& day) {
  const sim::HouseState& state = house.house().state();
  double target_w = 0.0;
  for (std::size_t i = 0; i < house.house().miner_count(); ++i) {
    const sim::MinerPlant& miner = house.house().miner(i);
    if (miner.state() != MinerState::asleep) target_w += miner.target().value();
  }
  day.sun.push_back(state.potential.value());
  day.load.push_back(state.load.value());
  day.surplus.push_back(std::max(0.0, state.surplus().value()));
  day.target.push_back(target_w);
  day.miners.push_back(state.miners.value());
  day.grid.push_back(state.grid.value());
}

}  // namespace

int plot(const BenchPlan& plan, const BenchOptions& options) {
  const sim::BenchCase& bench = plan.cases.front();
  const std::size_t wanted = *options.plot_day;
  if (wanted < bench.first_day || wanted >= bench.first_day + bench.days) {
    fmt::print(stderr, "sluice bench: --plot {}: {} has the days {} to {}\n", wanted, bench.trace_name, bench.first_day,
               bench.first_day + bench.days - 1);
    return kExitBadInput;
  }
  std::string_view id = "sluice";
  if (!options.controllers.empty()) {
    for (auto who = plan.contenders.rbegin(); who != plan.contenders.rend(); ++who) {
      if (who->id != "oracle") id = who->id;
    }
  }
  const sim::BenchRun run = sim::begin(bench, id);
  run.house->run(*run.policy, (wanted - bench.first_day) * kDay);
  Day day;
  for (std::size_t second = 0; second < kDay; ++second) {
    run.house->tick(*run.policy);
    look(*run.house, day);
  }
  std::ofstream file(options.svg_file);
  file << svg(day, fmt::format("{} with {} on {}, day {}", id, bench.plant_name(), bench.trace_name, wanted));
  file.close();
  if (!file) {
    fmt::print(stderr, "sluice bench: {}: cannot be written\n", options.svg_file);
    return kExitFailed;
  }
  fmt::print(stderr, "{}\n", options.svg_file);
  return kExitOk;
}

}  // namespace sluice::cmd
