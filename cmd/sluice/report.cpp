#include "report.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/ledger_view.hpp"
#include "common/paths.hpp"
#include "common/tariffs.hpp"
#include "exit_codes.hpp"
#include "store/ledger_file.hpp"
#include "tariff/matching.hpp"

namespace sluice::cmd {
namespace {

using ledger::Balance;
using ledger::Bucket;
using ledger::Totals;
using nlohmann::json;

constexpr double kBtuPerKwh = 3412.14;

int refuse(const std::string& text) {
  fmt::print(stderr, "sluice report: {}\n", text);
  return kExitBadInput;
}

std::optional<std::int64_t> parse_day(const std::string& text) {
  ledger::CivilDate date;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t count, int& value) {
    const char* const end = text.data() + from + count;
    const auto done = std::from_chars(text.data() + from, end, value);
    return done.ec == std::errc{} && done.ptr == end;
  };
  if (!number(0, 4, date.year) || !number(5, 2, date.month) || !number(8, 2, date.day)) return std::nullopt;
  if (date.month < 1 || date.month > 12) return std::nullopt;
  const std::int64_t day = ledger::local_day_of(date);
  if (ledger::civil(day) != date) return std::nullopt;  // 31 June
  return day;
}

struct Range {
  std::int64_t from = 0, to = 0;
};

Result<Range> range_of(const ReportOptions& options, Bucket bucket, std::int64_t newest) {
  ledger::CivilDate begin = ledger::civil(newest);
  begin.day = 1;
  if (bucket == Bucket::month) begin.month = 1;
  Range range{bucket == Bucket::year ? 0 : ledger::local_day_of(begin), newest};
  for (const auto& [text, day, name] :
       {std::tuple(&options.from, &range.from, "--from"), std::tuple(&options.to, &range.to, "--to")}) {
    if (text->empty()) continue;
    const auto parsed = parse_day(*text);
    if (!parsed) return fail(ErrorKind::invalid, "{} {}: write a day of the calendar as 2026-05-31", name, *text);
    *day = *parsed;
  }
  if (range.from > range.to) return fail(ErrorKind::invalid, "--from {} is after --to {}", options.from, options.to);
  return range;
}

std::string row(const std::string& name, const Totals& totals) {
  const Amounts& m = totals.miners;
  const Balance b = ledger::balance_of(totals);
  return fmt::format(
      "{:<10} {:>8.2f} {:>9.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f}  {:>8.2f} {:>7.2f} {:>7.2f} {:>7.2f} "
      "{:>8.2f}  {:>6} {:>6.1f}\n",
      name, kwh(m[Amount::mined_uwh]), kwh(m[EnergySource::curtailed]), kwh(m[EnergySource::export_avoided]),
      kwh(m[EnergySource::battery]), kwh(m[EnergySource::grid]), kwh(m[EnergySource::unknown]), b.revenue, b.heat,
      b.import_cost, b.lost_export, b.net, m[Amount::starts], hours(m[Amount::awake_ms]));
}

/// A period of the tariff as its plan calls it. Where the plan is not known, or another one by now, a number is all.
struct PeriodLabel {
  std::string name, hours;  ///< `hours` may be empty
};
using PeriodLabels = std::map<std::int64_t, PeriodLabel>;

PeriodLabels labels_of(const ReportOptions& options, const LedgerPlace& place, const ledger::BreakEvenMove& move) {
  PeriodLabels labels;
  if (!place.config || place.config->tariff.plan.empty()) return labels;
  const auto directories = tariff_directories(options.where.folders.tariffs);
  const Result<FoundPlan> found = find_plan(place.config->tariff.plan, directories);
  const auto month_middle = tariff::parse_day(move.after + "-15");
  if (!found || !month_middle) return labels;
  for (const ledger::Flip& flip : move.flips) {
    if (flip.period < 0 || flip.period >= std::ssize(found->plan.period_names)) continue;
    const auto id = static_cast<std::uint8_t>(flip.period);
    labels[flip.period] = {found->plan.period_names[id], tariff::hours_of(found->plan, id, *month_middle)};
  }
  return labels;
}

std::string break_even_line(const ledger::BreakEvenMove& move, const PeriodLabels& labels,
                            const std::string& currency) {
  std::string line = fmt::format(
      "break-even    {:.4f} → {:.4f} {}/kWh from {} to {} (hash price {:.4f} → {:.4f} a TH/s "
      "and day)",
      move.earlier, move.later, currency, move.before, move.after, move.earlier_hash_price, move.later_hash_price);
  if (move.flips.empty()) return line + ": no period of the tariff flips\n";
  line += "\n              your break-even moved: these periods flip:";
  for (const ledger::Flip& flip : move.flips) {
    const auto known = labels.find(flip.period);
    const std::string name = known == labels.end() ? fmt::format("period {}", flip.period) : known->second.name;
    const std::string hours = known == labels.end() || known->second.hours.empty() ? "" : ", " + known->second.hours;
    line += fmt::format("\n                {} at {:.4f}{}: {}", name, flip.import_price, hours,
                        flip.worth_it_now ? "now worth buying" : "no longer worth buying");
  }
  return line + "\n";
}

json break_even_json(const std::optional<ledger::BreakEvenMove>& move, const PeriodLabels& labels) {
  if (!move) return nullptr;
  json flips = json::array();
  for (const ledger::Flip& flip : move->flips) {
    const auto known = labels.find(flip.period);
    flips.push_back({{"period", flip.period},
                     {"name", known == labels.end() ? json(nullptr) : json(known->second.name)},
                     {"hours", known == labels.end() ? json(nullptr) : json(known->second.hours)},
                     {"import_price_per_kwh", flip.import_price},
                     {"worth_it_now", flip.worth_it_now}});
  }
  return {{"before", move->before},
          {"after", move->after},
          {"earlier_per_kwh", move->earlier},
          {"later_per_kwh", move->later},
          {"earlier_hash_price", move->earlier_hash_price},
          {"later_hash_price", move->later_hash_price},
          {"flips", std::move(flips)}};
}

std::string text(const std::map<std::string, Totals>& buckets, const Totals& all, const std::string& currency,
                 const std::optional<ledger::BreakEvenMove>& move, const PeriodLabels& labels) {
  std::string out = fmt::format(
      "{:<10} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}  {:>8} {:>7} {:>7} {:>7} {:>8}  {:>6} {:>6}\n", "kWh", "mined",
      "curtailed", "export", "battery", "grid", "unknown", "revenue", "heat", "cost", "lost", "net", "starts", "hours");
  for (const auto& [name, totals] : buckets) out += row(name, totals);
  if (buckets.size() > 1) out += row("all", all);
  const Balance b = ledger::balance_of(all);
  const ledger::Reconciliation meter = ledger::reconcile(all.site);
  const std::string unit = currency.empty() ? "" : " " + currency;
  out += fmt::format("\nnever on      mining brought {:+.2f}{} against it\n", b.net, unit);
  if (b.always_net) {
    out += fmt::format("always on     had brought {:+.2f}{} with {:.1f} kWh: yours is {:+.2f} against it{}\n",
                       *b.always_net, unit, b.always_kwh, b.net - *b.always_net,
                       b.always_unknown_kwh > 0.05
                           ? fmt::format(" ({:.1f} kWh of it without a price or a balance)", b.always_unknown_kwh)
                           : "");
  } else {
    out += "always on     not known: prices, hashrate or the house's balance were never complete\n";
  }
  if (b.bill) {
    out += fmt::format(
        "bill          {:.2f}{}, without mining {:.2f}{}\n", *b.bill, unit, *b.bill_without,
        b.bill_unpriced_kwh > 0.05 ? fmt::format(" ({:.1f} kWh without a price)", b.bill_unpriced_kwh) : "");
  }
  if (b.sats) {
    const double unpriced_kwh = kwh(all.miners[Amount::msat_unpriced_uwh]);
    out += fmt::format("estimated     {:.0f} sats{}\n", *b.sats,
                       unpriced_kwh > 0.005 ? fmt::format(" ({:.2f} kWh without a bitcoin price)", unpriced_kwh) : "");
  }
  const double heat_kwh = kwh(all.miners[Amount::mined_uwh]);
  out += fmt::format("heat          {:.1f} kWh ({:.0f} BTU)\n", heat_kwh, heat_kwh * kBtuPerKwh);
  const Amounts& m = all.miners;
  if (b.battery_value != 0.0) {
    out += fmt::format("battery       {:.1f} kWh, {:.2f}{} at the import price of its second; in no sum\n",
                       kwh(m[EnergySource::battery]), b.battery_value, unit);
  }
  if (b.unpriced_kwh > 0.005) {
    out += fmt::format(
        "not in net    {:.2f} kWh bought, {:.2f} kWh not sold, {:.2f} kWh mined without a price; {:.2f} kWh of "
        "unknown source\n",
        kwh(m[Amount::grid_unpriced_uwh]), kwh(m[Amount::export_unpriced_uwh]), kwh(m[Amount::mined_unpriced_uwh]),
        kwh(m[EnergySource::unknown]));
  }
  if (meter.pct) {
    out += fmt::format(
        "meter         {:.1f} Wh of {:.0f} Wh are not explained ({:.3f} %), {:.1f} Wh around zero; {:.0f} Wh while "
        "nobody looked ({:.1f} h)\n",
        meter.unexplained_wh, meter.counter_wh, *meter.pct, meter.around_zero_wh, meter.gap_wh,
        hours(all.site[Amount::gap_ms]));
  } else {
    out += "meter         has no counters to hold the ledger against\n";
  }
  if (move) out += break_even_line(*move, labels, currency);
  return out;
}

std::string csv(const std::map<std::string, Totals>& buckets) {
  std::string out =
      "date,mined_kwh,curtailed_kwh,export_avoided_kwh,battery_kwh,grid_kwh,unknown_kwh,standby_kwh,revenue,"
      "heat_value,import_cost,lost_export,battery_value,net,sats,grid_unpriced_kwh,export_unpriced_kwh,"
      "mined_unpriced_kwh,starts,awake_h,bought_kwh,sold_kwh,covered_h,gap_h,reconciliation_pct,unexplained_wh\n";
  const auto optional = [](const std::optional<double>& value) { return value ? fmt::format("{:.6f}", *value) : ""; };
  for (const auto& [name, totals] : buckets) {
    const Amounts& m = totals.miners;
    const Amounts& s = totals.site;
    const Balance b = ledger::balance_of(totals);
    const ledger::Reconciliation meter = ledger::reconcile(s);
    out += fmt::format("{},{:.6f}", name, kwh(m[Amount::mined_uwh]));
    for (std::size_t i = 0; i < kEnergySources; ++i) {
      out += fmt::format(",{:.6f}", kwh(m[static_cast<EnergySource>(i)]));
    }
    out += fmt::format(",{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{}", kwh(m[Amount::standby_uwh]), b.revenue,
                       b.heat, b.import_cost, b.lost_export, b.battery_value, b.net, optional(b.sats));
    out += fmt::format(",{:.6f},{:.6f},{:.6f},{},{:.4f},{:.6f},{:.6f},{:.4f},{:.4f},{},{:.3f}\n",
                       kwh(m[Amount::grid_unpriced_uwh]), kwh(m[Amount::export_unpriced_uwh]),
                       kwh(m[Amount::mined_unpriced_uwh]), m[Amount::starts], hours(m[Amount::awake_ms]),
                       kwh(s[Amount::bought_uwh]), kwh(s[Amount::sold_uwh]), hours(s[Amount::covered_ms]),
                       hours(s[Amount::gap_ms]), optional(meter.pct), meter.unexplained_wh);
  }
  return out;
}

std::string as_json(const std::map<std::string, Totals>& buckets, const Totals& all, const std::string& currency,
                    const std::optional<ledger::BreakEvenMove>& move, const PeriodLabels& labels) {
  json out{{"currency", currency.empty() ? json(nullptr) : json(currency)}, {"total", totals_json(all)}};
  out["buckets"] = json::array();
  for (const auto& [name, totals] : buckets) {
    json one = totals_json(totals);
    one["name"] = name;
    out["buckets"].push_back(std::move(one));
  }
  out["break_even"] = break_even_json(move, labels);
  return out.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace

int report(const ReportOptions& options) {
  const Bucket bucket = options.by == "year" ? Bucket::year : options.by == "month" ? Bucket::month : Bucket::day;
  const auto fail_with = [](const Error& error) {
    fmt::print(stderr, "sluice report: {}\n", error.text);
    return error.kind == ErrorKind::invalid ? kExitBadInput : kExitFailed;
  };
  const Result<LedgerPlace> place = ledger_place(options.where);
  if (!place) return fail_with(place.error());
  auto file = store::LedgerFile::open_to_read(place->ledger);
  if (!file) return fail_with(file.error());
  const auto newest = file->newest(1);
  if (!newest) return fail_with(newest.error());
  if (newest->empty()) return fail_with({ErrorKind::not_found, place->ledger + ": the ledger has no entry yet"});
  const Result<Range> range = range_of(options, bucket, newest->front().local_day);
  if (!range) return refuse(range.error().text);
  const auto entries = file->entries(range->from, range->to);
  if (!entries) return fail_with(entries.error());
  if (entries->empty()) return fail_with({ErrorKind::not_found, "the ledger has no entry in these days"});

  const auto buckets = ledger::totals_by(*entries, bucket);
  Totals all;
  for (const LedgerEntry& entry : *entries) all.add(entry);
  // The break-even is that of two months, however short the report is.
  constexpr std::int64_t kTwoMonths = 62;
  const auto months = file->entries(range->to - kTwoMonths, range->to);
  if (!months) return fail_with(months.error());
  const auto move = ledger::break_even_move(*months);
  const PeriodLabels labels = move ? labels_of(options, *place, *move) : PeriodLabels{};
  if (!options.svg_file.empty()) {
    const std::string title =
        fmt::format("Mined energy by source, {} to {}", buckets.begin()->first, buckets.rbegin()->first);
    // A day without an entry is a hole in the picture, not a shorter month.
    std::map<std::string, Totals> drawn = buckets;
    const std::int64_t first = entries->front().local_day, last = entries->back().local_day;
    for (std::int64_t day = first; first != 0 && day <= last; ++day)
      drawn.try_emplace(ledger::bucket_name(day, bucket));
    std::ofstream svg(options.svg_file);
    svg << report_svg(drawn, title, place->currency);
    svg.close();
    if (!svg) return fail_with({ErrorKind::io, options.svg_file + ": cannot be written"});
  }
  if (options.where.as_json) {
    fmt::print("{}\n", as_json(buckets, all, place->currency, move, labels));
  } else if (options.as_csv) {
    fmt::print("{}", csv(buckets));
  } else {
    fmt::print("{}", text(buckets, all, place->currency, move, labels));
  }
  return kExitOk;
}

}  // namespace sluice::cmd
