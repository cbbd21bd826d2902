#include "view.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::cmd {
namespace {

using nlohmann::json;

constexpr const char* kUnknown = "–";
constexpr const char* kHideCursor = "\x1b[?25l";
constexpr const char* kShowCursor = "\x1b[?25h";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kClearLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";
constexpr const char* kClearAll = "\x1b[2J";

std::string clock_time(const json& from) {
  const std::time_t seconds = static_cast<std::time_t>(from.value("unix_ms", std::int64_t{0}) / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string amount(const json& from, const char* key, const char* unit, double sign = 1.0) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_number()) return kUnknown;
  return fmt::format("{:.0f} {}", std::round(sign * found->get<double>()) + 0.0, unit);
}

std::string text(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string directed(const json& from, const char* key, const char* positive, const char* negative) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_number()) return kUnknown;
  const double value = found->get<double>();
  return amount(from, key, "W", value < 0 ? -1.0 : 1.0) + " " + (value < 0 ? negative : positive);
}

std::string alarms(const json& from, const std::string& subject) {
  std::string lines;
  for (const json& alarm : from.value("alarms", json::array())) {
    lines += fmt::format("  ! {}{}\n", subject, text(alarm, "text"));
  }
  return lines;
}

/// What the miner draws of the most it may: sixteen cells.
std::string bar(const json& miner) {
  constexpr int kCells = 16;
  const auto drawn = miner.find("expected_w");
  const json envelope = miner.value("envelope", json::object());
  const auto most = envelope.find("max_w");
  if (drawn == miner.end() || !drawn->is_number() || most == envelope.end() || !most->is_number()) return "";
  const double share = drawn->get<double>() / std::max(1.0, most->get<double>());
  const int filled = std::clamp(static_cast<int>(std::lround(share * kCells)), 0, kCells);
  std::string cells;
  for (int i = 0; i < kCells; ++i) cells += i < filled ? "█" : "·";
  return cells;
}

std::string yield_line(const json& load) {
  return fmt::format("  {:<12} {} reserved, draws {}   {} ({:.0f} s)\n", text(load, "name"),
                     amount(load, "reserved_w", "W"), amount(load, "draws_w", "W"), text(load, "sentence"),
                     load.value("for_s", 0.0));
}

std::string heat_line(const json& room) {
  std::string line = fmt::format("  {:<12} ", text(room, "name"));
  const auto celsius = room.find("temperature_c");
  line += celsius != room.end() && celsius->is_number() ? fmt::format("{:.1f} °C", celsius->get<double>()) : kUnknown;
  line += fmt::format("   heat {}", text(room, "need"));
  const auto value = room.find("value_per_kwh");
  if (value != room.end() && value->is_number() && value->get<double>() != 0.0)
    line += fmt::format(", worth {:.3f} a kWh", value->get<double>());
  return line + fmt::format("   gets {} = {}, {} of air at 10 K ({})\n", amount(room, "heating_w", "W"),
                            amount(room, "heating_btu_per_h", "BTU/h"), amount(room, "airflow_m3_per_h_10k", "m³/h"),
                            amount(room, "airflow_cfm_10k", "CFM"));
}

/// Today by source, and what it brought; nothing while nothing is known.
std::string ledger_line(const json& ledger) {
  if (ledger.value("mined_kwh", 0.0) <= 0.0) return "";
  constexpr std::array<std::pair<const char*, const char*>, 5> kSources{{{"curtailed_kwh", "curtailed"},
                                                                         {"export_avoided_kwh", "not sold"},
                                                                         {"battery_kwh", "battery"},
                                                                         {"grid_kwh", "grid"},
                                                                         {"unknown_kwh", "unknown"}}};
  std::string parts;
  for (const auto& [key, name] : kSources) {
    const double energy = ledger.value("sources", json::object()).value(key, 0.0);
    if (energy >= 0.005) parts += fmt::format("{} {:.2f} {}", parts.empty() ? "" : ",", energy, name);
  }
  std::string line = fmt::format("  today mined {:.2f} kWh:{}", ledger.value("mined_kwh", 0.0), parts);
  const double revenue = ledger.value("revenue", 0.0), cost = ledger.value("energy_cost", 0.0);
  if (revenue != 0.0 || cost != 0.0) {
    line += fmt::format("   earned {:.2f}, energy {:.2f}, net {:+.2f}", revenue, cost, ledger.value("net", 0.0));
  } else {
    line += "   no prices";
  }
  return line + "\n";
}

std::string ago(const json& from) {
  const auto age = from.find("age_s");
  if (age == from.end() || !age->is_number()) return "";
  const double minutes = age->get<double>() / 60.0;
  return minutes < 90.0 ? fmt::format(", {:.0f} min ago", minutes) : fmt::format(", {:.1f} h ago", minutes / 60.0);
}

/// What energy costs now and next, and what mining brings.
std::string money_lines(const json& money) {
  const std::string state = text(money, "state"), currency = text(money, "currency");
  const json now = money.value("now", json::object());
  std::string out;
  if (now.contains("import_per_kwh")) {
    out += fmt::format("  price {:.4f} {}/kWh ({}), feeding in {:.4f}", now["import_per_kwh"].get<double>(), currency,
                       text(now, "kind"), now["export_per_kwh"].get<double>());
    if (now.contains("next_import_per_kwh"))
      out += fmt::format("; from {} {:.4f}", clock_time({{"unix_ms", now["until_unix_ms"]}}).substr(0, 5),
                         now["next_import_per_kwh"].get<double>());
    out += "\n";
  }
  for (const json& feed : money.value("feeds", json::array())) {
    out +=
        fmt::format("  {}{}: {}{}{}\n", text(feed, "trouble").empty() ? "" : "! ", text(feed, "use"),
                    text(feed, "feed"), ago(feed), text(feed, "trouble").empty() ? "" : ": " + text(feed, "trouble"));
  }
  if (state == "fallback" || state == "missing")
    out += fmt::format("  ! no price since {}{}\n",
                       clock_time({{"unix_ms", money.value("since_unix_ms", std::int64_t{0})}}),
                       state == "fallback" ? ", the configured one is assumed" : "");
  const json mining = money.value("hashprice", json());
  if (!mining.is_object()) return out;
  const auto net = mining.find("per_ths_day");
  const bool known = net != mining.end() && net->is_number();
  out += fmt::format("  mining brings {} {}/TH/day after fees ({}{})\n",
                     known ? fmt::format("{:.5f}", net->get<double>()) : kUnknown, currency, text(mining, "source"),
                     ago(mining));
  if (!text(mining, "trouble").empty()) out += fmt::format("  ! {}\n", text(mining, "trouble"));
  return out;
}

std::string miner_line(const json& miner) {
  std::string why = text(miner, "sentence");
  for (const char* trouble : {"trouble", "command_trouble"}) {
    if (!text(miner, trouble).empty()) why += " (" + text(miner, trouble) + ")";
  }
  return fmt::format("  {:<12} {:<9} target {:>7}   power {:>7} {:<16}  {}\n", text(miner, "name"),
                     text(miner, "state"), amount(miner, "target_w", "W"), amount(miner, "expected_w", "W"), bar(miner),
                     why);
}

}  // namespace

std::string status_text(const json& status) {
  std::string out = fmt::format("Sluice   {}   {}{}\n", clock_time(status), text(status, "site"),
                                status.value("dry_run", false) ? "  (dry run: nothing is commanded)" : "");
  out += fmt::format("  sun {:>8}   house {:>8}   grid {:>15}", amount(status, "pv_w", "W"),
                     amount(status, "house_load_w", "W"), directed(status, "grid_w", "import", "export"));
  if (status.contains("battery_w") && status["battery_w"].is_number()) {
    out += fmt::format("   battery {:>17} {:>5}", directed(status, "battery_w", "discharging", "charging"),
                       amount(status, "soc_pct", "%"));
  }
  out += fmt::format("\n  mining may draw {:>8}   mining draws {:>8}\n", amount(status, "available_w", "W"),
                     amount(status, "mining_w", "W"));
  out += ledger_line(status.value("ledger", json::object()));
  out += money_lines(status.value("money", json::object()));
  for (const json& load : status.value("yield_to", json::array())) out += yield_line(load);
  for (const json& room : status.value("heat", json::array())) out += heat_line(room);
  out += alarms(status, "");
  for (const json& device : status.value("devices", json::array())) {
    if (!device.value("up", false)) out += fmt::format("  ! {}: {}\n", text(device, "name"), text(device, "trouble"));
  }
  for (const json& miner : status.value("miners", json::array())) {
    out += miner_line(miner) + alarms(miner, text(miner, "name") + ": ");
  }
  if (!text(status, "history_degraded").empty()) {
    out += fmt::format("  ! history is not written: {}\n", text(status, "history_degraded"));
  }
  if (const json ledger = status.value("ledger", json::object()); !text(ledger, "degraded").empty()) {
    out += fmt::format("  ! the ledger is not written: {}\n", text(ledger, "degraded"));
  }
  out.pop_back();
  return out;
}

std::string decision_text(const json& entry) {
  std::string wanted = text(entry, "wanted");
  if (entry.contains("target_w") && entry["target_w"].is_number()) wanted += " " + amount(entry, "target_w", "W");
  std::string line =
      fmt::format("{}  {:<12} {:<14} {}  [grid {}, mining may draw {}", clock_time(entry), text(entry, "miner"), wanted,
                  text(entry, "sentence"), amount(entry, "grid_w", "W"), amount(entry, "available_w", "W"));
  if (!text(entry, "reserved_for").empty())
    line += fmt::format(", {} reserved for {}", amount(entry, "reserved_w", "W"), text(entry, "reserved_for"));
  for (const json& cut : entry.value("cuts", json::array())) line += ", cut: " + cut.get<std::string>();
  return line + "]";
}

std::string device_text(const json& device) {
  const json identity = device.value("identity", json::object());
  std::string out = fmt::format("{}: {} {} {} {}\n", text(device, "name"), text(identity, "manufacturer"),
                                text(identity, "model"), text(identity, "version"), text(identity, "serial"));
  if (!text(device, "trouble").empty()) out += "  does not answer: " + text(device, "trouble") + "\n";
  if (device.contains("age_s")) out += fmt::format("  read {:.1f} s ago\n", device["age_s"].get<double>());
  for (const json& value : device.value("values", json::array())) {
    const bool known = value.contains("value") && value["value"].is_number();
    std::string raw;
    for (const json& word : value.value("raw", json::array())) raw += fmt::format(" {:04x}", word.get<unsigned>());
    out += fmt::format("  {:<24} {:>12} {:<3} {}{}{}\n", text(value, "name"),
                       known ? fmt::format("{:.3f}", value["value"].get<double>()) : kUnknown, text(value, "unit"),
                       text(value, "source"), raw.empty() ? "" : " =" + raw,
                       text(value, "note").empty() ? "" : "  (" + text(value, "note") + ")");
  }
  out.pop_back();
  return out;
}

std::string miner_text(const json& miner) {
  std::string out = fmt::format("{}: {}, {}, MAC {}, serial {}\n", text(miner, "name"), text(miner, "model"),
                                text(miner, "firmware"), text(miner, "mac"), text(miner, "serial"));
  if (!text(miner, "trouble").empty()) out += "  trouble: " + text(miner, "trouble") + "\n";
  const json envelope = miner.value("envelope", json::object());
  out += fmt::format("  can run at   {} … {} ({})\n", amount(envelope, "min_w", "W"), amount(envelope, "max_w", "W"),
                     text(envelope, "kind"));
  out += fmt::format("  state        {}, identity {}\n", text(miner, "state"), text(miner, "identity"));
  out += fmt::format("  reports      {}, target {}, {} TH/s, {}\n", amount(miner, "reported_w", "W"),
                     amount(miner, "readback_w", "W"), amount(miner, "hashrate_ths", ""),
                     amount(miner, "temperature_c", "°C"));
  if (!text(miner, "note").empty()) out += "  says         " + text(miner, "note") + "\n";
  out.pop_back();
  return out;
}

Screen::Screen(bool terminal) : terminal_(terminal) {
  if (terminal_) fmt::print("{}{}", kHideCursor, kClearAll);
}

Screen::~Screen() {
  if (terminal_) fmt::print("{}", kShowCursor);
  std::fflush(stdout);
}

void Screen::show(const std::string& shown) {
  if (!terminal_) {
    fmt::print("{}\n", shown);
  } else {
    // Every line ends at the edge: a wrapped one would push the others down.
    winsize size{};
    const std::size_t columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    std::string painted = kHome;
    std::size_t column = 0;
    for (const char letter : shown) {
      const bool continues = (static_cast<unsigned char>(letter) & 0xC0U) == 0x80U;  // within a UTF-8 character
      if (letter == '\n') {
        painted += std::string(kClearLine) + "\n";
        column = 0;
        continue;
      }
      if (!continues) ++column;
      if (column <= columns) painted += letter;
    }
    fmt::print("{}{}\n{}", painted, kClearLine, kClearBelow);
  }
  std::fflush(stdout);
}

}  // namespace sluice::cmd
