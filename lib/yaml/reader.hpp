#pragma once
/// What the parsers of data files have in common: scalars read strictly, keys checked, and every mistake noted with its
/// place. What a function returns after a mistake is only good enough to go on and find the next one.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "yaml/diagnostic.hpp"
#include "yaml/tree.hpp"

namespace sluice::yaml {

inline std::string join(const auto& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

/// Decimal, without the leading zeros that other YAML readers take for octal.
inline std::optional<std::string_view> plain_number(const Node& node) {
  std::string_view text = node.text;
  if (node.kind != Node::Kind::scalar || node.quoted || text.empty()) return std::nullopt;
  const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  if (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') return std::nullopt;
  return text;
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = [&] {
    if constexpr (std::is_floating_point_v<T>) {
      return std::from_chars(text.data(), text.data() + text.size(), value);
    } else {
      return std::from_chars(text.data(), text.data() + text.size(), value, base);
    }
  }();
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  /// Both must outlive the reader.
  Reader(const std::string& file, std::vector<Diagnostic>& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  void complain(const Node& node, const std::string& where, std::string text) {
    diagnostics_.push_back({file_, node.line, node.column, std::move(text), where});
  }

  bool is_mapping(const Node& node, const std::string& where) {
    if (node.kind == Node::Kind::mapping) return true;
    complain(node, where, "expected a mapping, `key: value`");
    return false;
  }

  std::string text(const Node& node, const std::string& where) {
    if (node.kind != Node::Kind::scalar || node.text.empty()) complain(node, where, "expected text");
    return node.text;
  }

  std::optional<double> real(const Node& node, const std::string& where) {
    const auto digits = plain_number(node);
    const auto value = digits ? number<double>(*digits) : std::nullopt;
    if (value && std::isfinite(*value)) return value;
    complain(node, where, fmt::format("expected a decimal number, found `{}`", node.text));
    return std::nullopt;
  }

  std::optional<std::int64_t> integer(const Node& node, const std::string& where, std::int64_t low, std::int64_t high) {
    std::optional<std::int64_t> value;
    if (node.kind == Node::Kind::scalar && !node.quoted && node.text.starts_with("0x")) {
      value = number<std::int64_t>(std::string_view(node.text).substr(2), 16);
    } else if (const auto digits = plain_number(node)) {
      value = number<std::int64_t>(*digits);
    }
    if (value && *value >= low && *value <= high) return value;
    complain(node, where, fmt::format("expected a whole number from {} to {}, found `{}`", low, high, node.text));
    return std::nullopt;
  }

  bool boolean(const Node& node, const std::string& where) {
    if (node.text != "true" && node.text != "false")
      complain(node, where, fmt::format("expected `true` or `false`, found `{}`", node.text));
    return node.text == "true";
  }

  Duration milliseconds(const Node& node, const std::string& where) {
    return std::chrono::milliseconds(integer(node, where, 0, kMaxPauseMs).value_or(0));
  }

  /// A sequence, or one value standing for a sequence of one.
  template <class Each>
  void each(const Node& node, const std::string& where, Each&& visit) {
    if (node.kind != Node::Kind::sequence) return visit(node, where);
    if (node.items.empty()) complain(node, where, "the list is empty");
    for (std::size_t index = 0; index < node.items.size(); ++index)
      visit(node.items[index], fmt::format("{}[{}]", where, index));
  }

  /// Every key must be one of `known`, once.
  void check_keys(const Node& node, const std::string& where, const std::vector<std::string_view>& known) {
    std::set<std::string> seen;
    for (const auto& [key, value] : node.entries) {
      const std::string path = where.empty() ? key.text : where + "." + key.text;
      if (std::ranges::find(known, key.text) == known.end())
        complain(key, path, "unknown key; known here: " + join(known));
      if (!seen.insert(key.text).second) complain(key, path, "this key stands here twice");
    }
  }

  const Node* required(const Node& node, const std::string& where, std::string_view key) {
    const Node* found = node.find(key);
    if (!found) complain(node, where, fmt::format("`{}` is missing", key));
    return found;
  }

 protected:
  const std::string& file() const { return file_; }
  std::vector<Diagnostic>& diagnostics() { return diagnostics_; }

 private:
  static constexpr std::int64_t kMaxPauseMs = 60000;

  const std::string& file_;
  std::vector<Diagnostic>& diagnostics_;
};

}  // namespace sluice::yaml
