#include "store/ledger.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

using nlohmann::json;

json to_json(const std::vector<LedgerEntry>& entries) {
  json list = json::array();
  for (const LedgerEntry& entry : entries) {
    json amounts = json::object();
    for (std::size_t i = 0; i < kAmounts; ++i) {
      const auto amount = static_cast<Amount>(i);
      if (entry.amounts[amount] != 0) amounts[std::string(to_string(amount))] = entry.amounts[amount];
    }
    list.push_back({{"quarter", entry.quarter},
                    {"local_day", entry.local_day},
                    {"period", entry.period},
                    {"subject", entry.subject},
                    {"amounts", std::move(amounts)}});
  }
  return list;
}

std::vector<LedgerEntry> entries_from(const json& list) {
  std::vector<LedgerEntry> entries;
  for (const json& one : list) {
    LedgerEntry entry{0, one.at("quarter"), one.at("local_day"), one.at("period"), one.at("subject"), {}};
    for (std::size_t i = 0; i < kAmounts; ++i) {
      const auto amount = static_cast<Amount>(i);
      entry.amounts[amount] = one.at("amounts").value(std::string(to_string(amount)), std::int64_t{0});
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

json to_json(const std::optional<std::int64_t>& value) { return value ? json(*value) : json(); }

std::optional<std::int64_t> integer_from(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::int64_t>());
}

}  // namespace

std::string to_text(const OpenInterval& interval) {
  const json body{{"version", kLedgerVersion},
                  {"after", interval.after},
                  {"at_unix_ms", interval.at_unix_ms},
                  {"waiting", to_json(interval.waiting)},
                  {"entries", to_json(interval.entries)},
                  {"draw_w", interval.draw},
                  {"bought_anchor_uwh", to_json(interval.bought_anchor_uwh)},
                  {"sold_anchor_uwh", to_json(interval.sold_anchor_uwh)}};
  // A name that is not UTF-8 would throw; it is replaced, as everywhere where JSON is written.
  const std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return sha256(text) + "\n" + text;
}

std::optional<OpenInterval> open_interval_from(const std::string& text) {
  const std::size_t line = text.find('\n');
  if (line == std::string::npos || sha256(std::string_view(text).substr(line + 1)) != text.substr(0, line)) {
    return std::nullopt;
  }
  try {
    const json body = json::parse(text.substr(line + 1));
    if (body.at("version") != kLedgerVersion) return std::nullopt;
    OpenInterval interval;
    interval.after = body.at("after");
    interval.at_unix_ms = body.at("at_unix_ms");
    interval.waiting = entries_from(body.at("waiting"));
    interval.entries = entries_from(body.at("entries"));
    interval.draw = body.at("draw_w").get<std::map<std::string, double>>();
    interval.bought_anchor_uwh = integer_from(body.at("bought_anchor_uwh"));
    interval.sold_anchor_uwh = integer_from(body.at("sold_anchor_uwh"));
    return interval;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

SqliteLedger::SqliteLedger(std::string path, std::string open_path, const ports::Clock& clock, Log& log)
    : path_(std::move(path)), open_path_(std::move(open_path)), clock_(clock), log_(log) {}

SqliteLedger::~SqliteLedger() = default;

Result<LedgerHead> SqliteLedger::open(const LedgerHead& known) {
  if (file_) return file_->head();
  auto opened = LedgerFile::open(path_, known, clock_.wall_now(), log_);
  if (!opened) return tl::unexpected(opened.error());
  file_ = std::make_unique<LedgerFile>(std::move(*opened));
  return file_->head();
}

Result<LedgerHead> SqliteLedger::append(std::vector<LedgerEntry> entries) {
  if (!file_) return fail(ErrorKind::internal, "{}: is not open", path_);
  if (auto appended = file_->append(std::move(entries)); !appended) {
    file_.reset();
    return fail(appended.error().kind, "{}: {}", path_, appended.error().text);
  }
  return file_->head();
}

Result<std::vector<LedgerEntry>> SqliteLedger::entries_of(std::int64_t local_day) {
  if (!file_) return fail(ErrorKind::internal, "{}: is not open", path_);
  return file_->entries(local_day, local_day);
}

Result<void> SqliteLedger::keep(const OpenInterval& interval) {
  const std::string fresh = open_path_ + ".new";
  {
    std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
    file << to_text(interval);
    file.close();
    if (!file) return fail(ErrorKind::io, "{}: cannot be written", fresh);
  }
  if (std::rename(fresh.c_str(), open_path_.c_str()) != 0) {
    return fail(ErrorKind::io, "{}: {}", open_path_, std::generic_category().message(errno));
  }
  return {};
}

std::optional<OpenInterval> SqliteLedger::kept() {
  std::ifstream file(open_path_, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();  // a folder in its place can be opened, and fails only here
  auto interval = open_interval_from(text.str());
  if (!interval) log_.warning("store", "{}: cannot be read, what it held is lost", open_path_);
  return interval;
}

}  // namespace sluice::store
