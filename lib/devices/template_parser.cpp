#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "devices/message_parser.hpp"
#include "devices/sunspec_models.hpp"
#include "devices/template.hpp"
#include "devices/template_reader.hpp"

namespace sluice::devices {
namespace {

constexpr std::array<std::string_view, 8> kRoles{"grid", "pv", "battery", "hybrid", "house", "load", "room", "switch"};
constexpr std::int64_t kMaxAddress = 65535;

class TemplateParser : private TemplateReader {
 public:
  using TemplateReader::TemplateReader;

  // --- the parts of a template ---------------------------------------------------------------------------------------
  void top(const yaml::Node& root, Template& parsed) {
    if (!is_mapping(root, "")) return;
    head(root, parsed);
    if (is_message_template(root)) return parse_messages(root, file(), diagnostics(), parsed);
    check_keys(root, "",
               {"id", "title", "checked", "notes", "roles", "unit", "transport", "sunspec", "defaults", "identity",
                "measurements", "commands", "http", "mqtt"});
    registers(root, parsed);
  }

 private:
  void head(const yaml::Node& root, Template& parsed) {
    if (const auto* node = required(root, "", "id")) parsed.id = text(*node, "id");
    if (const auto* node = required(root, "", "title")) parsed.title = text(*node, "title");
    if (const auto* node = required(root, "", "checked")) parsed.checked = date(*node);
    if (const auto* node = root.find("notes")) parsed.notes = text(*node, "notes");
    if (const auto* node = required(root, "", "roles")) {
      each(*node, "roles", [&](const yaml::Node& role, const std::string& where) {
        if (std::ranges::find(kRoles, role.text) == kRoles.end())
          complain(role, where, "expected one of " + yaml::join(kRoles));
        parsed.roles.push_back(role.text);
      });
    }
  }

  void registers(const yaml::Node& root, Template& parsed) {
    if (const auto* node = root.find("unit"))
      parsed.unit = static_cast<std::uint8_t>(integer(*node, "unit", 0, 255).value_or(1));
    if (const auto* node = root.find("transport")) transport(*node, parsed.transport);
    max_registers_ = parsed.transport.max_registers;
    if (const auto* node = root.find("sunspec")) sunspec(*node, parsed);
    if (const auto* node = root.find("defaults")) defaults(*node);
    if (const auto* node = root.find("identity")) identity(*node, parsed.identity);
    if (const auto* node = required(root, "", "measurements")) {
      read_offers(*node, parsed.offers,
                  [this](const yaml::Node& one, const std::string& path) { return alternative(one, path); });
    }
    if (const auto* node = root.find("commands")) commands(*node, parsed);
    if (uses_points_ && parsed.sunspec_bases.empty())
      complain(root, "sunspec", "points are used, so `sunspec: {bases: [40000, 50000, 0]}` is needed");
  }

  std::string date(const yaml::Node& node) {
    constexpr std::string_view kShape = "dddd-dd-dd";
    bool good = node.text.size() == kShape.size();
    for (std::size_t index = 0; good && index < kShape.size(); ++index)
      good = kShape[index] == '-' ? node.text[index] == '-' : node.text[index] >= '0' && node.text[index] <= '9';
    if (!good) complain(node, "checked", "expected a date such as 2026-07-20");
    return node.text;
  }

  void transport(const yaml::Node& node, Transport& limits) {
    const std::string where = "transport";
    if (!is_mapping(node, where)) return;
    check_keys(node, where, {"max_registers", "max_gap", "poll_interval_ms", "request_spacing_ms", "connect_delay_ms"});
    const auto count = [&](std::string_view key, std::int64_t low, std::uint16_t& into) {
      if (const auto* value = node.find(key))
        into = static_cast<std::uint16_t>(integer(*value, fmt::format("transport.{}", key), low, 125).value_or(into));
    };
    const auto pause = [&](std::string_view key, Duration& into) {
      if (const auto* value = node.find(key)) into = milliseconds(*value, fmt::format("transport.{}", key));
    };
    count("max_registers", 1, limits.max_registers);
    count("max_gap", 0, limits.max_gap);
    pause("poll_interval_ms", limits.poll_interval);
    pause("request_spacing_ms", limits.request_spacing);
    pause("connect_delay_ms", limits.connect_delay);
  }

  void sunspec(const yaml::Node& node, Template& parsed) {
    if (!is_mapping(node, "sunspec")) return;
    check_keys(node, "sunspec", {"bases"});
    if (const auto* bases = required(node, "sunspec", "bases")) {
      each(*bases, "sunspec.bases", [&](const yaml::Node& base, const std::string& where) {
        if (const auto address = integer(base, where, 0, kMaxAddress))
          parsed.sunspec_bases.push_back(static_cast<std::uint16_t>(*address));
      });
    }
  }

  void defaults(const yaml::Node& node) {
    if (!is_mapping(node, "defaults")) return;
    check_keys(node, "defaults", {"type", "order", "absent"});
    if (const auto* value = node.find("type")) default_.type = type(*value, "defaults.type");
    if (const auto* value = node.find("order")) default_.order = order(*value, "defaults.order");
    if (const auto* value = node.find("absent")) default_.absent = absent(*value, "defaults.absent");
  }

  void identity(const yaml::Node& node, IdentityFields& fields) {
    if (!is_mapping(node, "identity")) return;
    check_keys(node, "identity", {"manufacturer", "model", "version", "serial"});
    const auto field = [&](std::string_view key, std::optional<Register>& into) {
      const auto* value = node.find(key);
      const std::string where = fmt::format("identity.{}", key);
      if (!value || !is_mapping(*value, where)) return;
      check_keys(*value, where, {"holding", "input", "type", "length", "order", "unit"});
      into = place(*value, where);
    };
    field("manufacturer", fields.manufacturer);
    field("model", fields.model);
    field("version", fields.version);
    field("serial", fields.serial);
  }

  void commands(const yaml::Node& node, Template& parsed) {
    if (!are_commands(node, {"battery_hold"})) return;
    const yaml::Node* hold = find_command(node, "battery_hold");
    if (hold == nullptr) return;
    const std::string where = kHold;
    check_keys(*hold, where, {"holding", "type", "order", "unit", "write"});
    RegisterHold command;
    command.place = place(*hold, where);
    command.place.absent = Absent::none;  // every pattern is one that may have to be written back
    if (is_float(command.place.type) || width(command.place) > 2)
      complain(*hold, where, "expected u16, i16, u32 or i32: only those are written");
    const std::int64_t most = width(command.place) == 1 ? 0xFFFF : 0xFFFFFFFF;
    if (const auto* value = required(*hold, where, "write"))
      command.write = static_cast<std::uint64_t>(integer(*value, where + ".write", 0, most).value_or(0));
    parsed.hold = std::move(command);
  }

  Alternative alternative(const yaml::Node& node, const std::string& where) {
    Alternative parsed;
    if (const auto* terms = node.find("sum")) {
      check_keys(node, where, {"sum", "when", "beside", "at_least", "zero_means_gone", "side", "otherwise"});
      each(*terms, where + ".sum", [&](const yaml::Node& one, const std::string& path) {
        if (is_mapping(one, path)) parsed.terms.push_back(term(one, path, {}));
      });
    } else {
      parsed.terms.push_back(term(node, where, {"when", "beside", "at_least", "zero_means_gone", "side", "otherwise"}));
    }
    if (const auto* value = node.find("when")) parsed.when = conditions(*value, where + ".when");
    if (const auto* value = node.find("at_least")) parsed.at_least = real(*value, where + ".at_least");
    if (const auto* value = node.find("zero_means_gone")) {
      parsed.zero_unless_seen = value->text == "unless_seen";
      parsed.zero_means_gone = value->text == "true";
      if (!parsed.zero_unless_seen && !parsed.zero_means_gone && value->text != "false")
        complain(*value, where + ".zero_means_gone",
                 fmt::format("expected `true`, `false` or `unless_seen`, found `{}`", value->text));
    }
    if (const auto* value = node.find("beside")) {
      each(*value, where + ".beside", [&](const yaml::Node& one, const std::string& path) {
        if (const auto id = model_id(one, path)) parsed.beside.push_back(*id);
      });
    }
    if (const auto* value = node.find("side")) {
      if (value->text != "ac" && value->text != "dc") complain(*value, where + ".side", "expected `ac` or `dc`");
      parsed.dc_side = value->text == "dc";
    }
    if (const auto* value = node.find("otherwise")) {
      const std::string path = where + ".otherwise";
      if (is_mapping(*value, path)) {
        check_keys(*value, path, {"value", "when"});
        Otherwise otherwise;
        if (const auto* fixed = required(*value, path, "value"))
          otherwise.value = real(*fixed, path + ".value").value_or(0);
        if (const auto* when = required(*value, path, "when")) otherwise.when = conditions(*when, path + ".when");
        parsed.otherwise = std::move(otherwise);
      }
    }
    return parsed;
  }

  static constexpr std::array<std::string_view, 18> kSourceKeys{
      "holding", "input", "type", "order", "absent", "not_available", "scale_factor", "scale",  "offset",
      "min",     "max",   "unit", "point", "models", "group",         "of_groups",    "device", "device_option"};

  Term term(const yaml::Node& node, const std::string& where, std::vector<std::string_view> known) {
    known.insert(known.end(), kSourceKeys.begin(), kSourceKeys.end());
    known.insert(known.end(), {"value", "bit", "values", "other", "optional", "where"});
    check_keys(node, where, known);
    Term parsed;
    parsed.source = source(node, where);
    if (const auto* value = node.find("bit")) {
      if (const auto bit = integer(*value, where + ".bit", 0, 63)) parsed.bit = static_cast<int>(*bit);
    }
    if (const auto* value = node.find("values")) values(*value, where + ".values", parsed.values);
    if (const auto* value = node.find("other")) parsed.other = real(*value, where + ".other");
    if (const auto* value = node.find("optional")) parsed.optional = boolean(*value, where + ".optional");
    if (const auto* value = node.find("where")) parsed.where = conditions(*value, where + ".where");
    if ((parsed.bit || !parsed.values.empty()) && std::holds_alternative<double>(parsed.source))
      complain(node, where, "`bit` and `values` need a register or a point");
    return parsed;
  }

  void values(const yaml::Node& node, const std::string& where, std::map<std::uint64_t, double>& into) {
    if (!is_mapping(node, where)) return;
    for (const auto& [key, value] : node.entries) {
      const auto raw = integer(key, where + "." + key.text, 0, 0xFFFFFFFF);
      const auto meaning = real(value, where + "." + key.text);
      if (!raw || !meaning) continue;
      if (!into.emplace(static_cast<std::uint64_t>(*raw), *meaning).second)
        complain(key, where + "." + key.text, "this key stands here twice");
    }
  }

  std::vector<Condition> conditions(const yaml::Node& node, const std::string& where) {
    std::vector<Condition> list;
    each(node, where, [&](const yaml::Node& one, const std::string& path) {
      if (!is_mapping(one, path)) return;
      std::vector<std::string_view> known{"is", "is_not", "at_least"};
      known.insert(known.end(), kSourceKeys.begin(), kSourceKeys.end());
      check_keys(one, path, known);
      Condition condition;
      condition.source = source(one, path);
      const auto numbers = [&](std::string_view key, std::vector<double>& into) {
        const auto* value = one.find(key);
        if (!value) return;
        each(*value, path + "." + std::string(key), [&](const yaml::Node& item, const std::string& item_path) {
          if (const auto parsed = integer(item, item_path, 0, 0xFFFFFFFF)) into.push_back(static_cast<double>(*parsed));
        });
      };
      numbers("is", condition.is);
      numbers("is_not", condition.is_not);
      if (const auto* value = one.find("at_least")) condition.at_least = real(*value, path + ".at_least");
      list.push_back(std::move(condition));
    });
    return list;
  }

  Source source(const yaml::Node& node, const std::string& where) {
    const int kinds = (node.find("holding") != nullptr) + (node.find("input") != nullptr) +
                      (node.find("point") != nullptr) + (node.find("value") != nullptr);
    if (kinds != 1) {
      complain(node, where, "expected exactly one of `holding`, `input`, `point`, `value`");
      return 0.0;
    }
    if (node.find("point")) return point(node, where);
    if (const auto* value = node.find("value")) return real(*value, where + ".value").value_or(0.0);
    return place(node, where);
  }

  Register place(const yaml::Node& node, const std::string& where) {
    refuse(node, where, {"models", "group", "of_groups", "device", "device_option"}, "belongs to a `point`");
    Register parsed = default_;
    const bool input = node.find("input") != nullptr;
    parsed.table = input ? Table::input : Table::holding;
    const std::string key = input ? "input" : "holding";
    if (const auto* value = required(node, where, key))
      parsed.address = static_cast<std::uint16_t>(integer(*value, where + "." + key, 0, kMaxAddress).value_or(0));
    if (const auto* value = node.find("type")) parsed.type = type(*value, where + ".type");
    if (const auto* value = node.find("order")) parsed.order = order(*value, where + ".order");
    if (const auto* value = node.find("absent")) parsed.absent = absent(*value, where + ".absent");
    if (const auto* value = node.find("unit"))
      parsed.unit = static_cast<std::uint8_t>(integer(*value, where + ".unit", 0, 255).value_or(0));
    if (const auto* value = node.find("length"))
      parsed.length = static_cast<std::uint8_t>(integer(*value, where + ".length", 1, 64).value_or(1));
    if (const auto* value = node.find("offset")) parsed.offset = real(*value, where + ".offset").value_or(0);
    if (const auto* value = node.find("scale_factor")) {
      if (const auto address = integer(*value, where + ".scale_factor", 0, kMaxAddress))
        parsed.exponent_address = static_cast<std::uint16_t>(*address);
    }
    if (const auto* value = node.find("not_available")) {
      each(*value, where + ".not_available", [&](const yaml::Node& one, const std::string& path) {
        if (const auto raw = integer(one, path, 0, 0xFFFFFFFF))
          parsed.not_available.push_back(static_cast<std::uint64_t>(*raw));
      });
    }
    shape(node, where, parsed.scale, parsed.min, parsed.max);
    if (parsed.type == Type::string && parsed.length == 0)
      complain(node, where, "a string needs its `length` in registers");
    if (width(parsed) > max_registers_) complain(node, where, "the value is longer than transport.max_registers");
    if (parsed.address + width(parsed) > kMaxAddress + 1) complain(node, where, "the value ends beyond register 65535");
    return parsed;
  }

  Point point(const yaml::Node& node, const std::string& where) {
    refuse(node, where, {"type", "order", "absent", "not_available", "scale_factor", "offset", "unit"},
           "is told by the SunSpec model");
    uses_points_ = true;
    Point parsed;
    parsed.name = text(*node.find("point"), where + ".point");
    if (const auto* list = required(node, where, "models")) {
      each(*list, where + ".models", [&](const yaml::Node& one, const std::string& path) {
        if (const auto id = model_id(one, path)) parsed.models.push_back(*id);
      });
    }
    if (const auto* value = node.find("group")) {
      parsed.group = value->text == "every" ? kEveryGroup
                                            : static_cast<int>(integer(*value, where + ".group", 1, 100).value_or(1));
    }
    if (const auto* value = node.find("of_groups"))
      parsed.of_groups = static_cast<int>(integer(*value, where + ".of_groups", 1, 100).value_or(0));
    if (const auto* value = node.find("device"))
      parsed.device = static_cast<int>(integer(*value, where + ".device", 0, 20).value_or(0));
    if (const auto* value = node.find("device_option")) parsed.device_option = text(*value, where + ".device_option");
    shape(node, where, parsed.scale, parsed.min, parsed.max);
    for (const std::uint16_t id : parsed.models) {
      const Model& model = *find_model(id);
      if (!find_point(model, parsed.name)) {
        complain(*node.find("point"), where + ".point", fmt::format("model {} has no point `{}`", id, parsed.name));
      } else if (in_group(model, parsed.name) != (parsed.group != 0)) {
        complain(node, where,
                 in_group(model, parsed.name)
                     ? fmt::format("`{}` repeats in model {}: say which `group`, 1… or every", parsed.name, id)
                     : fmt::format("`{}` stands once in model {}: remove `group`", parsed.name, id));
      }
    }
    return parsed;
  }

  void shape(const yaml::Node& node, const std::string& where, double& scale, std::optional<double>& min,
             std::optional<double>& max) {
    if (const auto* value = node.find("scale")) {
      scale = real(*value, where + ".scale").value_or(1);
      if (scale == 0) complain(*value, where + ".scale", "a scale of 0 makes every value 0");
    }
    if (const auto* value = node.find("min")) min = real(*value, where + ".min");
    if (const auto* value = node.find("max")) max = real(*value, where + ".max");
    if (min && max && *min >= *max) complain(node, where, "`min` must be below `max`");
  }

  void refuse(const yaml::Node& node, const std::string& where, const std::vector<std::string_view>& keys,
              std::string_view why) {
    for (const std::string_view key : keys)
      if (const auto* value = node.find(key))
        complain(*value, fmt::format("{}.{}", where, key), fmt::format("this {}", why));
  }

  std::optional<std::uint16_t> model_id(const yaml::Node& node, const std::string& where) {
    const auto id = integer(node, where, 1, kMaxAddress);
    if (!id) return std::nullopt;
    if (find_model(static_cast<std::uint16_t>(*id))) return static_cast<std::uint16_t>(*id);
    std::vector<std::string> known;
    for (const Model& model : all_models()) known.push_back(std::to_string(model.id));
    complain(node, where, "no such SunSpec model here; known: " + yaml::join(known));
    return std::nullopt;
  }

  Type type(const yaml::Node& node, const std::string& where) {
    const auto parsed = type_from_name(node.text);
    if (!parsed)
      complain(node, where, "expected u16, i16, u32, i32, u64, i64, f32, f64, acc16, acc32, acc64 or string");
    return parsed.value_or(Type::u16);
  }

  WordOrder order(const yaml::Node& node, const std::string& where) {
    if (node.text != "high_first" && node.text != "low_first")
      complain(node, where, "expected high_first or low_first");
    return node.text == "low_first" ? WordOrder::low_first : WordOrder::high_first;
  }

  Absent absent(const yaml::Node& node, const std::string& where) {
    if (node.text == "none") return Absent::none;
    if (node.text == "signed_min") return Absent::signed_min;
    if (node.text != "signed_max") complain(node, where, "expected none, signed_min or signed_max");
    return Absent::signed_max;
  }

  Register default_;
  std::uint16_t max_registers_ = 125;
  bool uses_points_ = false;
};

}  // namespace

bool Template::measures(Measurement what) const {
  const auto is_it = [&](const auto& offer) { return offer.what == what; };
  return std::ranges::any_of(offers, is_it) || (messages && std::ranges::any_of(messages->offers, is_it));
}

ParsedTemplate parse_template(std::string_view yaml, const std::string& file) {
  ParsedTemplate result;
  std::vector<yaml::Mistake> mistakes;
  const yaml::Node root = yaml::parse(yaml, mistakes);
  for (yaml::Mistake& mistake : mistakes)
    result.diagnostics.push_back({file, mistake.line, mistake.column, std::move(mistake.text), ""});
  Template parsed;
  parsed.file = file;
  if (mistakes.empty()) TemplateParser(file, result.diagnostics).top(root, parsed);
  if (result.diagnostics.empty()) result.value = std::move(parsed);
  std::ranges::sort(result.diagnostics, {},
                    [](const Diagnostic& each) { return std::tuple(each.line, each.column, each.where, each.text); });
  return result;
}

Result<Template> load_template(std::string_view yaml, const std::string& file) {
  ParsedTemplate parsed = parse_template(yaml, file);
  if (parsed.value) return std::move(*parsed.value);
  std::string all;
  for (const Diagnostic& diagnostic : parsed.diagnostics) all += (all.empty() ? "" : "\n") + to_string(diagnostic);
  return fail(ErrorKind::invalid, "{}", all);
}

}  // namespace sluice::devices
