#include "config/decode.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields.hpp"
#include "config/scalars.hpp"
#include "tariff/local_time.hpp"

namespace sluice::config {
namespace {

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string kind_words(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "has no value";
    case Node::Kind::scalar:
      return "is " + quoted(node.text);
    case Node::Kind::map:
      return "is a map";
    case Node::Kind::list:
      return "is a list";
  }
  return "";
}

class Decoder {
 public:
  explicit Decoder(Problems& problems) : problems_(problems) {}

  void section(std::span<const Field> fields, const Node& node, const std::string& path, void* target) {
    if (node.kind != Node::Kind::map) return wrong(node, path, "a map of keys and values");
    for (const Field& field : fields) {
      if (const Entry* entry = node.find(field.name)) {
        one(field, entry->value, joined(path, field.name), target);
      } else if (field.required) {
        problems_.error(node.place, joined(path, field.name), "is missing",
                        fmt::format("add {}: {}", field.name, expected(field)));
      }
    }
    unknown_keys(fields, node, path);
  }

 private:
  /// "has no value; write …" or "is a list; write …".
  void wrong(const Node& node, const std::string& path, const std::string& right) {
    problems_.error(node.place, path, kind_words(node), "write " + right);
  }

  void unknown_keys(std::span<const Field> fields, const Node& node, const std::string& path) {
    std::vector<std::string> names;
    for (const Field& field : fields) names.emplace_back(field.name);
    for (const Entry& entry : node.entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
      const auto meant = nearest(entry.key, names);
      problems_.error(
          entry.place, path, fmt::format("unknown key {}", quoted(entry.key)),
          meant ? fmt::format("did you mean {}?", *meant) : fmt::format("keys here are {}", fmt::join(names, ", ")));
    }
  }

  void one(const Field& field, const Node& node, const std::string& path, void* target) {
    if (field.type == FieldType::section) {
      if (node.kind != Node::Kind::map) return wrong(node, path, expected(field));
      return section(field.fields, node, path, field.enter(target));
    }
    if (field.type == FieldType::list) return list(field, node, path, target);
    Value value;
    value.unit = field.unit;
    if (read(field, node, path, value)) field.store(target, value);
  }

  void list(const Field& field, const Node& node, const std::string& path, void* target) {
    if (node.kind != Node::Kind::list) return wrong(node, path, "a list, each item behind a dash");
    const auto size = static_cast<double>(node.items.size());
    if (size < field.low) {
      problems_.error(node.place, path, "is empty", fmt::format("write at least {}", plain_text(field.low)));
    }
    if (size > field.high) {
      return problems_.error(node.place, path, fmt::format("has {} items", node.items.size()),
                             fmt::format("at most {} are supported", plain_text(field.high)));
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      section(field.fields, node.items[i], fmt::format("{}[{}]", path, i), field.enter(target));
    }
  }

  bool read(const Field& field, const Node& node, const std::string& path, Value& value) {
    switch (field.type) {
      case FieldType::choices:
        return read_choices(field, node, path, value);
      case FieldType::texts:
        return read_texts(field, node, path, value);
      case FieldType::secret:
        return read_secret(field, node, path, value);
      case FieldType::curve:
        return read_curve(node, path, value);
      case FieldType::working:
        return read_working(node, path, value);
      case FieldType::names:
        return read_names(node, path, value);
      case FieldType::windows:
        return read_windows(field, node, path, value);
      case FieldType::share:
        return read_share(field, node, path, value);
      case FieldType::options:
        return read_options(field, node, path, value);
      default:
        return read_scalar(field, node, path, value);
    }
  }

  bool read_scalar(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind != Node::Kind::scalar) return wrong(node, path, expected(field)), false;
    switch (field.type) {
      case FieldType::integer:
      case FieldType::number:
        return read_number(field, node, path, value);
      case FieldType::boolean:
        return read_boolean(node, path, value);
      case FieldType::date:
        return read_date(field, node, path, value);
      case FieldType::choice:
        return read_choice(field, node, path, value);
      default:
        return read_text(field, node, path, value);
    }
  }

  bool read_text(const Field& field, const Node& node, const std::string& path, Value& value) {
    value.text = field.type == FieldType::mac && valid_mac(node.text) ? plain_mac(node.text) : node.text;
    if (is_valid(field.type, node.text)) return true;
    problems_.error(node.place, path, node.text.empty() ? "is empty" : quoted(node.text) + " is not possible here",
                    "write " + expected(field));
    return false;
  }

  static bool is_valid(FieldType type, std::string_view text) {
    const bool plain =
        std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
    if (text.empty() || !plain) return false;
    switch (type) {
      case FieldType::name:
        return valid_name(text);
      case FieldType::host:
        return valid_host(text);
      case FieldType::mac:
        return valid_mac(text);
      case FieldType::path:
        return text.front() == '/';
      case FieldType::url:
        return (text.starts_with("http://") && text.size() > 7) || (text.starts_with("https://") && text.size() > 8);
      default:
        return true;
    }
  }

  bool read_number(const Field& field, const Node& node, const std::string& path, Value& value) {
    const bool whole = field.type == FieldType::integer;
    const auto number = node.quoted ? std::nullopt : (whole ? parse_integer(node.text) : parse_number(node.text));
    if (!number) {
      const char* wanted = whole ? "a whole decimal number" : "a decimal number";
      return refuse(node, path, wanted, parse_number(node.text) && !node.quoted ? std::nullopt : plain(node), field);
    }
    if (*number < field.low || *number > field.high) {
      problems_.error(node.place, path, node.text + " is out of range", "write " + expected(field));
      return false;
    }
    value.number = *number;
    return true;
  }

  static std::optional<std::string> plain(const Node& node) {
    if (node.quoted && parse_number(node.text)) return node.text + " without quotes";
    return plain_number(node.text);
  }

  bool refuse(const Node& node, const std::string& path, const char* wanted, const std::optional<std::string>& meant,
              const Field& field) {
    problems_.error(node.place, path, fmt::format("{} is not {}", quoted(node.text), wanted),
                    "write " + (meant ? *meant : expected(field)));
    return false;
  }

  bool read_boolean(const Node& node, const std::string& path, Value& value) {
    const auto boolean = node.quoted ? std::nullopt : parse_boolean(node.text);
    if (boolean) {
      value.boolean = *boolean;
      return true;
    }
    const auto meant = plain_boolean(node.text);
    problems_.error(node.place, path, fmt::format("{} is not a boolean", quoted(node.text)),
                    "write " + meant.value_or("true or false") + (node.quoted && meant ? " without quotes" : ""));
    return false;
  }

  bool read_choice(const Field& field, const Node& node, const std::string& path, Value& value) {
    const auto found = std::find(field.choices.begin(), field.choices.end(), node.text);
    if (found != field.choices.end()) {
      value.choices.push_back(static_cast<std::size_t>(found - field.choices.begin()));
      return true;
    }
    const auto meant = nearest(node.text, {field.choices.begin(), field.choices.end()});
    problems_.error(node.place, path, quoted(node.text) + " is not a choice here",
                    meant ? fmt::format("did you mean {}? It is one of {}", *meant, fmt::join(field.choices, ", "))
                          : fmt::format("write one of {}", fmt::join(field.choices, ", ")));
    return false;
  }

  bool read_choices(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind == Node::Kind::scalar) return read_choice(field, node, path, value);
    if (node.kind != Node::Kind::list || node.items.empty()) return wrong(node, path, expected(field)), false;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      const std::string item_path = fmt::format("{}[{}]", path, i);
      if (item.kind != Node::Kind::scalar) return wrong(item, item_path, expected(field)), false;
      if (!read_choice(field, item, item_path, value)) return false;
    }
    return true;
  }

  bool read_texts(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind != Node::Kind::list) return wrong(node, path, expected(field)), false;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      if (item.kind != Node::Kind::scalar || !is_valid(FieldType::path, item.text)) {
        return wrong(item, fmt::format("{}[{}]", path, i), "an absolute path"), false;
      }
      value.texts.push_back(item.text);
    }
    return true;
  }

  bool read_names(const Node& node, const std::string& path, Value& value) {
    if (node.kind != Node::Kind::list || node.items.empty()) return wrong(node, path, "a list of names"), false;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      if (item.kind != Node::Kind::scalar || !valid_name(item.text))
        return wrong(item, fmt::format("{}[{}]", path, i), "a name"), false;
      value.texts.push_back(item.text);
    }
    return true;
  }

  bool read_date(const Field& field, const Node& node, const std::string& path, Value& value) {
    // A leap year: February 29 is a date.
    const auto day = tariff::parse_day("2024-" + node.text);
    if (!day) return refuse(node, path, "a date of the year", std::nullopt, field);
    const std::chrono::year_month_day date(*day);
    value.number = static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day());
    return true;
  }

  bool read_windows(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind == Node::Kind::scalar) return read_window(field, node, path, value);
    if (node.kind != Node::Kind::list || node.items.empty()) return wrong(node, path, expected(field)), false;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = fmt::format("{}[{}]", path, i);
      if (node.items[i].kind != Node::Kind::scalar) return wrong(node.items[i], item_path, expected(field)), false;
      if (!read_window(field, node.items[i], item_path, value)) return false;
    }
    return true;
  }

  bool read_window(const Field& field, const Node& node, const std::string& path, Value& value) {
    const std::size_t dash = node.text.find('-');
    const auto from = tariff::parse_clock(node.text.substr(0, dash));
    const auto to = dash == std::string::npos ? std::nullopt : tariff::parse_clock(node.text.substr(dash + 1));
    constexpr int kMidnight = 24 * 60;
    if (!from || !to || *from == kMidnight) return refuse(node, path, "a time of day", std::nullopt, field);
    if (*from == *to) {
      problems_.error(node.place, path, quoted(node.text) + " is empty", "for the whole day leave it out");
      return false;
    }
    value.curve.emplace_back(*from, *to);
    return true;
  }

  bool read_secret(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind == Node::Kind::scalar) {
      // The text is not repeated: it may be the password.
      problems_.error(node.place, path, "is a plain text",
                      "write {secret: NAME} and put the password into a file of that name, or {value: TEXT}");
      return false;
    }
    if (node.kind != Node::Kind::map || node.entries.size() != 1) return wrong(node, path, expected(field)), false;
    const Entry& entry = node.entries.front();
    if (entry.key != "secret" && entry.key != "value") {
      problems_.error(entry.place, path, fmt::format("unknown key {}", quoted(entry.key)), "write " + expected(field));
      return false;
    }
    const std::string entry_path = joined(path, entry.key);
    if (entry.value.kind != Node::Kind::scalar || entry.value.text.empty()) {
      problems_.error(entry.value.place, entry_path, "has no text", "write " + expected(field));
      return false;
    }
    value.pairs.emplace_back(entry.key, entry.value.text);
    return true;
  }

  bool read_options(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind != Node::Kind::map) return wrong(node, path, expected(field)), false;
    for (const Entry& entry : node.entries) {
      if (entry.value.kind != Node::Kind::scalar) {
        wrong(entry.value, joined(path, entry.key), "a text, a number, true or false");
        continue;
      }
      value.pairs.emplace_back(entry.key, entry.value.text);
    }
    return true;
  }

  bool read_share(const Field& field, const Node& node, const std::string& path, Value& value) {
    if (node.kind == Node::Kind::list) return read_curve(node, path, value);
    if (node.kind != Node::Kind::scalar) return wrong(node, path, expected(field)), false;
    if (node.text == "forecast") return true;
    const auto number = node.quoted ? std::nullopt : parse_number(node.text);
    if (!number) return refuse(node, path, "a share", plain(node), field);
    if (*number < 0.0 || *number > 1.0) {
      problems_.error(node.place, path, node.text + " is out of range", "write " + expected(field));
      return false;
    }
    value.curve = {{0.0, *number}, {100.0, *number}};
    return true;
  }

  /// A list of pairs, both numbers within their fields; `fits` reports a point that does not go with those before it.
  template <class Fits>
  bool read_points(const Node& node, const std::string& path, Value& value, std::size_t most, const char* example,
                   const char* point, const Field& first, const Field& second, Fits&& fits) {
    if (node.kind != Node::Kind::list || node.items.empty() || node.items.size() > most) {
      return wrong(node, path, fmt::format("1 to {} points such as {}", most, example)), false;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = fmt::format("{}[{}]", path, i);
      const Node& item = node.items[i];
      if (item.kind != Node::Kind::list || item.items.size() != 2) return wrong(item, item_path, point), false;
      Value x, y;
      if (!read_scalar(first, item.items[0], item_path, x) || !read_scalar(second, item.items[1], item_path, y)) {
        return false;
      }
      if (!value.curve.empty() && !fits(item, item_path, x.number, y.number)) return false;
      value.curve.emplace_back(x.number, y.number);
    }
    return true;
  }

  bool read_curve(const Node& node, const std::string& path, Value& value) {
    const Field soc{.name = "soc", .type = FieldType::number, .unit = "%", .low = 0, .high = 100};
    const Field part{.name = "share", .type = FieldType::number, .low = 0, .high = 1};
    const auto fits = [&](const Node& item, const std::string& item_path, double x, double y) {
      const auto& [last_soc, last_share] = value.curve.back();
      if (x <= last_soc) {
        problems_.error(
            item.items[0].place, item_path, fmt::format("{} % does not ascend", plain_text(x)),
            fmt::format("order the points by state of charge; the one before is at {} %", plain_text(last_soc)));
        return false;
      }
      if (y < last_share) {
        problems_.error(item.items[1].place, item_path, fmt::format("share {} is below the one before", plain_text(y)),
                        "a fuller battery leaves more to mining: shares ascend too");
        return false;
      }
      return true;
    };
    return read_points(node, path, value, decltype(BatterySettings::share)::capacity(), "[[20, 0], [100, 1]]",
                       "a point [soc_pct, share]", soc, part, fits);
  }

  bool read_working(const Node& node, const std::string& path, Value& value) {
    const Field power{.name = "watts", .type = FieldType::number, .unit = "W", .low = 1, .high = 50000};
    const Field hashrate{.name = "ths", .type = FieldType::number, .unit = "TH/s", .low = 0.001, .high = 10000};
    const auto fits = [&](const Node& item, const std::string& item_path, double x, double y) {
      const auto& [last_watts, last_hashrate] = value.curve.back();
      if (x <= last_watts) {
        problems_.error(item.items[0].place, item_path, fmt::format("{} W does not ascend", plain_text(x)),
                        fmt::format("order the points by watts; the one before is at {} W", plain_text(last_watts)));
        return false;
      }
      if (y <= last_hashrate) {
        problems_.error(item.items[1].place, item_path,
                        fmt::format("{} TH/s at {} W is not more than {} TH/s at {} W", plain_text(y), plain_text(x),
                                    plain_text(last_hashrate), plain_text(last_watts)),
                        "leave out points that cost more and bring nothing");
        return false;
      }
      return true;
    };
    return read_points(node, path, value, kMaxWorkingPoints, "[[2000, 75], [3000, 100]]", "a point [watts, ths]", power,
                       hashrate, fits);
  }

  Problems& problems_;
};

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 40;
  if (text.size() <= kMost) return fmt::format("\"{}\"", text);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return fmt::format("\"{}…\"", text.substr(0, end));
}

void decode(const Node& root, Config& config, Problems& problems) {
  Decoder(problems).section(config_fields(), root, "", &config);
}

}  // namespace sluice::config
