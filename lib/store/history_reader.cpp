#include "store/history_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "store/history_file.hpp"
#include "store/history_writer.hpp"
#include "store/roll_up.hpp"

namespace sluice::store {
namespace {

const std::vector<std::int32_t>* column(const Block& block, std::uint32_t key) {
  const auto found = std::find_if(block.columns.begin(), block.columns.end(),
                                  [key](const Column& candidate) { return candidate.key == key; });
  return found == block.columns.end() ? nullptr : &found->values;
}

/// Collects parts of one stretch from several blocks, still in stored steps.
struct Stretch {
  double sum = 0.0;
  std::int32_t min = 0;
  std::int32_t max = 0;
  std::uint32_t valid = 0;

  void add(double mean, std::int32_t low, std::int32_t high, std::int32_t count) {
    min = valid == 0 ? low : std::min(min, low);
    max = valid == 0 ? high : std::max(max, high);
    sum += mean * count;
    valid += static_cast<std::uint32_t>(count);
  }
};

void collect(std::map<std::int64_t, Stretch>& stretches, const Block& block, std::uint32_t series) {
  const auto* mean = column(block, roll_up_key(series, Statistic::mean));
  const auto* min = column(block, roll_up_key(series, Statistic::min));
  const auto* max = column(block, roll_up_key(series, Statistic::max));
  const auto* valid = column(block, roll_up_key(series, Statistic::valid));
  if (mean == nullptr || min == nullptr || max == nullptr || valid == nullptr) return;
  for (std::size_t row = 0; row < block.times_s.size(); ++row) {
    if ((*valid)[row] <= 0) continue;
    stretches[block.times_s[row]].add((*mean)[row], (*min)[row], (*max)[row], (*valid)[row]);
  }
}

WallTime from_unix_s(std::int64_t seconds) { return from_unix_ms(seconds * 1000); }

ReasonSet reasons_of(std::int64_t bits) {
  ReasonSet set;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if ((static_cast<std::uint64_t>(bits) >> i) & 1U) set.add(static_cast<Reason>(i));
  }
  return set;
}

AlarmSet alarms_of(std::int64_t bits) {
  AlarmSet set;
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    if ((static_cast<std::uint64_t>(bits) >> i) & 1U) set.set(static_cast<Alarm>(i));
  }
  return set;
}

/// A number that no version of ours could have meant becomes `fallback`.
template <class Code>
Code code_of(std::int64_t number, std::int64_t count, Code fallback) {
  return number >= 0 && number < count ? static_cast<Code>(number) : fallback;
}

DecisionChange decision_of(const SqlRow& row) {
  DecisionChange change;
  change.unix_ms = row.integer(0);
  change.subject = row.text(1);
  change.sequence = static_cast<std::uint64_t>(row.integer(2));
  change.wanted = code_of(row.integer(3), 4, CommandKind::none);
  change.target = Watts(static_cast<double>(row.integer(4)));
  change.reason = code_of(row.integer(5), std::int64_t{kReasonCount}, Reason::none);
  change.cuts = reasons_of(row.integer(6));
  change.alarms = alarms_of(row.integer(7));
  return change;
}

ports::Event event_of(const SqlRow& row) {
  ports::Event event;
  event.wall = from_unix_ms(row.integer(0));
  event.level = code_of(row.integer(1), 3, ports::EventLevel::info);
  event.code = row.text(2);
  event.subject = row.text(3);
  event.text = row.text(4);
  event.cleared = row.integer(5) != 0;
  return event;
}

}  // namespace

Result<HistoryReader> HistoryReader::open(const std::string& path) {
  std::error_code unreadable;
  if (!std::filesystem::exists(path, unreadable)) return fail(ErrorKind::not_found, "{}: no such file", path);
  auto database = Database::open(path, Database::Access::read_only);
  if (!database) return fail(database.error().kind, "{}: {}", path, database.error().text);
  const auto version = database->integer("PRAGMA user_version");
  if (!version) return fail(version.error().kind, "{}: {}", path, version.error().text);
  const auto known = static_cast<std::int64_t>(kHistoryFormat.steps.size());
  if (*version != known) {
    return fail(ErrorKind::unsupported, "{}: its schema is version {}, this Sluice reads version {}", path, *version,
                known);
  }
  return HistoryReader(std::move(*database));
}

Result<std::vector<std::string>> HistoryReader::series() {
  std::vector<std::string> names;
  auto done = database_.query("SELECT name FROM series ORDER BY id", {},
                              [&](const SqlRow& row) { names.push_back(row.text(0)); });
  if (!done) return tl::unexpected(done.error());
  return names;
}

Result<HistoryReader::Series> HistoryReader::find(std::string_view series) {
  std::optional<Series> found;
  auto done = database_.query("SELECT id, scale FROM series WHERE name = ?", {series}, [&](const SqlRow& row) {
    found = Series{static_cast<std::uint32_t>(row.integer(0)), row.real(1)};
  });
  if (!done) return tl::unexpected(done.error());
  if (!found) return fail(ErrorKind::not_found, "no series named {} was ever stored", series);
  return *found;
}

Result<std::vector<Block>> HistoryReader::blocks(const char* table, WallTime from, WallTime to) {
  std::vector<Block> blocks;
  Result<void> damage;
  const std::string sql = fmt::format(
      "SELECT start_unix_ms, data FROM {} WHERE start_unix_ms BETWEEN ? AND ? ORDER BY start_unix_ms", table);
  // A block may begin up to its whole span before what it contributes; a roll-up's first row up to a minute or a
  // quarter before the block.
  auto done =
      database_.query(sql.c_str(), {unix_ms(from - kBlockSpan), unix_ms(to + kBlockSpan)}, [&](const SqlRow& row) {
        auto block = decode(row.blob(1));
        if (block) {
          blocks.push_back(std::move(*block));
        } else if (damage) {
          damage = fail(ErrorKind::protocol, "{} at {} ms: {}", table, row.integer(0), block.error().text);
        }
      });
  if (!done) return tl::unexpected(done.error());
  if (!damage) return tl::unexpected(damage.error());
  return blocks;
}

Result<std::vector<HistoryPoint>> HistoryReader::seconds(std::string_view series, WallTime from, WallTime to) {
  const auto wanted = find(series);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto found = blocks("second_block", from, to);
  if (!found) return tl::unexpected(found.error());
  std::vector<HistoryPoint> points;
  for (const Block& block : *found) {
    const auto* values = column(block, wanted->id);
    if (values == nullptr) continue;
    for (std::size_t row = 0; row < block.times_s.size(); ++row) {
      const WallTime at = from_unix_s(block.times_s[row]);
      if (at < from || at >= to) continue;
      const std::int32_t value = (*values)[row];
      points.push_back({at, value == kMissing ? std::nullopt : std::optional(value * wanted->scale)});
    }
  }
  return points;
}

Result<std::vector<RollUpPoint>> HistoryReader::roll_ups(RollUpStep step, std::string_view series, WallTime from,
                                                         WallTime to) {
  const auto wanted = find(series);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto found = blocks(step == RollUpStep::minute ? "minute_block" : "quarter_block", from, to);
  if (!found) return tl::unexpected(found.error());
  std::map<std::int64_t, Stretch> stretches;
  for (const Block& block : *found) collect(stretches, block, wanted->id);
  std::vector<RollUpPoint> points;
  for (const auto& [start_s, stretch] : stretches) {
    const WallTime start = from_unix_s(start_s);
    if (start < from || start >= to) continue;
    points.push_back({start, stretch.sum / stretch.valid * wanted->scale, stretch.min * wanted->scale,
                      stretch.max * wanted->scale, stretch.valid});
  }
  return points;
}

Result<std::vector<DecisionChange>> HistoryReader::decisions(WallTime from, WallTime to) {
  std::vector<DecisionChange> changes;
  auto done = database_.query(
      "SELECT unix_ms, subject, sequence, wanted, target_w, reason, cuts, alarms FROM decision"
      " WHERE unix_ms >= ? AND unix_ms < ? ORDER BY unix_ms, subject",
      {unix_ms(from), unix_ms(to)}, [&](const SqlRow& row) { changes.push_back(decision_of(row)); });
  if (!done) return tl::unexpected(done.error());
  return changes;
}

Result<std::vector<ports::Event>> HistoryReader::events(WallTime from, WallTime to) {
  std::vector<ports::Event> events;
  auto done = database_.query(
      "SELECT unix_ms, level, code, subject, text, cleared FROM event WHERE unix_ms >= ? AND unix_ms < ? ORDER BY id",
      {unix_ms(from), unix_ms(to)}, [&](const SqlRow& row) { events.push_back(event_of(row)); });
  if (!done) return tl::unexpected(done.error());
  return events;
}

Result<std::vector<EnergyOfDay>> HistoryReader::energy(std::int64_t from_day, std::int64_t to_day) {
  std::vector<EnergyOfDay> days;
  auto done = database_.query(
      "SELECT local_day, series, energy_wh, covered_s FROM energy_day WHERE local_day BETWEEN ? AND ?"
      " ORDER BY local_day, series",
      {from_day, to_day},
      [&](const SqlRow& row) { days.push_back({row.integer(0), row.text(1), {row.real(2), row.real(3)}}); });
  if (!done) return tl::unexpected(done.error());
  return days;
}

}  // namespace sluice::store
