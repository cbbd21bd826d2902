#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "common/ledger_view.hpp"
#include "report.hpp"

namespace sluice::cmd {
namespace {

struct Look {
  EnergySource source;
  const char* colour;
  const char* text;
};
// From the ground up: what cost nothing first.
constexpr std::array<Look, kEnergySources> kLooks{{{EnergySource::curtailed, "#e9c46a", "curtailed sun"},
                                                   {EnergySource::export_avoided, "#8ab17d", "sun not sold"},
                                                   {EnergySource::battery, "#5f93b8", "battery"},
                                                   {EnergySource::grid, "#b9625a", "grid"},
                                                   {EnergySource::unknown, "#c4c4c4", "unknown"}}};
constexpr double kWidth = 1180.0, kLeft = 64.0, kRight = 1150.0;
constexpr double kEnergyTop = 84.0, kEnergyHeight = 300.0, kMoneyTop = 448.0, kMoneyHeight = 120.0;

/// 1, 2 or 5 times a power of ten: about `lines` of them up to `span`.
double step_of(double span, int lines) {
  const double rough = std::max(span, 1e-6) / lines;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10.0 * power;
}

/// A panel whose values go from `low` at its bottom to `high` at its top.
struct Panel {
  double top, height, low, high;
  double y(double value) const { return top + height * (high - value) / (high - low); }
};

std::string grid_lines(const Panel& panel, double step) {
  std::string out;
  const int digits = step >= 1.0 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  for (double value = std::ceil(panel.low / step - 1e-9) * step; value <= panel.high + step * 1e-6; value += step) {
    const double at = std::fabs(value) < step * 1e-6 ? 0.0 : value;
    out += fmt::format("<line class=\"{}\" x1=\"{:.0f}\" x2=\"{:.0f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                       at == 0.0 ? "zero" : "line", kLeft, kRight, panel.y(at), panel.y(at));
    out += fmt::format("<text class=\"number\" x=\"{:.0f}\" y=\"{:.1f}\">{:.{}f}</text>\n", kLeft - 10.0,
                       panel.y(at) + 4.0, at, digits);
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

std::string legend() {
  std::string out;
  double x = kLeft;
  for (const Look& look : kLooks) {
    out += fmt::format("<rect x=\"{:.0f}\" y=\"50\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/>", x, look.colour);
    out += fmt::format("<text x=\"{:.0f}\" y=\"61\">{}</text>\n", x + 18.0, look.text);
    x += 46.0 + 7.0 * static_cast<double>(std::string_view(look.text).size());
  }
  return out;
}

}  // namespace

std::string report_svg(const std::map<std::string, ledger::Totals>& buckets, const std::string& title,
                       const std::string& currency) {
  double most_kwh = 0.0, best = 0.0, worst = 0.0;
  for (const auto& entry : buckets) {
    most_kwh = std::max(most_kwh, kwh(entry.second.miners[Amount::mined_uwh]));
    const double net = ledger::balance_of(entry.second).net;
    best = std::max(best, net);
    worst = std::min(worst, net);
  }
  const bool priced = best > 0.0 || worst < 0.0;
  const double energy_step = most_kwh > 0.0 ? step_of(most_kwh, 5) : 1.0,
               money_step = priced ? step_of(best - worst, 3) : 1.0;
  const Panel energy{kEnergyTop, kEnergyHeight, 0.0,
                     std::max(energy_step, std::ceil(most_kwh / energy_step) * energy_step)};
  const Panel money{kMoneyTop, kMoneyHeight, std::floor(worst / money_step) * money_step,
                    std::max(money_step, std::ceil(best / money_step) * money_step)};
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} 620\" width=\"{0:.0f}\" height=\"620\">\n"
      "<style>text{{font:13px system-ui,sans-serif;fill:#444}} .title{{font-size:18px;fill:#222}}\n"
      ".head{{fill:#222}} .number{{text-anchor:end;fill:#777}} .date{{text-anchor:middle;fill:#777}}\n"
      ".line{{stroke:#ececec}} .zero{{stroke:#9a9a9a}}</style>\n"
      "<rect width=\"{0:.0f}\" height=\"620\" fill=\"#fff\"/>\n",
      kWidth);
  out += fmt::format("<text class=\"title\" x=\"{:.0f}\" y=\"32\">{}, kWh</text>\n", kLeft, escaped(title)) + legend();
  out += grid_lines(energy, energy_step) + grid_lines(money, money_step);
  if (!priced) {
    out += fmt::format(
        "<text class=\"number\" style=\"text-anchor:start\" x=\"{:.0f}\" y=\"{:.0f}\">no price is "
        "known</text>\n",
        kLeft + 12.0, kMoneyTop + kMoneyHeight / 2.0);
  }
  out += fmt::format(
      "<text class=\"head\" x=\"{:.0f}\" y=\"{:.0f}\">Against never mining{}{}: revenue + heat − import cost − lost "
      "export, where prices are known</text>\n",
      kLeft, kMoneyTop - 14.0, currency.empty() ? "" : ", ", escaped(currency));

  const double slot = (kRight - kLeft) / static_cast<double>(buckets.size());
  const double width = std::min(46.0, slot * 0.72);
  const auto every = static_cast<std::size_t>(std::ceil(76.0 / slot));
  std::size_t index = 0;
  for (const auto& [name, totals] : buckets) {
    const double middle = kLeft + slot * (static_cast<double>(index) + 0.5);
    double base = 0.0;
    for (const Look& look : kLooks) {
      const double part = kwh(totals.miners[look.source]);
      if (part <= 0.0) continue;
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.2f}\" fill=\"{}\"><title>{}: {} {:.2f} "
          "kWh</title></rect>",
          middle - width / 2.0, energy.y(base + part), width, energy.y(base) - energy.y(base + part), look.colour, name,
          look.text, part);
      base += part;
    }
    const double net = ledger::balance_of(totals).net;
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.2f}\" fill=\"{}\"><title>{}: {:+.2f}</title>"
        "</rect>\n",
        middle - width / 2.0, money.y(std::max(0.0, net)), width, std::fabs(money.y(0.0) - money.y(net)),
        net < 0.0 ? "#b9625a" : "#6b8f71", name, net);
    if (index % every == 0) {
      out += fmt::format("<text class=\"date\" x=\"{:.1f}\" y=\"{:.0f}\">{}</text>\n", middle,
                         kMoneyTop + kMoneyHeight + 26.0, name);
    }
    ++index;
  }
  return out + "</svg>\n";
}

}  // namespace sluice::cmd
