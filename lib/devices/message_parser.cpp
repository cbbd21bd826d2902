#include "devices/message_parser.hpp"

#include "devices/template_reader.hpp"

namespace sluice::devices {
namespace {

constexpr std::int64_t kMaxAgeS = 86400;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

class MessageParser : private TemplateReader {
 public:
  using TemplateReader::TemplateReader;

  void top(const yaml::Node& root, Template& parsed) {
    MessageFormat format;
    const bool http = root.find("http") != nullptr;
    if (http && root.find("mqtt") != nullptr)
      complain(*root.find("mqtt"), "mqtt", "expected one of `http` and `mqtt`, not both");
    format.carrier = http ? Carrier::http : Carrier::mqtt;
    source_key_ = http ? "path" : "topic";
    check_keys(root, "",
               {"id", "title", "checked", "notes", "roles", "http", "mqtt", "options", "measurements", "commands"});
    if (const auto* node = root.find("options")) options(*node, format);
    http ? http_part(*root.find("http"), parsed) : mqtt_part(*root.find("mqtt"), format);
    if (const auto* node = required(root, "", "measurements")) {
      read_offers(*node, format.offers,
                  [this](const yaml::Node& one, const std::string& path) { return alternative(one, path); });
    }
    if (const auto* node = root.find("commands")) commands(*node, format);
    for (const auto& [name, fallback] : format.options)
      if (!used_.contains(name))
        complain(*root.find("options"), "options." + name, "no path, topic or pointer uses it");
    options_ = nullptr;
    parsed.messages = std::move(format);
  }

 private:
  void options(const yaml::Node& node, MessageFormat& format) {
    options_ = &format.options;
    if (!is_mapping(node, "options")) return;
    std::set<std::string> seen;
    for (const auto& [key, value] : node.entries) {
      if (!seen.insert(key.text).second) complain(key, "options." + key.text, "this key stands here twice");
      std::optional<std::string>& fallback = format.options[key.text];
      if (value.kind != yaml::Node::Kind::null) fallback = text(value, "options." + key.text);
    }
  }

  void http_part(const yaml::Node& node, Template& parsed) {
    if (!is_mapping(node, "http")) return;
    check_keys(node, "http", {"path", "poll_interval_ms", "login"});
    if (const auto* value = node.find("path")) default_source_ = source(*value, "http.path");
    if (const auto* value = node.find("poll_interval_ms"))
      parsed.transport.poll_interval = milliseconds(*value, "http.poll_interval_ms");
    if (const auto* value = node.find("login")) {
      const std::string& scheme = text(*value, "http.login");
      parsed.transport.digest_login = scheme == "digest";
      if (scheme != "digest" && scheme != "basic") complain(*value, "http.login", "there are basic and digest");
    }
  }

  void mqtt_part(const yaml::Node& node, MessageFormat& format) {
    if (!is_mapping(node, "mqtt")) return;
    check_keys(node, "mqtt", {"topic", "max_age_s", "alive"});
    if (const auto* value = node.find("topic")) default_source_ = source(*value, "mqtt.topic");
    if (const auto* value = node.find("alive")) format.alive = source(*value, "mqtt.alive");
    if (const auto* value = required(node, "mqtt", "max_age_s"))
      format.max_age = std::chrono::seconds(integer(*value, "mqtt.max_age_s", 1, kMaxAgeS).value_or(1));
  }

  /// A path or a topic, with its marks.
  std::string source(const yaml::Node& node, const std::string& where) {
    const std::string& found = text(node, where);
    check_marks(node, where, found);
    if (source_key_ == "path" && !found.starts_with('/')) complain(node, where, "a path begins with a slash");
    if (source_key_ == "topic" && found.find_first_of("+#") != std::string::npos)
      complain(node, where, "a topic without wildcards: one value comes from one topic");
    return found;
  }

  /// Every `{name}` must be an option.
  void check_marks(const yaml::Node& node, const std::string& where, const std::string& found) {
    for (auto open = found.find('{'); open != std::string::npos; open = found.find('{', open + 1)) {
      const auto close = found.find('}', open);
      if (close == std::string::npos) return complain(node, where, "`{` without `}`");
      const std::string name = found.substr(open + 1, close - open - 1);
      used_.insert(name);
      if (options_ == nullptr || !options_->contains(name))
        complain(node, where, fmt::format("`{}` is no option; add it under `options`", name));
    }
  }

  void commands(const yaml::Node& node, MessageFormat& format) {
    if (!are_commands(node, {"battery_hold", "power"})) return;
    if (const yaml::Node* power = find_command(node, "power")) {
      check_keys(*power, kPower, {"on", "off"});
      MessagePower both;
      if (const auto* value = required(*power, kPower, "on")) both.on = command(*value, "commands.power.on");
      if (const auto* value = required(*power, kPower, "off")) both.off = command(*value, "commands.power.off");
      format.power = std::move(both);
    }
    const yaml::Node* hold = find_command(node, "battery_hold");
    if (hold == nullptr) return;
    const std::string where = kHold;
    check_keys(*hold, where, {"hold", "release", "repeat_s"});
    MessageHold parsed;
    if (const auto* value = required(*hold, where, "hold")) parsed.hold = command(*value, where + ".hold");
    if (const auto* value = required(*hold, where, "release")) parsed.release = command(*value, where + ".release");
    if (const auto* value = hold->find("repeat_s"))
      parsed.repeat = std::chrono::seconds(integer(*value, where + ".repeat_s", 1, kMaxAgeS).value_or(1));
    format.hold = std::move(parsed);
  }

  MessageCommand command(const yaml::Node& node, const std::string& where) {
    MessageCommand parsed;
    if (!is_mapping(node, where)) return parsed;
    const bool http = source_key_ == "path";
    const std::string_view what = http ? "method" : "payload";
    check_keys(node, where, {source_key_, what});
    if (const auto* value = required(node, where, std::string(source_key_)))
      parsed.source = source(*value, fmt::format("{}.{}", where, source_key_));
    const auto* value = required(node, where, std::string(what));
    if (!value) return parsed;
    (http ? parsed.method : parsed.payload) = text(*value, fmt::format("{}.{}", where, what));
    // GET asks, and orders nothing; but plugs are built that take orders by it.
    const bool get = where.starts_with(kPower) && parsed.method == "GET";
    if (http && !get && parsed.method != "POST" && parsed.method != "PUT" && parsed.method != "DELETE")
      complain(*value, where + ".method", "expected POST, PUT or DELETE");
    return parsed;
  }

  MessageAlternative alternative(const yaml::Node& node, const std::string& where) {
    MessageAlternative parsed;
    if (const auto* terms = node.find("sum")) {
      check_keys(node, where, {"sum", "when", "at_least"});
      each(*terms, where + ".sum", [&](const yaml::Node& one, const std::string& path) {
        if (is_mapping(one, path)) parsed.terms.push_back(term(one, path, {}));
      });
    } else {
      parsed.terms.push_back(term(node, where, {"when", "at_least"}));
    }
    if (const auto* value = node.find("when")) {
      each(*value, where + ".when", [&](const yaml::Node& one, const std::string& path) {
        if (is_mapping(one, path)) parsed.when.push_back(condition(one, path));
      });
    }
    if (const auto* value = node.find("at_least")) parsed.at_least = real(*value, where + ".at_least");
    return parsed;
  }

  MessageTerm term(const yaml::Node& node, const std::string& where, std::vector<std::string_view> known) {
    known.insert(known.end(), {"value", "json", source_key_, "offset", "scale", "min", "max", "not_available", "values",
                               "other", "optional"});
    check_keys(node, where, known);
    MessageTerm parsed;
    if (const auto* value = node.find("value")) {
      parsed.fixed = real(*value, where + ".value").value_or(0.0);
      for (const std::string_view key : {std::string_view("json"), source_key_})
        if (const auto* both = node.find(key))
          complain(*both, fmt::format("{}.{}", where, key), "a fixed `value` stands nowhere");
    } else {
      parsed.place = place(node, where);
    }
    if (const auto* value = node.find("offset")) parsed.offset = real(*value, where + ".offset").value_or(0.0);
    if (const auto* value = node.find("scale")) {
      parsed.scale = real(*value, where + ".scale").value_or(1.0);
      if (parsed.scale == 0.0) complain(*value, where + ".scale", "a scale of 0 makes every value 0");
    }
    if (const auto* value = node.find("min")) parsed.min = real(*value, where + ".min");
    if (const auto* value = node.find("max")) parsed.max = real(*value, where + ".max");
    if (parsed.min && parsed.max && *parsed.min >= *parsed.max) complain(node, where, "`min` must be below `max`");
    if (const auto* value = node.find("not_available")) parsed.not_available = texts(*value, where + ".not_available");
    if (const auto* value = node.find("values")) values(*value, where + ".values", parsed.values);
    if (const auto* value = node.find("other")) parsed.other = real(*value, where + ".other");
    if (const auto* value = node.find("optional")) parsed.optional = boolean(*value, where + ".optional");
    return parsed;
  }

  MessageCondition condition(const yaml::Node& node, const std::string& where) {
    check_keys(node, where, {"json", source_key_, "is", "is_not", "at_least"});
    MessageCondition parsed;
    parsed.place = place(node, where);
    if (const auto* value = node.find("is")) parsed.is = texts(*value, where + ".is");
    if (const auto* value = node.find("is_not")) parsed.is_not = texts(*value, where + ".is_not");
    if (const auto* value = node.find("at_least")) parsed.at_least = real(*value, where + ".at_least");
    return parsed;
  }

  MessagePlace place(const yaml::Node& node, const std::string& where) {
    MessagePlace parsed;
    parsed.source = default_source_;
    if (const auto* value = node.find(source_key_))
      parsed.source = source(*value, fmt::format("{}.{}", where, source_key_));
    if (parsed.source.empty())
      complain(node, where, fmt::format("`{}` is missing, here or at the top of the file", source_key_));
    if (const auto* value = node.find("json")) {
      each(*value, where + ".json", [&](const yaml::Node& one, const std::string& path) {
        const std::string& pointer = text(one, path);
        check_marks(one, path, pointer);
        if (!valid_pointer(pointer)) {
          complain(one, path, fmt::format("expected a JSON pointer such as /meters/0/power, found `{}`", pointer));
        } else {
          parsed.pointers.push_back(pointer);
        }
      });
    }
    return parsed;
  }

  /// RFC 6901: begins with a slash, and `~` stands only before 0 or 1.
  static bool valid_pointer(std::string_view pointer) {
    if (!pointer.starts_with('/')) return false;
    for (std::size_t at = 0; at < pointer.size(); ++at) {
      if (pointer[at] != '~') continue;
      if (at + 1 == pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) return false;
    }
    return true;
  }

  std::vector<std::string> texts(const yaml::Node& node, const std::string& where) {
    std::vector<std::string> all;
    each(node, where, [&](const yaml::Node& one, const std::string& path) { all.push_back(text(one, path)); });
    return all;
  }

  void values(const yaml::Node& node, const std::string& where, std::map<std::string, double>& into) {
    if (!is_mapping(node, where)) return;
    for (const auto& [key, value] : node.entries) {
      const auto meaning = real(value, where + "." + key.text);
      if (meaning && !into.emplace(lower(key.text), *meaning).second)
        complain(key, where + "." + key.text, "this key stands here twice");
    }
  }

  std::string_view source_key_ = "path";
  std::string default_source_;
  const std::map<std::string, std::optional<std::string>>* options_ = nullptr;  ///< while `top` runs
  std::set<std::string> used_;
};

}  // namespace

bool is_message_template(const yaml::Node& root) {
  return root.find("http") != nullptr || root.find("mqtt") != nullptr;
}

void parse_messages(const yaml::Node& root, const std::string& file, std::vector<Diagnostic>& diagnostics,
                    Template& parsed) {
  MessageParser(file, diagnostics).top(root, parsed);
}

}  // namespace sluice::devices
