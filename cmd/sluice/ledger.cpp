#include "ledger.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/ledger_view.hpp"
#include "common/paths.hpp"
#include "config/loader.hpp"
#include "exit_codes.hpp"
#include "ledger/report.hpp"
#include "store/ledger_file.hpp"
#include "store/state_store.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

int complain(const Error& error) {
  fmt::print(stderr, "sluice ledger: {}\n", error.text);
  return error.kind == ErrorKind::invalid ? kExitBadInput : kExitFailed;
}

std::string day_name(std::int64_t day) { return ledger::bucket_name(day, ledger::Bucket::day); }

json verdict_json(const store::LedgerVerdict& verdict, const std::optional<LedgerHead>& kept) {
  json out{{"ok", verdict.ok()},
           {"entries", verdict.entries},
           {"begins_after", verdict.begins_after},
           {"head", {{"sequence", verdict.head.sequence}, {"hash", verdict.head.hash}}},
           {"head_kept_apart", kept.has_value()},
           {"damages", json::array()},
           {"days", json::array()}};
  for (const store::LedgerDamage& damage : verdict.damages) {
    out["damages"].push_back(
        {{"sequence", damage.sequence}, {"day", day_name(damage.local_day)}, {"text", damage.text}});
  }
  for (const std::int64_t day : verdict.days) out["days"].push_back(day_name(day));
  return out;
}

void print(const store::LedgerVerdict& verdict, const std::optional<LedgerHead>& kept) {
  if (verdict.begins_after > 0) {
    fmt::print("the entries up to {} are in another file: this one was begun when that was set aside\n",
               verdict.begins_after);
  }
  if (!kept) fmt::print("state.db knows no end of this chain: whether the newest entries are missing cannot be told\n");
  if (verdict.ok()) {
    fmt::print("{} entries, every one as it was written\nhead: {} {}\n", verdict.entries, verdict.head.sequence,
               verdict.head.hash);
    return;
  }
  constexpr std::size_t kShown = 10;
  fmt::print("NOT as it was written, first at entry {} ({}):\n", verdict.damages.front().sequence,
             day_name(verdict.damages.front().local_day));
  for (std::size_t i = 0; i < verdict.damages.size() && i < kShown; ++i) fmt::print("  {}\n", verdict.damages[i].text);
  if (verdict.damages.size() > kShown) fmt::print("  and {} more\n", verdict.damages.size() - kShown);
  std::string days;
  for (const std::int64_t day : verdict.days) days += (days.empty() ? "" : ", ") + day_name(day);
  fmt::print("days affected: {}\n", days);
}

}  // namespace

Result<LedgerPlace> ledger_place(const LedgerOptions& options) {
  LedgerPlace place;
  std::string history;
  const Result<LoadedConfig> read = load_config(options.config_file, options.folders);
  const bool usable = read && read->result.ok();
  if (usable) {
    const config::Config& config = *read->result.config;
    place.config = config;
    place.currency = config.currency;
    place.state = config.store.state_path;
    history = config.store.path;
  }
  if (!options.state_directory.empty()) {
    place.state = options.state_directory + "/state.db";
    history = options.state_directory + "/history.db";
  } else if (!usable) {
    return fail(ErrorKind::invalid, "{}\nname a state directory instead: --state-dir",
                read ? config::format_all(read->result) : read.error().text);
  }
  place.ledger = ledger_file(history);
  return place;
}

int verify_ledger(const LedgerOptions& options) {
  const Result<LedgerPlace> place = ledger_place(options);
  if (!place) return complain(place.error());
  // The state first: the ledger may grow meanwhile, and must not look too short.
  std::optional<LedgerHead> kept;
  if (const auto head = store::read_ledger_head(place->state)) {
    kept = *head;
  } else if (head.error().kind != ErrorKind::not_found) {
    return complain(head.error());
  }
  auto file = store::LedgerFile::open_to_read(place->ledger);
  if (!file) return complain(file.error());
  const auto verdict = file->verify(kept);
  if (!verdict) return complain(verdict.error());
  if (options.as_json) {
    fmt::print("{}\n", verdict_json(*verdict, kept).dump(2));
  } else {
    print(*verdict, kept);
  }
  return verdict->ok() ? kExitOk : kExitFailed;
}

int show_ledger(const LedgerOptions& options) {
  const Result<LedgerPlace> place = ledger_place(options);
  if (!place) return complain(place.error());
  auto file = store::LedgerFile::open_to_read(place->ledger);
  if (!file) return complain(file.error());
  const auto entries = file->newest(options.count);
  if (!entries) return complain(entries.error());
  if (options.as_json) {
    json list = json::array();
    for (const LedgerEntry& entry : *entries) {
      json one{{"sequence", entry.sequence},
               {"unix_s", entry.quarter == 0 ? json(nullptr) : json(entry.quarter * kQuarterSeconds)},
               {"day", day_name(entry.local_day)},
               {"period", entry.period == kNoPeriod ? json(nullptr) : json(entry.period)},
               {"subject", entry.subject}};
      for (std::size_t i = 0; i < kAmounts; ++i) {
        const auto amount = static_cast<Amount>(i);
        if (entry.amounts[amount] != 0) one[std::string(to_string(amount))] = entry.amounts[amount];
      }
      list.push_back(std::move(one));
    }
    fmt::print("{}\n", list.dump(2, ' ', false, json::error_handler_t::replace));
    return kExitOk;
  }
  fmt::print("{:>7}  {:<10} {:<5}  {:<12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "entry", "day", "UTC", "miner",
             "mined Wh", "curtailed", "export", "battery", "grid", "unknown");
  const auto wh = [](std::int64_t uwh) { return static_cast<double>(uwh) / 1e6; };
  for (const LedgerEntry& entry : *entries) {
    const std::int64_t second = entry.quarter * kQuarterSeconds % 86'400;
    const std::string at = entry.quarter == 0 ? "–" : fmt::format("{:02}:{:02}", second / 3600, second % 3600 / 60);
    fmt::print("{:>7}  {:<10} {:<5}  ", entry.sequence, day_name(entry.local_day), at);
    const Amounts& a = entry.amounts;
    if (entry.subject.empty()) {
      fmt::print("{:<12} bought {:.1f} Wh, sold {:.1f} Wh, {:.0f} s seen, {:.0f} s not\n", "(site)",
                 wh(a[Amount::bought_uwh]), wh(a[Amount::sold_uwh]), static_cast<double>(a[Amount::covered_ms]) / 1e3,
                 static_cast<double>(a[Amount::gap_ms]) / 1e3);
      continue;
    }
    fmt::print("{:<12} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f}\n", entry.subject,
               wh(a[Amount::mined_uwh]), wh(a[EnergySource::curtailed]), wh(a[EnergySource::export_avoided]),
               wh(a[EnergySource::battery]), wh(a[EnergySource::grid]), wh(a[EnergySource::unknown]));
  }
  return kExitOk;
}

}  // namespace sluice::cmd
