#include "feeds/reply.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "feeds/documents.hpp"
#include "feeds/marks.hpp"

namespace sluice::feeds {
namespace {

using nlohmann::json;

constexpr double kCentsAUnit = 100.0;
constexpr double kKwhAMwh = 1000.0;
constexpr std::size_t kMostRows = 20000;  // a week of five-minute prices is 2016
constexpr Duration kOpenEnd = std::chrono::hours(48);
constexpr Duration kSecondsHole = std::chrono::seconds(60);

Zone utc() { return fixed_zone(std::chrono::seconds(0)); }

double per_kwh(double value, Unit unit) {
  switch (unit) {
    case Unit::currency_kwh:
      return value;
    case Unit::cent_kwh:
      return value / kCentsAUnit;
    case Unit::currency_mwh:
      return value / kKwhAMwh;
  }
  return value;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out;
  for (const char c : text.substr(0, kMost)) out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  while (!out.empty() && text.size() > kMost && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U)
    out.pop_back();
  if (text.size() > kMost && !out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0U) out.pop_back();
  return text.size() > kMost ? out + "…" : out;
}

std::string shown(const json& value) {
  return shortened(value.is_string() ? value.get_ref<const std::string&>()
                                     : value.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// Null when nothing stands there.
const json* pointed_at(const json& document, const std::string& pointer) {
  try {
    const json::json_pointer where(pointer);
    return document.contains(where) ? &document.at(where) : nullptr;
  } catch (const json::exception&) {  // an index beyond any array
    return nullptr;
  }
}

std::string word_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool matches(const json& document, const Match& match) {
  const json* found = pointed_at(document, match.pointer);
  const bool none = found == nullptr || found->is_null();
  const std::string word = none ? "null" : word_of(*found);
  return std::ranges::find(match.is, word) != match.is.end();
}

bool any_matches(const json& document, const std::vector<Match>& all) {
  return std::ranges::any_of(all, [&](const Match& match) { return matches(document, match); });
}

Result<void> expect(const json& document, const std::vector<Match>& all) {
  for (const Match& match : all) {
    if (matches(document, match)) continue;
    const json* found = pointed_at(document, match.pointer);
    return fail(ErrorKind::protocol, "{} is {} where {} was expected", match.pointer,
                found == nullptr ? "missing" : shown(*found), fmt::join(match.is, " or "));
  }
  return {};
}

/// A number, or one in quotes.
std::optional<double> number_of(const json& value) {
  if (value.is_number()) return std::isfinite(value.get<double>()) ? std::optional(value.get<double>()) : std::nullopt;
  return value.is_string() ? decimal(value.get_ref<const std::string&>()) : std::nullopt;
}

/// The first of the pointers where something but null stands.
const json* first_there(const json& document, const std::vector<std::string>& pointers) {
  for (const std::string& pointer : pointers) {
    const json* found = pointed_at(document, pointer);
    if (found != nullptr && !found->is_null()) return found;
  }
  return nullptr;
}

class JsonReader {
 public:
  JsonReader(const Definition& definition, WallTime now, const Zone& zone, Rows& rows)
      : definition_(definition), now_(now), zone_(zone), rows_(rows) {}

  Result<void> read(std::string_view body) {
    const json document = json::parse(body, nullptr, false);
    if (document.is_discarded()) return fail(ErrorKind::protocol, "not JSON, or cut off: {}", shortened(body));
    if (!definition_.errors.empty()) {
      const json* errors = pointed_at(document, definition_.errors);
      if (errors != nullptr && !errors->empty()) return refused(*errors);
    }
    if (auto done = expect(document, definition_.expect); !done) return done;
    provisional_ = !definition_.final.empty() && !any_matches(document, definition_.final);
    if (!definition_.next.empty()) {
      const json* next = pointed_at(document, definition_.next);
      rows_.next = next != nullptr && next->is_string() ? next->get<std::string>() : "";
    }
    for (const SeriesForm& form : definition_.series) {
      if (auto done = series(document, form); !done) return done;
    }
    return {};
  }

 private:
  static tl::unexpected<Error> refused(const json& errors) {
    const json* message = pointed_at(errors, "/0/message");
    return fail(ErrorKind::rejected, "the source says: {}", shown(message == nullptr ? errors : *message));
  }

  Result<void> series(const json& document, const SeriesForm& form) {
    if (auto done = current(document, form); !done) return done;
    if (form.columns) return columns(document, form);
    for (const std::string& pointer : form.rows) {
      const json* list = pointed_at(document, pointer);
      if (!form.current.empty() && (list == nullptr || !list->is_array())) continue;
      // Lists are alternatives and parts: only when none is there is something else than prices there.
      if (list == nullptr || list->is_null()) {
        if (std::ranges::none_of(form.rows,
                                 [&](const auto& other) { return first_there(document, {other}) != nullptr; }))
          return fail(ErrorKind::protocol, "no {} in the answer: {}", pointer, shown(document));
        continue;
      }
      if (list->is_object() && signal(form)) {
        rows_.alone = true;
        if (auto done = add(*list, form); !done) return done;  // one day at a time
        continue;
      }
      if (!list->is_array()) return fail(ErrorKind::protocol, "{} is no list: {}", pointer, shown(*list));
      // That no event is announced is an answer.
      if (list->empty() && form.use != Use::event) rows_.unpublished = true;
      for (const json& row : *list) {
        if (auto done = add(row, form); !done) return done;
      }
    }
    return {};
  }

  /// One number that holds from now on.
  Result<void> current(const json& document, const SeriesForm& form) {
    const json* found = nullptr;
    for (const std::string& pointer : form.current) {
      const json* there = pointed_at(document, pointer);
      if (found == nullptr && there != nullptr && there->is_primitive() && !there->is_null()) found = there;
    }
    if (found == nullptr) return {};
    const auto price = number_of(*found);
    if (!price) return fail(ErrorKind::protocol, "{} is no price", shown(*found));
    const Duration hold = definition_.hold > Duration{} ? definition_.hold : definition_.max_age;
    return put({now_, now_ + hold, priced(*price, form), PriceKind::published, false, false, true}, form);
  }

  Result<void> columns(const json& document, const SeriesForm& form) {
    const json* starts = pointed_at(document, form.start);
    const json* values = first_there(document, form.value);
    if (starts == nullptr || values == nullptr || !starts->is_array() || !values->is_array())
      return fail(ErrorKind::protocol, "no lists {} and {} in the answer: {}", form.start, form.value.front(),
                  shown(document));
    if (starts->size() != values->size())
      return fail(ErrorKind::protocol, "{} times and {} prices", starts->size(), values->size());
    for (std::size_t i = 0; i < starts->size(); ++i) {
      const auto stamp = time_of((*starts)[i]);
      if (!stamp) return fail(ErrorKind::protocol, "{} is no time", shown((*starts)[i]));
      if (auto done = add_price((*values)[i], {*stamp, {}, 0.0, kind(false), false, false}, form); !done) return done;
    }
    return {};
  }

  PriceKind kind(bool forecast) const { return forecast || provisional_ ? PriceKind::forecast : PriceKind::published; }

  Result<void> add(const json& row, const SeriesForm& form) {
    const bool meant = std::ranges::all_of(form.where, [&](const Match& match) { return matches(row, match); });
    if (!meant) return {};
    if (auto done = expect(row, form.expect); !done) return done;
    const json* start = pointed_at(row, form.start);
    const auto stamp = start == nullptr ? std::nullopt : time_of(*start);
    if (!stamp) return fail(ErrorKind::protocol, "{} is no time in {}", form.start, shown(row));
    const bool forecast = any_matches(row, form.forecast);
    Row found{*stamp, {}, 0.0, kind(forecast), any_matches(row, form.event), any_matches(row, form.demand_window)};
    if (!form.end.empty()) {
      const json* end = pointed_at(row, form.end);
      if (end != nullptr && !end->is_null()) {
        found.end = time_of(*end);
        if (!found.end) return fail(ErrorKind::protocol, "{} is no time in {}", form.end, shown(row));
      } else {
        found.end = WallTime::max();  // open: cut by the next one
      }
    }
    const json* price = forecast ? first_there(row, form.forecast_value) : nullptr;
    if (price == nullptr) price = first_there(row, form.value);
    return add_price(price == nullptr ? json(nullptr) : *price, found, form);
  }

  static bool signal(const SeriesForm& form) { return form.use == Use::colour || form.use == Use::event; }

  Result<void> add_price(const json& value, Row row, const SeriesForm& form) {
    if (form.use == Use::event) {
      row.event = true;
      return put(row, form);
    }
    if (form.use == Use::colour) return add_colour(value, row, form);
    if (value.is_null()) {
      ++rows_.unknown;
      return {};
    }
    const auto price = number_of(value);
    if (!price) return fail(ErrorKind::protocol, "{} is no price, at {}", shown(value), plain_time(row.stamp, zone_));
    row.price = priced(*price, form);
    return put(row, form);
  }

  Result<void> add_colour(const json& value, Row row, const SeriesForm& form) {
    const std::string word = word_of(value);
    const auto known = std::ranges::find_if(definition_.colours, [&](const auto& colour) {
      return std::ranges::find(colour.second, word) != colour.second.end();
    });
    if (known == definition_.colours.end()) {
      ++rows_.unknown;
      rows_.unpublished = true;
      return {};
    }
    row.price = static_cast<double>(known - definition_.colours.begin());
    return put(row, form);
  }

  double priced(double value, const SeriesForm& form) const { return form.sign * per_kwh(value, definition_.unit); }

  Result<void> put(Row row, const SeriesForm& form) {
    std::vector<Row>& to = rows_.of[static_cast<std::size_t>(form.use)];
    if (to.size() >= kMostRows) return fail(ErrorKind::protocol, "more than {} prices", kMostRows);
    to.push_back(row);
    return {};
  }

  std::optional<WallTime> time_of(const json& value) const {
    if (definition_.time == TimeForm::iso) {
      if (!value.is_string()) return std::nullopt;
      const auto& text = value.get_ref<const std::string&>();
      constexpr std::size_t kDateOnly = 10;
      return parse_iso(text.size() == kDateOnly ? text + "T00:00" : text, zone_);
    }
    const auto number = number_of(value);
    const double ms = number.value_or(-1.0) * (definition_.time == TimeForm::unix_s ? 1e3 : 1.0);
    // 2000 to 2100: milliseconds taken for seconds, or the other way round, are outside.
    constexpr double kEarliestMs = 946684800e3, kLatestMs = 4102444800e3;
    if (ms < kEarliestMs || ms > kLatestMs) return std::nullopt;
    return from_unix_ms(static_cast<std::int64_t>(ms));
  }

  const Definition& definition_;
  const WallTime now_;
  const Zone& zone_;
  Rows& rows_;
  bool provisional_ = false;
};

bool web_page(std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && body[first] == '<';
}

tl::unexpected<Error> bad_status(int status, std::string_view body) {
  const std::string said = body.empty() ? "" : ": " + shortened(body);
  if ((status == 401 || status == 403) && web_page(body))
    return fail(ErrorKind::refused, "HTTP {} with a web page: a firewall of the source", status);
  switch (status) {
    case 401:
    case 403:
      return fail(ErrorKind::unauthorized, "HTTP {}, it does not take the token{}", status, said);
    case 404:
      return fail(ErrorKind::not_found, "HTTP 404, there is no such page; are the options right?");
    case 429:
      return fail(ErrorKind::refused, "HTTP 429, it asks to be left alone for a while");
    default:
      if (status >= 500) return fail(ErrorKind::refused, "HTTP {}", status);
      return fail(ErrorKind::rejected, "HTTP {}{}", status, said);
  }
}

// ---- order ----------------------------------------------------------------------------------------------------------

WallTime floored(WallTime time, Duration step) {
  return step > Duration{} ? time - (time.time_since_epoch() % step) : time;
}

/// The distance of two starts that is seen most; an hour when there is only one row.
Duration commonest_step(const std::vector<Row>& rows) {
  std::map<Duration, int> seen;
  for (std::size_t i = 1; i < rows.size(); ++i) ++seen[rows[i].stamp - rows[i - 1].stamp];
  const auto most = std::ranges::max_element(seen, {}, [](const auto& one) { return one.second; });
  return most == seen.end() ? Duration(std::chrono::hours(1)) : most->first;
}

class Orderer {
 public:
  Orderer(const Definition& definition, WallTime now) : definition_(definition), now_(now) {}

  Result<EnergySeries> order(std::vector<Row> rows) const {
    // What has its own time tells more than a number that holds now.
    const bool dated = std::ranges::any_of(
        rows, [&](const Row& row) { return !row.current && row.stamp <= now_ && (!row.end || *row.end > now_); });
    if (dated) std::erase_if(rows, [](const Row& row) { return row.current; });
    if (rows.empty()) return EnergySeries{};
    for (Row& row : rows) row.stamp = floored(row.stamp, definition_.floor);
    std::ranges::stable_sort(rows, {}, &Row::stamp);
    if (auto done = drop_repeated(rows); !done) return tl::unexpected(done.error());
    const Duration step = definition_.slot > Duration{} ? definition_.slot : commonest_step(rows);
    EnergySeries series;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const WallTime* const next = i + 1 < rows.size() ? &rows[i + 1].stamp : nullptr;
      EnergySlot slot = slot_of(rows[i], step, next);
      if (slot.end <= slot.begin)
        return fail(ErrorKind::protocol, "the price from {} ends before", plain_time(slot.begin, utc()));
      if (!series.empty() && series.back().end > slot.begin)
        return fail(ErrorKind::protocol, "prices overlap at {}", plain_time(slot.begin, utc()));
      series.push_back(slot);
    }
    return definition_.billed_mean > Duration{} ? billed(series) : series;
  }

 private:
  static Result<void> drop_repeated(std::vector<Row>& rows) {
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i].stamp == rows[i - 1].stamp && rows[i].price != rows[i - 1].price)
        return fail(ErrorKind::protocol, "two prices for {}: {:g} and {:g} a kWh; `where` must choose one",
                    plain_time(rows[i].stamp, utc()), rows[i - 1].price, rows[i].price);
    }
    const auto again = std::ranges::unique(rows, {}, &Row::stamp);
    rows.erase(again.begin(), again.end());
    return {};
  }

  EnergySlot slot_of(const Row& row, Duration step, const WallTime* next) const {
    EnergySlot slot{row.stamp, {}, PricePerKwh(row.price), row.kind, row.event, row.demand_window};
    if (definition_.stamp == Stamp::end) {
      slot.begin = row.stamp - step;
      slot.end = row.stamp;
    } else if (row.end && *row.end != WallTime::max()) {
      slot.end = *row.end;
      // An inclusive end, 16:59:59.
      if (next != nullptr && slot.end < *next && *next - slot.end < kSecondsHole) slot.end = *next;
      // One number that holds until something is known of its time.
      if (next != nullptr && slot.end > *next && row.current) slot.end = *next;
    } else if (row.end) {
      slot.end = next != nullptr ? *next : std::max(row.stamp, now_) + kOpenEnd;
    } else {
      slot.end = row.stamp + step;
      if (next != nullptr && (slot.end > *next || definition_.fill_forward)) slot.end = *next;
    }
    if (next == nullptr && definition_.hold > Duration{} && !row.current) slot.end += definition_.hold;
    return slot;
  }

  /// The mean of what is known of each billing interval, over the whole of it: the one that runs is projected.
  EnergySeries billed(const EnergySeries& parts) const {
    EnergySeries means;
    std::size_t count = 0;
    for (const EnergySlot& part : parts) {
      const WallTime begin = floored(part.begin, definition_.billed_mean);
      if (means.empty() || means.back().begin != begin) {
        means.push_back(
            {begin, begin + definition_.billed_mean, part.price, part.kind, part.event, part.demand_window});
        count = 1;
        continue;
      }
      EnergySlot& mean = means.back();
      mean.price = (mean.price * static_cast<double>(count) + part.price) / static_cast<double>(count + 1);
      mean.event = mean.event || part.event;
      ++count;
    }
    if (!means.empty()) means.back().end += definition_.hold;
    return means;
  }

  const Definition& definition_;
  const WallTime now_;
};

}  // namespace

std::vector<Request> requests(const Definition& definition, WallTime now, const Zone& zone, const std::string& token) {
  std::vector<Request> all;
  const std::int64_t today = local_day(now, zone);
  for (std::int64_t day = today; day < today + (definition.each_day ? 2 : 1); ++day) {
    const WallTime from = start_of_day(day, zone);
    const WallTime to = start_of_day(day + (definition.each_day ? 1 : 2), zone);
    const auto time = [&](const Mark& mark) -> std::optional<std::string> {
      if (mark.name != "from" && mark.name != "to" && mark.name != "now") return std::nullopt;
      const bool in_utc = mark.format.starts_with("utc:");
      const WallTime which = mark.name == "from" ? from : mark.name == "to" ? to : now;
      return format_time(which, in_utc ? mark.format.substr(4) : mark.format, in_utc ? utc() : zone);
    };
    const auto in_text = [&](const Mark& mark) { return mark.name == "token" ? std::optional(token) : time(mark); };
    const auto in_url = [&](const Mark& mark) {
      return mark.name == "token" ? std::optional(url_encoded(token)) : time(mark);
    };
    Request request{
        replace_marks(definition.url, in_url), definition.method, replace_marks(definition.body, in_text), {}};
    for (const auto& [name, value] : definition.headers) {
      // Without a token a header that carries one says nothing.
      if (token.empty() && value.find("{token}") != std::string::npos) continue;
      request.headers.emplace_back(name, replace_marks(value, in_text));
    }
    all.push_back(std::move(request));
  }
  return all;
}

Result<void> read_reply(const Definition& definition, const Reply& reply, WallTime now, const Zone& zone, Rows& rows) {
  rows.next.clear();
  if (std::ranges::find(definition.not_yet, reply.status) != definition.not_yet.end()) {
    rows.unpublished = true;
    return {};
  }
  // ENTSO-E may explain itself with another status.
  const bool explained = definition.format == Format::entsoe && reply.status == 400 && web_page(reply.body);
  if ((reply.status < 200 || reply.status > 299) && !explained) return bad_status(reply.status, reply.body);
  switch (definition.format) {
    case Format::entsoe:
      return read_entsoe(definition, reply.body, rows);
    case Format::ieso:
      return read_ieso(definition, reply.body, rows);
    case Format::json:
      return JsonReader(definition, now, zone, rows).read(reply.body);
  }
  return {};
}

bool Batch::empty() const {
  return std::ranges::all_of(of, [](const EnergySeries& series) { return series.empty(); });
}

Result<Batch> assemble(const Definition& definition, Rows rows, WallTime now) {
  Batch batch;
  const Orderer orderer(definition, now);
  for (std::size_t use = 0; use < kUseCount; ++use) {
    auto series = orderer.order(std::move(rows.of[use]));
    if (!series) return tl::unexpected(series.error());
    batch.of[use] = std::move(*series);
  }
  return batch;
}

}  // namespace sluice::feeds
