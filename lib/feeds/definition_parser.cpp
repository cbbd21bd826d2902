#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "feeds/definition.hpp"
#include "feeds/marks.hpp"
#include "feeds/times.hpp"
#include "yaml/reader.hpp"

namespace sluice::feeds {
namespace {

using yaml::Node;

constexpr std::int64_t kWeekS = 7 * 86400;
constexpr std::array<std::string_view, 4> kTimeMarks{"from", "to", "now", "token"};

template <class Enum, std::size_t N>
using Words = std::array<std::pair<std::string_view, Enum>, N>;
constexpr Words<Format, 3> kFormats{{{"json", Format::json}, {"entsoe", Format::entsoe}, {"ieso", Format::ieso}}};
constexpr Words<TimeForm, 3> kTimes{
    {{"iso", TimeForm::iso}, {"unix_s", TimeForm::unix_s}, {"unix_ms", TimeForm::unix_ms}}};
constexpr Words<Stamp, 2> kStamps{{{"begin", Stamp::begin}, {"end", Stamp::end}}};
constexpr Words<Unit, 3> kUnits{
    {{"currency/kWh", Unit::currency_kwh}, {"cent/kWh", Unit::cent_kwh}, {"currency/MWh", Unit::currency_mwh}}};
constexpr Words<Use, kUseCount> kUses{{{"energy", Use::energy},
                                       {"import", Use::import},
                                       {"export", Use::export_},
                                       {"colour", Use::colour},
                                       {"event", Use::event}}};

bool is_price(Use use) { return use != Use::colour && use != Use::event; }

class DefinitionParser : private yaml::Reader {
 public:
  using Reader::Reader;

  void top(const Node& root, Definition& to) {
    if (!is_mapping(root, "")) return;
    check_keys(root, "", {"id",       "title",         "checked", "notes",     "options", "token",   "zone",
                          "http",     "mqtt",          "format",  "errors",    "expect",  "final",   "sequence",
                          "currency", "unit",          "time",    "stamps",    "slot_s",  "floor_s", "fill",
                          "hold_s",   "billed_mean_s", "poll",    "max_age_s", "series",  "colours"});
    for (const auto& [key, member] : {std::pair{"id", &to.id}, {"title", &to.title}, {"checked", &to.checked}})
      if (const Node* node = required(root, "", key)) *member = text(*node, key);
    if (const Node* node = root.find("notes")) to.notes = text(*node, "notes");
    if (const Node* node = root.find("options")) options(*node, to);
    if (const Node* node = root.find("token")) token(*node, to);
    if (const Node* node = root.find("zone")) to.zone = marked(*node, "zone", to);
    carrier(root, to);
    answer(root, to);
    if (const Node* node = root.find("poll")) poll(*node, to.poll);
    if (const Node* node = root.find("colours")) colours(*node, to);
    if (const Node* node = required(root, "", "series")) series(*node, to);
    prices_or_signals(root, to);
    for (const auto& [name, fallback] : to.options)
      if (!used_.contains(name)) complain(*root.find("options"), "options." + name, "nothing uses it");
  }

 private:
  void options(const Node& node, Definition& to) {
    if (!is_mapping(node, "options")) return;
    for (const auto& [key, value] : node.entries) {
      std::optional<std::string>& fallback = to.options[key.text];
      if (value.kind != Node::Kind::null) fallback = text(value, "options." + key.text);
      if (std::ranges::find(kTimeMarks, key.text) != kTimeMarks.end())
        complain(key, "options." + key.text, "this name has a meaning of its own; choose another");
    }
  }

  void colours(const Node& node, Definition& to) {
    if (!is_mapping(node, "colours")) return;
    for (const auto& [key, value] : node.entries) {
      std::vector<std::string> words;
      each(value, "colours." + key.text,
           [&](const Node& one, const std::string& where) { words.push_back(text(one, where)); });
      to.colours.emplace_back(key.text, std::move(words));
    }
  }

  /// Colours and events have no currency, and prices no colours.
  void prices_or_signals(const Node& root, const Definition& to) {
    if (to.series.empty()) return;
    const bool prices = std::ranges::any_of(to.series, is_price, &SeriesForm::use);
    if (prices) {
      required(root, "", "currency");
      required(root, "", "unit");
    }
    const bool coloured = std::ranges::count(to.series, Use::colour, &SeriesForm::use) > 0;
    if (coloured && to.colours.empty()) complain(root, "colours", "is missing: which word means which colour?");
    if (!coloured && !to.colours.empty()) complain(*root.find("colours"), "colours", "only `series.colour` uses it");
    if (prices && !std::ranges::all_of(to.series, is_price, &SeriesForm::use))
      complain(*root.find("series"), "series", "prices and signals are two feeds: write two files");
    if (coloured && to.slot == Duration{}) complain(root, "slot_s", "is missing: write 86400, the length of a day");
  }

  void token(const Node& node, Definition& to) {
    to.needs_token = node.text == "required";
    to.may_have_token = to.needs_token || node.text == "optional";
    if (!to.may_have_token) complain(node, "token", "expected `required` or `optional`");
  }

  void carrier(const Node& root, Definition& to) {
    const Node* http = root.find("http");
    const Node* mqtt = root.find("mqtt");
    if ((http == nullptr) == (mqtt == nullptr)) return complain(root, "", "expected one of `http` and `mqtt`");
    to.carrier = http != nullptr ? Carrier::http : Carrier::mqtt;
    if (mqtt != nullptr) {
      if (!is_mapping(*mqtt, "mqtt")) return;
      check_keys(*mqtt, "mqtt", {"topic"});
      if (const Node* node = required(*mqtt, "mqtt", "topic")) to.topic = marked(*node, "mqtt.topic", to);
      return;
    }
    if (!is_mapping(*http, "http")) return;
    check_keys(*http, "http", {"url", "method", "headers", "body", "each_day", "not_yet", "next", "timeout_s"});
    if (const Node* node = required(*http, "http", "url")) {
      to.url = marked(*node, "http.url", to);
      const bool whole = to.url.starts_with("https://") || to.url.starts_with("http://") || to.url.starts_with("{");
      if (!whole) complain(*node, "http.url", "a URL begins with https:// or http://");
    }
    if (const Node* node = http->find("method")) {
      to.method = text(*node, "http.method");
      if (to.method != "GET" && to.method != "POST") complain(*node, "http.method", "expected GET or POST");
    }
    if (const Node* node = http->find("body")) to.body = marked(*node, "http.body", to);
    if (const Node* node = http->find("headers"); node != nullptr && is_mapping(*node, "http.headers")) {
      for (const auto& [key, value] : node->entries)
        to.headers.emplace_back(key.text, marked(value, "http.headers." + key.text, to));
    }
    if (const Node* node = http->find("each_day")) to.each_day = boolean(*node, "http.each_day");
    if (const Node* node = http->find("next")) to.next = pointer(*node, "http.next", to);
    if (const Node* node = http->find("timeout_s"))
      to.timeout = std::chrono::seconds(integer(*node, "http.timeout_s", 1, 120).value_or(1));
    if (const Node* node = http->find("not_yet")) {
      each(*node, "http.not_yet", [&](const Node& one, const std::string& where) {
        to.not_yet.push_back(static_cast<int>(integer(one, where, 200, 599).value_or(204)));
      });
    }
  }

  void answer(const Node& root, Definition& to) {
    if (const Node* node = root.find("format")) to.format = word(*node, "format", kFormats, to.format);
    if (const Node* node = root.find("errors")) to.errors = pointer(*node, "errors", to);
    if (const Node* node = root.find("expect")) to.expect = matches(*node, "expect", to);
    if (const Node* node = root.find("final")) to.final = matches(*node, "final", to);
    if (const Node* node = root.find("sequence")) to.sequence = marked(*node, "sequence", to);
    if (const Node* node = root.find("currency")) to.currency = marked(*node, "currency", to);
    if (const Node* node = root.find("unit")) to.unit = word(*node, "unit", kUnits, to.unit);
    if (const Node* node = root.find("time")) to.time = word(*node, "time", kTimes, to.time);
    if (const Node* node = root.find("stamps")) to.stamp = word(*node, "stamps", kStamps, to.stamp);
    if (const Node* node = root.find("fill")) {
      to.fill_forward = node->text == "forward";
      if (!to.fill_forward && node->text != "none") complain(*node, "fill", "expected `none` or `forward`");
    }
    for (const auto& [key, member] : {std::pair{"slot_s", &to.slot},
                                      {"floor_s", &to.floor},
                                      {"hold_s", &to.hold},
                                      {"billed_mean_s", &to.billed_mean},
                                      {"max_age_s", &to.max_age}})
      if (const Node* node = root.find(key)) *member = seconds(*node, key);
    if (to.stamp == Stamp::end && to.slot == Duration{})
      complain(root, "slot_s", "is missing: where stamps are ends, the length must be known");
  }

  void poll(const Node& node, PollRule& to) {
    if (!is_mapping(node, "poll")) return;
    check_keys(node, "poll", {"every_s", "offset_s", "publish", "until", "wait_s", "jitter_s", "give_up_s"});
    for (const auto& [key, member] : {std::pair{"every_s", &to.every},
                                      {"offset_s", &to.offset},
                                      {"wait_s", &to.wait},
                                      {"jitter_s", &to.jitter},
                                      {"give_up_s", &to.give_up}})
      if (const Node* value = node.find(key)) *member = seconds(*value, std::string("poll.") + key);
    if (const Node* value = node.find("publish")) to.publish = clock(*value, "poll.publish");
    if (const Node* value = node.find("until")) to.until = clock(*value, "poll.until").value_or(to.until);
    constexpr auto kLeast = std::chrono::minutes(1);
    if (to.every < kLeast || to.wait < kLeast) complain(node, "poll", "nobody is asked more often than once a minute");
  }

  void series(const Node& node, Definition& to) {
    if (!is_mapping(node, "series")) return;
    for (const auto& [key, value] : node.entries) {
      const std::string where = "series." + key.text;
      SeriesForm form;
      form.use = word(key, where, kUses, Use::energy);
      if (value.kind == Node::Kind::null && to.format != Format::json) {
        to.series.push_back(std::move(form));
      } else if (is_mapping(value, where)) {
        one_series(value, where, to, form);
        to.series.push_back(std::move(form));
      }
    }
    if (node.entries.empty()) complain(node, "series", "a feed must offer something");
  }

  void one_series(const Node& node, const std::string& where, const Definition& to, SeriesForm& form) {
    check_keys(node, where,
               {"rows", "columns", "start", "end", "value", "current", "sign", "where", "expect", "forecast",
                "forecast_value", "event", "demand_window"});
    if (const Node* value = node.find("current")) form.current = pointers(*value, where + ".current", to);
    if (const Node* value = node.find("columns")) form.columns = boolean(*value, where + ".columns");
    const bool lists = form.columns || node.find("rows") != nullptr;
    if (!lists && form.current.empty()) complain(node, where, "expected `rows`, `columns: true` or `current`");
    if (const Node* value = node.find("rows")) form.rows = pointers(*value, where + ".rows", to);
    if (const Node* value = lists ? required(node, where, "start") : node.find("start"))
      form.start = pointer(*value, where + ".start", to);
    if (const Node* value = node.find("end")) form.end = pointer(*value, where + ".end", to);
    const bool valued = lists && form.use != Use::event;
    if (const Node* value = valued ? required(node, where, "value") : node.find("value"))
      form.value = pointers(*value, where + ".value", to);
    if (const Node* value = node.find("forecast_value"))
      form.forecast_value = pointers(*value, where + ".forecast_value", to);
    if (const Node* value = node.find("sign")) {
      form.sign = real(*value, where + ".sign").value_or(1.0);
      if (form.sign != 1.0 && form.sign != -1.0) complain(*value, where + ".sign", "expected 1 or -1");
    }
    for (const auto& [name, member] : {std::pair{"where", &form.where},
                                       {"expect", &form.expect},
                                       {"forecast", &form.forecast},
                                       {"event", &form.event},
                                       {"demand_window", &form.demand_window}})
      if (const Node* value = node.find(name)) *member = matches(*value, fmt::format("{}.{}", where, name), to);
  }

  std::vector<Match> matches(const Node& node, const std::string& where, const Definition& to) {
    std::vector<Match> all;
    if (!is_mapping(node, where)) return all;
    for (const auto& [key, value] : node.entries) {
      Match match;
      match.pointer = pointer(key, where, to);
      each(value, where + "." + key.text, [&](const Node& one, const std::string& path) {
        match.is.push_back(one.kind == Node::Kind::null ? "null" : marked(one, path, to));
      });
      all.push_back(std::move(match));
    }
    return all;
  }

  /// A text with its marks, each of which must be known.
  std::string marked(const Node& node, const std::string& where, const Definition& to) {
    const std::string found = text(node, where);
    replace_marks(found, [&](const Mark& mark) -> std::optional<std::string> {
      const std::string name(mark.name);
      if (to.options.contains(name)) {
        used_.insert(name);
      } else if (std::ranges::find(kTimeMarks, mark.name) == kTimeMarks.end()) {
        complain(node, where, fmt::format("`{{{}}}` is no option", name));
      } else if (name == "token" && !to.may_have_token) {
        complain(node, where, "`{token}` needs `token: required` or `token: optional`");
      } else if (name != "token") {
        const std::string_view format = mark.format.starts_with("utc:") ? mark.format.substr(4) : mark.format;
        if (format.empty() || !format_time(WallTime{}, format, fixed_zone(std::chrono::seconds(0))))
          complain(node, where, fmt::format("`{}` is no format: unix_s, unix_ms, iso_z, or %Y %m %d %H %M %S", format));
      }
      return std::nullopt;
    });
    return found;
  }

  /// RFC 6901; the empty one is the whole answer.
  std::string pointer(const Node& node, const std::string& where, const Definition& to) {
    if (node.kind == Node::Kind::scalar && node.text.empty()) return "";
    std::string found = marked(node, where, to);
    bool good = found.starts_with('/');
    for (std::size_t at = 0; at < found.size(); ++at)
      good = good && (found[at] != '~' || (at + 1 < found.size() && (found[at + 1] == '0' || found[at + 1] == '1')));
    if (!good) complain(node, where, fmt::format("expected a JSON pointer such as /data/0/price, found `{}`", found));
    return good ? found : "";
  }
  std::vector<std::string> pointers(const Node& node, const std::string& where, const Definition& to) {
    std::vector<std::string> all;
    each(node, where, [&](const Node& one, const std::string& path) { all.push_back(pointer(one, path, to)); });
    return all;
  }

  template <class Enum, std::size_t N>
  Enum word(const Node& node, const std::string& where, const Words<Enum, N>& words, Enum otherwise) {
    for (const auto& [name, meaning] : words)
      if (node.text == name) return meaning;
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : words) names.push_back(name);
    complain(node, where, fmt::format("expected one of {}, found `{}`", yaml::join(names), node.text));
    return otherwise;
  }

  Duration seconds(const Node& node, const std::string& where) {
    return std::chrono::seconds(integer(node, where, 0, kWeekS).value_or(0));
  }
  std::optional<std::chrono::seconds> clock(const Node& node, const std::string& where) {
    const auto found = parse_clock(node.text);
    if (!found) complain(node, where, fmt::format("expected a clock time such as \"13:05\", found `{}`", node.text));
    return found;
  }

  std::set<std::string> used_;
};

}  // namespace

DefinitionOrErrors parse_definition(std::string_view text, const std::string& file) {
  std::vector<yaml::Mistake> mistakes;
  const Node root = yaml::parse(text, mistakes);
  std::vector<yaml::Diagnostic> found;
  Definition definition;
  definition.file = file;
  if (mistakes.empty()) DefinitionParser(file, found).top(root, definition);
  DefinitionOrErrors result;
  for (const yaml::Mistake& one : mistakes) found.push_back({file, one.line, one.column, one.text, ""});
  for (const yaml::Diagnostic& one : found) result.errors.push_back(to_string(one));
  if (result.errors.empty()) result.value = std::move(definition);
  return result;
}

}  // namespace sluice::feeds
