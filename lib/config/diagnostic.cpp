#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::config {
namespace {

constexpr std::size_t kWidest = 160;  // characters of the source line that are shown

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

char printable(char c) {
  if (c == '\t') return ' ';
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
}

/// At most `kWidest` characters of the line, starting at character `from`, safe for a terminal.
std::string shown(std::string_view line, std::size_t from) {
  const bool ascii_only =
      std::none_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  std::string out;
  std::size_t position = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = ascii_only || !continues_character(line[i]);
    if (begins && i > 0) ++position;
    if (position < from || position >= from + kWidest || line[i] == '\r') continue;
    out += printable(line[i]);
  }
  return out;
}

bool is_utf8_safe(std::string_view line) {
  // C1 controls (0xC2 0x80–0x9F) steer terminals too, and bytes that are not UTF-8 come from broken files.
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < 0x80) continue;
    if (byte < 0xC2 || byte > 0xF4) return false;
    if (byte == 0xC2 && i + 1 < line.size() && static_cast<unsigned char>(line[i + 1]) < 0xA0) return false;
    const std::size_t more = byte < 0xE0 ? 1 : (byte < 0xF0 ? 2 : 3);
    for (std::size_t k = 1; k <= more; ++k) {
      if (i + k >= line.size() || !continues_character(line[i + k])) return false;
    }
    i += more;
  }
  return true;
}

/// Where `key` stands, unless it only begins the name of a price: `value_per_kwh` is nobody's password.
std::size_t find_key(std::string_view line, std::string_view key) {
  std::size_t found = line.find(key);
  while (found != std::string_view::npos && line.substr(found + key.size()).starts_with("_per_"))
    found = line.find(key, found + key.size());
  return found;
}

/// Diagnostics end up in logs: what follows a key that looks like a password is not shown, misspelt keys included.
/// The name of a secret may be seen.
std::string without_password(std::string_view line) {
  for (const std::string_view key : {"pass", "Pass", "PASS", "pasw", "pwd", "value"}) {
    const std::size_t found = find_key(line, key);
    const std::size_t colon = line.find(':', found == std::string_view::npos ? line.size() : found);
    if (colon == std::string_view::npos) continue;
    const std::size_t rest = line.find_first_not_of(" {", colon + 1);
    if (rest == std::string_view::npos || line.substr(rest).starts_with("secret:")) continue;
    return std::string(line.substr(0, colon + 1)) + " (hidden)";
  }
  return std::string(line);
}

std::string with_ascii_only(std::string_view line) {
  std::string out(line);
  std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

}  // namespace

std::string format(const Diagnostic& diagnostic, std::string_view source_text) {
  std::string out = diagnostic.file;
  // Path and message may quote the file, where YAML escapes can smuggle in what steers a terminal.
  const auto add = [&](const std::string& text) {
    const std::string safe = is_utf8_safe(text) ? text : with_ascii_only(text);
    std::transform(safe.begin(), safe.end(), std::back_inserter(out), printable);
  };
  if (diagnostic.place.line > 0) out += fmt::format(":{}:{}", diagnostic.place.line, diagnostic.place.column);
  out += ": ";
  if (diagnostic.severity == Severity::warning) out += "warning: ";
  if (!diagnostic.path.empty()) add(diagnostic.path + ": ");
  add(diagnostic.message);
  if (!diagnostic.hint.empty()) add("; " + diagnostic.hint);
  out += '\n';
  if (diagnostic.place.line == 0) return out;
  const std::string line = without_password(line_of(source_text, diagnostic.place.line));
  const auto column = static_cast<std::size_t>(std::max(diagnostic.place.column - 1, 0));
  const std::size_t from = column < kWidest ? 0 : column - kWidest / 2;
  const std::string text = is_utf8_safe(line) ? shown(line, from) : shown(with_ascii_only(line), from);
  return out + text + '\n' + std::string(column - from, ' ') + "^\n";
}

}  // namespace sluice::config
