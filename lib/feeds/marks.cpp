#include "feeds/marks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::feeds {
namespace {

bool plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

/// The mark that begins at the start of `text`, and how long it is with its braces.
std::optional<std::pair<Mark, std::size_t>> mark_at(std::string_view text) {
  const auto close = text.find('}');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(1, close - 1);
  const auto colon = std::min(inside.find(':'), inside.size());
  const std::string_view name = inside.substr(0, colon);
  if (name.empty() || !std::ranges::all_of(name, plain) || name.front() < 'a' || name.front() > 'z')
    return std::nullopt;
  return std::pair(Mark{name, inside.substr(std::min(colon + 1, inside.size()))}, close + 1);
}

}  // namespace

std::string replace_marks(std::string_view text,
                          const std::function<std::optional<std::string>(const Mark&)>& replacement) {
  std::string out;
  while (!text.empty()) {
    const auto open = std::min(text.find('{'), text.size());
    out += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) break;
    const auto mark = mark_at(text);
    const auto word = mark ? replacement(mark->first) : std::nullopt;
    const std::size_t length = mark ? mark->second : 1;
    out += word ? *word : std::string(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

std::string url_encoded(std::string_view text) {
  constexpr std::string_view kHarmless = "-._~:,";
  std::string out;
  for (const char c : text) {
    const bool harmless = plain(c) || (c >= 'A' && c <= 'Z') || kHarmless.find(c) != std::string_view::npos;
    out += harmless ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace sluice::feeds
