#include "plugin/manifest.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <set>

namespace sluice::plugin {
namespace {

/// Inside this file a problem is thrown with its line; `parse_manifest` is where that ends.
struct Problem {
  int line = 1;
  std::string text;
};

[[noreturn]] void complain(const YAML::Node& node, std::string text) {
  throw Problem{node.Mark().is_null() ? 1 : node.Mark().line + 1, std::move(text)};
}

std::string text_of(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar()) complain(node, fmt::format("\"{}\" must be a text", key));
  return node.Scalar();
}

bool flag_of(const YAML::Node& node, const std::string& key) {
  const std::string text = text_of(node, key);
  if (text != "true" && text != "false") complain(node, fmt::format("\"{}\" must be true or false", key));
  return text == "true";
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::int64_t number_of(const YAML::Node& node, const std::string& key, std::int64_t low, std::int64_t high) {
  const auto value = whole_number(text_of(node, key));
  if (!value || *value < low || *value > high) {
    complain(node, fmt::format("\"{}\" must be a whole number from {} to {}", key, low, high));
  }
  return *value;
}

Duration time_of(const YAML::Node& node, const std::string& key) {
  return std::chrono::milliseconds(number_of(node, key, 100, 120000));
}

std::vector<std::string> texts_of(const YAML::Node& node, const std::string& key) {
  if (!node.IsSequence()) complain(node, fmt::format("\"{}\" must be a list", key));
  std::vector<std::string> texts;
  for (const auto& item : node) texts.push_back(text_of(item, key));
  return texts;
}

using Readers = std::map<std::string, std::function<void(const YAML::Node&, const std::string&)>>;

void read_map(const YAML::Node& node, const Readers& readers, const std::set<std::string>& required) {
  if (!node.IsMap()) complain(node, "expected a list of keys and values");
  std::set<std::string> seen;
  for (const auto& item : node) {
    const std::string key = text_of(item.first, "key");
    const auto reader = readers.find(key);
    if (reader == readers.end()) complain(item.first, fmt::format("unknown key \"{}\"", key));
    if (!seen.insert(key).second) complain(item.first, fmt::format("key \"{}\" appears twice", key));
    reader->second(item.second, key);
  }
  for (const auto& key : required) {
    if (!seen.contains(key)) complain(node, fmt::format("key \"{}\" is missing", key));
  }
}

OptionType type_of(const YAML::Node& node, const std::string& key) {
  const std::string text = text_of(node, key);
  if (text == "text") return OptionType::text;
  if (text == "boolean") return OptionType::boolean;
  if (text == "integer") return OptionType::integer;
  if (text == "number") return OptionType::number;
  complain(node, fmt::format("\"{}\" must be text, boolean, integer or number", key));
}

Option option_of(const YAML::Node& node) {
  Option option;
  read_map(node,
           {{"name", [&](auto& value, auto& key) { option.name = text_of(value, key); }},
            {"type", [&](auto& value, auto& key) { option.type = type_of(value, key); }},
            {"default", [&](auto& value, auto& key) { option.default_value = text_of(value, key); }},
            {"description", [&](auto& value, auto& key) { option.description = text_of(value, key); }}},
           {"name", "type", "default", "description"});
  return option;
}

Manifest manifest_of(const YAML::Node& node) {
  Manifest m;
  const auto text = [](std::string& to) {
    return [&to](const YAML::Node& value, const std::string& key) { to = text_of(value, key); };
  };
  const auto texts = [](std::vector<std::string>& to) {
    return [&to](const YAML::Node& value, const std::string& key) { to = texts_of(value, key); };
  };
  const auto flag = [](bool& to) {
    return [&to](const YAML::Node& value, const std::string& key) { to = flag_of(value, key); };
  };
  const auto time = [](Duration& to) {
    return [&to](const YAML::Node& value, const std::string& key) { to = time_of(value, key); };
  };
  read_map(
      node,
      {{"id", text(m.id)},
       {"title", text(m.title)},
       {"version", text(m.version)},
       {"description", text(m.description)},
       {"firmware", texts(m.firmware)},
       {"capabilities", texts(m.capabilities)},
       {"needs_password", flag(m.needs_password)},
       {"default_username", text(m.default_username)},
       {"default_port",
        [&](auto& value, auto& key) { m.default_port = static_cast<std::uint16_t>(number_of(value, key, 1, 65535)); }},
       {"owns_io", flag(m.owns_io)},
       {"command_time_ms", time(m.command_time)},
       {"poll_time_ms", time(m.poll_time)},
       {"identify_time_ms", time(m.identify_time)},
       {"options",
        [&](const YAML::Node& value, const std::string& key) {
          if (!value.IsSequence()) complain(value, fmt::format("\"{}\" must be a list", key));
          for (const auto& item : value) m.options.push_back(option_of(item));
        }}},
      {"id", "title", "version"});
  return m;
}

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size();
}

/// What is wrong with `text` as a value of `type`; empty when nothing is.
std::string_view mismatch(OptionType type, const std::string& text) {
  switch (type) {
    case OptionType::text:
      return {};
    case OptionType::boolean:
      return text == "true" || text == "false" ? std::string_view{} : "true or false";
    case OptionType::integer:
      return whole_number(text) ? std::string_view{} : "a whole number";
    case OptionType::number:
      return is_number(text) ? std::string_view{} : "a number";
  }
  return "of a known type";
}

std::string names(const std::vector<Option>& options) {
  std::string text;
  for (const auto& option : options) text += (text.empty() ? "" : ", ") + option.name;
  return text.empty() ? "none" : text;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view yaml, std::string_view file) {
  try {
    Manifest manifest = manifest_of(YAML::Load(std::string(yaml)));
    for (const auto& option : manifest.options) {
      if (const auto wanted = mismatch(option.type, option.default_value); !wanted.empty()) {
        return fail(ErrorKind::invalid, "{}: the default of option {} must be {}", file, option.name, wanted);
      }
    }
    return manifest;
  } catch (const Problem& problem) {
    return fail(ErrorKind::invalid, "{}:{}: {}", file, problem.line, problem.text);
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid, "{}:{}: {}", file, error.mark.line + 1, error.msg);
  }
}

Result<std::map<std::string, std::string>> checked_options(const Manifest& manifest,
                                                           const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> options;
  for (const auto& option : manifest.options) options[option.name] = option.default_value;
  for (const auto& [name, value] : given) {
    const auto known = std::ranges::find(manifest.options, name, &Option::name);
    if (known == manifest.options.end()) {
      return fail(ErrorKind::invalid, "adapter {} has no option \"{}\"; it has: {}", manifest.id, name,
                  names(manifest.options));
    }
    if (const auto wanted = mismatch(known->type, value); !wanted.empty()) {
      return fail(ErrorKind::invalid, "option {} of adapter {} is \"{}\" and must be {}", name, manifest.id, value,
                  wanted);
    }
    options[name] = value;
  }
  return options;
}

}  // namespace sluice::plugin
