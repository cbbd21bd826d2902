#include "config/reference.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "config/fields.hpp"

namespace sluice::config {
namespace {

using Json = nlohmann::ordered_json;

/// The default as it would be written; empty when leaving the key out has no plain equivalent.
std::string default_text(const Field& field, const void* target) {
  if (field.required || field.show == nullptr) return "";
  return field.show(target, field);
}

/// Whole numbers without a point.
Json number_json(double value) {
  return std::trunc(value) == value ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

Json curve_json() {
  const Json percent = {{"type", "number"}, {"minimum", 0}, {"maximum", 100}};
  const Json share = {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  const Json point = {{"type", "array"}, {"prefixItems", {percent, share}}, {"items", false}, {"minItems", 2}};
  return {{"type", "array"}, {"items", point}, {"minItems", 1}, {"maxItems", 16}};
}

Json working_json() {
  const auto above_0 = [](double high) { return Json{{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", high}}; };
  const Json pair = Json::array({above_0(50000), above_0(10000)});
  const Json point = {{"type", "array"}, {"prefixItems", pair}, {"items", false}, {"minItems", 2}};
  return {{"type", "array"}, {"items", point}, {"minItems", 1}, {"maxItems", kMaxWorkingPoints}};
}

Json secret_json() {
  const auto only = [](const char* key) {
    return Json{{"type", "object"},
                {"properties", {{key, {{"type", "string"}, {"minLength", 1}}}}},
                {"required", {key}},
                {"additionalProperties", false}};
  };
  return {{"oneOf", {only("secret"), only("value")}}};
}

Json choice_json(const Field& field) {
  Json names = Json::array();
  for (const std::string_view choice : field.choices) names.push_back(choice);
  return {{"enum", names}};
}

Json map_json(std::span<const Field> fields, void* target);

Json number_range_json(const Field& field) {
  Json json = {{"type", field.type == FieldType::integer ? "integer" : "number"}, {"minimum", number_json(field.low)}};
  if (!std::isinf(field.high)) json["maximum"] = number_json(field.high);
  return json;
}

Json type_json(const Field& field, void* target) {
  const auto text = [](const char* pattern) { return Json{{"type", "string"}, {"pattern", pattern}}; };
  switch (field.type) {
    case FieldType::section:
      return map_json(field.fields, field.enter(target));
    case FieldType::list:
      return {{"type", "array"},
              {"items", map_json(field.fields, field.enter(target))},
              {"minItems", number_json(field.low)},
              {"maxItems", number_json(field.high)}};
    case FieldType::text:
    case FieldType::name:
    case FieldType::host:
      // Unquoted digits are a text here, although they are a number to YAML.
      return {{"type", {"string", "number"}}};
    case FieldType::mac:
      return text("^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$");
    case FieldType::path:
      return text("^/");
    case FieldType::url:
      return text("^https?://.");
    case FieldType::boolean:
      return {{"type", "boolean"}};
    case FieldType::integer:
    case FieldType::number:
      return number_range_json(field);
    case FieldType::choice:
      return choice_json(field);
    case FieldType::choices: {
      const Json one = choice_json(field);
      return {{"oneOf", {one, {{"type", "array"}, {"items", one}, {"minItems", 1}}}}};
    }
    case FieldType::texts:
      return {{"type", "array"}, {"items", text("^/")}};
    case FieldType::secret:
      return secret_json();
    case FieldType::curve:
      return curve_json();
    case FieldType::working:
      return working_json();
    case FieldType::names:
      return {{"type", "array"}, {"items", {{"type", {"string", "number"}}}}, {"minItems", 1}};
    case FieldType::date:
      return text("^[0-9]{2}-[0-9]{2}$");
    case FieldType::windows: {
      const Json one = text("^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$");
      return {{"oneOf", {one, {{"type", "array"}, {"items", one}, {"minItems", 1}}}}};
    }
    case FieldType::share:
      return {{"oneOf", {{{"const", "forecast"}}, {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}, curve_json()}}};
    case FieldType::options:
      return {{"type", "object"}, {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
  }
  return {};
}

Json default_json(const Field& field, const std::string& text) {
  if (field.type == FieldType::boolean) return text == "true";
  if (field.type == FieldType::integer || field.type == FieldType::number) return number_json(std::stod(text));
  return text;
}

Json map_json(std::span<const Field> fields, void* target) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : fields) {
    Json json = type_json(field, target);
    json["description"] = field.unit.empty() ? std::string(field.text) : fmt::format("{} ({})", field.text, field.unit);
    if (const std::string text = default_text(field, target); !text.empty())
      json["default"] = default_json(field, text);
    if (field.required) required.push_back(field.name);
    properties[std::string(field.name)] = std::move(json);
  }
  Json out = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = required;
  return out;
}

// ---- the page -------------------------------------------------------------------------------------------------------

std::string default_words(const Field& field, const void* target) {
  if (field.required) return "**required**";
  if (!field.fallback.empty()) return std::string(field.fallback);
  const std::string text = default_text(field, target);
  return text.empty() ? "–" : "`" + text + "`";
}

void add_map(std::string& page, std::span<const Field> fields, const std::string& path, void* target) {
  page += "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const Field& field : fields) {
    page += fmt::format("| `{}` | {} | {} | {}{} |\n", field.name, expected(field), default_words(field, target),
                        field.text, field.restart ? " Takes effect at the next start." : "");
  }
  for (const Field& field : fields) {
    if (field.fields.empty()) continue;
    const std::string dot = path.empty() ? "" : ".";
    const std::string inner = path + dot + std::string(field.name) + (field.type == FieldType::list ? "[]" : "");
    page += fmt::format("\n## {}\n{}\n\n", inner, field.text);
    add_map(page, field.fields, inner, field.enter(target));
  }
}

}  // namespace

std::string schema_json() {
  Config defaults;
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "sluice.yaml"}};
  schema.update(map_json(config_fields(), &defaults));
  return schema.dump(2) + "\n";
}

std::string reference_markdown() {
  Config defaults;
  std::string page =
      "# Configuration reference\n\n"
      "Everything that may be written in `sluice.yaml`. This page is made from the table that reads the file. "
      "Begin with `config/sluice.example.yaml`; `sluice check FILE` tells what is wrong with yours.\n\n"
      "Numbers are plain decimal numbers, booleans are `true` and `false`, and the unit ends the key. Unknown and "
      "duplicate keys are errors. Anchors, aliases, tags and second documents are not supported.\n\n";
  add_map(page, config_fields(), "", &defaults);
  return page;
}

}  // namespace sluice::config
