#include "config/scalars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace sluice::config {
namespace {

constexpr std::size_t kMaxDigits = 15;  // a double holds them all exactly

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::size_t leading_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

std::optional<double> read_double(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool valid_ipv6(std::string_view text) {
  if (text.size() > 39 || std::count(text.begin(), text.end(), ':') < 2) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_hex(c) || c == ':'; });
}

bool valid_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t digits = leading_digits(text);
    const auto number = parse_integer(text.substr(0, digits));
    if (!number || *number > 255.0) return false;
    ++parts;
    text.remove_prefix(digits);
    if (text.empty()) return parts == 4;
    if (text.front() != '.') return false;
    text.remove_prefix(1);
  }
}

bool valid_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; });
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return last[b.size()];
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-')) rest.remove_prefix(1);
  const std::size_t whole = leading_digits(rest);
  if (whole == 0 || (whole > 1 && rest.front() == '0')) return std::nullopt;
  rest.remove_prefix(whole);
  std::size_t fraction = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = leading_digits(rest);
    if (fraction == 0) return std::nullopt;
    rest.remove_prefix(fraction);
  }
  if (!rest.empty() || whole + fraction > kMaxDigits) return std::nullopt;
  return read_double(text);
}

std::optional<double> parse_integer(std::string_view text) {
  return text.find('.') == std::string_view::npos ? parse_number(text) : std::nullopt;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::string> plain_number(std::string_view text) {
  if (text.size() > 24) return std::nullopt;
  const std::string low = lowered(text);
  if (low.starts_with("0x")) {
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(low.data() + 2, low.data() + low.size(), value, 16);
    if (error == std::errc() && end == low.data() + low.size()) return fmt::format("{}", value);
    return std::nullopt;
  }
  std::string plain;
  for (const char c : low) {
    if (c == ',') {
      plain += '.';
    } else if (c != '_' && !(c == '+' && plain.empty())) {
      plain += c;
    }
  }
  const bool negative = plain.starts_with('-');
  if (negative) plain.erase(0, 1);
  while (plain.size() > 1 && plain[0] == '0' && is_digit(plain[1])) plain.erase(0, 1);
  if (plain.empty() || !(is_digit(plain.front()) || plain.front() == '.')) return std::nullopt;
  const auto value = read_double(plain);
  if (!value) return std::nullopt;
  std::string written = fmt::format("{}{}", negative ? "-" : "", *value);
  return parse_number(written) && written != text ? std::optional(written) : std::nullopt;
}

std::optional<std::string> plain_boolean(std::string_view text) {
  const std::string low = lowered(text);
  if (low == "true" || low == "yes" || low == "on" || low == "y" || low == "1") return "true";
  if (low == "false" || low == "no" || low == "off" || low == "n" || low == "0") return "false";
  return std::nullopt;
}

bool valid_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == ' ' || text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    const bool other_script = static_cast<unsigned char>(c) >= 0x80;
    return other_script || is_digit(c) || is_letter(c) || c == ' ' || c == '-' || c == '_' || c == '.';
  });
}

bool valid_host(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return valid_ipv6(text);
  if (text.empty() || text.size() > 253) return false;
  const bool numeric = std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  if (numeric) return valid_ipv4(text);
  while (true) {
    const std::size_t dot = text.find('.');
    if (!valid_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool valid_mac(std::string_view text) {
  if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != text[2] : !is_hex(text[i])) return false;
  }
  return true;
}

std::string plain_mac(std::string_view text) {
  std::string out = lowered(text);
  std::replace(out.begin(), out.end(), '-', ':');
  return out;
}

std::optional<std::string> nearest(std::string_view text, const std::vector<std::string>& names) {
  if (text.size() > 64) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t apart = distance(text, name);
    if (apart < best_distance) {
      best = name;
      best_distance = apart;
    }
  }
  return best;
}

std::optional<HttpUrl> parse_http_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme) || url.find_first_of("@?# ") != std::string_view::npos) return std::nullopt;
  url.remove_prefix(kScheme.size());
  HttpUrl parts;
  const auto slash = std::min(url.find('/'), url.size());
  parts.base = url.substr(slash);
  while (parts.base.ends_with('/')) parts.base.pop_back();
  std::string_view authority = url.substr(0, slash);
  const auto bracket = authority.find(']');  // an IPv6 address stands in brackets, for its colons
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const auto port = parse_integer(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    parts.port = static_cast<std::uint16_t>(*port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  parts.host = authority;
  return valid_host(parts.host) ? std::optional(parts) : std::nullopt;
}

}  // namespace sluice::config
